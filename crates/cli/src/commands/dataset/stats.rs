//! `omnivale dataset stats`.

use crate::args::StatsArgs;
use crate::exit::{Ending, usage};

pub(super) fn run(args: &StatsArgs) -> anyhow::Result<Ending> {
    Err(usage(format!("not built yet: {}", args.file.display())))
}
