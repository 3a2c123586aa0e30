//! `omnivale dataset dialogues`.

use crate::args::DialoguesArgs;
use crate::exit::{Ending, usage};

pub(super) fn run(args: &DialoguesArgs) -> anyhow::Result<Ending> {
    Err(usage(format!("not built yet: {}", args.file.display())))
}
