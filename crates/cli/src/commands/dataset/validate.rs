//! `omnivale dataset validate`.

use crate::args::ValidateArgs;
use crate::exit::{Ending, usage};

pub(super) fn run(args: &ValidateArgs) -> anyhow::Result<Ending> {
    Err(usage(format!("not built yet: {}", args.file.display())))
}
