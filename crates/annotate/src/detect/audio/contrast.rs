//! How different it sounds before and after an instant.

use omnivale_signal::SoundTrack;
use omnivale_timeline::{FeatureTrack, Span};

use super::{AudioConfig, frames};

/// The contrast between two stretches of frames: 0 for alike, 1 where a boundary begins, more for
/// more. The larger of the descriptors' distance and the difference in level, each in units of its limit.
///
/// Of `from..until_before` and `from_after..until` only the context next to the cut is taken. What is
/// compared is a stretch on either side, not two pieces: drums alternate, and are one event all the same. `rows` are
/// the track's own, or an encoder's of the same sound.
pub(super) fn contrast(
    track: &SoundTrack,
    rows: &FeatureTrack,
    before: (usize, usize),
    after: (usize, usize),
    config: &AudioConfig,
) -> f64 {
    let distance = distance(track, rows, before, after, config);
    let (before, after) = nearby(before, after, config);
    let silent = config.meter.silent_db;
    let step = (level_db(track, before, silent) - level_db(track, after, silent)).abs();
    (distance / (1.0 - config.stitch_similarity)).max(step / config.level_step_db)
}

/// The descriptors' distance alone, one minus their cosine, between the stretches that [`contrast`] compares.
pub(super) fn distance(
    track: &SoundTrack,
    rows: &FeatureTrack,
    before: (usize, usize),
    after: (usize, usize),
    config: &AudioConfig,
) -> f64 {
    let (before, after) = nearby(before, after, config);
    1.0 - similarity(&mean_row(track, rows, before), &mean_row(track, rows, after))
}

/// The context next to the cut.
fn nearby(
    before: (usize, usize),
    after: (usize, usize),
    config: &AudioConfig,
) -> ((usize, usize), (usize, usize)) {
    let context = frames(config.context_s);
    let before = (before.0.max(before.1.saturating_sub(context)), before.1);
    (before, (after.0, after.1.min(after.0 + context)))
}

/// The mean descriptor of the rows whose middle lies in the stretch, or of the one nearest to its middle.
pub(super) fn mean_row(
    track: &SoundTrack,
    rows: &FeatureTrack,
    (from, until): (usize, usize),
) -> Vec<f32> {
    let (from, until) = (track.frame_time(from), track.frame_time(until));
    let grid = rows.grid();
    let centre = |row: usize| grid.span(row).map(Span::centre);
    let first = grid.nearest(from).unwrap_or(0).saturating_sub(1);
    let inside = (first..grid.rows())
        .take_while(|row| centre(*row).is_some_and(|c| c < until))
        .filter(|row| centre(*row).is_some_and(|c| c >= from));
    let mut sum = vec![0.0; rows.width()];
    let mut count = 0;
    for row in inside {
        count += 1;
        for (total, value) in sum.iter_mut().zip(rows.row(row)) {
            *total += value;
        }
    }
    if count > 0 {
        return sum;
    }
    // A row is half a second; what is shorter may hold no row's middle.
    let middle = Span::until(from, until).centre();
    let near = first..(first + 3).min(grid.rows());
    let nearest = near.min_by_key(|row| centre(*row).map(|c| c.distance(middle)));
    nearest.map_or(sum, |row| rows.row(row).to_vec())
}

/// The level of the stretch's frames that are not silent, in dBFS: pauses do not make a sound softer.
fn level_db(track: &SoundTrack, (from, until): (usize, usize), silent_db: f32) -> f64 {
    let powers = track.frames[from..until]
        .iter()
        .filter(|frame| frame.rms_db > silent_db)
        .map(|frame| 10f64.powf(f64::from(frame.rms_db) / 10.0));
    let (count, sum) = powers.fold((0u32, 0.0), |(count, sum), power| (count + 1, sum + power));
    if count == 0 { f64::from(silent_db) } else { 10.0 * (sum / f64::from(count)).log10() }
}

/// Cosine; 0 if one of the two is zero.
pub(super) fn similarity(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| -> f64 {
        x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms == 0.0 { 0.0 } else { dot(a, b) / norms }
}
