//! From turns of a conversation to the tokens of a prompt.
//!
//! Both papers' models speak two templates: Vicuna's first ([`Template::VicunaV1`]) everywhere but in
//! the training of projectors, which has [`Template::Plain`]. In a prompt, [`PLACEHOLDER`] stands where
//! the rows of features go.

mod labels;
mod query;

use crate::LlmError;
use crate::tokenizer::{TokenId, Tokenizer};

pub use labels::{LengthLimit, TrainingSample};
pub use query::{QuerySet, event_sentence};

/// Where in a prompt the rows of features go.
pub const PLACEHOLDER: &str = "<video>";

/// What Vicuna's template opens with.
const SYSTEM: &str = "A chat between a curious user and an artificial intelligence assistant. The \
                      assistant gives helpful, detailed, and polite answers to the user's questions.";
/// What ends an assistant's turn, and so one round.
const END_OF_ROUND: &str = "</s>";

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The person who asks.
    User,
    /// The model that answers.
    Assistant,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Assistant => "ASSISTANT",
        }
    }
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said, inserted as it is.
    pub text: String,
}

impl Turn {
    /// A user's turn.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, text: text.into() }
    }

    /// An assistant's turn.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, text: text.into() }
    }
}

/// How turns are put together to a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Vicuna 1.5's: a system sentence, `USER: `, `ASSISTANT: `, answers closed by `</s>`.
    VicunaV1,
    /// Placeholder, newline, caption, newline: the user's words are left out. For projectors alone.
    Plain,
}

/// One position of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// A piece of text.
    Text(TokenId),
    /// All rows of features of the video.
    Features,
}

impl Token {
    /// The number the reference code has for it: the id, or -200 for features.
    #[must_use]
    pub fn published(self) -> i64 {
        match self {
            Self::Text(id) => i64::from(id),
            Self::Features => -200,
        }
    }
}

impl Template {
    /// The prompt of a conversation.
    ///
    /// An assistant's turn that comes before any user's is left out, as in the reference. A
    /// conversation that ends with the user's turn gets an open assistant's turn (`ASSISTANT:`, without
    /// a space) for the model to fill.
    ///
    /// # Errors
    /// If there is no turn, if two turns in a row are of one speaker, or, for [`Template::Plain`], if
    /// there are not exactly two turns or the first has no placeholder.
    pub fn prompt(self, turns: &[Turn]) -> Result<String, LlmError> {
        let turns = match turns {
            [first, rest @ ..] if first.role == Role::Assistant => rest,
            all => all,
        };
        for (index, turn) in turns.iter().enumerate() {
            let expected = if index % 2 == 0 { Role::User } else { Role::Assistant };
            if turn.role != expected {
                let expected = format!("turn {} by {}", index + 1, expected.name());
                return Err(LlmError::input("conversation", expected, turn.role.name()));
            }
        }
        match (self, turns) {
            (_, []) => Err(LlmError::input("conversation", "a user's turn", "none")),
            (Self::VicunaV1, turns) => Ok(vicuna(turns)),
            (Self::Plain, [user, assistant]) if user.text.contains(PLACEHOLDER) => {
                Ok(format!("{PLACEHOLDER}\n{}\n", assistant.text))
            }
            (Self::Plain, [_, _]) => Err(LlmError::input(
                "conversation",
                format!("{PLACEHOLDER} in the user's turn"),
                "none",
            )),
            (Self::Plain, turns) => Err(LlmError::input(
                "conversation",
                "one question and one answer",
                format!("{} turns", turns.len()),
            )),
        }
    }
}

fn vicuna(turns: &[Turn]) -> String {
    let mut prompt = format!("{SYSTEM} ");
    for Turn { role, text } in turns {
        let end = match role {
            Role::User => " ",
            Role::Assistant => END_OF_ROUND,
        };
        prompt.push_str(&format!("{}: {text}{end}", role.name()));
    }
    if turns.len() % 2 == 1 {
        prompt.push_str(&format!("{}:", Role::Assistant.name()));
    }
    prompt
}

/// What follows an answer in [`Template::VicunaV1`] when the user goes on: the end of the answer, the user's turn,
/// and an open assistant's turn.
#[must_use]
pub fn next_round(user: &str) -> String {
    let (asks, answers) = (Role::User.name(), Role::Assistant.name());
    format!("{END_OF_ROUND}{asks}: {user} {answers}:")
}

/// The tokens of a prompt, with the placeholder's positions as [`Token::Features`].
///
/// What stands between placeholders is cut as texts of their own (so each begins with its own `▁`);
/// the beginning mark is there once.
#[must_use]
pub fn tokens(tokenizer: &Tokenizer, prompt: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, chunk) in prompt.split(PLACEHOLDER).enumerate() {
        let ids = tokenizer.encode(chunk);
        let own = if index == 0 { &ids[..] } else { &ids[1..] };
        if index > 0 {
            tokens.push(Token::Features);
        }
        tokens.extend(own.iter().copied().map(Token::Text));
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_conversation_ends_where_the_model_begins() {
        let turns =
            [Turn::user("<video>\nHow many?"), Turn::assistant("2 dogs."), Turn::user("And then?")];
        let prompt = Template::VicunaV1.prompt(&turns).unwrap();
        let shown = prompt.strip_prefix(SYSTEM).unwrap();
        insta::assert_snapshot!(
            shown.escape_debug().to_string(),
            @r" USER: <video>\nHow many? ASSISTANT: 2 dogs.</s>USER: And then? ASSISTANT:"
        );
    }

    #[test]
    fn a_round_goes_on_as_the_whole_conversation_would_be_written() {
        let turns = [Turn::user("<video>\nHow many?"), Turn::assistant("2 dogs.")];
        let next = [&turns[..], &[Turn::user("And then?")]].concat();
        let begun = Template::VicunaV1.prompt(&turns).unwrap();
        let begun = begun.strip_suffix(END_OF_ROUND).unwrap();
        assert_eq!(
            Template::VicunaV1.prompt(&next).unwrap(),
            format!("{begun}{}", next_round("And then?"))
        );
    }

    #[test]
    fn the_plain_template_has_no_words_of_the_user() {
        let turns = [Turn::user("<video>\nDescribe."), Turn::assistant("a dog barks")];
        assert_eq!(Template::Plain.prompt(&turns).unwrap(), "<video>\na dog barks\n");
        assert!(Template::Plain.prompt(&turns[..1]).is_err());
        let without = [Turn::user("Describe."), Turn::assistant("a dog barks")];
        assert!(Template::Plain.prompt(&without).is_err());
    }

    #[test]
    fn an_assistant_who_speaks_first_is_left_out_and_one_speaker_twice_is_refused() {
        let first = [Turn::assistant("Hello."), Turn::user("Hi."), Turn::assistant("Yes?")];
        let without = Template::VicunaV1.prompt(&first[1..]).unwrap();
        assert_eq!(Template::VicunaV1.prompt(&first).unwrap(), without);
        let twice = [Turn::user("Hi."), Turn::user("Hello?")];
        let error = Template::VicunaV1.prompt(&twice).unwrap_err();
        insta::assert_snapshot!(error, @"conversation: expected turn 2 by ASSISTANT, found USER");
        assert!(Template::VicunaV1.prompt(&[]).is_err());
    }
}
