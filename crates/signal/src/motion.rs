//! Camera motion and activity between sampled pictures.
//!
//! Two coarse luma pictures (64 pixels wide) a fraction of a second apart are compared block by
//! block: each textured block of the earlier one is looked for in the later one, to a fraction of a
//! pixel. The camera is then the one shift and zoom that most blocks agree with.

use omnivale_timeline::{Duration, Time};
use serde::{Deserialize, Serialize};

use crate::coarse::Coarse;

/// How the picture moved between two samples of one shot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MotionSample {
    /// Time of the later sample.
    pub time: Time,
    /// Time since the earlier one.
    pub interval: Duration,
    /// Motion of the content to the right, in picture widths per second (a camera panning left).
    pub right: f32,
    /// Motion of the content downwards, in picture heights per second (a camera tilting up).
    pub down: f32,
    /// Growth of the content, as a fraction per second (positive: zooming in).
    pub zoom: f32,
    /// Share of the textured blocks (counted as at least two fifths of all) that follow this global
    /// motion, in [0, 1]; 0 where nothing has texture.
    pub coherence: f32,
    /// Mean absolute luma difference of the two samples as they are, in [0, 1].
    pub change: f32,
    /// The same after undoing the global motion: what moves by itself.
    pub residual: f32,
}

/// Pixels along a block's side.
const BLOCK: usize = 8;
/// Furthest shift looked for, in coarse pixels: a tenth of the picture's width.
const REACH: i32 = 6;
/// Mean absolute difference of a block from its own mean, in luma steps, from which on it can be followed.
const TEXTURE: u32 = 3;
/// Cost of each pixel of shift, in luma steps over a block: of equal matches the nearest wins.
const SHIFT_COST: u32 = 4;
/// How near a block's shift must be to the global motion to follow it, in coarse pixels.
const TOLERANCE: f32 = 0.4;
/// Coherence is measured against at least this share of all blocks.
const SCENE_SHARE: f32 = 0.4;
/// Fewer agreeing blocks than this tell nothing about the camera.
const FEWEST_BLOCKS: usize = 3;
/// Largest correction of a whole shift, in coarse pixels: half a pixel and some slack.
const FURTHEST_FRACTION: f32 = 0.7;

/// Shift at the centre, in pixels, and growth per pixel of distance from the centre.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Camera {
    dx: f32,
    dy: f32,
    growth: f32,
}

/// Where a block is, seen from the picture's centre, and how far it moved; in coarse pixels.
#[derive(Debug, Clone, Copy)]
struct Track {
    x: f32,
    y: f32,
    dx: f32,
    dy: f32,
}

impl MotionSample {
    /// Compares two samples of one size; `None` if they are not, or are too small to have blocks.
    pub(crate) fn between(
        earlier: &Coarse,
        later: &Coarse,
        time: Time,
        interval: Duration,
    ) -> Option<MotionSample> {
        let (width, height) = (earlier.width, earlier.height);
        let too_small = width < 2 * BLOCK || height < 2 * BLOCK;
        if too_small || (later.width, later.height) != (width, height) {
            return None;
        }
        let tracks = tracks(earlier, later);
        let blocks = (width / BLOCK) * (height / BLOCK);
        let (camera, coherence) = fit(&tracks, blocks);
        let per_second = 1.0 / (interval.seconds() as f32).max(1e-3);
        let change = mean_difference(&earlier.luma, &later.luma);
        let still = camera == Camera { dx: 0.0, dy: 0.0, growth: 0.0 };
        let residual = if still { change } else { residual(earlier, later, camera).min(change) };
        Some(MotionSample {
            time,
            interval,
            right: camera.dx / width as f32 * per_second,
            down: camera.dy / height as f32 * per_second,
            zoom: camera.growth * per_second,
            coherence,
            change,
            residual,
        })
    }
}

/// Follows every textured block.
fn tracks(earlier: &Coarse, later: &Coarse) -> Vec<Track> {
    let (width, height) = (earlier.width, earlier.height);
    let mut tracks = Vec::new();
    for top in (0..=height - BLOCK).step_by(BLOCK) {
        for left in (0..=width - BLOCK).step_by(BLOCK) {
            if texture(earlier, left, top) < TEXTURE {
                continue;
            }
            if let Some((dx, dy)) = follow(earlier, later, left, top) {
                let centre =
                    |at: usize, size: usize| at as f32 + (BLOCK as f32 - size as f32) / 2.0;
                tracks.push(Track { x: centre(left, width), y: centre(top, height), dx, dy });
            }
        }
    }
    tracks
}

/// Mean absolute difference of a block from its mean.
fn texture(picture: &Coarse, left: usize, top: usize) -> u32 {
    let rows = || (top..top + BLOCK).map(|y| &picture.luma[y * picture.width + left..][..BLOCK]);
    let pixels = (BLOCK * BLOCK) as u32;
    let mean = rows().flatten().map(|v| u32::from(*v)).sum::<u32>() / pixels;
    rows().flatten().map(|v| u32::from(*v).abs_diff(mean)).sum::<u32>() / pixels
}

/// The shift at which the block matches best; `None` if that is at the edge of what was searched.
fn follow(earlier: &Coarse, later: &Coarse, left: usize, top: usize) -> Option<(f32, f32)> {
    let mut best = (u32::MAX, 0, 0);
    for dy in -REACH..=REACH {
        for dx in -REACH..=REACH {
            let (x, y) = (left as i32 + dx, top as i32 + dy);
            let (right, bottom) = (x + BLOCK as i32, y + BLOCK as i32);
            if x < 0 || y < 0 || right > later.width as i32 || bottom > later.height as i32 {
                continue;
            }
            let mut cost = SHIFT_COST * (dx.abs() + dy.abs()) as u32;
            for row in 0..BLOCK {
                let a = &earlier.luma[(top + row) * earlier.width + left..][..BLOCK];
                let b = &later.luma[(y as usize + row) * later.width + x as usize..][..BLOCK];
                cost += a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
            }
            best = best.min((cost, dy, dx));
        }
    }
    let (_, dy, dx) = best;
    if dx.abs() == REACH || dy.abs() == REACH || best.0 == u32::MAX {
        return None;
    }
    let (x, y) = fraction(earlier, later, (left, top), (dx, dy));
    Some((dx as f32 + x, dy as f32 + y))
}

/// The fraction of a pixel by which the best whole shift is off: one step of Lucas and Kanade, which
/// asks what small shift explains the differences, given the slopes. Zero where the slopes do not
/// tell, and for a perfect match.
fn fraction(
    earlier: &Coarse,
    later: &Coarse,
    (left, top): (usize, usize),
    (dx, dy): (i32, i32),
) -> (f32, f32) {
    let (mut xx, mut xy, mut yy, mut xt, mut yt) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for y in top..top + BLOCK {
        for x in left..left + BLOCK {
            let at = |x: i32, y: i32| -> Option<f32> {
                let (x, y) = (usize::try_from(x + dx).ok()?, usize::try_from(y + dy).ok()?);
                later.at(x, y).map(f32::from)
            };
            let (column, row) = (x as i32, y as i32);
            let neighbours = (
                at(column - 1, row),
                at(column + 1, row),
                at(column, row - 1),
                at(column, row + 1),
                at(column, row),
            );
            let (Some(l), Some(r), Some(u), Some(d), Some(here)) = neighbours else { continue };
            let (slope_x, slope_y) = ((r - l) / 2.0, (d - u) / 2.0);
            let change = here - f32::from(earlier.luma[y * earlier.width + x]);
            xx += slope_x * slope_x;
            xy += slope_x * slope_y;
            yy += slope_y * slope_y;
            xt += slope_x * change;
            yt += slope_y * change;
        }
    }
    let determinant = xx * yy - xy * xy;
    if determinant <= 1e-3 * (xx + yy).powi(2) {
        return (0.0, 0.0);
    }
    let limit = |shift: f32| shift.clamp(-FURTHEST_FRACTION, FURTHEST_FRACTION);
    (limit((xy * yt - yy * xt) / determinant), limit((xy * xt - xx * yt) / determinant))
}

/// The camera that most blocks agree with, and the share of blocks that do; `blocks` is how many the
/// picture has, textured or not.
fn fit(tracks: &[Track], blocks: usize) -> (Camera, f32) {
    let still = Camera { dx: 0.0, dy: 0.0, growth: 0.0 };
    if tracks.is_empty() {
        return (still, 0.0);
    }
    let agree = |camera: &Camera| {
        let near = |track: &&Track| camera.distance(track) <= TOLERANCE;
        tracks.iter().filter(near).copied().collect::<Vec<_>>()
    };
    // Every pair of blocks proposes a camera; the earliest of the most agreed-with wins, and standing
    // still comes first.
    let mut best = agree(&still);
    for (i, a) in tracks.iter().enumerate() {
        for b in &tracks[i + 1..] {
            let Some(camera) = solve(&[*a, *b]) else { continue };
            let agreeing = tracks.iter().filter(|t| camera.distance(t) <= TOLERANCE).count();
            if agreeing > best.len() {
                best = agree(&camera);
            }
        }
    }
    // A few textured blocks in a plain picture are an object rather than the scene.
    let witnesses = (tracks.len() as f32).max(SCENE_SHARE * blocks as f32);
    if best.len() < FEWEST_BLOCKS {
        return (still, agree(&still).len() as f32 / witnesses);
    }
    // Two blocks fix a camera roughly, all that agree with it fix it well.
    let mut camera = still;
    for _ in 0..3 {
        camera = solve(&best).unwrap_or(still);
        best = agree(&camera);
    }
    (camera, best.len() as f32 / witnesses)
}

/// Least squares over the blocks; `None` if they do not determine a zoom.
fn solve(tracks: &[Track]) -> Option<Camera> {
    let count = tracks.len() as f32;
    let mean = |value: fn(&Track) -> f32| tracks.iter().map(value).sum::<f32>() / count;
    let (x, y, dx, dy) = (mean(|t| t.x), mean(|t| t.y), mean(|t| t.dx), mean(|t| t.dy));
    let (mut spread, mut growth) = (0.0, 0.0);
    for track in tracks {
        spread += (track.x - x).powi(2) + (track.y - y).powi(2);
        growth += (track.x - x) * (track.dx - dx) + (track.y - y) * (track.dy - dy);
    }
    if spread < 1.0 {
        return None;
    }
    let growth = growth / spread;
    Some(Camera { dx: dx - growth * x, dy: dy - growth * y, growth })
}

impl Camera {
    /// How far a block's shift is from what this camera would give it, the larger of both axes.
    fn distance(&self, track: &Track) -> f32 {
        let x = (self.dx + self.growth * track.x - track.dx).abs();
        let y = (self.dy + self.growth * track.y - track.dy).abs();
        x.max(y)
    }
}

fn mean_difference(a: &[u8], b: &[u8]) -> f32 {
    let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    sum as f32 / (255 * a.len().max(1)) as f32
}

/// Mean absolute difference after undoing the camera's motion, over the pixels that both pictures show.
fn residual(earlier: &Coarse, later: &Coarse, camera: Camera) -> f32 {
    let (mut sum, mut count) = (0.0, 0u32);
    let (middle_x, middle_y) = (earlier.width as f32 / 2.0, earlier.height as f32 / 2.0);
    for y in 0..earlier.height {
        for x in 0..earlier.width {
            let (from_x, from_y) = (x as f32 + 0.5 - middle_x, y as f32 + 0.5 - middle_y);
            let to_x = x as f32 + camera.dx + camera.growth * from_x;
            let to_y = y as f32 + camera.dy + camera.growth * from_y;
            let Some(seen) = bilinear(later, to_x, to_y) else { continue };
            sum += (seen - f32::from(earlier.luma[y * earlier.width + x])).abs();
            count += 1;
        }
    }
    if count == 0 { 1.0 } else { sum / (255.0 * count as f32) }
}

/// The picture between its pixels; `None` outside.
fn bilinear(picture: &Coarse, x: f32, y: f32) -> Option<f32> {
    if x < 0.0 || y < 0.0 {
        return None;
    }
    let (left, top) = (x as usize, y as usize);
    let (fx, fy) = (x - left as f32, y - top as f32);
    let at = |x, y| picture.at(x, y).map(f32::from);
    let upper = at(left, top)? * (1.0 - fx) + at(left + 1, top)? * fx;
    let lower = at(left, top + 1)? * (1.0 - fx) + at(left + 1, top + 1)? * fx;
    Some(upper * (1.0 - fy) + lower * fy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A smooth, textured scene, seen by a camera at (x, y) with magnification `zoom`.
    fn view(x: f32, y: f32, zoom: f32) -> Coarse {
        let scene = |x: f32, y: f32| {
            let waves = (x * 0.45).sin() + (y * 0.53).cos() + (x * 0.21 + y * 0.33).sin();
            (128.0 + 35.0 * waves + 12.0 * (x * 0.9 - y * 0.7).sin()) as u8
        };
        let luma = (0..36 * 64).map(|at| {
            let (column, row) = ((at % 64) as f32 - 31.5, (at / 64) as f32 - 17.5);
            scene(x + column / zoom, y + row / zoom)
        });
        Coarse { width: 64, height: 36, luma: luma.collect() }
    }

    fn between(earlier: &Coarse, later: &Coarse) -> MotionSample {
        let interval = Duration::from_millis(200);
        MotionSample::between(earlier, later, Time::ZERO, interval).unwrap()
    }

    #[test]
    fn nothing_moves() {
        let motion = between(&view(0.0, 0.0, 1.0), &view(0.0, 0.0, 1.0));
        assert_eq!((motion.right, motion.down, motion.zoom), (0.0, 0.0, 0.0));
        assert_eq!((motion.change, motion.residual, motion.coherence), (0.0, 0.0, 1.0));
    }

    #[test]
    fn a_pan_right_moves_the_content_left() {
        // 1.6 of 64 pixels in 0.2 s: an eighth of the width per second.
        let motion = between(&view(0.0, 0.0, 1.0), &view(1.6, 0.0, 1.0));
        assert!((motion.right + 0.125).abs() < 0.02, "{motion:?}");
        assert!(motion.down.abs() < 0.02 && motion.zoom.abs() < 0.02, "{motion:?}");
        assert!(motion.coherence > 0.8 && motion.residual < motion.change / 3.0, "{motion:?}");
    }

    #[test]
    fn a_tilt_up_moves_the_content_down() {
        // 2.3 of 36 pixels in 0.2 s.
        let motion = between(&view(0.0, 0.0, 1.0), &view(0.0, -2.3, 1.0));
        assert!((motion.down - 2.3 / 36.0 / 0.2).abs() < 0.04, "{motion:?}");
        assert!(motion.right.abs() < 0.02, "{motion:?}");
    }

    #[test]
    fn a_zoom_in_makes_the_content_grow() {
        // Four per cent in 0.2 s: 20 % per second.
        let motion = between(&view(0.0, 0.0, 1.0), &view(0.0, 0.0, 1.04));
        assert!((motion.zoom - 0.2).abs() < 0.04, "{motion:?}");
        let motion = between(&view(0.0, 0.0, 1.04), &view(0.0, 0.0, 1.0));
        assert!((motion.zoom + 0.2).abs() < 0.04, "{motion:?}");
    }

    #[test]
    fn a_moving_patch_is_not_the_camera() {
        let earlier = view(0.0, 0.0, 1.0);
        let mut later = earlier.clone();
        let elsewhere = view(40.0, 11.0, 1.0);
        for y in 8..24 {
            let row = y * 64 + 24..y * 64 + 40;
            later.luma[row.clone()].copy_from_slice(&elsewhere.luma[row]);
        }
        let motion = between(&earlier, &later);
        assert_eq!((motion.right, motion.down, motion.zoom), (0.0, 0.0, 0.0));
        assert!(motion.residual > 0.01 && motion.coherence < 1.0, "{motion:?}");
    }

    #[test]
    fn plain_pictures_have_no_motion() {
        let plain = |luma| Coarse { width: 64, height: 36, luma: vec![luma; 64 * 36] };
        let motion = between(&plain(10), &plain(61));
        assert_eq!((motion.right, motion.coherence, motion.change), (0.0, 0.0, 0.2));
    }
}
