//! The first centres: far apart, and where there are clips.
//!
//! K-means++ (Arthur and Vassilvitskii 2007): each next centre is a clip drawn with probability
//! proportional to its squared distance from the nearest centre so far, which between directions is
//! 2 (1 - cosine). It runs on a sample of the clips, so that it costs less than a round of k-means.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::pseudo::embed::Embeddings;
use crate::pseudo::lanes::{dot, widest};

/// Clips per piece of work, and per partial sum.
const BLOCK: usize = 512;

/// Up to `count` rows as centres, drawn from a sample of `count` times `per_centre` rows. Fewer if the
/// sample has fewer different rows.
pub(super) fn first_centres(
    rows: &Embeddings,
    count: usize,
    per_centre: usize,
    chance: &mut ChaCha8Rng,
) -> Vec<Vec<f32>> {
    let sample = sample(rows.len(), count.saturating_mul(per_centre), chance);
    let rows = rows.select(&sample);
    let mut centres: Vec<Vec<f32>> = Vec::with_capacity(count.min(rows.len()));
    let mut next = chance.random_range(0..rows.len());
    let mut distances = vec![f32::INFINITY; rows.len()];
    loop {
        let centre = rows.row(next).to_vec();
        let sums: Vec<f64> = distances
            .par_chunks_mut(BLOCK)
            .enumerate()
            .map(|(block, distances)| {
                widest(
                    #[inline(always)]
                    || approach(&rows, block * BLOCK, &centre, distances),
                )
            })
            .collect();
        centres.push(centre);
        let total: f64 = sums.iter().sum();
        if centres.len() == count || total <= 0.0 {
            return centres;
        }
        next = pick(&distances, &sums, chance.random_range(0.0..total));
    }
}

/// Lowers each distance to that from `centre` and gives their sum.
#[inline(always)]
fn approach(rows: &Embeddings, first: usize, centre: &[f32], distances: &mut [f32]) -> f64 {
    let mut sum = 0.0;
    for (offset, distance) in distances.iter_mut().enumerate() {
        // What rounding leaves between equal rows counts as nothing.
        let fresh = 1.0 - dot(rows.row(first + offset), centre);
        *distance = distance.min(if fresh < 1e-6 { 0.0 } else { fresh });
        sum += f64::from(*distance);
    }
    sum
}

/// The row at which the running sum of distances passes `target`; never one of distance 0.
fn pick(distances: &[f32], sums: &[f64], mut target: f64) -> usize {
    let mut last = 0;
    for (block, &sum) in sums.iter().enumerate() {
        if target >= sum && block + 1 < sums.len() {
            target -= sum;
            continue;
        }
        for (offset, &distance) in distances[block * BLOCK..].iter().enumerate() {
            if distance > 0.0 {
                last = block * BLOCK + offset;
                if target < f64::from(distance) {
                    return last;
                }
                target -= f64::from(distance);
            }
        }
    }
    last
}

/// `wanted` of the numbers below `total`, ascending: each set equally likely (selection sampling).
fn sample(total: usize, wanted: usize, chance: &mut ChaCha8Rng) -> Vec<u32> {
    let mut missing = wanted.min(total);
    let mut taken = Vec::with_capacity(missing);
    for number in 0..total {
        if chance.random_range(0..total - number) < missing {
            taken.push(number as u32);
            missing -= 1;
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pseudo::chance::stream;

    #[test]
    fn equal_rows_give_one_centre_each() {
        let rows = Embeddings::new(2, [[1.0, 0.0], [0.0, 1.0]].repeat(40).concat()).unwrap();
        for seed in 0..20 {
            let centres = first_centres(&rows, 9, 20, &mut stream(seed, "test", 0));
            assert_eq!(centres.len(), 2);
            assert_ne!(centres[0], centres[1]);
        }
    }

    #[test]
    fn a_sample_is_ascending_and_of_the_size_asked_for() {
        let taken = sample(1000, 100, &mut stream(1, "test", 0));
        assert_eq!(taken.len(), 100);
        assert!(taken.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(sample(5, 100, &mut stream(1, "test", 0)), [0, 1, 2, 3, 4]);
    }
}
