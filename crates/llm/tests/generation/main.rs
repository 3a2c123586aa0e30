//! Generation on random tiny models: a batch gives what its rows give one at a time.

mod answers;
mod loading;
mod precision;
mod tiny;
#[path = "../tokenizer/toy.rs"]
mod toy;

use candle_core::Tensor;
use omnivale_llm::generate::{Answer, Choice, Next, Options, Prompts, Sampling, Stop, generate};
use omnivale_llm::llama::{Cache, Llama};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::tiny::{config, model, random};

/// Rows of these lengths, `[rows, longest, hidden]`; what stands in the padding must not matter.
fn rows(lengths: &[usize], width: usize, seed: u64) -> Tensor {
    let longest = lengths.iter().copied().max().expect("there is a row");
    random(&[lengths.len(), longest, width], &mut ChaCha8Rng::seed_from_u64(seed ^ 0x5eed))
}

fn run(model: &Llama, cache: &mut Cache, prompts: &Prompts<'_>, options: &Options) -> Vec<Answer> {
    generate(model, cache, prompts, options, |_, _| Next::More).expect("the model runs")
}

fn choices() -> impl Strategy<Value = Choice> {
    let sampled = Sampling { temperature: 0.8, top_k: Some(12), top_p: Some(0.9), seed: 11 };
    prop_oneof![Just(Choice::Greedy), Just(Choice::Sampled(sampled))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_batch_of_ragged_prompts_gives_what_each_gives_alone(
        seed in any::<u64>(),
        key_heads in prop_oneof![Just(1_usize), Just(2), Just(4)],
        tied in any::<bool>(),
        lengths in prop::collection::vec(1_usize..9, 1..5),
        choice in choices(),
    ) {
        let model = model(config(key_heads, tied), seed);
        let options = Options { choice, most_tokens: 8, end: vec![2, 5, 9] };
        let all = rows(&lengths, model.config().hidden_size, seed);
        let streams: Vec<u64> = (0..lengths.len() as u64).map(|row| 100 + row).collect();
        let prompts = Prompts { embeddings: &all, lengths: &lengths, streams: &streams };
        let mut cache = Cache::new(model.config(), lengths.len());
        let together = run(&model, &mut cache, &prompts, &options);
        for (row, &length) in lengths.iter().enumerate() {
            let own = all.narrow(0, row, 1).unwrap().narrow(1, 0, length).unwrap();
            let own = own.contiguous().unwrap();
            let lengths = [length];
            let prompts =
                Prompts { embeddings: &own, lengths: &lengths, streams: &streams[row..=row] };
            let alone = run(&model, &mut Cache::new(model.config(), 1), &prompts, &options);
            prop_assert_eq!(&alone[0], &together[row]);
        }
    }

    #[test]
    fn questions_that_share_a_prefill_are_answered_as_if_each_had_its_own(
        seed in any::<u64>(),
        key_heads in prop_oneof![Just(1_usize), Just(2), Just(4)],
        prefix in 1_usize..40,
        lengths in prop::collection::vec(1_usize..6, 1..5),
        choice in choices(),
    ) {
        let model = model(config(key_heads, false), seed);
        let width = model.config().hidden_size;
        let options = Options { choice, most_tokens: 8, end: vec![2, 5, 9] };
        let shared = rows(&[prefix], width, seed ^ 1);
        let all = rows(&lengths, width, seed);
        let streams: Vec<u64> = (0..lengths.len() as u64).collect();

        let mut cache = Cache::new(model.config(), 1);
        model.forward(&shared, &[prefix], Some(&mut cache)).unwrap();
        let mut cache = cache.repeat(lengths.len()).unwrap();
        let prompts = Prompts { embeddings: &all, lengths: &lengths, streams: &streams };
        let together = run(&model, &mut cache, &prompts, &options);

        for (row, &length) in lengths.iter().enumerate() {
            let own = all.narrow(0, row, 1).unwrap().narrow(1, 0, length).unwrap();
            let own = Tensor::cat(&[&shared, &own], 1).unwrap();
            let lengths = [prefix + length];
            let prompts =
                Prompts { embeddings: &own, lengths: &lengths, streams: &streams[row..=row] };
            let alone = run(&model, &mut Cache::new(model.config(), 1), &prompts, &options);
            prop_assert_eq!(&alone[0], &together[row]);
        }
    }
}

#[test]
fn an_answer_ends_at_its_end_its_length_or_when_asked() {
    let model = model(config(2, false), 5);
    let embeddings = rows(&[4], model.config().hidden_size, 5);
    let prompts = Prompts { embeddings: &embeddings, lengths: &[4], streams: &[0] };
    let cache = || Cache::new(model.config(), 1);
    let mut options = Options { choice: Choice::Greedy, most_tokens: 6, end: Vec::new() };
    let whole = run(&model, &mut cache(), &prompts, &options).remove(0);
    assert_eq!((whole.tokens.len(), whole.stop), (6, Stop::Length));

    let mut seen = Vec::new();
    let watch = |_: usize, token| {
        seen.push(token);
        if seen.len() == 2 { Next::Enough } else { Next::More }
    };
    let asked = generate(&model, &mut cache(), &prompts, &options, watch).unwrap().remove(0);
    assert_eq!((asked.tokens.as_slice(), asked.stop), (&whole.tokens[..2], Stop::Asked));
    assert_eq!(seen, asked.tokens);

    let first = whole.tokens[0];
    let end =
        whole.tokens.iter().position(|&token| token != first).map_or(first, |at| whole.tokens[at]);
    options.end = vec![end];
    let ended = run(&model, &mut cache(), &prompts, &options).remove(0);
    assert_eq!(ended.stop, Stop::End);
    assert!(!ended.tokens.contains(&end));
    assert!(whole.tokens.starts_with(&ended.tokens));
}

#[test]
fn an_empty_prompt_is_refused() {
    let model = model(config(2, false), 5);
    let embeddings = rows(&[4], model.config().hidden_size, 5);
    let prompts = Prompts { embeddings: &embeddings, lengths: &[0], streams: &[0] };
    let options = Options { choice: Choice::Greedy, most_tokens: 6, end: Vec::new() };
    let mut cache = Cache::new(model.config(), 1);
    assert!(generate(&model, &mut cache, &prompts, &options, |_, _| Next::More).is_err());
}
