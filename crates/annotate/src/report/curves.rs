//! The two curves of the timeline: the waveform and the content score, as SVG paths.
//!
//! Both are drawn in a box 1000 wide that the page stretches to the line's width. The waveform is
//! 100 high with silence at 50; the score is 100 high with zero at the bottom.

use std::fmt::Write;

use omnivale_timeline::{Duration, Span, Time};

/// Peaks of a sound at a fixed step.
#[derive(Debug, Clone, Copy)]
pub struct Waveform<'a> {
    /// Start of the first step.
    pub start: Time,
    /// Length of each step.
    pub step: Duration,
    /// Least and greatest amplitude in each step, full scale 1.
    pub peaks: &'a [(f32, f32)],
}

/// Content score that reaches the top. Cuts are far above it; below it the square root below keeps
/// small motion visible.
const TOP_SCORE: f32 = 100.0;

/// Peaks from `line`, merged to at most `most` columns; empty where there are none.
///
/// A column spans its least and its greatest peak, so that short sounds stay visible.
pub(super) fn waveform(wave: &Waveform<'_>, line: Span, scale: f32, most: usize) -> String {
    let step = wave.step.micros().max(1);
    let at = |time: Time| {
        usize::try_from(time.since(wave.start).micros() / step)
            .unwrap_or(usize::MAX)
            .min(wave.peaks.len())
    };
    let first = at(line.start);
    let peaks = &wave.peaks[first..at(line.end()).max(first)];
    let merged = peaks.len().div_ceil(most.max(1)).max(1);
    let columns: Vec<(f32, f32)> = peaks
        .chunks(merged)
        .map(|chunk| {
            chunk.iter().fold((0.0f32, 0.0f32), |(low, high), peak| {
                (low.min(finite(peak.0)), high.max(finite(peak.1)))
            })
        })
        .collect();
    if columns.is_empty() {
        return String::new();
    }
    let edge = |column: usize| {
        let peak = (first + (column * merged).min(peaks.len())) as u64;
        x(wave.start + Duration::from_micros(peak.saturating_mul(step)), line)
    };
    let y = |peak: f32| 50.0 - 48.0 * (peak * scale).clamp(-1.0, 1.0);
    let mut path = format!("M{} 50", edge(0));
    for (column, (_, high)) in columns.iter().enumerate() {
        let _infallible = write!(path, "V{:.0}H{}", y(*high).min(49.0), edge(column + 1));
    }
    for (column, (low, _)) in columns.iter().enumerate().rev() {
        let _infallible = write!(path, "V{:.0}H{}", y(*low).max(51.0), edge(column));
    }
    path.push('Z');
    path
}

/// The factor that brings the loudest peak of the video to full height.
pub(super) fn waveform_scale(wave: &Waveform<'_>) -> f32 {
    let loudest = wave
        .peaks
        .iter()
        .fold(0.0f32, |loudest, (low, high)| loudest.max(-finite(*low)).max(finite(*high)));
    if loudest > 0.0 { 1.0 / loudest } else { 1.0 }
}

/// Scores from `line`, merged to at most `most` columns by their maximum, as a filled outline.
pub(super) fn score(scores: &[(Time, f32)], line: Span, most: usize) -> String {
    let first = scores.partition_point(|(time, _)| *time < line.start);
    let last = scores.partition_point(|(time, _)| *time < line.end());
    let scores = &scores[first..last.max(first)];
    let (Some((from, _)), Some((to, _))) = (scores.first(), scores.last()) else {
        return String::new();
    };
    let merged = scores.len().div_ceil(most.max(1));
    let mut path = format!("M{} 100", x(*from, line));
    for (column, chunk) in scores.chunks(merged).enumerate() {
        let score = chunk.iter().fold(0.0f32, |most, (_, score)| most.max(finite(*score)));
        let y = 100.0 - 100.0 * (score / TOP_SCORE).clamp(0.0, 1.0).sqrt();
        let next = scores.get((column + 1) * merged).map_or(*to, |(time, _)| *time);
        let _infallible = write!(path, "V{y:.0}H{}", x(next, line));
    }
    path.push_str("V100Z");
    path
}

/// Where an instant stands in the box, to a tenth.
fn x(time: Time, line: Span) -> f64 {
    (100.0 * super::lanes::percent(time, line)).round() / 10.0
}

fn finite(value: f32) -> f32 {
    if value.is_finite() { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: i64, end: i64) -> Span {
        Span::until(Time::from_millis(start), Time::from_millis(end))
    }

    #[test]
    fn a_waveform_keeps_its_peaks_when_merged() {
        let mut peaks = vec![(-0.1, 0.1); 10_000];
        peaks[5_003] = (-0.5, 0.5);
        let wave = Waveform { start: Time::ZERO, step: Duration::from_millis(100), peaks: &peaks };
        let scale = waveform_scale(&wave);
        let path = waveform(&wave, line(0, 1_000_000), scale, 100);
        assert_eq!(scale, 2.0);
        assert_eq!(path.matches('H').count(), 2 * 100);
        assert!(path.contains("V2H510V") && path.contains("V98H500V"), "{path}");
    }

    #[test]
    fn a_waveform_that_starts_late_is_drawn_late() {
        let wave = Waveform {
            start: Time::from_millis(5_000),
            step: Duration::from_millis(1_000),
            peaks: &[(-1.0, 1.0); 5],
        };
        let path = waveform(&wave, line(0, 10_000), 1.0, 100);
        assert!(path.starts_with("M500 50V2H600V2H700"), "{path}");
        assert_eq!(waveform(&wave, line(10_000, 20_000), 1.0, 100), "");
    }

    #[test]
    fn a_score_is_an_outline_from_zero_to_zero() {
        let scores: Vec<(Time, f32)> = [0.0, 25.0, f32::NAN, 400.0]
            .into_iter()
            .zip(0..)
            .map(|(score, at)| (Time::from_millis(at * 1_000), score))
            .collect();
        let path = score(&scores, line(0, 4_000), 100);
        assert_eq!(path, "M0 100V100H250V50H500V100H750V0H750V100Z");
        assert_eq!(score(&scores, line(4_000, 8_000), 100), "");
    }
}
