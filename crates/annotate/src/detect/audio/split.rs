//! Runs of audible frames, cut where the sound changes.

use omnivale_signal::{FRAMES_PER_ROW, SoundFrame, SoundTrack};

use super::contrast::contrast;
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

    /// The frame of the largest change within `from..until`.
    fn largest(&self, from: usize, until: usize) -> usize {
        let range = from..until.min(self.smooth.len());
        range.max_by(|a, b| self.smooth[*a].total_cmp(&self.smooth[*b])).unwrap_or(from)
    }

    /// Local maxima above the threshold within `from..until`, at least the configured distance from
    /// each other (the higher one stays) and from its ends.
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
        // The ends of the run are boundaries already.
        let mut kept: Vec<usize> = vec![from, until];
        for peak in peaks {
            if kept.iter().all(|other| other.abs_diff(peak) >= distance) {
                kept.push(peak);
            }
        }
        kept.split_off(2)
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
        cuts.extend(turns(track, (from, until), &speech, change, config));
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

/// Where one sound turns into another too slowly for a peak of change: tops of the contrast between
/// before and after, at the rows of the descriptor, moved to the largest change nearby.
fn turns(
    track: &SoundTrack,
    (from, until): (usize, usize),
    speech: &[(usize, usize)],
    change: &Change,
    config: &AudioConfig,
) -> Vec<usize> {
    let context = frames(config.context_s);
    let edges = speech.iter().flat_map(|(start, end)| [*start, *end]).chain([until]);
    let mut turns = Vec::new();
    let mut start = from;
    for end in edges {
        let within = (start, end);
        start = end;
        let inside_speech = speech.iter().any(|(s, e)| *s <= within.0 && within.1 <= *e);
        if inside_speech || within.1.saturating_sub(within.0) < context {
            continue;
        }
        let rows = within.0.div_ceil(FRAMES_PER_ROW)..within.1 / FRAMES_PER_ROW;
        let contrasts: Vec<(usize, f64)> = rows
            .map(|row| row * FRAMES_PER_ROW)
            .filter(|at| *at >= within.0 + context / 2 && *at + context / 2 <= within.1)
            .map(|at| (at, contrast(track, &track.rows, (within.0, at), (at, within.1), config)))
            .collect();
        for (index, (at, value)) in contrasts.iter().enumerate() {
            let around = index.saturating_sub(2)..(index + 3).min(contrasts.len());
            let is_top = contrasts[around].iter().all(|(_, other)| other <= value);
            if *value >= 1.0 && is_top && !glides(track, within, *at, context) {
                turns.push(change.largest(at.saturating_sub(FRAMES_PER_ROW), at + FRAMES_PER_ROW));
            }
        }
    }
    turns
}

/// Harmonicity from which a sound is a single tone: nearly all of it repeats.
const SINGLE_TONE: f32 = 0.9;

/// Whether a single tone stands on both sides of `at`. A siren that rises has another spectrum later
/// on and is the same sound; it is a tone all the time.
fn glides(track: &SoundTrack, (from, until): (usize, usize), at: usize, context: usize) -> bool {
    let mean = |frames: &[SoundFrame]| {
        frames.iter().map(|f| f.harmonicity).sum::<f32>() / frames.len().max(1) as f32
    };
    mean(&track.frames[from.max(at - context.min(at))..at]) >= SINGLE_TONE
        && mean(&track.frames[at..until.min(at + context)]) >= SINGLE_TONE
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
