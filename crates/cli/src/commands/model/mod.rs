//! `omnivale model`: files and folders of models.

mod checkpoint;
mod convert;
mod folder;
mod init;
mod inspect;
mod merge;
mod quantize;

use crate::args::ModelCommand;
use crate::exit::Ending;

/// Runs the subcommand that was asked for.
pub(super) fn dispatch(command: &ModelCommand) -> anyhow::Result<Ending> {
    match command {
        ModelCommand::Init(args) => init::run(args),
        ModelCommand::Inspect(args) => inspect::run(args),
        ModelCommand::Convert(args) => convert::run(args),
        ModelCommand::Merge(args) => merge::run(args),
        ModelCommand::Quantize(args) => quantize::run(args),
    }
}
