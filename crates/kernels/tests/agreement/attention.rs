//! Attention and norms against candle's own operations, forward and backward.

use candle_core::{D, DType, Device, Tensor, Var};
use omnivale_kernels::{Attention, Kernel, layer_norm, rms_norm};
use proptest::prelude::*;

use crate::support::{off, values};

/// `[batch, time, heads dim]` to `[batch, heads, time, dim]`, each head `group` times.
fn split(x: &Tensor, heads: usize, group: usize) -> Tensor {
    let (batch, time, width) = x.dims3().unwrap();
    let dim = width / heads;
    let x = x.reshape((batch, time, heads, dim)).unwrap().transpose(1, 2).unwrap();
    let x = x.unsqueeze(2).unwrap().broadcast_as((batch, heads, group, time, dim)).unwrap();
    x.reshape((batch, heads * group, time, dim)).unwrap().contiguous().unwrap()
}

/// The definition, by candle; `added` is the whole of what is added to scores.
fn expected(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: (usize, usize),
    added: Option<&Tensor>,
) -> Tensor {
    let (batch, queries, width) = q.dims3().unwrap();
    let (heads, group) = (heads.0, heads.0 / heads.1);
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let k = split(k, heads / group, group).t().unwrap();
    let mut scores = (split(q, heads, 1).matmul(&k).unwrap() * scale).unwrap();
    if let Some(added) = added {
        scores = scores.broadcast_add(added).unwrap();
    }
    let exp = scores.broadcast_sub(&scores.max_keepdim(D::Minus1).unwrap()).unwrap().exp().unwrap();
    let weights = exp.broadcast_div(&exp.sum_keepdim(D::Minus1).unwrap()).unwrap();
    let mixed = weights.matmul(&split(v, heads / group, group)).unwrap();
    mixed.transpose(1, 2).unwrap().reshape((batch, queries, width)).unwrap()
}

fn hidden(queries: usize, keys: usize, offset: usize) -> Tensor {
    let after = |at| if at % keys > at / keys + offset { f32::MIN } else { 0.0 };
    let all = Tensor::from_iter((0..queries * keys).map(after), &Device::Cpu).unwrap();
    all.reshape((1, 1, queries, keys)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn attention_agrees_with_its_definition(
        batch in 1usize..3,
        key_heads in 1usize..4,
        group in 1usize..3,
        queries in 1usize..80,
        keys in 1usize..90,
        dim in prop_oneof![Just(16usize), Just(64), 1usize..40],
        bias in 0usize..5,
        seed in any::<u32>(),
    ) {
        let heads = key_heads * group;
        let q = values(&[batch, queries, heads * dim], seed);
        let k = values(&[batch, keys, key_heads * dim], seed ^ 1);
        let v = values(&[batch, keys, key_heads * dim], seed ^ 2);
        let mask = values(&[batch, 1, 1, keys], seed ^ 3);
        let positions = values(&[heads, queries, keys], seed ^ 4);
        let lanes = values(&[heads, keys, queries], seed ^ 4).transpose(1, 2).unwrap();
        let gate = values(&[batch, heads, queries], seed ^ 5);
        let offset = keys.saturating_sub(queries);
        let attention = Attention { key_heads, ..Attention::new(heads) };
        let (attention, added) = match bias {
            0 => (attention, None),
            1 => (Attention { bias: Some(&mask), ..attention }, Some(mask.clone())),
            2 => (Attention { bias: Some(&lanes), ..attention }, Some(lanes.unsqueeze(0).unwrap())),
            3 => {
                let added = positions.unsqueeze(0).unwrap();
                let added = added.broadcast_mul(&gate.unsqueeze(3).unwrap()).unwrap();
                (Attention { bias: Some(&positions), gate: Some(&gate), ..attention }, Some(added))
            }
            _ => (
                Attention { causal: Some(offset), ..attention },
                Some(hidden(queries, keys, offset)),
            ),
        };
        let reference = expected(&q, &k, &v, (heads, key_heads), added.as_ref());
        for kernel in Kernel::available() {
            let y = attention.forward_with(&q, &k, &v, kernel).unwrap();
            prop_assert!(off(&y, &reference) < 2e-5, "{:?}: {:e}", kernel, off(&y, &reference));
            let half = |x: &Tensor| x.to_dtype(DType::BF16).unwrap();
            let y = attention.forward_with(&half(&q), &half(&k), &half(&v), kernel).unwrap();
            prop_assert_eq!(y.dtype(), DType::BF16);
            prop_assert!(off(&y, &reference) < 3e-2, "{:?} bf16: {:e}", kernel, off(&y, &reference));
        }
    }

    #[test]
    fn attention_takes_parts_of_a_wider_tensor_and_any_number_of_threads(
        time in 1usize..150,
        seed in any::<u32>(),
    ) {
        let all = values(&[2, time, 3 * 64], seed);
        let part = |at: usize| all.narrow(2, at * 64, 64).unwrap();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let attention = Attention::new(2);
            pool.install(|| attention.forward(&part(0), &part(1), &part(2)).unwrap())
        };
        let y = with(1);
        let reference = expected(
            &part(0).contiguous().unwrap(),
            &part(1).contiguous().unwrap(),
            &part(2).contiguous().unwrap(),
            (2, 2),
            None,
        );
        prop_assert!(off(&y, &reference) < 1e-5);
        prop_assert_eq!(off(&y, &with(5)), 0.0);
        // The same by head first, as a cache has it.
        let first = |x: Tensor| split(&x.contiguous().unwrap(), 2, 1);
        let y = Attention::new(2).forward(&first(part(0)), &first(part(1)), &first(part(2))).unwrap();
        prop_assert_eq!(off(&y, &with(1)), 0.0);
    }

    #[test]
    fn norms_agree_with_their_definitions(
        rows in 1usize..140,
        width in 1usize..100,
        seed in any::<u32>(),
    ) {
        let x = (values(&[rows, width], seed) * 3.0).unwrap();
        let (weight, bias) = (values(&[width], seed ^ 1), values(&[width], seed ^ 2));
        let square = |x: &Tensor| (x.sqr().unwrap().mean_keepdim(D::Minus1).unwrap() + 1e-5).unwrap();
        let unit = |x: &Tensor| x.broadcast_div(&square(x).sqrt().unwrap()).unwrap();
        let root = unit(&x).broadcast_mul(&weight).unwrap();
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1).unwrap()).unwrap();
        let layer = unit(&centred).broadcast_mul(&weight).unwrap().broadcast_add(&bias).unwrap();
        for kernel in Kernel::available() {
            let [ours, own, half] = kernel.used_in(|| {
                [
                    rms_norm(&x, &weight, 1e-5, DType::F32).unwrap(),
                    layer_norm(&x, &weight, &bias, 1e-5, DType::F32).unwrap(),
                    layer_norm(&x, &weight, &bias, 1e-5, DType::BF16).unwrap(),
                ]
            });
            prop_assert!(off(&ours, &root) < 1e-5, "{:?}: {:e}", kernel, off(&ours, &root));
            prop_assert!(off(&own, &layer) < 1e-4, "{:?}: {:e}", kernel, off(&own, &layer));
            prop_assert_eq!(half.dtype(), DType::BF16);
            prop_assert!(off(&half, &layer) < 2e-2, "{:?}: {:e}", kernel, off(&half, &layer));
        }
    }
}

#[test]
fn attention_gives_the_gradients_that_candle_finds() {
    for (causal, key_heads) in [(None, 4), (Some(2), 2)] {
        let var = |seed, heads: usize, time| {
            Var::from_tensor(&values(&[2, time, heads * 8], seed)).unwrap()
        };
        let (q, k, v) = (var(1, 4, 5), var(2, key_heads, 7), var(3, key_heads, 7));
        let weight = values(&[2, 5, 32], 4);
        let added = causal.map(|offset| hidden(5, 7, offset));
        let reference = expected(&q, &k, &v, (4, key_heads), added.as_ref());
        let reference = (reference * &weight).unwrap().sum_all().unwrap().backward().unwrap();
        let attention = Attention { causal, key_heads, ..Attention::new(4) };
        for kernel in Kernel::available() {
            let y = attention.forward_with(&q, &k, &v, kernel).unwrap();
            let ours = (y * &weight).unwrap().sum_all().unwrap().backward().unwrap();
            for x in [&q, &k, &v] {
                let off = off(ours.get(x).unwrap(), reference.get(x).unwrap());
                assert!(off < 1e-5, "{kernel:?}: {off:e}");
            }
        }
    }
}

#[test]
fn norms_give_the_gradients_that_candle_finds() {
    let x = Var::from_tensor(&values(&[3, 10], 1)).unwrap();
    let (weight, bias, along) = (values(&[10], 2), values(&[10], 3), values(&[3, 10], 4));
    let unit = |x: &Tensor| {
        let square = (x.sqr().unwrap().mean_keepdim(D::Minus1).unwrap() + 1e-5).unwrap();
        x.broadcast_div(&square.sqrt().unwrap()).unwrap().broadcast_mul(&weight).unwrap()
    };
    let gradient = |y: Tensor| {
        let all = (y * &along).unwrap().sum_all().unwrap().backward().unwrap();
        all.get(&x).unwrap().clone()
    };
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1).unwrap()).unwrap();
    for kernel in Kernel::available() {
        kernel.used_in(|| {
            let ours = gradient(layer_norm(&x, &weight, &bias, 1e-5, DType::F32).unwrap());
            assert!(off(&ours, &gradient(unit(&centred))) < 1e-5, "{kernel:?}");
            let ours = gradient(rms_norm(&x, &weight, 1e-5, DType::F32).unwrap());
            assert!(off(&ours, &gradient(unit(&x))) < 1e-5, "{kernel:?}");
        });
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let (x, y) = (values(&[1, 3, 8], 1), values(&[1, 4, 8], 1));
    let message = Attention::new(3).forward(&x, &x, &x).unwrap_err().to_string();
    assert!(message.contains("attention of 3 heads to 3"), "{message}");
    assert!(Attention::new(2).forward(&x, &x, &y).is_err());
    let half = x.to_dtype(DType::BF16).unwrap();
    assert!(Attention::new(2).forward(&x, &half, &half).is_err());
    let none = values(&[1, 0, 8], 1);
    for kernel in Kernel::available() {
        let forward = |q, k| Attention::new(2).forward_with(q, k, k, kernel);
        assert!(forward(&x, &none).is_err(), "{kernel:?}");
        assert_eq!(forward(&none, &x).unwrap().dims(), [1, 0, 8], "{kernel:?}");
    }
    assert!(rms_norm(&x, &values(&[7], 1), 1e-5, DType::F32).is_err());
}
