//! `omnivale dataset`: one module per subcommand.

mod charts;
mod convert;
mod dialogues;
mod figures;
mod markup;
mod page;
mod pseudo;
mod split;
mod stats;
mod validate;

use std::path::{Path, PathBuf};

use omnivale_dataset::manifest::{Digest, Manifest, SCHEMA};
use serde_json::Value;

use crate::args::DatasetCommand;
use crate::exit::Ending;
use crate::output;

/// Runs the subcommand that was asked for.
pub(super) fn dispatch(command: &DatasetCommand) -> anyhow::Result<Ending> {
    match command {
        DatasetCommand::Stats(args) => stats::run(args),
        DatasetCommand::Validate(args) => validate::run(args),
        DatasetCommand::Convert(args) => convert::run(args),
        DatasetCommand::Split(args) => split::run(args),
        DatasetCommand::Dialogues(args) => dialogues::run(args),
        DatasetCommand::Pseudo(args) => pseudo::run(args),
    }
}

/// What a generated file was made from; see [`Manifest`].
struct Origin<'a> {
    /// `dataset dialogues`.
    command: &'a str,
    seed: u64,
    /// Every value that was used, defaults included.
    configuration: Value,
    inputs: &'a [&'a Path],
    counts: Value,
}

/// Writes the manifest of `outputs`, all in one folder, beside the first of them:
/// `NAME.manifest.json`. Gives its path.
fn write_manifest(origin: Origin<'_>, outputs: &[&Path]) -> anyhow::Result<PathBuf> {
    let digests = |paths: &[&Path]| -> Result<Vec<Digest>, _> {
        paths.iter().map(|path| Digest::of_file(path)).collect()
    };
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: origin.command.to_owned(),
        seed: origin.seed,
        configuration: origin.configuration,
        inputs: digests(origin.inputs)?,
        outputs: digests(outputs)?,
        counts: origin.counts,
    };
    let first = outputs.first().expect("a generated file");
    let mut name = first.file_name().unwrap_or_default().to_owned();
    name.push(".manifest.json");
    let path = first.with_file_name(name);
    output::file(&path, |out| {
        serde_json::to_writer_pretty(&mut *out, &manifest)?;
        out.write_all(b"\n")
    })?;
    Ok(path)
}
