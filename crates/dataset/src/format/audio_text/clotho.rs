//! Clotho: several captions of each recording.

use std::io::{Read, Write};

use super::{Table, media_stem, refused};
use crate::DatasetError;
use crate::error::{Need, lacks, unwritten};
use crate::format::collect::Collector;
use crate::record::{Record, Remark};

/// The columns that Clotho itself has.
const CAPTIONS: usize = 5;

/// The captions of each recording, in the order of the file. Blank cells hold no caption. The id is
/// the file's name without its ending, the media the name as it stands.
///
/// # Errors
/// [`DatasetError::Csv`], and [`DatasetError::Line`] for the first row that is not what the format has
/// there.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut table = Table::open(input, file)?;
    let (name, first) = (table.column("file_name")?, table.column("caption_1")?);
    let captions: Vec<usize> = (0..table.header.len())
        .filter(|column| *column == first || is_caption(&table.header[*column]))
        .collect();
    let mut records = Collector::default();
    while let Some(row) = table.next()? {
        let name = row.cell(name, "a file_name")?;
        let id = media_stem(name);
        let record = records.record(id.unwrap_or(name));
        record.media = id.map(|_| name.to_owned());
        for column in &captions {
            let text = row.cell(*column, "a caption")?;
            if !text.trim().is_empty() {
                record.remarks.push(Remark { text: Some(text.to_owned()), ..Remark::default() });
            }
        }
    }
    Ok(records.finish())
}

fn is_caption(column: &str) -> bool {
    column.trim().strip_prefix("caption_").is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Writes the table, with as many columns as the most captions need and no fewer than Clotho's five.
/// The file's name is the media's where that is the id with an ending, else the id.
///
/// # Errors
/// [`DatasetError::Lacks`] where a caption is absent, and whatever `output` refuses.
pub fn write(output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    let most = records.iter().map(|record| record.remarks.len()).max().unwrap_or_default();
    let columns = most.max(CAPTIONS);
    let mut table = csv::Writer::from_writer(output);
    let names = (1..=columns).map(|number| format!("caption_{number}"));
    table.write_record(["file_name".to_owned()].into_iter().chain(names)).map_err(refused)?;
    for record in records {
        let media = record.media.as_deref();
        let media = media.filter(|media| media_stem(media) == Some(record.id.as_str()));
        let mut row = vec![media.unwrap_or(&record.id)];
        for remark in &record.remarks {
            let text = remark.text.as_deref();
            row.push(text.ok_or_else(|| lacks("clotho", Need::Text, &record.id))?);
        }
        row.resize(columns + 1, "");
        table.write_record(row).map_err(refused)?;
    }
    table.flush().map_err(unwritten)
}
