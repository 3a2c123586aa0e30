//! `omnivale features`: videos to feature files.

mod folder;
mod progress;
mod summary;
mod task;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;

use candle_core::Device;
use omnivale_annotate::features::{FeaturesConfig, Gaps, Tail};
use omnivale_dataset::npy::Dtype;
use omnivale_encoders::clip::preprocess::Antialias;
use omnivale_encoders::features::{self, Effort, Kind, Options, Place};
use omnivale_encoders::{Precision, beats};
use omnivale_timeline::VideoId;

use crate::args::{FeaturesCommand, FeaturesRunArgs, RowsDtypeChoice, TailChoice};
use crate::exit::{Ending, chain, usage};
use crate::{device, inputs, interrupt, output};

use folder::Folder;
use summary::Summary;

/// What a run does, with nothing left to be understood.
struct Plan {
    videos: Vec<(VideoId, PathBuf)>,
    /// The encoders' places, and where their files go.
    kinds: BTreeMap<Kind, (Place, Folder)>,
    options: Options,
    effort: Effort,
    dtype: Option<Dtype>,
    precision: Precision,
    device: Device,
    jobs: usize,
    fresh: bool,
}

impl Plan {
    /// Precision of the files of a kind: as published, unless another was asked for.
    fn dtype(&self, kind: Kind) -> Dtype {
        self.dtype.unwrap_or(match kind {
            Kind::Visual => Dtype::F16,
            Kind::Audio | Kind::Speech | Kind::Clap => Dtype::F32,
        })
    }
}

pub(super) fn dispatch(command: &FeaturesCommand) -> anyhow::Result<Ending> {
    let mut adjust: Box<dyn FnOnce(&mut FeaturesConfig)> = Box::new(|_| ());
    let (run, weights) = match command {
        FeaturesCommand::Visual(args) => {
            adjust = Box::new(|config| {
                config.frames = args.frames.map_or(config.frames, |frames| frames as usize);
                config.antialias |= args.antialias;
            });
            (&args.run, vec![(Kind::Visual, &args.weights)])
        }
        FeaturesCommand::Audio(args) => {
            adjust = Box::new(|config| match args.tail {
                None => {}
                Some(TailChoice::Reference) => config.tail = Tail::Reference,
                Some(TailChoice::Full) => config.tail = Tail::Full,
            });
            (&args.run, vec![(Kind::Audio, &args.weights)])
        }
        FeaturesCommand::Speech(args) => (&args.run, vec![(Kind::Speech, &args.weights)]),
        FeaturesCommand::Clap(args) => {
            adjust = Box::new(|config| config.via_44100 |= args.via_44100);
            (&args.run, vec![(Kind::Clap, &args.weights)])
        }
        FeaturesCommand::All(args) => {
            let named = [
                (Kind::Visual, &args.clip),
                (Kind::Audio, &args.beats),
                (Kind::Speech, &args.whisper),
                (Kind::Clap, &args.clap),
            ];
            let given = named.into_iter().filter_map(|(kind, path)| Some((kind, path.as_ref()?)));
            (&args.run, given.collect())
        }
    };
    let mut config = super::configuration(run.config.as_deref())?.features;
    adjust(&mut config);
    let apart = matches!(command, FeaturesCommand::All(_));
    let plan = plan(run, &config, &weights, apart)?;
    let stop = interrupt::install()?;
    let summary = work::run(&plan, stop, &*progress::choose(run.progress))?;
    finish(run, &summary)
}

/// Resolves the arguments. `apart`: each kind has a folder of its own below the output.
fn plan(
    run: &FeaturesRunArgs,
    config: &FeaturesConfig,
    weights: &[(Kind, &String)],
    apart: bool,
) -> anyhow::Result<Plan> {
    if run.output.exists() && !run.output.is_dir() {
        return Err(usage(format!(
            "{} is a file; -o takes the folder that feature files go into",
            run.output.display()
        )));
    }
    let videos = inputs::name(inputs::resolve(&run.inputs)?);
    let videos = videos.into_iter().filter(|(id, _)| super::annotate::belongs(id, run.shard));
    let mut kinds = BTreeMap::new();
    for (kind, name) in weights {
        let place = Place::find(name).map_err(|error| usage(chain(&error.into())))?;
        let path = if apart { run.output.join(kind.name()) } else { run.output.clone() };
        kinds.insert(*kind, (place, Folder::open(path, *kind)?));
    }
    Ok(Plan {
        videos: videos.collect(),
        kinds,
        options: options(config),
        effort: Effort {
            batch: run.batch.map_or(config.batch, |batch| batch as usize),
            decoder_threads: config.decoder_threads,
        },
        dtype: run.dtype.map(|dtype| match dtype {
            RowsDtypeChoice::F16 => Dtype::F16,
            RowsDtypeChoice::F32 => Dtype::F32,
        }),
        precision: run
            .precision
            .map_or_else(|| super::precision(config.precision), Precision::from),
        device: device::open(run.place.device)?,
        jobs: run.jobs.map_or(config.jobs, |jobs| jobs as usize),
        fresh: run.fresh,
    })
}

/// The configuration in the words of the encoders.
fn options(config: &FeaturesConfig) -> Options {
    Options {
        frames: config.frames,
        antialias: if config.antialias { Antialias::On } else { Antialias::Off },
        part: None,
        tail: match config.tail {
            Tail::Reference => beats::Tail::Reference,
            Tail::Full => beats::Tail::Full,
        },
        gaps: match config.gaps {
            Gaps::Joined => features::Gaps::Joined,
            Gaps::Silent => features::Gaps::Silent,
        },
        via_44100: config.via_44100,
    }
}

fn finish(run: &FeaturesRunArgs, summary: &Summary) -> anyhow::Result<Ending> {
    if let Some(path) = &run.rows_csv {
        output::file(path, |out| out.write_all(summary.csv().as_bytes()))?;
    }
    if run.json {
        output::json(summary)?;
    } else {
        output::text(&summary.text())?;
    }
    Ok(summary.ending())
}
