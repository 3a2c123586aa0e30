//! Where audio events begin and end, and what kind each is.
//!
//! The way of LongVALE's pipeline (MFCC differences, threshold, split; embed, stitch similar
//! neighbours), with the silence around sounds and detected speech as further boundaries:
//!
//! 1. [`level`]: frames that can be heard, told from silence and from a steady background.
//! 2. [`split`]: runs of audible frames, cut where speech begins or ends and at peaks of the MFCC change.
//! 3. [`stitch`]: pieces join while the pause between them is short and what sounds before and after
//!    is alike, or both are speech.
//! 4. [`describe`]: the kind, and the measurements as evidence.
//!
//! An event starts with the first audible frame and ends after the last one, so that its boundaries
//! are good to a frame (32 ms) wherever it stands against silence.

mod contrast;
mod describe;
mod level;
mod split;
mod stitch;

use omnivale_signal::{SoundClassConfig, SoundMeterConfig, SoundTrack};
use omnivale_timeline::{Duration, Event, Fact, FeatureTrack, Modality, Span, Time, Timeline};
use serde::{Deserialize, Serialize};

use crate::embed::{LearnedAudioConfig, LearnedRows};

/// The `[audio]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioConfig {
    /// A steady background is no event if it stays below this level, in dBFS.
    pub background_at_most_db: f32,
    /// What lies less than this above the background's mean level belongs to it, in dB.
    pub background_margin_db: f32,
    /// Least share of the audible frames that a background has, `[0, 1]`.
    pub background_share: f64,
    /// Frames of the median that smooths the MFCC change; odd.
    pub smoothing_frames: usize,
    /// A peak of the MFCC change splits from this many standard deviations above the clip's mean.
    pub split_deviations: f64,
    /// Least distance between two such peaks, in seconds; the higher one stays.
    pub split_distance_s: f64,
    /// Stretch before and after a cut that is compared, in seconds.
    pub context_s: f64,
    /// Neighbours join from this cosine similarity of their descriptors on.
    pub stitch_similarity: f64,
    /// Neighbours whose levels differ by this much are two, in dB.
    pub level_step_db: f64,
    /// A longer pause ends an event, in seconds.
    pub longest_pause_s: f64,
    /// A sound that is heard again within this time, start to start, goes on: bells, hammers. In seconds.
    pub longest_repeat_s: f64,
    /// Other sound this short that touches speech belongs to it, in seconds.
    pub breath_s: f64,
    /// Shorter events join a neighbour or are dropped, in seconds.
    pub min_event_s: f64,
    /// How a learned encoder hears, and its threshold.
    pub clap: LearnedAudioConfig,
    /// What is measured.
    pub meter: SoundMeterConfig,
    /// How kinds are told apart.
    pub class: SoundClassConfig,
}

/// A stretch of frames, `from..until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    from: usize,
    until: usize,
    speech: bool,
}

/// Audio events, in order, disjoint, within `[0, duration]`. A clip without sound has none.
pub fn detect(track: &SoundTrack, duration: Duration, config: &AudioConfig) -> Timeline<Event> {
    detect_by(track, None, duration, config)
}

/// As [`detect`], but pieces are stitched by the rows of a learned encoder where there are any, under the threshold of
/// [`LearnedAudioConfig`]; they are split as without it. Each event's evidence then has `encoder`, its name.
pub fn detect_by(
    track: &SoundTrack,
    learned: Option<&LearnedRows>,
    duration: Duration,
    config: &AudioConfig,
) -> Timeline<Event> {
    let heard = level::audible(&track.frames, config);
    let change = split::Change::of(&track.frames, &heard, config);
    let pieces = split::pieces(track, &heard, &change, config);
    let pieces = match learned {
        None => stitch::stitch(track, &track.rows, pieces, config),
        Some(learned) => {
            let stitch_similarity = config.clap.stitch_similarity;
            let config = AudioConfig { stitch_similarity, ..config.clone() };
            stitch::stitch(track, &learned.track, pieces, &config)
        }
    };
    let bounds = Span::new(Time::ZERO, duration);
    let events = pieces.into_iter().filter_map(|piece| {
        let (start, end) = (track.frame_time(piece.from), track.frame_time(piece.until));
        let span = Span::until(start, end.min(track.end)).intersection(bounds)?;
        let (kind, mut evidence) = describe::describe(track, piece, span, &change, config);
        if let Some(learned) = learned {
            evidence.push(("encoder".to_owned(), Fact::Word(learned.encoder.clone())));
        }
        let kind = Some(kind.word().to_owned());
        Some(Event { span, modality: Modality::Audio, kind, evidence })
    });
    Timeline::disjoint(duration, events.collect())
        .expect("pieces rise and do not overlap, and their spans were clamped")
}

/// How different it sounds on the two sides of each split, by `rows`, which are the track's own or an encoder's: one
/// minus the cosine, which `1 - stitch_similarity` is compared with.
pub(crate) fn distances(track: &SoundTrack, rows: &FeatureTrack, config: &AudioConfig) -> Vec<f32> {
    let heard = level::audible(&track.frames, config);
    let change = split::Change::of(&track.frames, &heard, config);
    let pieces = split::pieces(track, &heard, &change, config);
    stitch::distances(track, rows, pieces, config)
}

/// A length in seconds as a number of frames, to the nearest.
fn frames(seconds: f64) -> usize {
    (seconds / SoundTrack::STEP.seconds()).round().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use omnivale_signal::{
        DESCRIPTOR_WIDTH, FRAMES_PER_ROW, SILENT_DB, SoundFrame, SoundTrack, Waveform,
    };
    use omnivale_timeline::{Fact, FeatureTrack, TimeGrid};
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;

    /// A track of the given frames; row `i` of the descriptor points along axis `colour(frame)` of its first frame.
    fn track(frames: Vec<SoundFrame>, colour: impl Fn(usize) -> usize) -> SoundTrack {
        let count = frames.len().div_ceil(FRAMES_PER_ROW);
        let mut values = vec![0.0; count * DESCRIPTOR_WIDTH];
        for row in 0..count {
            values[row * DESCRIPTOR_WIDTH + colour(row * FRAMES_PER_ROW)] = 1.0;
        }
        let step = SoundTrack::STEP * FRAMES_PER_ROW as u64;
        let grid = TimeGrid::Uniform { start: Time::ZERO, step, rows: count };
        SoundTrack {
            start: Time::ZERO,
            end: Time::ZERO + SoundTrack::STEP * frames.len() as u64,
            frames,
            voice: Vec::new(),
            onsets: Vec::new(),
            loudness: None,
            rows: FeatureTrack::new(Modality::Audio, grid, DESCRIPTOR_WIDTH, values).unwrap(),
            waveform: Waveform { start: Time::ZERO, step, peaks: Vec::new() },
        }
    }

    fn at_level(rms_db: f32) -> SoundFrame {
        SoundFrame { rms_db, peak_db: rms_db + 3.0, mfcc_change: 2.0, ..SoundFrame::default() }
    }

    /// Noise at -20 dBFS in these stretches of frames, digital silence elsewhere.
    fn noise_in(count: usize, stretches: &[(usize, usize)]) -> Vec<SoundFrame> {
        let mut frames = vec![at_level(SILENT_DB); count];
        for (from, until) in stretches {
            frames[*from..*until].fill(at_level(-20.0));
        }
        frames
    }

    fn found(track: &SoundTrack) -> Vec<(usize, usize)> {
        let events = detect(track, track.end.since(Time::ZERO), &Config::default().audio);
        events
            .iter()
            .map(|e| (track.frame_at(e.span.start), track.frame_at(e.span.end())))
            .collect()
    }

    #[test]
    fn silence_has_no_events() {
        assert_eq!(found(&track(Vec::new(), |_| 0)), []);
        assert_eq!(found(&track(noise_in(500, &[]), |_| 0)), []);
    }

    #[test]
    fn a_pause_joins_and_a_silence_parts() {
        // 32 ms each: pauses of 1.28 s and 1.92 s.
        let frames = noise_in(400, &[(50, 100), (140, 200), (260, 330)]);
        assert_eq!(found(&track(frames, |_| 0)), [(50, 200), (260, 330)]);
    }

    #[test]
    fn a_moment_alone_is_no_event() {
        let frames = noise_in(400, &[(50, 70), (200, 300)]);
        assert_eq!(found(&track(frames, |_| 0)), [(200, 300)]);
    }

    #[test]
    fn a_series_is_one_event_however_short_its_sounds() {
        // 0.19 s every 1.92 s: the pauses are longer than those that join.
        let frames = noise_in(400, &[(40, 46), (100, 106), (160, 166), (220, 226)]);
        assert_eq!(found(&track(frames, |_| 0)), [(40, 226)]);
    }

    #[test]
    fn another_colour_is_another_event() {
        let mut frames = noise_in(400, &[(64, 320)]);
        frames[192..195].fill(SoundFrame { mfcc_change: 15.0, ..at_level(-20.0) });
        let colour = |frame: usize| usize::from(frame >= 192);
        let parts = found(&track(frames.clone(), colour));
        assert_eq!(parts.len(), 2);
        assert!(parts[0].1.abs_diff(192) <= 3, "{parts:?}");
        assert_eq!(found(&track(frames, |_| 0)), [(64, 320)], "a change alone is not enough");
    }

    #[test]
    fn speech_is_an_event_of_its_own() {
        let mut sound = track(noise_in(400, &[(50, 350)]), |_| 0);
        sound.voice = vec![Span::until(sound.frame_time(150), sound.frame_time(250))];
        assert_eq!(found(&sound), [(50, 150), (150, 250), (250, 350)]);
        let events = detect(&sound, Duration::from_millis(60_000), &Config::default().audio);
        let kinds: Vec<_> = events.iter().map(|e| e.kind.as_deref().unwrap_or_default()).collect();
        assert_eq!(kinds, ["sound", "speech", "sound"]);
        let share = events[1].evidence.iter().find(|(name, _)| name == "speech_share");
        assert_eq!(share.map(|(_, fact)| fact), Some(&Fact::Number(1.0)));
    }

    #[test]
    fn a_steady_background_is_no_event() {
        let mut frames = vec![at_level(-55.0); 600];
        frames[200..300].fill(at_level(-20.0));
        assert_eq!(found(&track(frames, |_| 0)), [(200, 300)]);
    }

    #[test]
    fn events_stay_within_the_video() {
        let sound = track(noise_in(400, &[(0, 400)]), |_| 0);
        let events = detect(&sound, Duration::from_millis(5_000), &Config::default().audio);
        assert_eq!(events[0].span, Span::until(Time::ZERO, Time::from_millis(5_000)));
    }

    proptest! {
        #[test]
        fn events_are_long_enough_and_start_and_end_in_sound(
            seeds in prop::collection::vec((0u8..6, 1usize..60, 0u8..3), 0..25),
            voice in prop::collection::vec((0usize..900, 1usize..120), 0..4),
        ) {
            let levels = [SILENT_DB, -65.0, -50.0, -35.0, -20.0, -5.0];
            let mut frames = Vec::new();
            for (level, length, change) in &seeds {
                let frame = SoundFrame {
                    mfcc_change: f32::from(*change) * 5.0,
                    ..at_level(levels[usize::from(*level)])
                };
                frames.extend(std::iter::repeat_n(frame, *length));
            }
            let mut sound = track(frames, |frame| frame / 64 % DESCRIPTOR_WIDTH);
            let mut last = Time::ZERO;
            for (from, length) in voice {
                let start = last.max(sound.frame_time(from));
                let end = (start + SoundTrack::STEP * length as u64).min(sound.end);
                if start < end {
                    sound.voice.push(Span::until(start, end));
                    last = end + SoundTrack::STEP;
                }
            }
            let config = Config::default().audio;
            let events = detect(&sound, sound.end.since(Time::ZERO), &config);
            for event in events.iter() {
                prop_assert!(event.span.duration.seconds() >= config.min_event_s - 0.032);
                let frames = sound.frames_in(event.span);
                prop_assert!(frames[0].rms_db > config.meter.silent_db);
                prop_assert!(frames[frames.len() - 1].rms_db > config.meter.silent_db);
            }
        }
    }
}
