//! The kernel's machine code, by the processor's AMX or by the emulator, and the emulator against Intel's manual.

#![expect(clippy::unwrap_used, reason = "the helpers are of tests alone")]

use candle_core::{DType, Device, Tensor, Var};
use proptest::prelude::*;

use super::emulator;
use super::tiles::{Heights, OUTPUTS, ROWS, Run, STEP_BYTES, Tiles};
use super::{AMX_BF16, AMX_TILE, TILE_STATES, lacking, spin};
use crate::{Activation, After, Kernel, Linear};

/// Values that look random, in [-1, 1), of a seed.
fn values(shape: &[usize], seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let all: Vec<f32> = (0..shape.iter().product::<usize>()).map(next).collect();
    Tensor::from_vec(all, shape, &Device::Cpu).unwrap()
}

fn half(x: &Tensor) -> Tensor {
    x.to_dtype(DType::BF16).unwrap()
}

fn wide(x: &Tensor) -> Tensor {
    x.to_dtype(DType::F64).unwrap()
}

/// Largest difference.
fn off(ours: &Tensor, reference: &Tensor) -> f64 {
    assert_eq!(ours.dims(), reference.dims());
    let difference = (wide(ours) - wide(reference)).unwrap().abs().unwrap().flatten_all().unwrap();
    difference.max(0).unwrap().to_scalar::<f64>().unwrap()
}

/// The implementation, on any processor.
fn amx() -> Kernel {
    emulator::provide();
    Kernel::named("amx").unwrap()
}

/// Runs it on `threads` threads, and tells whether instructions were carried out where they had to be, and all tiles
/// given back.
fn on<R: Send>(threads: usize, act: impl Fn() -> R + Send + Sync) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let made = pool.install(act);
    if emulator::installed() {
        let threads = pool.broadcast(|_| emulator::of_thread());
        assert!(threads.iter().any(|thread| thread.1 > 0), "the product was made without tiles");
        assert!(threads.iter().all(|thread| !thread.0), "a thread kept its tiles");
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn sums_of_whole_numbers_are_exact(
        rows in prop_oneof![1usize..80, 250usize..270],
        inputs in 1usize..140,
        outputs in 1usize..110,
        seed in any::<u32>(),
    ) {
        let whole = |shape: &[usize], seed| (values(shape, seed) * 9.0).unwrap().round().unwrap();
        let (x, w) = (whole(&[rows, inputs], seed), whole(&[outputs, inputs], seed ^ 1));
        let linear = Linear::with(&half(&w), None, amx()).unwrap();
        let y = on(2, || linear.forward(&x).unwrap());
        prop_assert_eq!(off(&y, &wide(&x).matmul(&wide(&w).t().unwrap()).unwrap()), 0.0);
    }

    #[test]
    fn tiles_agree_with_candle_whatever_comes_after_the_product(
        rows in 1usize..70,
        inputs in 1usize..200,
        outputs in 1usize..100,
        activation in 0usize..5,
        format in 0usize..3,
        (with_bias, turned) in any::<(bool, bool)>(),
        seed in any::<u32>(),
    ) {
        let format = [DType::F32, DType::BF16, DType::F16][format];
        let activation = [
            Activation::None,
            Activation::Relu,
            Activation::Gelu,
            Activation::QuickGelu,
            Activation::Silu,
        ][activation];
        let x = match turned {
            true => half(&values(&[inputs, rows], seed)).t().unwrap(),
            false => half(&values(&[rows, inputs], seed)),
        };
        let x = x.to_dtype(format).unwrap();
        let w = half(&values(&[outputs, inputs], seed ^ 1));
        let b = with_bias.then(|| values(&[outputs], seed ^ 2));
        let (factor, residual) = (values(&[rows, outputs], seed ^ 3), values(&[rows, outputs], seed ^ 4));
        let z = wide(&x).contiguous().unwrap().matmul(&wide(&w).t().unwrap()).unwrap();
        let z = match &b {
            Some(b) => z.broadcast_add(&wide(b)).unwrap(),
            None => z,
        };
        let reference = activation.on_tensor(&z).unwrap();
        let linear = Linear::with(&w, b.as_ref(), amx()).unwrap();
        // Sums of up to 200 products of numbers below 1, rounded to f32.
        let near = 2e-5;
        let after = After { activation, dtype: Some(DType::F32), ..After::default() };
        let y = on(3, || linear.forward_then(&x, &after).unwrap());
        prop_assert!(off(&y, &reference) < near, "{:e}", off(&y, &reference));
        let after = After { factor: Some(&factor), residual: Some((&residual, 0.5)), ..after };
        let y = on(1, || linear.forward_then(&x, &after).unwrap());
        let all = (reference * wide(&factor)).unwrap() + (wide(&residual) * 0.5).unwrap();
        prop_assert!(off(&y, &all.unwrap()) < near);
        let narrow = on(1, || linear.forward_then(&x, &After { dtype: None, ..after.clone() }).unwrap());
        prop_assert_eq!(narrow.dtype(), format);
        prop_assert_eq!(off(&narrow, &y.to_dtype(format).unwrap()), 0.0);
        // The vectors round in another order.
        let vectors = Linear::with(&w, b.as_ref(), Kernel::Avx512).unwrap();
        prop_assert!(off(&y, &vectors.forward_then(&x, &after).unwrap()) < near);
    }

    #[test]
    fn a_row_is_the_same_in_any_company_and_on_any_number_of_threads(
        rows in 2usize..130,
        inputs in 1usize..1500,
        outputs in 1usize..80,
        seed in any::<u32>(),
    ) {
        let x = half(&values(&[rows, inputs], seed));
        let linear = Linear::with(&half(&values(&[outputs, inputs], seed ^ 1)), None, amx()).unwrap();
        let after = After { dtype: Some(DType::F32), ..After::default() };
        let of = |x: &Tensor| linear.forward_then(x, &after).unwrap().to_vec2::<f32>().unwrap();
        let alone = on(1, || of(&x));
        prop_assert_eq!(&alone, &on(3, || of(&x)));
        for count in [1, 2, rows.min(17), rows / 2 + 1] {
            let part = on(1, || of(&x.narrow(0, rows - count, count).unwrap()));
            prop_assert_eq!(&part[..], &alone[rows - count..]);
        }
    }
}

#[test]
fn many_rows_and_inputs_go_in_several_tasks_and_chunks() {
    let (x, w) = (values(&[300, 1400], 1), values(&[70, 1400], 2));
    let (x, w) = (half(&x), half(&w));
    let linear = Linear::with(&w, None, amx()).unwrap();
    let after = After { dtype: Some(DType::F32), ..After::default() };
    let y = on(2, || linear.forward_then(&x, &after).unwrap());
    let reference = wide(&x).matmul(&wide(&w).t().unwrap()).unwrap();
    assert!(off(&y, &reference) < 2e-4, "{:e}", off(&y, &reference));
}

#[test]
fn weights_of_other_formats_go_the_vectors_way() {
    let (x, w) = (values(&[5, 40], 1), values(&[33, 40], 2));
    // Without vectors of 16 it takes the best there are.
    let vectors = Kernel::Avx512;
    for format in [DType::F32, DType::F16] {
        let w = w.to_dtype(format).unwrap();
        let by = |kernel| Linear::with(&w, None, kernel).unwrap().forward(&x).unwrap();
        assert_eq!(off(&by(amx()), &by(vectors)), 0.0, "{format:?}");
    }
}

#[test]
fn the_gradient_goes_through_tiles_and_back() {
    let x = Var::from_tensor(&values(&[2, 5, 37], 1)).unwrap();
    let w = half(&values(&[45, 37], 2));
    let along = values(&[2, 5, 45], 3);
    let linear = Linear::with(&w, None, amx()).unwrap();
    let gradient = on(2, || {
        let y = linear.forward(&x).unwrap();
        let gradients = (y * &along).unwrap().sum_all().unwrap().backward().unwrap();
        gradients.get(&x).unwrap().clone()
    });
    // The gradient of the result is rounded to bf16, as the rows are.
    let reference = wide(&half(&along)).broadcast_matmul(&wide(&w)).unwrap();
    assert!(off(&gradient, &reference) < 2e-5, "{:e}", off(&gradient, &reference));
}

#[test]
fn infinities_and_what_is_no_number_stay_in_their_rows() {
    let linear = Linear::with(&half(&values(&[3, 33], 1)), None, amx()).unwrap();
    let x = values(&[4, 33], 2).to_vec2::<f32>().unwrap();
    let mut wild = x.clone();
    wild[1][32] = f32::NAN;
    wild[2][0] = f32::INFINITY;
    let of = |x: Vec<Vec<f32>>| {
        let x = Tensor::new(x, &Device::Cpu).unwrap();
        on(1, || linear.forward(&x).unwrap()).to_vec2::<f32>().unwrap()
    };
    let (tame, wild) = (of(x), of(wild));
    assert!(wild[1].iter().all(|y| y.is_nan()), "{wild:?}");
    assert!(wild[2].iter().all(|y| y.is_infinite()), "{wild:?}");
    assert_eq!((&wild[0], &wild[3]), (&tame[0], &tame[3]));
}

#[test]
fn nothing_of_an_earlier_product_gets_into_the_next() {
    let w = half(&values(&[3, 33], 1));
    let wild = Tensor::full(f32::NAN, (64, 256), &Device::Cpu).unwrap();
    let wide_one = Linear::with(&half(&values(&[3, 256], 2)), None, amx()).unwrap();
    let linear = Linear::with(&w, None, amx()).unwrap();
    let x = values(&[5, 33], 3);
    let (wild, tame) = on(1, || (wide_one.forward(&wild).unwrap(), linear.forward(&x).unwrap()));
    assert!(wild.to_vec2::<f32>().unwrap().iter().flatten().all(|y| y.is_nan()));
    let reference = wide(&half(&x)).matmul(&wide(&w).t().unwrap()).unwrap();
    assert!(off(&tame, &reference) < 2e-5, "{tame}");
}

/// Memory that ends where none begins: what reads or writes beyond it is stopped at once.
struct Guarded {
    at: *mut u8,
    bytes: usize,
}

impl Guarded {
    const PAGE: usize = 4096;

    fn new(bytes: usize) -> Self {
        let all = bytes.next_multiple_of(Self::PAGE) + Self::PAGE;
        // SAFETY: fresh pages, of which the last is taken away again.
        unsafe {
            let (rights, kind) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let at = libc::mmap(std::ptr::null_mut(), all, rights, kind, -1, 0);
            assert_ne!(at, libc::MAP_FAILED);
            let end = at.byte_add(all - Self::PAGE);
            assert_eq!(libc::mprotect(end, Self::PAGE, libc::PROT_NONE), 0);
            Self { at: end.byte_sub(bytes).cast(), bytes }
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let all = self.bytes.next_multiple_of(Self::PAGE) + Self::PAGE;
        // SAFETY: the pages are this one's own.
        unsafe {
            libc::munmap(self.at.add(self.bytes).byte_add(Self::PAGE).byte_sub(all).cast(), all)
        };
    }
}

#[test]
fn a_block_touches_its_own_memory_alone() {
    amx();
    for rows in 1..=ROWS {
        let heights = Heights::of(rows);
        assert!(heights.rows() >= rows && heights.rows() <= rows.max(2), "{heights:?}");
        let steps = 3;
        let left = Guarded::new(steps * heights.rows() * 64);
        let right = Guarded::new(steps * STEP_BYTES);
        let sums = Guarded::new(heights.rows() * OUTPUTS * 4);
        let run = Run { steps, left: left.at, right: right.at, sums: sums.at.cast(), fresh: true };
        // SAFETY: AMX is provided for, and the memory is as large as a run needs.
        unsafe {
            std::slice::from_raw_parts_mut(left.at.cast::<u16>(), left.bytes / 2).fill(0x3f80);
            std::slice::from_raw_parts_mut(right.at.cast::<u16>(), right.bytes / 2).fill(0x4000);
            let tiles = Tiles::new(heights);
            tiles.multiply(run);
            tiles.multiply(Run { fresh: false, ..run });
            let sums = std::slice::from_raw_parts(run.sums, heights.rows() * OUTPUTS);
            assert!(sums.iter().all(|sum| *sum == 2.0 * 96.0 * 2.0), "{sums:?}");
        }
    }
}

#[test]
fn what_the_measure_of_speed_counts_is_done() {
    amx();
    // SAFETY: AMX is provided for.
    let flops = on(1, || unsafe { spin(3) });
    assert_eq!(flops, 3.0 * 2.0 * 32.0 * 32.0 * 32.0);
}

#[test]
fn what_is_lacking_is_said() {
    assert_eq!(lacking(AMX_BF16 | AMX_TILE, TILE_STATES | 7), None);
    assert_eq!(lacking(0, TILE_STATES), Some("the processor has no AMX"));
    assert!(lacking(AMX_TILE, TILE_STATES).unwrap().contains("bf16"));
    assert!(lacking(AMX_BF16 | AMX_TILE, 7).unwrap().contains("the system"));
    assert!(lacking(AMX_BF16 | AMX_TILE, 1 << 17).unwrap().contains("the system"));
    // Where a program may use AVX, the system keeps its registers: bit 2.
    assert_eq!(super::states() & 4 != 0, std::arch::is_x86_feature_detected!("avx"));
}
