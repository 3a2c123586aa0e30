//! METEOR against METEOR: 2,000 pairs as the published program aligned, counted and scored them.

mod meteor_support;

use std::collections::BTreeMap;

use meteor_support::{read_shared, tables};
use omnivale_metrics::text::meteor::{Aligner, Match, Meteor, Stage, Statistics, aggregate};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    items: Vec<Item>,
    aggregate_eval_score: String,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "ref")]
    reference: String,
    hyp: String,
    ref_norm: Vec<String>,
    hyp_norm: Vec<String>,
    ref_stems: Vec<String>,
    hyp_stems: Vec<String>,
    /// Start and length in the reference, start and length in the hypothesis, stage.
    candidates: Vec<[u32; 5]>,
    alignment: Vec<[u32; 5]>,
    stats: Vec<f64>,
    p: String,
    r: String,
    fmean: String,
    penalty: String,
    score: String,
}

fn numbers(matches: &[Match]) -> Vec<[u32; 5]> {
    let numbers = |one: &Match| {
        let stage = match one.stage {
            Stage::Exact => 0,
            Stage::Stem => 1,
            Stage::Synonym => 2,
            Stage::Paraphrase => 3,
        };
        [one.reference, one.reference_length, one.hypothesis, one.hypothesis_length, stage]
    };
    matches.iter().map(numbers).collect()
}

fn fields(statistics: &Statistics) -> Vec<f64> {
    statistics.fields().iter().map(|field| *field as f64).collect()
}

/// Equal within 1e-12, or neither is a number.
fn same(ours: f64, theirs: &str) -> bool {
    let theirs: f64 = theirs.parse().expect("the fixture's scores are numbers");
    (ours - theirs).abs() <= 1e-12 || ours.is_nan() && theirs.is_nan()
}

#[test]
fn words_candidates_alignments_statistics_and_scores_are_those_of_meteor() {
    let Some(tables) = tables() else { return };
    let Some(fixture) = read_shared::<Fixture>("metrics/meteor_pairs.json.gz") else { return };
    let texts: Vec<&str> =
        fixture.items.iter().flat_map(|item| [item.reference.as_str(), &item.hyp]).collect();
    let prepared = Meteor::new(&tables).prepare(&texts);
    let mut aligner = prepared.aligner();
    let mut all = Vec::new();
    assert_eq!(fixture.items.len(), 2000);
    for (number, item) in fixture.items.iter().enumerate() {
        let (reference, hypothesis) = (2 * number, 2 * number + 1);
        let pair = format!("pair {number}: `{}` and `{}`", item.reference, item.hyp);
        assert_eq!(prepared.words(reference), item.ref_norm, "{pair}");
        assert_eq!(prepared.words(hypothesis), item.hyp_norm, "{pair}");
        assert_eq!(prepared.stems(reference), item.ref_stems, "{pair}");
        assert_eq!(prepared.stems(hypothesis), item.hyp_stems, "{pair}");
        let found = |of: fn(&mut Aligner, usize, usize) -> Vec<Match>, aligner: &mut Aligner| {
            numbers(&of(aligner, reference, hypothesis))
        };
        let candidates = found(|a, r, h| a.candidates(r, h).to_vec(), &mut aligner);
        assert_eq!(candidates, item.candidates, "{pair}");
        let alignment = found(|a, r, h| a.align(r, h).to_vec(), &mut aligner);
        assert_eq!(alignment, item.alignment, "{pair}");
        let statistics = aligner.statistics(reference, hypothesis);
        assert_eq!(fields(&statistics), item.stats, "{pair}");
        let measures = statistics.measures();
        for (name, ours, theirs) in [
            ("precision", measures.precision, &item.p),
            ("recall", measures.recall, &item.r),
            ("f_mean", measures.f_mean, &item.fmean),
            ("penalty", measures.penalty, &item.penalty),
            ("score", measures.score, &item.score),
        ] {
            assert!(same(ours, theirs), "{pair}: {name} {ours} instead of {theirs}");
        }
        all.push(statistics);
    }
    let corpus = aggregate(&all).score();
    assert!(same(corpus, &fixture.aggregate_eval_score), "{corpus}");
}

#[derive(Deserialize)]
struct Tokenised {
    ref_tok: Vec<String>,
    hyp_tok: Vec<String>,
    corpus: Corpus,
    per_item: PerItem,
}

#[derive(Deserialize)]
struct Corpus {
    meteor_corpus: f64,
}

#[derive(Deserialize)]
struct PerItem {
    meteor: Vec<f64>,
}

#[test]
fn tokenised_captions_score_as_pycocoevalcap_scores_them() {
    let Some(tables) = tables() else { return };
    let Some(fixture) = read_shared::<Tokenised>("metrics/ngram_metrics.json.gz") else { return };
    let texts: Vec<&String> = fixture.ref_tok.iter().chain(&fixture.hyp_tok).collect();
    let prepared = Meteor::new(&tables).prepare(&texts);
    let mut aligner = prepared.aligner();
    let pairs = fixture.ref_tok.len();
    assert_eq!(pairs, 2000);
    let all: Vec<Statistics> = (0..pairs).map(|at| aligner.statistics(at, pairs + at)).collect();
    for (at, (statistics, theirs)) in all.iter().zip(&fixture.per_item.meteor).enumerate() {
        let ours = statistics.score();
        assert!((ours - theirs).abs() <= 1e-12, "pair {at}: {ours} instead of {theirs}");
    }
    let corpus = aggregate(&all).score();
    assert!((corpus - fixture.corpus.meteor_corpus).abs() <= 1e-12, "{corpus}");
}

#[derive(Deserialize)]
struct Detail {
    /// By overlap threshold.
    dvc: BTreeMap<String, Metrics>,
}

#[derive(Deserialize)]
struct Metrics {
    /// By video.
    #[serde(rename = "METEOR")]
    meteor: BTreeMap<String, Video>,
}

#[derive(Deserialize)]
struct Video {
    refs: Vec<String>,
    hyps: Vec<String>,
    score: f64,
}

#[test]
fn the_pairs_of_a_video_score_together_as_in_dense_captioning() {
    let Some(tables) = tables() else { return };
    let Some(fixture) = read_shared::<Detail>("metrics/small/detail.json.gz") else { return };
    let videos: Vec<&Video> =
        fixture.dvc.values().flat_map(|metrics| metrics.meteor.values()).collect();
    assert_eq!(videos.len(), 236);
    let texts: Vec<&String> = videos.iter().flat_map(|v| v.refs.iter().chain(&v.hyps)).collect();
    let prepared = Meteor::new(&tables).prepare(&texts);
    let mut aligner = prepared.aligner();
    let mut first = 0;
    for video in videos {
        let pairs = video.refs.len();
        let all: Vec<Statistics> =
            (first..first + pairs).map(|at| aligner.statistics(at, at + pairs)).collect();
        let ours = aggregate(&all).score();
        assert!((ours - video.score).abs() <= 1e-12, "{ours} instead of {}", video.score);
        first += 2 * pairs;
    }
}

#[test]
fn a_pair_alone_counts_as_it_does_among_others() {
    let Some(tables) = tables() else { return };
    let Some(fixture) = read_shared::<Fixture>("metrics/meteor_pairs.json.gz") else { return };
    let meteor = Meteor::new(&tables);
    for item in fixture.items.iter().take(200) {
        assert_eq!(fields(&meteor.statistics(&item.reference, &item.hyp)), item.stats);
    }
}
