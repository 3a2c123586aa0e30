//! The same tokens as the `tokenizers` crate has, and as the other file of the same vocabulary.

use std::sync::LazyLock;

use omnivale_llm::tokenizer::{AfterSpecial, Tokenizer};
use proptest::prelude::*;

use crate::{toy, toy_json};

/// Text of what tells implementations apart: words of the vocabulary, runs of spaces, marks, and
/// characters without a piece.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z ]{0,12}",
        "[ab ]{0,9}",
        Just("</s>".to_owned()),
        Just("<s>".to_owned()),
        Just("<unk>".to_owned()),
        Just("USER: ".to_owned()),
        Just(" ASSISTANT: ".to_owned()),
        Just("▁".to_owned()),
        Just("<0x0A>".to_owned()),
        "\\PC{0,4}",
        "[\\n\\t0-9]{0,3}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

/// Our tokeniser and the other one, of one file.
type Both = LazyLock<(Tokenizer, tokenizers::Tokenizer)>;

static NORMALISED: Both = LazyLock::new(|| both(None));
static FIRST: Both = LazyLock::new(|| both(Some("first")));
static ALWAYS: Both = LazyLock::new(|| both(Some("always")));
static MODEL: LazyLock<Tokenizer> = LazyLock::new(|| {
    Tokenizer::from_model_bytes(&toy::model(), "toy", AfterSpecial::Prefix).expect("it is sound")
});

fn both(scheme: Option<&str>) -> (Tokenizer, tokenizers::Tokenizer) {
    let file = toy_json::json_file(scheme).to_string();
    let own = Tokenizer::from_json_bytes(file.as_bytes(), "tokenizer.json").expect("it is sound");
    (own, file.parse().expect("the other implementation reads it too"))
}

fn agree(
    (own, other): &(Tokenizer, tokenizers::Tokenizer),
    text: &str,
) -> Result<(), TestCaseError> {
    let encoded = other.encode(text, false).expect("any text can be encoded");
    let found = own.encode(text);
    prop_assert_eq!(&found[1..], encoded.get_ids());
    let theirs = other.decode(encoded.get_ids(), true).expect("the ids are its own");
    prop_assert_eq!(own.decode(&found), theirs);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn json_files_with_a_normaliser_give_the_same_tokens(text in text()) {
        agree(&NORMALISED, &text)?;
    }

    #[test]
    fn json_files_with_a_prefix_first_give_the_same_tokens(text in text()) {
        agree(&FIRST, &text)?;
    }

    #[test]
    fn json_files_with_a_prefix_always_give_the_same_tokens(text in text()) {
        agree(&ALWAYS, &text)?;
    }

    #[test]
    fn text_comes_back_from_its_tokens(text in text()) {
        // Marks are no text, and after them a space is put in; a ▁ is a space from then on.
        prop_assume!(!["<s>", "</s>", "<unk>", "▁"].iter().any(|mark| text.contains(mark)));
        prop_assert_eq!(MODEL.decode(&MODEL.encode(&text)), text);
    }
}

#[test]
fn both_files_of_a_vocabulary_give_the_same_tokens() {
    let (json, _) = &*NORMALISED;
    assert_eq!(json.vocabulary_size(), MODEL.vocabulary_size());
    for text in [
        "the woman demonstrates how to shake hands",
        "USER: From 00 to 17, a dog barks.</s>USER: the  crowd\n",
        "aaaaaaa bbb 日本 </s> </s>",
        "",
    ] {
        assert_eq!(json.encode(text), MODEL.encode(text), "{text}");
    }
}
