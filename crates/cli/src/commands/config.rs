//! `omnivale config`.

use omnivale_annotate::config::DEFAULT_TOML;

use crate::args::ConfigArgs;
use crate::exit::Ending;
use crate::output;

pub(super) fn run(args: &ConfigArgs) -> anyhow::Result<Ending> {
    match &args.check {
        None => output::text(DEFAULT_TOML)?,
        Some(path) => {
            super::configuration(Some(path))?;
            output::text(&format!("{} can be used\n", path.display()))?;
        }
    }
    Ok(Ending::Done)
}
