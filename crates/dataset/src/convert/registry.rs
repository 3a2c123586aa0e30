//! All formats. A new one is a module under `format` and an entry here.

use std::io::Write;

use omnivale_timeline::{Cue, Duration};

use super::format::Hold::{May, Must};
use super::format::{Ends, Format, Holds, Tiers};
use super::input::Input;
use crate::DatasetError;
use crate::error::unwritten;
use crate::format::unav::records as unav;
use crate::format::{
    activitynet, audio_text, chapters, coco, cue_text, elan, json_lines, label_studio, longvale,
    parquet, srt, valor, webdataset, webvtt,
};
use crate::record::Record;

/// Captions of whole clips.
const CLIP_CAPTIONS: Holds = Holds { text: Must, silent: false, ..Holds::NOTHING };

/// Captions of parts of one video that may stand in any order and overlap.
const CUES: Holds =
    Holds { many: false, span: Must, text: Must, before_zero: false, ..Holds::NOTHING };

const LONGVALE: Holds = Holds { duration: Must, span: Must, text: Must, ..Holds::NOTHING };

const EVERYTHING: Holds = Holds {
    duration: May,
    subset: May,
    media: May,
    frame_rate: May,
    span: May,
    text: May,
    label_name: May,
    label_id: May,
    score: May,
    tiers: Tiers::Any,
    ..Holds::NOTHING
};

/// Every format, in the order in which they are listed to people.
pub static FORMATS: &[Format] = &[
    Format {
        name: "longvale",
        aliases: &["activitynet"],
        extensions: &["json"],
        about: "LongVALE and ActivityNet-Captions: an object of videos by id",
        holds: LONGVALE,
        read: read_longvale,
        write: |out, records| longvale::write(out, &entries(records)?).map_err(unwritten),
    },
    Format {
        name: "longvale-list",
        aliases: &[],
        extensions: &["json"],
        about: "the same as a list of videos with an id",
        holds: LONGVALE,
        read: read_longvale,
        write: |out, records| longvale::write_list(out, &entries(records)?).map_err(unwritten),
    },
    Format {
        name: "jsonl",
        aliases: &["json-lines"],
        extensions: &["jsonl", "ndjson"],
        about: "JSON Lines, one video per line; holds all that omnivale knows",
        holds: EVERYTHING,
        read: |input| json_lines::read(input.open()?, &input.name()),
        write: |out, records| json_lines::write(out, records),
    },
    Format {
        name: "activitynet-results",
        aliases: &[],
        extensions: &["json"],
        about: "dense captioning results of the ActivityNet challenge",
        holds: Holds { span: Must, text: Must, ..Holds::NOTHING },
        read: |input| activitynet::read(input.open()?, &input.name()),
        write: |out, records| activitynet::write(out, records),
    },
    Format {
        name: "unav",
        aliases: &["unav100"],
        extensions: &["json"],
        about: "UnAV-100 annotations: classes of sounding events",
        holds: Holds {
            subset: Must,
            duration: May,
            frame_rate: May,
            span: Must,
            label_id: Must,
            label_name: May,
            ..Holds::NOTHING
        },
        read: |input| unav::read(input.open()?, &input.name()),
        write: |out, records| unav::write(out, records),
    },
    Format {
        name: "unav-predictions",
        aliases: &[],
        extensions: &["json"],
        about: "UnAV-100 predictions: classes with scores",
        holds: Holds { span: Must, label_id: Must, score: Must, ..Holds::NOTHING },
        read: |input| unav::read_predictions(input.open()?, &input.name()),
        write: |out, records| unav::write_predictions(out, records),
    },
    Format {
        name: "valor",
        aliases: &["valor-32k"],
        extensions: &["json"],
        about: "VALOR-32K as published: a list of video_id and desc",
        holds: CLIP_CAPTIONS,
        read: |input| valor::read(input.open()?, &input.name(), valor::List::Published),
        write: |out, records| valor::write(out, records, valor::List::Published),
    },
    Format {
        name: "valor-captions",
        aliases: &[],
        extensions: &["json"],
        about: "VALOR's caption_annotation.json: a list of video_id and caption",
        holds: CLIP_CAPTIONS,
        read: |input| valor::read(input.open()?, &input.name(), valor::List::Processed),
        write: |out, records| valor::write(out, records, valor::List::Processed),
    },
    Format {
        name: "valor-mapper",
        aliases: &[],
        extensions: &["json"],
        about: "VALOR's txt_mapper.json: an object of lists of captions by id",
        holds: Holds { silent: true, ..CLIP_CAPTIONS },
        read: |input| valor::read_mapper(input.open()?, &input.name()),
        write: |out, records| valor::write_mapper(out, records),
    },
    Format {
        name: "coco",
        aliases: &["coco-captions"],
        extensions: &["json"],
        about: "COCO caption results: a list of image_id and caption",
        holds: CLIP_CAPTIONS,
        read: |input| coco::read(input.open()?, &input.name()),
        write: |out, records| coco::write(out, records),
    },
    Format {
        name: "audio-captions",
        aliases: &[],
        extensions: &["json"],
        about: "sounds with captions: a list of id, audio and caption",
        holds: Holds { media: May, duration: May, ..CLIP_CAPTIONS },
        read: |input| audio_text::read_list(input.open()?, &input.name()),
        write: |out, records| audio_text::write_list(out, records),
    },
    Format {
        name: "audiocaps",
        aliases: &[],
        extensions: &["csv"],
        about: "AudioCaps: captions of ten seconds of a video",
        holds: Holds {
            span: Must,
            ends: Ends::After(audio_text::AUDIOCAPS_LENGTH),
            tiers: Tiers::Numbers,
            ..CLIP_CAPTIONS
        },
        read: |input| audio_text::read_audiocaps(input.open()?, &input.name()),
        write: |out, records| audio_text::write_audiocaps(out, records),
    },
    Format {
        name: "clotho",
        aliases: &[],
        extensions: &["csv"],
        about: "Clotho: a recording and its captions per row",
        holds: Holds { media: May, media_is_id: true, silent: true, blank: false, ..CLIP_CAPTIONS },
        read: |input| audio_text::read_clotho(input.open()?, &input.name()),
        write: |out, records| audio_text::write_clotho(out, records),
    },
    Format {
        name: "audioset",
        aliases: &[],
        extensions: &["csv"],
        about: "AudioSet segments: classes of a part of a video",
        holds: Holds { span: Must, label_name: Must, silent: false, ..Holds::NOTHING },
        read: |input| audio_text::read_audioset(input.open()?, &input.name()),
        write: |out, records| audio_text::write_audioset(out, records),
    },
    Format {
        name: "webvtt",
        aliases: &["vtt"],
        extensions: &["vtt"],
        about: "WebVTT subtitles or chapters, as browsers play them",
        holds: Holds { becomes: |text| again(text, webvtt::write, webvtt::read), ..CUES },
        read: |input| Ok(input.cues(webvtt::read(&input.text()?, &input.name())?)),
        write: |out, records| cues(out, records, "webvtt", webvtt::write),
    },
    Format {
        name: "srt",
        aliases: &["subrip"],
        extensions: &["srt"],
        about: "SubRip subtitles",
        holds: Holds { becomes: |text| again(text, srt::write, srt::read), ..CUES },
        read: |input| Ok(input.cues(srt::read(&input.text()?, &input.name())?)),
        write: |out, records| cues(out, records, "srt", srt::write),
    },
    Format {
        name: "ffmetadata",
        aliases: &["ffmpeg-chapters"],
        extensions: &["ffmetadata", "ffmeta"],
        about: "chapters that FFmpeg puts into a video file",
        holds: Holds { before_zero: true, ..CUES },
        read: |input| Ok(input.cues(chapters::read_metadata(&input.text()?, &input.name())?)),
        write: |out, records| cues(out, records, "ffmetadata", chapters::write_metadata),
    },
    Format {
        name: "chapters",
        aliases: &["youtube-chapters"],
        extensions: &["txt"],
        about: "chapters for a video's description: lines such as 1:05 Title",
        holds: Holds {
            ends: Ends::Next,
            step: Duration::from_millis(1000),
            becomes: chapters::one_line,
            ..CUES
        },
        read: |input| {
            let end = input.duration().map(Duration::as_time);
            Ok(input.cues(chapters::read_list(&input.text()?, &input.name(), end)?))
        },
        write: |out, records| cues(out, records, "chapters", chapters::write_list),
    },
    Format {
        name: "elan",
        aliases: &["eaf"],
        extensions: &["eaf"],
        about: "ELAN: tiers of annotations over a recording",
        holds: Holds {
            duration: May,
            subset: May,
            media: May,
            label_name: May,
            tiers: Tiers::Any,
            by_tier: true,
            names_itself: true,
            becomes: without_controls,
            ..CUES
        },
        read: |input| elan::read(input.open()?, &input.name()),
        write: |out, records| elan::write(out, records),
    },
    Format {
        name: "label-studio",
        aliases: &[],
        extensions: &["json"],
        about: "Label Studio: tasks with regions in frames of a video",
        holds: Holds { frame_rate: Must, frames: true, before_zero: false, ..EVERYTHING },
        read: read_label_studio,
        write: |out, records| label_studio::write(out, records),
    },
    Format {
        name: "label-studio-audio",
        aliases: &[],
        extensions: &["json"],
        about: "Label Studio: tasks with regions in seconds of a sound",
        holds: Holds { before_zero: false, ..EVERYTHING },
        read: read_label_studio,
        write: |out, records| {
            let regions = label_studio::Regions::Seconds;
            label_studio::export(
                out,
                records,
                &label_studio::Export { regions, ..Default::default() },
            )
        },
    },
    Format {
        name: "webdataset",
        aliases: &["wds"],
        extensions: &["tar"],
        about: "WebDataset: an archive with a JSON file per video",
        holds: EVERYTHING,
        read: |input| webdataset::read(input.open()?, &input.name()),
        write: |out, records| webdataset::write(out, records),
    },
    Format {
        name: "parquet",
        aliases: &[],
        extensions: &["parquet"],
        about: "Parquet, one row per event; holds all that omnivale knows",
        holds: Holds { step: Duration::from_micros(1), ..EVERYTHING },
        read: |input| parquet::read(input.open()?, &input.name()),
        write: |out, records| {
            // Its writer wants an output that may go to another thread.
            let mut file = Vec::new();
            parquet::write(&mut file, records)?;
            out.write_all(&file).map_err(unwritten)
        },
    },
];

fn read_longvale(input: &Input<'_>) -> Result<Vec<Record>, DatasetError> {
    let mut records = Vec::new();
    let sink = |entry| records.push(Record::from(entry));
    longvale::for_each(input.open()?, &input.name(), sink)?;
    Ok(records)
}

fn read_label_studio(input: &Input<'_>) -> Result<Vec<Record>, DatasetError> {
    let imported = label_studio::import(input.open()?, &input.name(), input.supplies.frame_rate)?;
    for (kind, count) in imported.passed_over {
        input.note(format!("{count} of Label Studio's {kind}"));
    }
    Ok(imported.records)
}

fn entries(records: &[Record]) -> Result<Vec<longvale::Entry>, DatasetError> {
    records.iter().map(longvale::Entry::try_from).collect()
}

fn cues(
    out: &mut dyn Write,
    records: &[Record],
    format: &'static str,
    write: fn(&[Cue]) -> String,
) -> Result<(), DatasetError> {
    let [record] = records else {
        return Err(DatasetError::OneVideo { format, videos: records.len() });
    };
    let file = write(&cue_text::cues(record, format)?);
    out.write_all(file.as_bytes()).map_err(unwritten)
}

/// Without the characters that XML cannot carry.
fn without_controls(text: &str) -> String {
    let carried = |c: &char| {
        matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
    };
    text.chars().filter(carried).collect()
}

/// What a text is after it was written as a cue and read.
fn again(
    text: &str,
    write: fn(&[Cue]) -> String,
    read: fn(&str, &str) -> Result<Vec<Cue>, DatasetError>,
) -> String {
    let cue = Cue { span: Default::default(), text: text.to_owned() };
    let cues = read(&write(&[cue]), "memory");
    cues.ok().and_then(|cues| Some(cues.into_iter().next()?.text)).unwrap_or_default()
}

impl Format {
    /// The format of this name or alias.
    pub fn named(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.name == name || format.aliases.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_formats_share_a_name() {
        let mut names: Vec<&str> = FORMATS
            .iter()
            .flat_map(|format| format.aliases.iter().copied().chain([format.name]))
            .collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
