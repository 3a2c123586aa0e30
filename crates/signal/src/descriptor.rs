//! A picture as 96 numbers that lie near each other for pictures that look alike: no weights, no training.

use std::f32::consts::PI;

use crate::coarse::Coarse;
use crate::small_picture::SmallPicture;

/// Numbers per descriptor.
pub const VISUAL_WIDTH: usize = COLOURS + LAYOUT + EDGES;

/// 8 hues, dark and bright, and 8 greys.
const COLOURS: usize = 24;
/// Luma and two colour differences of 4 x 4 cells.
const LAYOUT: usize = 3 * CELLS * CELLS;
const CELLS: usize = 4;
/// 5 directions and "none" in 2 x 2 cells.
const EDGES: usize = 4 * DIRECTIONS;
const DIRECTIONS: usize = 6;

/// How much each part counts; the squares are shares of the whole for a picture of strong layout.
const COLOUR_WEIGHT: f32 = 0.7;
const LAYOUT_WEIGHT: f32 = 1.2;
const EDGE_WEIGHT: f32 = 0.45;

/// Below this saturation or value (of 255) a pixel counts as grey.
const GREY_SATURATION: u8 = 38;
const GREY_VALUE: u8 = 38;
/// Luma gradients weaker than this (steps of 255 over two coarse pixels) have no direction.
const WEAK_GRADIENT: i32 = 16;

/// The descriptor of a picture, of unit length. Shape `[VISUAL_WIDTH]`.
///
/// Three parts: a colour histogram (square roots of shares, hues shared between neighbouring bins), a
/// coarse layout (mean luma and colour differences of 4 x 4 cells, signed around mid grey), and the
/// directions of luma gradients in 2 x 2 cells (square roots of shares). Distances are Euclidean: 0
/// for equal pictures, about 0.2 within a calm shot, 0.7 and more between unrelated pictures.
pub(crate) fn descriptor(
    picture: &SmallPicture,
    [hue, saturation, value]: [&[u8]; 3],
    coarse: &Coarse,
) -> [f32; VISUAL_WIDTH] {
    let mut row = [0f32; VISUAL_WIDTH];
    let (colours, rest) = row.split_at_mut(COLOURS);
    let (layout, edges) = rest.split_at_mut(LAYOUT);
    let [blue, green, red] = picture.planes();
    let (width, height) = (picture.width(), picture.height());
    let mut cells = [[0u32; 4]; CELLS * CELLS];
    for y in (0..height).step_by(2) {
        for x in (0..width).step_by(2) {
            let at = y * width + x;
            colour(colours, hue[at], saturation[at], value[at]);
            let cell = &mut cells[y * CELLS / height * CELLS + x * CELLS / width];
            let samples = [blue[at], green[at], red[at]].map(u32::from);
            cell.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += sample);
            cell[3] += 1;
        }
    }
    root_of_shares(colours, COLOUR_WEIGHT);
    for (out, cell) in layout.as_chunks_mut::<3>().0.iter_mut().zip(cells) {
        let [b, g, r] =
            [cell[0], cell[1], cell[2]].map(|s| s as f32 / (255 * cell[3].max(1)) as f32);
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        // Each in about [-1, 1]; colour differences are small in most pictures.
        *out = [2.0 * luma - 1.0, 2.0 * (b - luma), 2.0 * (r - luma)];
        *out = out.map(|v| v * LAYOUT_WEIGHT / CELLS as f32);
    }
    for y in 1..coarse.height.saturating_sub(1) {
        for x in 1..coarse.width.saturating_sub(1) {
            let cell = y * 2 / coarse.height * 2 + x * 2 / coarse.width;
            let luma = |x: usize, y: usize| i32::from(coarse.luma[y * coarse.width + x]);
            let (dx, dy) = (luma(x + 1, y) - luma(x - 1, y), luma(x, y + 1) - luma(x, y - 1));
            let bins = &mut edges[cell * DIRECTIONS..(cell + 1) * DIRECTIONS];
            if dx * dx + dy * dy < WEAK_GRADIENT * WEAK_GRADIENT {
                bins[DIRECTIONS - 1] += 1.0;
            } else {
                direction(&mut bins[..DIRECTIONS - 1], dx as f32, dy as f32);
            }
        }
    }
    root_of_shares(edges, EDGE_WEIGHT);
    let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
    if norm > 0.0 { row.map(|v| v / norm) } else { row }
}

/// Adds one pixel to the colour histogram.
fn colour(bins: &mut [f32], hue: u8, saturation: u8, value: u8) {
    if saturation < GREY_SATURATION || value < GREY_VALUE {
        let level = f32::from(value) / 256.0 * 8.0 - 0.5;
        let low = level.max(0.0) as usize;
        let share = (level - low as f32).clamp(0.0, 1.0);
        bins[16 + low] += 1.0 - share;
        bins[16 + (low + 1).min(7)] += share;
    } else {
        let bright = if value < 140 { 0 } else { 8 };
        let position = f32::from(hue) / 180.0 * 8.0;
        let low = position as usize;
        let share = position - low as f32;
        bins[bright + low % 8] += 1.0 - share;
        bins[bright + (low + 1) % 8] += share;
    }
}

/// Shares a gradient between the two nearest directions; opposite gradients are one direction.
fn direction(bins: &mut [f32], dx: f32, dy: f32) {
    let count = bins.len();
    let position = (dy.atan2(dx) / PI).rem_euclid(1.0) * count as f32;
    let low = position as usize;
    let share = position - low as f32;
    bins[low % count] += 1.0 - share;
    bins[(low + 1) % count] += share;
}

/// Counts to square roots of shares, so that the part has length `weight`.
fn root_of_shares(bins: &mut [f32], weight: f32) {
    let total: f32 = bins.iter().sum();
    if total > 0.0 {
        bins.iter_mut().for_each(|count| *count = (*count / total).sqrt() * weight);
    }
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::Time;

    use super::*;
    use crate::hsv::bgr_to_hsv;

    fn describe(colour: impl Fn(usize, usize) -> [u8; 3]) -> [f32; VISUAL_WIDTH] {
        let mut picture = SmallPicture::black(Time::ZERO, 0, 256, 144);
        for (channel, plane) in picture.planes_mut().into_iter().enumerate() {
            for (at, sample) in plane.iter_mut().enumerate() {
                *sample = colour(at % 256, at / 256)[channel];
            }
        }
        let mut hsv = [(); 3].map(|()| vec![0; picture.pixels()]);
        let [hue, saturation, value] = &mut hsv;
        bgr_to_hsv(picture.planes(), [hue, saturation, value]);
        let mut coarse = Coarse::default();
        coarse.fill(&picture);
        descriptor(&picture, [&hsv[0], &hsv[1], &hsv[2]], &coarse)
    }

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
    }

    #[test]
    fn is_of_unit_length_and_tells_scenes_apart() {
        let meadow = describe(|_, y| if y < 70 { [230, 180, 120] } else { [40, 140, 60] });
        let brighter = describe(|_, y| if y < 70 { [240, 190, 130] } else { [45, 150, 68] });
        let turned = describe(|_, y| if y >= 70 { [230, 180, 120] } else { [40, 140, 60] });
        let night = describe(|x, _| if x % 64 < 8 { [90, 200, 250] } else { [20, 8, 4] });
        let length: f32 = meadow.iter().map(|v| v * v).sum();
        assert!((length - 1.0).abs() < 1e-5);
        assert!(distance(&meadow, &brighter) < 0.2, "{}", distance(&meadow, &brighter));
        assert!(distance(&meadow, &turned) > 0.4, "{}", distance(&meadow, &turned));
        assert!(distance(&meadow, &night) > 0.8, "{}", distance(&meadow, &night));
    }

    #[test]
    fn plain_pictures_have_finite_descriptors() {
        for level in [0, 128, 255] {
            assert!(describe(|_, _| [level; 3]).iter().all(|v| v.is_finite()));
        }
    }
}
