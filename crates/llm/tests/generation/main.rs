//! Generation on random tiny models: rows side by side give what each gives alone.

mod answers;
mod asking;
mod loading;
mod precision;
mod tiny;
#[path = "../tokenizer/toy.rs"]
mod toy;

use candle_core::Tensor;
use omnivale_llm::generate::{
    Answer, Choice, Next, Options, Prompt, Rows, Sampling, Stop, generate,
};
use omnivale_llm::llama::{Cache, Llama, Row};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::tiny::{config, model, random, wide};

/// Embeddings of a prompt, `[length, hidden]`.
fn embeddings(model: &Llama, length: usize, seed: u64) -> Tensor {
    let width = model.config().hidden_size;
    random(&[length, width], &mut ChaCha8Rng::seed_from_u64(seed ^ 0x5eed))
}

/// The answer to a prompt after nothing.
fn alone(model: &Llama, embeddings: Tensor, stream: u64, options: &Options) -> Answer {
    let prompt = Prompt { cache: Cache::new(model.config()), embeddings, stream };
    let answers = generate(model, vec![prompt], options, |_, _| Next::More);
    answers.expect("the model runs").remove(0).0
}

fn choices() -> impl Strategy<Value = Choice> {
    let sampled = Sampling { temperature: 0.8, top_k: Some(12), top_p: Some(0.9), seed: 11 };
    prop_oneof![Just(Choice::Greedy), Just(Choice::Sampled(sampled))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn prompts_that_join_at_any_time_are_answered_as_each_whole_and_alone(
        seed in any::<u64>(),
        key_heads in prop_oneof![Just(1_usize), Just(2), Just(4)],
        odd in any::<bool>(),
        videos in prop::collection::vec(0_usize..40, 1..4),
        questions in prop::collection::vec((0_usize..3, 1_usize..9), 1..9),
        most in 1_usize..5,
        most_tokens in 1_usize..9,
        choice in choices(),
    ) {
        let model = model(if odd { config(key_heads, false) } else { wide(key_heads, false) }, seed);
        let options = Options { choice, most_tokens, end: vec![2, 5, 9] };
        let mut seen = Vec::new();
        for (at, &length) in videos.iter().enumerate() {
            let rows = embeddings(&model, length.max(1), seed ^ (1 + at as u64));
            let mut cache = Cache::new(model.config());
            if length > 0 {
                let row = Row { cache: &mut cache, count: length };
                model.extend(&rows, &mut [row]).unwrap();
            }
            seen.push((rows.narrow(0, 0, length).unwrap(), cache));
        }
        let mut rows = Rows::new(&model, &options);
        let mut together = vec![None; questions.len()];
        let mut asked = questions.iter().enumerate();
        while together.iter().any(Option::is_none) {
            while rows.len() < most
                && let Some((at, (video, length))) = asked.next()
            {
                let cache = seen[video % seen.len()].1.fork().unwrap();
                let embeddings = embeddings(&model, *length, seed ^ (100 + at as u64));
                let id = rows.join(Prompt { cache, embeddings, stream: at as u64 }).unwrap();
                prop_assert_eq!(id.0, at);
            }
            prop_assert!(!rows.is_empty());
            for ended in rows.step(|_, _| Next::More).unwrap() {
                together[ended.row.0] = Some(ended.answer.unwrap());
            }
        }
        for (at, (video, length)) in questions.iter().enumerate() {
            let question = embeddings(&model, *length, seed ^ (100 + at as u64));
            let whole = Tensor::cat(&[&seen[video % seen.len()].0, &question], 0).unwrap();
            let alone = alone(&model, whole, at as u64, &options);
            prop_assert_eq!(Some(&alone), together[at].as_ref());
        }
    }

    #[test]
    fn no_bit_of_a_row_depends_on_its_company_or_its_pieces(
        seed in any::<u64>(),
        key_heads in prop_oneof![Just(1_usize), Just(2), Just(4)],
        lengths in prop::collection::vec(1_usize..30, 1..7),
        cut in 0_usize..30,
    ) {
        let model = model(wide(key_heads, true), seed);
        let all: Vec<Tensor> =
            lengths.iter().zip(1..).map(|(length, at)| embeddings(&model, *length, seed ^ at)).collect();
        let mut caches: Vec<Cache> = lengths.iter().map(|_| Cache::new(model.config())).collect();
        let mut rows: Vec<Row<'_>> =
            caches.iter_mut().zip(&lengths).map(|(cache, &count)| Row { cache, count }).collect();
        let together = model.extend(&Tensor::cat(&all, 0).unwrap(), &mut rows).unwrap();
        let mut first = 0;
        for (own, &length) in all.iter().zip(&lengths) {
            let mut cache = Cache::new(model.config());
            let mut pieces = Vec::new();
            let cut = cut % length;
            for (at, count) in [(0, cut), (cut, length - cut)] {
                if count > 0 {
                    let row = Row { cache: &mut cache, count };
                    let piece = own.narrow(0, at, count).unwrap();
                    pieces.push(model.extend(&piece, &mut [row]).unwrap());
                    cache = cache.fork().unwrap();
                }
            }
            let found = together.narrow(0, first, length).unwrap();
            let bits = |x: &Tensor| {
                let rows: Vec<Vec<f32>> = x.to_vec2().unwrap();
                rows.concat().into_iter().map(f32::to_bits).collect::<Vec<u32>>()
            };
            prop_assert_eq!(bits(&Tensor::cat(&pieces, 0).unwrap()), bits(&found));
            // And as much as to rounding what is computed without a cache.
            let whole = model.forward(&own.unsqueeze(0).unwrap(), &[length]).unwrap();
            let off = (whole.squeeze(0).unwrap() - &found).unwrap().abs().unwrap();
            let off: f32 = off.max_all().unwrap().to_scalar().unwrap();
            prop_assert!(off < 1e-4, "{}", off);
            first += length;
        }
    }

    #[test]
    fn padding_changes_nothing(
        seed in any::<u64>(),
        odd in any::<bool>(),
        lengths in prop::collection::vec(1_usize..12, 1..5),
    ) {
        let model = model(if odd { config(2, true) } else { wide(2, true) }, seed);
        let longest = lengths.iter().copied().max().unwrap();
        // What stands in the padding must not matter.
        let all: Vec<Tensor> =
            (0..lengths.len()).map(|at| embeddings(&model, longest, seed ^ at as u64)).collect();
        let padded = model.forward(&Tensor::stack(&all, 0).unwrap(), &lengths).unwrap();
        for (row, &length) in lengths.iter().enumerate() {
            let own = all[row].narrow(0, 0, length).unwrap().unsqueeze(0).unwrap();
            let alone = model.forward(&own, &[length]).unwrap().squeeze(0).unwrap();
            let padded = padded.get(row).unwrap().narrow(0, 0, length).unwrap();
            let off = (alone - padded).unwrap().abs().unwrap().max_all().unwrap();
            prop_assert!(off.to_scalar::<f32>().unwrap() < 1e-4);
        }
    }
}

#[test]
fn an_answer_ends_at_its_end_its_length_or_when_asked() {
    let model = model(config(2, false), 5);
    let prompt = || Prompt {
        cache: Cache::new(model.config()),
        embeddings: embeddings(&model, 4, 5),
        stream: 0,
    };
    let mut options = Options { choice: Choice::Greedy, most_tokens: 6, end: Vec::new() };
    let (whole, cache) =
        generate(&model, vec![prompt()], &options, |_, _| Next::More).unwrap().remove(0);
    assert_eq!((whole.tokens.len(), whole.stop), (6, Stop::Length));
    assert_eq!(cache.length(), 4 + 5, "the last token has not been read");

    let mut seen = Vec::new();
    let watch = |_: usize, token| {
        seen.push(token);
        if seen.len() == 2 { Next::Enough } else { Next::More }
    };
    let asked = generate(&model, vec![prompt()], &options, watch).unwrap().remove(0).0;
    assert_eq!((asked.tokens.as_slice(), asked.stop), (&whole.tokens[..2], Stop::Asked));
    assert_eq!(seen, asked.tokens);

    let first = whole.tokens[0];
    let end =
        whole.tokens.iter().position(|&token| token != first).map_or(first, |at| whole.tokens[at]);
    options.end = vec![end];
    let ended = alone(&model, embeddings(&model, 4, 5), 0, &options);
    assert_eq!(ended.stop, Stop::End);
    assert!(!ended.tokens.contains(&end));
    assert!(whole.tokens.starts_with(&ended.tokens));
    options.most_tokens = 0;
    let nothing = alone(&model, embeddings(&model, 4, 5), 0, &options);
    assert_eq!((nothing.tokens.len(), nothing.stop), (0, Stop::Length));
}

#[test]
fn an_empty_prompt_is_refused() {
    let model = model(config(2, false), 5);
    let options = Options { choice: Choice::Greedy, most_tokens: 6, end: Vec::new() };
    let empty = embeddings(&model, 4, 5).narrow(0, 0, 0).unwrap();
    let prompt = Prompt { cache: Cache::new(model.config()), embeddings: empty, stream: 0 };
    assert!(generate(&model, vec![prompt], &options, |_, _| Next::More).is_err());
}

#[test]
fn a_row_that_says_nothing_fails_alone() {
    let model = model(wide(2, false), 5);
    let options = Options { choice: Choice::Greedy, most_tokens: 3, end: Vec::new() };
    let mut rows = Rows::new(&model, &options);
    let good = embeddings(&model, 4, 5);
    for broken in [false, true, false] {
        let embeddings = if broken { (&good * f64::NAN).unwrap() } else { good.clone() };
        let prompt = Prompt { cache: Cache::new(model.config()), embeddings, stream: 0 };
        rows.join(prompt).unwrap();
    }
    let ended = rows.step(|_, _| Next::More).unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].row.0, 1);
    assert!(ended[0].answer.is_err());
    let expected = alone(&model, good, 0, &options);
    while !rows.is_empty() {
        for ended in rows.step(|_, _| Next::More).unwrap() {
            assert_eq!(ended.answer.unwrap(), expected);
        }
    }
}

#[test]
fn a_row_that_leaves_is_not_missed() {
    let model = model(wide(2, false), 8);
    let options = Options { choice: Choice::Greedy, most_tokens: 5, end: Vec::new() };
    let mut rows = Rows::new(&model, &options);
    let ids: Vec<_> = (0..3_u64)
        .map(|at| {
            let embeddings = embeddings(&model, 3, at);
            let prompt = Prompt { cache: Cache::new(model.config()), embeddings, stream: 0 };
            rows.join(prompt).unwrap()
        })
        .collect();
    rows.step(|_, _| Next::More).unwrap();
    rows.leave(ids[1]);
    let mut answered = Vec::new();
    while !rows.is_empty() {
        for ended in rows.step(|_, _| Next::More).unwrap() {
            let expected = alone(&model, embeddings(&model, 3, ended.row.0 as u64), 0, &options);
            assert_eq!(ended.answer.unwrap(), expected);
            answered.push(ended.row);
        }
    }
    assert_eq!(answered, [ids[0], ids[2]]);
}
