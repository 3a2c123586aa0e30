//! Answers about a video: questions together, one at a time, and from the whole prompt.

use std::collections::BTreeMap;

use candle_core::Tensor;
use omnivale_llm::answer::{Answerer, Question};
use omnivale_llm::assemble::{Assembly, Features, Projectors};
use omnivale_llm::conversation::{QuerySet, Template, Token, Turn, next_round, tokens};
use omnivale_llm::generate::{Choice, Next, Options, Prompt, Sampling, Stop, generate};
use omnivale_llm::llama::{Cache, Config, Llama};
use omnivale_llm::projector::Projector;
use omnivale_llm::splice::{Batch, Sample};
use omnivale_llm::tokenizer::{AfterSpecial, Tokenizer};
use omnivale_timeline::Modality;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{tiny, toy};

pub(crate) struct Parts {
    pub(crate) model: Llama,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) projectors: Projectors,
    pub(crate) features: Features,
}

/// A model, and a video that is seen and spoken in but has no other sound.
pub(crate) fn parts(seed: u64) -> Parts {
    let rule = AfterSpecial::Stripped;
    let tokenizer = Tokenizer::from_model_bytes(&toy::model(), "toy", rule).expect("it is sound");
    let config = Config { vocab_size: tokenizer.vocabulary_size(), ..tiny::config(2, false) };
    let width = config.hidden_size;
    let mut rng = ChaCha8Rng::seed_from_u64(seed + 1);
    let mut projectors = Projectors::new();
    for (modality, inputs) in [(Modality::Visual, 7), (Modality::Audio, 7), (Modality::Speech, 5)] {
        let tensors = BTreeMap::from([
            ("p.weight".to_owned(), tiny::random(&[width, inputs], &mut rng)),
            ("p.bias".to_owned(), tiny::random(&[width], &mut rng)),
        ]);
        projectors.insert(modality, Projector::load(&tensors, "p", width).expect("both are there"));
    }
    let features = BTreeMap::from([
        (Modality::Visual, tiny::random(&[10, 7], &mut rng)),
        (Modality::Speech, tiny::random(&[4, 5], &mut rng)),
    ]);
    Parts { model: tiny::model(config, seed), tokenizer, projectors, features }
}

impl Parts {
    pub(crate) fn answerer(&self) -> Answerer<'_> {
        Answerer {
            model: &self.model,
            tokenizer: &self.tokenizer,
            projectors: &self.projectors,
            assembly: Assembly::Concatenated,
        }
    }

    /// The answer without anything shared: the whole prompt, spliced and continued.
    fn continue_whole_prompt(&self, question: &str, stream: u64, options: &Options) -> Vec<u32> {
        self.continue_tokens(&self.prompt(question), stream, options)
    }

    fn prompt(&self, question: &str) -> Vec<Token> {
        let prompt = Template::VicunaV1.prompt(&[Turn::user(question)]).expect("one turn");
        tokens(&self.tokenizer, &prompt)
    }

    fn continue_tokens(&self, tokens: &[Token], stream: u64, options: &Options) -> Vec<u32> {
        let rows: Tensor = Assembly::Concatenated
            .rows(&self.features, &self.projectors)
            .expect("every modality has a projector");
        let sample = Sample { tokens, labels: None, features: vec![rows] };
        let batch = Batch::new(self.model.embed_tokens(), &[sample]).expect("one sample");
        let embeddings = batch.embeddings.squeeze(0).expect("one sample");
        let prompt = Prompt { cache: Cache::new(self.model.config()), embeddings, stream };
        let answers = generate(&self.model, vec![prompt], options, |_, _| Next::More);
        answers.expect("the model runs").remove(0).0.tokens
    }
}

/// Questions whose streams count up from `first`.
fn numbered(texts: &[String], first: u64) -> Vec<Question> {
    let question = |(text, stream): (&String, u64)| Question { text: text.clone(), stream };
    texts.iter().zip(first..).map(question).collect()
}

#[test]
fn questions_together_are_answered_as_each_from_its_whole_prompt() {
    let sampled = Choice::Sampled(Sampling { temperature: 1.0, ..Sampling::published(3) });
    for (seed, choice) in [(1, Choice::Greedy), (2, sampled), (3, sampled)] {
        let parts = parts(seed);
        let end = vec![parts.tokenizer.end()];
        let options = Options { choice, most_tokens: 12, end };
        let questions = [
            QuerySet::Released.captioning(),
            QuerySet::Paper.grounding("A dog barks."),
            QuerySet::Released.segment_captioning(3, 17),
        ];
        let questions = numbered(&questions, 40);
        let answerer = parts.answerer();
        let video = answerer.watch(&parts.features).unwrap();
        let mut streamed = vec![String::new(); questions.len()];
        let on_text = |row: usize, text: &str| streamed[row].push_str(text);
        let replies = answerer.answer(&video, &questions, &options, &[], on_text).unwrap();
        for (row, (reply, question)) in replies.iter().zip(&questions).enumerate() {
            let alone = parts.continue_whole_prompt(&question.text, question.stream, &options);
            assert_eq!(reply.tokens, alone);
            assert_eq!(reply.text, parts.tokenizer.decode(&alone).trim());
            assert_eq!(reply.text, streamed[row].trim());
        }
    }
}

#[test]
fn an_answer_ends_before_a_stop_string() {
    let parts = parts(5);
    let answerer = parts.answerer();
    let video = answerer.watch(&parts.features).unwrap();
    let options = Options { choice: Choice::Greedy, most_tokens: 12, end: Vec::new() };
    let questions = numbered(&[QuerySet::Released.captioning()], 0);
    let ask = |stops: &[String]| {
        answerer.answer(&video, &questions, &options, stops, |_, _| {}).unwrap().remove(0)
    };
    let whole = ask(&[]);
    assert_eq!(whole.stop, Stop::Length);
    let (at, stop) = whole.text.char_indices().nth(4).unwrap();
    let stop = stop.to_string();
    let first = whole.text.find(&stop).unwrap();
    assert!(first <= at);
    let ended = ask(&[stop]);
    assert_eq!((ended.text.as_str(), ended.stop), (whole.text[..first].trim(), Stop::Asked));
}

#[test]
fn a_question_begins_with_its_only_placeholder() {
    let parts = parts(5);
    let answerer = parts.answerer();
    let video = answerer.watch(&parts.features).unwrap();
    let options = Options { choice: Choice::Greedy, most_tokens: 2, end: Vec::new() };
    for question in ["When?", "Look: <video>\nWhen?", "<video>\n<video>\nWhen?"] {
        let questions = numbered(&[question.to_owned()], 0);
        let asked = answerer.answer(&video, &questions, &options, &[], |_, _| {});
        assert!(asked.is_err(), "{question}");
    }
    assert!(answerer.answer(&video, &[], &options, &[], |_, _| {}).unwrap().is_empty());
}

#[test]
fn a_conversation_goes_on_as_if_all_of_it_were_read_at_once() {
    let sampled = Choice::Sampled(Sampling { temperature: 1.0, ..Sampling::published(3) });
    for (seed, choice, most_tokens) in [(1, Choice::Greedy, 9), (2, sampled, 1), (7, sampled, 40)] {
        let parts = parts(seed);
        let answerer = parts.answerer();
        let video = answerer.watch(&parts.features).unwrap();
        let options = Options { choice, most_tokens, end: vec![parts.tokenizer.end()] };
        let mut config = parts.model.config().clone();
        config.max_position_embeddings = 4096;
        let model = tiny::model(config, seed);
        let answerer = Answerer { model: &model, ..answerer };
        let mut talk = answerer.talk(&video).unwrap();
        let mut all = parts.prompt("<video>\nWhat happens?");
        for (turn, said) in
            ["<video>\nWhat happens?", "And then?", "Why, </s> really?"].iter().enumerate()
        {
            if turn > 0 {
                let next = parts.tokenizer.encode(&next_round(said));
                all.extend(next[1..].iter().copied().map(Token::Text));
            }
            let question = Question { text: (*said).to_owned(), stream: turn as u64 };
            let mut streamed = String::new();
            let reply = answerer
                .say(&mut talk, &question, &options, |text| streamed.push_str(text))
                .unwrap();
            assert_eq!(reply.tokens, parts.continue_tokens(&all, turn as u64, &options), "{turn}");
            assert_eq!(reply.text, streamed.trim());
            all.extend(reply.tokens.into_iter().map(Token::Text));
        }
        let again = Question { text: "<video>\nAgain?".to_owned(), stream: 0 };
        assert!(answerer.say(&mut talk, &again, &options, |_| {}).is_err());
    }
}

#[test]
fn a_conversation_ends_where_the_model_has_no_positions_left() {
    let parts = parts(1);
    let answerer = parts.answerer();
    let video = answerer.watch(&parts.features).unwrap();
    let mut talk = answerer.talk(&video).unwrap();
    let first = Question { text: "<video>\nWhat happens?".to_owned(), stream: 0 };
    let needed = parts.prompt(&first.text).len() + 14 - 1;
    let mut config = parts.model.config().clone();
    config.max_position_embeddings = needed + 3;
    let model = tiny::model(config, 1);
    let answerer = Answerer { model: &model, ..answerer };
    let options = Options { choice: Choice::Greedy, most_tokens: 100, end: Vec::new() };
    let reply = answerer.say(&mut talk, &first, &options, |_| {}).unwrap();
    assert_eq!((reply.tokens.len(), reply.stop), (3, Stop::Length));
    let next = Question { text: "And then?".to_owned(), stream: 1 };
    let error = answerer.say(&mut talk, &next, &options, |_| {}).unwrap_err();
    assert!(error.to_string().contains(&format!("at most {} positions", needed + 3)), "{error}");
}
