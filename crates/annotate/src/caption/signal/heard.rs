//! An audio event in words: speech, music, impacts, other sound; loud or quiet, high or low. Never
//! what makes the sound.

use omnivale_timeline::Spanned;

use crate::annotation::EventRecord;

use super::SignalConfig;
use super::english::{Choice, about, with_article, with_tails};
use super::facts::Facts;
use super::seen::Detail;

/// What sort of sound it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Speech,
    Music,
    Impacts,
    Sound,
}

impl Sort {
    /// From the event's kind. A kind this captioner does not know is a sound.
    pub(super) fn of(event: &EventRecord) -> Sort {
        match event.kind.as_deref() {
            Some("speech") => Sort::Speech,
            Some("music") => Sort::Music,
            Some("impacts") => Sort::Impacts,
            _ => Sort::Sound,
        }
    }

    /// In one word, for lists.
    pub(super) fn word(self) -> &'static str {
        match self {
            Sort::Speech => "speech",
            Sort::Music => "music",
            Sort::Impacts => "impacts",
            Sort::Sound => "other sounds",
        }
    }
}

/// What was measured about an audio event, as far as it is worth a word.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) sort: Sort,
    seconds: f64,
    loudness: Option<&'static str>,
    louder: Option<bool>,
    pauses: bool,
    with_music: bool,
    with_speech: bool,
    per_second: Option<f64>,
    quick: bool,
    tonal: bool,
    steady: Option<bool>,
    pitch: Option<&'static str>,
}

impl Heard {
    pub(super) fn of(event: &EventRecord, config: &SignalConfig) -> Heard {
        let facts = Facts(&event.evidence);
        let loudness = facts.number("loudness_db").and_then(|db| match db {
            db if db < config.faint_below_db => Some("faint"),
            db if db < config.quiet_below_db => Some("quiet"),
            db if db > config.loud_above_db => Some("loud"),
            _ => None,
        });
        let change =
            facts.number("loudness_change_db").filter(|c| c.abs() >= config.loudness_change_db);
        let share = |name| facts.number(name);
        let onsets = facts.number("onsets_per_second").filter(|rate| *rate >= 0.0);
        let pitch = facts.number("centroid_hz").and_then(|hz| match hz {
            hz if hz < config.low_below_hz => Some("low"),
            hz if hz > config.high_above_hz => Some("high"),
            _ => None,
        });
        Heard {
            sort: Sort::of(event),
            seconds: event.span().duration.seconds(),
            loudness,
            louder: change.map(|change| change > 0.0),
            pauses: share("speech_share").is_some_and(|share| share <= 1.0 - config.mixed_share),
            with_music: share("music_share").is_some_and(|share| share >= config.mixed_share),
            with_speech: share("speech_share").is_some_and(|share| share >= config.mixed_share),
            per_second: onsets,
            quick: onsets.is_some_and(|rate| rate >= config.quick_onsets_per_second),
            tonal: facts.number("tonality").is_some_and(|tonality| tonality >= config.tonal_above),
            steady: facts.number("steadiness").map(|steady| steady >= config.steady_above),
            pitch,
        }
    }

    /// `a quiet voice`, `loud music`, `a low, steady tone`.
    pub(super) fn phrase(&self, choice: &mut Choice, detail: Detail) -> String {
        let loudness = self.loudness.filter(|_| detail > Detail::Bare);
        match self.sort {
            Sort::Speech => match (choice.below(2), loudness) {
                (0, Some(loudness)) => format!("{loudness} speech"),
                (0, None) => "speech".to_owned(),
                (_, loudness) => with_article(&join(loudness, "voice")),
            },
            Sort::Music => {
                let pace = if self.quick { Some("fast-moving") } else { None };
                let words: Vec<&str> = loudness.into_iter().chain(pace).collect();
                join(Some(words.join(", ").as_str()).filter(|w| !w.is_empty()), "music")
            }
            Sort::Impacts => self.impacts(loudness, choice),
            Sort::Sound if detail == Detail::Bare => "a sound".to_owned(),
            Sort::Sound => {
                let steady = match self.steady {
                    Some(true) => Some("steady"),
                    Some(false) => Some("changing"),
                    None => None,
                };
                let words: Vec<&str> =
                    [loudness, self.pitch, steady].into_iter().flatten().collect();
                // Two adjectives are enough.
                let words = words[..words.len().min(2)].join(", ");
                with_article(&join(
                    Some(words.as_str()).filter(|w| !w.is_empty()),
                    self.sound_noun(),
                ))
            }
        }
    }

    /// A sound without a name. What is not a tone is not yet a noise: a pitch that glides has no
    /// steady partials either.
    fn sound_noun(&self) -> &'static str {
        match (self.tonal, self.steady) {
            (true, Some(true)) => "tone",
            (true, _) => "tonal sound",
            (false, _) => "sound",
        }
    }

    fn impacts(&self, loudness: Option<&str>, choice: &mut Choice) -> String {
        let expected = self.per_second.map(|rate| (rate * self.seconds).round());
        match expected {
            Some(n) if n <= 1.0 => with_article(&join(loudness, "impact")),
            Some(n) if n <= 4.0 => format!("a few {}", join(loudness, "impacts")),
            _ => {
                let row = choice.of(&["a series of", "a run of", "a string of"]);
                format!("{row} {}", join(loudness, "impacts"))
            }
        }
    }

    /// Whether the phrase takes a plural verb: `a few impacts are heard`.
    fn plural(&self, phrase: &str) -> bool {
        self.sort == Sort::Impacts && phrase.starts_with("a few")
    }

    /// `a quiet voice speaks`, `a few impacts are heard`.
    pub(super) fn clause(&self, choice: &mut Choice, detail: Detail) -> String {
        let phrase = self.phrase(choice, detail);
        let verb = match self.sort {
            _ if self.plural(&phrase) => choice.of(&["are heard", "sound"]),
            Sort::Speech if phrase.ends_with("voice") => {
                choice.of(&["speaks", "talks", "is speaking"])
            }
            Sort::Music => choice.of(&["plays", "is heard", "is playing"]),
            Sort::Speech | Sort::Impacts => choice.of(&["is heard", "can be heard"]),
            Sort::Sound => choice.of(&["is heard", "can be heard", "goes on"]),
        };
        let main = format!("{phrase} {verb}");
        if detail == Detail::Full { with_tails(main, &self.tails(choice)) } else { main }
    }

    /// `a quiet voice begins to speak`, `loud music sets in`.
    pub(super) fn onset(&self, choice: &mut Choice, detail: Detail) -> String {
        let phrase = self.phrase(choice, detail);
        let verb = match self.sort {
            _ if self.plural(&phrase) => choice.of(&["follow", "begin"]),
            Sort::Speech if phrase.ends_with("voice") => {
                choice.of(&["begins to speak", "starts speaking", "joins in"])
            }
            Sort::Music => choice.of(&["begins", "sets in", "starts up"]),
            Sort::Speech | Sort::Impacts | Sort::Sound => {
                choice.of(&["begins", "sets in", "starts"])
            }
        };
        format!("{phrase} {verb}")
    }

    /// The whole caption of the event, without capital and full stop.
    pub(super) fn caption(&self, choice: &mut Choice) -> String {
        let mut tails = self.tails(choice);
        let main = match choice.below(3) {
            0 => format!(
                "{} {}",
                choice.of(&["there is", "we hear"]),
                self.phrase(choice, Detail::Full)
            ),
            1 => {
                let main = self.clause(choice, Detail::Plain);
                format!("{main} for {}", about(self.seconds))
            }
            _ => self.clause(choice, Detail::Plain),
        };
        tails.truncate(3);
        with_tails(main.replacen("there is a few", "there are a few", 1), &tails)
    }

    /// What else is heard in it.
    fn tails(&self, choice: &mut Choice) -> Vec<String> {
        let mut tails = Vec::new();
        match self.sort {
            Sort::Speech if self.with_music => {
                tails.push(choice.of(&["with music", "with music under it"]).to_owned());
            }
            Sort::Speech if self.pauses => {
                tails.push(choice.of(&["with pauses", "pausing now and then"]).to_owned());
            }
            Sort::Music | Sort::Sound | Sort::Impacts if self.with_speech => {
                tails.push(choice.of(&["with speech in parts", "mixed with speech"]).to_owned());
            }
            Sort::Impacts => tails.extend(self.rate(choice)),
            _ => {}
        }
        match self.louder {
            Some(true) => tails.push(choice.of(&["growing louder", "swelling"]).to_owned()),
            Some(false) => tails.push(choice.of(&["growing quieter", "dying away"]).to_owned()),
            None => {}
        }
        tails
    }

    /// How fast impacts follow one another.
    fn rate(&self, choice: &mut Choice) -> Option<String> {
        let rate = self.per_second.filter(|rate| *rate > 0.0 && rate * self.seconds > 4.0)?;
        Some(match rate {
            r if r >= 20.0 => "too quick to count".to_owned(),
            r if r >= 1.5 => match choice.below(2) {
                0 => format!("about {} a second", super::english::number(r.round() as usize)),
                _ => "in quick succession".to_owned(),
            },
            r if r >= 0.7 => "about one a second".to_owned(),
            r => format!("about one every {}", about(1.0 / r).replacen("about ", "", 1)),
        })
    }
}

fn join(adjective: Option<&str>, noun: &str) -> String {
    adjective.map_or_else(|| noun.to_owned(), |adjective| format!("{adjective} {noun}"))
}
