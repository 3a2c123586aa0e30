//! Placeholders into time tokens.

use omnivale_timeline::TimeCodec;

use super::{Dialogue, Turn};

/// The turns with every placeholder of the meta replaced by its two-digit time token: what the model
/// reads (formats.md §2.1). Placeholders that the meta does not hold stay; [`check`](super::check)
/// finds them.
///
/// The published loader prints a negative token for an instant before the clip and fails on a clip
/// without length; both give `00` here. Neither occurs in valid data.
pub fn resolve(dialogue: &Dialogue) -> Vec<Turn> {
    let mut turns = dialogue.turns.clone();
    let Some(meta) = &dialogue.meta else { return turns };
    let codec = TimeCodec::new(meta.duration);
    for (name, time) in &meta.tokens {
        // An empty name stands before every character.
        if name.is_empty() {
            continue;
        }
        let token = codec.encode(*time);
        for turn in turns.iter_mut().filter(|turn| turn.text.contains(name.as_str())) {
            turn.text = turn.text.replace(name.as_str(), &token);
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::super::Meta;
    use super::*;
    use omnivale_timeline::{Duration, Time};

    #[test]
    fn the_worked_example_of_the_training_data() {
        let seconds = [("<s0>", 0.0), ("<e0>", 9.4), ("<s1>", 49.4), ("<e1>", 53.2)];
        let tokens = seconds.map(|(name, s)| (name.to_owned(), Time::from_seconds(s).unwrap()));
        let dialogue = Dialogue {
            turns: vec![Turn::gpt(
                "From <s0> to <e0>, woman is counting money. From <s1> to <e1>, two people. <s2>",
            )],
            meta: Some(Meta {
                duration: Duration::from_millis(54_200),
                tokens: tokens.into(),
                ..Meta::default()
            }),
            ..Dialogue::default()
        };
        assert_eq!(
            resolve(&dialogue)[0].text,
            "From 00 to 17, woman is counting money. From 91 to 98, two people. <s2>"
        );
    }

    #[test]
    fn without_meta_nothing_changes() {
        let turns = vec![Turn::human("<video>\nWhen is <s0>?")];
        let dialogue = Dialogue { turns: turns.clone(), ..Dialogue::default() };
        assert_eq!(resolve(&dialogue), turns);
    }
}
