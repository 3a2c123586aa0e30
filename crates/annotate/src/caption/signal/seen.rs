//! A visual event in words: light, colours, motion, cuts, fades. Never what is in the picture.

use crate::annotation::EventRecord;

use super::SignalConfig;
use super::english::{Choice, count, list, with_article, with_tails};
use super::facts::Facts;

const COLOURS: [&str; 12] = [
    "black", "white", "grey", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink",
    "brown",
];

const MOTIONS: [&str; 10] = [
    "still",
    "pan left",
    "pan right",
    "tilt up",
    "tilt down",
    "zoom in",
    "zoom out",
    "shake",
    "busy",
    "gentle",
];

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// What kind of thing it is.
    Bare,
    /// How it looks or sounds and what it does.
    Plain,
    /// All that is worth a word.
    Full,
}

/// What was measured about a visual event, as far as it is worth a word.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    light: Option<&'static str>,
    vivid: bool,
    colours: Colours,
    motion: Option<&'static str>,
    cuts: usize,
    quick_cuts: bool,
    brighter: Option<bool>,
    fade: Option<&'static str>,
    flash: bool,
    begins_with: Option<&'static str>,
    still_at_times: bool,
}

/// The named colours of a picture.
#[derive(Debug, Clone, Default)]
enum Colours {
    /// None stands out.
    #[default]
    Unnamed,
    /// Nearly the whole picture.
    All(&'static str),
    /// Most of it, and what else there is.
    Mostly(&'static str, Vec<&'static str>),
    /// None of these rules.
    Several(Vec<&'static str>),
}

/// A share this large leaves no room for another colour worth naming.
const ALL_BUT_NOTHING: f64 = 0.9;

impl Seen {
    pub(super) fn of(event: &EventRecord, config: &SignalConfig) -> Seen {
        let facts = Facts(&event.evidence);
        let light = facts.number("brightness").and_then(|value| match value {
            v if v < config.black_below => Some("black"),
            v if v < config.dark_below => Some("dark"),
            v if v > config.white_above => Some("white"),
            v if v > config.bright_above => Some("bright"),
            _ => None,
        });
        let kind = event.kind.as_deref().filter(|kind| ["still", "busy"].contains(kind));
        let of_kind = kind.and_then(|kind| MOTIONS.into_iter().find(|motion| *motion == kind));
        let motion = facts.word("motion", &MOTIONS).or(of_kind);
        let shots = facts.number("shots").unwrap_or(1.0).clamp(1.0, 1e6);
        let change =
            facts.number("brightness_change").filter(|c| c.abs() >= config.brightness_change);
        let still_share = facts.number("still_share").unwrap_or(0.0);
        Seen {
            light,
            vivid: facts.number("saturation").is_some_and(|value| value >= config.vivid_above),
            colours: Colours::of(facts, config),
            motion,
            cuts: shots.round() as usize - 1,
            quick_cuts: facts
                .number("cuts_per_minute")
                .is_some_and(|rate| rate >= config.quick_cuts_per_minute),
            brighter: change.map(|change| change > 0.0),
            fade: facts.word("fade", &["out", "in", "out and in"]),
            flash: facts.flag("flash"),
            begins_with: facts.word("begins_with", &["cut", "fade", "flash", "gradual"]),
            still_at_times: motion != Some("still") && (0.3..0.9).contains(&still_share),
        }
    }

    /// For lists: `a picture`, or with [`Detail::Plain`] what it looks like and does: `a still, dark
    /// picture`, `a mostly blue view that pans to the left`.
    pub(super) fn phrase(&self, choice: &mut Choice, detail: Detail) -> String {
        if detail == Detail::Bare {
            return with_article(self.noun(choice));
        }
        let adjective = match self.motion {
            Some("still") => Some(choice.of(&["still", "motionless", "unmoving"])),
            Some("busy") => Some(choice.of(&["busy", "restless"])),
            Some("gentle") => Some("gently moving"),
            Some("shake") => Some(choice.of(&["shaking", "unsteady"])),
            _ => None,
        };
        match (adjective, self.action(choice)) {
            (Some(adjective), _) => self.look(choice, &[adjective], false),
            (None, Some(action)) => format!("{} that {action}", self.look(choice, &[], false)),
            (None, None) => self.look(choice, &[], false),
        }
    }

    /// `a dark, mostly blue view pans to the left`, and with [`Detail::Full`] what else happens.
    pub(super) fn clause(&self, choice: &mut Choice, detail: Detail) -> String {
        if detail == Detail::Bare {
            return format!("{} is seen", self.phrase(choice, detail));
        }
        let action = self
            .action(choice)
            .unwrap_or_else(|| choice.of(&["is seen", "appears", "is shown"]).to_owned());
        let main = format!("{} {action}", self.look(choice, &[], true));
        if detail == Detail::Full { with_tails(main, &self.tails(choice)) } else { main }
    }

    /// The whole caption of the event, without capital and full stop.
    pub(super) fn caption(&self, choice: &mut Choice) -> String {
        let opener = self.opener(choice);
        let tails = self.tails(choice);
        let look = self.look_words();
        let action = self.action(choice);
        let main = match (choice.below(3), action) {
            (0, Some(action)) if !look.is_empty() => {
                format!("the {} is {} and {action}", self.noun(choice), list(&look))
            }
            (1, Some(action)) => {
                let look = self.look(choice, &[], true);
                format!("{} {look} that {action}", choice.of(&["there is", "we see"]))
            }
            (_, Some(action)) => format!("{} {action}", self.look(choice, &[], true)),
            (0, None) if !look.is_empty() => format!("the picture is {}", list(&look)),
            (_, None) => {
                let shown = choice.of(&["is seen", "appears", "is shown"]);
                format!("{} {shown}", self.look(choice, &[], true))
            }
        };
        with_tails(format!("{opener}{main}"), &tails)
    }

    fn noun(&self, choice: &mut Choice) -> &'static str {
        match self.motion {
            Some("still" | "busy" | "gentle") | None => choice.of(&["picture", "image"]),
            Some(_) => "view",
        }
    }

    /// What it looks like, with `before` in front of the other adjectives and, unless in brief, the
    /// colours beside the main one.
    fn look(&self, choice: &mut Choice, before: &[&str], in_full: bool) -> String {
        let mut adjectives: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        let mut behind = String::new();
        match (self.light_word(), &self.colours) {
            (light, Colours::All(colour)) => {
                // `a dark blue picture` needs no comma.
                adjectives.push(light.map_or((*colour).to_owned(), |l| format!("{l} {colour}")));
            }
            (light, Colours::Mostly(colour, rest)) => {
                adjectives.extend(light.map(str::to_owned));
                adjectives.push(format!("mostly {colour}"));
                if in_full && !rest.is_empty() {
                    let some = choice.of(&["with some", "with"]);
                    behind = format!(" {some} {}", list(rest));
                }
            }
            (light, Colours::Several(colours)) => {
                let vivid = self.vivid.then_some("vivid");
                adjectives.extend(light.or(vivid).map(str::to_owned));
                let how = if colours.len() == 1 { "with some" } else { "in" };
                behind = format!(" {how} {}", list(colours));
            }
            (light, Colours::Unnamed) => adjectives.extend(light.map(str::to_owned)),
        }
        adjectives.dedup();
        let noun = self.noun(choice);
        let phrase = if adjectives.is_empty() {
            noun.to_owned()
        } else {
            format!("{} {noun}", adjectives.join(", "))
        };
        format!("{}{behind}", with_article(&phrase))
    }

    /// The look as predicates: `dark`, `mostly blue`.
    fn look_words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.light_word().map(str::to_owned).into_iter().collect();
        match &self.colours {
            Colours::All(colour) => words.push((*colour).to_owned()),
            Colours::Mostly(colour, _) => words.push(format!("mostly {colour}")),
            Colours::Several(_) | Colours::Unnamed => {}
        }
        words.dedup();
        words
    }

    /// The light, unless the colour says it already: nothing is a dark black or a bright white.
    fn light_word(&self) -> Option<&'static str> {
        let colour = match &self.colours {
            Colours::All(colour) | Colours::Mostly(colour, _) => Some(*colour),
            Colours::Several(_) | Colours::Unnamed => None,
        };
        match (self.light, colour) {
            (Some("black" | "dark"), Some("black")) | (Some("white" | "bright"), Some("white")) => {
                None
            }
            (Some("black"), Some(_)) => Some("very dark"),
            (Some("black"), None) => Some("almost black"),
            (Some("white"), Some(_)) => Some("very bright"),
            (Some("white"), None) => Some("almost white"),
            (light, _) => light,
        }
    }

    /// What it does, in the third person; absent if nothing about motion was measured.
    fn action(&self, choice: &mut Choice) -> Option<String> {
        let action = match self.motion? {
            "still" => choice.of(&["stays still", "does not move", "stands still"]),
            "pan left" => choice.of(&["pans left", "pans to the left", "sweeps to the left"]),
            "pan right" => choice.of(&["pans right", "pans to the right", "sweeps to the right"]),
            "tilt up" => choice.of(&["tilts up", "tilts upwards"]),
            "tilt down" => choice.of(&["tilts down", "tilts downwards"]),
            "zoom in" => choice.of(&["zooms in", "draws in", "closes in"]),
            "zoom out" => choice.of(&["zooms out", "draws back", "opens out"]),
            "shake" => choice.of(&["shakes", "moves unsteadily"]),
            "busy" => choice.of(&[
                "is full of movement",
                "is in constant movement",
                "keeps changing all over",
            ]),
            "gentle" => choice.of(&["moves a little", "changes gently", "moves gently"]),
            _ => return None,
        };
        Some(action.to_owned())
    }

    /// How it begins, on some events only: every second event begins with a cut.
    fn opener(&self, choice: &mut Choice) -> &'static str {
        match self.begins_with {
            Some("cut") if choice.once_in(3) => "after a cut, ",
            Some("fade") => choice.of(&["out of a fade, ", "after a fade, "]),
            Some("flash") => "after a flash, ",
            Some("gradual") if choice.once_in(2) => "after a gradual change, ",
            _ => "",
        }
    }

    /// What else happens, at most three things.
    fn tails(&self, choice: &mut Choice) -> Vec<String> {
        let mut with = Vec::new();
        if self.cuts > 0 && self.quick_cuts && self.cuts > 1 {
            with.push(match choice.below(2) {
                0 => count(self.cuts, "cut", "quick cuts"),
                _ => format!("{} in quick succession", count(self.cuts, "cut", "cuts")),
            });
        } else if self.cuts > 0 {
            with.push(count(self.cuts, "cut", "cuts"));
        }
        if self.flash {
            with.push("a flash".to_owned());
        }
        let mut tails = Vec::new();
        if !with.is_empty() {
            tails.push(format!("with {}", list(&with)));
        }
        if self.still_at_times {
            tails.push(choice.of(&["resting at times", "still for part of the time"]).to_owned());
        }
        match (self.fade, self.brighter) {
            (Some("out"), _) => tails.push("fading out at the end".to_owned()),
            (Some("in"), _) => tails.push("fading in".to_owned()),
            (Some(_), _) => tails.push("fading out and in again".to_owned()),
            (None, Some(true)) => {
                tails.push(choice.of(&["growing brighter", "getting lighter"]).to_owned())
            }
            (None, Some(false)) => {
                tails.push(choice.of(&["growing darker", "getting darker"]).to_owned())
            }
            (None, None) => {}
        }
        tails.truncate(3);
        tails
    }
}

impl Colours {
    fn of(facts: Facts<'_>, config: &SignalConfig) -> Colours {
        let mut named = Vec::new();
        for rank in 1..=3 {
            let colour = facts.word(&format!("colour_{rank}"), &COLOURS);
            let share = facts.number(&format!("colour_{rank}_share"));
            if let (Some(colour), Some(share)) = (colour, share)
                && share >= config.minor_colour_share
                && named.iter().all(|(known, _)| *known != colour)
            {
                named.push((colour, share));
            }
        }
        let words = |named: &[(&'static str, f64)]| named.iter().map(|(word, _)| *word).collect();
        match &named[..] {
            [] => Colours::Unnamed,
            [(colour, share), ..] if *share >= ALL_BUT_NOTHING => Colours::All(colour),
            [(colour, share), rest @ ..] if *share >= config.main_colour_share => {
                Colours::Mostly(colour, words(rest))
            }
            named => Colours::Several(words(named)),
        }
    }
}
