//! What follows a special token, text that comes in pieces, and stop strings.

use omnivale_llm::generate::{Next, TextWatch};
use omnivale_llm::tokenizer::{AfterSpecial, TextStream, Tokenizer};

use crate::{toy, toy_json};

fn tokenizer(rule: AfterSpecial) -> Tokenizer {
    Tokenizer::from_model_bytes(&toy::model(), "toy", rule).expect("the toy vocabulary is sound")
}

fn pieces(rule: AfterSpecial, text: &str) -> Vec<String> {
    let tokenizer = tokenizer(rule);
    let piece = |id: &u32| tokenizer.piece(*id).expect("it is in the vocabulary").to_owned();
    tokenizer.encode(text).iter().map(piece).collect()
}

#[test]
fn after_a_mark_the_prefix_stays_or_is_taken_off_or_is_never_there() {
    let text = "the</s>the</s> the";
    assert_eq!(
        pieces(AfterSpecial::Prefix, text),
        ["<s>", "▁the", "</s>", "▁the", "</s>", "▁", "▁the"]
    );
    // "the" is no piece of its own: taken off after cutting, it is unknown; cut without, it is two.
    assert_eq!(
        pieces(AfterSpecial::Stripped, text),
        ["<s>", "▁the", "</s>", "<unk>", "</s>", "▁", "▁the"]
    );
    assert_eq!(
        pieces(AfterSpecial::Bare, text),
        ["<s>", "▁the", "</s>", "t", "he", "</s>", "▁the"]
    );
}

#[test]
fn a_prefix_that_is_a_piece_of_its_own_is_left_out_when_stripped() {
    assert_eq!(pieces(AfterSpecial::Prefix, "</s>\n"), ["<s>", "</s>", "▁", "<0x0A>"]);
    assert_eq!(pieces(AfterSpecial::Stripped, "</s>\n"), ["<s>", "</s>", "<0x0A>"]);
}

#[test]
fn a_character_of_several_bytes_comes_out_whole() {
    let tokenizer = tokenizer(AfterSpecial::Prefix);
    let mut stream = TextStream::default();
    let ids = tokenizer.encode("é");
    let shown: Vec<String> = ids.iter().map(|&id| stream.push(&tokenizer, id)).collect();
    assert_eq!(shown, ["", "", "", "é"]);
    // A first byte alone, and one that begins no character.
    let byte = |byte: u32| 3 + byte;
    assert_eq!(tokenizer.decode(&[byte(0xc3), byte(0x41), byte(0xff), byte(0xe2)]), "�A��");
}

#[test]
fn a_stop_string_is_never_shown_even_in_part() {
    let tokenizer = tokenizer(AfterSpecial::Prefix);
    let stops = ["USER:".to_owned(), String::new()];
    let mut watch = TextWatch::new(&tokenizer, &stops);
    let mut shown = String::new();
    let mut last = Next::More;
    for id in tokenizer.encode("a dog UUS barks USER: the man") {
        let watched = watch.push(id);
        shown.push_str(&watched.text);
        assert!(!shown.contains("USER"), "{shown}");
        last = watched.next;
        if last == Next::Enough {
            break;
        }
    }
    assert_eq!((shown.as_str(), last), ("a dog UUS barks ", Next::Enough));
    assert_eq!(watch.finish(), "");
}

#[test]
fn text_that_only_begins_like_a_stop_string_is_shown_in_the_end() {
    let tokenizer = tokenizer(AfterSpecial::Prefix);
    let stops = ["USER:".to_owned()];
    let mut watch = TextWatch::new(&tokenizer, &stops);
    let shown: String = tokenizer.encode("the USE").iter().map(|&id| watch.push(id).text).collect();
    assert_eq!(shown, "the ");
    assert_eq!(watch.finish(), "USE");
}

#[test]
fn a_folder_says_by_its_configuration_what_follows_marks() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let last = || {
        let tokenizer = Tokenizer::from_folder(folder.path()).unwrap();
        let ids = tokenizer.encode("</s>the");
        tokenizer.piece(ids[2]).unwrap().to_owned()
    };
    let error = Tokenizer::from_folder(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("has none of tokenizer.model, tokenizer.json"), "{error}");
    write("tokenizer.json", toy_json::json_file(Some("first")).to_string().as_bytes());
    assert_eq!(last(), "t");
    write("tokenizer.model", &toy::model());
    assert_eq!(last(), "▁the");
    write("tokenizer_config.json", br#"{"legacy": false, "model_max_length": 4096}"#);
    assert_eq!(last(), "<unk>");
    write("tokenizer_config.json", br#"{"legacy": true}"#);
    assert_eq!(last(), "▁the");
}
