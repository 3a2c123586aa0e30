//! Backward passes against candle's own, and that a frozen weight gets no gradient.

use candle_core::{DType, Tensor, Var};
use omnivale_kernels::{Activation, After, Kernel, Linear, lora_linear};

use crate::support::{off, values};

fn var(shape: &[usize], seed: u32) -> Var {
    Var::from_tensor(&values(shape, seed)).expect("a variable of f32")
}

#[test]
fn the_gradients_of_a_linear_layer_are_those_that_candle_finds() {
    let (x, residual) = (var(&[2, 5, 7], 1), var(&[2, 5, 9], 2));
    let (weight, bias) = (var(&[9, 7], 3), values(&[9], 4));
    let along = values(&[2, 5, 9], 5);
    for activation in [
        Activation::None,
        Activation::Relu,
        Activation::Gelu,
        Activation::QuickGelu,
        Activation::Silu,
    ] {
        let z = x.broadcast_matmul(&weight.t().unwrap()).unwrap().broadcast_add(&bias).unwrap();
        let gate =
            |steep: f64| ((&z * -steep).unwrap().exp().unwrap() + 1.0).unwrap().recip().unwrap();
        let y = match activation {
            Activation::None => z.clone(),
            Activation::Relu => z.relu().unwrap(),
            Activation::Gelu => z.gelu_erf().unwrap(),
            Activation::QuickGelu => (&z * gate(1.702)).unwrap(),
            Activation::Silu => (&z * gate(1.0)).unwrap(),
        };
        let y = (y + (residual.as_tensor() * 0.5).unwrap()).unwrap();
        let reference = (y * &along).unwrap().sum_all().unwrap().backward().unwrap();
        for kernel in Kernel::available() {
            let linear = Linear::with(&weight, Some(&bias), kernel).unwrap();
            let after = After { activation, residual: Some((&residual, 0.5)), ..After::default() };
            let y = linear.forward_then(&x, &after).unwrap();
            let ours = (y * &along).unwrap().sum_all().unwrap().backward().unwrap();
            for x in [&x, &residual] {
                let off = off(ours.get(x).unwrap(), reference.get(x).unwrap());
                assert!(off < 1e-5, "{kernel:?} {activation:?}: {off:e}");
            }
            assert!(ours.get(&weight).is_none(), "the weight is frozen");
        }
    }
}

#[test]
fn a_low_rank_change_is_trained_and_its_base_is_not() {
    let (x, a, b) = (var(&[2, 5, 12], 1), var(&[3, 12], 2), var(&[8, 3], 3));
    let (weight, bias) = (var(&[8, 12], 4), values(&[8], 5));
    let along = values(&[2, 5, 8], 6);
    let product = |x: &Tensor, w: &Tensor| x.broadcast_matmul(&w.t().unwrap()).unwrap();
    let base = product(&x, &weight).broadcast_add(&bias).unwrap();
    let y = (base + (product(&product(&x, &a), &b) * 2.0).unwrap()).unwrap();
    let reference = (&y * &along).unwrap().sum_all().unwrap().backward().unwrap();
    for kernel in Kernel::available() {
        let linear = Linear::with(&weight, Some(&bias), kernel).unwrap();
        let ours = lora_linear(&linear, &x, &a, &b, 2.0).unwrap();
        assert!(off(&ours, &y) < 1e-5, "{kernel:?}");
        let ours = (ours * &along).unwrap().sum_all().unwrap().backward().unwrap();
        for x in [&x, &a, &b] {
            let off = off(ours.get(x).unwrap(), reference.get(x).unwrap());
            assert!(off < 2e-5, "{kernel:?}: {off:e}");
        }
        assert!(ours.get(&weight).is_none(), "{kernel:?}: the weight is frozen");
        assert!(lora_linear(&linear, &x, &b, &a, 2.0).is_err());
        let half = |x: &Tensor| x.to_dtype(DType::BF16).unwrap();
        let narrow = Linear::with(&half(&weight), Some(&bias), kernel).unwrap();
        let y16 = lora_linear(&narrow, &half(&x), &half(&a), &half(&b), 2.0).unwrap();
        assert!(off(&y16.to_dtype(DType::F32).unwrap(), &y) < 0.1, "{kernel:?}");
    }
}
