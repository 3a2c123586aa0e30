//! Pieces that look alike become one scene.

use omnivale_timeline::{Duration, FeatureTrack, Span, Time, TimeGrid};

use super::{Distances, Fade, Leftovers, VisualConfig};

/// An event in the making: a run of pieces.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    pub(super) span: Span,
    /// Rows of the track that show its beginning and its end; absent without rows.
    pub(super) rows: Option<(usize, usize)>,
    /// Descriptor distance to the scene before it; absent for the first.
    pub(super) distance: Option<f32>,
    /// Not an event of its own: a transition.
    transition: bool,
}

/// Stitches pieces, then deals with what is no event of its own: see [`Leftovers`].
///
/// Nothing is stitched across `barriers` (cuts within fades), and no piece is judged by pictures of a
/// fade: black looks like black, whatever went before and comes after.
pub(super) fn stitch(
    pieces: &[Span],
    rows: &FeatureTrack,
    fades: &[Fade],
    barriers: &[Time],
    config: &VisualConfig,
) -> Vec<Scene> {
    let row_pair = |span: Span| row_pair(lit(span, fades), rows, config.margin);
    let mut scenes: Vec<Scene> = Vec::new();
    for piece in pieces {
        let ends = row_pair(*piece);
        let transition =
            ends.is_some_and(|(a, b)| distance(rows, a, b) > config.transition_distance);
        let scene = Scene { span: *piece, rows: ends, distance: None, transition };
        match scenes.last_mut() {
            Some(last)
                if !last.transition
                    && !transition
                    && !barriers.contains(&piece.start)
                    && gap(last, &scene, rows) <= config.stitch_distance =>
            {
                last.absorb_next(&scene);
            }
            _ => scenes.push(scene),
        }
    }
    let leftover = |scene: &Scene| scene.transition || scene.span.duration < config.min_event_s;
    match config.leftovers {
        Leftovers::Drop => scenes.retain(|scene| !leftover(scene)),
        Leftovers::Merge => {
            // Shortest first, so that fragments gather before they join something long.
            while scenes.len() > 1
                && let Some(at) = (0..scenes.len())
                    .filter(|at| leftover(&scenes[*at]))
                    .min_by_key(|at| scenes[*at].span.duration)
            {
                merge(&mut scenes, at, rows);
            }
        }
    }
    let mut scenes: Vec<Scene> =
        scenes.iter().flat_map(|scene| parts(scene, config, row_pair)).collect();
    for at in 1..scenes.len() {
        scenes[at].distance =
            Some(gap(&scenes[at - 1], &scenes[at], rows)).filter(|d| d.is_finite());
    }
    scenes
}

/// How different the two ends of each piece are, and neighbours where they meet; pieces without rows have none.
pub(super) fn distances(
    pieces: &[Span],
    rows: &FeatureTrack,
    fades: &[Fade],
    config: &VisualConfig,
) -> Distances {
    let ends = pieces.iter().map(|piece| row_pair(lit(*piece, fades), rows, config.margin));
    let ends: Vec<(usize, usize)> = ends.flatten().collect();
    Distances {
        within: ends.iter().map(|(start, end)| distance(rows, *start, *end)).collect(),
        across: ends.windows(2).map(|pair| distance(rows, pair[0].1, pair[1].0)).collect(),
    }
}

/// Joins the scene at `at` to the neighbour it looks more like, the one before on a tie.
fn merge(scenes: &mut Vec<Scene>, at: usize, rows: &FeatureTrack) {
    let before = (at > 0).then(|| gap(&scenes[at - 1], &scenes[at], rows));
    let after = (at + 1 < scenes.len()).then(|| gap(&scenes[at], &scenes[at + 1], rows));
    let scene = scenes.remove(at);
    let joins_before = match (before, after) {
        (Some(before), Some(after)) => before <= after,
        (before, _) => before.is_some(),
    };
    let neighbour = if joins_before { &mut scenes[at - 1] } else { &mut scenes[at] };
    // A transition among transitions stays one only if all are: what it joins decides.
    let transition = neighbour.transition && scene.transition;
    let (span, shown) = (neighbour.span.hull(scene.span), neighbour.rows.or(scene.rows));
    // The rows of the neighbour stay: those of a transition show neither what was nor what comes.
    // A scene that is merely short has good rows at its outer end.
    let outer = match (neighbour.rows, scene.rows, scene.transition) {
        (Some((first, _)), Some((_, last)), false) if joins_before => Some((first, last)),
        (Some((_, last)), Some((first, _)), false) => Some((first, last)),
        _ => shown,
    };
    (neighbour.span, neighbour.rows, neighbour.transition) = (span, outer, transition);
}

/// A scene longer than the longest event in equal parts, others as they are.
fn parts(
    scene: &Scene,
    config: &VisualConfig,
    row_pair: impl Fn(Span) -> Option<(usize, usize)>,
) -> Vec<Scene> {
    let limit = config.max_event_s.micros().max(1);
    let count = scene.span.duration.micros().div_ceil(limit);
    if count <= 1 {
        return vec![scene.clone()];
    }
    let edge = |part: u64| {
        scene.span.start
            + Duration::from_micros(
                (u128::from(scene.span.duration.micros()) * u128::from(part) / u128::from(count))
                    as u64,
            )
    };
    (0..count)
        .map(|part| {
            let span = Span::until(edge(part), edge(part + 1));
            Scene { span, rows: row_pair(span), ..scene.clone() }
        })
        .collect()
}

impl Scene {
    fn absorb_next(&mut self, next: &Scene) {
        self.span = self.span.hull(next.span);
        self.rows = match (self.rows, next.rows) {
            (Some((first, _)), Some((_, last))) => Some((first, last)),
            (rows, None) | (None, rows) => rows,
        };
    }
}

/// How different the end of one scene is from the beginning of the next; infinite without rows.
fn gap(earlier: &Scene, later: &Scene, rows: &FeatureTrack) -> f32 {
    match (earlier.rows, later.rows) {
        (Some((_, end)), Some((start, _))) => distance(rows, end, start),
        _ => f32::INFINITY,
    }
}

/// Euclidean distance of two rows.
pub(super) fn distance(rows: &FeatureTrack, a: usize, b: usize) -> f32 {
    let squares = rows.row(a).iter().zip(rows.row(b)).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f32>().sqrt()
}

/// The piece without the fades that reach into it from its ends; the piece itself if that is all of it.
fn lit(piece: Span, fades: &[Fade]) -> Span {
    let (mut start, mut end) = (piece.start, piece.end());
    for fade in fades {
        if fade.span.contains(piece.start) {
            start = start.max(fade.span.end());
        }
        if fade.span.contains(piece.end()) {
            end = end.min(fade.span.start);
        }
    }
    if start < end { Span::until(start, end) } else { piece }
}

/// The rows nearest to `margin` of the length from both ends, among those inside the piece if there are any.
fn row_pair(piece: Span, rows: &FeatureTrack, margin: f64) -> Option<(usize, usize)> {
    let length = piece.duration.micros() as f64;
    let at = |share: f64| piece.start + Duration::from_micros((length * share) as u64);
    Some((row_near(piece, at(margin), rows)?, row_near(piece, at(1.0 - margin), rows)?))
}

fn row_near(piece: Span, time: Time, rows: &FeatureTrack) -> Option<usize> {
    let nearest = rows.grid().nearest(time)?;
    let TimeGrid::Sampled(times) = rows.grid() else { return Some(nearest) };
    let inside =
        times.partition_point(|t| *t < piece.start)..times.partition_point(|t| *t < piece.end());
    let best = inside.min_by_key(|row| times[*row].distance(time));
    Some(best.unwrap_or(nearest))
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::Modality;

    use super::*;

    fn config() -> VisualConfig {
        let mut config = crate::config::Config::default().visual;
        (config.stitch_distance, config.transition_distance) = (0.3, 0.8);
        config
    }

    /// Rows every half second whose single angle is given per second.
    fn track(angles: &[f32]) -> FeatureTrack {
        let times = (0..2 * angles.len()).map(|i| Time::from_millis(500 * i as i64)).collect();
        let values = (0..2 * angles.len()).flat_map(|i| [angles[i / 2].cos(), angles[i / 2].sin()]);
        FeatureTrack::new(Modality::Visual, TimeGrid::Sampled(times), 2, values.collect()).unwrap()
    }

    fn pieces(edges: &[i64]) -> Vec<Span> {
        let time = |seconds: i64| Time::from_millis(1000 * seconds);
        edges.windows(2).map(|pair| Span::until(time(pair[0]), time(pair[1]))).collect()
    }

    fn spans(scenes: &[Scene]) -> Vec<(f64, f64)> {
        scenes.iter().map(|s| (s.span.start.seconds(), s.span.end().seconds())).collect()
    }

    #[test]
    fn alike_pieces_are_one_scene() {
        let rows = track(&[0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 1.0, 1.0, 1.0]);
        let scenes = stitch(&pieces(&[0, 3, 6, 9]), &rows, &[], &[], &config());
        assert_eq!(spans(&scenes), [(0.0, 6.0), (6.0, 9.0)]);
        assert_eq!(scenes[0].distance, None);
        let barriers = [Time::from_millis(3000)];
        let barred = stitch(&pieces(&[0, 3, 6, 9]), &rows, &[], &barriers, &config());
        assert_eq!(spans(&barred), [(0.0, 3.0), (3.0, 6.0), (6.0, 9.0)]);
        assert!((scenes[1].distance.unwrap() - 2.0 * 0.45f32.sin()).abs() < 1e-4);
    }

    #[test]
    fn a_transition_joins_the_neighbour_it_is_nearer_to() {
        // The piece from 3 to 6 turns from 0.4 to 1.5; the one after it is at 1.6.
        let rows = track(&[0.0, 0.0, 0.0, 0.4, 1.0, 1.5, 1.6, 1.6, 1.6]);
        let scenes = stitch(&pieces(&[0, 3, 6, 9]), &rows, &[], &[], &config());
        assert_eq!(spans(&scenes), [(0.0, 3.0), (3.0, 9.0)]);
        let dropping = VisualConfig { leftovers: Leftovers::Drop, ..config() };
        let scenes = stitch(&pieces(&[0, 3, 6, 9]), &rows, &[], &[], &dropping);
        assert_eq!(spans(&scenes), [(0.0, 3.0), (6.0, 9.0)]);
    }

    #[test]
    fn short_scenes_join_and_long_ones_are_parted() {
        let rows = track(&[0.0, 0.0, 0.0, 0.6, 1.5, 1.5, 1.5, 1.5]);
        let scenes = stitch(&pieces(&[0, 3, 4, 8]), &rows, &[], &[], &config());
        assert_eq!(spans(&scenes), [(0.0, 4.0), (4.0, 8.0)]);
        let parted = VisualConfig { max_event_s: Duration::from_millis(3000), ..config() };
        let scenes = stitch(&pieces(&[0, 3, 4, 8]), &rows, &[], &[], &parted);
        assert_eq!(spans(&scenes), [(0.0, 2.0), (2.0, 4.0), (4.0, 6.0), (6.0, 8.0)]);
    }

    #[test]
    fn pieces_are_not_judged_by_their_fades() {
        // Dark (1.5) from 2 to 4, between two scenes that have nothing in common.
        let rows = track(&[0.0, 0.0, 1.5, 1.5, 2.9, 2.9]);
        let time = |seconds: i64| Time::from_millis(1000 * seconds);
        let dark = Span::until(time(2), time(4));
        let fade = Fade { span: dark, dark, out: true, back: true };
        let scenes = stitch(&pieces(&[0, 3, 6]), &rows, &[fade], &[time(3)], &config());
        assert_eq!(spans(&scenes), [(0.0, 3.0), (3.0, 6.0)]);
        assert!((scenes[1].distance.unwrap() - 2.0 * 1.45f32.sin()).abs() < 1e-4);
        let judged = stitch(&pieces(&[0, 3, 6]), &rows, &[], &[], &config());
        assert_eq!(spans(&judged), [(0.0, 6.0)]);
    }

    #[test]
    fn distances_are_those_that_decide() {
        let rows = track(&[0.0, 0.0, 0.0, 0.4, 1.0, 1.5, 1.6, 1.6, 1.6]);
        let pieces = pieces(&[0, 3, 6, 9]);
        let found = distances(&pieces, &rows, &[], &config());
        let chord = |angle: f32| 2.0 * (angle / 2.0).sin();
        let near = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len());
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?}, {b:?}");
        };
        near(&found.within, &[0.0, chord(1.1), 0.0]);
        near(&found.across, &[chord(0.4), chord(0.1)]);
        let none = distances(&pieces, &track(&[]), &[], &config());
        assert_eq!(none, Distances::default());
    }

    #[test]
    fn without_rows_pieces_stay_apart_unless_short() {
        let rows = track(&[]);
        let scenes = stitch(&pieces(&[0, 3, 4, 8]), &rows, &[], &[], &config());
        assert_eq!(spans(&scenes), [(0.0, 4.0), (4.0, 8.0)]);
        assert_eq!(scenes[1].distance, None);
    }
}
