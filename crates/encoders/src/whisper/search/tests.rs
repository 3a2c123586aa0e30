use proptest::prelude::*;
use rand_chacha::rand_core::SeedableRng;

use super::*;

/// Tokens 0 to 2 are text, 3 the end, 4 says no times, 5 to 8 are times.
fn rules() -> Rules {
    Rules {
        suppressed: vec![],
        suppressed_first: vec![3],
        end: 3,
        no_timestamps: 4,
        latest_first: 3,
    }
}

/// Scores as a function of the text so far.
struct Table<F: Fn(&[u32]) -> Vec<f32>> {
    scores: F,
    texts: Vec<Vec<u32>>,
    /// Texts asked for in total.
    asked: usize,
}

impl<F: Fn(&[u32]) -> Vec<f32>> Table<F> {
    fn new(scores: F) -> Self {
        Self { scores, texts: vec![Vec::new()], asked: 0 }
    }
}

impl<F: Fn(&[u32]) -> Vec<f32>> NextToken for Table<F> {
    fn advance(&mut self, sources: &[u32], tokens: &[u32]) -> Result<Vec<Vec<f32>>, EncoderError> {
        let text = |(source, token): (&u32, &u32)| {
            let mut text = self.texts[*source as usize].clone();
            text.push(*token);
            text
        };
        self.texts = sources.iter().zip(tokens).map(text).collect();
        self.asked += self.texts.len();
        Ok(self.texts.iter().map(|text| (self.scores)(text)).collect())
    }
}

fn random() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

/// Logarithms of probabilities of the nine tokens; those not named are (almost) impossible.
fn scores(likely: &[(usize, f32)]) -> Vec<f32> {
    let mut scores = vec![-30.0; 9];
    for (token, probability) in likely {
        scores[*token] = probability.ln();
    }
    scores
}

/// The likeliest second token leads to a text that is less likely as a whole.
fn trap(said: &[u32]) -> Vec<f32> {
    match said {
        [5] => scores(&[(0, 0.6), (1, 0.4)]),
        [5, 0] => scores(&[(0, 0.3), (1, 0.3), (2, 0.3), (8, 0.1)]),
        [5, 1] => scores(&[(8, 1.0)]),
        _ => scores(&[(3, 1.0)]),
    }
}

#[test]
fn the_likeliest_token_is_not_always_the_likeliest_text() {
    let first = scores(&[(5, 1.0)]);
    let mut model = Table::new(trap);
    let rules = rules();
    let search = Search { model: &mut model, rules: &rules, first: &first, limit: 10 };
    let greedy = search.sample(0.0, 5, &mut random()).unwrap();
    assert_eq!(greedy.len(), 1);
    assert_eq!(greedy[0].tokens[..2], [5, 0]);
    let mut model = Table::new(trap);
    let search = Search { model: &mut model, rules: &rules, first: &first, limit: 10 };
    let beam = best(search.beam(3).unwrap(), None).unwrap();
    assert_eq!(beam.tokens, [5, 1, 8]);
    assert!((beam.log_probability - 0.4f32.ln()).abs() < 1e-3, "{}", beam.log_probability);
}

#[test]
fn a_beam_of_one_is_greedy() {
    let first = scores(&[(5, 1.0)]);
    let rules = rules();
    let mut model = Table::new(trap);
    let greedy = Search { model: &mut model, rules: &rules, first: &first, limit: 10 }
        .sample(0.0, 1, &mut random())
        .unwrap();
    let mut model = Table::new(trap);
    let beam =
        Search { model: &mut model, rules: &rules, first: &first, limit: 10 }.beam(1).unwrap();
    assert_eq!(beam, greedy);
}

#[test]
fn longer_texts_are_not_worse_for_being_long() {
    let long = Candidate { tokens: vec![0; 10], log_probability: -5.0 };
    let short = Candidate { tokens: vec![0; 2], log_probability: -2.0 };
    let both = vec![short.clone(), long.clone()];
    assert_eq!(best(both.clone(), None), Some(long));
    assert_eq!(best(both, Some(0.0)), Some(short), "unless length does not count");
    assert_eq!(best(Vec::new(), None), None);
}

#[test]
fn drawn_texts_are_the_same_for_the_same_seed() {
    let first = scores(&[(5, 0.5), (6, 0.5)]);
    let rules = rules();
    let drawn = |seed| {
        let mut model = Table::new(|said: &[u32]| match said.len() {
            1..4 => scores(&[(0, 0.4), (1, 0.3), (2, 0.3)]),
            _ => scores(&[(3, 1.0)]),
        });
        Search { model: &mut model, rules: &rules, first: &first, limit: 10 }
            .sample(1.0, 5, &mut ChaCha8Rng::seed_from_u64(seed))
            .unwrap()
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    assert_eq!(drawn(1).len(), 5);
}

proptest! {
    #[test]
    fn no_search_goes_on_for_ever(seed in 0u32..1000, limit in 1usize..12, width in 1usize..4) {
        // Scores without meaning that never favour the end.
        let scores = move |said: &[u32]| -> Vec<f32> {
            let mut state = said.iter().fold(seed, |state, id| state.wrapping_mul(31).wrapping_add(*id + 1));
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as f32 / 8192.0
            };
            (0..9).map(|id| if id == 3 { -50.0 } else { next() }).collect()
        };
        let (first, rules) = (scores(&[]), rules());
        let mut model = Table::new(scores);
        let search = Search { model: &mut model, rules: &rules, first: &first, limit };
        let found = search.beam(width).unwrap();
        prop_assert!(!found.is_empty() && found.len() <= width);
        prop_assert!(found.iter().all(|candidate| candidate.tokens.len() <= limit));
        prop_assert!(model.asked <= limit * width);
        let mut model = Table::new(scores);
        let search = Search { model: &mut model, rules: &rules, first: &first, limit };
        let found = search.sample(0.7, width, &mut random()).unwrap();
        prop_assert_eq!(found.len(), width);
        prop_assert!(found.iter().all(|candidate| candidate.tokens.len() <= limit));
    }
}
