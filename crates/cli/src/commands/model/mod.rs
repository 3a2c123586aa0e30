//! `omnivale model`: folders of models.

mod init;

use crate::args::ModelCommand;
use crate::exit::Ending;

/// Runs the subcommand that was asked for.
pub(super) fn dispatch(command: &ModelCommand) -> anyhow::Result<Ending> {
    match command {
        ModelCommand::Init(args) => init::run(args),
    }
}
