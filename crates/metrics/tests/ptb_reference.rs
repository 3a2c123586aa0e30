//! The tokenizer against recorded outputs of the reference, where they are at hand.

use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use omnivale_metrics::text::ptb::{Tokenised, tokenize_caption, tokenize_document};
use serde_json::Value;

/// The recorded outputs `name`, or `None` with a word about it where the folder is missing.
fn recorded(name: &str) -> Option<Value> {
    let shared = std::env::var_os("OMNIVALE_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("metrics").join(name);
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("a whole gzip file");
    Some(serde_json::from_str(&text).expect("JSON"))
}

fn text<'v>(item: &'v Value, field: &str) -> &'v str {
    item[field].as_str().expect("a text")
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Lines as captions have them: words and common punctuation, no signs thrown in.
fn is_caption_like(line: &str) -> bool {
    line.split(' ').count() >= 4
        && line.chars().all(|c| c.is_ascii_alphanumeric() || " .,!?'\"-$%:`()".contains(c))
}

/// Prints the lines where `got` is not `expected` and returns how many are right.
fn right(
    what: &str,
    lines: &[&str],
    expected: impl Iterator<Item = String>,
    got: impl Iterator<Item = String>,
) -> usize {
    let mut right = 0;
    for ((line, expected), got) in lines.iter().zip(expected).zip(got) {
        if expected == got {
            right += 1;
        } else {
            eprintln!("{what}: {line:?}\n  expected {expected:?}\n  got      {got:?}");
        }
    }
    right
}

#[test]
fn lines_of_one_document() {
    let Some(recorded) = recorded("ptb.json.gz") else { return };
    let items = recorded["items"].as_array().unwrap();
    let lines: Vec<&str> = items.iter().map(|item| text(item, "in")).collect();
    let got = tokenize_document(&lines);

    type Written = fn(&Tokenised) -> String;
    let written: [(&str, Written); 3] = [
        ("cased", |got| got.cased().to_owned()),
        ("java", Tokenised::lower_case),
        ("coco", Tokenised::coco),
    ];
    for (field, written) in written {
        let expected = |item: &Value| text(item, field).to_owned();
        let right = right(field, &lines, items.iter().map(expected), got.iter().map(written));
        eprintln!("{field}: {right} of {} lines", lines.len());
        assert!(right * 1000 >= lines.len() * 995, "{field}: {right} of {}", lines.len());
    }

    let like = |index: &usize| is_caption_like(lines[*index]);
    let captions: Vec<usize> = (0..lines.len()).filter(like).collect();
    let wrong = captions.iter().filter(|&&index| got[index].coco() != text(&items[index], "coco"));
    eprintln!("{} lines like captions", captions.len());
    assert_eq!(wrong.count(), 0);
}

#[test]
fn probes() {
    let Some(recorded) = recorded("ptb_probe.json.gz") else { return };
    let pairs: Vec<Vec<&str>> = recorded.as_array().unwrap().iter().map(texts).collect();
    let lines: Vec<&str> = pairs.iter().map(|pair| pair[0]).collect();
    let expected = pairs.iter().map(|pair| pair[1].to_owned());
    let got = tokenize_document(&lines);
    let right = right("probe", &lines, expected, got.iter().map(Tokenised::coco));
    eprintln!("probes: {right} of {}", lines.len());
    assert_eq!(right, lines.len());
}

#[test]
fn context_of_the_next_caption() {
    let Some(recorded) = recorded("units.json.gz") else { return };
    let cases = recorded["ptb_context"].as_array().unwrap();
    for case in cases {
        let captions = texts(&case["in"]);
        let got: Vec<String> = tokenize_document(&captions).iter().map(Tokenised::coco).collect();
        assert_eq!(got, texts(&case["out"]), "{captions:?}");
    }
    assert!(!cases.is_empty());
}

/// The predictions that have a pair at the widest tIoU of dense captioning, tokenised by the
/// reference for METEOR: every one must be among ours. Its captions have lost what is not ASCII.
#[test]
fn predictions_of_dense_captioning() {
    let (Some(detail), Some(parsed)) =
        (recorded("small/detail.json.gz"), recorded("small/parsed_predictions.json.gz"))
    else {
        return;
    };
    let mut compared = 0;
    for (video, pairs) in detail["dvc"]["0.3"]["METEOR"].as_object().unwrap() {
        let captions: Vec<String> = parsed[video]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| text(event, "sentence").replace(|c: char| !c.is_ascii(), " "))
            .collect();
        let ours: Vec<String> = tokenize_document(&captions).iter().map(Tokenised::coco).collect();
        let alone: Vec<String> =
            captions.iter().map(|text| tokenize_caption(text).coco()).collect();
        for hypothesis in texts(&pairs["hyps"]) {
            compared += 1;
            assert!(
                ours.iter().chain(&alone).any(|caption| caption == hypothesis),
                "{video}: {hypothesis:?} is not among {ours:#?}"
            );
        }
    }
    assert!(compared > 0);
}
