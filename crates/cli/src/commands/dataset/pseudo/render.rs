//! Pseudo videos as files.

use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::UNIX_EPOCH;

use anyhow::Context;
use omnivale_dataset::pseudo::clips::Clip;
use omnivale_dataset::pseudo::plan::{Plan, PseudoVideo};
use omnivale_dataset::pseudo::{PseudoConfig, RenderConfig};
use omnivale_media::{BackgroundNoise, Form, Montage, MontageClip, Renderer};
use omnivale_timeline::Receipt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::folder::Folder;
use crate::args::RenderArgs;
use crate::exit::chain;
use crate::output;

/// Rises whenever the same plan may give other bytes.
const VERSION: u32 = 1;
/// Endings of the clips' files.
const ENDINGS: [&str; 8] = ["mp4", "mkv", "webm", "mov", "m4v", "avi", "ts", "flv"];
/// Failures that are spelled out; all of them are in the JSON.
const SPELLED_OUT: usize = 10;

/// Where clips are and where videos go.
pub(super) struct Media<'a> {
    args: &'a RenderArgs,
    renderer: Renderer,
    out: &'a Path,
    folder: Folder,
}

/// What became of the videos.
#[derive(Debug, Default, Serialize)]
pub(super) struct Rendered {
    wanted: usize,
    /// Rendered in this run.
    rendered: usize,
    /// Found finished: their receipts match.
    finished: usize,
    /// Clips without sound that silence was put in for, counted once per video.
    silent_clips: usize,
    failed: Vec<Failure>,
    interrupted: bool,
}

#[derive(Debug, Serialize)]
struct Failure {
    video: String,
    reason: String,
}

/// Lies beside the videos; the video is finished exactly when this equals what would be written.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Finished {
    receipt: Receipt,
    /// Length of the file.
    bytes: u64,
    silent_clips: usize,
}

impl Rendered {
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    pub(super) fn has_failures(&self) -> bool {
        !self.failed.is_empty()
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "videos: {} rendered, {} were finished, {} failed, of {}\n",
            self.rendered,
            self.finished,
            self.failed.len(),
            self.wanted
        );
        if self.silent_clips > 0 {
            text += &format!("  {} clips have no sound and got silence\n", self.silent_clips);
        }
        if self.interrupted {
            text += "  interrupted: the same command goes on where this one stopped\n";
        }
        text
    }
}

impl<'a> Media<'a> {
    /// What `--render` asks for, if it does.
    pub(super) fn open(args: &'a RenderArgs) -> anyhow::Result<Option<Media<'a>>> {
        let (Some(out), Some(clips)) = (&args.render, &args.clips) else { return Ok(None) };
        let folder = Folder::open(clips, &ENDINGS)?;
        Ok(Some(Media { args, renderer: Renderer::find()?, out, folder }))
    }

    /// Whether there is a file of the clip.
    pub(super) fn has(&self, id: &str) -> bool {
        self.folder.find(id).is_some()
    }

    /// Renders the videos of the plan, several at once.
    pub(super) fn render(
        &self,
        plan: &Plan,
        clips: &[Clip],
        config: &PseudoConfig,
        stop: &AtomicBool,
    ) -> anyhow::Result<Rendered> {
        let receipts = self.out.join(".receipts");
        fs::create_dir_all(&receipts)
            .with_context(|| format!("cannot make the folder {}", receipts.display()))?;
        let videos = &plan.videos[..plan.videos.len().min(self.args.limit.unwrap_or(usize::MAX))];
        let cores = || thread::available_parallelism().map_or(1, NonZero::get);
        let jobs =
            self.args.jobs.map_or_else(cores, |jobs| jobs as usize).clamp(1, videos.len().max(1));
        let next = AtomicUsize::new(0);
        let found = Mutex::new(Rendered { wanted: videos.len(), ..Rendered::default() });
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    while let Some(video) = videos.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if stop.load(Ordering::SeqCst) {
                            return;
                        }
                        let outcome = self.one(video, clips, config, stop);
                        let mut found = found.lock().expect("no thread panics with the counts");
                        found.note(video, outcome, stop);
                    }
                });
            }
        });
        let mut found = found.into_inner().expect("no thread panicked with the counts");
        found.interrupted = stop.load(Ordering::SeqCst);
        found.failed.sort_by(|a, b| a.video.cmp(&b.video));
        Ok(found)
    }

    /// Renders one video, unless it is finished. Gives whether it was, and its receipt.
    fn one(
        &self,
        video: &PseudoVideo,
        clips: &[Clip],
        config: &PseudoConfig,
        stop: &AtomicBool,
    ) -> anyhow::Result<(bool, Finished)> {
        let out = self.out.join(format!("{}.mp4", video.id));
        let note = self.out.join(".receipts").join(format!("{}.json", video.id));
        let montage = self.montage(video, clips)?;
        let receipt = self.receipt(&montage, &config.render)?;
        let before = fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(finished) = before {
            let finished: Finished = finished;
            let bytes = fs::metadata(&out).map(|about| about.len()).ok();
            if finished.receipt == receipt && bytes == Some(finished.bytes) {
                return Ok((true, finished));
            }
        }
        let rendered = self.renderer.render(&montage, &form(&config.render), &out, stop)?;
        let bytes = fs::metadata(&out)?.len();
        let finished = Finished { receipt, bytes, silent_clips: rendered.silent.len() };
        output::file(&note, |file| Ok(serde_json::to_writer(file, &finished)?))?;
        Ok((false, finished))
    }

    fn montage(&self, video: &PseudoVideo, clips: &[Clip]) -> anyhow::Result<Montage> {
        let clip = |part: &omnivale_dataset::pseudo::plan::Part| {
            let id = &clips[part.clip as usize].id;
            let path = self.folder.find(id).with_context(|| format!("no file of the clip {id}"))?;
            Ok(MontageClip { path: path.to_owned(), scale: part.scale, length: part.length })
        };
        let noise = video.noise.map(|noise| BackgroundNoise {
            colour: noise.kind.name(),
            level: noise.level,
            seed: noise.seed,
        });
        Ok(Montage { clips: video.parts.iter().map(clip).collect::<anyhow::Result<_>>()?, noise })
    }

    /// A clip is the same if its name, length and time of change are: reading all of them whenever a
    /// run goes on would take longer than many a rendering.
    fn receipt(&self, montage: &Montage, form: &RenderConfig) -> anyhow::Result<Receipt> {
        let mut parts = Vec::new();
        for clip in &montage.clips {
            let about = fs::metadata(&clip.path)
                .with_context(|| format!("cannot read {}", clip.path.display()))?;
            let changed = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            let name = clip.path.file_name().map(|name| name.to_string_lossy());
            parts.push(json!([
                name,
                about.len(),
                changed.as_nanos().to_string(),
                clip.scale,
                clip.length
            ]));
        }
        let noise =
            montage.noise.as_ref().map(|noise| json!([noise.colour, noise.level, noise.seed]));
        let all =
            json!([parts, noise, form, self.renderer.version(), self.renderer.stretch().name()]);
        let key = blake3::hash(all.to_string().as_bytes()).to_hex().to_string();
        Ok(Receipt { stage: "render".to_owned(), version: VERSION, key })
    }
}

impl Rendered {
    fn note(
        &mut self,
        video: &PseudoVideo,
        outcome: anyhow::Result<(bool, Finished)>,
        stop: &AtomicBool,
    ) {
        match outcome {
            Ok((was_finished, finished)) => {
                *(if was_finished { &mut self.finished } else { &mut self.rendered }) += 1;
                self.silent_clips += finished.silent_clips;
                if !was_finished {
                    tracing::info!("rendered {}", video.id);
                }
            }
            // What was in flight when Ctrl-C came has not failed.
            Err(_) if stop.load(Ordering::SeqCst) => {}
            Err(error) => {
                let reason = chain(&error);
                if self.failed.len() < SPELLED_OUT {
                    eprintln!("failed: {}: {reason}", video.id);
                }
                self.failed.push(Failure { video: video.id.clone(), reason });
            }
        }
    }
}

fn form(config: &RenderConfig) -> Form {
    Form {
        width: config.width,
        height: config.height,
        frame_rate: config.frame_rate,
        sample_rate: config.sample_rate,
        crf: config.crf,
        preset: config.preset.clone(),
        audio_bitrate: config.audio_bitrate,
    }
}
