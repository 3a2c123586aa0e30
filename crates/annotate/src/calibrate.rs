//! Thresholds of learned encoders, found by quantile: an encoder's distances are limited so that it parts the same share
//! of pieces as the weight-free measure does, whose limits were chosen on clips with known boundaries.
//!
//! Rows of another encoder lie closer together or further apart, but mostly in the same order; the share that is parted
//! can be carried over where a distance cannot. What it takes is a few dozen videos like those that are to be annotated.

use omnivale_timeline::Duration;

use crate::config::Config;
use crate::detect::{audio, visual};
use crate::embed::Learned;
use crate::measure::Measurements;

/// Fewer pairs than these make a threshold that a few more videos may change: the text says so.
const FEW: usize = 200;

/// Distances of the same pairs by both measures.
#[derive(Debug, Clone, PartialEq, Default)]
struct Pairs {
    own: Vec<f32>,
    learned: Vec<f32>,
}

/// What videos tell about the thresholds of the encoders that saw and heard them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calibration {
    videos: usize,
    /// Names of the encoders.
    eye: Option<String>,
    ear: Option<String>,
    within: Pairs,
    across: Pairs,
    splits: Pairs,
}

/// One threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Limit {
    /// Pairs beyond the weight-free limit, and pairs.
    beyond: usize,
    of: usize,
    /// The limit with the same share beyond it; `None` if none or all are, which tells nothing.
    distance: Option<f32>,
}

impl Pairs {
    fn add(&mut self, own: Vec<f32>, learned: Vec<f32>) {
        self.own.extend(own.into_iter().filter(|distance| distance.is_finite()));
        self.learned.extend(learned.into_iter().filter(|distance| distance.is_finite()));
    }

    /// The distance of the encoder that as many pairs exceed as exceed `limit` by the weight-free measure.
    fn limit(&self, limit: f32) -> Limit {
        let (beyond, of) = (self.own.iter().filter(|d| **d > limit).count(), self.own.len());
        let mut falling = self.learned.clone();
        falling.sort_by(|a, b| b.total_cmp(a));
        // The same share of pairs, where a few have no rows of the encoder's.
        let place = (beyond * falling.len() + of / 2).checked_div(of).unwrap_or(0);
        let distance = (0 < place && place < falling.len())
            .then(|| f32::midpoint(falling[place - 1], falling[place]));
        Limit { beyond, of, distance }
    }
}

impl Calibration {
    /// Takes in one video.
    pub(crate) fn add(
        &mut self,
        measured: &Measurements,
        learned: &Learned,
        duration: Duration,
        config: &Config,
    ) {
        self.videos += 1;
        if let (Some(track), Some(rows)) = (&measured.pictures, &learned.visual) {
            let by = |rows| visual::distances(track, rows, duration, &config.visual);
            let (own, other) = (by(&track.rows), by(&rows.track));
            self.within.add(own.within, other.within);
            self.across.add(own.across, other.across);
            self.eye.get_or_insert_with(|| rows.encoder.clone());
        }
        if let (Some(track), Some(rows)) = (&measured.sound, &learned.audio) {
            let by = |rows| audio::distances(track, rows, &config.audio);
            self.splits.add(by(&track.rows), by(&rows.track));
            self.ear.get_or_insert_with(|| rows.encoder.clone());
        }
    }

    /// The thresholds as a part of the configuration file; what the videos do not tell is a comment that says why.
    #[must_use]
    pub fn to_toml(&self, config: &Config) -> String {
        let mut text = format!(
            "# Thresholds of learned encoders, from {}: beyond each lies the same share of pairs\n\
             # as beyond the limit of the weight-free measure. For `omnivale annotate --config`.\n",
            counted(self.videos, "video")
        );
        if let Some(eye) = &self.eye {
            text.push_str(&format!("\n[visual.clip]\n# {eye}\n"));
            let visual = &config.visual;
            let transition = self.within.limit(visual.transition_distance);
            entry(
                &mut text,
                "transition_distance",
                transition,
                "pieces change from start to end",
                |d| d,
            );
            let stitch = self.across.limit(visual.stitch_distance);
            entry(&mut text, "stitch_distance", stitch, "joints are boundaries", |d| d);
            let still = self.within.limit(visual.still_distance);
            entry(&mut text, "still_distance", still, "pieces move", |d| d);
        }
        if let Some(ear) = &self.ear {
            text.push_str(&format!("\n[audio.clap]\n# {ear}\n"));
            let splits = self.splits.limit((1.0 - config.audio.stitch_similarity) as f32);
            entry(&mut text, "stitch_similarity", splits, "splits are boundaries", |d| 1.0 - d);
        }
        text
    }
}

/// One value, with what it rests on.
fn entry(text: &mut String, key: &str, limit: Limit, what: &str, value: impl Fn(f32) -> f32) {
    let Limit { beyond, of, distance } = limit;
    let few = if of < FEW { "; few: more videos may change it" } else { "" };
    match distance {
        Some(distance) => text.push_str(&format!(
            "# {beyond} of {of} {what}{few}.\n{key} = {:.5}\n",
            f64::from(value(distance))
        )),
        None => text.push_str(&format!(
            "# {beyond} of {of} {what}: that tells nothing of {key}, which stays as it is.\n"
        )),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(own: &[f32], learned: &[f32]) -> Pairs {
        Pairs { own: own.to_vec(), learned: learned.to_vec() }
    }

    #[test]
    fn the_same_share_lies_beyond() {
        let found = pairs(&[0.1, 0.2, 0.3, 0.9], &[0.5, 0.6, 0.7, 0.75]).limit(0.25);
        assert_eq!((found.beyond, found.of), (2, 4));
        assert!((found.distance.unwrap() - 0.65).abs() < 1e-6);
    }

    #[test]
    fn none_or_all_beyond_tells_nothing() {
        let some = pairs(&[0.1, 0.2], &[0.5, 0.6]);
        assert_eq!(some.limit(0.5).distance, None);
        assert_eq!(some.limit(0.0).distance, None);
        assert_eq!(Pairs::default().limit(0.5).distance, None);
    }

    #[test]
    fn the_text_is_a_configuration() {
        let mut calibration = Calibration { videos: 3, ..Calibration::default() };
        (calibration.eye, calibration.ear) = (Some("clip".to_owned()), Some("clap".to_owned()));
        calibration.within = pairs(&[0.1, 0.3, 0.5, 0.9], &[0.2, 0.4, 0.6, 1.0]);
        calibration.across = pairs(&[0.05, 0.1], &[0.2, 0.3]);
        calibration.splits = pairs(&[0.2, 0.9], &[0.1, 0.2]);
        let text = calibration.to_toml(&Config::default());
        insta::assert_snapshot!(text, @r"
        # Thresholds of learned encoders, from 3 videos: beyond each lies the same share of pairs
        # as beyond the limit of the weight-free measure. For `omnivale annotate --config`.

        [visual.clip]
        # clip
        # 1 of 4 pieces change from start to end; few: more videos may change it.
        transition_distance = 0.80000
        # 0 of 2 joints are boundaries: that tells nothing of stitch_distance, which stays as it is.
        # 3 of 4 pieces move; few: more videos may change it.
        still_distance = 0.30000

        [audio.clap]
        # clap
        # 1 of 2 splits are boundaries; few: more videos may change it.
        stitch_similarity = 0.85000
        ");
        let config = Config::with(&text, "the text").unwrap();
        assert!((config.visual.clip.transition_distance - 0.8).abs() < 1e-6);
        assert!((config.audio.clap.stitch_similarity - 0.85).abs() < 1e-6);
        assert_eq!(
            config.visual.clip.stitch_distance,
            Config::default().visual.clip.stitch_distance
        );
    }

    proptest! {
        #[test]
        fn a_stretched_measure_gets_the_stretched_limit(
            own in prop::collection::vec(0.0f32..2.0, 2..60),
            limit in 0.0f32..2.0,
        ) {
            let learned: Vec<f32> = own.iter().map(|d| 0.5 * d + 0.1).collect();
            let found = pairs(&own, &learned).limit(limit);
            if let Some(distance) = found.distance {
                let beyond = learned.iter().filter(|d| **d > distance).count();
                prop_assert!(beyond <= found.beyond);
                prop_assert!(learned.iter().filter(|d| **d >= distance).count() >= found.beyond);
            } else {
                prop_assert!(found.beyond == 0 || found.beyond == own.len());
            }
        }
    }
}
