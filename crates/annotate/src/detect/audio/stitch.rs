//! Pieces that belong together become one event.

use omnivale_signal::SoundTrack;
use omnivale_timeline::FeatureTrack;

use super::contrast::{contrast, distance, mean_row, similarity};
use super::{AudioConfig, Piece, frames};

/// Joins pieces; what is left is in order, disjoint, and at least the shortest event long.
pub(super) fn stitch(
    track: &SoundTrack,
    rows: &FeatureTrack,
    pieces: Vec<Piece>,
    config: &AudioConfig,
) -> Vec<Piece> {
    let lengths = Lengths::of(config);
    let pieces = join_speech(pieces, lengths.pause);
    let pieces = join_speech(absorb(pieces, &lengths), lengths.pause);
    let mut events: Vec<Piece> = Vec::new();
    // Where the last sound after a pause set in: sounds that repeat are timed by it.
    let mut last_start = 0;
    for (at, piece) in pieces.iter().enumerate() {
        let joins = events.last().is_some_and(|last| {
            let before = (last.from, last.until);
            let after = (piece.from, block_end(&pieces, at, lengths.pause));
            let gap = piece.from - last.until;
            match (last.speech, piece.speech) {
                (true, true) => gap <= lengths.pause,
                (false, false) if gap <= lengths.pause => {
                    contrast(track, rows, before, after, config) < 1.0
                }
                (false, false) => {
                    piece.from - last_start <= lengths.repeat
                        && is_repeat(
                            track,
                            (last_start, last.until),
                            (piece.from, run_end(&pieces[at..])),
                        )
                }
                _ => false,
            }
        });
        if at == 0 || pieces[at - 1].until < piece.from {
            last_start = piece.from;
        }
        match events.last_mut() {
            Some(last) if joins => last.until = piece.until,
            _ => events.push(*piece),
        }
    }
    let mut events = join_short(track, rows, events, &lengths);
    events.retain(|event| event.until - event.from >= lengths.shortest);
    events
}

/// How different it sounds before and after each split that a pause does not decide; speech is never compared.
pub(super) fn distances(
    track: &SoundTrack,
    rows: &FeatureTrack,
    pieces: Vec<Piece>,
    config: &AudioConfig,
) -> Vec<f32> {
    let lengths = Lengths::of(config);
    let pieces = join_speech(pieces, lengths.pause);
    let pieces = join_speech(absorb(pieces, &lengths), lengths.pause);
    let compared = (1..pieces.len()).filter(|at| {
        let (last, piece) = (pieces[at - 1], pieces[*at]);
        !last.speech && !piece.speech && piece.from - last.until <= lengths.pause
    });
    let distances = compared.map(|at| {
        let before = (pieces[at - 1].from, pieces[at - 1].until);
        let after = (pieces[at].from, block_end(&pieces, at, lengths.pause));
        distance(track, rows, before, after, config) as f32
    });
    distances.collect()
}

/// Limits of the configuration, in frames.
struct Lengths {
    pause: usize,
    repeat: usize,
    breath: usize,
    shortest: usize,
}

impl Lengths {
    fn of(config: &AudioConfig) -> Lengths {
        Lengths {
            pause: frames(config.longest_pause_s),
            repeat: frames(config.longest_repeat_s),
            breath: frames(config.breath_s),
            shortest: frames(config.min_event_s),
        }
    }
}

/// Joins speech across pauses; leaves everything else.
fn join_speech(pieces: Vec<Piece>, pause: usize) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if last.speech && piece.speech && piece.from - last.until <= pause => {
                last.until = piece.until;
            }
            _ => joined.push(piece),
        }
    }
    joined
}

/// Gives what is too short to stand for itself to what surrounds it: a breath or a click alone
/// beside speech becomes speech, and a moment of speech that is no event of its own and touches other
/// sound becomes part of that (a cry, a word of a song).
fn absorb(mut pieces: Vec<Piece>, lengths: &Lengths) -> Vec<Piece> {
    let original = pieces.clone();
    for (at, piece) in pieces.iter_mut().enumerate() {
        let within = |reach: usize| {
            let before = at.checked_sub(1).map(|i| original[i]);
            let after = original.get(at + 1).copied();
            let before = before.filter(|p| original[at].from - p.until <= reach);
            let after = after.filter(|p| p.from - original[at].until <= reach);
            [before, after].into_iter().flatten()
        };
        let length = piece.until - piece.from;
        if piece.speech {
            let mut touching = within(0).peekable();
            let is_event = length >= lengths.shortest;
            piece.speech = is_event || touching.peek().is_none() || touching.any(|p| p.speech);
        } else {
            let mut near = within(lengths.breath).peekable();
            piece.speech =
                length <= lengths.breath && near.peek().is_some() && near.all(|p| p.speech);
        }
    }
    pieces
}

/// Where the stretch of other sound around piece `at` ends: before speech or a long pause.
fn block_end(pieces: &[Piece], at: usize, pause: usize) -> usize {
    let mut end = pieces[at].until;
    for piece in &pieces[at + 1..] {
        if piece.speech || piece.from - end > pause {
            break;
        }
        end = piece.until;
    }
    end
}

/// The end of the pieces that follow the first without a pause.
fn run_end(pieces: &[Piece]) -> usize {
    let joints = pieces.windows(2).take_while(|pair| pair[0].until == pair[1].from);
    pieces[joints.count()].until
}

/// A repeated sound has its centre of gravity, level and length again, within these: octaves, dB, factor.
const REPEAT_OCTAVES: f64 = 0.3;
const REPEAT_DB: f64 = 6.0;
const REPEAT_LENGTH: f64 = 2.0;

/// Whether the second sound is the first one again. Told from the frames: a short sound fills no
/// row of the descriptor.
fn is_repeat(track: &SoundTrack, first: (usize, usize), second: (usize, usize)) -> bool {
    let (a, b) = (Tone::of(track, first), Tone::of(track, second));
    (a.octave - b.octave).abs() <= REPEAT_OCTAVES
        && (a.level_db - b.level_db).abs() <= REPEAT_DB
        && a.length.max(b.length) <= REPEAT_LENGTH * a.length.min(b.length)
}

/// A short sound in three numbers.
struct Tone {
    /// Logarithm to base 2 of the centre of gravity in Hz, weighted by power.
    octave: f64,
    level_db: f64,
    /// In frames.
    length: f64,
}

impl Tone {
    fn of(track: &SoundTrack, (from, until): (usize, usize)) -> Tone {
        let (mut power, mut moment) = (f64::MIN_POSITIVE, 0.0);
        for frame in &track.frames[from..until] {
            let p = 10f64.powf(f64::from(frame.rms_db) / 10.0);
            power += p;
            moment += p * f64::from(frame.centroid_hz);
        }
        Tone {
            octave: (moment / power).max(1.0).log2(),
            level_db: 10.0 * power.log10(),
            length: (until - from) as f64,
        }
    }
}

/// Short events join a neighbour: one that they touch, or one of other sound within a pause, the more
/// similar of two, the left one on a tie.
fn join_short(
    track: &SoundTrack,
    rows: &FeatureTrack,
    mut events: Vec<Piece>,
    lengths: &Lengths,
) -> Vec<Piece> {
    let mut at = 0;
    while at < events.len() {
        let event = events[at];
        if event.until - event.from >= lengths.shortest {
            at += 1;
            continue;
        }
        let row = mean_row(track, rows, (event.from, event.until));
        let score = |other: Option<&Piece>| {
            let other = other.filter(|other| {
                let gap = event.from.max(other.from) - event.until.min(other.until);
                gap == 0 || (!other.speech && !event.speech && gap <= lengths.pause)
            })?;
            Some(similarity(&row, &mean_row(track, rows, (other.from, other.until))))
        };
        let before = score(at.checked_sub(1).and_then(|i| events.get(i)));
        let after = score(events.get(at + 1));
        match (before, after) {
            (None, None) => at += 1,
            (Some(b), a) if a.is_none_or(|a| b >= a) => {
                events[at - 1].until = event.until;
                events.remove(at);
            }
            _ => {
                events[at + 1].from = event.from;
                events.remove(at);
            }
        }
    }
    events
}
