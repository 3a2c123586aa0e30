//! Ctrl-C: the first asks for an orderly stop, the second ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

static STOP: AtomicBool = AtomicBool::new(false);

/// Installs the handler and gives the flag it sets.
///
/// # Errors
/// If the system refuses the handler.
pub(crate) fn install() -> anyhow::Result<&'static AtomicBool> {
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            // Safe at any moment: writes are atomic renames.
            std::process::exit(1);
        }
        eprintln!("\nstopping after the write in flight; press Ctrl-C again to stop at once");
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(&STOP)
}
