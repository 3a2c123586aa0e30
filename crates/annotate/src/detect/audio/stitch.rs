//! Pieces that belong together become one event.

use omnivale_signal::SoundTrack;
use omnivale_timeline::Span;

use super::{AudioConfig, Piece, frames};

/// Joins pieces; what is left is in order, disjoint, and at least the shortest event long.
pub(super) fn stitch(track: &SoundTrack, pieces: Vec<Piece>, config: &AudioConfig) -> Vec<Piece> {
    let pause = frames(config.longest_pause_s);
    let pieces = absorb_breaths(join_same(pieces, pause), config);
    let pieces = join_same(pieces, pause);
    let mut events: Vec<Piece> = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let joins = events.last().is_some_and(|last| {
            piece.from - last.until <= pause
                && last.speech == piece.speech
                && (piece.speech || alike(track, *last, block_end(&pieces, at, pause), piece, config))
        });
        match events.last_mut() {
            Some(last) if joins => last.until = piece.until,
            _ => events.push(*piece),
        }
    }
    let shortest = frames(config.min_event_s);
    let mut events = join_short(track, events, shortest, pause);
    events.retain(|event| event.until - event.from >= shortest);
    events
}

/// Joins speech across pauses; leaves everything else.
fn join_same(pieces: Vec<Piece>, pause: usize) -> Vec<Piece> {
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

/// Gives a breath or a click that touches speech, and is all there is between it and the next
/// pause or the next speech, to that speech.
fn absorb_breaths(mut pieces: Vec<Piece>, config: &AudioConfig) -> Vec<Piece> {
    let breath = frames(config.breath_s);
    let touches = |a: &Piece, b: &Piece| b.from - a.until <= breath;
    for at in 0..pieces.len() {
        let piece = pieces[at];
        let before = at.checked_sub(1).map(|i| pieces[i]).filter(|p| touches(p, &piece));
        let after = pieces.get(at + 1).copied().filter(|p| touches(&piece, p));
        let other = |p: &Piece| !p.speech;
        if piece.speech
            || piece.until - piece.from > breath
            || before.as_ref().is_some_and(other)
            || after.as_ref().is_some_and(other)
        {
            continue;
        }
        if before.is_some() || after.is_some() {
            pieces[at].speech = true;
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

/// Whether it sounds alike before and after the cut between `last` and `next`. What is compared is
/// a stretch on either side, not the pieces: drums alternate, and are one event all the same.
fn alike(track: &SoundTrack, last: Piece, end: usize, next: &Piece, config: &AudioConfig) -> bool {
    let context = frames(config.context_s);
    let before = mean_row(track, last.from.max(last.until.saturating_sub(context)), last.until);
    let after = mean_row(track, next.from, end.min(next.from + context));
    similarity(&before, &after) >= config.stitch_similarity
}

/// Short events join the more similar neighbour, the left one on a tie.
fn join_short(
    track: &SoundTrack,
    mut events: Vec<Piece>,
    shortest: usize,
    pause: usize,
) -> Vec<Piece> {
    let mut at = 0;
    while at < events.len() {
        let event = events[at];
        if event.until - event.from >= shortest {
            at += 1;
            continue;
        }
        let row = mean_row(track, event.from, event.until);
        let score = |other: Option<&Piece>| {
            let other = other.filter(|o| {
                !o.speech && !event.speech && gap(o, &event) <= pause
            })?;
            Some(similarity(&row, &mean_row(track, other.from, other.until)))
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

fn gap(a: &Piece, b: &Piece) -> usize {
    a.from.max(b.from).saturating_sub(a.until.min(b.until))
}

/// The mean descriptor of the rows whose middle lies in `from..until`, or of the one nearest to its middle.
fn mean_row(track: &SoundTrack, from: usize, until: usize) -> Vec<f32> {
    let (from, until) = (track.frame_time(from), track.frame_time(until));
    let grid = track.rows.grid();
    let centre = |row: usize| grid.span(row).map(Span::centre);
    let first = grid.nearest(from).unwrap_or(0).saturating_sub(1);
    let inside = (first..grid.rows())
        .take_while(|row| centre(*row).is_some_and(|c| c < until))
        .filter(|row| centre(*row).is_some_and(|c| c >= from));
    let mut sum = vec![0.0; track.rows.width()];
    let mut count = 0;
    for row in inside {
        count += 1;
        for (total, value) in sum.iter_mut().zip(track.rows.row(row)) {
            *total += value;
        }
    }
    if count == 0 {
        // A row is half a second; what is shorter may hold no row's middle.
        let middle = Span::until(from, until).centre();
        let row = first..(first + 3).min(grid.rows());
        let nearest = row.min_by_key(|row| centre(*row).map(|c| c.distance(middle)));
        return nearest.map_or(sum, |row| track.rows.row(row).to_vec());
    }
    sum
}

/// Cosine; 0 if one of the two is zero.
fn similarity(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| -> f64 {
        x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms == 0.0 { 0.0 } else { dot(a, b) / norms }
}
