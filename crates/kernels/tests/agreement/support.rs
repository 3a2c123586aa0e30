//! What the tests have in common.

use candle_core::{DType, Device, Tensor};

/// Values that look random, in [-1, 1), of a seed.
pub(crate) fn values(shape: &[usize], seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let all: Vec<f32> = (0..shape.iter().product::<usize>()).map(next).collect();
    Tensor::from_vec(all, shape, &Device::Cpu).expect("the shape is that of the values")
}

/// Largest difference of two tensors of one shape.
pub(crate) fn off(ours: &Tensor, reference: &Tensor) -> f32 {
    assert_eq!(ours.dims(), reference.dims());
    let wide = |x: &Tensor| x.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    let difference = (wide(ours) - wide(reference)).unwrap().abs().unwrap();
    difference.max(0).unwrap().to_scalar::<f64>().unwrap() as f32
}
