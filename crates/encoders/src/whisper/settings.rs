//! What a transcription is asked for.

/// How speech becomes text. The default is that of OpenAI's command.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The language's code, such as `en`; `None` hears it from the first window.
    pub language: Option<String>,
    /// Translate to English instead of writing down what is said.
    pub translate: bool,
    /// Texts kept side by side at temperature 0; 1 takes the likeliest token each time.
    pub beam_size: usize,
    /// Texts drawn at a temperature above 0, of which the best counts.
    pub best_of: usize,
    /// Exponent of the length by which texts are compared; `None` compares the mean over the tokens.
    pub length_penalty: Option<f32>,
    /// Tried in order until a text can be trusted.
    pub temperatures: Vec<f32>,
    /// A text that zlib makes more than so many times shorter repeats itself.
    pub compression_ratio: f32,
    /// A text whose mean logarithm of probability is below is not trusted.
    pub average_log_probability: f32,
    /// With a probability of no speech above this, a text that is not trusted is silence.
    pub no_speech: f32,
    /// Whether a window goes on from the text of those before.
    pub condition_on_previous: bool,
    /// Find out when each word is said; a segment then lasts from its first word to its last.
    pub word_times: bool,
    /// Where chance begins, at temperatures above 0.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: None,
            translate: false,
            beam_size: 5,
            best_of: 5,
            length_penalty: None,
            temperatures: vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
            compression_ratio: 2.4,
            average_log_probability: -1.0,
            no_speech: 0.6,
            condition_on_previous: true,
            word_times: false,
            seed: 0,
        }
    }
}
