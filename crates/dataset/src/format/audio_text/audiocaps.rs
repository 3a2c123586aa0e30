//! AudioCaps: captions of ten seconds of sound.

use std::collections::HashSet;
use std::io::{Read, Write};

use omnivale_timeline::{Duration, Span, Time};

use super::{Table, refused};
use crate::DatasetError;
use crate::error::{Need, lacks, unwritten};
use crate::format::collect::Collector;
use crate::record::{Record, Remark};

/// Length of every clip. The table states where a clip starts; that it is ten seconds long is how
/// AudioCaps, as AudioSet before it, was made.
pub const LENGTH: Duration = Duration::from_millis(10_000);

/// The captions of each video, in the order in which the videos first appear. The number of a caption
/// (`audiocap_id`) becomes its tier.
///
/// # Errors
/// [`DatasetError::Csv`], and [`DatasetError::Line`] for the first row that is not what the format has
/// there.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut table = Table::open(input, file)?;
    let number = table.column("audiocap_id")?;
    let [video, start, caption] =
        [table.column("youtube_id")?, table.column("start_time")?, table.column("caption")?];
    let mut records = Collector::default();
    while let Some(row) = table.next()? {
        let (number, video) =
            (row.cell(number, "an audiocap_id")?, row.cell(video, "a youtube_id")?);
        let text = row.cell(start, "a start_time")?;
        let start = text.trim().parse().ok().and_then(Time::from_seconds);
        let start =
            start.ok_or_else(|| row.expected("a start_time in seconds", &format!("{text:?}")))?;
        let text = row.cell(caption, "a caption")?.to_owned();
        records.record(video).remarks.push(Remark {
            span: Some(Span::new(start, LENGTH)),
            text: Some(text),
            tier: Some(number.to_owned()),
            ..Remark::default()
        });
    }
    Ok(records.finish())
}

/// Writes the table. Captions keep the numbers they were read with, if each has one of its own; else
/// they are numbered from 1.
///
/// # Errors
/// [`DatasetError::Lacks`] where a time or a caption is absent, and whatever `output` refuses.
pub fn write(output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    let mut table = csv::Writer::from_writer(output);
    table.write_record(["audiocap_id", "youtube_id", "start_time", "caption"]).map_err(refused)?;
    let keeps = are_numbered(records);
    let mut row = 0usize;
    for record in records {
        for remark in &record.remarks {
            row += 1;
            let lack = |need| lacks("audiocaps", need, &record.id);
            let number = match &remark.tier {
                Some(number) if keeps => number.clone(),
                _ => row.to_string(),
            };
            let span = remark.span.ok_or_else(|| lack(Need::Span))?;
            let text = remark.text.as_deref().ok_or_else(|| lack(Need::Text))?;
            let start = span.start.seconds_to_millis().to_string();
            table.write_record([&number, &record.id, &start, text]).map_err(refused)?;
        }
    }
    table.flush().map_err(unwritten)
}

/// Whether each remark has a number of its own for a tier.
pub(crate) fn are_numbered(records: &[Record]) -> bool {
    let mut seen = HashSet::new();
    let mut remarks = records.iter().flat_map(|record| &record.remarks);
    remarks.all(|remark| {
        let tier = remark.tier.as_deref().unwrap_or_default();
        tier.parse::<u64>().is_ok_and(|number| number.to_string() == tier) && seen.insert(tier)
    })
}
