//! Heads, and the attention of rows that have each seen something else, against candle's own operations.

use candle_core::{D, DType, Device, Tensor};
use omnivale_kernels::{Kernel, RaggedRow, Seen, attention_of_rows, split_heads};
use proptest::prelude::*;

use crate::support::{off, values};

/// One row by candle: `q [1, heads, time, dim]`, all its keys and values in one tensor.
fn expected(q: &Tensor, k: &Tensor, v: &Tensor) -> Tensor {
    let (_, heads, time, dim) = q.dims4().unwrap();
    let (_, key_heads, keys, _) = k.dims4().unwrap();
    let each = |x: &Tensor| {
        let shape = (1, key_heads, heads / key_heads, keys, dim);
        let x = x.to_dtype(DType::F32).unwrap().unsqueeze(2).unwrap();
        let x = x.broadcast_as(shape).unwrap();
        x.reshape((1, heads, keys, dim)).unwrap().contiguous().unwrap()
    };
    let scores = q.contiguous().unwrap().matmul(&each(k).t().unwrap()).unwrap();
    let scores = (scores / (dim as f64).sqrt()).unwrap();
    let hidden = (0..time * keys)
        .map(|at| if at % keys + time > keys + at / keys { f32::NEG_INFINITY } else { 0.0 });
    let hidden = Tensor::from_iter(hidden, &Device::Cpu).unwrap();
    let scores = scores.broadcast_add(&hidden.reshape((time, keys)).unwrap()).unwrap();
    let most = scores.max_keepdim(D::Minus1).unwrap();
    let exp = scores.broadcast_sub(&most).unwrap().exp().unwrap();
    let weights = exp.broadcast_div(&exp.sum_keepdim(D::Minus1).unwrap()).unwrap();
    let mixed = weights.matmul(&each(v)).unwrap().transpose(1, 2).unwrap();
    mixed.reshape((1, time, heads * dim)).unwrap()
}

fn bits(x: &Tensor) -> Vec<u32> {
    let x: Vec<f32> = x.flatten_all().unwrap().to_vec1().unwrap();
    x.into_iter().map(f32::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn each_row_sees_what_it_shares_and_its_own_whoever_is_beside_it(
        key_heads in 1_usize..3,
        group in prop::sample::select(vec![1_usize, 2, 5, 8, 67]),
        dim in prop::sample::select(vec![16_usize, 32, 48, 128]),
        shared in prop::collection::vec(0_usize..150, 1..3),
        rows in prop::collection::vec((0_usize..3, 1_usize..12, 0_usize..90), 1..12),
        room in 0_usize..3,
        half in any::<bool>(),
        seed in any::<u32>(),
    ) {
        let heads = key_heads * group;
        let format = if half { DType::BF16 } else { DType::F32 };
        let part = |keys: usize, seed: u32| {
            // With room for more after them, as a cache has.
            let all = values(&[1, key_heads, keys + room, dim], seed).to_dtype(format).unwrap();
            all.narrow(2, 0, keys).unwrap()
        };
        let both = |keys: usize, seed: u32| (part(keys, seed), part(keys, seed ^ 0x9999));
        // Videos, of which the last is none, and what rows have seen alone.
        let videos: Vec<_> = shared.iter().zip(1..).map(|(keys, at)| both(*keys, seed ^ at)).collect();
        let own: Vec<_> = rows
            .iter()
            .zip(100..)
            .map(|((_, queries, before), at)| both(queries + before, seed ^ at))
            .collect();
        let seen: Vec<Vec<Seen<'_>>> = rows
            .iter()
            .zip(&own)
            .map(|((video, ..), own)| {
                let video = videos.get(*video).filter(|video| video.0.dims()[2] > 0);
                video.into_iter().chain([own]).map(|(k, v)| Seen { k, v }).collect()
            })
            .collect();
        let total: usize = rows.iter().map(|row| row.1).sum();
        let q = values(&[1, total, heads * dim], seed ^ 77);
        let q = split_heads(&q, heads, None).unwrap();
        let all: Vec<RaggedRow<'_>> = rows
            .iter()
            .zip(&seen)
            .map(|((_, queries, _), seen)| RaggedRow { queries: *queries, seen })
            .collect();
        let together = attention_of_rows(&q, &all).unwrap().unwrap();
        for kernel in Kernel::available().into_iter().filter(|it| *it != Kernel::Tensors) {
            let other = kernel.used_in(|| attention_of_rows(&q, &all)).unwrap().unwrap();
            let worst = off(&other, &together);
            prop_assert!(worst < 3e-6, "{}: {}", kernel.name(), worst);
        }
        let mut first = 0;
        for row in &all {
            let own = q.narrow(2, first, row.queries).unwrap();
            let found = together.narrow(1, first, row.queries).unwrap();
            let whole = |side: fn(&Seen<'_>) -> Tensor| {
                let parts: Vec<Tensor> = row.seen.iter().map(side).collect();
                Tensor::cat(&parts, 2).unwrap()
            };
            let k = whole(|part| part.k.contiguous().unwrap());
            let v = whole(|part| part.v.contiguous().unwrap());
            let worst = off(&found, &expected(&own, &k, &v));
            prop_assert!(worst < 3e-6, "{}", worst);
            // Alone, with all keys in one part, and one query after the other: not a bit differs.
            let one = [Seen { k: &k, v: &v }];
            let alone = [RaggedRow { queries: row.queries, seen: &one }];
            let alone = attention_of_rows(&own, &alone).unwrap().unwrap();
            prop_assert_eq!(bits(&alone), bits(&found));
            let keys = k.dims()[2] + 1 - row.queries;
            for query in 0..row.queries {
                let (k, v) = (k.narrow(2, 0, keys + query), v.narrow(2, 0, keys + query));
                let one = [Seen { k: &k.unwrap(), v: &v.unwrap() }];
                let alone = [RaggedRow { queries: 1, seen: &one }];
                let alone = attention_of_rows(&own.narrow(2, query, 1).unwrap(), &alone);
                let found = found.narrow(1, query, 1).unwrap();
                prop_assert_eq!(bits(&alone.unwrap().unwrap()), bits(&found));
            }
            first += row.queries;
        }
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
    let of = |q: &Tensor, queries: usize, (k, v): &(Tensor, Tensor)| {
        attention_of_rows(q, &[RaggedRow { queries, seen: &[Seen { k, v }] }])
    };
    let odd = values(&[1, 4, 1, 6], 3);
    assert!(of(&odd, 1, &seen(6)).unwrap().is_none());
    let q = values(&[1, 4, 1, 16], 3);
    assert!(of(&q, 1, &seen(16)).unwrap().is_some());
    let half = q.to_dtype(DType::BF16).unwrap();
    assert!(of(&half, 1, &seen(16)).unwrap().is_none());
    assert!(of(&q, 1, &seen(32)).is_err());
    assert!(of(&q, 2, &seen(16)).is_err(), "another number of queries");
    assert!(of(&values(&[1, 3, 1, 16], 3), 1, &seen(16)).is_err(), "heads that cannot be shared");
    assert!(of(&values(&[1, 4, 6, 16], 3), 6, &seen(16)).is_err(), "more queries than keys");
    assert!(attention_of_rows(&q, &[]).is_err());
    assert!(of(&values(&[1, 0, 1, 16], 3), 1, &seen(16)).is_err(), "no heads");
    assert!(split_heads(&values(&[1, 2, 7], 1), 2, None).is_err());
}
