//! `omnivale annotate`.

mod encoders;

use std::path::Path;
use std::thread::available_parallelism;

use anyhow::Context;
use candle_core::Device;
use omnivale_annotate::caption::Signal;
use omnivale_annotate::embed::EncodersConfig;
use omnivale_annotate::plan::{Parts, Plan, Summary};
use omnivale_annotate::run;
use omnivale_annotate::transcribe::Transcriber;
use omnivale_kernels::DeviceChoice;
use omnivale_timeline::VideoId;

use super::transcriber::WhisperTranscriber;
use crate::args::{AnnotateArgs, CaptionerChoice, Shard, TranscriberChoice};
use crate::exit::{Ending, usage};
use crate::{inputs, interrupt, output, reporter};
use encoders::Models;

pub(super) fn run(args: &AnnotateArgs) -> anyhow::Result<Ending> {
    let plan = plan(args)?;
    let CaptionerChoice::Signal = args.captioner;
    let captioner = Signal::new(&plan.config.caption.signal);
    let device = device(args, &plan)?;
    let models = Models::open(&plan.config, &device)?;
    let transcriber = match (args.transcriber, &args.weights) {
        (Some(TranscriberChoice::Whisper), Some(weights)) => {
            Some(WhisperTranscriber::open(weights, &plan.config.transcribe, &device)?)
        }
        _ => None,
    };
    let parts = Parts {
        captioner: &captioner,
        encoders: models.encoders(),
        transcriber: transcriber.as_ref().map(|transcriber| transcriber as &dyn Transcriber),
    };
    if let Some(path) = &args.calibrate {
        calibrates(&plan, &parts, path)?;
    }
    let stop = interrupt::install()?;
    let summary = run::run(&plan, &parts, stop, &*reporter::choose(args.progress))?;
    if let Some(path) = args.calibrate.as_ref().filter(|_| !summary.interrupted) {
        let found = run::calibrate(&plan, &parts)?.to_toml(&plan.config);
        output::file(path, |out| out.write_all(found.as_bytes()))?;
    }
    if args.json {
        output::json(&summary)?;
    } else {
        let mut text = conclusion(&plan, &summary);
        if let Some(path) = args.calibrate.as_ref().filter(|_| !summary.interrupted) {
            text.push_str(&format!("thresholds: {}\n", path.display()));
        }
        output::text(&text)?;
    }
    Ok(ending(&plan, &summary))
}

/// The device of the learned encoders and the transcriber; where there is none of them, no GPU is looked for.
fn device(args: &AnnotateArgs, plan: &Plan) -> anyhow::Result<Device> {
    let EncodersConfig { clip, clap, cmcr } = &plan.config.encoders;
    let learned = [clip, clap, cmcr].iter().any(|name| !name.is_empty());
    match args.place.device {
        DeviceChoice::Auto if !learned && args.transcriber.is_none() => Ok(Device::Cpu),
        choice => crate::device::open(choice),
    }
}

/// Resolves the arguments: past here nothing is text that still has to be understood.
fn plan(args: &AnnotateArgs) -> anyhow::Result<Plan> {
    if args.output.exists() && !args.output.is_dir() {
        return Err(usage(format!(
            "{} is a file; -o takes the folder that results go into",
            args.output.display()
        )));
    }
    let mut config = super::configuration(args.config.as_deref())?;
    encoders::choose(&mut config.encoders, args);
    let videos = inputs::name(inputs::resolve(&args.inputs)?);
    let videos = videos.into_iter().filter(|(id, _)| belongs(id, args.shard)).collect();
    let cores = available_parallelism().context("cannot tell the number of cores; give --jobs")?;
    Ok(Plan {
        videos,
        output: args.output.clone(),
        config,
        jobs: args.jobs.map_or(cores.get(), |jobs| jobs as usize),
        shard: (args.shard.index, args.shard.count),
        fresh: args.fresh,
        filter: args.filter,
    })
}

/// Whether thresholds can come of the run and be written to `path`: said before the videos are decoded.
fn calibrates(plan: &Plan, parts: &Parts<'_>, path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if path.is_dir() || folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(usage(format!(
            "--calibrate {}: give a file in a folder that is there",
            path.display()
        )));
    }
    if !parts.encoders.any() {
        return Err(usage(
            "--calibrate finds the thresholds of learned encoders: give --clip or --clap, too",
        ));
    }
    if !plan.config.measure.keep_measurements {
        return Err(usage(
            "--calibrate reads what the run measured, but the configuration says `keep_measurements = false`",
        ));
    }
    Ok(())
}

/// Whether a video is in the shard: by its name alone, so every machine cuts the same parts.
pub(super) fn belongs(id: &VideoId, shard: Shard) -> bool {
    let hash = omnivale_annotate::short_hash(id.as_str().as_bytes());
    let hash = u32::from_str_radix(&hash, 16).expect("a short hash is eight hexadecimal digits");
    hash % shard.count == shard.index - 1
}

fn ending(plan: &Plan, summary: &Summary) -> Ending {
    let failed = summary.counts.failed;
    if summary.interrupted || (failed > 0 && failed == plan.videos.len()) {
        Ending::Failed
    } else if failed > 0 {
        Ending::SomeFailed
    } else {
        Ending::Done
    }
}

/// What a person wants to read at the end: what was done, what failed and why, what to open.
fn conclusion(plan: &Plan, summary: &Summary) -> String {
    let counts = &summary.counts;
    let mut parts = Vec::new();
    for (count, word) in [
        (counts.annotated, "annotated"),
        (counts.up_to_date, "up to date"),
        (counts.rejected, "rejected by a filter"),
        (counts.failed, "failed"),
        (counts.interrupted, "not finished"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    if parts.is_empty() {
        parts.push(format!("no videos in shard {}/{}", plan.shard.0, plan.shard.1));
    }
    let mut text = parts.join(", ") + "\n";
    for failure in &summary.failures {
        text.push_str(&format!("  failed: {}\n", failure.reason));
    }
    if summary.interrupted {
        text.push_str("interrupted; run the same command again to go on\n");
    }
    let page = match plan.videos.as_slice() {
        [(id, _)] if summary.counts.failed + summary.counts.interrupted == 0 => {
            plan.output.join("videos").join(id.as_str()).join("report.html")
        }
        _ => plan.output.join("index.html"),
    };
    text.push_str(&format!("report: {}\n", page.display()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn shards_partition_the_videos() {
        let ids: Vec<VideoId> =
            (0..200).map(|i| VideoId::from_stem(&format!("video {i}"))).collect();
        for id in &ids {
            let homes =
                (1..=7).filter(|index| belongs(id, Shard { index: *index, count: 7 })).count();
            assert_eq!(homes, 1, "{id}");
        }
        let first = ids.iter().filter(|id| belongs(id, Shard { index: 1, count: 7 })).count();
        assert!((15..45).contains(&first), "{first}");
    }

    #[test]
    fn all_failed_is_a_failed_run_and_some_failed_is_its_own_code() {
        let mut plan = Plan {
            videos: vec![(VideoId::from_stem("a"), PathBuf::from("a.mp4"))],
            output: PathBuf::from("out"),
            config: Default::default(),
            jobs: 1,
            shard: (1, 1),
            fresh: false,
            filter: false,
        };
        let mut summary = Summary {
            counts: Default::default(),
            failures: Vec::new(),
            rejected: Vec::new(),
            interrupted: false,
        };
        assert_eq!(ending(&plan, &summary), Ending::Done);
        summary.counts.failed = 1;
        assert_eq!(ending(&plan, &summary), Ending::Failed);
        plan.videos.push((VideoId::from_stem("b"), PathBuf::from("b.mp4")));
        assert_eq!(ending(&plan, &summary), Ending::SomeFailed);
        summary.interrupted = true;
        assert_eq!(ending(&plan, &summary), Ending::Failed);
    }
}
