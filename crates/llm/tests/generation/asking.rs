//! Questions about several videos at a time: each is answered as if it were asked alone.

use candle_core::Tensor;
use omnivale_llm::answer::{Asking, Question, Reply};
use omnivale_llm::assemble::Features;
use omnivale_llm::conversation::QuerySet;
use omnivale_llm::generate::{Choice, Options, Sampling, Stop};
use omnivale_timeline::Modality;
use proptest::prelude::*;

use crate::answers::{Parts, parts};

/// Features of some videos, none like another.
fn videos(parts: &Parts, count: usize) -> Vec<Features> {
    let video = |at: usize| {
        let mut features = parts.features.clone();
        let visual = &features[&Modality::Visual];
        let visual = (visual.narrow(0, 0, 3 + at).expect("ten rows") * (1.0 + at as f64)).ok();
        features.extend(visual.map(|rows: Tensor| (Modality::Visual, rows)));
        features
    };
    (0..count).map(video).collect()
}

fn question(at: usize) -> Question {
    let query = QuerySet::Released;
    let text = match at % 4 {
        0 => query.captioning(),
        1 => query.grounding("A dog barks."),
        2 => query.segment_captioning(3, at as u8 % 90),
        _ => query.grounding("A woman sings on the stage, and all are quiet."),
    };
    Question { text, stream: at as u64 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn questions_of_several_videos_are_answered_as_each_alone(
        seed in 0_u64..1000,
        of_videos in prop::collection::vec(0_usize..3, 1..10),
        most in 1_usize..6,
        sampled in any::<bool>(),
        stops in prop::sample::subsequence(vec!["e".to_owned(), " a".to_owned()], 0..3),
    ) {
        let parts = parts(seed);
        let sampling = Sampling { temperature: 1.0, ..Sampling::published(3) };
        let choice = if sampled { Choice::Sampled(sampling) } else { Choice::Greedy };
        let options = Options { choice, most_tokens: 9, end: vec![parts.tokenizer.end()] };
        let answerer = parts.answerer();
        let seen: Vec<_> =
            videos(&parts, 3).iter().map(|features| answerer.watch(features).unwrap()).collect();
        let mut asking = Asking::new(answerer, &options, &stops, most);
        let mut replies: Vec<Option<Reply>> = vec![None; of_videos.len()];
        let mut streamed = vec![String::new(); of_videos.len()];
        let mut asked = of_videos.iter().enumerate();
        loop {
            while asking.has_room()
                && let Some((at, video)) = asked.next()
            {
                prop_assert_eq!(asking.ask(&seen[*video], &question(at)).unwrap().0, at);
            }
            if asking.is_empty() {
                break;
            }
            for (row, reply) in asking.step(|row, text| streamed[row.0].push_str(text)).unwrap() {
                replies[row.0] = Some(reply.unwrap());
            }
        }
        for (at, (video, reply)) in of_videos.iter().zip(replies).enumerate() {
            let alone = answerer.answer(&seen[*video], &[question(at)], &options, &stops, |_, _| {});
            let reply = reply.unwrap();
            prop_assert_eq!(streamed[at].trim(), &reply.text);
            prop_assert_eq!(&alone.unwrap()[0], &reply);
        }
    }
}

#[test]
fn a_question_that_is_refused_or_forgotten_does_not_stop_the_others() {
    let parts = parts(4);
    let answerer = parts.answerer();
    let video = answerer.watch(&parts.features).unwrap();
    let options = Options { choice: Choice::Greedy, most_tokens: 4, end: Vec::new() };
    let mut asking = Asking::new(answerer, &options, &[], 8);
    let first = asking.ask(&video, &question(0)).unwrap();
    let bad = Question { text: "When?".to_owned(), stream: 0 };
    assert!(asking.ask(&video, &bad).is_err());
    let second = asking.ask(&video, &question(1)).unwrap();
    asking.step(|_, _| {}).unwrap();
    asking.forget(first);
    drop(video);
    let mut answered = Vec::new();
    while !asking.is_empty() {
        for (row, reply) in asking.step(|_, _| {}).unwrap() {
            assert_eq!(reply.unwrap().stop, Stop::Length);
            answered.push(row);
        }
    }
    assert_eq!(answered, [second]);
}
