//! Writing the table.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::columns::{About, COLUMNS, Cell, Column, Kind};
use crate::DatasetError;
use crate::record::{Record, Remark};

/// Rows in a row group.
const GROUP: usize = 65_536;

/// Writes the table: the rows of each record together, in their order.
///
/// # Errors
/// [`DatasetError::CannotHold`] for two records with one id, whose rows would become one record, and for
/// a remark that says nothing; [`DatasetError::Write`].
pub fn write(output: impl Write + Send, records: &[Record]) -> Result<(), DatasetError> {
    check(records)?;
    let failed = |error: ParquetError| DatasetError::Write {
        file: "the Parquet file".to_owned(),
        source: std::io::Error::other(error),
    };
    let nothing = Remark::default();
    let rows: Vec<(&Record, &Remark)> = records
        .iter()
        .flat_map(|record| {
            let alone = record.remarks.is_empty().then_some(&nothing);
            record.remarks.iter().chain(alone).map(move |remark| (record, remark))
        })
        .collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(parquet::basic::ZstdLevel::default()))
        .build();
    let mut writer =
        SerializedFileWriter::new(output, schema().map_err(failed)?, Arc::new(properties))
            .map_err(failed)?;
    for rows in rows.chunks(GROUP) {
        write_group(&mut writer, rows).map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    Ok(())
}

fn check(records: &[Record]) -> Result<(), DatasetError> {
    let mut ids = BTreeSet::new();
    let unheld = |what: String, remedy: &str| DatasetError::CannotHold {
        format: "a Parquet table of events",
        what,
        remedy: remedy.to_owned(),
    };
    for record in records {
        if !ids.insert(&record.id) {
            return Err(unheld(format!("two videos {:?}", record.id), "give them different ids"));
        }
        if let Some(index) = record.remarks.iter().position(|remark| *remark == Remark::default()) {
            let what = format!("event {} of {:?}, which says nothing", index + 1, record.id);
            return Err(unheld(what, "leave it out"));
        }
    }
    Ok(())
}

fn schema() -> Result<Arc<Type>, ParquetError> {
    let field = |about: &About| {
        let (physical, converted) = match about.kind {
            Kind::Text => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
            Kind::Number => (Physical::DOUBLE, ConvertedType::NONE),
            Kind::Whole => (Physical::INT64, ConvertedType::NONE),
        };
        let repetition = match about.column {
            Column::Video => Repetition::REQUIRED,
            _ => Repetition::OPTIONAL,
        };
        let field = Type::primitive_type_builder(about.names[0], physical)
            .with_converted_type(converted)
            .with_repetition(repetition)
            .build()?;
        Ok(Arc::new(field))
    };
    let fields = COLUMNS.iter().map(field).collect::<Result<Vec<_>, ParquetError>>()?;
    Ok(Arc::new(Type::group_type_builder("events").with_fields(fields).build()?))
}

fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    rows: &[(&Record, &Remark)],
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for About { column, kind, .. } in &COLUMNS {
        let Some(mut out) = group.next_column()? else { break };
        let cells = rows.iter().map(|(record, remark)| cell(*column, record, remark));
        match kind {
            Kind::Text => put::<ByteArrayType>(&mut out, cells, |cell| match cell {
                Cell::Text(text) => Some(ByteArray::from(text.into_bytes())),
                _ => None,
            })?,
            Kind::Number => put::<DoubleType>(&mut out, cells, |cell| match cell {
                Cell::Number(number) => Some(number),
                _ => None,
            })?,
            Kind::Whole => put::<Int64Type>(&mut out, cells, |cell| match cell {
                Cell::Whole(number) => Some(number),
                _ => None,
            })?,
        }
        out.close()?;
    }
    group.close()?;
    Ok(())
}

fn put<T: DataType>(
    out: &mut SerializedColumnWriter<'_>,
    cells: impl Iterator<Item = Cell>,
    value: impl Fn(Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for cell in cells {
        let value = value(cell);
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    // A required column takes no notice of the levels.
    out.typed::<T>().write_batch(&values, Some(&levels), None)?;
    Ok(())
}

fn cell(column: Column, record: &Record, remark: &Remark) -> Cell {
    let text = |text: &Option<String>| text.clone().map_or(Cell::Null, Cell::Text);
    let number = |number: Option<f64>| number.map_or(Cell::Null, Cell::Number);
    let label = remark.label.as_ref();
    match column {
        Column::Video => Cell::Text(record.id.clone()),
        Column::Duration => number(record.duration.map(|duration| duration.seconds())),
        Column::Subset => text(&record.subset),
        Column::Media => text(&record.media),
        Column::FrameRate => number(record.frame_rate),
        Column::Start => number(remark.span.map(|span| span.start.seconds())),
        Column::End => number(remark.span.map(|span| span.end().seconds())),
        Column::Caption => text(&remark.text),
        Column::Label => text(&label.and_then(|label| label.name.clone())),
        Column::LabelId => label.and_then(|label| label.id).map_or(Cell::Null, Cell::Whole),
        Column::Score => number(remark.score),
        Column::Tier => text(&remark.tier),
    }
}
