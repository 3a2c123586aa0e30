//! Heads and the attention of a few queries against candle's own operations.

use candle_core::{D, DType, Device, Tensor};
use omnivale_kernels::{Seen, attention_of_few, split_heads};
use proptest::prelude::*;

use crate::support::{off, values};

/// The same by candle, all parts one tensor.
fn expected(q: &Tensor, k: &Tensor, v: &Tensor, mask: &Tensor) -> Tensor {
    let (batch, heads, time, dim) = q.dims4().unwrap();
    let (_, key_heads, keys, _) = k.dims4().unwrap();
    let each = |x: &Tensor| {
        let shape = (batch, key_heads, heads / key_heads, keys, dim);
        let x = x.unsqueeze(2).unwrap().broadcast_as(shape).unwrap();
        x.reshape((batch, heads, keys, dim)).unwrap().contiguous().unwrap()
    };
    let scores = q.matmul(&each(k).t().unwrap()).unwrap();
    let scores = (scores / (dim as f64).sqrt()).unwrap();
    let scores = scores.broadcast_add(&mask.unsqueeze(1).unwrap()).unwrap();
    let most = scores.max_keepdim(D::Minus1).unwrap();
    let exp = scores.broadcast_sub(&most).unwrap().exp().unwrap();
    let weights = exp.broadcast_div(&exp.sum_keepdim(D::Minus1).unwrap()).unwrap();
    let mixed = weights.matmul(&each(v)).unwrap().transpose(1, 2).unwrap();
    mixed.reshape((batch, time, heads * dim)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_few_queries_see_what_all_share_and_what_is_their_own(
        batch in 1_usize..4,
        key_heads in 1_usize..3,
        group in 1_usize..6,
        time in 1_usize..4,
        dim in prop::sample::select(vec![16_usize, 32, 48, 128]),
        shared in 0_usize..40,
        own in 1_usize..20,
        room in 0_usize..3,
        seed in any::<u32>(),
    ) {
        let heads = key_heads * group;
        let keys = shared + own;
        let q = values(&[batch, heads, time, dim], seed);
        let part = |batch: usize, keys: usize, seed: u32| {
            // With room for more after them, as a cache has.
            let all = values(&[batch, key_heads, keys + room, dim], seed);
            all.narrow(2, 0, keys).unwrap()
        };
        let (k, v) = (part(batch, own, seed ^ 1), part(batch, own, seed ^ 2));
        let (of_all_k, of_all_v) = (part(1, shared, seed ^ 3), part(1, shared, seed ^ 4));
        // A quarter of the keys is hidden; the last is always seen.
        let hidden: Vec<f32> = (0..batch * time * keys)
            .map(|at| if at % 4 == 1 && at % keys + 1 < keys { f32::MIN } else { 0.0 })
            .collect();
        let mask = Tensor::from_vec(hidden, (batch, time, keys), &Device::Cpu).unwrap();
        let whole = |shared: &Tensor, own: &Tensor| {
            let (_, heads, keys, dim) = shared.dims4().unwrap();
            let all = shared.broadcast_as((batch, heads, keys, dim)).unwrap();
            Tensor::cat(&[&all.contiguous().unwrap(), &own.contiguous().unwrap()], 2).unwrap()
        };
        let mut seen = vec![Seen { k: &k, v: &v }];
        if shared > 0 {
            seen.insert(0, Seen { k: &of_all_k, v: &of_all_v });
        }
        let reference = if shared > 0 {
            expected(&q, &whole(&of_all_k, &k), &whole(&of_all_v, &v), &mask)
        } else {
            expected(&q, &k.contiguous().unwrap(), &v.contiguous().unwrap(), &mask)
        };
        let found = attention_of_few(&q, &seen, &mask).unwrap().unwrap();
        let worst = off(&found, &reference);
        prop_assert!(worst < 2e-6, "{}", worst);
    }

    #[test]
    fn heads_are_split_and_turned_as_by_single_operations(
        batch in 1_usize..4,
        time in 1_usize..40,
        heads in 1_usize..5,
        half in 1_usize..20,
        before in 0_usize..5,
        seed in any::<u32>(),
    ) {
        let dim = 2 * half;
        let wide = values(&[batch, time, before + heads * dim + 3], seed);
        let x = wide.narrow(2, before, heads * dim).unwrap();
        let (cos, sin) =
            (values(&[batch, time, dim], seed ^ 5), values(&[batch, time, dim], seed ^ 6));
        let split = x.reshape((batch, time, heads, dim)).unwrap().transpose(1, 2).unwrap();
        let split = split.contiguous().unwrap();
        prop_assert_eq!(off(&split_heads(&x, heads, None).unwrap(), &split), 0.0);
        let (a, b) = (split.narrow(3, 0, half).unwrap(), split.narrow(3, half, half).unwrap());
        let crossed = Tensor::cat(&[&b.neg().unwrap(), &a], 3).unwrap();
        let turned = split.broadcast_mul(&cos.unsqueeze(1).unwrap()).unwrap();
        let other = crossed.broadcast_mul(&sin.unsqueeze(1).unwrap()).unwrap();
        let found = split_heads(&x, heads, Some((&cos, &sin))).unwrap();
        prop_assert_eq!(off(&found, &(turned + other).unwrap()), 0.0);
    }
}

#[test]
fn what_cannot_be_computed_this_way_is_left_to_others_and_what_does_not_fit_is_refused() {
    let seen = |dim: usize| (values(&[1, 2, 5, dim], 1), values(&[1, 2, 5, dim], 2));
    let mask = Tensor::zeros((1, 1, 5), DType::F32, &Device::Cpu).unwrap();
    let of = |q: &Tensor, (k, v): &(Tensor, Tensor), mask: &Tensor| {
        attention_of_few(q, &[Seen { k, v }], mask)
    };
    let odd = values(&[1, 4, 1, 6], 3);
    assert!(of(&odd, &seen(6), &mask).unwrap().is_none());
    let q = values(&[1, 4, 1, 16], 3);
    assert!(of(&q, &seen(16), &mask).unwrap().is_some());
    let half = q.to_dtype(DType::BF16).unwrap();
    assert!(of(&half, &seen(16), &mask).unwrap().is_none());
    assert!(of(&q, &seen(32), &mask).is_err());
    assert!(of(&values(&[1, 3, 1, 16], 3), &seen(16), &mask).is_err());
    let short = Tensor::zeros((1, 1, 4), DType::F32, &Device::Cpu).unwrap();
    assert!(of(&q, &seen(16), &short).is_err());
    assert!(split_heads(&values(&[1, 2, 7], 1), 2, None).is_err());
}
