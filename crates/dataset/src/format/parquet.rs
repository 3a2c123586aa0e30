//! Parquet: a table with one row per event, as data tools read and write it.
//!
//! | column | type | other names that are read |
//! |---|---|---|
//! | `video` | text | `video_id`, `id`, `vid`, `youtube_id` |
//! | `duration` | double, seconds | `video_duration`, `length` |
//! | `subset` | text | `split` |
//! | `media` | text | `file`, `file_name`, `path`, `url` |
//! | `frame_rate` | double | `fps` |
//! | `start`, `end` | double, seconds | `start_time`, `start_seconds`, `begin`; `end_time`, `end_seconds` |
//! | `caption` | text | `text`, `sentence`, `description`, `desc` |
//! | `label` | text | `class`, `category` |
//! | `label_id` | whole number | `class_id`, `category_id` |
//! | `score` | double | `confidence` |
//! | `tier` | text | `track` |
//!
//! All but `video` may be absent or null. A video without events has one row in which everything from
//! `start` on is null. Names are compared without case; a column's own name goes before the others.
//! Columns of other names, lists and structures are left aside. The rows of a video may lie apart; what
//! they say of the video as a whole must agree.
//!
//! Times are whole microseconds, seconds in double precision in the file. Written files are compressed
//! with Zstandard.
//!
//! A file that claims more than its size can reasonably hold is refused (see [`read`]).

mod columns;
mod written;

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use omnivale_timeline::{Duration, Span, Time};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::DatasetError;
use crate::record::{Label, Record, Remark};
use columns::{COLUMNS, Cell, Column, Columns};
pub use written::write;

/// Rows that are decoded at a time.
const BATCH: usize = 4096;
/// Memory that records may take whatever the size of the file, in bytes.
const BUDGET: u64 = 64 << 20;
/// Memory that records may take on top, per byte of the file. Real tables of captions compress to a
/// fifth or so; a table whose rows are all alike, to far less.
const BUDGET_PER_BYTE: u64 = 200;
/// What a row costs besides its text.
const ROW_COST: u64 = 256;

/// The records of a table, in the order in which their videos first appear. `file` names it in errors.
///
/// # Errors
/// [`DatasetError::Read`]; [`DatasetError::Bytes`] for a file that is not Parquet, is damaged, or whose
/// rows would take more than 64 MiB and 200 times the size of the file in memory;
/// [`DatasetError::Shape`] with the row, counted from 1, for a value that is not what the column has.
pub fn read(mut input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut bytes = Vec::new();
    input
        .read_to_end(&mut bytes)
        .map_err(|source| DatasetError::Read { path: file.into(), source })?;
    // The decoder checks what it reads, but has assertions left that a hostile file can reach.
    let decoded = std::panic::catch_unwind(|| decode(Bytes::from(bytes), file));
    decoded.unwrap_or_else(|_| Err(damaged(file, "what its reader has no way to take")))
}

fn decode(bytes: Bytes, file: &str) -> Result<Vec<Record>, DatasetError> {
    let length = bytes.len() as u64;
    let mut budget = BUDGET.saturating_add(BUDGET_PER_BYTE.saturating_mul(length));
    let refused = |error: ParquetError| damaged(file, &error.to_string());
    let reader = SerializedFileReader::new(bytes).map_err(refused)?;
    let columns = Columns::of(reader.metadata().file_metadata().schema_descr(), file)?;
    let mut table = Table { file, row: 0, records: Vec::new(), by_id: BTreeMap::new() };
    for index in 0..reader.num_row_groups() {
        if !columns.lie_within(reader.metadata().row_group(index), length) {
            return Err(damaged(file, "columns that lie outside of it"));
        }
        let group = reader.get_row_group(index).map_err(refused)?;
        let rows = u64::try_from(group.metadata().num_rows()).unwrap_or(0);
        if rows.saturating_mul(ROW_COST) > budget {
            return Err(too_large(file, &format!("{rows} rows in one group")));
        }
        let mut open = columns.open(&*group).map_err(refused)?;
        let mut left = rows as usize;
        while left > 0 {
            let count = left.min(BATCH);
            let batch =
                columns::next_batch(&mut open, count, file, table.row).map_err(refused)??;
            let cost = columns::cost(&batch) + ROW_COST * count as u64;
            budget = budget
                .checked_sub(cost)
                .ok_or_else(|| too_large(file, "rows that unpack to many times its size"))?;
            for row in 0..count {
                table.add(&batch, row)?;
            }
            left -= count;
        }
    }
    Ok(table.records)
}

fn damaged(file: &str, found: &str) -> DatasetError {
    DatasetError::Bytes {
        file: file.to_owned(),
        expected: "a sound Parquet file".to_owned(),
        found: found.to_owned(),
    }
}

fn too_large(file: &str, found: &str) -> DatasetError {
    DatasetError::Bytes {
        file: file.to_owned(),
        expected: "a table of captions that fits its size".to_owned(),
        found: found.to_owned(),
    }
}

/// Rows put together to records.
struct Table<'a> {
    file: &'a str,
    /// Rows before this one.
    row: usize,
    records: Vec<Record>,
    by_id: BTreeMap<String, usize>,
}

impl Table<'_> {
    /// Adds row `row` of a batch.
    fn add(&mut self, batch: &BTreeMap<Column, Vec<Cell>>, row: usize) -> Result<(), DatasetError> {
        self.row += 1;
        let cell = |column| batch.get(&column).and_then(|cells| cells.get(row));
        let text = |column| match cell(column) {
            Some(Cell::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let number = |column| match cell(column) {
            Some(Cell::Number(number)) => Some(*number),
            _ => None,
        };
        let whole = |column| match cell(column) {
            Some(Cell::Whole(number)) => Some(*number),
            _ => None,
        };
        let id =
            text(Column::Video).ok_or_else(|| self.wrong(Column::Video, "a video's id", "null"))?;
        let seconds = |column| {
            let time = |seconds| {
                Time::from_seconds(seconds)
                    .ok_or_else(|| self.wrong(column, "a number of seconds", &seconds.to_string()))
            };
            number(column).map(time).transpose()
        };
        let duration = number(Column::Duration).map(|seconds| {
            let expected = "a number of seconds, not negative";
            Duration::from_seconds(seconds)
                .ok_or_else(|| self.wrong(Column::Duration, expected, &seconds.to_string()))
        });
        let duration = duration.transpose()?;
        let span = match (seconds(Column::Start)?, seconds(Column::End)?) {
            (None, None) => None,
            (Some(start), Some(end)) => Some(Span::between(start, end).map_err(|_| {
                let expected = format!("an end not before its start {start}");
                self.wrong(Column::End, &expected, &end.to_string())
            })?),
            (Some(_), None) => return Err(self.wrong(Column::End, "an end for the start", "null")),
            (None, Some(_)) => {
                return Err(self.wrong(Column::Start, "a start for the end", "null"));
            }
        };
        let label = Label { name: text(Column::Label), id: whole(Column::LabelId) };
        let remark = Remark {
            span,
            text: text(Column::Caption),
            label: (label != Label::default()).then_some(label),
            score: number(Column::Score),
            tier: text(Column::Tier),
        };
        let (subset, media) = (text(Column::Subset), text(Column::Media));
        let frame_rate = number(Column::FrameRate);

        let index = *self.by_id.entry(id).or_insert_with_key(|id| {
            self.records.push(Record { id: id.clone(), ..Record::default() });
            self.records.len() - 1
        });
        let record = &mut self.records[index];
        let differs = if !agree(&mut record.duration, duration) {
            Some((Column::Duration, "the duration"))
        } else if !agree(&mut record.subset, subset) {
            Some((Column::Subset, "the subset"))
        } else if !agree(&mut record.media, media) {
            Some((Column::Media, "the media"))
        } else if !agree(&mut record.frame_rate, frame_rate) {
            Some((Column::FrameRate, "the frame rate"))
        } else {
            None
        };
        if remark != Remark::default() {
            record.remarks.push(remark);
        }
        let Some((column, what)) = differs else { return Ok(()) };
        let expected = format!("{what} of the video's other rows");
        Err(self.wrong(column, &expected, "another one"))
    }

    fn wrong(&self, column: Column, expected: &str, found: &str) -> DatasetError {
        wrong(self.file, self.row, column, expected, found)
    }
}

/// The error for something else than what a column has in a row, counted from 1.
fn wrong(file: &str, row: usize, column: Column, expected: &str, found: &str) -> DatasetError {
    DatasetError::Shape {
        file: file.to_owned(),
        at: format!("row {row}, column {}", COLUMNS[column as usize].names[0]),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// Takes over a value that was not known; `false` if another one was.
fn agree<T: PartialEq>(known: &mut Option<T>, new: Option<T>) -> bool {
    match (&known, new) {
        (_, None) => true,
        (None, new) => {
            *known = new;
            true
        }
        (Some(known), Some(new)) => *known == new,
    }
}

#[cfg(test)]
mod tests;
