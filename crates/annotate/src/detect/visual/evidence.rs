//! What each event rests on, as named facts.

use omnivale_signal::{Look, MotionSample, NamedColour, PictureTrack};
use omnivale_timeline::{Boundary, Evidence, Fact, FeatureTrack, Span, Time};

use super::VisualConfig;
use super::light::Light;
use super::motion::Motion;
use super::stitch::{Scene, distance};

/// Everything facts are drawn from.
pub(super) struct Context<'a> {
    pub(super) track: &'a PictureTrack,
    /// The rows that pieces were stitched by.
    pub(super) rows: &'a FeatureTrack,
    pub(super) light: &'a Light,
    pub(super) cuts: &'a [Boundary],
    pub(super) shots: &'a [Span],
    pub(super) config: &'a VisualConfig,
}

/// Colours with a smaller share are not named.
const SMALLEST_COLOUR: f64 = 0.05;

impl Context<'_> {
    /// The kind and the evidence of one event: see [`super::detect`].
    pub(super) fn describe(&self, scene: &Scene) -> (String, Evidence) {
        let span = scene.span;
        let motion = self.motion(scene);
        let kind = match motion.word {
            "still" => "still",
            "busy" => "busy",
            _ => "moving",
        };
        let mut evidence = Evidence::new();
        let mut number = |name: &str, value: f64| evidence.push((name.into(), Fact::Number(value)));
        let shots = self.shots.iter().filter(|shot| shot.overlaps(span)).count();
        let cuts = self.cuts.iter().filter(|cut| cut.time > span.start && cut.time < span.end());
        let minutes = span.duration.seconds() / 60.0;
        number("shots", shots as f64);
        number("cuts_per_minute", rounded(cuts.count() as f64 / minutes.max(1e-3)));
        number("motion_amount", rounded(motion.amount));
        number("still_share", rounded(motion.still_share));
        evidence.push(("motion".into(), Fact::Word(motion.word.into())));
        self.look(span, &mut evidence);
        evidence.push(("begins_with".into(), Fact::Word(self.begins_with(span.start).into())));
        let flash = self.light.flashes.iter().any(|flash| flash.overlaps(span));
        evidence.push(("flash".into(), Fact::Flag(flash)));
        if let Some(fade) = self.fade(span) {
            evidence.push(("fade".into(), Fact::Word(fade.into())));
        }
        if let Some(score) = scene.distance {
            evidence.push(("boundary_score".into(), Fact::Number(rounded(f64::from(score)))));
        }
        (kind.into(), evidence)
    }

    fn motion(&self, scene: &Scene) -> Motion {
        let samples = within(&self.track.motion, scene.span, |sample: &MotionSample| sample.time);
        let (width, height) = self.track.display;
        let aspect = width.max(1) as f32 / height.max(1) as f32;
        let motion = Motion::of(samples, aspect, &self.config.motion);
        // A slow change is invisible from one sample to the next, not from end to end.
        let drifted = scene
            .rows
            .is_some_and(|(a, b)| distance(self.rows, a, b) >= self.config.still_distance);
        let word = if motion.word == "still" && drifted { "gentle" } else { motion.word };
        Motion { word, ..motion }
    }

    fn look(&self, span: Span, evidence: &mut Evidence) {
        let looks = within(&self.track.looks, span, |look: &Look| look.time);
        if looks.is_empty() {
            return;
        }
        let mean = |looks: &[Look], value: fn(&Look) -> f32| {
            looks.iter().map(|look| f64::from(value(look))).sum::<f64>() / looks.len() as f64
        };
        let mut number = |name: &str, value: f64| evidence.push((name.into(), Fact::Number(value)));
        number("brightness", rounded(mean(looks, |l| l.brightness)));
        let fifth = looks.len().div_ceil(5);
        let (first, last) = (&looks[..fifth], &looks[looks.len() - fifth..]);
        let change = mean(last, |l| l.brightness) - mean(first, |l| l.brightness);
        number("brightness_change", rounded(change));
        number("contrast", rounded(mean(looks, |l| l.contrast)));
        number("saturation", rounded(mean(looks, |l| l.saturation)));
        let share = |colour: NamedColour| {
            looks.iter().map(|l| f64::from(l.colours[colour as usize])).sum::<f64>()
                / looks.len() as f64
        };
        let mut colours: Vec<(NamedColour, f64)> =
            NamedColour::ALL.into_iter().map(|colour| (colour, share(colour))).collect();
        colours.sort_by(|a, b| b.1.total_cmp(&a.1));
        let named = colours.iter().filter(|(_, share)| *share >= SMALLEST_COLOUR).take(3);
        for (rank, (colour, share)) in named.enumerate() {
            let name = format!("colour_{}", rank + 1);
            evidence.push((name.clone(), Fact::Word(colour.word().into())));
            evidence.push((format!("{name}_share"), Fact::Number(rounded(*share))));
        }
    }

    fn begins_with(&self, start: Time) -> &'static str {
        // Spans are half-open; a boundary at their very end belongs to them, too.
        let at = |span: &Span| span.start <= start && start <= span.end();
        if start == Time::ZERO {
            "start"
        } else if self.light.flashes.iter().any(at) {
            "flash"
        } else if self.light.fades.iter().any(|fade| at(&fade.span)) {
            "fade"
        } else if self.cuts.iter().any(|cut| cut.time == start) {
            "cut"
        } else {
            "gradual"
        }
    }

    fn fade(&self, span: Span) -> Option<&'static str> {
        let inside = |parts: &dyn Fn(&super::Fade) -> Option<Span>| {
            self.light.fades.iter().filter_map(parts).any(|part| span.contains(part.centre()))
        };
        let out = inside(&|f| f.out.then(|| Span::until(f.span.start, f.dark.start)));
        let back = inside(&|f| f.back.then(|| Span::until(f.dark.end(), f.span.end())));
        match (out, back) {
            (true, true) => Some("out and in"),
            (true, false) => Some("out"),
            (false, true) => Some("in"),
            (false, false) => None,
        }
    }
}

/// The items whose time lies in the span; they are in order.
fn within<T>(items: &[T], span: Span, time: fn(&T) -> Time) -> &[T] {
    let start = items.partition_point(|item| time(item) < span.start);
    let end = items.partition_point(|item| time(item) < span.end());
    &items[start..end.max(start)]
}

/// Three decimals: more is noise, and makes files hard to compare.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
