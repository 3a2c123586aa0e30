//! Memory that kernels work in: aligned to cache lines, reused, and shared between threads that write apart.

use std::cell::Cell;
use std::marker::PhantomData;

use candle_core::{CpuStorage, Layout, Result};
use half::{bf16, f16};

/// Makes the allocator keep what is freed between two operations.
///
/// glibc maps every buffer of more than 128 KB anew and hands it back when it is freed, so that each product's result
/// comes in pages that the system must clear first: a fifth of the time of a prompt of 128 tokens. Once a mapped buffer
/// has been freed it keeps all up to the size of that one, 32 MB at most. This one is never touched, so it costs nothing;
/// other allocators take no notice.
pub(crate) fn keep_freed_pages() {
    drop(std::hint::black_box(vec![0_u8; (32 << 20) - (64 << 10)]));
}

/// Memory that begins at a cache line, at first zero: loads of whole vectors then never touch two lines.
///
/// Zeros that are asked for come from the system without being written, where there are many: its pages are then made by
/// the threads that fill them. Large pages are not asked for: no product was found to be faster for them, and on virtual
/// machines that give back what is free they are the memory that the host has to find first.
#[derive(Default)]
pub(crate) struct Lines {
    /// A line more than is used.
    memory: Vec<u64>,
    /// Bytes before the first line.
    before: usize,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl Lines {
    pub(crate) fn new(bytes: usize) -> Self {
        if bytes == 0 {
            return Self::default();
        }
        let memory = vec![0_u64; (bytes.div_ceil(LINE) + 1) * (LINE / 8)];
        let before = memory.as_ptr().addr().wrapping_neg() % LINE;
        Self { memory, before }
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.memory.len() * 8).saturating_sub(LINE)
    }

    pub(crate) fn as_ptr<T>(&self) -> *const T {
        self.memory.as_ptr().wrapping_byte_add(self.before).cast()
    }

    pub(crate) fn as_mut_ptr<T>(&mut self) -> *mut T {
        self.memory.as_mut_ptr().wrapping_byte_add(self.before).cast()
    }
}

/// Gives `act` at least `bytes` of memory that begins at a cache line; what is in it is left from before. The thread
/// keeps it for the next time.
pub(crate) fn with_scratch<R>(bytes: usize, act: impl FnOnce(*mut u8) -> R) -> R {
    thread_local! {
        static SCRATCH: Cell<Lines> = const { Cell::new(Lines { memory: Vec::new(), before: 0 }) };
    }
    let mut scratch = SCRATCH.take();
    if scratch.bytes() < bytes {
        scratch = Lines::new(bytes);
    }
    let result = act(scratch.as_mut_ptr());
    SCRATCH.set(scratch);
    result
}

/// Values of one of the formats that kernels take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Values<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
    F16(&'a [f16]),
}

impl<'a> Values<'a> {
    /// The values of a tensor, whose layout must have no gaps.
    pub(crate) fn of(storage: &'a CpuStorage, layout: &Layout) -> Result<Self> {
        let Some((begin, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("a kernel was given a tensor with gaps: {layout:?}");
        };
        Self::all(storage).map(|values| values.part(begin, end))
    }

    /// All values of a storage, in memory's order.
    pub(crate) fn all(storage: &'a CpuStorage) -> Result<Self> {
        match storage {
            CpuStorage::F32(values) => Ok(Self::F32(values)),
            CpuStorage::BF16(values) => Ok(Self::Bf16(values)),
            CpuStorage::F16(values) => Ok(Self::F16(values)),
            _ => candle_core::bail!("kernels compute with f32, bf16 and f16 alone"),
        }
    }

    pub(crate) fn part(self, begin: usize, end: usize) -> Self {
        match self {
            Self::F32(values) => Self::F32(&values[begin..end]),
            Self::Bf16(values) => Self::Bf16(&values[begin..end]),
            Self::F16(values) => Self::F16(&values[begin..end]),
        }
    }

    pub(crate) fn len(self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Bf16(values) => values.len(),
            Self::F16(values) => values.len(),
        }
    }
}

/// Where a kernel writes: one of the formats, not yet filled.
#[derive(Debug)]
pub(crate) enum Fresh {
    F32(Vec<f32>),
    Bf16(Vec<bf16>),
    F16(Vec<f16>),
}

/// The same as a pointer that tasks share; each writes a part of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Out<'a> {
    F32(Shared<'a, f32>),
    Bf16(Shared<'a, bf16>),
    F16(Shared<'a, f16>),
}

/// A pointer that may go to other threads.
#[derive(Debug)]
pub(crate) struct Shared<'a, T>(*mut T, PhantomData<&'a mut T>);

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

// SAFETY: tasks write parts that do not overlap, and nobody reads before all are done.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(to: *mut T) -> Self {
        Self(to, PhantomData)
    }

    pub(crate) fn get(self) -> *mut T {
        self.0
    }
}

impl Fresh {
    /// Room for `count` values.
    pub(crate) fn new(dtype: candle_core::DType, count: usize) -> Result<Self> {
        match dtype {
            candle_core::DType::F32 => Ok(Self::F32(Vec::with_capacity(count))),
            candle_core::DType::BF16 => Ok(Self::Bf16(Vec::with_capacity(count))),
            candle_core::DType::F16 => Ok(Self::F16(Vec::with_capacity(count))),
            other => candle_core::bail!("kernels write f32, bf16 and f16 alone, not {other:?}"),
        }
    }

    pub(crate) fn out(&mut self) -> Out<'_> {
        match self {
            Self::F32(values) => Out::F32(Shared::new(values.as_mut_ptr())),
            Self::Bf16(values) => Out::Bf16(Shared::new(values.as_mut_ptr())),
            Self::F16(values) => Out::F16(Shared::new(values.as_mut_ptr())),
        }
    }

    /// The storage, once `count` values are written.
    ///
    /// # Safety
    /// All of them must have been.
    pub(crate) unsafe fn filled(self, count: usize) -> CpuStorage {
        // SAFETY: the room was made for `count` values, and the caller has written them.
        unsafe {
            match self {
                Self::F32(mut values) => {
                    values.set_len(count);
                    CpuStorage::F32(values)
                }
                Self::Bf16(mut values) => {
                    values.set_len(count);
                    CpuStorage::BF16(values)
                }
                Self::F16(mut values) => {
                    values.set_len(count);
                    CpuStorage::F16(values)
                }
            }
        }
    }
}
