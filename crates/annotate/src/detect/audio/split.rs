//! Runs of audible frames, cut where the sound changes.

use omnivale_signal::{SoundFrame, SoundTrack};

use super::{AudioConfig, Piece, frames};

/// The MFCC change over time, smoothed, with the clip's threshold.
pub(super) struct Change {
    smooth: Vec<f32>,
    mean: f64,
    deviation: f64,
}

/// An end of speech this close to the end of what is heard is the same boundary, in seconds: the
/// detector loses the last, soft sound of a sentence.
const SAME_EDGE_S: f64 = 0.4;

impl Change {
    /// Mean and deviation are over the audible frames.
    pub(super) fn of(all: &[SoundFrame], heard: &[bool], config: &AudioConfig) -> Change {
        let raw: Vec<f32> = all.iter().map(|f| f.mfcc_change).collect();
        let smooth = median(&raw, config.smoothing_frames);
        let of_heard = || smooth.iter().zip(heard).filter(|(_, h)| **h).map(|(v, _)| f64::from(*v));
        let count = of_heard().count().max(1) as f64;
        let mean = of_heard().sum::<f64>() / count;
        let variance = of_heard().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        Change { smooth, mean, deviation: variance.sqrt() }
    }

    /// How far the change around `frame` stands out, in standard deviations above the mean.
    pub(super) fn score(&self, frame: usize) -> f64 {
        const AROUND: usize = 3;
        let around = frame.saturating_sub(AROUND)..(frame + AROUND + 1).min(self.smooth.len());
        let top = self.smooth[around].iter().copied().fold(0.0, f32::max);
        (f64::from(top) - self.mean) / self.deviation.max(f64::MIN_POSITIVE)
    }

    /// Local maxima above the threshold within `from..until`, the higher ones first in line.
    fn peaks(&self, from: usize, until: usize, config: &AudioConfig) -> Vec<usize> {
        let least = self.mean + config.split_deviations * self.deviation;
        let is_peak = |at: &usize| {
            let value = self.smooth[*at];
            f64::from(value) > least
                && value >= self.smooth[*at - 1]
                && self.smooth.get(*at + 1).is_none_or(|next| value > *next)
        };
        let mut peaks: Vec<usize> = (from.max(1)..until).filter(is_peak).collect();
        peaks.sort_by(|a, b| self.smooth[*b].total_cmp(&self.smooth[*a]).then(a.cmp(b)));
        let distance = frames(config.split_distance_s);
        let mut kept: Vec<usize> = Vec::new();
        for peak in peaks {
            if kept.iter().all(|other| other.abs_diff(peak) >= distance) {
                kept.push(peak);
            }
        }
        kept.sort_unstable();
        kept
    }
}

/// The running median; at the ends of what there is.
fn median(values: &[f32], width: usize) -> Vec<f32> {
    let half = width / 2;
    (0..values.len())
        .map(|at| {
            let mut window =
                values[at.saturating_sub(half)..(at + half + 1).min(values.len())].to_vec();
            window.sort_by(f32::total_cmp);
            window[window.len() / 2]
        })
        .collect()
}

/// Runs of audible frames, cut at the edges of speech and, outside it, at peaks of change.
pub(super) fn pieces(
    track: &SoundTrack,
    heard: &[bool],
    change: &Change,
    config: &AudioConfig,
) -> Vec<Piece> {
    let voice: Vec<(usize, usize)> = track
        .voice
        .iter()
        .map(|span| (track.frame_at(span.start), track.frame_at(span.end())))
        .collect();
    let mut pieces = Vec::new();
    for (from, until) in runs(heard) {
        let mut cuts = vec![from];
        let speech = speech_within(&voice, from, until);
        for (start, end) in &speech {
            cuts.extend([*start, *end]);
        }
        let in_speech = |at: &usize| speech.iter().any(|(start, end)| start <= at && at <= end);
        cuts.extend(change.peaks(from, until, config).into_iter().filter(|at| !in_speech(at)));
        cuts.push(until);
        cuts.sort_unstable();
        cuts.dedup();
        for pair in cuts.windows(2) {
            let (from, until) = (pair[0], pair[1]);
            let speech = speech.iter().any(|(start, end)| *start <= from && until <= *end);
            pieces.push(Piece { from, until, speech });
        }
    }
    pieces
}

/// The parts of `voice` inside the run, drawn out to its ends where they nearly reach them.
fn speech_within(voice: &[(usize, usize)], from: usize, until: usize) -> Vec<(usize, usize)> {
    let near = frames(SAME_EDGE_S);
    let first = voice.partition_point(|(_, end)| *end <= from);
    voice[first..]
        .iter()
        .take_while(|(start, _)| *start < until)
        .map(|(start, end)| {
            let start = if *start <= from + near { from } else { *start };
            let end = if *end + near >= until { until } else { *end };
            (start, end)
        })
        .collect()
}

/// Stretches of audible frames.
fn runs(heard: &[bool]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in heard.iter().enumerate().filter(|(_, h)| **h) {
        match runs.last_mut() {
            Some((_, until)) if *until == at => *until = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs
}
