//! The kind of an event, and the measurements behind it.

use omnivale_signal::{SoundClass, SoundSummary, SoundTrack};
use omnivale_timeline::{Duration, Evidence, Fact, Span};

use super::split::Change;
use super::{AudioConfig, Piece};

/// Kind and evidence of the event that `piece` became.
pub(super) fn describe(
    track: &SoundTrack,
    piece: Piece,
    span: Span,
    change: &Change,
    config: &AudioConfig,
) -> (SoundClass, Evidence) {
    let frames = &track.frames[piece.from..piece.until];
    let summary =
        SoundSummary::of(frames, config.meter.silent_db, config.meter.onset_db, &config.class);
    let spoken: Duration = track.voice.iter().map(|voice| voice.overlap(span)).sum();
    let seconds = span.duration.seconds().max(f64::MIN_POSITIVE);
    let speech_share = spoken.seconds() / seconds;
    let number = |value: f64, digits: i32| {
        let scale = 10f64.powi(digits);
        Fact::Number((value * scale).round() / scale)
    };
    let evidence = [
        ("loudness_db", number(f64::from(summary.loudness_db), 1)),
        ("peak_db", number(f64::from(summary.peak_db), 1)),
        ("loudness_change_db", number(f64::from(summary.loudness_change_db), 1)),
        ("speech_share", number(speech_share, 3)),
        ("music_share", number(summary.music_share, 3)),
        ("onsets_per_second", number(summary.onsets_per_second, 2)),
        ("tonality", number(f64::from(summary.tonality), 3)),
        ("centroid_hz", number(f64::from(summary.centroid_hz), 0)),
        ("steadiness", number(f64::from(summary.steadiness), 3)),
        ("boundary_score", number(change.score(piece.from), 2)),
    ];
    let class = summary.class(speech_share, &config.class);
    (class, evidence.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect())
}
