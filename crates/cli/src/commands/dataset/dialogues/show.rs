//! Dialogues for a person.

use omnivale_dataset::dialogue::{self, Dialogue, Speaker};

/// Who says what, with time tokens in place of placeholders.
pub(super) fn text<'a>(dialogues: impl Iterator<Item = &'a Dialogue>) -> String {
    let mut text = String::new();
    for dialogue in dialogues {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&dialogue.id);
        if let Some(meta) = &dialogue.meta {
            text.push_str(&format!(" ({})", meta.duration));
        }
        text.push('\n');
        for turn in dialogue::resolve(dialogue) {
            let who = match turn.speaker {
                Speaker::Human => "  Human: ",
                Speaker::Gpt => "  Model: ",
            };
            let below = format!("\n{:1$}", "", who.len());
            text.push_str(who);
            text.push_str(&turn.text.replace('\n', &below));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_dataset::dialogue::Turn;

    #[test]
    fn further_lines_are_indented_and_dialogues_kept_apart() {
        let dialogue = Dialogue {
            id: "x".to_owned(),
            turns: vec![Turn::human("<video>\nWhat?"), Turn::gpt("Rain.")],
            ..Dialogue::default()
        };
        insta::assert_snapshot!(text([dialogue.clone(), dialogue].iter()), @r"
        x
          Human: <video>
                 What?
          Model: Rain.

        x
          Human: <video>
                 What?
          Model: Rain.
        ");
    }
}
