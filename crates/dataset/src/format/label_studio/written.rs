//! Writing tasks, and the labelling configuration they fit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write;

use omnivale_timeline::{Span, Time};
use quick_xml::escape::escape;
use serde_json::{Value, json};

use super::{CAPTIONS, CLASSES, EVENTS, UNLABELLED, frames_of_span, is_rate};
use crate::DatasetError;
use crate::record::{Record, Remark};

/// How the regions of written tasks say where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Regions {
    /// In frames, on the timeline of a video. Needs frame rates; times are rounded to frames.
    #[default]
    Frames,
    /// In seconds, on the waveform of the video's sound. Times are rounded to milliseconds.
    Seconds,
}

/// How tasks are written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Export {
    /// Frames or seconds.
    pub regions: Regions,
    /// Finished annotations in place of predictions, which annotators start from and correct.
    pub as_annotations: bool,
    /// Frames per second of the videos that do not state their own.
    pub frame_rate: Option<f64>,
    /// The address of a video that does not state its own, with `{id}` in place of the id:
    /// `/data/local-files/?d=videos/{id}.mp4`. Without it such tasks have no media.
    pub media: Option<String>,
}

/// Writes the records as tasks, one per line.
///
/// # Errors
/// [`DatasetError::CannotHold`] for a span in a video whose frame rate is not known, where frames are
/// asked for, and for a span that begins before 0; [`DatasetError::Write`].
pub fn export(
    mut output: impl Write,
    records: &[Record],
    options: &Export,
) -> Result<(), DatasetError> {
    let mut lines = Vec::with_capacity(records.len());
    for record in records {
        lines.push(task(record, options)?.to_string());
    }
    let text =
        if lines.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", lines.join(",\n")) };
    output
        .write_all(text.as_bytes())
        .map_err(|source| DatasetError::Write { file: "the tasks".to_owned(), source })
}

fn task(record: &Record, options: &Export) -> Result<Value, DatasetError> {
    let rate = record.frame_rate.or(options.frame_rate);
    let mut data = json!({ "id": record.id });
    let template = || options.media.as_ref().map(|media| media.replace("{id}", &record.id));
    if let Some(media) = record.media.clone().or_else(template) {
        data["video"] = json!(media);
    }
    if let Some(duration) = record.duration {
        data["duration"] = json!(duration.seconds_to_millis());
    }
    if let Some(subset) = &record.subset {
        data["subset"] = json!(subset);
    }
    if let Some(rate) = rate {
        data["fps"] = json!(rate);
    }
    let mut result = Vec::new();
    for (index, remark) in record.remarks.iter().enumerate() {
        items(remark, index, record, options.regions, rate, &mut result)?;
    }
    if record.remarks.is_empty() {
        return Ok(json!({ "data": data }));
    }
    Ok(if options.as_annotations {
        json!({ "data": data, "annotations": [{ "result": result }] })
    } else {
        json!({ "data": data, "predictions": [{ "model_version": "omnivale", "result": result }] })
    })
}

/// The items of one remark: a region or a choice, then its text.
fn items(
    remark: &Remark,
    index: usize,
    record: &Record,
    regions: Regions,
    rate: Option<f64>,
    result: &mut Vec<Value>,
) -> Result<(), DatasetError> {
    let id = format!("r{}", index + 1);
    let tier = remark.tier.as_deref();
    let mut item = |kind: &str, control: &str, place: &Value, key: &str, content: Value| {
        let to = if regions == Regions::Seconds && !place.is_null() { "audio" } else { "video" };
        let mut value = if place.is_null() { json!({}) } else { place.clone() };
        value[key] = content;
        result.push(
            json!({ "id": id, "from_name": control, "to_name": to, "type": kind, "value": value }),
        );
        result.len() - 1
    };
    let place = remark.span.map(|span| place(span, index, record, regions, rate)).transpose()?;
    let place = place.unwrap_or(Value::Null);
    let shown = shown(remark);
    let first = match (remark.span, regions) {
        (Some(_), Regions::Frames) => {
            let control = tier.unwrap_or(EVENTS);
            Some(item("timelinelabels", control, &place, "timelinelabels", json!([shown])))
        }
        (Some(_), Regions::Seconds) => {
            Some(item("labels", tier.unwrap_or(EVENTS), &place, "labels", json!([shown])))
        }
        (None, _) if remark.label.is_some() || remark.text.is_none() => {
            Some(item("choices", tier.unwrap_or(CLASSES), &place, "choices", json!([shown])))
        }
        (None, _) => None,
    };
    let text = remark.text.as_ref().map(|text| {
        // Text of the whole, without a label, is all there is to carry the tier.
        let control = if first.is_none() { tier.unwrap_or(CAPTIONS) } else { CAPTIONS };
        item("textarea", control, &place, "text", json!([text]))
    });
    if let Some(first) = first {
        let label = remark.label.as_ref();
        let (name, number) = (label.and_then(|l| l.name.as_deref()), label.and_then(|l| l.id));
        if name.is_none() || number.is_some() {
            result[first]["meta"] = json!({ "shown": shown, "label": name, "label_id": number });
        }
    }
    if let (Some(score), Some(at)) = (remark.score, first.or(text)) {
        result[at]["score"] = json!(score);
    }
    Ok(())
}

/// Where a region is, as its value has it.
fn place(
    span: Span,
    index: usize,
    record: &Record,
    regions: Regions,
    rate: Option<f64>,
) -> Result<Value, DatasetError> {
    let event = || format!("event {} of {:?}", index + 1, record.id);
    let unheld = |what, remedy: &str| DatasetError::CannotHold {
        format: "a Label Studio task",
        what,
        remedy: remedy.to_owned(),
    };
    if span.start < Time::ZERO {
        return Err(unheld(
            format!("{}, which begins before 0", event()),
            "move it or leave it out",
        ));
    }
    if regions == Regions::Seconds {
        let (start, end) = (span.start.seconds_to_millis(), span.end().seconds_to_millis());
        return Ok(json!({ "start": start, "end": end }));
    }
    let rate = rate.filter(|rate| is_rate(*rate)).ok_or_else(|| {
        unheld(
            format!("{} in frames, since the video's frame rate is not known", event()),
            "give the frame rate, or write regions in seconds",
        )
    })?;
    let (start, end) = frames_of_span(span, rate);
    Ok(json!({ "ranges": [{ "start": start, "end": end }] }))
}

/// The label that annotators see.
fn shown(remark: &Remark) -> String {
    let label = remark.label.as_ref();
    let name = label.and_then(|label| label.name.clone());
    let number = || label.and_then(|label| label.id).map(|id| id.to_string());
    name.or_else(number).unwrap_or_else(|| UNLABELLED.to_owned())
}

/// The labelling configuration of a project for these tasks: Label Studio drops predictions whose
/// controls and labels the project does not have.
pub fn labelling_config(records: &[Record], options: &Export) -> String {
    let mut regions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut choices: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut notes: BTreeSet<&str> = BTreeSet::new();
    let mut has_captions = false;
    for remark in records.iter().flat_map(|record| &record.remarks) {
        let tier = remark.tier.as_deref();
        let is_choice = remark.label.is_some() || remark.text.is_none();
        match (remark.span, is_choice) {
            (Some(_), _) => {
                regions.entry(tier.unwrap_or(EVENTS)).or_default().insert(shown(remark));
                has_captions |= remark.text.is_some();
            }
            (None, true) => {
                choices.entry(tier.unwrap_or(CLASSES)).or_default().insert(shown(remark));
            }
            (None, false) => {
                notes.insert(tier.unwrap_or(CAPTIONS));
            }
        }
    }
    let (media, control, on) = match options.regions {
        Regions::Frames => (
            "  <Video name=\"video\" value=\"$video\" frameRate=\"$fps\" />\n",
            "TimelineLabels",
            "video",
        ),
        Regions::Seconds => (
            "  <Video name=\"video\" value=\"$video\" sync=\"audio\" />\n  \
             <Audio name=\"audio\" value=\"$video\" sync=\"video\" />\n",
            "Labels",
            "audio",
        ),
    };
    // Writing into a string cannot fail.
    let mut xml = format!("<View>\n{media}");
    for (tag, child, on, groups) in
        [(control, "Label", on, &regions), ("Choices", "Choice", "video", &choices)]
    {
        for (name, values) in groups {
            let _ = writeln!(xml, "  <{tag} name=\"{}\" toName=\"{on}\">", escape(*name));
            for value in values {
                let _ = writeln!(xml, "    <{child} value=\"{}\" />", escape(value.as_str()));
            }
            let _ = writeln!(xml, "  </{tag}>");
        }
    }
    if has_captions {
        let _ = writeln!(
            xml,
            "  <TextArea name=\"{CAPTIONS}\" toName=\"{on}\" perRegion=\"true\" editable=\"true\" />"
        );
    }
    for name in notes.into_iter().filter(|name| !(has_captions && *name == CAPTIONS)) {
        let _ = writeln!(
            xml,
            "  <TextArea name=\"{}\" toName=\"video\" editable=\"true\" />",
            escape(name)
        );
    }
    xml.push_str("</View>\n");
    xml
}
