//! Sounds and what is heard in them: the tables of AudioCaps, Clotho and AudioSet, and JSON lists.
//!
//! | file | columns |
//! |---|---|
//! | AudioCaps | `audiocap_id, youtube_id, start_time, caption`: ten seconds of a video from `start_time` on |
//! | Clotho | `file_name, caption_1, ..., caption_5`: whole recordings |
//! | AudioSet segments | `YTID, start_seconds, end_seconds, positive_labels`: lines that begin with `#` are comments |
//! | JSON | a list of `{"id" and/or "audio", "caption"}`, with an optional `duration` in seconds |
//!
//! The columns of the first two are found by the names in the first row; others are ignored.

mod audiocaps;
mod audioset;
mod clotho;
mod list;

use std::io::Read;

use csv::StringRecord;

use crate::DatasetError;
use crate::error::unwritten;

pub(crate) use audiocaps::are_numbered;
pub use audiocaps::{LENGTH as AUDIOCAPS_LENGTH, read as read_audiocaps, write as write_audiocaps};
pub use audioset::{read as read_audioset, write as write_audioset};
pub use clotho::{read as read_clotho, write as write_clotho};
pub use list::{read as read_list, write as write_list};

/// A table whose first row names its columns.
struct Table<'a, R> {
    file: &'a str,
    header: StringRecord,
    rows: csv::StringRecordsIntoIter<R>,
}

/// A row with the line it begins on, from 1.
struct Row<'a> {
    file: &'a str,
    line: usize,
    cells: StringRecord,
}

impl<'a, R: Read> Table<'a, R> {
    fn open(input: R, file: &'a str) -> Result<Table<'a, R>, DatasetError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let header = reader.headers().map_err(|error| wrong(file, error))?.clone();
        Ok(Table { file, header, rows: reader.into_records() })
    }

    /// The place of the column `name`.
    fn column(&self, name: &'static str) -> Result<usize, DatasetError> {
        let place = self.header.iter().position(|column| column.trim() == name);
        place.ok_or_else(|| DatasetError::Line {
            file: self.file.to_owned(),
            line: 1,
            expected: name,
            found: format!("the columns {}", self.header.iter().collect::<Vec<_>>().join(", ")),
        })
    }

    fn next(&mut self) -> Result<Option<Row<'a>>, DatasetError> {
        let Some(row) = self.rows.next() else { return Ok(None) };
        let cells = row.map_err(|error| wrong(self.file, error))?;
        let line = cells.position().map_or(0, csv::Position::line) as usize;
        Ok(Some(Row { file: self.file, line, cells }))
    }
}

impl Row<'_> {
    /// The cell in a column, which must be there.
    fn cell(&self, column: usize, expected: &'static str) -> Result<&str, DatasetError> {
        self.cells.get(column).ok_or_else(|| self.expected(expected, "the end of the row"))
    }

    fn expected(&self, expected: &'static str, found: &str) -> DatasetError {
        DatasetError::Line {
            file: self.file.to_owned(),
            line: self.line,
            expected,
            found: found.to_owned(),
        }
    }
}

fn wrong(file: &str, source: csv::Error) -> DatasetError {
    let line = source.position().map_or(0, csv::Position::line);
    DatasetError::Csv { file: file.to_owned(), line, source }
}

/// That the output refused a row.
fn refused(error: csv::Error) -> DatasetError {
    unwritten(error.into())
}

/// A media file's name without its folder and ending; nothing where it does not end as sounds and
/// videos do, so that an id with a point in it stays whole.
pub(crate) fn media_stem(name: &str) -> Option<&str> {
    const ENDINGS: [&str; 12] =
        ["wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "mp4", "mkv", "webm", "mov", "avi"];
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (stem, ending) = file.rsplit_once('.')?;
    let is_media = ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known));
    (is_media && !stem.is_empty()).then_some(stem)
}
