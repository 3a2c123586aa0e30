//! What is wrong with a dialogue.

use std::fmt;

use omnivale_timeline::{Duration, Time};

use super::placeholder::{Edge, Placeholder, candidates};
use super::{Dialogue, Meta, Speaker, Turn};

/// The tags that the features take the place of; the loader treats all as `<video>`.
pub(super) const TAGS: [&str; 3] = ["<video>", "<image>", "<audio>"];

/// The end-of-sequence token: trainers cut the text of a dialogue into turns at it.
pub(super) const END: &str = "</s>";

/// How far an instant may lie outside its clip: published files round durations and instants to
/// tenths, each on its own.
const ROUNDING: Duration = Duration::from_millis(100);

/// One thing that keeps a dialogue from being trained on as it is meant. Turns are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nobody says anything.
    NoTurns,
    /// A question without an answer: an odd number of turns.
    OddTurns {
        /// How many there are, a leading turn of the model not counted.
        turns: usize,
    },
    /// The same side speaks twice in a row.
    NoAlternation {
        /// The second of the two turns.
        turn: usize,
        /// Who speaks in both.
        speaker: Speaker,
    },
    /// The model says nothing.
    EmptyAnswer {
        /// Which turn.
        turn: usize,
    },
    /// No `<video>`, `<image>` or `<audio>` in the first question.
    NoTag,
    /// A tag in the middle of a text, in another turn or a second time.
    MisplacedTag {
        /// Which turn.
        turn: usize,
    },
    /// `</s>` in the text, at which training would end the turn.
    EndToken {
        /// Which turn.
        turn: usize,
    },
    /// A placeholder that the meta does not hold.
    UnknownPlaceholder {
        /// Which turn.
        turn: usize,
        /// As it stands there.
        name: String,
    },
    /// A key of `meta.token` that is not `<sN>` or `<eN>`.
    PlaceholderName {
        /// As it stands there.
        name: String,
    },
    /// An instant before the clip or after it.
    OutsideClip {
        /// The placeholder.
        name: String,
        /// What it stands for.
        time: Time,
        /// The clip's length.
        duration: Duration,
    },
    /// An event that ends before it starts.
    Reversed {
        /// The number of its placeholders.
        number: u32,
    },
}

impl Problem {
    /// One word for every problem of the kind, to count by.
    pub const fn kind(&self) -> &'static str {
        match self {
            Problem::NoTurns => "no_turns",
            Problem::OddTurns { .. } => "odd_turns",
            Problem::NoAlternation { .. } => "no_alternation",
            Problem::EmptyAnswer { .. } => "empty_answer",
            Problem::NoTag => "no_tag",
            Problem::MisplacedTag { .. } => "misplaced_tag",
            Problem::EndToken { .. } => "end_token",
            Problem::UnknownPlaceholder { .. } => "unknown_placeholder",
            Problem::PlaceholderName { .. } => "placeholder_name",
            Problem::OutsideClip { .. } => "outside_clip",
            Problem::Reversed { .. } => "reversed",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoTurns => f.write_str("it has no turns"),
            Problem::OddTurns { turns } => {
                write!(f, "a question has no answer: the number of turns is odd ({turns})")
            }
            Problem::NoAlternation { turn, speaker } => {
                write!(f, "turn {turn} is {speaker}'s again")
            }
            Problem::EmptyAnswer { turn } => write!(f, "the answer in turn {turn} is empty"),
            Problem::NoTag => f.write_str("the first question does not begin with <video>"),
            Problem::MisplacedTag { turn } => {
                write!(f, "turn {turn} has a tag where none belongs")
            }
            Problem::EndToken { turn } => {
                write!(f, "turn {turn} holds {END}, at which training would end it")
            }
            Problem::UnknownPlaceholder { turn, name } => {
                write!(f, "turn {turn} uses {name}, which `meta.token` does not have")
            }
            Problem::PlaceholderName { name } => {
                write!(f, "`meta.token` has {name:?}, which is not of the form <s0> or <e0>")
            }
            Problem::OutsideClip { name, time, duration } => {
                write!(f, "{name} is {} s, outside the clip of {duration}", time.seconds())
            }
            Problem::Reversed { number } => write!(f, "<e{number}> is before <s{number}>"),
        }
    }
}

/// Everything that is wrong with `dialogue`, in reading order; empty for a sound one.
///
/// A leading turn of the model is passed over, as the published loader does. Image-text pairs may
/// have their tag at the end of the first question.
pub fn check(dialogue: &Dialogue) -> Vec<Problem> {
    let mut problems = Vec::new();
    let skipped =
        usize::from(matches!(&dialogue.turns[..], [first, ..] if first.speaker == Speaker::Gpt));
    let turns = &dialogue.turns[skipped..];
    if turns.is_empty() {
        problems.push(Problem::NoTurns);
    } else if turns.len() % 2 == 1 {
        problems.push(Problem::OddTurns { turns: turns.len() });
    }
    for (index, turn) in dialogue.turns.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| dialogue.turns[before].speaker);
        if before == Some(turn.speaker) {
            problems.push(Problem::NoAlternation { turn: index, speaker: turn.speaker });
        }
        if turn.speaker == Speaker::Gpt && turn.text.trim().is_empty() {
            problems.push(Problem::EmptyAnswer { turn: index });
        }
        if turn.text.contains(END) {
            problems.push(Problem::EndToken { turn: index });
        }
        check_tags(turn, index, index == skipped, &mut problems);
        let known = |name: &str| {
            let tokens = dialogue.meta.as_ref().map(|meta| &meta.tokens[..]).unwrap_or_default();
            tokens.iter().any(|(token, _)| token == name)
        };
        for (_, name) in candidates(&turn.text).filter(|(_, name)| !known(name)) {
            problems.push(Problem::UnknownPlaceholder { turn: index, name: name.to_owned() });
        }
    }
    if let Some(meta) = &dialogue.meta {
        check_tokens(meta, &mut problems);
    }
    problems
}

fn check_tags(turn: &Turn, index: usize, is_first: bool, problems: &mut Vec<Problem>) {
    let count: usize = TAGS.iter().map(|tag| turn.text.matches(tag).count()).sum();
    let text = turn.text.trim();
    let at_an_end = TAGS.iter().any(|tag| text.starts_with(tag) || text.ends_with(tag));
    match (is_first, count) {
        (true, 0) => problems.push(Problem::NoTag),
        (true, 1) if at_an_end => {}
        (false, 0) => {}
        _ => problems.push(Problem::MisplacedTag { turn: index }),
    }
}

fn check_tokens(meta: &Meta, problems: &mut Vec<Problem>) {
    let latest = meta.duration.as_time() + ROUNDING;
    for (name, time) in &meta.tokens {
        let Some(placeholder) = Placeholder::parse(name) else {
            problems.push(Problem::PlaceholderName { name: name.clone() });
            continue;
        };
        if *time < Time::ZERO - ROUNDING || *time > latest {
            let (name, duration) = (name.clone(), meta.duration);
            problems.push(Problem::OutsideClip { name, time: *time, duration });
        }
        let start = Placeholder::start(placeholder.number).to_string();
        let started = || meta.tokens.iter().find(|(name, _)| *name == start);
        if placeholder.edge == Edge::End && started().is_some_and(|(_, start)| start > time) {
            problems.push(Problem::Reversed { number: placeholder.number });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialogue(turns: &[(Speaker, &str)], tokens: &[(&str, i64)]) -> Dialogue {
        let tokens =
            tokens.iter().map(|(name, s)| ((*name).to_owned(), Time::from_millis(s * 1000)));
        Dialogue {
            id: "x".to_owned(),
            turns: turns.iter().map(|(speaker, text)| Turn::new(*speaker, *text)).collect(),
            meta: Some(Meta {
                duration: Duration::from_millis(10_000),
                tokens: tokens.collect(),
                ..Meta::default()
            }),
            ..Dialogue::default()
        }
    }

    use Speaker::{Gpt, Human};

    #[test]
    fn sound_dialogues_have_no_problems() {
        let sound = [
            dialogue(
                &[(Human, "<video>\nWhen?"), (Gpt, "From <s0> to <e0>.")],
                &[("<s0>", 0), ("<e0>", 10)],
            ),
            dialogue(&[(Gpt, "Hello."), (Human, "<audio>\nWhat?"), (Gpt, "A dog.")], &[]),
            dialogue(
                &[(Human, "What is this?\n<image>"), (Gpt, "A dog <em>barks</em>.")],
                &[("<s7>", 3)],
            ),
        ];
        for dialogue in sound {
            assert_eq!(check(&dialogue), [], "{dialogue:?}");
        }
    }

    #[test]
    fn every_problem_is_found() {
        let broken = [
            dialogue(&[], &[]),
            dialogue(&[(Gpt, "Alone.")], &[]),
            dialogue(&[(Human, "<video>\nA?"), (Gpt, "B."), (Human, "C?")], &[]),
            dialogue(&[(Human, "<video>\nA?"), (Human, "B?"), (Gpt, " "), (Gpt, "C.")], &[]),
            dialogue(&[(Human, "A?"), (Gpt, "<video></s>")], &[]),
            dialogue(&[(Human, "A <video> b?"), (Gpt, "C.")], &[]),
            dialogue(&[(Human, "<video><image>\nA?"), (Gpt, "C.")], &[]),
            dialogue(&[(Human, "<video>\nA <s1>?"), (Gpt, "From <s?> to <e0>.")], &[("<e0>", 1)]),
            dialogue(
                &[(Human, "<video>\nA?"), (Gpt, "C.")],
                &[("<s0>", 3), ("<e0>", 2), ("<s01>", 1), ("<s2>", 11), ("<e2>", -1)],
            ),
        ];
        let said: Vec<String> = broken
            .iter()
            .map(|dialogue| {
                let problems: Vec<String> =
                    check(dialogue).iter().map(|p| format!("{} ({})", p, p.kind())).collect();
                problems.join("; ")
            })
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        it has no turns (no_turns)
        it has no turns (no_turns)
        a question has no answer: the number of turns is odd (3) (odd_turns)
        turn 1 is human's again (no_alternation); the answer in turn 2 is empty (empty_answer); turn 3 is gpt's again (no_alternation)
        the first question does not begin with <video> (no_tag); turn 1 holds </s>, at which training would end it (end_token); turn 1 has a tag where none belongs (misplaced_tag)
        turn 0 has a tag where none belongs (misplaced_tag)
        turn 0 has a tag where none belongs (misplaced_tag)
        turn 0 uses <s1>, which `meta.token` does not have (unknown_placeholder); turn 1 uses <s?>, which `meta.token` does not have (unknown_placeholder)
        <e0> is before <s0> (reversed); `meta.token` has "<s01>", which is not of the form <s0> or <e0> (placeholder_name); <s2> is 11 s, outside the clip of 10.000 s (outside_clip); <e2> is -1 s, outside the clip of 10.000 s (outside_clip); <e2> is before <s2> (reversed)
        "#);
    }

    #[test]
    fn without_meta_no_placeholder_is_known() {
        let mut dialogue = dialogue(&[(Human, "<video>\nA?"), (Gpt, "At <s0>.")], &[("<s0>", 1)]);
        dialogue.meta = None;
        assert_eq!(check(&dialogue)[0].kind(), "unknown_placeholder");
    }
}
