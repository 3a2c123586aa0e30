//! `omnivale dataset convert`.

use crate::args::ConvertArgs;
use crate::exit::{Ending, usage};

pub(super) fn run(args: &ConvertArgs) -> anyhow::Result<Ending> {
    Err(usage(format!("not built yet: {}", args.file.display())))
}
