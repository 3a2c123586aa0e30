//! BLEU, ROUGE-L, CIDEr and difflib's ratio against the published scorers' outputs.

use omnivale_metrics::text::bleu::{self, BleuCounts};
use omnivale_metrics::text::difflib::{ratio, ratio_exceeds};
use omnivale_metrics::text::{Pair, cider, rouge};
use serde_json::Value;

use crate::support::{json, near};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn bleu_rouge_and_cider_are_those_of_the_published_scorers() {
    let Some(fixture) = json("metrics/ngram_metrics.json.gz") else { return };
    let texts = |name: &str| -> Vec<&str> {
        fixture[name].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
    };
    let pairs: Vec<Pair<'_>> = texts("ref_tok")
        .into_iter()
        .zip(texts("hyp_tok"))
        .map(|(reference, hypothesis)| Pair { reference, hypothesis })
        .collect();
    let (items, corpus) = (&fixture["per_item"], &fixture["corpus"]);

    let counts = bleu::counts(&pairs);
    let total: BleuCounts = counts.iter().copied().sum();
    for n in 0..4 {
        let expected = numbers(&items["bleu"][n]);
        assert_eq!(expected.len(), pairs.len());
        for (item, (counts, expected)) in counts.iter().zip(expected).enumerate() {
            near(counts.score()[n], expected, 1e-12, &format!("BLEU-{} of {item}", n + 1));
        }
        near(total.score()[n], corpus["bleu"][n].as_f64().unwrap(), 1e-12, "BLEU");
    }

    let found: Vec<f64> = pairs.iter().map(|pair| rouge::rouge_l(*pair)).collect();
    check(&found, &items["rouge_l"], &corpus["rouge_l"], "ROUGE-L");
    check(&cider::scores(&pairs), &items["cider"], &corpus["cider"], "CIDEr");
}

fn check(found: &[f64], items: &Value, corpus: &Value, what: &str) {
    for (item, (found, expected)) in found.iter().zip(numbers(items)).enumerate() {
        near(*found, expected, 1e-12, &format!("{what} of {item}"));
    }
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    near(mean, corpus.as_f64().unwrap(), 1e-12, what);
}

#[test]
fn the_ratio_is_that_of_difflib() {
    let mut rows: Vec<Value> = Vec::new();
    if let Some(golden) = json("golden/text/difflib_ratio.json") {
        rows.extend(golden["rows"].as_array().unwrap().iter().cloned());
    }
    if let Some(units) = json("metrics/units.json.gz") {
        rows.extend(units["difflib_ratio"].as_array().unwrap().iter().cloned());
    }
    for row in rows {
        let (a, b) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
        let expected = row[2].as_f64().unwrap();
        assert_eq!(ratio(a, b), expected, "{a:?} {b:?}");
        assert_eq!(ratio_exceeds(a, b, 0.98), expected > 0.98, "{a:?} {b:?}");
    }
}
