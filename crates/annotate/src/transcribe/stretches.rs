//! Which parts of the sound a transcriber hears.

use omnivale_timeline::{Duration, Span, Time};

use super::TranscribeConfig;

/// The stretches worth hearing, in order and disjoint, within `whole`: speech as it was detected, with some sound
/// around it and short pauses joined; or the whole.
pub(crate) fn stretches(voice: &[Span], whole: Span, config: &TranscribeConfig) -> Vec<Span> {
    if !config.voiced_only {
        return vec![whole];
    }
    // A number that is no length is refused by the configuration; zero is as good a reading as any.
    let length = |seconds: f64| Duration::from_seconds(seconds).unwrap_or_default();
    let (margin, join) = (length(config.margin_s), length(config.join_s));
    let mut stretches: Vec<Span> = Vec::new();
    for span in voice {
        let around = Span::until(span.start - margin, span.end() + margin);
        let Some(around) = around.intersection(whole).filter(|span| span.end() > span.start) else {
            continue;
        };
        match stretches.last_mut() {
            Some(last) if around.start <= last.end() + join => {
                *last = Span::until(last.start, last.end().max(around.end()));
            }
            _ => stretches.push(around),
        }
    }
    stretches
}

/// Which of `count` samples at 16 kHz, the first at `start`, lie in `span`: from one place to before another.
pub(super) fn samples_in(span: Span, start: Time, count: usize) -> (usize, usize) {
    let place = |time: Time| {
        let samples = (u128::from(time.since(start).micros()) * 16 + 500) / 1000;
        usize::try_from(samples).map_or(count, |samples| samples.min(count))
    };
    (place(span.start), place(span.end()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;

    fn span(start: i64, end: i64) -> Span {
        Span::until(Time::from_millis(start), Time::from_millis(end))
    }

    fn config(margin_s: f64, join_s: f64) -> TranscribeConfig {
        TranscribeConfig { voiced_only: true, margin_s, join_s, ..Config::default().transcribe }
    }

    #[test]
    fn speech_is_heard_with_what_is_around_it() {
        let voice = [span(200, 2_000), span(4_000, 5_000), span(9_000, 9_900)];
        let found = stretches(&voice, span(0, 10_000), &config(0.5, 1.0));
        assert_eq!(found, [span(0, 5_500), span(8_500, 10_000)]);
        assert_eq!(stretches(&[], span(0, 10_000), &config(0.5, 1.0)), []);
        let all = TranscribeConfig { voiced_only: false, ..config(0.5, 1.0) };
        assert_eq!(stretches(&[], span(0, 10_000), &all), [span(0, 10_000)]);
    }

    #[test]
    fn a_block_is_cut_at_the_sample() {
        assert_eq!(samples_in(span(1_000, 2_000), Time::from_millis(900), 8_000), (1_600, 8_000));
        assert_eq!(samples_in(span(1_000, 1_100), Time::from_millis(900), 8_000), (1_600, 3_200));
        assert_eq!(samples_in(span(0, 100), Time::from_millis(900), 8_000), (0, 0));
    }

    proptest! {
        #[test]
        fn stretches_cover_all_speech_and_never_touch(
            parts in prop::collection::vec((1i64..3_000, 1i64..3_000), 0..12),
            margin in 0.0f64..1.0, join in 0.0f64..3.0,
        ) {
            let mut at = 0;
            let voice: Vec<Span> = parts
                .iter()
                .map(|(pause, length)| {
                    let start = at + pause;
                    at = start + length;
                    span(start, at)
                })
                .collect();
            let whole = span(0, at + 100);
            let found = stretches(&voice, whole, &config(margin, join));
            for speech in &voice {
                let inside = |s: &Span| s.start <= speech.start && speech.end() <= s.end();
                prop_assert!(found.iter().any(inside));
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].end() < pair[1].start));
            prop_assert!(found.iter().all(|s| s.start >= whole.start && s.end() <= whole.end()));
        }
    }
}
