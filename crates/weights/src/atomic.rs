//! A file that takes its place whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::WeightsError;

/// A file written beside its place and moved there at the end; dropped before that, it leaves nothing behind.
pub(crate) struct Replacement {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
}

impl Replacement {
    pub(crate) fn new(path: &Path) -> Result<Self, WeightsError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // As any other new file; temporary ones are otherwise for their owner only.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary = builder.tempfile_in(folder.unwrap_or(Path::new(".")));
        let temporary = temporary.map_err(|source| failed(path, source))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::with_capacity(1 << 16, temporary) })
    }

    pub(crate) fn out(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Flushes the file to disk and puts it in its place.
    pub(crate) fn finish(self) -> Result<(), WeightsError> {
        let Self { path, out } = self;
        let written = (|| {
            let temporary = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path)?;
            Ok(())
        })();
        written.map_err(|source| failed(&path, source))
    }

    /// Flushes the file and hands it over, not yet in its place.
    pub(crate) fn flushed(self) -> Result<(PathBuf, NamedTempFile), WeightsError> {
        let Self { path, out } = self;
        let temporary = out.into_inner().map_err(std::io::IntoInnerError::into_error);
        let temporary = temporary.map_err(|source| failed(&path, source))?;
        temporary.as_file().sync_all().map_err(|source| failed(&path, source))?;
        Ok((path, temporary))
    }

    /// The file itself, for a writer that seeks.
    pub(crate) fn file(&mut self) -> &mut File {
        self.out.get_mut().as_file_mut()
    }
}

pub(crate) fn failed(path: &Path, source: std::io::Error) -> WeightsError {
    WeightsError::Write { path: path.to_owned(), source }
}
