//! The two curves of the timeline: the waveform and the content score, as SVG paths.
//!
//! Both are drawn in a box 1000 wide that the page stretches to the line's width. The waveform is
//! 100 high with silence at 50; the score is 100 high with zero at the bottom.

use std::fmt::Write;

use omnivale_timeline::{Span, Time};

use super::video::Waveform;

/// Content score that reaches the top. Cuts are far above it; below it the square root below keeps
/// small motion visible.
const TOP_SCORE: f32 = 100.0;

/// Peaks from `line`, merged to at most `most` columns; empty where there are none.
///
/// Columns keep the least and the greatest peak, so that short sounds stay visible.
pub(super) fn waveform(wave: &Waveform<'_>, line: Span, scale: f32, most: usize) -> String {
    let step = wave.step.micros().max(1);
    let at = |time: Time| {
        usize::try_from(time.since(wave.start).micros() / step)
            .unwrap_or(usize::MAX)
            .min(wave.peaks.len())
    };
    let peaks = &wave.peaks[at(line.start)..at(line.end())];
    let columns: Vec<(f32, f32)> = peaks
        .chunks(peaks.len().div_ceil(most.max(2) / 2).max(1))
        .map(|chunk| {
            chunk.iter().fold((0.0f32, 0.0f32), |(low, high), peak| {
                (low.min(finite(peak.0)), high.max(finite(peak.1)))
            })
        })
        .collect();
    if columns.is_empty() {
        return String::new();
    }
    let x = |column: usize| {
        let first = line.start.max(wave.start).since(line.start).seconds();
        let covered = peaks.len() as f64 * step as f64 / 1e6;
        let share = column as f64 / columns.len() as f64;
        1000.0 * (first + share * covered) / line.duration.seconds()
    };
    let y = |peak: f32| 50.0 - 48.0 * (peak * scale).clamp(-1.0, 1.0);
    let mut path = String::with_capacity(columns.len() * 20);
    for (column, (_, high)) in columns.iter().enumerate() {
        point(&mut path, x(column), y(*high).min(49.0));
    }
    for (column, (low, _)) in columns.iter().enumerate().rev() {
        point(&mut path, x(column), y(*low).max(51.0));
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

/// Scores from `line`, merged to at most `most` points by their maximum, as a filled outline.
pub(super) fn score(scores: &[(Time, f32)], line: Span, most: usize) -> String {
    let first = scores.partition_point(|(time, _)| *time < line.start);
    let last = scores.partition_point(|(time, _)| *time < line.end());
    let scores = &scores[first..last.max(first)];
    if scores.is_empty() {
        return String::new();
    }
    let mut path = String::from("M0 100");
    let mut x = 0.0;
    for chunk in scores.chunks(scores.len().div_ceil(most.max(1))) {
        let score = chunk.iter().fold(0.0f32, |most, (_, score)| most.max(finite(*score)));
        x = 10.0 * super::lanes::percent(chunk[0].0, line);
        point(&mut path, x, 100.0 - 100.0 * (score / TOP_SCORE).clamp(0.0, 1.0).sqrt());
    }
    let _infallible = write!(path, "L{x:.1} 100Z");
    path
}

fn finite(value: f32) -> f32 {
    if value.is_finite() { value } else { 0.0 }
}

fn point(path: &mut String, x: f64, y: f32) {
    let command = if path.is_empty() { 'M' } else { 'L' };
    let _infallible = write!(path, "{command}{x:.1} {y:.0}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_timeline::Duration;

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
        assert_eq!(path.matches(['M', 'L']).count(), 100);
        assert!(path.contains(" 2L") && path.contains(" 98L"), "{path}");
    }

    #[test]
    fn a_waveform_that_starts_late_is_drawn_late() {
        let wave = Waveform {
            start: Time::from_millis(5_000),
            step: Duration::from_millis(1_000),
            peaks: &[(-1.0, 1.0); 5],
        };
        let path = waveform(&wave, line(0, 10_000), 1.0, 100);
        assert!(path.starts_with("M500.0 2L600.0 2"), "{path}");
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
        assert_eq!(path, "M0 100L0.0 100L250.0 50L500.0 100L750.0 0L750.0 100Z");
        assert_eq!(score(&scores, line(4_000, 8_000), 100), "");
    }
}
