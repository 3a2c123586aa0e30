//! Judging a pass: what a file promised against what it gave.

use omnivale_timeline::{Duration, Time};

use crate::av::{Packet, Stream};
use crate::pass::Pass;
use crate::{Damage, DamageKind, Decoded, MediaError, StreamEnd, limits};

/// A stream is truncated if it ends this much before its declared end ...
const SHORT_BY: Duration = Duration::from_millis(2_000);
/// ... or by more than this share (one part in so many) of its length, ...
const SHORT_SHARE: u64 = 20;
/// ... but never for less than this: the last block's length is often unknown.
const NOT_SHORT: Duration = Duration::from_millis(250);

/// So many frames back in time are a second recording, not a slip.
const MANY: u64 = 25;

/// What reading the file met.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) errors: u64,
    /// The error that ended reading before the end.
    pub(crate) ended_by: Option<String>,
    /// What the file gave more of than it can honestly hold.
    pub(crate) excess: Option<&'static str>,
    pub(crate) stopped: bool,
}

/// What one stream gave, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) end: StreamEnd,
    /// The end of the last packet, decodable or not.
    pub(crate) packets_until: Option<Time>,
    /// The end of the last block of samples, whether lent or clipped.
    pub(crate) reached: Option<Time>,
    /// Frames whose time cannot belong to the file.
    pub(crate) out_of_bounds: u64,
    /// Frames whose time lies before what was lent already.
    pub(crate) backwards: u64,
    /// Whether decoding the stream was abandoned.
    pub(crate) given_up: bool,
    first_flaw: Option<Time>,
    /// Packets that the container knows to be damaged, whatever the decoder makes of them.
    flagged_packets: u64,
    refused_in_a_row: u64,
    silent_in_a_row: u64,
    silence_is_fine: bool,
}

impl Tally {
    pub(crate) fn new(keyframes_only: bool) -> Tally {
        Tally { silence_is_fine: keyframes_only, ..Tally::default() }
    }

    /// Counts a packet that lies at `start..end`.
    pub(crate) fn count_packet(&mut self, packet: &Packet, start: Option<Time>, end: Option<Time>) {
        self.end.packets += 1;
        self.packets_until = self.packets_until.max(end);
        if packet.corrupt() {
            self.flagged_packets += 1;
            self.note_flaw(start);
        }
    }

    /// Counts a packet or frame that nothing could be made of.
    pub(crate) fn refuse(&mut self, time: Option<Time>) {
        self.end.errors += 1;
        self.refused_in_a_row += 1;
        self.given_up |= self.refused_in_a_row >= limits::MAX_REFUSED;
        self.note_flaw(time);
    }

    /// Counts a frame that was lent.
    pub(crate) fn count_frame(&mut self, corrupt: bool, time: Time) {
        self.end.frames += 1;
        self.end.first.get_or_insert(time);
        self.refused_in_a_row = 0;
        if corrupt {
            self.end.corrupt += 1;
            self.note_flaw(Some(time));
        }
    }

    /// Closes the account of one packet: whether it made frames come out.
    pub(crate) fn after_packet(&mut self, gave: bool) {
        self.silent_in_a_row = if gave { 0 } else { self.silent_in_a_row + 1 };
        self.given_up |= !self.silence_is_fine && self.silent_in_a_row >= limits::MAX_SILENT;
    }

    fn note_flaw(&mut self, time: Option<Time>) {
        if self.first_flaw.is_none() {
            self.first_flaw = time;
        }
    }
}

/// Turns the tallies of a finished pass into its result.
pub(crate) fn judge(
    pass: &Pass<'_>,
    reading: Reading,
    (video, audio): (Option<Tally>, Option<Tally>),
) -> Result<Decoded, MediaError> {
    let video_stream = pass.probe.video.as_ref().map(|info| info.stream);
    let audio_stream = pass.probe.audio.as_ref().map(|info| info.stream);
    let tracks: Vec<Judged<'_>> =
        [("video", video_stream, video.as_ref()), ("audio", audio_stream, audio.as_ref())]
            .into_iter()
            .filter_map(|(name, index, tally)| {
                Some(Judged { name, stream: &pass.streams[index?], tally: tally? })
            })
            .collect();
    let empty = tracks.iter().all(|track| track.tally.end.frames == 0);
    if empty && !tracks.is_empty() && !reading.stopped {
        let details: Vec<String> = tracks.iter().map(Judged::nothing).collect();
        return Err(MediaError::Undecodable {
            path: pass.probe.path.clone(),
            detail: details.join("; "),
        });
    }
    let mut damage = Vec::new();
    let mut report = |kind, detail: Option<String>| {
        damage.extend(detail.map(|detail| Damage { kind, detail }));
    };
    for track in &tracks {
        report(DamageKind::Corrupt, track.corrupt());
        report(DamageKind::Timestamps, track.timestamps(pass));
        if !reading.stopped {
            report(DamageKind::Undecodable, track.undecodable());
            report(DamageKind::Truncated, track.truncated(pass));
        }
    }
    if reading.errors > 0 {
        let ending = reading
            .ended_by
            .as_ref()
            .map_or_else(String::new, |error| format!("; reading ended there: {error}"));
        let detail = format!("container: {} unreadable places{ending}", reading.errors);
        report(DamageKind::Corrupt, Some(detail));
    }
    if !reading.stopped {
        report(DamageKind::Truncated, all_short(pass, &tracks));
    }
    report(DamageKind::Excessive, reading.excess.map(|what| format!("the file gives {what}")));
    drop(tracks);
    Ok(Decoded {
        video: video.map(|tally| tally.end),
        audio: audio.map(|tally| tally.end),
        damage,
        stopped: reading.stopped,
    })
}

/// A stream on trial.
struct Judged<'a> {
    name: &'static str,
    stream: &'a Stream,
    tally: &'a Tally,
}

impl Judged<'_> {
    fn nothing(&self) -> String {
        format!(
            "{} ({}): {} packets, {} of them refused, nothing decoded",
            self.name, self.stream.codec, self.tally.end.packets, self.tally.end.errors
        )
    }

    fn corrupt(&self) -> Option<String> {
        let StreamEnd { errors, corrupt, packets, .. } = self.tally.end;
        let first =
            self.tally.first_flaw.map_or_else(String::new, |time| format!(", first at {time}"));
        let name = self.name;
        if errors + corrupt > 0 {
            Some(format!(
                "{name}: of {packets} packets {errors} were refused and {corrupt} decoded with \
                 damage{first}"
            ))
        } else if self.tally.flagged_packets > 0 {
            let flagged = self.tally.flagged_packets;
            Some(format!("{name}: {flagged} of {packets} packets arrived damaged{first}"))
        } else {
            None
        }
    }

    fn timestamps(&self, pass: &Pass<'_>) -> Option<String> {
        let Tally { out_of_bounds, backwards, .. } = *self.tally;
        let mut parts = Vec::new();
        if out_of_bounds > 0 {
            parts.push(format!("{out_of_bounds} frames lie outside the file's length"));
        }
        if backwards > 0 {
            let cause = if backwards >= MANY { " (joined recordings do; remux each)" } else { "" };
            parts.push(format!("{backwards} frames go back in time{cause}"));
        }
        let end = pass.clock.duration.as_time();
        let over = self.tally.reached.or(self.tally.end.last).unwrap_or(end).since(end);
        if over > SHORT_BY.max(pass.clock.duration / SHORT_SHARE) {
            parts.push(format!("the stream goes on {over} past the declared end"));
        }
        (!parts.is_empty()).then(|| format!("{}: {}", self.name, parts.join(", ")))
    }

    fn undecodable(&self) -> Option<String> {
        if self.tally.end.frames == 0 {
            Some(self.nothing())
        } else if self.tally.given_up {
            let last = self.tally.end.last.unwrap_or_default();
            Some(format!("{}: given up after {last}, nothing more could be decoded", self.name))
        } else {
            None
        }
    }

    /// Where the stream says that it ends.
    fn declared_end(&self, pass: &Pass<'_>) -> Option<Time> {
        let stream = self.stream;
        let end = match (stream.tagged_end, stream.duration) {
            (Some(end), _) => end,
            (None, Some(length)) => stream.start.unwrap_or(pass.clock.zero).saturating_add(length),
            (None, None) => return None,
        };
        Some(Time::from_micros(end.saturating_sub(pass.clock.zero)))
    }

    fn truncated(&self, pass: &Pass<'_>) -> Option<String> {
        let declared = self.declared_end(pass)?;
        let reached = self.tally.packets_until.unwrap_or_default();
        is_short(reached, declared)
            .then(|| format!("{} ends at {reached} of {declared}", self.name))
    }
}

fn is_short(reached: Time, declared: Time) -> bool {
    let missing = declared.since(reached);
    missing > NOT_SHORT
        && (missing > SHORT_BY || missing > declared.since(Time::ZERO) / SHORT_SHARE)
}

/// Where streams do not state their own length, the container's is reached by at least one of them.
fn all_short(pass: &Pass<'_>, tracks: &[Judged<'_>]) -> Option<String> {
    let used = usize::from(pass.probe.video.is_some()) + usize::from(pass.probe.audio.is_some());
    if tracks.len() < used || tracks.iter().any(|track| track.declared_end(pass).is_some()) {
        return None;
    }
    let reached = tracks.iter().filter_map(|track| track.tally.packets_until).max()?;
    let declared = pass.clock.duration.as_time();
    is_short(reached, declared).then(|| format!("the file ends at {reached} of {declared}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(reached_millis: i64, declared_millis: i64) -> bool {
        is_short(Time::from_millis(reached_millis), Time::from_millis(declared_millis))
    }

    #[test]
    fn short_means_two_seconds_or_a_twentieth() {
        assert!(!short(178_100, 180_000));
        assert!(short(177_900, 180_000));
        assert!(!short(9_600, 10_000));
        assert!(short(9_400, 10_000));
        // A fifth of a second of a one-second clip is its last block.
        assert!(!short(800, 1_000));
        assert!(!short(1_100, 1_000));
    }
}
