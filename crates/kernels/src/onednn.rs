//! Products by oneDNN 2, loaded where it is installed and never linked: the program runs without it.
//!
//! Its structures are passed by pointer alone, so they are opaque memory here, larger than any 2.x has. oneDNN runs on
//! one thread for each task; rows are split among tasks in blocks whose size depends on nothing.

use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use candle_core::{DType, Device, Result, Tensor};
use half::bf16;
use libloading::Library;
use rayon::prelude::*;

use crate::memory::{Lines, Shared, Values, with_scratch};
use crate::plain::finish_here;
use crate::product::Whole;

/// Rows of a task.
const ROWS: usize = 128;

/// Numbers that `dnnl_types.h` of 2.x gives.
mod number {
    use std::ffi::c_int;

    pub(super) const CPU: c_int = 1;
    pub(super) const IN_ORDER: u32 = 1;
    pub(super) const BF16: c_int = 2;
    pub(super) const F32: c_int = 3;
    pub(super) const ANY: c_int = 1;
    pub(super) const WEIGHTS_MD: c_int = 131;
    pub(super) const SOURCE: c_int = 1;
    pub(super) const RESULT: c_int = 17;
    pub(super) const WEIGHTS: c_int = 33;
}

/// A handle of the library's.
type Handle = *mut c_void;

/// Memory for a description: of 2.x's, a matrix takes about 700 bytes and a product four of these.
#[derive(Clone)]
#[repr(C, align(16))]
struct Description([u8; 8192]);

impl Description {
    fn new() -> Box<Self> {
        Box::new(Self([0; 8192]))
    }

    fn ptr(&self) -> *const c_void {
        self.0.as_ptr().cast()
    }

    fn mut_ptr(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }
}

#[repr(C)]
struct Argument {
    what: c_int,
    memory: Handle,
}

macro_rules! functions {
    ($($name:ident: fn($($kind:ty),*) -> $result:ty;)*) => {
        /// The functions of the library that are used, and the library that must stay loaded for them.
        struct Api {
            $($name: unsafe extern "C" fn($($kind),*) -> $result,)*
            one_thread: unsafe extern "C" fn(c_int),
            _library: Library,
        }

        impl Api {
            fn of(library: Library) -> std::result::Result<Self, libloading::Error> {
                // SAFETY: the signatures are those of 2.x, which `library` has checked.
                unsafe {
                    Ok(Self {
                        $($name: *library.get(concat!("dnnl_", stringify!($name)).as_bytes())?,)*
                        one_thread: *library.get(b"omp_set_num_threads")?,
                        _library: library,
                    })
                }
            }
        }
    };
}

functions! {
    engine_create: fn(*mut Handle, c_int, usize) -> c_int;
    stream_create: fn(*mut Handle, Handle, u32) -> c_int;
    stream_wait: fn(Handle) -> c_int;
    stream_destroy: fn(Handle) -> c_int;
    memory_desc_init_by_strides: fn(*mut c_void, c_int, *const i64, c_int, *const i64) -> c_int;
    memory_desc_init_by_tag: fn(*mut c_void, c_int, *const i64, c_int, c_int) -> c_int;
    memory_desc_get_size: fn(*const c_void) -> usize;
    matmul_desc_init: fn(*mut c_void, *const c_void, *const c_void, *const c_void, *const c_void) -> c_int;
    primitive_desc_create: fn(*mut Handle, *const c_void, *const c_void, Handle, *const c_void) -> c_int;
    reorder_primitive_desc_create: fn(*mut Handle, *const c_void, Handle, *const c_void, Handle, *const c_void) -> c_int;
    primitive_desc_query_md: fn(Handle, c_int, c_int) -> *const c_void;
    primitive_desc_destroy: fn(Handle) -> c_int;
    primitive_create: fn(*mut Handle, Handle) -> c_int;
    primitive_destroy: fn(Handle) -> c_int;
    primitive_execute: fn(Handle, Handle, c_int, *const Argument) -> c_int;
    memory_create: fn(*mut Handle, *const c_void, Handle, *mut c_void) -> c_int;
    memory_destroy: fn(Handle) -> c_int;
}

/// The library and its engine.
pub(crate) struct OneDnn {
    api: Api,
    engine: Handle,
}

// SAFETY: oneDNN's engine may be used by all threads, and its functions are those of a library without state.
unsafe impl Send for OneDnn {}
// SAFETY: as above.
unsafe impl Sync for OneDnn {}

/// The library, or why it cannot be used.
pub(crate) fn library() -> std::result::Result<&'static OneDnn, String> {
    static LIBRARY: OnceLock<std::result::Result<OneDnn, String>> = OnceLock::new();
    LIBRARY.get_or_init(load).as_ref().map_err(Clone::clone)
}

fn load() -> std::result::Result<OneDnn, String> {
    #[repr(C)]
    struct Version {
        major: c_int,
        minor: c_int,
    }
    const NAME: &str = "libdnnl.so.2";
    let missing = |error: libloading::Error| {
        format!("{NAME} of oneDNN 2 (Debian: libdnnl2) was not found or cannot be loaded: {error}")
    };
    // SAFETY: loading runs the library's own initialisers, which do nothing but set up its tables.
    let library = unsafe { Library::new(NAME) }.map_err(missing)?;
    // SAFETY: every version has this function, and its result begins with two numbers.
    let version = unsafe {
        let version: unsafe extern "C" fn() -> *const Version =
            *library.get(b"dnnl_version").map_err(missing)?;
        &*version()
    };
    if version.major != 2 {
        let (major, minor) = (version.major, version.minor);
        return Err(format!("{NAME} is version {major}.{minor}, whose interface is not that of 2"));
    }
    let api = Api::of(library).map_err(missing)?;
    let mut engine = null_mut();
    // SAFETY: the signature is the library's.
    let status = unsafe { (api.engine_create)(&raw mut engine, number::CPU, 0) };
    if status != 0 {
        return Err(format!("oneDNN has no engine for this processor (status {status})"));
    }
    Ok(OneDnn { api, engine })
}

fn check(status: c_int, what: &str) -> Result<()> {
    if status != 0 {
        candle_core::bail!("oneDNN: {what} failed with status {status}");
    }
    Ok(())
}

/// Something of the library's that is given back in the end.
struct Owned {
    handle: Handle,
    destroy: unsafe extern "C" fn(Handle) -> c_int,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the handle was made by the library and is given back once.
        unsafe { (self.destroy)(self.handle) };
    }
}

impl OneDnn {
    /// A matrix with these strides.
    fn matrix(
        &self,
        dims: [usize; 2],
        strides: [usize; 2],
        format: c_int,
    ) -> Result<Box<Description>> {
        let (dims, strides) = (dims.map(|at| at as i64), strides.map(|at| at as i64));
        let mut made = Description::new();
        // SAFETY: two dimensions and strides are given, and the description is large enough.
        let status = unsafe {
            (self.api.memory_desc_init_by_strides)(
                made.mut_ptr(),
                2,
                dims.as_ptr(),
                format,
                strides.as_ptr(),
            )
        };
        check(status, "describing a matrix")?;
        Ok(made)
    }

    /// A matrix laid out as the library likes.
    fn any(&self, dims: [usize; 2], format: c_int) -> Result<Box<Description>> {
        let dims = dims.map(|at| at as i64);
        let mut made = Description::new();
        // SAFETY: as above.
        let status = unsafe {
            (self.api.memory_desc_init_by_tag)(
                made.mut_ptr(),
                2,
                dims.as_ptr(),
                format,
                number::ANY,
            )
        };
        check(status, "describing a weight")?;
        Ok(made)
    }

    fn memory(&self, description: *const c_void, at: *mut c_void) -> Result<Owned> {
        let mut handle = null_mut();
        // SAFETY: the caller gives memory of the described size.
        let status =
            unsafe { (self.api.memory_create)(&raw mut handle, description, self.engine, at) };
        check(status, "naming memory")?;
        Ok(Owned { handle, destroy: self.api.memory_destroy })
    }

    /// The plan of a product of `rows` rows.
    fn plan(
        &self,
        rows: usize,
        weight: &Description,
        sizes: (usize, usize),
        format: c_int,
    ) -> Result<Owned> {
        let (inputs, outputs) = sizes;
        let source = self.matrix([rows, inputs], [inputs, 1], format)?;
        let result = self.matrix([rows, outputs], [outputs, 1], number::F32)?;
        let mut product = Description::new();
        let mut handle = null_mut();
        // SAFETY: all descriptions are whole, and the product's memory is large enough for four of them.
        unsafe {
            let status = (self.api.matmul_desc_init)(
                product.mut_ptr(),
                source.ptr(),
                weight.ptr(),
                null(),
                result.ptr(),
            );
            check(status, "describing a product")?;
            let status = (self.api.primitive_desc_create)(
                &raw mut handle,
                product.ptr(),
                null(),
                self.engine,
                null(),
            );
            check(status, "planning a product")?;
        }
        Ok(Owned { handle, destroy: self.api.primitive_desc_destroy })
    }

    /// Runs what is planned with these arguments.
    fn run(&self, plan: &Owned, arguments: &[(c_int, &Owned)]) -> Result<()> {
        let list: Vec<Argument> = arguments
            .iter()
            .map(|(what, memory)| Argument { what: *what, memory: memory.handle })
            .collect();
        let (mut primitive, mut stream) = (null_mut(), null_mut());
        // SAFETY: plan and memories are the library's own and alive; threads of OpenMP are set for this thread alone.
        unsafe {
            (self.api.one_thread)(1);
            check(
                (self.api.primitive_create)(&raw mut primitive, plan.handle),
                "making a product",
            )?;
            let primitive = Owned { handle: primitive, destroy: self.api.primitive_destroy };
            let status = (self.api.stream_create)(&raw mut stream, self.engine, number::IN_ORDER);
            check(status, "making a stream")?;
            let stream = Owned { handle: stream, destroy: self.api.stream_destroy };
            let count = list.len() as c_int;
            let status =
                (self.api.primitive_execute)(primitive.handle, stream.handle, count, list.as_ptr());
            check(status, "computing")?;
            check((self.api.stream_wait)(stream.handle), "waiting")
        }
    }

    /// Copies a matrix from one layout into another.
    fn reorder(
        &self,
        (from, from_at): (*const c_void, *mut c_void),
        (to, to_at): (*const c_void, *mut c_void),
    ) -> Result<()> {
        let mut handle = null_mut();
        // SAFETY: both descriptions are whole.
        let status = unsafe {
            (self.api.reorder_primitive_desc_create)(
                &raw mut handle,
                from,
                self.engine,
                to,
                self.engine,
                null(),
            )
        };
        check(status, "planning a copy")?;
        let plan = Owned { handle, destroy: self.api.primitive_desc_destroy };
        let (source, result) = (self.memory(from, from_at)?, self.memory(to, to_at)?);
        self.run(&plan, &[(number::SOURCE, &source), (number::RESULT, &result)])
    }
}

/// The weight of a layer, laid out as oneDNN likes it.
pub(crate) struct Weight {
    description: Box<Description>,
    lines: Lines,
    inputs: usize,
    outputs: usize,
    /// Whether it is bf16, and f32 otherwise.
    half: bool,
}

impl std::fmt::Debug for Weight {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "[{}, {}] for oneDNN", self.outputs, self.inputs)
    }
}

fn format(half: bool) -> c_int {
    if half { number::BF16 } else { number::F32 }
}

impl Weight {
    /// From `[outputs, inputs]`.
    pub(crate) fn new(weight: &Tensor) -> Result<Self> {
        let library = library().map_err(candle_core::Error::msg)?;
        let (outputs, inputs) = weight.dims2()?;
        let half = weight.dtype() == DType::BF16;
        let any = library.any([inputs, outputs], format(half))?;
        let plan = library.plan(ROWS, &any, (inputs, outputs), format(half))?;
        // SAFETY: the plan is alive; what it lends is copied while it is.
        let (description, bytes) = unsafe {
            let lent = (library.api.primitive_desc_query_md)(plan.handle, number::WEIGHTS_MD, 0);
            if lent.is_null() {
                candle_core::bail!("oneDNN does not say how it wants a weight");
            }
            let bytes = (library.api.memory_desc_get_size)(lent);
            let mut description = Description::new();
            // A matrix's description is at most a quarter of a product's, which the memory is for.
            std::ptr::copy_nonoverlapping(
                lent.cast::<u8>(),
                description.0.as_mut_ptr(),
                MATRIX_BYTES,
            );
            (description, bytes)
        };
        let mut lines = Lines::new(bytes);
        let to = (description.ptr(), lines.as_mut_ptr());
        let from = library.matrix([inputs, outputs], [1, inputs], format(half))?;
        // The library reads what it is given as its source.
        if half {
            let values = weight.flatten_all()?.to_vec1::<bf16>()?;
            library.reorder((from.ptr(), values.as_ptr().cast_mut().cast()), to)?;
        } else {
            let values = weight.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            library.reorder((from.ptr(), values.as_ptr().cast_mut().cast()), to)?;
        }
        Ok(Self { description, lines, inputs, outputs, half })
    }

    /// The weight again, `[outputs, inputs]`, in f32.
    pub(crate) fn dense(&self) -> Result<Tensor> {
        let library = library().map_err(candle_core::Error::msg)?;
        let mut values = vec![0f32; self.inputs * self.outputs];
        let to = library.matrix([self.inputs, self.outputs], [1, self.inputs], number::F32)?;
        let from = (self.description.ptr(), self.lines.as_ptr::<c_void>().cast_mut());
        library.reorder(from, (to.ptr(), values.as_mut_ptr().cast()))?;
        Tensor::from_vec(values, (self.outputs, self.inputs), &Device::Cpu)
    }
}

/// Bytes of the description of a matrix that are copied: 2.6 has 696 of them, and what follows is still the plan's that
/// lends it, which holds four of them and more.
const MATRIX_BYTES: usize = 704;

/// Computes `whole`, whose weight is oneDNN's.
pub(crate) fn product(whole: &Whole<'_>, weight: &Weight) -> Result<()> {
    let library = library().map_err(candle_core::Error::msg)?;
    let blocks = whole.rows.div_ceil(ROWS);
    let sizes = (weight.inputs, weight.outputs);
    (0..blocks).into_par_iter().try_for_each(|block| {
        let first = block * ROWS;
        let rows = ROWS.min(whole.rows - first);
        let values = whole.left.values.part(first * weight.inputs, (first + rows) * weight.inputs);
        let plan = library.plan(rows, &weight.description, sizes, format(weight.half))?;
        let sums = rows * weight.outputs;
        with_scratch(4 * (sums + rows * weight.inputs), |scratch| {
            let to: *mut f32 = scratch.cast();
            // SAFETY: the scratch has room for the sums and then for the rows.
            let from = unsafe { source(values, weight.half, to.add(sums)) };
            let described =
                library.matrix([rows, weight.inputs], [weight.inputs, 1], format(weight.half))?;
            let result =
                library.matrix([rows, weight.outputs], [weight.outputs, 1], number::F32)?;
            let source = library.memory(described.ptr(), from)?;
            let packed = weight.lines.as_ptr::<c_void>().cast_mut();
            let packed = library.memory(weight.description.ptr(), packed)?;
            let result = library.memory(result.ptr(), to.cast())?;
            let arguments =
                [(number::SOURCE, &source), (number::WEIGHTS, &packed), (number::RESULT, &result)];
            library.run(&plan, &arguments)?;
            finish_here(Shared::new(to), (first, rows), whole);
            Ok(())
        })
    })
}

/// The rows in the weight's format: where they are, or converted to `room`.
unsafe fn source(values: Values<'_>, half: bool, room: *mut f32) -> *mut c_void {
    let narrow = room.cast::<bf16>();
    match (values, half) {
        (Values::F32(values), false) => return values.as_ptr().cast_mut().cast(),
        (Values::Bf16(values), true) => return values.as_ptr().cast_mut().cast(),
        (Values::F32(values), true) => {
            for (at, value) in values.iter().enumerate() {
                // SAFETY: the caller has room for all of them.
                unsafe { *narrow.add(at) = bf16::from_f32(*value) };
            }
        }
        (Values::F16(values), true) => {
            for (at, value) in values.iter().enumerate() {
                // SAFETY: as above.
                unsafe { *narrow.add(at) = bf16::from_f32(value.to_f32()) };
            }
        }
        (Values::Bf16(values), false) => {
            for (at, value) in values.iter().enumerate() {
                // SAFETY: as above.
                unsafe { *room.add(at) = value.to_f32() };
            }
        }
        (Values::F16(values), false) => {
            for (at, value) in values.iter().enumerate() {
                // SAFETY: as above.
                unsafe { *room.add(at) = value.to_f32() };
            }
        }
    }
    room.cast()
}
