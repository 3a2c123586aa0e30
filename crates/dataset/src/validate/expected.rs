//! Counts as published (targets.md §8, formats.md §1 and §2).

use serde::Serialize;

use super::{Finding, Kind, Report, error};

const UNLIKE: Kind = error("unlike_published", "counts that are not the published ones");

/// What is counted of a file.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Counts {
    /// Videos: of a file of dialogues, the different ids.
    pub videos: usize,
    /// Events; of dialogues none.
    pub events: usize,
    /// Length of all videos together, hours; of dialogues none.
    pub hours: f64,
    /// Dialogues.
    pub samples: usize,
}

/// A number as it is printed somewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Printed {
    /// To the last unit.
    Exactly(usize),
    /// Rounded to so many.
    About(usize, usize),
    /// That many or more: `114K+`.
    AtLeast(usize),
}

impl Printed {
    fn fits(self, found: usize) -> bool {
        match self {
            Printed::Exactly(count) => found == count,
            Printed::About(count, unit) => found.abs_diff(count) * 2 <= unit,
            Printed::AtLeast(count) => found >= count,
        }
    }

    fn said(self) -> String {
        match self {
            Printed::Exactly(count) => count.to_string(),
            Printed::About(count, unit) => format!("about {count} (to the nearest {unit})"),
            Printed::AtLeast(count) => format!("{count} or more"),
        }
    }
}

/// A published file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectation {
    /// Its word on the command line.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    videos: Option<Printed>,
    events: Option<Printed>,
    /// Hours and their last printed digit's unit.
    hours: Option<(f64, f64)>,
    samples: Option<Printed>,
}

const fn annotations(
    name: &'static str,
    title: &'static str,
    videos: usize,
    events: usize,
    hours: (f64, f64),
) -> Expectation {
    let (videos, events) = (Some(Printed::Exactly(videos)), Some(Printed::Exactly(events)));
    Expectation { name, title, videos, events, hours: Some(hours), samples: None }
}

const fn dialogues(
    name: &'static str,
    title: &'static str,
    samples: Printed,
    videos: Option<Printed>,
) -> Expectation {
    Expectation { name, title, videos, events: None, hours: None, samples: Some(samples) }
}

/// All published files that are known.
pub const EXPECTATIONS: [Expectation; 8] = [
    annotations(
        "longvale-train",
        "LongVALE's annotations for training",
        7_240,
        91_863,
        (473.8, 0.1),
    ),
    annotations(
        "longvale-eval",
        "LongVALE's annotations for evaluation",
        1_171,
        13_867,
        (75.6, 0.1),
    ),
    annotations("longvale", "LongVALE, both parts", 8_411, 105_730, (549.0, 1.0)),
    dialogues(
        "longvale-sft-bp",
        "LongVALE's boundary perception (7k)",
        Printed::Exactly(7_240),
        Some(Printed::Exactly(7_240)),
    ),
    dialogues(
        "longvale-sft-bp-154k",
        "the same with VTimeLLM's stage 2 (154k)",
        Printed::About(154_000, 1_000),
        Some(Printed::About(141_000, 1_000)),
    ),
    dialogues(
        "longvale-sft-it",
        "LongVALE's instruction tuning (25k)",
        Printed::About(25_400, 100),
        Some(Printed::Exactly(7_240)),
    ),
    dialogues(
        "longvale-sft-it-61k",
        "the same with VTimeLLM's stage 3 (61k)",
        Printed::About(61_400, 100),
        None,
    ),
    dialogues("pu-valor", "AVicuna's pseudo-untrimmed videos", Printed::AtLeast(114_000), None),
];

impl Expectation {
    /// The published file of that name.
    pub fn named(name: &str) -> Option<&'static Expectation> {
        EXPECTATIONS.iter().find(|one| one.name == name)
    }

    /// Whether it is a file of dialogues.
    pub fn is_dialogues(&self) -> bool {
        self.samples.is_some()
    }

    /// Compares what was counted with what is published; gives the number of figures compared.
    pub fn check(&self, report: &mut Report, counts: &Counts) -> usize {
        let mut compared = 0;
        let mut compare = |what: &str, fits: bool, published: String, found: String| {
            compared += 1;
            if !fits {
                report.add(&UNLIKE, || Finding {
                    video: None,
                    place: None,
                    said: format!("{what}: {found}, published {published}"),
                });
            }
        };
        let whole = [
            ("videos", self.videos, counts.videos),
            ("events", self.events, counts.events),
            ("dialogues", self.samples, counts.samples),
        ];
        for (what, published, found) in whole {
            if let Some(published) = published {
                compare(what, published.fits(found), published.said(), found.to_string());
            }
        }
        if let Some((hours, unit)) = self.hours {
            // Half a unit either way is what the printed figure stands for.
            let fits = (counts.hours - hours).abs() <= unit / 2.0 + 1e-9;
            compare("hours", fits, hours.to_string(), format!("{:.2}", counts.hours));
        }
        compared
    }
}
