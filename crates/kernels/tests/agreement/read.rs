//! Weights that are read where they are packed, against the same given whole.

use candle_core::{DType, Error, Tensor};
use omnivale_kernels::{BlockFormat, BlockLinear, Kernel, Linear};
use proptest::prelude::*;

use crate::support::values;

/// The bytes of a matrix, the lowest of each value first.
fn bytes(w: &Tensor) -> Vec<u8> {
    let w = w.flatten_all().unwrap();
    match w.dtype() {
        DType::F32 => w.to_vec1::<f32>().unwrap().iter().flat_map(|x| x.to_le_bytes()).collect(),
        DType::BF16 => {
            w.to_vec1::<half::bf16>().unwrap().iter().flat_map(|x| x.to_le_bytes()).collect()
        }
        _ => w.to_vec1::<half::f16>().unwrap().iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

/// What gives rows out of `all`.
fn rows(all: &[u8], row: usize) -> impl Fn(usize, &mut [u8]) -> Result<(), Error> + Sync {
    move |first, to| {
        to.copy_from_slice(&all[first * row..][..to.len()]);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_weight_that_is_read_in_parts_is_the_one_that_is_given_whole(
        inputs in 1usize..150,
        outputs in 1usize..150,
        format in 0usize..3,
        seed in any::<u32>(),
    ) {
        let format = [DType::F32, DType::BF16, DType::F16][format];
        let w = values(&[outputs, inputs], seed).to_dtype(format).unwrap();
        let b = values(&[outputs], seed ^ 1);
        let x = values(&[3, inputs], seed ^ 2).to_dtype(format).unwrap();
        let all = bytes(&w);
        for kernel in Kernel::available() {
            let whole = Linear::with(&w, Some(&b), kernel).unwrap().forward(&x).unwrap();
            let read = rows(&all, inputs * format.size_in_bytes());
            let linear = kernel.used_in(|| Linear::read(format, (outputs, inputs), Some(&b), &read));
            let found = linear.unwrap().forward(&x).unwrap();
            prop_assert_eq!(bytes(&found), bytes(&whole), "{:?} in {:?}", kernel, format);
        }
    }
}

#[test]
fn blocks_that_are_read_in_parts_are_those_that_are_given_whole() {
    for format in [BlockFormat::Q8_0, BlockFormat::Q4K] {
        let (outputs, inputs) = (77, 2 * format.values());
        let row = 2 * format.bytes();
        let mut all: Vec<u8> = (0..outputs * row).map(|at| (at * 31 % 251) as u8).collect();
        for block in all.chunks_exact_mut(format.bytes()) {
            // The upper byte of each scale: a number that is small and there.
            block[1] = 0x2c;
            if format == BlockFormat::Q4K {
                block[3] = 0x2c;
            }
        }
        let x = values(&[5, inputs], 3);
        for kernel in Kernel::available() {
            let Some(whole) = BlockLinear::with(format, &[&all], inputs, kernel).unwrap() else {
                continue;
            };
            let read = rows(&all, row);
            let found = kernel.used_in(|| BlockLinear::read(format, (outputs, inputs), &read));
            let found = found.unwrap().unwrap();
            assert_eq!((found.outputs(), found.inputs()), (outputs, inputs));
            let found = bytes(&found.forward(&x).unwrap());
            assert_eq!(found, bytes(&whole.forward(&x).unwrap()), "{kernel:?}");
        }
    }
}

#[test]
fn what_reading_ends_with_is_passed_on() {
    let failing = |first: usize, to: &mut [u8]| {
        to.fill(0);
        if first >= 64 { Err(Error::Msg(format!("row {first} is gone")).bt()) } else { Ok(()) }
    };
    for kernel in Kernel::available() {
        let found = kernel.used_in(|| Linear::read(DType::F32, (256, 8), None, &failing));
        if !matches!(kernel, Kernel::Tensors | Kernel::OneDnn) {
            assert!(found.unwrap_err().to_string().contains("is gone"), "{kernel:?}");
        }
    }
    let found = BlockLinear::read(BlockFormat::Q8_0, (256, 32), &failing);
    assert!(!matches!(found, Ok(Some(_))));
    assert!(BlockLinear::read(BlockFormat::Q8_0, (1, 33), &failing).is_err());
    assert!(Linear::read(DType::U8, (1, 8), None, &failing).is_err());
}
