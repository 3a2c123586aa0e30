//! `omnivale dataset pseudo`.

mod features;
mod folder;
mod minilm;
mod render;
mod summary;

use std::path::{Path, PathBuf};
use std::time::Instant;

use omnivale_dataset::dialogue::Templates;
use omnivale_dataset::npy;
use omnivale_dataset::pseudo::clips::{self, Clips};
use omnivale_dataset::pseudo::cluster::cluster;
use omnivale_dataset::pseudo::embed::{Embeddings, LatentSemantics, SentenceEmbedder};
use omnivale_dataset::pseudo::plan::plan;
use omnivale_dataset::pseudo::{PseudoConfig, write};
use serde_json::json;

use self::summary::{Groups, LeftOut, Summary};
use super::{Origin, write_manifest};
use crate::args::PseudoArgs;
use crate::exit::{Ending, chain, usage};
use crate::{interrupt, output};

pub(super) fn run(args: &PseudoArgs) -> anyhow::Result<Ending> {
    let config = crate::commands::configuration(args.config.as_deref())?.pseudo;
    config.check().map_err(|error| usage(chain(&error.into())))?;
    let outputs = Outputs::beside(&args.output)?;
    outputs.refuse_overwriting(args)?;
    let templates = match &args.templates {
        Some(path) => Templates::read_file(path)?,
        None => Templates::default(),
    };
    let stop = interrupt::install()?;
    let mut watch = Watch::start();

    let format = args.from.as_deref().map(super::convert::named).transpose()?;
    let mut clips = clips::read_file(&args.file, format, &config)?;
    for passed_over in &clips.passed_over {
        eprintln!("warning: not read: {passed_over}");
    }
    let features = features::Sources::open(&args.features, &clips.clips)?;
    let media = render::Media::open(&args.render)?;
    let without_features = clips.retain(|clip| features.has(&clip.id));
    let without_file = clips.retain(|clip| media.as_ref().is_none_or(|media| media.has(&clip.id)));
    watch.lap("read");
    let embeddings = embeddings(args, &clips, &config)?;
    watch.lap("embed");
    let clusters = cluster(&embeddings, &config.clusters, config.clips_min, args.seed);
    watch.lap("cluster");
    let count = match args.count {
        Some(count) => count as usize,
        None => (clips.clips.len() as f64 * config.videos_per_clip).round() as usize,
    };
    let plan = plan(&clips.clips, &embeddings, &clusters, &config, count, args.seed);
    watch.lap("plan");
    if plan.videos.is_empty() {
        anyhow::bail!(
            "no pseudo video can be made of {} clips in {} clusters: more clips are needed whose \
             captions are alike, or a lower `similarity_min` in `[pseudo]`",
            clips.clips.len(),
            clusters.groups.len()
        );
    }

    output::file(&outputs.dialogues, |out| {
        write::dialogues(out, &plan, &clips.clips, &templates, args.seed)
    })?;
    output::file(&outputs.annotations, |out| write::annotations(out, &plan, &clips.clips))?;
    let mut written: Vec<&Path> = vec![&outputs.dialogues, &outputs.annotations];
    if args.records {
        output::file(&outputs.records, |out| write::records(out, &plan, &clips.clips))?;
        written.push(&outputs.records);
    }
    watch.lap("write");
    let assembled = features.assemble(&plan, &clips.clips, &config.features, stop)?;
    watch.lap("features");

    let mut summary = Summary {
        left_out: LeftOut {
            without_features,
            without_file,
            alone: clusters.alone.len(),
            without_known_words: clusters.blank.len(),
        },
        clusters: Groups::of(&clusters),
        features: assembled,
        ..Summary::new(&clips, &plan.tally)
    };
    let model = args.minilm.as_deref().map(minilm::files).unwrap_or_default();
    let mut inputs: Vec<&Path> = vec![&args.file];
    inputs.extend(model.iter().map(PathBuf::as_path));
    inputs.extend(args.embeddings.as_deref());
    inputs.extend(args.templates.as_deref());
    let origin = Origin {
        command: "dataset pseudo",
        seed: args.seed,
        configuration: json!({
            "pseudo": config,
            "count": count,
            "templates": templates,
            "missing": args.features.missing,
        }),
        inputs: &inputs,
        counts: serde_json::to_value(&summary)?,
    };
    write_manifest(origin, &written)?;
    watch.lap("manifest");
    if let Some(media) = &media {
        summary.rendered = Some(media.render(&plan, &clips.clips, &config, stop)?);
        watch.lap("render");
    }
    if args.json {
        output::json(&summary)?;
    } else {
        eprint!("{}", summary.text(&args.output));
    }
    Ok(summary.ending())
}

/// The embeddings of the clips, one row each.
fn embeddings(
    args: &PseudoArgs,
    clips: &Clips,
    config: &PseudoConfig,
) -> anyhow::Result<Embeddings> {
    let Some(path) = &args.embeddings else {
        let captions: Vec<&str> = clips.clips.iter().map(|clip| clip.caption.as_str()).collect();
        if let Some(folder) = &args.minilm {
            return minilm::embed(folder, &captions);
        }
        let embedder = LatentSemantics { config: config.embedding.clone(), seed: args.seed };
        return Ok(embedder.embed(&captions)?);
    };
    let rows = npy::read_file(path)?;
    if rows.rows != clips.entries {
        anyhow::bail!(
            "{} has {} rows, {} has {} clips: there must be one row per clip, in the same order",
            path.display(),
            rows.rows,
            args.file.display(),
            clips.entries
        );
    }
    let picked = clips.rows.iter().filter_map(|&row| rows.row(row)).flatten().copied().collect();
    Ok(Embeddings::new(rows.width, picked)?)
}

/// Where everything goes.
struct Outputs {
    dialogues: PathBuf,
    annotations: PathBuf,
    records: PathBuf,
}

impl Outputs {
    fn beside(path: &Path) -> anyhow::Result<Outputs> {
        let Some(stem) = path.file_stem() else {
            return Err(usage(format!("-o {} is not the name of a file", path.display())));
        };
        let beside = |ending: &str| {
            let mut name = stem.to_owned();
            name.push(ending);
            path.with_file_name(name)
        };
        Ok(Outputs {
            dialogues: path.to_owned(),
            annotations: beside(".annotations.json"),
            records: beside(".records.json"),
        })
    }

    /// What is read must still be there afterwards.
    fn refuse_overwriting(&self, args: &PseudoArgs) -> anyhow::Result<()> {
        let inputs: Vec<PathBuf> =
            [Some(&args.file), args.embeddings.as_ref(), args.templates.as_ref()]
                .into_iter()
                .flatten()
                .filter_map(|input| input.canonicalize().ok())
                .collect();
        for output in [&self.dialogues, &self.annotations, &self.records] {
            if output.canonicalize().is_ok_and(|output| inputs.contains(&output)) {
                return Err(usage(format!(
                    "-o would overwrite {}, which is read; choose another name",
                    output.display()
                )));
            }
        }
        Ok(())
    }
}

/// How long each stage takes, for the log.
struct Watch(Instant);

impl Watch {
    fn start() -> Watch {
        Watch(Instant::now())
    }

    fn lap(&mut self, stage: &str) {
        tracing::info!("{stage}: {:.2} s", self.0.elapsed().as_secs_f64());
        self.0 = Instant::now();
    }
}
