//! The tokenizer against hand-written cases, one group for each rule, and its general laws.

use omnivale_metrics::text::ptb::{Tokenised, tokenize_caption, tokenize_document};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    rule: String,
    captions: Vec<String>,
    tokens: Vec<String>,
    coco: Vec<String>,
}

fn cased(captions: &[Tokenised]) -> Vec<&str> {
    captions.iter().map(Tokenised::cased).collect()
}

fn coco(captions: &[Tokenised]) -> Vec<String> {
    captions.iter().map(Tokenised::coco).collect()
}

#[test]
fn every_case_of_every_rule() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../fixtures/metrics/ptb/cases.json")).unwrap();
    assert!(cases.len() >= 60);
    for case in cases {
        let got = tokenize_document(&case.captions);
        assert_eq!(cased(&got), case.tokens, "{}", case.rule);
        assert_eq!(coco(&got), case.coco, "{}", case.rule);
    }
}

#[test]
fn a_caption_by_itself_knows_no_neighbour() {
    assert_eq!(tokenize_caption("vitamin A.").cased(), "vitamin A.");
    assert_eq!(tokenize_caption("a\r\nb\u{2028}c\nd").cased(), "a b c d");
    assert_eq!(tokenize_caption("I can't").cased(), "I ca n't");
    assert_eq!(tokenize_caption(""), Tokenised::default());
}

#[test]
fn lower_case_is_javas() {
    assert_eq!(tokenize_caption("ΣΑΣ İstanbul ẞ").lower_case(), "σας i\u{307}stanbul ß");
}

#[test]
fn long_stretches_without_spaces_take_linear_time() {
    // Each of these is quadratic, minutes instead of an instant, when every token of the stretch
    // searches all of it again.
    for piece in [
        "a;", "a+", "<!a", "<a b='", "www.", "a..", "x@.", "(12)", "it's", "&lt;a", "www.é;",
        "a. ", "é;.é",
    ] {
        let text = piece.repeat(200_000);
        let t = std::time::Instant::now();
        assert!(tokenize_caption(&text).tokens().count() > 0, "{piece}");
        eprintln!("{piece} {:?}", t.elapsed());
    }
}

/// Text in which the rules meet: words, marks and joints in any order.
fn tangled() -> impl Strategy<Value = String> {
    let pieces = [
        "dog", "The", "a", "A", "I", "n't", "'s", "’re", "'", "’", "`", "\"", "``", "''", "“", "»",
        " ", " ", " ", "\n", "\r", "\u{2028}", "\u{b}", "\u{a0}", "\u{2009}", ".", "..", "...",
        ". ", "Jan.", "U.S.", "no.", "Mr.", "5", "12", "555-1234", "(555)", "1/2", "½", ",", ":",
        ";", "-", "--", "—", "_", "/", "@", "#", "$", "£", "%", "&", "&amp;", "&lt;", "&quot;",
        "<", ">", "<b>", "(", ")", "[", "]", ":)", "^_^", "http://", "www.", "com", "東", "é", "ß",
        "\u{ad}", "\u{301}", "😀", "\u{200b}", "can", "not", "cannot", "gonna", "y'all", "o'",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..24)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_captions_have_a_line_each(captions in proptest::collection::vec(any::<String>(), 0..6)) {
        let got = tokenize_document(&captions);
        prop_assert_eq!(got.len(), captions.len());
        for caption in &got {
            prop_assert!(caption.tokens().all(|token| !token.contains(' ')));
        }
    }

    #[test]
    fn tangled_captions_have_a_line_each(captions in proptest::collection::vec(tangled(), 0..6)) {
        let got = tokenize_document(&captions);
        prop_assert_eq!(got.len(), captions.len());
        for caption in &got {
            prop_assert_eq!(caption.tokens().collect::<Vec<_>>().join(" "), caption.cased());
            prop_assert!(!caption.coco().starts_with(' ') && !caption.coco().ends_with(' '));
        }
    }

    #[test]
    fn a_caption_alone_is_a_document_of_one(caption in tangled()) {
        let flat: String = caption
            .chars()
            .map(|c| if "\n\r\u{2028}\u{2029}\u{b}\u{c}".contains(c) { ' ' } else { c })
            .collect();
        prop_assert_eq!(&tokenize_document(&[&flat])[0], &tokenize_caption(&caption));
    }

    #[test]
    fn tokens_hold_nothing_but_the_text(words in proptest::collection::vec("[a-z]{6,9}", 0..9)) {
        // Plain words pass unchanged, so tokenising again changes nothing.
        let caption = words.join(" ");
        let plain = words.iter().all(|word| !["cannot"].contains(&word.as_str()));
        prop_assume!(plain);
        let once = tokenize_caption(&caption);
        prop_assert_eq!(once.cased(), &caption);
        prop_assert_eq!(tokenize_caption(&once.coco()), once);
    }
}
