//! Results on standard output and in files.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context;

use serde::Serialize;

/// Prints one JSON document.
///
/// # Errors
/// If standard output cannot be written to.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    bytes(&text)
}

/// Prints text.
///
/// # Errors
/// If standard output cannot be written to.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    bytes(text.as_bytes())
}

/// Writes a file that is there whole or not at all: beside its place, flushed, then renamed.
///
/// # Errors
/// If the folder cannot be written to, or `write` fails; then nothing is left behind.
pub(crate) fn file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = (|| {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any other new file; temporary ones are otherwise for their owner only.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        let mut out = BufWriter::new(temporary);
        write(&mut out)?;
        let temporary = out.into_inner().map_err(|error| error.into_error())?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        Ok::<(), io::Error>(())
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}
