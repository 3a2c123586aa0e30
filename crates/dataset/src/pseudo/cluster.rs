//! Groups of clips whose captions are alike: spherical k-means.
//!
//! Centres are directions and a clip belongs to the centre with the greatest cosine. Written here
//! rather than taken from a crate: `linfa-clustering`, the well-kept one, has Euclidean k-means only,
//! neither bounds on the size of a cluster nor sums in a fixed order, and brings `ndarray` and the
//! rest of `linfa` along for one loop. Everything a thread sums is summed in the order of the
//! clips, so the result does not depend on how many threads there are.

mod nearest;
mod start;

use rayon::prelude::*;

use self::nearest::nearest;
use self::start::first_centres;
use super::chance;
use super::config::ClusterConfig;
use super::embed::Embeddings;
use super::lanes::normalise;

/// Clips in groups, and those in none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    /// Each the numbers of its clips, ascending; at least as many as were asked for.
    pub groups: Vec<Vec<u32>>,
    /// Clips in groups too small to draw from.
    pub alone: Vec<u32>,
    /// Clips of whose captions the embedder knew nothing.
    pub blank: Vec<u32>,
    /// Groups above the largest size that cannot be divided: their captions are all the same.
    pub undivided: usize,
}

/// Groups the rows. Groups with fewer than `least` members are dissolved into
/// [`Clusters::alone`]; groups above the configured size are divided again until none is, or until
/// dividing changes nothing.
pub fn cluster(
    embeddings: &Embeddings,
    config: &ClusterConfig,
    least: usize,
    seed: u64,
) -> Clusters {
    let (blank, known): (Vec<u32>, Vec<u32>) =
        (0..embeddings.len() as u32).partition(|&row| embeddings.is_blank(row as usize));
    let mut found = Clusters { groups: Vec::new(), alone: Vec::new(), blank, undivided: 0 };
    let mut waiting = vec![known];
    let mut run = 0;
    while let Some(members) = waiting.pop() {
        if members.is_empty() {
            continue;
        }
        let count = rounded_share(members.len(), config.size);
        let parts = if count < 2 && run == 0 {
            vec![members]
        } else {
            divide(&embeddings.select(&members), count.max(2), config, seed, run)
                .into_iter()
                .map(|part| part.into_iter().map(|at| members[at as usize]).collect())
                .collect()
        };
        run += 1;
        let whole: usize = parts.iter().map(Vec::len).sum();
        for part in parts {
            let divisible = part.len() < whole || run == 1;
            match part.len() {
                size if size < least => found.alone.extend(part),
                size if size > config.size_max && divisible => waiting.push(part),
                size => {
                    found.undivided += usize::from(size > config.size_max);
                    found.groups.push(part);
                }
            }
        }
    }
    found.groups.sort_unstable();
    found.alone.sort_unstable();
    found
}

/// `total / size`, rounded half up.
fn rounded_share(total: usize, size: usize) -> usize {
    (total + size / 2) / size
}

/// K-means over all rows: the non-empty groups of row numbers.
fn divide(
    rows: &Embeddings,
    count: usize,
    config: &ClusterConfig,
    seed: u64,
    run: u64,
) -> Vec<Vec<u32>> {
    let mut chance = chance::stream(seed, "clusters", run);
    let mut centres = first_centres(rows, count, config.start_sample, &mut chance);
    let mut belongs: Vec<u32> = Vec::new();
    for _ in 0..config.rounds {
        let found = nearest(rows, &centres);
        let moved = match belongs.len() {
            0 => rows.len(),
            _ => found.iter().zip(&belongs).filter(|(new, old)| new.centre != **old).count(),
        };
        belongs = found.iter().map(|one| one.centre).collect();
        if moved as f64 <= config.moved_max * rows.len() as f64 {
            break;
        }
        let mut groups = gather(&belongs, centres.len());
        fill_empty(&mut groups, &found);
        centres = means(rows, &groups);
    }
    let mut groups = gather(&belongs, centres.len());
    groups.retain(|group| !group.is_empty());
    groups
}

fn gather(belongs: &[u32], count: usize) -> Vec<Vec<u32>> {
    let mut groups = vec![Vec::new(); count];
    for (row, &centre) in belongs.iter().enumerate() {
        groups[centre as usize].push(row as u32);
    }
    groups
}

/// Gives each empty group the row that fits its own centre least, taken from a group with others
/// left in it. Rows that fit perfectly stay: there is nothing to divide.
fn fill_empty(groups: &mut [Vec<u32>], found: &[nearest::Nearest]) {
    let empty: Vec<usize> = (0..groups.len()).filter(|&group| groups[group].is_empty()).collect();
    if empty.is_empty() {
        return;
    }
    let mut worst: Vec<u32> = (0..found.len() as u32).collect();
    let cosine = |row: &u32| found[*row as usize].cosine;
    worst.sort_by(|a, b| cosine(a).total_cmp(&cosine(b)).then(a.cmp(b)));
    let mut worst = worst.into_iter().take_while(|row| cosine(row) < 1.0 - 1e-5);
    for group in empty {
        let taken =
            worst.by_ref().find(|&row| groups[found[row as usize].centre as usize].len() > 1);
        let Some(row) = taken else { return };
        groups[found[row as usize].centre as usize].retain(|&member| member != row);
        groups[group].push(row);
    }
}

/// The mean direction of each group; zero for an empty one, which then attracts nothing.
fn means(rows: &Embeddings, groups: &[Vec<u32>]) -> Vec<Vec<f32>> {
    let mean = |group: &Vec<u32>| {
        let mut sum = vec![0.0f64; rows.width()];
        for &row in group {
            for (sum, value) in sum.iter_mut().zip(rows.row(row as usize)) {
                *sum += f64::from(*value);
            }
        }
        let mut mean: Vec<f32> = sum.into_iter().map(|value| value as f32).collect();
        normalise(&mut mean);
        mean
    };
    groups.par_iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use proptest::prelude::*;
    use rand::RngExt;

    fn config(size: usize, size_max: usize) -> ClusterConfig {
        ClusterConfig { size, size_max, ..Config::default().pseudo.clusters }
    }

    /// Points around `topics` random directions, the topics taking turns.
    fn topics(points: usize, topics: usize, spread: f32) -> Embeddings {
        let mut chance = chance::stream(9, "test", 0);
        let mut draw = |scale: f32| (0..24).map(|_| chance.random_range(-scale..scale)).collect();
        let middles: Vec<Vec<f32>> = (0..topics).map(|_| draw(1.0)).collect();
        let rows = (0..points).flat_map(|point| {
            let noise: Vec<f32> = draw(spread);
            middles[point % topics].iter().zip(noise).map(|(a, b)| a + b).collect::<Vec<f32>>()
        });
        Embeddings::new(24, rows.collect()).unwrap()
    }

    #[test]
    fn topics_that_stand_apart_are_found() {
        let found = cluster(&topics(400, 10, 0.05), &config(40, 200), 2, 1);
        // A start may put two centres into one topic; most topics are found whole.
        let pure = found.groups.iter().filter(|g| g.iter().all(|row| row % 10 == g[0] % 10));
        assert!(pure.count() >= 8, "{:?}", found.groups);
    }

    #[test]
    fn large_groups_are_divided_until_they_fit() {
        // Two topics at 40 a group, at most 50: no group may be larger.
        let found = cluster(&topics(1000, 2, 0.4), &config(40, 50), 2, 1);
        assert!(found.groups.iter().all(|group| group.len() <= 50 && group.len() >= 2));
        let total: usize = found.groups.iter().map(Vec::len).sum();
        assert_eq!(total + found.alone.len(), 1000);
    }

    #[test]
    fn what_cannot_be_divided_is_said() {
        let same = Embeddings::new(2, [1.0, 0.0].repeat(300)).unwrap();
        let found = cluster(&same, &config(40, 200), 2, 1);
        assert_eq!((found.groups.len(), found.undivided), (1, 1));
    }

    #[test]
    fn blank_and_lonely_clips_are_named() {
        let mut rows = [1.0, 0.0].repeat(5);
        rows.extend([0.0, 0.0, 0.0, 1.0]);
        let rows = Embeddings::new(2, rows).unwrap();
        let found = cluster(&rows, &config(3, 6), 2, 1);
        assert_eq!(found.groups, [[0, 1, 2, 3, 4]]);
        assert_eq!((found.blank, found.alone), (vec![5], vec![6]));
        let nothing = cluster(&Embeddings::new(2, vec![]).unwrap(), &config(3, 6), 2, 1);
        assert!(nothing.groups.is_empty());
    }

    #[test]
    fn the_number_of_threads_changes_nothing_and_the_seed_does() {
        let rows = topics(700, 12, 0.5);
        let with = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| cluster(&rows, &config(20, 60), 2, seed))
        };
        assert_eq!(with(1, 7), with(4, 7));
        assert_ne!(with(1, 7), with(1, 8));
    }

    proptest! {
        #[test]
        fn every_clip_is_in_exactly_one_place(
            values in prop::collection::vec(-1i8..=1, 0..240), size in 2usize..9
        ) {
            let whole = values.len() / 3 * 3;
            let rows: Vec<f32> = values[..whole].iter().map(|&v| f32::from(v)).collect();
            let rows = Embeddings::new(3, rows).unwrap();
            let found = cluster(&rows, &config(size, size + 3), 2, 4);
            let mut seen: Vec<u32> = found.groups.concat();
            seen.extend(found.alone.iter().chain(&found.blank));
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..rows.len() as u32).collect::<Vec<_>>());
        }
    }
}
