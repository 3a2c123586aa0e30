//! Values that are stored in one way, written in another.

use std::cell::Cell;

use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};
use half::slice::{HalfBitsSliceExt as _, HalfFloatSliceExt as _};
use half::{bf16, f16};

use crate::WeightsError;
use crate::gguf::{BlockKind, quantised};

/// Values that are made into blocks at once: few enough to stay near, whole blocks of every kind.
const BLOCKS: usize = 1 << 14;

/// The values in `bytes`, stored as `from`, written as `kind` into `to`: each number is rounded to the nearest, blocks
/// are unpacked into f32 and made of f32, as candle does with a whole tensor. Both sides are whole blocks.
///
/// # Errors
/// When a kind is neither fractions nor blocks, or the bytes of both sides are not as many values.
pub fn recode(
    from: BlockKind,
    bytes: &[u8],
    kind: BlockKind,
    to: &mut [u8],
) -> Result<(), WeightsError> {
    let count = |kind: BlockKind, bytes: usize| {
        let one = kind.bytes_of(&[kind.block()]).unwrap_or(1);
        bytes.is_multiple_of(one).then_some(bytes / one * kind.block())
    };
    let values = count(from, bytes.len());
    let Some(values) = values.filter(|values| count(kind, to.len()) == Some(*values)) else {
        let message = format!(
            "{} bytes in {from} are not as many values as {} in {kind}",
            bytes.len(),
            to.len()
        );
        return Err(candle_core::Error::Msg(message).into());
    };
    match (from, kind) {
        (from, kind) if from == kind => to.copy_from_slice(bytes),
        (BlockKind::Bf16, BlockKind::F32) => {
            for (to, from) in to.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
                *to = bf16::from_le_bytes(*from).to_f32().to_le_bytes();
            }
        }
        (BlockKind::F32, BlockKind::Bf16) => {
            for (to, from) in to.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
                *to = bf16::from_f32(f32::from_le_bytes(*from)).to_le_bytes();
            }
        }
        _ => {
            thread_local! {
                /// Kept by the thread, as rows are.
                static WIDE: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
            }
            let mut wide = WIDE.take();
            wide.resize(wide.len().max(values), 0.0);
            let numbers = &mut wide[..values];
            let done = widen(from, bytes, numbers).and_then(|()| narrow(numbers, kind, to));
            WIDE.set(wide);
            done?;
        }
    }
    Ok(())
}

/// Stored values in f32.
fn widen(from: BlockKind, bytes: &[u8], to: &mut [f32]) -> Result<(), WeightsError> {
    match from {
        BlockKind::F32 => {
            for (to, from) in to.iter_mut().zip(bytes.as_chunks().0) {
                *to = f32::from_le_bytes(*from);
            }
        }
        BlockKind::Bf16 => {
            for (to, from) in to.iter_mut().zip(bytes.as_chunks().0) {
                *to = bf16::from_le_bytes(*from).to_f32();
            }
        }
        BlockKind::F16 => {
            // Many at once by the processor, where it can.
            let mut some = [0_u16; 256];
            for (to, from) in to.chunks_mut(some.len()).zip(bytes.chunks(2 * some.len())) {
                let some = &mut some[..to.len()];
                for (to, from) in some.iter_mut().zip(from.as_chunks().0) {
                    *to = u16::from_le_bytes(*from);
                }
                some.reinterpret_cast::<f16>().convert_to_f32_slice(to);
            }
        }
        _ => {
            let block = from.bytes_of(&[from.block()]).unwrap_or(1);
            let part = BLOCKS / from.block() * block;
            for (to, from_bytes) in to.chunks_mut(BLOCKS).zip(bytes.chunks(part)) {
                let blocks = quantised(from, from_bytes, &[to.len()])?;
                to.copy_from_slice(&blocks.dequantize(&Device::Cpu)?.to_vec1::<f32>()?);
            }
        }
    }
    Ok(())
}

/// Values of f32 in another kind.
fn narrow(values: &[f32], kind: BlockKind, to: &mut [u8]) -> Result<(), WeightsError> {
    match kind {
        BlockKind::F32 => {
            for (to, from) in to.as_chunks_mut().0.iter_mut().zip(values) {
                *to = from.to_le_bytes();
            }
        }
        BlockKind::Bf16 => {
            for (to, from) in to.as_chunks_mut().0.iter_mut().zip(values) {
                *to = bf16::from_f32(*from).to_le_bytes();
            }
        }
        BlockKind::F16 => {
            let mut some = [f16::ZERO; 256];
            for (to, from) in to.chunks_mut(2 * some.len()).zip(values.chunks(some.len())) {
                let some = &mut some[..from.len()];
                some.convert_from_f32_slice(from);
                for (to, from) in to.as_chunks_mut().0.iter_mut().zip(some) {
                    *to = from.to_le_bytes();
                }
            }
        }
        _ => {
            let Some(candle) = kind.quantised() else {
                let message = format!("{kind} is neither fractions nor blocks of them");
                return Err(candle_core::Error::Msg(message).into());
            };
            let block = kind.bytes_of(&[kind.block()]).unwrap_or(1);
            let part = BLOCKS / kind.block() * block;
            for (to, from) in to.chunks_mut(part).zip(values.chunks(BLOCKS)) {
                let from = Tensor::from_slice(from, from.len(), &Device::Cpu)?;
                to.copy_from_slice(&QTensor::quantize(&from, candle)?.data()?);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use candle_core::DType;
    use proptest::prelude::*;

    use super::*;
    use crate::gguf::tensor;
    use crate::write::bytes_of;

    const FLOATS: [(BlockKind, DType); 3] = [
        (BlockKind::F32, DType::F32),
        (BlockKind::F16, DType::F16),
        (BlockKind::Bf16, DType::BF16),
    ];

    proptest! {
        #[test]
        fn numbers_are_rounded_as_candle_rounds_them(bits in prop::collection::vec(any::<u32>(), 1..600)) {
            // Not numbers have many forms, of which some processors choose others.
            let values: Vec<f32> =
                bits.into_iter().map(f32::from_bits).filter(|value| !value.is_nan()).collect();
            let count = values.len();
            let values = Tensor::from_vec(values, count, &Device::Cpu).unwrap();
            for (from, dtype) in FLOATS {
                let stored = values.to_dtype(dtype).unwrap();
                for (kind, dtype) in FLOATS {
                    let expected = bytes_of(&stored.to_dtype(dtype).unwrap()).unwrap();
                    let mut found = vec![0; expected.len()];
                    recode(from, &bytes_of(&stored).unwrap(), kind, &mut found).unwrap();
                    prop_assert_eq!(found, expected, "{} to {}", from, kind);
                }
            }
        }
    }

    #[test]
    fn blocks_are_those_of_the_whole_tensor() {
        let count = 3 * BLOCKS + 512;
        let values: Vec<f32> =
            (0..count).map(|at| ((at * 7919) % 1013) as f32 / 500.0 - 1.0).collect();
        let wide = Tensor::from_vec(values, count, &Device::Cpu).unwrap();
        let stored = bytes_of(&wide.to_dtype(DType::BF16).unwrap()).unwrap();
        let number = wide.to_dtype(DType::BF16).unwrap();
        for kind in [BlockKind::Q8_0, BlockKind::Q4K] {
            let whole = QTensor::quantize(&number, kind.quantised().unwrap()).unwrap();
            let whole = whole.data().unwrap().into_owned();
            let mut found = vec![0; whole.len()];
            recode(BlockKind::Bf16, &stored, kind, &mut found).unwrap();
            assert!(found == whole, "{kind}");
            let f16 =
                bytes_of(&tensor(kind, &whole, &[count]).unwrap().to_dtype(DType::F16).unwrap());
            let mut found = vec![0; 2 * count];
            recode(kind, &whole, BlockKind::F16, &mut found).unwrap();
            assert!(found == f16.unwrap(), "{kind} unpacked");
        }
    }

    #[test]
    fn sides_that_do_not_fit_are_refused() {
        let fails = |from, bytes: usize, kind, to: usize| {
            recode(from, &vec![0; bytes], kind, &mut vec![0; to]).is_err()
        };
        assert!(fails(BlockKind::F32, 8, BlockKind::Bf16, 8));
        assert!(fails(BlockKind::Q8_0, 33, BlockKind::F32, 128));
        assert!(
            fails(BlockKind::I32, 8, BlockKind::F32, 8)
                && fails(BlockKind::F32, 8, BlockKind::F64, 16)
        );
    }
}
