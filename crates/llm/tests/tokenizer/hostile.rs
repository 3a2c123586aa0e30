//! Files that are broken, or made to do harm, are refused with a reason.

use std::sync::LazyLock;

use omnivale_llm::LlmError;
use omnivale_llm::tokenizer::{AfterSpecial, Tokenizer};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{toy, toy_json};

fn model(bytes: &[u8]) -> Result<Tokenizer, LlmError> {
    Tokenizer::from_model_bytes(bytes, "tokenizer.model", AfterSpecial::Stripped)
}

fn why(bytes: &[u8]) -> String {
    model(bytes).expect_err("it is broken").to_string()
}

#[test]
fn a_length_beyond_the_file_is_refused() {
    // A piece that claims 10 GiB in a file of a few bytes.
    let claimed = [0x0a, 0x80, 0x80, 0x80, 0x80, 0x28, 1, 2, 3];
    insta::assert_snapshot!(why(&claimed), @"tokenizer.model: expected 10737418240 bytes at byte 6, found 3 left");
    let endless = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    insta::assert_snapshot!(why(&endless), @"tokenizer.model: expected a number of at most 64 bits at byte 11, found a longer one");
}

#[test]
fn a_file_of_nothing_but_small_pieces_is_refused_before_it_fills_the_memory() {
    let mut bytes = Vec::new();
    toy::field(1, &[1 << 3 | 2, 1, b'a'], &mut bytes);
    assert!(why(&bytes.repeat((1 << 20) + 1)).contains("at most 1048576 pieces"));
}

#[test]
fn another_kind_of_model_is_named() {
    insta::assert_snapshot!(
        why(&toy::model_of(&toy::pieces(), 1)),
        @"tokenizer.model: expected byte-pair encoding, as Llama's tokenisers use at trainer_spec.model_type, found a unigram model"
    );
    insta::assert_snapshot!(why(b""), @"tokenizer.model: expected byte-pair encoding, as Llama's tokenisers use at trainer_spec.model_type, found a unigram model");
}

#[test]
fn pieces_that_contradict_each_other_are_refused() {
    let mut twice = toy::pieces();
    twice.push(("▁the".to_owned(), 1));
    assert!(why(&toy::model_of(&twice, 2)).contains("expected a new piece"));
    let mut no_end = toy::pieces();
    no_end[2].1 = 1;
    assert!(why(&toy::model_of(&no_end, 2)).contains("a mark for the end"));
    let mut few_bytes = toy::pieces();
    few_bytes.remove(50);
    assert!(why(&toy::model_of(&few_bytes, 2)).contains("256 byte pieces"));
    let mut not_a_number = toy::model();
    toy::field(1, &toy::piece("new", f32::NAN, 1), &mut not_a_number);
    assert!(why(&not_a_number).contains("a finite score"));
}

#[test]
fn json_of_another_kind_of_tokeniser_is_refused() {
    let refused = |change: fn(&mut Value), reason: &str| {
        let mut file = toy_json::json_file(None);
        change(&mut file);
        let text = file.to_string();
        let error = Tokenizer::from_json_bytes(text.as_bytes(), "tokenizer.json").unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    };
    refused(|file| file["model"]["type"] = json!("WordPiece"), "model.type");
    refused(|file| file["normalizer"] = json!({"type": "NFKC"}), "normalizer");
    refused(|file| file["pre_tokenizer"] = json!({"type": "ByteLevel"}), "pre_tokenizer");
    refused(|file| file["model"]["merges"] = json!([["t", "nothing"]]), "model.merges[0]");
    refused(|file| file["model"]["vocab"]["gap"] = json!(4_000_000_000_u32), "4000000000");
    refused(|file| file["model"]["vocab"]["t"] = json!(0), "id 0");
    refused(|file| file["added_tokens"][2]["rstrip"] = json!(true), "rstrip");
}

static MODEL: LazyLock<Vec<u8>> = LazyLock::new(toy::model);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = model(&bytes);
        let _ = Tokenizer::from_json_bytes(&bytes, "tokenizer.json");
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = MODEL.clone();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        if let Ok(tokenizer) = model(&bytes) {
            let ids = tokenizer.encode("the dog</s>barks é 日");
            prop_assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocabulary_size()));
            let _ = tokenizer.decode(&ids);
        }
        bytes.truncate(cut.index(bytes.len()));
        let _ = model(&bytes);
    }
}
