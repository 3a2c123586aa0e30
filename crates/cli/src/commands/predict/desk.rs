//! Questions about all videos, some of them in flight at a time.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use omnivale_llm::answer::{Asking, Reply, RowId, Watched};
use omnivale_llm::assemble::Features;
use omnivale_timeline::Modality;

use super::journal::{Journal, Key};
use super::line::line;
use super::order::{Number, Order, Outcome};
use super::plan::{VideoPlan, name};
use super::progress::Progress;
use super::{Run, Tally};
use crate::args::WithoutVisual;
use crate::exit::chain;
use crate::video_model::features::{name as modality_name, tensors};

/// Who asks, and writes down what is answered.
pub(super) struct Desk<'a> {
    run: &'a Run<'a>,
    journal: &'a mut Journal,
    progress: &'a mut Progress,
    asking: Asking<'a>,
    /// What was asked and is not answered.
    flying: BTreeMap<RowId, Place>,
    order: Order,
    /// The video that is asked about now.
    current: Option<Current>,
    /// The place of the next video.
    next: usize,
    tally: Tally,
}

/// A question in flight.
struct Place {
    video: usize,
    question: usize,
    number: Number,
}

/// A video that the model has seen.
struct Current {
    video: usize,
    watched: Watched,
    /// The place of the next question.
    next: usize,
}

impl Current {
    /// The place of the next question, which it is then not any more.
    fn advance(&mut self) -> (usize, usize) {
        self.next += 1;
        (self.video, self.next - 1)
    }
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        run: &'a Run<'a>,
        journal: &'a mut Journal,
        progress: &'a mut Progress,
    ) -> Self {
        let most = run.args.batch as usize;
        Self {
            asking: Asking::new(run.model.answerer(), &run.options, &[], most),
            run,
            journal,
            progress,
            flying: BTreeMap::new(),
            order: Order::default(),
            current: None,
            next: 0,
            tally: Tally::default(),
        }
    }

    /// Asks everything that is not answered yet, until all is or the run is to stop.
    ///
    /// # Errors
    /// If the log cannot be written, or the model cannot run.
    pub(super) fn all(mut self) -> anyhow::Result<Tally> {
        loop {
            if self.run.stop.load(Ordering::SeqCst) {
                self.tally.interrupted = true;
                return Ok(self.tally);
            }
            self.ask()?;
            if self.asking.is_empty() {
                return Ok(self.tally);
            }
            let replies = self.asking.step(|_, _| {}).context(
                "the model cannot go on; if it has too little memory, give a smaller --batch",
            )?;
            for (row, reply) in replies {
                if let Some(place) = self.flying.remove(&row) {
                    self.answered(&place, reply.map_err(anyhow::Error::new));
                }
            }
            self.write()?;
        }
    }

    /// Asks as many questions as there is room for, videos one after the other.
    fn ask(&mut self) -> anyhow::Result<()> {
        while self.asking.has_room() && !self.run.stop.load(Ordering::SeqCst) {
            if self.current.is_none() && !self.open() {
                break;
            }
            let Some((video, question)) = self.current.as_mut().map(Current::advance) else {
                continue;
            };
            let Some(asked) = self.run.plan[video].asked.get(question) else {
                self.current = None;
                let number = self.order.begin(video);
                self.order.end(number, Outcome::VideoDone);
                continue;
            };
            if self.is_kept(video, question) {
                continue;
            }
            let Some(current) = &self.current else { continue };
            let number = self.order.begin(video);
            let place = Place { video, question, number };
            match self.asking.ask(&current.watched, &asked.question) {
                Ok(row) => {
                    self.flying.insert(row, place);
                }
                Err(error) => self.answered(&place, Err(anyhow::Error::new(error))),
            }
        }
        // Videos may have come to an end without a question.
        self.write()
    }

    /// Begins the next video; `false` if there is none. It is the current one unless it failed or is done already.
    fn open(&mut self) -> bool {
        let Some(plan) = self.run.plan.get(self.next) else { return false };
        let video = self.next;
        self.next += 1;
        self.progress.video(&plan.id);
        let seen = self.features(plan).and_then(|features| {
            // Features were counted all the same, so that a run that goes on says what one that was not interrupted
            // says.
            if (0..plan.asked.len()).all(|question| self.is_kept(video, question)) {
                return Ok(None);
            }
            Ok(Some(self.run.model.answerer().watch(&features)?))
        });
        match seen {
            Ok(Some(watched)) => self.current = Some(Current { video, watched, next: 0 }),
            Ok(None) => {
                let number = self.order.begin(video);
                self.order.end(number, Outcome::VideoDone);
            }
            Err(error) => {
                let number = self.order.begin(video);
                self.order.end(number, Outcome::VideoFailed(chain(&error)));
            }
        }
        true
    }

    /// The features of a video; what it lacks is counted.
    fn features(&mut self, video: &VideoPlan) -> anyhow::Result<Features> {
        let run = self.run;
        if let Some(broken) = video.broken {
            bail!("{broken}");
        }
        let rows = run.folders.rows(&video.id, run.model)?;
        for modality in run.folders.modalities().filter(|it| !rows.contains_key(it)) {
            *self.tally.missing.entry(modality_name(modality)).or_default() += 1;
        }
        let skips = run.args.without_visual == WithoutVisual::Skip || run.model.needs_visual();
        if skips && !rows.contains_key(&Modality::Visual) {
            bail!("it has no visual features");
        }
        if rows.is_empty() {
            bail!("it has no features at all");
        }
        tensors(&rows)
    }

    /// Takes an answer, or why there is none: then nothing after it is asked about its video.
    fn answered(&mut self, place: &Place, reply: anyhow::Result<Reply>) {
        let plan = &self.run.plan[place.video];
        let error = match reply {
            Ok(reply) => {
                let line = line(&plan.id, &plan.asked[place.question], &reply.text);
                self.order.end(place.number, Outcome::Line(line));
                return;
            }
            Err(error) => error,
        };
        self.order.end(place.number, Outcome::VideoFailed(chain(&error)));
        if self.current.as_ref().is_some_and(|current| current.video == place.video) {
            self.current = None;
        }
        let after = |other: &Place| other.video == place.video && other.number > place.number;
        let dropped = self.flying.iter().filter(|(_, other)| after(other));
        for row in dropped.map(|(row, _)| *row).collect::<Vec<_>>() {
            self.asking.forget(row);
            if let Some(other) = self.flying.remove(&row) {
                self.order.end(other.number, Outcome::Dropped);
            }
        }
    }

    /// Writes the lines whose turn it is.
    fn write(&mut self) -> anyhow::Result<()> {
        let (mut lines, mut new) = (Vec::new(), 0);
        while let Some((video, outcome)) = self.order.next() {
            match outcome {
                Outcome::Line(line) => {
                    lines.extend(line);
                    new += 1;
                }
                Outcome::VideoDone => self.tally.complete += 1,
                Outcome::Dropped => {}
                Outcome::VideoFailed(reason) => {
                    let plan = &self.run.plan[video];
                    self.progress.say(&format!("{}: failed: {reason}", plan.id));
                    self.progress.without(plan.asked.len());
                    self.tally.failed.push((plan.id.clone(), reason));
                }
            }
        }
        if new > 0 {
            self.journal.append(&lines)?;
            self.tally.written += new;
            self.progress.add(new);
        }
        Ok(())
    }

    fn is_kept(&self, video: usize, question: usize) -> bool {
        let plan = &self.run.plan[video];
        let asked = &plan.asked[question];
        let key: Key = (plan.id.clone(), name(asked.task), asked.sentence);
        self.journal.kept.contains(&key)
    }
}
