//! Which centre each clip is nearest to: where the time of k-means goes.
//!
//! Centres lie in panels of [`LANES`], value by value, so that one load serves as many centres, and
//! [`ROWS`] clips are compared with a panel at once, so that one load serves as many clips. Each
//! cosine is one plain sum from the first value to the last, whatever the panels are.

use rayon::prelude::*;

use crate::pseudo::embed::Embeddings;
use crate::pseudo::lanes::widest;

/// Centres compared at once.
const LANES: usize = 16;
/// Clips compared at once.
const ROWS: usize = 4;
/// Clips per piece of work.
const BLOCK: usize = 128;

/// The centre a clip belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nearest {
    /// The number of the centre; the first of equals.
    pub(super) centre: u32,
    /// Its cosine with the clip.
    pub(super) cosine: f32,
}

/// For each row the centre with the greatest cosine.
pub(super) fn nearest(rows: &Embeddings, centres: &[Vec<f32>]) -> Vec<Nearest> {
    let panels = panels(centres, rows.width());
    let mut found = vec![Nearest { centre: 0, cosine: f32::NEG_INFINITY }; rows.len()];
    found.par_chunks_mut(BLOCK).enumerate().for_each(|(block, found)| {
        widest(
            #[inline(always)]
            || search(rows, block * BLOCK, &panels, centres.len(), found),
        );
    });
    found
}

/// The centres in panels: for each panel, for each value, that value of [`LANES`] centres. The last
/// panel is filled with zeros.
fn panels(centres: &[Vec<f32>], width: usize) -> Vec<Vec<[f32; LANES]>> {
    let panel = |centres: &[Vec<f32>]| {
        let at = |value| std::array::from_fn(|lane| centres.get(lane).map_or(0.0, |c| c[value]));
        (0..width).map(at).collect()
    };
    centres.chunks(LANES).map(panel).collect()
}

#[inline(always)]
fn search(
    rows: &Embeddings,
    first: usize,
    panels: &[Vec<[f32; LANES]>],
    centres: usize,
    found: &mut [Nearest],
) {
    for (number, panel) in panels.iter().enumerate() {
        let real = LANES.min(centres - number * LANES);
        for (group, found) in found.chunks_mut(ROWS).enumerate() {
            let start = first + group * ROWS;
            // A short last group compares its last clip several times.
            let row = |at: usize| rows.row(start + at.min(found.len() - 1));
            let cosines = compare([row(0), row(1), row(2), row(3)], panel);
            for (found, cosines) in found.iter_mut().zip(&cosines) {
                for (lane, &cosine) in cosines[..real].iter().enumerate() {
                    if cosine > found.cosine {
                        *found = Nearest { centre: (number * LANES + lane) as u32, cosine };
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn compare(rows: [&[f32]; ROWS], panel: &[[f32; LANES]]) -> [[f32; LANES]; ROWS] {
    let mut sums = [[0.0f32; LANES]; ROWS];
    let [a, b, c, d] = rows.map(|row| &row[..panel.len()]);
    for (value, lanes) in panel.iter().enumerate() {
        let values = [a[value], b[value], c[value], d[value]];
        for (sums, value) in sums.iter_mut().zip(values) {
            for (sum, lane) in sums.iter_mut().zip(lanes) {
                *sum += value * lane;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pseudo::chance;
    use rand::RngExt;

    #[test]
    fn panels_find_what_plain_sums_find() {
        let mut chance = chance::stream(1, "test", 0);
        let mut draw = |n: usize| (0..n).map(|_| chance.random_range(-1.0f32..1.0)).collect();
        let rows = Embeddings::new(19, draw(19 * 133)).unwrap();
        let centres: Vec<Vec<f32>> = (0..37).map(|_| draw(19)).collect();
        for (row, found) in nearest(&rows, &centres).iter().enumerate() {
            let plain = |c: &Vec<f32>| rows.row(row).iter().zip(c).fold(0.0, |s, (a, b)| s + a * b);
            let best =
                (0..37).fold(
                    0,
                    |best, c| {
                        if plain(&centres[c]) > plain(&centres[best]) { c } else { best }
                    },
                );
            assert_eq!(*found, Nearest { centre: best as u32, cosine: plain(&centres[best]) });
        }
    }
}
