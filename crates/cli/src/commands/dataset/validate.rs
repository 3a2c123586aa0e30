//! `omnivale dataset validate`.

mod shown;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use omnivale_dataset::DatasetError;
use omnivale_dataset::convert::{self, Format, Supplies};
use omnivale_dataset::record::Record;
use omnivale_dataset::validate::{
    Counts, DialogueCounts, Expectation, FeatureCounts, Group, Report, Severity, collection,
    dialogues, features, longvale_file, videos,
};
use omnivale_media::Source;
use omnivale_timeline::Duration;
use serde::Serialize;

use crate::args::{DIALOGUES, ValidateArgs};
use crate::exit::{Ending, usage};
use crate::output;

/// Findings of a kind that are spelled out for people, and for programs.
const SHOWN: usize = 5;
const LISTED: usize = 1_000;
/// Endings of files that are taken for videos or recordings.
const MEDIA: [&str; 17] = [
    "mp4", "m4v", "mkv", "webm", "mov", "avi", "mpg", "mpeg", "ts", "flv", "wmv", "wav", "flac",
    "mp3", "m4a", "ogg", "opus",
];

/// Everything that was found out, as the JSON has it.
#[derive(Serialize)]
struct Validation {
    schema: &'static str,
    file: String,
    format: String,
    #[serde(flatten)]
    content: Content,
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<Group>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    features: Vec<Folder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    videos: Option<VideoFolder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Comparison>,
}

/// What the file holds.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    Timelines { videos: usize, events: usize, hours: f64 },
    Dialogues(DialogueCounts),
}

#[derive(Serialize)]
struct Folder {
    folder: String,
    #[serde(flatten)]
    counts: FeatureCounts,
}

#[derive(Serialize)]
struct VideoFolder {
    folder: String,
    files: usize,
}

#[derive(Serialize)]
struct Comparison {
    name: &'static str,
    title: &'static str,
    figures: usize,
}

pub(super) fn run(args: &ValidateArgs) -> anyhow::Result<Ending> {
    let mut report = Report::new(args.show.unwrap_or(if args.json { LISTED } else { SHOWN }));
    let expected = args.expect.as_deref().and_then(Expectation::named);
    let (format, records, content) = read(args, expected, &mut report)?;
    let is_dialogues = matches!(content, Content::Dialogues(_));
    if is_dialogues && (!args.features.is_empty() || args.videos.is_some()) {
        return Err(usage(
            "dialogues have no durations of whole videos to hold features or videos against; give \
             the annotations they were made of",
        ));
    }
    if !is_dialogues {
        collection(&mut report, &records);
    }
    let mut folders = Vec::new();
    for given in &args.features {
        let counts = features(&mut report, &records, &given.folder, given.kind)?;
        folders.push(Folder { folder: given.folder.display().to_string(), counts });
    }
    let lengths = args.videos.as_deref().map(lengths).transpose()?;
    if let Some(lengths) = &lengths {
        videos(&mut report, &records, lengths);
    }
    let expected = expected.map(|expected| {
        let figures = expected.check(&mut report, &counts(&content));
        Comparison { name: expected.name, title: expected.title, figures }
    });
    let videos = args.videos.as_ref().zip(lengths);
    let validation = Validation {
        schema: "omnivale.validation/1",
        file: args.file.display().to_string(),
        format,
        content,
        errors: report.count(Severity::Error),
        warnings: report.count(Severity::Warning),
        notes: report.count(Severity::Note),
        findings: report.groups().cloned().collect(),
        features: folders,
        videos: videos.map(|(folder, lengths)| VideoFolder {
            folder: folder.display().to_string(),
            files: lengths.len(),
        }),
        expected,
    };
    if args.json {
        output::json(&validation)?;
    } else {
        output::text(&shown::text(&validation))?;
    }
    Ok(if validation.errors == 0 { Ending::Done } else { Ending::SomeFailed })
}

/// The format's name, the records and what the file holds. What is wrong in single entries of
/// LongVALE's files and of dialogues is reported; elsewhere the first thing wrong ends the reading.
fn read(
    args: &ValidateArgs,
    expected: Option<&Expectation>,
    report: &mut Report,
) -> anyhow::Result<(String, Vec<Record>, Content)> {
    let wants_dialogues = expected.is_some_and(Expectation::is_dialogues);
    let format = match args.format.as_deref() {
        Some(DIALOGUES) => None,
        Some(name) => Format::named(name),
        None if wants_dialogues => None,
        None => match convert::guess(&args.file) {
            Ok(format) => Some(format),
            Err(DatasetError::OtherKind { kind: "dialogues", .. }) => None,
            Err(error) => return Err(error.into()),
        },
    };
    let Some(format) = format else {
        if let Some(expected) = expected.filter(|expected| !expected.is_dialogues()) {
            let said = format!(
                "--expect {} is for annotations, and this is a file of dialogues",
                expected.name
            );
            return Err(usage(said));
        }
        let counts = dialogues(report, &args.file)?;
        return Ok((DIALOGUES.to_owned(), Vec::new(), Content::Dialogues(counts)));
    };
    if wants_dialogues {
        let name = args.expect.as_deref().unwrap_or_default();
        return Err(usage(format!(
            "--expect {name} is for dialogues, and --format says {}",
            format.name
        )));
    }
    let records = if matches!(format.name, "longvale" | "longvale-list") {
        longvale_file(report, &args.file)?
    } else {
        convert::read_as(&args.file, format, &Supplies::default())?.records
    };
    let content = Content::Timelines {
        videos: records.len(),
        events: records.iter().map(|record| record.remarks.len()).sum(),
        hours: records.iter().filter_map(|record| record.duration).sum::<Duration>().seconds()
            / 3600.0,
    };
    Ok((format.name.to_owned(), records, content))
}

fn counts(content: &Content) -> Counts {
    match *content {
        Content::Timelines { videos, events, hours } => {
            Counts { videos, events, hours, samples: 0 }
        }
        Content::Dialogues(DialogueCounts { samples, videos, .. }) => {
            Counts { videos, samples, ..Counts::default() }
        }
    }
}

/// The lengths of the videos of a folder by the stems of their names, or why one cannot be opened.
fn lengths(folder: &Path) -> anyhow::Result<BTreeMap<String, Result<Duration, String>>> {
    let listed = || format!("cannot list {}", folder.display());
    let mut lengths = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(listed)? {
        let path = entry.with_context(listed)?.path();
        let ending = path.extension().unwrap_or_default();
        if MEDIA.iter().any(|known| ending.eq_ignore_ascii_case(known)) {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let length = Source::open(&path).map(|source| source.probe().duration);
            lengths.insert(stem, length.map_err(|error| error.to_string()));
        }
    }
    Ok(lengths)
}
