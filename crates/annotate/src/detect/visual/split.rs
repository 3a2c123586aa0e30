//! Cuts, shots, and pieces no longer than a few seconds.

use omnivale_signal::{Content, ContentConfig, FrameMeasure, NominalRate, SceneScore, Stamper};
use omnivale_timeline::{Boundary, Duration, Span, Time};

use super::VisualConfig;
use super::light::Light;

/// Cuts nearer to a fade than this are that fade's.
const FADE_REACH: Duration = Duration::from_millis(500);

/// Where shots change, in order, strictly inside the video.
pub(super) fn cuts(
    scores: &[SceneScore],
    light: &Light,
    config: &VisualConfig,
    duration: Duration,
) -> Vec<Boundary> {
    let mut detector = Content::new(ContentConfig {
        threshold: config.split_threshold,
        min_scene_len: config.min_scene_len,
        ..ContentConfig::default()
    });
    let mut stamper = Stamper::new(rate(scores));
    for score in scores {
        let frame = FrameMeasure { score: *score, histogram: None, hash: None };
        detector.push(stamper.stamp(score.time), &frame);
    }
    let score_at = |time: Time| {
        scores.binary_search_by_key(&time, |s| s.time).map_or(0.0, |index| scores[index].content)
    };
    let found = detector.finish();
    let mut cuts: Vec<Boundary> =
        found.iter().map(|cut| Boundary { time: cut.time, score: score_at(cut.time) }).collect();
    if config.cut_at_fades {
        for fade in light.fades.iter().filter(|fade| fade.out && fade.back) {
            let middle = fade.dark.centre();
            let near = Span::until(fade.span.start - FADE_REACH, fade.span.end() + FADE_REACH);
            if !cuts.iter().any(|cut| near.contains(cut.time)) {
                cuts.push(Boundary { time: middle, score: 0.0 });
            }
        }
        cuts.sort_by_key(|cut| cut.time);
    }
    cuts.retain(|cut| cut.time > Time::ZERO && cut.time < duration.as_time());
    cuts.dedup_by_key(|cut| cut.time);
    cuts
}

/// The nominal rate: one picture per median interval.
fn rate(scores: &[SceneScore]) -> NominalRate {
    let mut intervals: Vec<u64> =
        scores.windows(2).map(|pair| pair[1].time.since(pair[0].time).micros()).collect();
    let middle = intervals.len() / 2;
    let interval = match intervals.is_empty() {
        true => 1_000_000,
        false => *intervals.select_nth_unstable(middle).1,
    };
    let interval = interval.clamp(1, u64::from(u32::MAX)) as u32;
    NominalRate::new(1_000_000, interval).expect("both are at least 1")
}

/// The stretches between cuts, from zero to the duration.
pub(super) fn shots(cuts: &[Boundary], duration: Duration) -> Vec<Span> {
    let starts = std::iter::once(Time::ZERO).chain(cuts.iter().map(|cut| cut.time));
    let ends = cuts.iter().map(|cut| cut.time).chain(std::iter::once(duration.as_time()));
    starts.zip(ends).map(|(start, end)| Span::until(start, end)).collect()
}

/// Shots, those longer than `piece_s + piece_slack_s` cut every `piece_s`: Panda-70M's artificial cuts.
pub(super) fn pieces(shots: &[Span], config: &VisualConfig) -> Vec<Span> {
    let piece = config.piece_s.micros().max(1);
    let limit = Duration::from_micros(piece.saturating_add(config.piece_slack_s.micros()));
    let mut pieces = Vec::new();
    for shot in shots {
        let mut rest = *shot;
        while rest.duration > limit {
            let cut = rest.start + Duration::from_micros(piece);
            pieces.push(Span::until(rest.start, cut));
            rest = Span::until(cut, rest.end());
        }
        pieces.push(rest);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(pieces: &[Span]) -> Vec<f64> {
        pieces.iter().map(|piece| piece.duration.seconds()).collect()
    }

    fn shot(length: i64) -> Span {
        Span::until(Time::ZERO, Time::from_millis(length))
    }

    #[test]
    fn long_shots_are_cut_until_the_rest_is_at_most_seven_seconds() {
        let config = crate::config::Config::default().visual;
        assert_eq!(seconds(&pieces(&[shot(7000)], &config)), [7.0]);
        assert_eq!(seconds(&pieces(&[shot(7001)], &config)), [5.0, 2.001]);
        assert_eq!(seconds(&pieces(&[shot(17_000)], &config)), [5.0, 5.0, 7.0]);
    }

    #[test]
    fn shots_tile_the_video() {
        let cut = |millis| Boundary { time: Time::from_millis(millis), score: 30.0 };
        let shots = shots(&[cut(400), cut(900)], Duration::from_millis(1000));
        assert_eq!(seconds(&shots), [0.4, 0.5, 0.1]);
    }
}
