//! `omnivale dataset pseudo`.

use crate::args::PseudoArgs;
use crate::exit::{Ending, usage};

pub(super) fn run(args: &PseudoArgs) -> anyhow::Result<Ending> {
    Err(usage(format!("not built yet: {}", args.file.display())))
}
