//! One video's way through the pipeline, top to bottom.

use std::error::Error;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use omnivale_media::{Cues, MediaError, Probe, Source, StreamKind};
use omnivale_timeline::{Cue, Duration, Event, Receipt, Span, Spanned, Time, Timeline, VideoId};
use serde::Serialize;

use crate::annotation::{
    Annotation, CueRecord, DamageRecord, EventRecord, OmniEvent, Provenance, SCHEMA, StreamRecord,
    Transcribed, Video,
};
use crate::calibrate::Calibration;
use crate::caption::{self, CaptionError};
use crate::config::Config;
use crate::correlate;
use crate::detect::{self, omni};
use crate::embed::{self, EmbedError, Learned, Learner};
use crate::filter::{self, Measured};
use crate::measure::{self, Measurements};
use crate::outputs;
use crate::plan::{Parts, Plan};
use crate::progress::{Outcome, Progress, Reporter, Silent};
use crate::sidecars::Sidecars;
use crate::transcribe::{self, Asked, TranscribeError, Transcriber, Transcript};
use crate::workspace::{Identity, VideoFolder, WorkspaceError};

/// Rises whenever the same measurements and configuration may give another annotation.
const VERSION: u32 = 1;

/// One video and where its results go.
pub(crate) struct Task<'a> {
    pub(crate) id: &'a VideoId,
    pub(crate) source: &'a Path,
    pub(crate) folder: &'a VideoFolder,
    pub(crate) sidecars: &'a Sidecars,
}

/// Why one video is skipped; the run goes on.
#[derive(Debug, thiserror::Error)]
enum VideoError {
    #[error("cannot read {path}; check that it exists and may be read")]
    Unreadable { path: String, source: std::io::Error },
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Transcribe(#[from] TranscribeError),
    #[error(transparent)]
    Caption(#[from] CaptionError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// What ends a video's way early.
enum Halt {
    /// This video cannot be annotated.
    Video(VideoError),
    /// Nothing more can be written: the run must end.
    Run(WorkspaceError),
    /// The run was asked to stop.
    Stopped,
}

impl<E: Into<VideoError>> From<E> for Halt {
    fn from(error: E) -> Halt {
        Halt::Video(error.into())
    }
}

impl From<WorkspaceError> for Halt {
    fn from(error: WorkspaceError) -> Halt {
        Halt::Run(error)
    }
}

/// Annotates one video, unless its receipt says that nothing is to be done.
///
/// # Errors
/// [`WorkspaceError`] alone; everything else is an [`Outcome`].
pub(crate) fn annotate(
    task: &Task<'_>,
    plan: &Plan,
    parts: &Parts<'_>,
    stop: &AtomicBool,
    reporter: &dyn Reporter,
) -> Result<Outcome, WorkspaceError> {
    let way = Way { task, plan, parts, stop, reporter };
    match way.walk() {
        Ok(outcome) => Ok(outcome),
        Err(Halt::Stopped) => Ok(Outcome::Interrupted),
        Err(Halt::Run(error)) => Err(error),
        Err(Halt::Video(error)) => Ok(Outcome::Failed { reason: chain(&error) }),
    }
}

/// Adds what an earlier run stored of the video to `calibration`, and says whether there was anything. Nothing is
/// decoded.
///
/// # Errors
/// [`WorkspaceError`] if the workspace cannot be read.
pub(crate) fn calibrate(
    task: &Task<'_>,
    plan: &Plan,
    parts: &Parts<'_>,
    calibration: &mut Calibration,
) -> Result<bool, WorkspaceError> {
    let way = Way { task, plan, parts, stop: &AtomicBool::new(false), reporter: &Silent };
    let (Ok(identity), Ok(source)) =
        (Identity::of(task.source, task.folder)?, Source::open(task.source))
    else {
        return Ok(false);
    };
    let measured = task.folder.load::<Measurements>(&way.measure_receipt(&identity))?;
    let learned = task.folder.load::<Learned>(&way.embed_receipt(&identity))?;
    let (Some(measured), Some(learned)) = (measured, learned) else { return Ok(false) };
    let duration = true_duration(source.probe(), &measured);
    calibration.add(&measured, &learned, duration, &plan.config);
    Ok(true)
}

struct Way<'a> {
    task: &'a Task<'a>,
    plan: &'a Plan,
    parts: &'a Parts<'a>,
    stop: &'a AtomicBool,
    reporter: &'a dyn Reporter,
}

/// What the container and the configuration say before anything is decoded.
struct Known {
    identity: Identity,
    probe: Probe,
    cues: Cues,
}

impl Way<'_> {
    fn walk(&self) -> Result<Outcome, Halt> {
        let Task { id, source: path, folder, .. } = self.task;
        let config = &self.plan.config;
        let identity = Identity::of(path, folder)?.map_err(|source| VideoError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
        let measuring = self.measure_receipt(&identity);
        let embedding = self.embed_receipt(&identity);
        let receipt = self.annotation_receipt(&measuring, &embedding);
        if !self.plan.fresh && folder.is_up_to_date(&receipt)? {
            return Ok(Outcome::UpToDate);
        }

        let source = Source::open(path)?;
        let probe = source.probe().clone();
        self.reporter.report(&Progress::VideoStarted { id, duration: probe.duration });
        let cues = source.cues()?;
        if cues.skipped > 0 {
            self.warn(format!("{} subtitle cues could not be understood", cues.skipped));
        }
        let known = Known { identity, probe, cues };
        let mut annotation = bare(id, path, &known);
        let mut checks = filter::declared(&known.probe, &known.cues, &config.filter);
        let transcriber = self.transcriber(&known);
        if transcriber.is_some() {
            // Which language is spoken is known once it is heard.
            checks.retain(|check| check.name != "language");
        }
        annotation.verdict = filter::verdict(checks);
        if let Some(check) = self.rejecting(&annotation) {
            return self.reject(&receipt, &annotation, check);
        }

        let (measured, learned) = self.measure(&source, &measuring, &embedding)?;
        for damage in &measured.decoded.damage {
            self.warn(damage.to_string());
        }
        let duration = true_duration(&known.probe, &measured);
        annotation.video.duration = duration;
        annotation.damage = damage(&measured);
        annotation.cues = cues_within(&known.cues.cues, duration);

        let visual = measured.pictures.as_ref().map(|track| {
            let rows = learned.visual.as_ref();
            detect::visual::detect_by(track, rows, duration, &config.visual)
        });
        let checks = filter::measured(
            &Measured {
                duration,
                shots: visual.as_ref().map(|visual| visual.shots.as_slice()),
                content: &content_scores(&measured),
                onset_strength: &onset_strength(&measured),
                voice: measured.sound.as_ref().map(|sound| sound.voice.as_slice()),
                agreement: learned.agreement.as_ref(),
                learned: self.parts.encoders.common.is_some(),
            },
            !known.cues.cues.is_empty(),
            &config.filter,
        );
        annotation.verdict.checks.extend(checks);
        annotation.verdict = filter::verdict(annotation.verdict.checks);
        if let Some(check) = self.rejecting(&annotation) {
            return self.reject(&receipt, &annotation, check);
        }

        if let Some(transcriber) = transcriber {
            self.transcribe(&source, &measuring, &measured, transcriber, &known, &mut annotation)?;
            if let Some(check) = self.rejecting(&annotation) {
                return self.reject(&receipt, &annotation, check);
            }
        }

        let heard = measured
            .sound
            .as_ref()
            .map(|track| {
                let rows = learned.audio.as_ref();
                detect::audio::detect_by(track, rows, duration, &config.audio)
            })
            .unwrap_or_else(|| Timeline::empty(duration));
        if let Some(visual) = visual {
            annotation.shots = visual.shots.into_iter().map(Into::into).collect();
            annotation.visual_events = records(visual.events);
        }
        annotation.audio_events = records(heard);
        annotation.events = fuse(&annotation, known.probe.video.is_some(), config);
        caption::caption_all(&mut annotation, self.parts.captioner, &config.caption)?;
        correlate::correlate_all(&mut annotation, &config.correlate);

        let files = outputs::render(&annotation, Some(&measured), folder.path(), config);
        folder.commit(&receipt, &files)?;
        if !config.measure.keep_measurements {
            folder.forget(&measuring)?;
            folder.forget(&embedding)?;
        }
        Ok(Outcome::Annotated { events: annotation.events.len() })
    }

    /// What was measured before, and what the encoders made of it, or else one decode for both; stored at once, so
    /// that it is never lost.
    fn measure(
        &self,
        source: &Source,
        receipt: &Receipt,
        embedding: &Receipt,
    ) -> Result<(Measurements, Learned), Halt> {
        let Task { id, folder, .. } = self.task;
        let encoders = self.parts.encoders;
        if !self.plan.fresh
            && let Some(known) = folder.load::<Measurements>(receipt)?
        {
            if !encoders.any() {
                return Ok((known, Learned::default()));
            }
            if let Some(learned) = folder.load::<Learned>(embedding)? {
                return Ok((known, learned));
            }
        }
        let of = source.probe().duration;
        let mut advanced = |done| self.reporter.report(&Progress::VideoAdvanced { id, done, of });
        let config = &self.plan.config;
        let settings = measure::Settings {
            pictures: &config.visual.meter,
            sound: &config.audio.meter,
            kept: &config.measure,
        };
        let mut learner =
            encoders.any().then(|| Learner::new(encoders, &config.encoder_sampling()));
        let pass =
            measure::pass_with(source, settings, learner.as_mut(), self.stop, &mut advanced)?;
        let Some(measured) = pass else {
            // Either the run was asked to stop, or an encoder failed and asked for it.
            let failure = learner.and_then(Learner::into_failure);
            return Err(failure.map_or(Halt::Stopped, Halt::from));
        };
        let learned = learner.map(Learner::finish).transpose()?;
        folder.store(receipt, &measured)?;
        if let Some(learned) = &learned {
            folder.store(embedding, learned)?;
        }
        Ok((measured, learned.unwrap_or_default()))
    }

    /// Who transcribes this video: nobody if it has cues, or no sound.
    fn transcriber(&self, known: &Known) -> Option<&dyn Transcriber> {
        let silent = known.probe.audio.is_none() || !known.cues.cues.is_empty();
        self.parts.transcriber.filter(|_| !silent)
    }

    /// Puts what is said where cues would be, and checks its language.
    fn transcribe(
        &self,
        source: &Source,
        measuring: &Receipt,
        measured: &Measurements,
        transcriber: &dyn Transcriber,
        known: &Known,
        annotation: &mut Annotation,
    ) -> Result<(), Halt> {
        let duration = annotation.video.duration;
        let receipt = self.transcript_receipt(measuring, transcriber);
        let transcript = self.transcript(source, &receipt, measured, transcriber, duration)?;
        for warning in &transcript.warnings {
            self.warn(warning.clone());
        }
        let Transcript { cues, language, .. } = transcript;
        annotation.cues = cues_within(&cues, duration);
        let by = transcriber.name().to_owned();
        annotation.transcribed = Some(Transcribed { by, language: language.clone() });
        let heard = Cues { cues, language, ..known.cues.clone() };
        let checks = filter::declared(&known.probe, &heard, &self.plan.config.filter);
        annotation
            .verdict
            .checks
            .extend(checks.into_iter().filter(|check| check.name == "language"));
        annotation.verdict = filter::verdict(std::mem::take(&mut annotation.verdict.checks));
        Ok(())
    }

    /// What was heard before, or else another pass over the sound; stored at once.
    fn transcript(
        &self,
        source: &Source,
        receipt: &Receipt,
        measured: &Measurements,
        transcriber: &dyn Transcriber,
        duration: Duration,
    ) -> Result<Transcript, Halt> {
        let Task { id, folder, .. } = self.task;
        if !self.plan.fresh
            && let Some(known) = folder.load::<Transcript>(receipt)?
        {
            return Ok(known);
        }
        let voice = measured.sound.as_ref().map_or(&[][..], |sound| &sound.voice);
        let whole = Span::new(Time::ZERO, duration);
        let stretches = transcribe::stretches(voice, whole, &self.plan.config.transcribe);
        if stretches.is_empty() {
            return Ok(Transcript::default());
        }
        let mut told = Duration::ZERO;
        let mut advanced = |done: Duration| {
            if done.saturating_sub(told) >= Duration::from_millis(1000) {
                told = done;
                self.reporter.report(&Progress::VideoAdvanced { id, done, of: duration });
            }
        };
        let asked = transcribe::pass(source, &stretches, transcriber, self.stop, &mut advanced)?;
        let transcript = match asked {
            Asked::Heard(transcript) => transcript,
            Asked::Stopped => return Err(Halt::Stopped),
            Asked::Failed(error) => return Err(error.into()),
        };
        folder.store(receipt, &transcript)?;
        Ok(transcript)
    }

    /// The first check that rejects, where filtering was asked for.
    fn rejecting(&self, annotation: &Annotation) -> Option<String> {
        let mut checks = annotation.verdict.checks.iter();
        let failed = checks.find(|check| self.plan.filter && check.passed == Some(false));
        failed.map(|check| check.name.clone())
    }

    /// Writes the verdict, and nothing that was not asked for.
    fn reject(
        &self,
        receipt: &Receipt,
        annotation: &Annotation,
        check: String,
    ) -> Result<Outcome, Halt> {
        let folder = self.task.folder;
        let files = outputs::render(annotation, None, folder.path(), &self.plan.config);
        folder.commit(receipt, &files)?;
        Ok(Outcome::Rejected { check })
    }

    fn warn(&self, message: String) {
        self.reporter.report(&Progress::Warning { id: self.task.id, message });
    }

    fn measure_receipt(&self, identity: &Identity) -> Receipt {
        let config = &self.plan.config;
        let kept = &config.measure;
        let used = (
            &config.visual.meter,
            &config.audio.meter,
            (kept.thumbnail_width_px, kept.thumbnail_quality),
            (kept.thumbnail_step_s, kept.thumbnails_at_most),
        );
        let key = key(&[identity.blake3.as_bytes(), &canonical(&used)]);
        Receipt { stage: "measure".to_owned(), version: measure::VERSION, key }
    }

    fn transcript_receipt(&self, measuring: &Receipt, transcriber: &dyn Transcriber) -> Receipt {
        let key = key(&[
            &canonical(measuring),
            &canonical(&self.plan.config.transcribe),
            transcriber.name().as_bytes(),
            transcriber.identity().as_bytes(),
        ]);
        Receipt { stage: "transcribe".to_owned(), version: transcribe::VERSION, key }
    }

    fn embed_receipt(&self, identity: &Identity) -> Receipt {
        let config = &self.plan.config;
        let used = (
            self.parts.encoders.records(),
            (config.visual.clip.interval_s, config.visual.meter.likely_cut),
            config.visual.meter.sampling,
            (config.audio.clap.row_s, config.audio.meter.longest_gap_s),
            config.filter.consistency_segment_s,
        );
        let key = key(&[identity.blake3.as_bytes(), &canonical(&used)]);
        Receipt { stage: "embed".to_owned(), version: embed::VERSION, key }
    }

    fn annotation_receipt(&self, measuring: &Receipt, embedding: &Receipt) -> Receipt {
        let mut beside = blake3::Hasher::new();
        self.task.sidecars.hash_into(self.task.source, &mut beside);
        let key = key(&[
            &canonical(measuring),
            &canonical(embedding),
            env!("CARGO_PKG_VERSION").as_bytes(),
            &canonical(&self.plan.config),
            &[u8::from(self.plan.filter)],
            self.parts.captioner.name().as_bytes(),
            self.parts.transcriber.map_or("", Transcriber::name).as_bytes(),
            self.parts.transcriber.map_or("", Transcriber::identity).as_bytes(),
            beside.finalize().as_bytes(),
            self.task.source.as_os_str().as_encoded_bytes(),
        ]);
        Receipt { stage: "annotation".to_owned(), version: VERSION, key }
    }
}

/// A value as bytes for hashing; struct fields keep their order, so equal values give equal bytes.
fn canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("configuration and receipts are plain data with text keys")
}

/// One hash over several parts; each is hashed alone first, so that no two lists run together.
fn key(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(blake3::hash(part).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// An annotation with everything that is known without detecting anything.
fn bare(id: &VideoId, path: &Path, known: &Known) -> Annotation {
    let video = known.probe.video.as_ref();
    let duration = known.probe.duration;
    Annotation {
        schema: SCHEMA.to_owned(),
        video: Video {
            id: id.clone(),
            source: path.display().to_string(),
            blake3: known.identity.blake3.clone(),
            duration,
            width: video.map(|video| video.display.0),
            height: video.map(|video| video.display.1),
            frame_rate: video
                .and_then(|video| video.frame_rate)
                .map(|rate| (rate.per_second() * 1e3).round() / 1e3),
            streams: streams(&known.probe),
        },
        verdict: filter::verdict(Vec::new()),
        damage: Vec::new(),
        cues: cues_within(&known.cues.cues, duration),
        transcribed: None,
        shots: Vec::new(),
        visual_events: Vec::new(),
        audio_events: Vec::new(),
        events: Vec::new(),
    }
}

/// The cues as far as the video reaches.
fn cues_within(cues: &[Cue], duration: Duration) -> Vec<CueRecord> {
    let whole = Span::new(Time::ZERO, duration);
    let inside = |cue: &Cue| {
        let span = cue.span.intersection(whole)?;
        Some(CueRecord { extent: span.into(), text: cue.text.clone() })
    };
    cues.iter().filter_map(inside).collect()
}

fn streams(probe: &Probe) -> Vec<StreamRecord> {
    let kind = |kind| match kind {
        StreamKind::Video => "video",
        StreamKind::Audio => "audio",
        StreamKind::Subtitle => "subtitle",
        StreamKind::Cover => "cover",
        StreamKind::Data => "other",
    };
    let record = |stream: &omnivale_media::StreamInfo| StreamRecord {
        index: stream.index,
        kind: kind(stream.kind).to_owned(),
        codec: stream.codec.clone(),
        language: stream.language.clone(),
        used: stream.used,
    };
    probe.streams.iter().map(record).collect()
}

fn damage(measured: &Measurements) -> Vec<DamageRecord> {
    let record = |damage: &omnivale_media::Damage| DamageRecord {
        kind: damage.kind.to_string(),
        detail: damage.detail.clone(),
    };
    measured.decoded.damage.iter().map(record).collect()
}

/// The declared duration, or what could be decoded where the file turns out shorter than it says.
fn true_duration(probe: &Probe, measured: &Measurements) -> Duration {
    use omnivale_media::DamageKind::{Excessive, Truncated};
    let cut_short =
        measured.decoded.damage.iter().any(|damage| matches!(damage.kind, Truncated | Excessive));
    let end = measured.end().map(|end| end.since(Time::ZERO));
    match end {
        Some(end) if cut_short || probe.duration == Duration::ZERO => end,
        _ => probe.duration,
    }
}

fn records(events: Timeline<Event>) -> Vec<EventRecord> {
    events.into_items().into_iter().map(EventRecord::from).collect()
}

fn content_scores(measured: &Measurements) -> Vec<(Time, f64)> {
    let scores = measured.pictures.iter().flat_map(|track| &track.scores);
    scores.map(|score| (score.time, score.content)).collect()
}

fn onset_strength(measured: &Measurements) -> Vec<(Time, f64)> {
    let strengths = |sound: &omnivale_signal::SoundTrack| {
        let frames = sound.frames.iter().enumerate();
        frames.map(|(i, f)| (sound.frame_time(i), f64::from(f.onset))).collect()
    };
    measured.sound.as_ref().map(strengths).unwrap_or_default()
}

fn fuse(annotation: &Annotation, has_pictures: bool, config: &Config) -> Vec<OmniEvent> {
    let spans = |events: &[EventRecord]| events.iter().map(Spanned::span).collect::<Vec<Span>>();
    let (seen, heard) = (spans(&annotation.visual_events), spans(&annotation.audio_events));
    let duration = annotation.video.duration;
    let fused = if has_pictures {
        omni::fuse(&seen, &heard, duration, &config.omni)
    } else {
        omni::from_audio(&heard, duration, &config.omni)
    };
    let event = |fused: omni::Fused| OmniEvent {
        extent: fused.span.into(),
        caption: String::new(),
        visual: fused.visual,
        audio: fused.audio,
        correlations: Vec::new(),
        provenance: Provenance { end: fused.end.to_string(), captioner: String::new() },
    };
    fused.into_iter().map(event).collect()
}
