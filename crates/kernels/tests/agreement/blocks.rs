//! Products of blocks against the same by candle's own operations on unpacked weights.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use omnivale_kernels::{Activation, After, BlockFormat, BlockLinear, Kernel};
use proptest::prelude::*;

use crate::support::values;

const FORMATS: [BlockFormat; 2] = [BlockFormat::Q8_0, BlockFormat::Q4K];

/// A weight in blocks: its bytes, and what they say in f64.
fn weight(format: BlockFormat, outputs: usize, inputs: usize, seed: u32) -> (Vec<u8>, Tensor) {
    let kind = match format {
        BlockFormat::Q8_0 => GgmlDType::Q8_0,
        BlockFormat::Q4K => GgmlDType::Q4K,
    };
    let tensor = QTensor::quantize(&values(&[outputs, inputs], seed), kind).unwrap();
    let wide = tensor.dequantize(&Device::Cpu).unwrap().to_dtype(DType::F64).unwrap();
    (tensor.data().unwrap().into_owned(), wide)
}

fn layers(format: BlockFormat, weights: &[&[u8]], inputs: usize) -> Vec<(Kernel, BlockLinear)> {
    let of = |kernel| Some((kernel, BlockLinear::with(format, weights, inputs, kernel).unwrap()?));
    Kernel::available().into_iter().filter_map(of).collect()
}

fn all(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The most that rounding the input to eight bits can change a product: half a step of each block's scale for each
/// value, and a little for sums in f32.
fn bound(x: &Tensor, wide: &Tensor, format: BlockFormat) -> Vec<f64> {
    let (rows, inputs) = x.dims2().unwrap();
    let blocks = inputs / format.values();
    let x = x.to_dtype(DType::F64).unwrap().abs().unwrap();
    let blocked = x.reshape((rows, blocks, format.values())).unwrap();
    let steps = (blocked.max_keepdim(2).unwrap() / 254.0).unwrap();
    let steps = steps.broadcast_as(blocked.shape()).unwrap().reshape((rows, inputs)).unwrap();
    let steps = (steps * 1.001).unwrap() + (x * 1e-5).unwrap();
    let most = steps.unwrap().matmul(&wide.abs().unwrap().t().unwrap()).unwrap();
    // A Q4_K value is the difference of two larger numbers.
    all(&most).into_iter().map(|most| most + 1e-4 * inputs as f64).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_product_of_blocks_is_that_of_their_values(
        format in prop::sample::select(&FORMATS[..]),
        rows in 1_usize..30,
        blocks in 1_usize..9,
        outputs in 1_usize..90,
        scale in prop::sample::select(vec![1e-3_f64, 1.0, 300.0]),
        seed in any::<u32>(),
    ) {
        let inputs = format.values() * blocks;
        let (bytes, wide) = weight(format, outputs, inputs, seed);
        let x = values(&[rows, inputs], seed ^ 1);
        let expected = all(&x.to_dtype(DType::F64).unwrap().matmul(&wide.t().unwrap()).unwrap());
        let most = bound(&x, &wide, format);
        let scaled = (&x * scale).unwrap();
        for (kernel, layer) in layers(format, &[&bytes], inputs) {
            let found = all(&layer.forward(&scaled).unwrap());
            for ((found, expected), most) in found.iter().zip(&expected).zip(&most) {
                let found = found / scale;
                prop_assert!((found - expected).abs() <= *most, "{kernel:?}: {found}, {expected}");
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_company(
        format in prop::sample::select(&FORMATS[..]),
        rows in 2_usize..30,
        blocks in 1_usize..4,
        outputs in 1_usize..70,
        threads in 1_usize..5,
        seed in any::<u32>(),
    ) {
        let inputs = format.values() * blocks;
        let (bytes, _) = weight(format, outputs, inputs, seed);
        let x = values(&[rows, inputs], seed ^ 2);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for (_, layer) in layers(format, &[&bytes], inputs) {
            let together = pool.install(|| layer.forward(&x).unwrap());
            for row in 0..rows {
                let own = x.narrow(0, row, 1).unwrap();
                let alone = layer.forward(&own).unwrap();
                prop_assert_eq!(all(&alone), all(&together.narrow(0, row, 1).unwrap()));
            }
        }
    }

    #[test]
    fn several_weights_are_one_product(
        format in prop::sample::select(&FORMATS[..]),
        rows in 1_usize..9,
        outputs in prop::collection::vec(1_usize..40, 1..4),
        seed in any::<u32>(),
    ) {
        let inputs = format.values();
        let made: Vec<Vec<u8>> =
            outputs.iter().map(|outputs| weight(format, *outputs, inputs, seed).0).collect();
        let weights: Vec<&[u8]> = made.iter().map(Vec::as_slice).collect();
        let x = values(&[rows, inputs], seed ^ 3);
        for (kernel, joined) in layers(format, &weights, inputs) {
            let found = joined.forward(&x).unwrap();
            let mut first = 0;
            for (bytes, outputs) in weights.iter().zip(&outputs) {
                let alone = BlockLinear::with(format, &[bytes], inputs, kernel).unwrap().unwrap();
                let part = found.narrow(1, first, *outputs).unwrap();
                prop_assert_eq!(all(&part), all(&alone.forward(&x).unwrap()));
                first += outputs;
            }
        }
    }
}

#[test]
fn what_comes_after_is_done_in_the_same_operation() {
    for format in FORMATS {
        let inputs = format.values() * 2;
        let (bytes, _) = weight(format, 37, inputs, 5);
        let x = values(&[2, 3, inputs], 6);
        let (factor, residual) = (values(&[2, 3, 37], 7), values(&[2, 3, 37], 8));
        for (_, layer) in layers(format, &[&bytes], inputs) {
            let plain = layer.forward(&x).unwrap();
            assert_eq!(plain.dims(), [2, 3, 37]);
            let after = After {
                activation: Activation::Silu,
                factor: Some(&factor),
                residual: Some((&residual, 0.5)),
                dtype: Some(DType::BF16),
            };
            let found = layer.forward_then(&x, &after).unwrap();
            assert_eq!(found.dtype(), DType::BF16);
            let expected = (plain.silu().unwrap() * &factor).unwrap();
            let expected = (expected + (&residual * 0.5).unwrap()).unwrap();
            for (found, expected) in all(&found).iter().zip(all(&expected)) {
                assert!((found - expected).abs() <= 0.01 * expected.abs().max(1.0));
            }
        }
    }
}

#[test]
fn a_weight_that_is_no_whole_rows_is_refused() {
    for (bytes, inputs) in [(34, 33), (35, 32), (34, 64), (34, 0)] {
        assert!(BlockLinear::new(BlockFormat::Q8_0, &[&vec![0; bytes]], inputs).is_err());
    }
    let (bytes, _) = weight(BlockFormat::Q8_0, 4, 32, 1);
    for (_, layer) in layers(BlockFormat::Q8_0, &[&bytes], 32) {
        assert_eq!((layer.inputs(), layer.outputs()), (32, 4));
        assert!(layer.forward(&values(&[2, 31], 1)).is_err());
        let other = values(&[2, 5], 1);
        let after = After { residual: Some((&other, 1.0)), ..After::default() };
        assert!(layer.forward_then(&values(&[2, 32], 1), &after).is_err());
        assert_eq!(layer.forward(&values(&[0, 32], 1)).unwrap().dims(), [0, 4]);
    }
}
