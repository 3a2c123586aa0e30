//! What holds for any answers: no panic, no score out of its range, full marks for the annotation
//! itself.

use omnivale_metrics::evaluation::{AnnotatedVideo, Answer, Evaluation, Task, compare, evaluate};
use omnivale_metrics::protocol::Protocol;
use omnivale_metrics::text::{Pair, bleu, cider, rouge};
use omnivale_timeline::{Caption, Duration, Span, Time};
use proptest::prelude::*;

const LENGTH: u64 = 100_000;

fn caption(start: u64, length: u64, text: &str) -> Caption {
    let start = Time::from_millis(start as i64);
    Caption { span: Span::new(start, Duration::from_millis(length)), text: text.to_owned() }
}

fn videos() -> impl Strategy<Value = Vec<AnnotatedVideo>> {
    let event = (0..LENGTH, 0..LENGTH, any::<String>())
        .prop_map(|(start, length, text)| caption(start, length, &text));
    prop::collection::vec(prop::collection::vec(event, 0..4), 1..4).prop_map(|videos| {
        let video = |(at, events): (usize, Vec<Caption>)| AnnotatedVideo {
            id: format!("v{at}"),
            duration: Duration::from_millis(LENGTH),
            events,
        };
        videos.into_iter().enumerate().map(video).collect()
    })
}

fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let said = prop_oneof![
        any::<String>(),
        (0u32..120, 0u32..120, "\\PC*").prop_map(|(a, b, c)| format!("From {a:02} to {b:02}, {c}")),
        Just(
            "From 00 to 50, A dog.\nFrom 00 to 50, A dog.\nfrom 10s to 20s: \u{d}A cat.".to_owned()
        ),
    ];
    let answer = (0usize..5, 0usize..3, -1i64..5, said, prop::option::of(0.0..1.0f64)).prop_map(
        |(video, task, sentence, text, logged_iou)| Answer {
            line: 1,
            video: format!("v{video}"),
            task: Task::ALL[task],
            query: i64::from(sentence == 4),
            sentence: (sentence >= 0).then_some(sentence),
            text,
            logged_iou,
        },
    );
    prop::collection::vec(answer, 0..12)
}

fn in_range(evaluation: &Evaluation) -> bool {
    evaluation.summary().scores().iter().all(|(_, name, value)| {
        let most = if *name == "CIDEr" { 1000.0 } else { 100.0 };
        value.is_none_or(|value| (0.0..=most + 1e-6).contains(&value))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_log_can_be_scored(videos in videos(), answers in answers()) {
        for protocol in Protocol::ALL {
            let found = evaluate(&videos, &answers, &Task::ALL, &protocol.options(), None);
            prop_assert!(in_range(&found), "{:?}", found.summary());
            prop_assert_eq!(found.videos.len(), videos.len());
            for (_, coverage) in &found.coverage {
                prop_assert!(coverage.answered <= coverage.expected);
                prop_assert!(coverage.unparsed <= coverage.answers);
            }
            for difference in compare(&found, &found, 5, 1) {
                prop_assert_eq!((difference.low, difference.high), (0.0, 0.0));
            }
        }
    }

    #[test]
    fn strict_does_not_look_at_the_order_of_the_log(
        videos in videos(),
        answers in answers(),
    ) {
        // One answer for each question: of several, the last counts.
        let mut seen = std::collections::HashSet::new();
        let mut once: Vec<Answer> = answers
            .into_iter()
            .filter(|a| seen.insert((a.video.clone(), a.task, a.sentence, a.query)))
            .filter(|a| a.task != Task::DenseCaptioning || a.sentence.is_none())
            .collect();
        let strict = Protocol::Strict.options();
        let before = evaluate(&videos, &once, &Task::ALL, &strict, None);
        once.reverse();
        let after = evaluate(&videos, &once, &Task::ALL, &strict, None);
        prop_assert_eq!(before.videos, after.videos);
    }

    #[test]
    fn scores_of_any_texts_are_in_range(texts in prop::collection::vec(any::<(String, String)>(), 0..8)) {
        let pairs: Vec<Pair<'_>> = texts
            .iter()
            .map(|(reference, hypothesis)| Pair { reference, hypothesis })
            .collect();
        for counts in bleu::counts(&pairs) {
            prop_assert!(counts.score().iter().all(|score| (0.0..=1.0).contains(score)));
        }
        for pair in &pairs {
            prop_assert!((0.0..=1.0).contains(&rouge::rouge_l(*pair)));
        }
        prop_assert!(cider::scores(&pairs).iter().all(|score| (0.0..=10.0 + 1e-9).contains(score)));
    }

    #[test]
    fn the_same_texts_have_full_marks(texts in prop::collection::hash_set("[a-z]{4}( [a-z]{4}){3,7}", 2..6)) {
        let pairs: Vec<Pair<'_>> =
            texts.iter().map(|text| Pair { reference: text, hypothesis: text }).collect();
        for counts in bleu::counts(&pairs) {
            prop_assert!(counts.score().iter().all(|score| *score > 1.0 - 1e-8));
        }
        for pair in &pairs {
            prop_assert_eq!(rouge::rouge_l(*pair), 1.0);
        }
        // Unless a word is in every text, each length has a run that weighs something.
        prop_assert!(cider::scores(&pairs).iter().all(|score| *score > 10.0 - 1e-9));
    }
}
