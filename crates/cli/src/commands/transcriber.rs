//! Whisper as the pipeline's transcriber.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use candle_core::Device;
use omnivale_annotate::transcribe::{
    Listener, TranscribeConfig, Transcriber, TranscriberError, Transcript,
};
use omnivale_encoders::whisper::{Settings, Transcription, Whisper};
use omnivale_timeline::{Cue, Time};
use omnivale_weights::{Cache, WEIGHT_FILES, first_file, read_small, weight_map};

use crate::device::mark;

/// What a folder of weights is looked at for.
const NEEDS: &str = "a model's folder has its weights in one of these";

/// A model, shared by the videos in work.
pub(super) struct WhisperTranscriber {
    model: Whisper,
    settings: Settings,
    identity: String,
    /// One window at a time: the model uses all cores for it, and much memory.
    turn: Mutex<()>,
}

impl WhisperTranscriber {
    /// Opens the model `name`: a folder, or a model in the Hugging Face cache. It computes on `device`.
    ///
    /// # Errors
    /// When there is none, it is damaged, or it cannot do what the configuration asks for.
    pub(super) fn open(
        name: &str,
        config: &TranscribeConfig,
        device: &Device,
    ) -> anyhow::Result<Self> {
        let folder = Cache::of_environment().folder(name)?;
        let model = Whisper::open_on(&folder, super::precision(config.precision), device)?;
        let settings = settings(config);
        // What it cannot do is said now, not at the first video.
        model.transcribe(&settings).map_err(|error| {
            crate::exit::usage(format!("[transcribe] in the configuration: {error}"))
        })?;
        let identity = identity(&folder)? + mark(device);
        Ok(Self { model, settings, identity, turn: Mutex::new(()) })
    }
}

fn settings(config: &TranscribeConfig) -> Settings {
    Settings {
        language: Some(config.language.clone()).filter(|language| !language.is_empty()),
        translate: config.translate,
        beam_size: config.beam_size,
        best_of: config.best_of,
        length_penalty: None,
        temperatures: config.temperatures.clone(),
        compression_ratio: config.compression_ratio,
        average_log_probability: config.average_log_probability,
        no_speech: config.no_speech,
        condition_on_previous: config.condition_on_previous,
        word_times: config.word_times,
        seed: config.seed,
    }
}

/// A digest of the files that the text depends on, each read once.
fn identity(folder: &Path) -> anyhow::Result<String> {
    let weights = first_file(folder, &WEIGHT_FILES, NEEDS)?;
    let mut files: Vec<PathBuf> = ["config.json", "generation_config.json", "tokenizer.json"]
        .iter()
        .map(|name| folder.join(name))
        .collect();
    if weights.extension().is_some_and(|extension| extension == "json")
        && let Ok(map) = weight_map(&read_small(&weights)?)
    {
        let shards: std::collections::BTreeSet<String> = map.into_values().collect();
        files.extend(shards.into_iter().map(|name| folder.join(name)));
    }
    files.push(weights);
    let mut whole = blake3::Hasher::new();
    for path in files {
        let read = || {
            let mut file = blake3::Hasher::new();
            file.update_reader(File::open(&path)?)?;
            Ok::<_, std::io::Error>(file.finalize())
        };
        whole.update(read().with_context(|| format!("cannot read {}", path.display()))?.as_bytes());
    }
    Ok(whole.finalize().to_hex().to_string())
}

impl Transcriber for WhisperTranscriber {
    fn name(&self) -> &str {
        "whisper"
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn listen(&self) -> Result<Box<dyn Listener + '_>, TranscriberError> {
        let transcription = self.model.transcribe(&self.settings)?;
        Ok(Box::new(Ear { transcription, turn: &self.turn, cues: Vec::new() }))
    }
}

/// One video in work.
struct Ear<'m> {
    transcription: Transcription<'m>,
    turn: &'m Mutex<()>,
    cues: Vec<Cue>,
}

impl<'m> Ear<'m> {
    fn turn(&self) -> MutexGuard<'m, ()> {
        // It guards nothing that a panic could leave half done.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&mut self) {
        let segments = self.transcription.take().into_iter();
        self.cues.extend(segments.map(|segment| Cue { span: segment.span, text: segment.text }));
    }
}

impl Listener for Ear<'_> {
    fn begin(&mut self, start: Time) -> Result<(), TranscriberError> {
        let turn = self.turn();
        self.transcription.begin(start)?;
        drop(turn);
        self.take();
        Ok(())
    }

    fn hear(&mut self, samples: &[f32]) -> Result<(), TranscriberError> {
        let turn = self.turn();
        self.transcription.push(samples)?;
        drop(turn);
        self.take();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Transcript, TranscriberError> {
        let turn = self.turn();
        self.transcription.end()?;
        drop(turn);
        self.take();
        let mut warnings = Vec::new();
        let (steps, outside) = (self.transcription.forced_steps(), self.transcription.outside());
        if steps > 0 {
            warnings.push(format!(
                "whisper's segments were so short that {steps} times up to a second of sound was passed over"
            ));
        }
        if outside > 0 {
            warnings.push(format!(
                "{outside} segments that whisper places after the sound were left out"
            ));
        }
        let language = self.transcription.language().map(str::to_owned);
        Ok(Transcript { cues: self.cues, language, warnings })
    }
}
