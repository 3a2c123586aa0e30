//! Taking in dialogues that a model wrote.

use std::collections::BTreeMap;

use super::check::{Problem, check};
use super::compose::VIDEO_TAG;
use super::placeholder::{Placeholder, candidates};
use super::{Dialogue, Speaker};

/// What was done to an imported dialogue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mended {
    /// The first question lacked `<video>`: the instruction for writing dialogues does not ask for it.
    pub is_tagged: bool,
    /// Placeholders have other numbers than before.
    pub is_renumbered: bool,
}

/// The dialogue as it can be trained on: with `<video>` at the head of the first question, and events
/// numbered from 0 in the order in which the turns speak of them (dialogues.md §3; models count from
/// 1). Events that no turn speaks of come last.
///
/// # Errors
/// Every problem that [`check`] finds and that is not mended here.
pub fn import(mut dialogue: Dialogue) -> Result<(Dialogue, Mended), Vec<Problem>> {
    let mut mended = Mended::default();
    let mut problems = check(&dialogue);
    if let Some(place) = problems.iter().position(|problem| *problem == Problem::NoTag) {
        problems.remove(place);
        mended.is_tagged = true;
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let first = dialogue.turns.iter_mut().find(|turn| turn.speaker == Speaker::Human);
    if let Some(first) = first.filter(|_| mended.is_tagged) {
        first.text = format!("{VIDEO_TAG}\n{}", first.text);
    }
    mended.is_renumbered = renumber(&mut dialogue);
    Ok((dialogue, mended))
}

/// Numbers events by appearance; says whether anything changed.
fn renumber(dialogue: &mut Dialogue) -> bool {
    let Some(meta) = &mut dialogue.meta else { return false };
    let spoken_of = dialogue.turns.iter().flat_map(|turn| candidates(&turn.text));
    let listed = meta.tokens.iter().map(|(name, _)| name.as_str());
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for name in spoken_of.map(|(_, name)| name).chain(listed) {
        if let Some(placeholder) = Placeholder::parse(name) {
            let next = numbers.len() as u32;
            numbers.entry(placeholder.number).or_insert(next);
        }
    }
    let renamed = |placeholder: Placeholder| Placeholder {
        number: numbers.get(&placeholder.number).copied().unwrap_or(placeholder.number),
        ..placeholder
    };
    let before = meta.tokens.clone();
    for turn in &mut dialogue.turns {
        turn.text = replaced(&turn.text, renamed);
    }
    let rename = |(name, time): (String, _)| (Placeholder::parse(&name).map(renamed), name, time);
    let mut tokens: Vec<_> = meta.tokens.drain(..).map(rename).collect();
    tokens.sort_by_key(|(placeholder, ..)| placeholder.map(|p| (p.number, p.edge)));
    let name = |(placeholder, name, time): (Option<Placeholder>, String, _)| {
        (placeholder.map_or(name, |placeholder| placeholder.to_string()), time)
    };
    meta.tokens = tokens.into_iter().map(name).collect();
    meta.tokens != before
}

/// The text with every placeholder renamed.
fn replaced(text: &str, renamed: impl Fn(Placeholder) -> Placeholder) -> String {
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for (place, name) in candidates(text) {
        if let Some(placeholder) = Placeholder::parse(name) {
            result.push_str(&text[done..place.start]);
            result.push_str(&renamed(placeholder).to_string());
            done = place.end;
        }
    }
    result.push_str(&text[done..]);
    result
}

#[cfg(test)]
mod tests {
    use super::super::{Meta, Turn, resolve};
    use super::*;
    use omnivale_timeline::{Duration, Time};
    use proptest::prelude::*;

    fn dialogue(turns: Vec<Turn>, tokens: &[(&str, i64)]) -> Dialogue {
        let tokens =
            tokens.iter().map(|(name, s)| ((*name).to_owned(), Time::from_millis(s * 1000)));
        Dialogue {
            turns,
            meta: Some(Meta {
                duration: Duration::from_millis(100_000),
                tokens: tokens.collect(),
                ..Meta::default()
            }),
            ..Dialogue::default()
        }
    }

    #[test]
    fn events_are_numbered_as_they_are_spoken_of() {
        let turns = vec![
            Turn::human("What follows the event at <s2>?"),
            Turn::gpt("From <s10> to <e10>, rain."),
        ];
        let tokens =
            [("<s1>", 1), ("<e1>", 2), ("<s2>", 2), ("<e2>", 3), ("<s10>", 20), ("<e10>", 30)];
        let (found, mended) = import(dialogue(turns, &tokens)).unwrap();
        assert_eq!(mended, Mended { is_tagged: true, is_renumbered: true });
        assert_eq!(found.turns[0].text, "<video>\nWhat follows the event at <s0>?");
        assert_eq!(found.turns[1].text, "From <s1> to <e1>, rain.");
        let names: Vec<&str> = found
            .meta
            .iter()
            .flat_map(|meta| &meta.tokens)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["<s0>", "<e0>", "<s1>", "<e1>", "<s2>", "<e2>"]);
        assert_eq!(resolve(&found)[1].text, "From 20 to 30, rain.");
        assert_eq!(import(found.clone()).unwrap(), (found, Mended::default()));
    }

    #[test]
    fn what_cannot_be_mended_is_an_error() {
        let turns = vec![Turn::human("When?"), Turn::gpt("At <s3>.")];
        let problems = import(dialogue(turns, &[("<s1>", 1)])).unwrap_err();
        assert_eq!(problems.iter().map(Problem::kind).collect::<Vec<_>>(), ["unknown_placeholder"]);
    }

    proptest! {
        #[test]
        fn renumbering_changes_no_resolved_text(
            times in prop::collection::btree_map(0u32..60, (0i64..50, 0i64..50), 1..12),
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        ) {
            let numbers: Vec<u32> = times.keys().copied().collect();
            let text: String = order
                .iter()
                .map(|index| index.get(&numbers))
                .map(|number| format!("From <s{number}> to <e{number}>, it rains. "))
                .collect();
            let names: Vec<(String, i64)> = times
                .iter()
                .flat_map(|(n, (start, length))| {
                    [(format!("<s{n}>"), *start), (format!("<e{n}>"), start + length)]
                })
                .collect();
            let tokens: Vec<(&str, i64)> = names.iter().map(|(n, t)| (n.as_str(), *t)).collect();
            let turns = vec![Turn::human("<video>\nWhat?"), Turn::gpt(text)];
            let before = dialogue(turns, &tokens);
            let (after, _) = import(before.clone()).unwrap();
            prop_assert_eq!(resolve(&after), resolve(&before));
            // In order of appearance: the first mention of each number is one more than the last.
            let mut next = 0;
            for (_, name) in candidates(&after.turns[1].text) {
                let number = Placeholder::parse(name).unwrap().number;
                prop_assert!(number <= next);
                next = next.max(number + 1);
            }
        }
    }
}
