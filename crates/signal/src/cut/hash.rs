//! Cuts where a perceptual hash changes.

use serde::{Deserialize, Serialize};

use super::stamp::{Cut, SceneLength, Stamp};
use crate::scene_score::FrameMeasure;
use crate::small_picture::{SmallPicture, grey};

/// Which part of the spectrum the hash is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashShape {
    /// Frequencies kept per axis; the hash has `size * size` bits.
    pub size: usize,
    /// The picture is scaled to `size * lowpass` pixels a side before its spectrum is taken.
    pub lowpass: usize,
}

/// Settings of [`struct@Hash`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashConfig {
    /// Share of differing bits from which on a frame is a cut.
    pub threshold: f64,
    /// What the hash is made of.
    pub shape: HashShape,
    /// Shortest shot; cuts that come sooner are ignored.
    pub min_scene_len: SceneLength,
}

impl Default for HashConfig {
    /// PySceneDetect's: 0.35, 8 x 8 bits of 16 x 16 pixels, 15 frames.
    fn default() -> HashConfig {
        HashConfig {
            threshold: 0.35,
            shape: HashShape { size: 8, lowpass: 2 },
            min_scene_len: SceneLength::Frames(15),
        }
    }
}

/// PySceneDetect's `HashDetector`.
#[derive(Debug)]
pub struct Hash {
    config: HashConfig,
    last_cut: Option<Stamp>,
    cuts: Vec<Cut>,
}

impl Hash {
    /// A detector.
    pub fn new(config: HashConfig) -> Hash {
        Hash { config, last_cut: None, cuts: Vec::new() }
    }

    /// Takes the next frame.
    pub fn push(&mut self, stamp: Stamp, frame: &FrameMeasure) {
        let last_cut = *self.last_cut.get_or_insert(stamp);
        if frame.hash.is_some_and(|distance| distance >= self.config.threshold)
            && stamp.is_past(&last_cut, self.config.min_scene_len)
        {
            self.last_cut = Some(stamp);
            self.cuts.push(stamp.cut());
        }
    }

    /// The cuts, in order.
    pub fn finish(self) -> Vec<Cut> {
        self.cuts
    }
}

/// The hash of the last frame.
#[derive(Debug)]
pub(crate) struct PictureHash {
    shape: HashShape,
    spectrum: CosineTransform,
    /// Cells of the scaled picture, columns then rows, for the size they were made for.
    cells: Option<(usize, usize, Vec<Cell>, Vec<Cell>)>,
    last: Option<Vec<bool>>,
}

impl PictureHash {
    pub(crate) fn new(shape: HashShape) -> PictureHash {
        let size = shape.size.clamp(1, 64);
        let shape = HashShape { size, lowpass: shape.lowpass.clamp(1, 64) };
        let spectrum = CosineTransform::new(size * shape.lowpass);
        PictureHash { shape, spectrum, cells: None, last: None }
    }

    /// The share of bits that differ from the frame before; `None` for the first.
    pub(crate) fn push(&mut self, picture: &SmallPicture) -> Option<f64> {
        let hash = self.hash(picture);
        let distance = self.last.as_ref().map(|last| {
            let differing = last.iter().zip(&hash).filter(|(a, b)| a != b).count();
            differing as f64 / (self.shape.size * self.shape.size) as f64
        });
        self.last = Some(hash);
        distance
    }

    /// Which of the lowest frequencies exceed their median.
    fn hash(&mut self, picture: &SmallPicture) -> Vec<bool> {
        let side = self.shape.size * self.shape.lowpass;
        let scaled = self.scaled(picture, side);
        let brightest = scaled.iter().copied().max().unwrap_or(0).max(1);
        let mut values: Vec<f64> =
            scaled.iter().map(|v| f64::from(f32::from(*v) / f32::from(brightest))).collect();
        self.spectrum.apply(&mut values);
        let size = self.shape.size;
        let low: Vec<f32> =
            (0..size * size).map(|i| values[i / size * side + i % size] as f32).collect();
        let mut sorted = low.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        low.iter().map(|v| *v > median).collect()
    }

    /// The grey picture as `side * side` pixels: OpenCV's `INTER_AREA`.
    fn scaled(&mut self, picture: &SmallPicture, side: usize) -> Vec<u8> {
        let (width, height) = (picture.width(), picture.height());
        let [blue, green, red] = picture.planes();
        let grey: Vec<u8> =
            blue.iter().zip(green).zip(red).map(|((b, g), r)| grey(*b, *g, *r)).collect();
        if width.is_multiple_of(side) && height.is_multiple_of(side) {
            // Whole cells are summed exactly and divided once.
            let (cell_width, cell_height) = (width / side, height / side);
            let mut sums = vec![0u32; side * side];
            for (rows, sums) in grey.chunks(width * cell_height).zip(sums.chunks_mut(side)) {
                for row in rows.chunks(width) {
                    for (sum, cell) in sums.iter_mut().zip(row.chunks(cell_width)) {
                        *sum += cell.iter().map(|v| u32::from(*v)).sum::<u32>();
                    }
                }
            }
            let scale = 1.0 / (cell_width * cell_height) as f32;
            return sums.iter().map(|sum| (*sum as f32 * scale).round_ties_even() as u8).collect();
        }
        let cells = match self.cells.take() {
            Some(cells) if (cells.0, cells.1) == (width, height) => cells,
            _ => (width, height, cells(width, side), cells(height, side)),
        };
        let mut scaled = Vec::with_capacity(side * side);
        let mut sum = vec![0f32; side];
        for row_cell in &cells.3 {
            sum.fill(0.0);
            for (y, row_weight) in row_cell {
                let row = &grey[y * width..(y + 1) * width];
                for (sum, cell) in sum.iter_mut().zip(&cells.2) {
                    let mut mean = 0f32;
                    for (x, weight) in cell {
                        mean += f32::from(row[*x]) * weight;
                    }
                    *sum += mean * row_weight;
                }
            }
            scaled.extend(sum.iter().map(|v| v.round_ties_even().clamp(0.0, 255.0) as u8));
        }
        self.cells = Some(cells);
        scaled
    }
}

/// Source positions that one output position covers, with weights that add up to 1.
type Cell = Vec<(usize, f32)>;

/// The cells of one axis, with OpenCV's tolerance for slivers.
fn cells(source: usize, target: usize) -> Vec<Cell> {
    const SLIVER: f64 = 1e-3;
    let scale = source as f64 / target as f64;
    let cell = |out: usize| {
        let start = out as f64 * scale;
        let end = start + scale;
        let width = scale.min(source as f64 - start);
        let last = (end.floor() as usize).min(source.saturating_sub(1));
        let first = (start.ceil() as usize).min(last);
        let mut cell = Vec::new();
        if first as f64 - start > SLIVER {
            cell.push((first - 1, ((first as f64 - start) / width) as f32));
        }
        cell.extend((first..last).map(|at| (at, (1.0 / width) as f32)));
        if end - last as f64 > SLIVER {
            cell.push((last, ((end - last as f64).min(1.0).min(width) / width) as f32));
        }
        cell
    };
    (0..target).map(cell).collect()
}

/// The orthonormal two-dimensional DCT-II of a square, in double precision.
///
/// Each level adds and subtracts mirrored values before it multiplies, so that symmetric content has
/// coefficients of exactly zero. Computed naively they would be rounding noise, and the hash of a
/// plain picture is decided by nothing else.
#[derive(Debug)]
struct CosineTransform {
    side: usize,
    /// For each length `n = side, side / 2, ...`: the odd rows of its matrix, or all rows if `n` is odd.
    levels: Vec<Vec<f64>>,
}

impl CosineTransform {
    fn new(side: usize) -> CosineTransform {
        let cosine = |n: usize, row: usize, column: usize| {
            (std::f64::consts::PI * ((2 * column + 1) * row) as f64 / (2 * n) as f64).cos()
        };
        let mut levels = Vec::new();
        let mut n = side;
        while n.is_multiple_of(2) {
            let half = n / 2;
            let odd = (0..half * half).map(|i| cosine(n, 2 * (i / half) + 1, i % half));
            levels.push(odd.collect());
            n = half;
        }
        levels.push((0..n * n).map(|i| cosine(n, i / n, i % n)).collect());
        CosineTransform { side, levels }
    }

    /// In place, on `side * side` values.
    fn apply(&self, values: &mut [f64]) {
        let side = self.side;
        let mut line = vec![0f64; side];
        for axis in [(side, 1), (1, side)] {
            for start in 0..side {
                let at = |i: usize| start * axis.0 + i * axis.1;
                for (i, value) in line.iter_mut().enumerate() {
                    *value = values[at(i)];
                }
                self.line(&mut line, 0);
                for (i, value) in line.iter().enumerate() {
                    let norm = if i == 0 { 1.0 } else { 2.0 } / side as f64;
                    values[at(i)] = value * norm.sqrt();
                }
            }
        }
    }

    /// One line, unnormalised.
    fn line(&self, values: &mut [f64], level: usize) {
        let n = values.len();
        let matrix = &self.levels[level];
        let product =
            |input: &[f64], row: &[f64]| -> f64 { input.iter().zip(row).map(|(v, c)| v * c).sum() };
        if level + 1 == self.levels.len() {
            let input = values.to_vec();
            for (out, row) in values.iter_mut().zip(matrix.chunks(n)) {
                *out = product(&input, row);
            }
            return;
        }
        let half = n / 2;
        let mut even: Vec<f64> = (0..half).map(|i| values[i] + values[n - 1 - i]).collect();
        let odd: Vec<f64> = (0..half).map(|i| values[i] - values[n - 1 - i]).collect();
        self.line(&mut even, level + 1);
        for (i, row) in matrix.chunks(half).enumerate() {
            values[2 * i] = even[i];
            values[2 * i + 1] = product(&odd, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::Time;

    use super::*;

    #[test]
    fn the_transform_of_a_plain_square_is_its_mean_alone() {
        let mut values = vec![0.3; 256];
        CosineTransform::new(16).apply(&mut values);
        assert!((values[0] - 0.3 * 16.0).abs() < 1e-12);
        assert!(values[1..].iter().all(|v| *v == 0.0));
    }

    #[test]
    fn the_transform_equals_its_definition() {
        for side in [6usize, 7, 16] {
            let input: Vec<f64> = (0..side * side).map(|i| (i * i % 17) as f64).collect();
            let mut fast = input.clone();
            CosineTransform::new(side).apply(&mut fast);
            let basis = |k: usize, i: usize| {
                let norm = if k == 0 { 1.0 } else { 2.0 } / side as f64;
                norm.sqrt()
                    * (std::f64::consts::PI * (2 * i + 1) as f64 * k as f64 / (2 * side) as f64)
                        .cos()
            };
            for (at, fast) in fast.iter().enumerate() {
                let (u, v) = (at / side, at % side);
                let slow: f64 = (0..side * side)
                    .map(|i| input[i] * basis(u, i / side) * basis(v, i % side))
                    .sum();
                assert!((fast - slow).abs() < 1e-9, "side {side} at {u},{v}: {fast} {slow}");
            }
        }
    }

    #[test]
    fn cells_share_border_pixels() {
        // 3 pixels into 2: each output is one pixel and half of the middle one.
        let cells = cells(3, 2);
        let third = 1.0 / 3.0;
        let near = |cell: &Cell, expected: &[(usize, f32)]| {
            cell.iter().zip(expected).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-6)
        };
        assert!(near(&cells[0], &[(0, 2.0 * third), (1, third)]));
        assert!(near(&cells[1], &[(1, third), (2, 2.0 * third)]));
    }

    #[test]
    fn equal_pictures_have_distance_zero_and_tiny_ones_are_no_trouble() {
        let mut hash = PictureHash::new(HashShape { size: 8, lowpass: 2 });
        let picture = SmallPicture::black(Time::ZERO, 0, 3, 1);
        assert_eq!(hash.push(&picture), None);
        assert_eq!(hash.push(&picture), Some(0.0));
    }
}
