//! A video that a model has seen, for `ask`, `ground`, `describe` and `chat`.

use std::io::Write;
use std::time::Instant;

use anyhow::Context;
use omnivale_llm::answer::{Question, Reply, Watched};
use omnivale_llm::generate::Options;
use omnivale_media::Source;
use omnivale_timeline::Duration;
use serde_json::json;

use crate::args::{AnswerArgs, ModelArgs, VideoArgs};
use crate::output;
use crate::video_model::features::tensors;
use crate::video_model::source::FeatureSource;
use crate::video_model::times::Said;
use crate::video_model::{VideoModel, options};

/// A model and the video that it is asked about.
pub(super) struct Session {
    pub(super) model: VideoModel,
    pub(super) watched: Watched,
    pub(super) duration: Duration,
    pub(super) options: Options,
    started: Instant,
}

impl Session {
    /// Loads the model, gets the video's features and lets the model see them.
    pub(super) fn open(
        video: &VideoArgs,
        model: &ModelArgs,
        answers: &AnswerArgs,
    ) -> anyhow::Result<Self> {
        let started = Instant::now();
        let path = &video.video;
        let duration = Source::open(path)?.probe().duration;
        let model = VideoModel::load(model)?;
        let rows = FeatureSource::of(video, &model)?.rows(path, &model)?;
        let options = options(answers, &model);
        let seen = model.answerer().watch(&tensors(&rows)?);
        let watched = seen.with_context(|| format!("{} cannot be asked about", path.display()))?;
        Ok(Self { model, watched, duration, options, started })
    }

    /// Asks one question; `on_text` is told the answer as it comes.
    pub(super) fn ask(
        &self,
        question: &str,
        mut on_text: impl FnMut(&str),
    ) -> anyhow::Result<Reply> {
        let question = Question { text: question.to_owned(), stream: 0 };
        let show = |_: usize, text: &str| on_text(text);
        let replies =
            self.model.answerer().answer(&self.watched, &[question], &self.options, &[], show)?;
        replies.into_iter().next().context("the model gave no answer")
    }

    /// Prints the answer as one JSON document.
    pub(super) fn json(&self, question: &str, answer: &str, events: &[Said]) -> anyhow::Result<()> {
        let rounded = |seconds: f64| (seconds * 1e3).round() / 1e3;
        output::json(&json!({
            "question": question,
            "answer": answer,
            "events": events,
            "duration": self.duration.seconds_to_millis(),
            "seconds": rounded(self.started.elapsed().as_secs_f64()),
        }))
    }
}

/// Text that appears at once, without waiting for the end of its line.
pub(super) struct Screen {
    out: std::io::Stdout,
    /// The first error; text after it is not shown.
    failed: Option<std::io::Error>,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { out: std::io::stdout(), failed: None }
    }

    pub(super) fn show(&mut self, text: &str) {
        if self.failed.is_none() {
            let mut out = self.out.lock();
            self.failed = out.write_all(text.as_bytes()).and_then(|()| out.flush()).err();
        }
    }

    /// Whether all was shown.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self.failed {
            None => Ok(()),
            Some(error) => Err(error.into()),
        }
    }
}

/// Drops spaces at the beginning and the end of a text that comes in parts, as answers are shown without them.
#[derive(Default)]
pub(super) struct Trimmed {
    started: bool,
    spaces: String,
}

impl Trimmed {
    /// What can be shown of all up to here.
    pub(super) fn push(&mut self, text: &str) -> String {
        let text = if self.started { text } else { text.trim_start() };
        self.started |= !text.is_empty();
        let solid = text.trim_end();
        if solid.is_empty() {
            self.spaces.push_str(text);
            return String::new();
        }
        let shown = format!("{}{solid}", self.spaces);
        self.spaces = text[solid.len()..].to_owned();
        shown
    }
}

/// `<video>`, a line feed, and what the user says.
pub(super) fn first_turn(text: &str) -> String {
    format!("{}\n{}", omnivale_llm::conversation::PLACEHOLDER, text)
}

/// Refuses what cannot be asked.
pub(super) fn check_question(text: &str) -> anyhow::Result<()> {
    let placeholder = omnivale_llm::conversation::PLACEHOLDER;
    if text.trim().is_empty() {
        return Err(crate::exit::usage("there is nothing to ask: the text is empty"));
    }
    if text.contains(placeholder) {
        return Err(crate::exit::usage(format!(
            "the text may not contain {placeholder}: it stands for the video's features"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_parts_is_trimmed_as_a_whole() {
        for parts in [&["  ", " a", " ", "\n", "b ", " "][..], &["", "a"], &[" ", " "], &["a b\n"]]
        {
            let mut trimmed = Trimmed::default();
            let shown: String = parts.iter().map(|part| trimmed.push(part)).collect();
            assert_eq!(shown, parts.concat().trim(), "{parts:?}");
        }
    }
}
