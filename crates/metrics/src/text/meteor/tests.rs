//! Each stage, the score and the two accidents of the search, by hand on a few words; then whatever
//! text comes along.

use proptest::prelude::*;

use super::tables::tests::small;
use super::*;

/// The candidates, the alignment and the statistics of a pair over the small tables.
fn compare(reference: &str, hypothesis: &str) -> (Vec<Match>, Vec<Match>, Statistics) {
    let tables = small();
    let texts = Meteor::new(&tables).prepare(&[reference, hypothesis]);
    let mut aligner = texts.aligner();
    let candidates = aligner.candidates(0, 1).to_vec();
    let alignment = aligner.align(0, 1).to_vec();
    (candidates, alignment, aligner.statistics(0, 1))
}

fn score(reference: &str, hypothesis: &str) -> f64 {
    compare(reference, hypothesis).2.score()
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-12
}

#[test]
fn the_same_word_counts_in_full() {
    let (_, alignment, statistics) = compare("the dog naps", "the dog barks");
    let exact = |at| Match::of_words(at, at, Stage::Exact);
    assert_eq!(alignment, [exact(0), exact(1)]);
    // Three words, one of them a function word; "dog" and "the" matched, in one run.
    let mut fields = [0; 23];
    fields[..8].copy_from_slice(&[3, 3, 1, 1, 1, 1, 1, 1]);
    fields[20..].copy_from_slice(&[1, 2, 2]);
    assert_eq!(statistics.fields(), fields);
    // P = R = (0.75 + 0.25) / (2 * 0.75 + 0.25) = 1 / 1.75; fragmentation 1 / 2.
    assert!(close(statistics.score(), (1.0 - 0.6 * 0.5_f64.powf(0.2)) / 1.75));
}

#[test]
fn a_common_stem_counts_six_tenths() {
    let (candidates, _, statistics) = compare("walks", "walked");
    assert_eq!(candidates, [Match::of_words(0, 0, Stage::Stem)]);
    // All is matched in one run, so nothing is taken off: 0.75 * 0.6 / 0.75.
    assert!(close(statistics.score(), 0.6));
}

#[test]
fn a_common_synset_counts_eight_tenths() {
    assert_eq!(compare("big", "large").0, [Match::of_words(0, 0, Stage::Synonym)]);
    assert!(close(score("big", "large"), 0.8));
    // By the base of an irregular form, by that of a regular one.
    assert!(close(score("ran", "sprint"), 0.8));
    assert!(close(score("children", "kids"), 0.8));
    assert!(close(score("boxes", "crate"), 0.8));
    assert_eq!(score("big", "dog"), 0.0);
}

#[test]
fn paraphrases_are_looked_up_from_both_sides() {
    let (candidates, alignment, statistics) = compare("before", "in front of");
    let paraphrase = Match {
        reference: 0,
        reference_length: 1,
        hypothesis: 0,
        hypothesis_length: 3,
        stage: Stage::Paraphrase,
    };
    // "before" has the paraphrase "in front of", and "in front of" has "before".
    assert_eq!(candidates, [paraphrase, paraphrase]);
    assert_eq!(alignment, [paraphrase]);
    // Hypothesis: (0.75 * 0.6 + 2 * 0.25 * 0.6) / (0.75 + 2 * 0.25) = 0.6; reference: 0.6.
    assert!(close(statistics.score(), 0.6));
    // "in front" has "ahead" and "in front of" has "ahead of"; no phrase of the reference has any. The
    // exact "of" comes last because it starts last.
    let lengths = |one: &Match| (one.reference, one.reference_length, one.hypothesis_length);
    let found = compare("ahead of", "in front of").0;
    assert_eq!(found.iter().map(lengths).collect::<Vec<_>>(), [(0, 1, 2), (0, 2, 3), (1, 1, 1)]);
}

#[test]
fn the_same_words_are_compared_by_the_exact_stage_only() {
    let (candidates, _, statistics) = compare("before in front of", "before in front of");
    assert!(candidates.iter().all(|one| one.stage == Stage::Exact));
    assert_eq!(statistics.score(), 1.0);
}

#[test]
fn order_costs() {
    // Everything is matched; two runs over two matches: fragmentation 2 / 2.
    assert!(close(score("dog box", "box dog"), 1.0 - 0.6));
    assert_eq!(compare("dog box", "box dog").2.chunks, 2);
}

#[test]
fn truncation_makes_a_stem_with_a_rival_worth_less_than_nothing() {
    // Alone, the match is fixed and not searched for.
    assert_eq!(compare("walks", "walked").1.len(), 1);
    // With two to choose from, one adds int(0 + 0.5) = 0 words and a chunk: leaving both is better.
    let (candidates, alignment, statistics) = compare("walks", "walked walking");
    assert_eq!((candidates.len(), alignment.len()), (2, 0));
    assert_eq!(statistics.score(), 0.0);
}

#[test]
fn distance_on_the_parent_prefers_the_first_place_to_the_nearest() {
    // "dog" could take the place right across, distance 0. But it is tried second, and has then
    // inherited the distance 1 of the first.
    let (_, alignment, _) = compare("box dog", "dog dog");
    assert_eq!(alignment, [Match::of_words(1, 0, Stage::Exact)]);
}

#[test]
fn texts_longer_than_a_machine_word_are_searched_alike() {
    // 30, 100 and 150 words: the three sizes of the search.
    for words in [30, 100, 150] {
        let text = |of: [&str; 3]| of.map(str::to_owned).into_iter().cycle().take(words);
        let reference: Vec<String> = text(["dog", "box", "the"]).collect();
        let mut hypothesis = reference.clone();
        assert_eq!(score(&reference.join(" "), &hypothesis.join(" ")), 1.0);
        hypothesis[words - 1] = "cat".to_owned();
        let (_, alignment, _) = compare(&reference.join(" "), &hypothesis.join(" "));
        assert_eq!(alignment.len(), words - 1);
    }
}

#[test]
fn nothing_scores_nothing() {
    assert_eq!(score("", ""), 0.0);
    assert_eq!(score("dog", ""), 0.0);
    assert_eq!(score("", "dog"), 0.0);
    assert_eq!(score("...", "?!"), 0.0);
}

#[test]
fn an_aligner_forgets_the_pair_before() {
    let tables = small();
    let texts = ["in front of the dog", "before the hound", "", "children ran", "kids run of"];
    let prepared = Meteor::new(&tables).prepare(&texts);
    let mut used = prepared.aligner();
    for reference in 0..texts.len() {
        for hypothesis in 0..texts.len() {
            let fresh = prepared.aligner().statistics(reference, hypothesis);
            assert_eq!(used.statistics(reference, hypothesis), fresh);
        }
    }
    assert_eq!((prepared.len(), prepared.words(1)), (5, vec!["before", "the", "hound"]));
    assert_eq!(prepared.stems(3), ["children", "ran"]);
    assert!(Meteor::new(&tables).prepare::<&str>(&[]).is_empty());
}

/// Words that the small tables know, in all forms, with punctuation in between.
fn known_words() -> impl Strategy<Value = String> {
    let words = "the a of in , . front before ahead big large run ran running sprint child children \
                 kid kids dog hound box boxes crate walks walked Dr. No. 7 it's ... well-known";
    let words: Vec<&str> = words.split_whitespace().collect();
    prop::collection::vec(prop::sample::select(words), 0..90).prop_map(|words| words.join(" "))
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        known_words(),
        any::<String>(),
        "[a-zA-Z0-9 .,'`‘’“–\\-\u{a0}]{0,60}",
        "(\\PC|[a-z]){0,40}"
    ]
}

proptest! {
    #[test]
    fn no_text_panics_and_scores_are_shares(reference in any_text(), hypothesis in any_text()) {
        let (candidates, alignment, statistics) = compare(&reference, &hypothesis);
        prop_assert!((0.0..=1.0).contains(&statistics.score()));
        prop_assert!(alignment.iter().all(|one| candidates.contains(one)));
        // No word is matched twice.
        for pair in alignment.windows(2) {
            prop_assert!(pair[0].reference_range().end <= pair[1].reference_range().start);
        }
        let mut taken: Vec<usize> = alignment.iter().flat_map(Match::hypothesis_range).collect();
        let words = taken.len();
        taken.sort_unstable();
        taken.dedup();
        prop_assert_eq!(taken.len(), words);
        prop_assert_eq!(statistics.hypothesis_matches, words as u64);
    }

    #[test]
    fn a_text_is_a_perfect_match_of_itself(text in any_text()) {
        let (_, alignment, statistics) = compare(&text, &text);
        let words = statistics.reference_words;
        prop_assert_eq!(alignment.len() as u64, words);
        prop_assert_eq!(statistics.score(), if words == 0 { 0.0 } else { 1.0 });
    }

    #[test]
    fn a_sum_does_not_depend_on_the_order(texts in prop::collection::vec(known_words(), 2..6)) {
        let tables = small();
        let prepared = Meteor::new(&tables).prepare(&texts);
        let mut aligner = prepared.aligner();
        let mut all: Vec<Statistics> =
            (1..texts.len()).map(|at| aligner.statistics(at - 1, at)).collect();
        let sum = aggregate(&all);
        all.reverse();
        prop_assert_eq!(aggregate(&all), sum);
    }
}
