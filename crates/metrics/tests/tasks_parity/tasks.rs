//! Whole evaluations: the headline numbers of the published scripts.

use omnivale_metrics::evaluation::{AnnotatedVideo, Answer, Evaluation, IssueKind, Task, evaluate};
use omnivale_metrics::protocol::{Options, Protocol};
use omnivale_metrics::text::meteor::{Meteor, Tables};
use omnivale_timeline::{Caption, Duration, Span, Time};
use serde_json::Value;

use crate::support::{json, near, tables, text};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn annotations(json: &Value) -> Vec<AnnotatedVideo> {
    let time = |value: &Value| Time::from_seconds(number(value)).unwrap();
    let video = |(id, entry): (&String, &Value)| AnnotatedVideo {
        id: id.clone(),
        duration: Duration::from_seconds(number(&entry["duration"])).unwrap(),
        events: entry["timestamps"]
            .as_array()
            .unwrap()
            .iter()
            .zip(entry["sentences"].as_array().unwrap())
            .map(|(bounds, sentence)| Caption {
                span: Span::between(time(&bounds[0]), time(&bounds[1])).unwrap(),
                text: sentence.as_str().unwrap().to_owned(),
            })
            .collect(),
    };
    json.as_object().unwrap().iter().map(video).collect()
}

fn answers(log: &str) -> Vec<Answer> {
    let answer = |(index, line): (usize, &str)| {
        let line: Value = serde_json::from_str(line).unwrap();
        Answer {
            line: index + 1,
            video: line["video_id"].as_str().unwrap().to_owned(),
            task: match line["task"].as_str().unwrap() {
                "captioning" => Task::DenseCaptioning,
                "grounding" => Task::Grounding,
                _ => Task::SegmentCaptioning,
            },
            query: line["query_id"].as_i64().unwrap(),
            sentence: line["info"]["sentence_id"].as_i64(),
            text: line["answer"].as_str().unwrap().to_owned(),
            logged_iou: line["info"]["iou"].as_f64(),
        }
    };
    log.lines().enumerate().map(answer).collect()
}

fn set(name: &str) -> Option<(Vec<AnnotatedVideo>, Vec<Answer>, Value)> {
    let annotated = json(&format!("metrics/{name}/annotations.json.gz"))?;
    let log = text(&format!("metrics/{name}/log.jsonl.gz"))?;
    let mut expected = json("metrics/expected.json")?;
    Some((annotations(&annotated), answers(&log), expected[name].take()))
}

fn run(
    annotations: &[AnnotatedVideo],
    answers: &[Answer],
    options: &Options,
    tables: Option<&Tables>,
) -> Evaluation {
    evaluate(annotations, answers, &Task::ALL, options, tables.map(Meteor::new))
}

/// Fails unless each score is the published one; those that need METEOR are compared if it is there.
fn check_headline(found: &Evaluation, expected: &Value, within: f64) {
    let scores = found.summary().scores();
    let check = |task: Task, name: &str, expected: f64| {
        let (.., value) = scores.iter().find(|(t, n, _)| *t == task && *n == name).unwrap();
        match value {
            Some(value) => near(*value, expected, within, &format!("{} {name}", task.name())),
            None => assert!(!found.meteor, "{name} is missing"),
        }
    };
    for name in ["mIoU", "R1@0.3", "R1@0.5", "R1@0.7"] {
        check(Task::Grounding, name, number(&expected["grounding"][name]));
    }
    for name in ["soda_c", "METEOR", "CIDEr"] {
        check(Task::DenseCaptioning, name, number(&expected["captioning_x100"][name]));
    }
    for (name, key) in [("recall", "Recall"), ("precision", "Precision"), ("f1", "F1")] {
        check(Task::DenseCaptioning, name, number(&expected["dvc_all"][key]) * 100.0);
    }
    for (name, key) in
        [("BLEU4", "BLEU4"), ("METEOR", "METEOR"), ("ROUGE_L", "Rouge"), ("CIDEr", "CIDEr")]
    {
        check(Task::SegmentCaptioning, name, number(&expected["seg_captioning"][key]) * 100.0);
    }
    let dense = found.summary().dense.unwrap();
    for (t, threshold) in ["0.3", "0.5", "0.7", "0.9"].into_iter().enumerate() {
        for (name, value) in [
            ("Recall", dense.recall_at[t]),
            ("Precision", dense.precision_at[t]),
            ("F1", dense.f1_at[t]),
        ] {
            let key = format!("{name}@{threshold}");
            near(value, number(&expected["dvc_all"][&key]), 1e-12, &key);
        }
    }
}

#[test]
fn the_small_set_scores_as_published() {
    let Some((annotations, answers, expected)) = set("small") else { return };
    let tables = tables();
    let found = run(&annotations, &answers, &Protocol::Reference.options(), tables.as_ref());
    check_headline(&found, &expected, 1e-10);
    assert_eq!((found.issues.len(), found.contradicted_ious), (0, 0));
}

#[test]
fn the_full_set_scores_as_published() {
    let Some((annotations, answers, expected)) = set("full") else { return };
    let tables = tables();
    let found = run(&annotations, &answers, &Protocol::Reference.options(), tables.as_ref());
    check_headline(&found, &expected, 1e-10);
    let predictions = found.summary().dense.unwrap().predictions;
    assert_eq!(predictions as u64, expected["n_pred"].as_u64().unwrap());
}

#[test]
fn each_video_of_the_small_set_scores_as_published() {
    let Some((annotations, answers, _)) = set("small") else { return };
    let Some(detail) = json("metrics/small/detail.json.gz") else { return };
    let tables = tables();
    let found = run(&annotations, &answers, &Protocol::Reference.options(), tables.as_ref());
    let mut compared = 0;
    for video in &found.videos {
        let dense = video.dense.as_ref().unwrap();
        for (t, threshold) in ["0.3", "0.5", "0.7", "0.9"].into_iter().enumerate() {
            let of = |name: &str| &detail["dvc"][threshold][name][&video.id]["score"];
            let Some(cider) = of("CIDEr").as_f64() else { continue };
            let what = format!("{} at {threshold}", video.id);
            near(dense.cider[t], cider, 1e-12, &what);
            if let Some(meteor) = dense.meteor {
                near(meteor[t], number(of("METEOR")), 1e-12, &what);
            }
            compared += 1;
        }
        if let (Some(soda), Some(best)) = (dense.soda, detail["soda"][&video.id]["max"].as_f64()) {
            // F1 of p = best / predictions and r = best / events.
            let expected = 2.0 * best / (dense.predictions + video.events) as f64;
            near(soda, expected, 1e-12, &video.id);
        }
    }
    assert_eq!(compared, 4 * 59);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let Some((annotations, answers, _)) = set("small") else { return };
    let tables = tables();
    for protocol in Protocol::ALL {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(&annotations, &answers, &protocol.options(), tables.as_ref()))
        };
        assert_eq!(with(1), with(3), "{protocol}");
    }
}

#[test]
fn strict_does_not_care_about_order_and_stray_characters() {
    let Some((annotations, answers, _)) = set("small") else { return };
    let strict = Protocol::Strict.options();
    let before = run(&annotations, &answers, &strict, None);

    // In another order, with a line ending inside an answer: nothing changes.
    let mut changed = answers.clone();
    changed.reverse();
    for answer in &mut changed {
        if answer.task == Task::SegmentCaptioning {
            answer.text.push('\r');
        }
    }
    let after = run(&annotations, &changed, &strict, None);
    assert_eq!(after.summary(), before.summary());

    // The published script pairs by position: the first video logged last spoils it.
    let reference = Protocol::Reference.options();
    let bleu = |answers: &[Answer]| {
        let found = run(&annotations, answers, &reference, None);
        found.summary().segment.map(|segment| segment.bleu[3])
    };
    let first = answers[0].video.clone();
    let (last, mut moved): (Vec<Answer>, Vec<Answer>) =
        answers.iter().cloned().partition(|answer| answer.video == first);
    moved.extend(last);
    near(bleu(&moved).unwrap(), 0.0201, 1e-4, "BLEU-4 of a log in another order");
    let mut stray = answers.clone();
    let segment = stray.iter_mut().find(|answer| answer.task == Task::SegmentCaptioning).unwrap();
    segment.text.insert(segment.text.len() / 2, '\r');
    assert!(bleu(&stray).unwrap() < 0.03);
}

#[test]
fn what_is_missing_counts_nothing_and_is_counted() {
    let Some((annotations, answers, _)) = set("small") else { return };
    let strict = Protocol::Strict.options();
    let all = run(&annotations, &answers, &strict, None);

    let first = annotations[0].id.clone();
    let part: Vec<Answer> =
        answers.iter().filter(|answer| answer.video != first).cloned().collect();
    let found = run(&annotations, &part, &strict, None);
    for (task, coverage) in &found.coverage {
        let missing = if *task == Task::DenseCaptioning { 1 } else { annotations[0].events.len() };
        assert_eq!(coverage.expected - coverage.answered, missing, "{task:?}");
    }
    let (before, after) = (all.summary(), found.summary());
    let (before, after) = (before.grounding.unwrap(), after.grounding.unwrap());
    assert_eq!(before.queries, after.queries);
    assert!(after.mean_iou < before.mean_iou);

    // In the published script the queries are gone, and a line too few spoils the pairing.
    let reference = Protocol::Reference.options();
    let found = run(&annotations, &part, &reference, None);
    assert_eq!(found.segment_unpaired, None);
    assert!(found.summary().grounding.unwrap().queries < before.queries);
    let one_less: Vec<Answer> = answers[..answers.len() - 1].to_vec();
    let found = run(&annotations, &one_less, &reference, None);
    let unpaired = found.segment_unpaired.unwrap();
    assert_eq!((unpaired.answers, unpaired.events), (699, 700));
    assert!(found.summary().segment.is_none());
}

#[test]
fn what_does_not_fit_is_named() {
    let Some((annotations, answers, _)) = set("small") else { return };
    let grounding = answers.iter().find(|answer| answer.task == Task::Grounding).cloned().unwrap();
    let mut log = vec![grounding.clone(), grounding.clone()];
    log.push(Answer { video: "nobody".to_owned(), ..grounding.clone() });
    log.push(Answer { sentence: Some(99), ..grounding.clone() });
    log.push(Answer { sentence: None, ..grounding.clone() });
    log.push(Answer { query: 1, ..grounding });
    for (index, answer) in log.iter_mut().enumerate() {
        answer.line = index + 1;
    }
    let found = run(&annotations, &log, &Protocol::Strict.options(), None);
    let kinds: Vec<_> = found.issues.iter().map(|issue| (issue.line, issue.kind)).collect();
    assert_eq!(
        kinds,
        [
            (2, IssueKind::Duplicate),
            (3, IssueKind::UnknownVideo),
            (4, IssueKind::UnknownSentence(99)),
            (5, IssueKind::NoSentence),
            (6, IssueKind::OtherQuery(1)),
        ]
    );
    assert!(found.issues[1].to_string().starts_with("line 3, video nobody, grounding: "));
}
