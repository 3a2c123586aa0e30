//! `omnivale dataset split`.

use crate::args::SplitArgs;
use crate::exit::{Ending, usage};

pub(super) fn run(args: &SplitArgs) -> anyhow::Result<Ending> {
    Err(usage(format!("not built yet: {}", args.file.display())))
}
