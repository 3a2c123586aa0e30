//! Where visual events begin and end.
//!
//! Two stages, as LongVALE takes them from Panda-70M: the video is split at cuts, and within long
//! shots every few seconds; then neighbouring pieces are stitched together while they look alike.
//! What Panda-70M would throw away (transitions, pieces that are too short) joins a neighbour
//! instead, because the timeline of a long video must have no holes.

mod evidence;
mod light;
mod motion;
mod split;
mod stitch;

use omnivale_signal::{PictureMeterConfig, PictureTrack, SceneLength};
use omnivale_timeline::{
    Boundary, Duration, Event, Fact, FeatureTrack, Modality, Span, Time, Timeline,
};
use serde::{Deserialize, Serialize};

use crate::embed::{LearnedRows, LearnedVisualConfig};
use light::Light;
pub use light::{Fade, LightConfig};
pub use motion::MotionConfig;

/// The `[visual]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisualConfig {
    /// What is measured.
    pub meter: PictureMeterConfig,
    /// Content score from which on a frame is a cut.
    pub split_threshold: f64,
    /// Shortest shot, in frames or seconds.
    pub min_scene_len: SceneLength,
    /// Whether a fade to black and back is a cut, too.
    pub cut_at_fades: bool,
    /// A shot longer than `piece_s + piece_slack_s` is cut every `piece_s`, in seconds.
    pub piece_s: Duration,
    /// See `piece_s`; in seconds.
    pub piece_slack_s: Duration,
    /// A piece is described by the rows this share of its length from its ends.
    pub margin: f64,
    /// Distance of a piece's two rows above which it is a transition.
    pub transition_distance: f32,
    /// Distance of one piece's last row to the next one's first row up to which they are stitched.
    pub stitch_distance: f32,
    /// Distance of an event's first and last row below which it is still, if hardly anything moves either.
    pub still_distance: f32,
    /// Shortest event, in seconds.
    pub min_event_s: Duration,
    /// Longest event, in seconds.
    pub max_event_s: Duration,
    /// What becomes of transitions and of events that are too short.
    pub leftovers: Leftovers,
    /// Whether still events are events (LongVALE's paper excludes static scenes).
    pub keep_still: bool,
    /// How a learned encoder sees, and its thresholds.
    pub clip: LearnedVisualConfig,
    /// When motion gets which word.
    pub motion: MotionConfig,
    /// What flashes and fades are.
    pub light: LightConfig,
}

impl VisualConfig {
    /// With the thresholds of a learned encoder in the place of the descriptor's.
    fn learned(&self) -> VisualConfig {
        VisualConfig {
            transition_distance: self.clip.transition_distance,
            stitch_distance: self.clip.stitch_distance,
            still_distance: self.clip.still_distance,
            ..self.clone()
        }
    }
}

/// What becomes of pieces that are no events of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Leftovers {
    /// They join the neighbour that looks more alike; the timeline has no holes.
    Merge,
    /// They are left out, as Panda-70M does.
    Drop,
}

/// What is seen, over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Visual {
    /// Camera shots: contiguous, from zero to the duration; empty without pictures.
    pub shots: Vec<Span>,
    /// The cuts between them, with the content score of each (0 for a cut in the middle of a fade).
    pub cuts: Vec<Boundary>,
    /// Events, in order, disjoint.
    pub events: Timeline<Event>,
}

/// Finds shots, cuts and events. Evidence of each event, by name:
///
/// | name | what |
/// |---|---|
/// | `shots` | shots it touches |
/// | `cuts_per_minute` | cuts within it |
/// | `motion` | `still`, `pan left`, `pan right`, `tilt up`, `tilt down`, `zoom in`, `zoom out`, `shake`, `busy`, `gentle`: see [`MotionConfig`] |
/// | `motion_amount` | mean absolute luma change between pictures a fifth of a second apart, in [0, 1] |
/// | `still_share` | share of such pairs in which nothing changes |
/// | `brightness`, `contrast`, `saturation` | means, in [0, 1] |
/// | `brightness_change` | last fifth minus first fifth, in [-1, 1] |
/// | `colour_1` to `colour_3`, `colour_1_share` ... | the most frequent named colours of at least 5 % |
/// | `begins_with` | `start`, `cut`, `fade`, `flash`, `gradual` |
/// | `flash` | whether there is one |
/// | `fade` | `out`, `in` or `out and in`, if any |
/// | `boundary_score` | descriptor distance to the event before, in [0, 2]; absent for the first |
///
/// The kind is `still` if the motion word is, `busy` if that is, else `moving`.
pub fn detect(track: &PictureTrack, duration: Duration, config: &VisualConfig) -> Visual {
    detect_by(track, None, duration, config)
}

/// How different pieces look by `rows`, which are the track's own or an encoder's: what the distances of
/// [`VisualConfig`] are compared with.
pub(crate) fn distances(
    track: &PictureTrack,
    rows: &FeatureTrack,
    duration: Duration,
    config: &VisualConfig,
) -> Distances {
    if track.scores.is_empty() || duration == Duration::ZERO {
        return Distances::default();
    }
    let light = Light::find(&track.scores, &config.light);
    let cuts = split::cuts(&track.scores, &light, config, duration);
    let pieces = split::pieces(&split::shots(&cuts, duration), config);
    stitch::distances(&pieces, rows, &light.fades, config)
}

/// Distances of rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Distances {
    /// From the start to the end of each piece.
    pub(crate) within: Vec<f32>,
    /// From the end of each piece to the start of the next.
    pub(crate) across: Vec<f32>,
}

/// As [`detect`], but pieces are stitched by the rows of a learned encoder where there are any, under the thresholds of
/// [`LearnedVisualConfig`]. Each event's evidence then has `encoder`, its name, and `boundary_score` is the distance of
/// its rows.
pub fn detect_by(
    track: &PictureTrack,
    learned: Option<&LearnedRows>,
    duration: Duration,
    config: &VisualConfig,
) -> Visual {
    let (rows, config) = match learned {
        None => (&track.rows, config.clone()),
        Some(learned) => (&learned.track, config.learned()),
    };
    let config = &config;
    if track.scores.is_empty() || duration == Duration::ZERO {
        return Visual { shots: Vec::new(), cuts: Vec::new(), events: Timeline::empty(duration) };
    }
    let light = Light::find(&track.scores, &config.light);
    let cuts = split::cuts(&track.scores, &light, config, duration);
    let shots = split::shots(&cuts, duration);
    let pieces = split::pieces(&shots, config);
    // Content scores are never 0 at a cut that was found by them.
    let barriers: Vec<Time> =
        cuts.iter().filter(|cut| cut.score == 0.0).map(|cut| cut.time).collect();
    let scenes = stitch::stitch(&pieces, rows, &light.fades, &barriers, config);
    let context =
        evidence::Context { track, rows, light: &light, cuts: &cuts, shots: &shots, config };
    let events = scenes.iter().map(|scene| {
        let (kind, mut evidence) = context.describe(scene);
        if let Some(learned) = learned {
            evidence.push(("encoder".to_owned(), Fact::Word(learned.encoder.clone())));
        }
        Event { span: scene.span, modality: Modality::Visual, kind: Some(kind), evidence }
    });
    let events = events
        .filter(|event| config.keep_still || event.kind.as_deref() != Some("still"))
        .collect();
    let events = Timeline::disjoint(duration, events)
        .expect("pieces are contiguous within the duration, and stitching keeps their order");
    Visual { shots, cuts, events }
}
