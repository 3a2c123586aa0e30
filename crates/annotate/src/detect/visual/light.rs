//! Flashes and fades, told from the mean brightness of each frame.

use omnivale_signal::SceneScore;
use omnivale_timeline::{Duration, Span};
use serde::{Deserialize, Serialize};

/// What flashes and fades are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LightConfig {
    /// Rise and fall of the mean brightness (of 255) from one frame to the next that make a flash.
    pub flash_step: f64,
    /// Longest flash, in seconds.
    pub flash_longest_s: Duration,
    /// Mean brightness (of 255) below which a picture is black.
    pub black_below: f64,
    /// Shortest time in which the light goes or comes, in seconds; what is quicker is a cut.
    pub fade_shortest_s: Duration,
    /// Longest, in seconds.
    pub fade_longest_s: Duration,
    /// Smallest difference of the mean brightness (of 255) between lit and black.
    pub fade_depth: f64,
}

/// The picture going black, coming back, or both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fade {
    /// From where the light begins to go to where it is back.
    pub span: Span,
    /// While it is black.
    pub dark: Span,
    /// Whether it went out gradually.
    pub out: bool,
    /// Whether it came back gradually.
    pub back: bool,
}

/// Everything found about the light.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Light {
    pub(super) flashes: Vec<Span>,
    pub(super) fades: Vec<Fade>,
}

impl Light {
    pub(super) fn find(scores: &[SceneScore], config: &LightConfig) -> Light {
        Light { flashes: flashes(scores, config), fades: fades(scores, config) }
    }
}

fn flashes(scores: &[SceneScore], config: &LightConfig) -> Vec<Span> {
    let mut flashes: Vec<Span> = Vec::new();
    let mut rise: Option<usize> = None;
    for at in 1..scores.len() {
        let step = scores[at].mean - scores[at - 1].mean;
        if step >= config.flash_step {
            rise = Some(at);
        } else if step <= -config.flash_step
            && let Some(start) = rise.take()
        {
            let span = Span::until(scores[start].time, scores[at].time);
            if span.duration <= config.flash_longest_s {
                flashes.push(span);
            }
        }
    }
    flashes
}

fn fades(scores: &[SceneScore], config: &LightConfig) -> Vec<Fade> {
    let mut fades = Vec::new();
    let mut at = 0;
    while at < scores.len() {
        if scores[at].mean >= config.black_below {
            at += 1;
            continue;
        }
        let first = at;
        while at < scores.len() && scores[at].mean < config.black_below {
            at += 1;
        }
        let last = at - 1;
        // Outwards from the dark for as long as it gets lighter.
        let before = climb(scores, first, config, |i| i.checked_sub(1));
        let after = climb(scores, last, config, |i| Some(i + 1).filter(|i| *i < scores.len()));
        let end = scores.get(at).unwrap_or(&scores[last]).time;
        if before.is_some() || after.is_some() {
            let start = before.map_or(scores[first].time, |i| scores[i].time);
            fades.push(Fade {
                span: Span::until(start, after.map_or(end, |i| scores[i].time)),
                dark: Span::until(scores[first].time, end),
                out: before.is_some(),
                back: after.is_some(),
            });
        }
    }
    fades
}

/// The frame at which the light is full again, seen from the edge of the dark; `None` if it does not
/// come gradually.
fn climb(
    scores: &[SceneScore],
    edge: usize,
    config: &LightConfig,
    next: impl Fn(usize) -> Option<usize>,
) -> Option<usize> {
    let mut top = edge;
    let mut largest_step = 0f64;
    while let Some(beyond) = next(top) {
        let step = scores[beyond].mean - scores[top].mean;
        let elapsed = scores[beyond].time.distance(scores[edge].time);
        // A hair of noise may interrupt the climb; standing still ends it.
        if step <= 0.1 || elapsed > config.fade_longest_s {
            break;
        }
        largest_step = largest_step.max(step);
        top = beyond;
    }
    let depth = scores[top].mean - scores[edge].mean;
    let length = scores[top].time.distance(scores[edge].time);
    let gradual = length >= config.fade_shortest_s && largest_step < depth / 2.0;
    (gradual && depth >= config.fade_depth).then_some(top)
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::Time;

    use super::*;

    fn scores(means: impl IntoIterator<Item = f64>) -> Vec<SceneScore> {
        let score = |(index, mean): (usize, f64)| SceneScore {
            time: Time::from_millis(40 * index as i64),
            index: index as u64,
            content: 0.0,
            hue: 0.0,
            saturation: 0.0,
            luma: 0.0,
            mean,
        };
        means.into_iter().enumerate().map(score).collect()
    }

    fn light(means: impl IntoIterator<Item = f64>) -> Light {
        Light::find(&scores(means), &crate::config::Config::default().visual.light)
    }

    #[test]
    fn a_flash_is_a_rise_and_a_fall() {
        let light = light((0..50).map(|i| if (20..26).contains(&i) { 240.0 } else { 90.0 }));
        let expected = Span::until(Time::from_millis(800), Time::from_millis(1040));
        assert_eq!((light.flashes, light.fades), (vec![expected], vec![]));
    }

    #[test]
    fn a_bright_shot_is_no_flash() {
        let light = light((0..200).map(|i| if (20..120).contains(&i) { 240.0 } else { 90.0 }));
        assert_eq!(light, Light::default());
    }

    #[test]
    fn out_and_back() {
        let ramp = |i: i64| (100 - 4 * (i - 25).clamp(0, 25) + 4 * (i - 75).clamp(0, 25)) as f64;
        let light = light((0..150).map(ramp));
        assert_eq!(light.fades.len(), 1);
        let fade = light.fades[0];
        assert!(fade.out && fade.back);
        assert_eq!(fade.span, Span::until(Time::from_millis(1000), Time::from_millis(4000)));
    }

    #[test]
    fn a_cut_to_black_is_no_fade() {
        let light = light((0..150).map(|i| if (40..80).contains(&i) { 0.0 } else { 100.0 }));
        assert_eq!(light.fades, []);
    }
}
