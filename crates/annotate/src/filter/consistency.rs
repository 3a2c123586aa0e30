//! Whether what is heard fits what is seen, without a model.

use omnivale_timeline::{Duration, Time};

use super::{FilterConfig, Measured};

/// Width of the bins in which change is compared, in microseconds: about the tolerance with which
/// people take a sound and a movement for one event.
const BIN_US: u64 = 200_000;
/// Sound and picture may lead each other by this many bins.
const LAG: i64 = 1;

/// The largest agreement between picture change and sound onsets over any segment of
/// [`FilterConfig::consistency_segment_s`]; `None` if either is missing or nothing ever changes.
///
/// Agreement is Pearson's correlation of the two strengths in bins of 0.2 s, best over a shift of
/// one bin either way. It stands in for the C-MCR similarity of the paper (pipeline.md §1), which
/// needs weights: both ask whether some part of the video has sight and sound of one event. The
/// last segment counts if at least half of it is there.
pub fn consistency(measured: &Measured<'_>, config: &FilterConfig) -> Option<f64> {
    if measured.content.is_empty() || measured.onset_strength.is_empty() {
        return None;
    }
    let bins = (measured.duration.micros() / BIN_US) as usize + 1;
    let seen = binned(measured.content, bins);
    let heard = binned(measured.onset_strength, bins);
    let segment = Duration::from_seconds(config.consistency_segment_s)?;
    let length = ((segment.micros() / BIN_US) as usize).max(2);
    (0..bins)
        .step_by(length)
        .filter(|from| bins - from >= length / 2)
        .filter_map(|from| best_correlation(&seen, &heard, from, (from + length).min(bins)))
        .max_by(f64::total_cmp)
}

/// The largest strength in each bin; bins in which nothing was measured hold 0.
fn binned(series: &[(Time, f64)], bins: usize) -> Vec<f64> {
    let mut strongest = vec![0.0f64; bins];
    for (time, strength) in series {
        let bin = (time.since(Time::ZERO).micros() / BIN_US) as usize;
        if let Some(slot) = strongest.get_mut(bin) {
            *slot = slot.max(*strength);
        }
    }
    strongest
}

fn best_correlation(seen: &[f64], heard: &[f64], from: usize, to: usize) -> Option<f64> {
    (-LAG..=LAG)
        .filter_map(|lag| {
            let pairs = (from..to).filter_map(|bin| {
                let other = bin.checked_add_signed(lag as isize)?;
                Some((seen[bin], *heard.get(other)?))
            });
            correlation(pairs)
        })
        .max_by(f64::total_cmp)
}

/// Pearson's correlation; `None` for fewer than three pairs or where one side never changes.
fn correlation(pairs: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let pairs: Vec<(f64, f64)> = pairs.collect();
    if pairs.len() < 3 {
        return None;
    }
    let n = pairs.len() as f64;
    let (sum_x, sum_y) = pairs.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (mean_x, mean_y) = (sum_x / n, sum_y / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mean_x) * (x - mean_x);
        yy += (y - mean_y) * (y - mean_y);
        xy += (x - mean_x) * (y - mean_y);
    }
    let scale = (xx * yy).sqrt();
    (scale > 1e-12).then(|| (xy / scale).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn pulses(offset_ms: i64, period_ms: i64) -> Vec<(Time, f64)> {
        (0..250)
            .map(|i| i * 40)
            .map(|ms| {
                let on = (ms - offset_ms).rem_euclid(period_ms) < 40;
                (Time::from_millis(ms), if on { 10.0 } else { 0.1 })
            })
            .collect()
    }

    fn agreement(content: &[(Time, f64)], onset_strength: &[(Time, f64)]) -> Option<f64> {
        let duration = Duration::from_millis(10_000);
        let measured = Measured {
            duration,
            shots: None,
            content,
            onset_strength,
            voice: None,
            agreement: None,
            learned: false,
        };
        consistency(&measured, &Config::default().filter)
    }

    #[test]
    fn movement_in_step_with_sound_agrees_and_independent_movement_does_not() {
        let beat = pulses(0, 1_000);
        let together = agreement(&beat, &pulses(100, 1_000)).unwrap();
        assert!(together > 0.9, "{together}");
        let apart = agreement(&beat, &pulses(500, 1_000)).unwrap();
        assert!(apart < together - 0.5, "{apart} {together}");
    }

    #[test]
    fn without_sound_or_change_there_is_no_agreement_to_measure() {
        let still: Vec<(Time, f64)> = pulses(0, 1_000).iter().map(|(t, _)| (*t, 0.0)).collect();
        assert_eq!(agreement(&still, &pulses(0, 1_000)), None);
        assert_eq!(agreement(&pulses(0, 1_000), &[]), None);
    }

    #[test]
    fn correlation_of_three_points_by_hand() {
        // x: 1 2 3, y: 2 4 5. Deviations: -1 0 1 and -5/3 1/3 4/3; xy = 3, xx = 2, yy = 14/3.
        let found = correlation([(1.0, 2.0), (2.0, 4.0), (3.0, 5.0)].into_iter()).unwrap();
        assert!((found - 3.0 / (2.0f64 * 14.0 / 3.0).sqrt()).abs() < 1e-12);
    }
}
