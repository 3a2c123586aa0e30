//! Products of a few rows with a large weight: what each step of decoding is made of.
//!
//! The weight is read once from memory and nothing else is: blocks of Q4_K and Q8_0 are multiplied as they are stored.
//! Each output is a sum of its own, so results do not depend on threads. Dense weights are for `kernels`.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Tensor};
use rayon::prelude::*;

use crate::LlmError;

/// Most rows that are multiplied here; more are faster with the weight in tiles.
const MOST: usize = 4;
/// Fewest outputs of a task.
const LEAST: usize = 16;
/// Tasks for each thread, so that a thread that was kept waiting does not hold up the others.
const TASKS: usize = 4;

/// `x W^T` for `x [rows, inputs]` in f32 of up to four rows; `None` where this is not the way to compute it.
///
/// # Errors
/// If a tensor operation fails.
pub(crate) fn product(weight: &QTensor, x: &Tensor) -> Result<Option<Tensor>, LlmError> {
    let (rows, inputs) = x.dims2()?;
    let fits = x.dtype() == DType::F32 && x.device().is_cpu() && !x.track_op();
    if !fits || rows == 0 || rows > MOST {
        return Ok(None);
    }
    let (outputs, _) = weight.shape().dims2()?;
    let values = || -> Result<Vec<f32>, LlmError> { Ok(x.flatten_all()?.to_vec1()?) };
    let Some(sums) = blocks(weight, inputs, values)? else { return Ok(None) };
    let sums = sums(outputs, rows);
    let sums = Tensor::from_vec(sums, (outputs, rows), x.device())?;
    Ok(Some(if rows == 1 { sums.reshape((1, outputs))? } else { sums.t()?.contiguous()? }))
}

/// An f16 in f32. Moving the exponent's bits to their place and multiplying by 2^112 is right for every finite number,
/// small ones included; weights are finite.
#[inline(always)]
fn widened(bits: u16) -> f32 {
    const SCALE: f32 = f32::from_bits((127 + 112) << 23);
    let size = f32::from_bits((u32::from(bits) & 0x7fff) << 13) * SCALE;
    f32::from_bits(size.to_bits() | (u32::from(bits) & 0x8000) << 16)
}

/// `[outputs, rows]`, each task some neighbouring outputs; `one` gives an output from its number and the row's.
fn parallel(
    outputs: usize,
    rows: usize,
    run: impl Fn(usize, &mut [f32]) + Send + Sync,
) -> Vec<f32> {
    let mut sums = vec![0.0; outputs * rows];
    let task = outputs.div_ceil(rayon::current_num_threads() * TASKS).max(LEAST);
    let each = |(at, sums): (usize, &mut [f32])| run(at * task, sums);
    sums.par_chunks_mut(task * rows).enumerate().for_each(each);
    sums
}

/// Gives the sums, `[outputs, rows]`, of a weight in blocks.
type Sums<'a> = Box<dyn Fn(usize, usize) -> Vec<f32> + 'a>;

#[cfg(target_arch = "x86_64")]
fn blocks<'a>(
    weight: &'a QTensor,
    inputs: usize,
    values: impl Fn() -> Result<Vec<f32>, LlmError>,
) -> Result<Option<Sums<'a>>, LlmError> {
    let Some(simd) = pulp::x86::V3::try_new().filter(|_| weight.device().is_cpu()) else {
        return Ok(None);
    };
    macro_rules! sums {
        ($kind:ident) => {{
            let x: Vec<$kind::Rounded> =
                values()?.as_chunks::<{ $kind::VALUES }>().0.iter().map($kind::rounded).collect();
            let bytes = weight.data()?;
            let row = inputs / $kind::VALUES;
            Some(Box::new(move |outputs, rows| {
                let (blocks, _) = bytes.as_chunks::<{ $kind::BYTES }>();
                parallel(outputs, rows, |first, sums| {
                    let weights = &blocks[first * row..];
                    simd.vectorize($kind::Rows { simd, weights, x: &x, row, rows, sums });
                })
            }))
        }};
    }
    Ok(match weight.dtype() {
        GgmlDType::Q4K => sums!(q4k),
        GgmlDType::Q8_0 => sums!(q8_0),
        _ => None,
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn blocks<'a>(
    _: &'a QTensor,
    _: usize,
    _: impl Fn() -> Result<Vec<f32>, LlmError>,
) -> Result<Option<Sums<'a>>, LlmError> {
    Ok(None)
}

#[cfg(target_arch = "x86_64")]
mod q4k;
#[cfg(target_arch = "x86_64")]
mod q8_0;

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// From -0.5 to 0.5, the same each time.
    fn values(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    fn worst(found: &Tensor, expected: &Tensor) -> f32 {
        assert_eq!(found.dims(), expected.dims());
        let difference = (found - expected).unwrap().abs().unwrap().max_all().unwrap();
        difference.to_scalar().unwrap()
    }

    #[test]
    fn a_few_rows_give_what_the_plain_product_gives() {
        for (rows, outputs, inputs) in [(1, 7, 5), (1, 64, 96), (3, 33, 256), (4, 80, 512)] {
            let x =
                Tensor::from_vec(values(rows * inputs, 1), (rows, inputs), &Device::Cpu).unwrap();
            let wide = values(outputs * inputs, 2);
            let wide = Tensor::from_vec(wide, (outputs, inputs), &Device::Cpu).unwrap();
            // Activations are rounded to eight bits.
            for (kind, most) in [(GgmlDType::Q4K, 0.04), (GgmlDType::Q8_0, 0.02)] {
                if !inputs.is_multiple_of(kind.block_size()) {
                    continue;
                }
                let weight = QTensor::quantize(&wide, kind).unwrap();
                let same = weight.dequantize(&Device::Cpu).unwrap();
                let expected = x.matmul(&same.t().unwrap()).unwrap();
                if let Some(found) = product(&weight, &x).unwrap() {
                    let worst = worst(&found, &expected);
                    assert!(worst < most, "{kind:?} {rows} {outputs} {inputs}: {worst}");
                }
            }
        }
    }

    #[test]
    fn many_rows_are_left_to_others() {
        let x = Tensor::zeros((MOST + 1, 32), DType::F32, &Device::Cpu).unwrap();
        let wide = Tensor::zeros((4, 32), DType::F32, &Device::Cpu).unwrap();
        let weight = QTensor::quantize(&wide, GgmlDType::Q8_0).unwrap();
        assert!(product(&weight, &x).unwrap().is_none());
    }

    #[test]
    fn every_finite_f16_is_widened_exactly() {
        for bits in 0..=u16::MAX {
            let value = half::f16::from_bits(bits);
            if value.is_finite() {
                assert_eq!(widened(bits).to_bits(), value.to_f32().to_bits(), "{bits:04x}");
            }
        }
    }
}
