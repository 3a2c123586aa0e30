//! Columns by name, and their cells batch by batch.

use std::collections::BTreeMap;

use parquet::basic::{ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::RowGroupReader;
use parquet::schema::types::SchemaDescriptor;

use super::wrong;
use crate::DatasetError;

/// A column of the table; the number is its place in [`COLUMNS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Video,
    Duration,
    Subset,
    Media,
    FrameRate,
    Start,
    End,
    Caption,
    Label,
    LabelId,
    Score,
    Tier,
}

/// What a column's cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Whole,
}

pub(super) struct About {
    pub(super) column: Column,
    pub(super) kind: Kind,
    /// Its own name, then the others that are read.
    pub(super) names: &'static [&'static str],
}

const fn about(column: Column, kind: Kind, names: &'static [&'static str]) -> About {
    About { column, kind, names }
}

/// All columns, in the order in which they are written.
pub(super) const COLUMNS: [About; 12] = [
    about(Column::Video, Kind::Text, &["video", "video_id", "id", "vid", "youtube_id"]),
    about(Column::Duration, Kind::Number, &["duration", "video_duration", "length"]),
    about(Column::Subset, Kind::Text, &["subset", "split"]),
    about(Column::Media, Kind::Text, &["media", "file", "file_name", "path", "url"]),
    about(Column::FrameRate, Kind::Number, &["frame_rate", "fps"]),
    about(Column::Start, Kind::Number, &["start", "start_time", "start_seconds", "begin"]),
    about(Column::End, Kind::Number, &["end", "end_time", "end_seconds"]),
    about(Column::Caption, Kind::Text, &["caption", "text", "sentence", "description", "desc"]),
    about(Column::Label, Kind::Text, &["label", "class", "category"]),
    about(Column::LabelId, Kind::Whole, &["label_id", "class_id", "category_id"]),
    about(Column::Score, Kind::Number, &["score", "confidence"]),
    about(Column::Tier, Kind::Text, &["tier", "track"]),
];

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Number(f64),
    Whole(i64),
}

/// Which columns a file has, and where.
pub(super) struct Columns {
    found: Vec<(Column, Kind, usize)>,
}

impl Columns {
    pub(super) fn of(schema: &SchemaDescriptor, file: &str) -> Result<Columns, DatasetError> {
        let mut flat: BTreeMap<String, usize> = BTreeMap::new();
        for (index, column) in schema.columns().iter().enumerate() {
            if column.max_rep_level() == 0 && column.path().parts().len() == 1 {
                flat.entry(column.name().to_lowercase()).or_insert(index);
            }
        }
        let mut found = Vec::new();
        for About { column, kind, names } in &COLUMNS {
            let Some(index) = names.iter().find_map(|name| flat.get(*name)) else { continue };
            let descriptor = &schema.columns()[*index];
            let (physical, converted) = (descriptor.physical_type(), descriptor.converted_type());
            if !fits(*kind, physical, converted) {
                return Err(DatasetError::Shape {
                    file: file.to_owned(),
                    at: format!("column {}", descriptor.name()),
                    expected: match kind {
                        Kind::Text => "text",
                        Kind::Number => "numbers",
                        Kind::Whole => "whole numbers",
                    }
                    .to_owned(),
                    found: match converted {
                        ConvertedType::NONE => format!("{physical}"),
                        converted => format!("{converted}"),
                    },
                });
            }
            found.push((*column, *kind, *index));
        }
        if found.first().is_none_or(|(column, ..)| *column != Column::Video) {
            let names: Vec<&str> = flat.keys().map(String::as_str).take(12).collect();
            return Err(DatasetError::Shape {
                file: file.to_owned(),
                at: "the table's head".to_owned(),
                expected: "a column video".to_owned(),
                found: if names.is_empty() {
                    "no flat column".to_owned()
                } else {
                    names.join(", ")
                },
            });
        }
        Ok(Columns { found })
    }

    /// Whether the bytes of a row group's columns are bytes of a file of `length`.
    pub(super) fn lie_within(&self, group: &RowGroupMetaData, length: u64) -> bool {
        self.found.iter().all(|(.., index)| {
            let Some(column) = group.columns().get(*index) else { return false };
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let start = u64::try_from(start).ok();
            let size = u64::try_from(column.compressed_size()).ok();
            let end = start.zip(size).and_then(|(start, size)| start.checked_add(size));
            end.is_some_and(|end| end <= length)
        })
    }

    /// Readers of a row group's columns.
    pub(super) fn open(&self, group: &dyn RowGroupReader) -> Result<Vec<Open>> {
        let open = |(column, kind, index): &(Column, Kind, usize)| {
            let max_level = group.metadata().column(*index).column_descr().max_def_level();
            let reader = group.get_column_reader(*index)?;
            Ok(Open { column: *column, kind: *kind, max_level, reader })
        };
        self.found.iter().map(open).collect()
    }
}

fn fits(kind: Kind, physical: Type, converted: ConvertedType) -> bool {
    use ConvertedType as C;
    let plain = matches!(
        converted,
        C::NONE
            | C::INT_8
            | C::INT_16
            | C::INT_32
            | C::INT_64
            | C::UINT_8
            | C::UINT_16
            | C::UINT_32
    );
    match (kind, physical) {
        (Kind::Text, Type::BYTE_ARRAY) => {
            matches!(converted, C::NONE | C::UTF8 | C::ENUM | C::JSON)
        }
        // Ids may be numbers.
        (Kind::Text | Kind::Whole | Kind::Number, Type::INT32 | Type::INT64) => plain,
        (Kind::Number, Type::FLOAT | Type::DOUBLE) => plain,
        _ => false,
    }
}

/// A column of a row group, while it is read.
pub(super) struct Open {
    column: Column,
    kind: Kind,
    max_level: i16,
    reader: ColumnReader,
}

/// The next `count` rows of every column. The inner error is for a cell that is not what its column has;
/// `before` rows of the file lie before the batch.
pub(super) fn next_batch(
    open: &mut [Open],
    count: usize,
    file: &str,
    before: usize,
) -> Result<Result<BTreeMap<Column, Vec<Cell>>, DatasetError>> {
    let mut batch = BTreeMap::new();
    for one in open {
        let (kind, level) = (one.kind, one.max_level);
        let number = |value: f64| Cell::Number(value);
        let whole = |value: i64| match kind {
            Kind::Text => Cell::Text(value.to_string()),
            Kind::Number => Cell::Number(value as f64),
            Kind::Whole => Cell::Whole(value),
        };
        let cells = match &mut one.reader {
            ColumnReader::Int32ColumnReader(r) => cells(r, count, level, |v| Ok(whole(v.into())))?,
            ColumnReader::Int64ColumnReader(r) => cells(r, count, level, |v| Ok(whole(v)))?,
            ColumnReader::FloatColumnReader(r) => cells(r, count, level, |v| Ok(number(v.into())))?,
            ColumnReader::DoubleColumnReader(r) => cells(r, count, level, |v| Ok(number(v)))?,
            ColumnReader::ByteArrayColumnReader(r) => cells(r, count, level, |v: ByteArray| {
                v.as_utf8().map(|text| Cell::Text(text.to_owned())).map_err(|_| "text in UTF-8")
            })?,
            _ => return Err(ParquetError::General("a column of another type".to_owned())),
        };
        match cells {
            Ok(cells) => batch.insert(one.column, cells),
            Err((row, expected)) => {
                return Ok(Err(wrong(
                    file,
                    before + row + 1,
                    one.column,
                    expected,
                    "something else",
                )));
            }
        };
    }
    Ok(Ok(batch))
}

/// The next `count` cells of a column; or the place of the first that cannot be had, and what was
/// expected there.
fn cells<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    count: usize,
    max_level: i16,
    cell: impl Fn(T::T) -> Result<Cell, &'static str>,
) -> Result<Result<Vec<Cell>, (usize, &'static str)>> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (rows, ..) = reader.read_records(count, Some(&mut levels), None, &mut values)?;
    if rows != count || (max_level > 0 && levels.len() != count) {
        return Err(ParquetError::General("a column has fewer rows than the table".to_owned()));
    }
    let mut values = values.into_iter();
    let mut cells = Vec::with_capacity(count);
    for row in 0..count {
        let is_null = levels.get(row).is_some_and(|level| *level < max_level);
        let value = if is_null { None } else { values.next() };
        match value.map(&cell).transpose() {
            Ok(value) => cells.push(value.unwrap_or(Cell::Null)),
            Err(expected) => return Ok(Err((row, expected))),
        }
    }
    Ok(Ok(cells))
}

/// Memory that the text of a batch takes.
pub(super) fn cost(batch: &BTreeMap<Column, Vec<Cell>>) -> u64 {
    let length = |cell: &Cell| match cell {
        Cell::Text(text) => text.len() as u64,
        _ => 0,
    };
    batch.values().flatten().map(length).sum()
}
