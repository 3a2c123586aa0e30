//! Reading tasks.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;

use omnivale_timeline::Span;
use serde_json::Value;

use super::{CAPTIONS, CLASSES, EVENTS, is_rate, span_of_frames};
use crate::DatasetError;
use crate::json::Node;
use crate::record::{Label, Record, Remark};

/// What a file of tasks holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// A record for each task.
    pub records: Vec<Record>,
    /// How many items of other types there were, by type: rectangles, relations, ratings.
    pub passed_over: BTreeMap<String, usize>,
}

/// The tasks of a file. `frame_rate` is that of all that do not state their own.
///
/// # Errors
/// [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that is not what the format
/// has there, among them a range in frames where no frame rate is known.
pub fn import(
    input: impl Read,
    file: &str,
    frame_rate: Option<f64>,
) -> Result<Imported, DatasetError> {
    let json: Value = serde_json::from_reader(BufReader::new(input))
        .map_err(|source| DatasetError::Json { file: file.to_owned(), source })?;
    let root = Node { file, at: "$".to_owned(), value: &json };
    let mut passed_over = BTreeMap::new();
    let mut records = Vec::new();
    for task in root.items()? {
        records.push(record(&task, frame_rate, &mut passed_over)?);
    }
    Ok(Imported { records, passed_over })
}

fn record(
    task: &Node<'_>,
    frame_rate: Option<f64>,
    passed_over: &mut BTreeMap<String, usize>,
) -> Result<Record, DatasetError> {
    let data = task.field("data")?;
    let first = |names: &[&str]| {
        names.iter().find_map(|name| data.get(name).filter(|node| !node.value.is_null()))
    };
    let media = first(&["video", "audio", "video_url", "audio_url", "media", "url"]);
    let media = media.map(|node| node.text().map(str::to_owned)).transpose()?;
    let id = match (first(&["id", "video_id"]), &media, task.get("id")) {
        (Some(id), ..) => scalar(&id)?,
        (None, Some(media), _) => stem(media),
        (None, None, Some(id)) => scalar(&id)?,
        (None, None, None) => return Err(data.expected("a field `id` or `video`")),
    };
    let stated = first(&["fps", "frame_rate", "framerate", "frameRate"]).map(|node| {
        // The editor takes a number in a string too.
        let number = node.value.as_f64().or_else(|| node.value.as_str()?.trim().parse().ok());
        number.filter(|rate| is_rate(*rate)).ok_or_else(|| node.expected("frames per second"))
    });
    let stated = stated.transpose()?;
    let rate = stated.or(frame_rate.filter(|rate| is_rate(*rate)));
    let mut record = Record {
        id,
        duration: first(&["duration"]).map(|node| node.duration()).transpose()?,
        subset: first(&["subset", "split"])
            .map(|node| node.text().map(str::to_owned))
            .transpose()?,
        media,
        frame_rate: rate,
        remarks: Vec::new(),
    };

    let list = |name: &str| task.get(name).map_or(Ok(Vec::new()), |node| node.items());
    let is_cancelled = |node: &Node<'_>| {
        node.get("was_cancelled").is_some_and(|flag| flag.value == &Value::Bool(true))
    };
    let annotations: Vec<_> =
        list("annotations")?.into_iter().filter(|node| !is_cancelled(node)).collect();
    let is_shared = annotations.len() > 1;
    let sources = if annotations.is_empty() { list("predictions")? } else { annotations };
    for source in &sources {
        let mut remarks = remarks(&source.field("result")?, rate, passed_over)?;
        if is_shared {
            let who = source.get("completed_by");
            let who = who.map(|node| node.get("id").unwrap_or(node)).map(|node| scalar(&node));
            let who = who.transpose()?.unwrap_or_else(|| "unknown".to_owned());
            for remark in &mut remarks {
                remark.tier = Some(format!("annotator {who}"));
            }
        }
        record.remarks.extend(remarks);
    }
    Ok(record)
}

/// A string, or a number as one.
fn scalar(node: &Node<'_>) -> Result<String, DatasetError> {
    match node.value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(node.expected("a string or a number")),
    }
}

/// The name of a file in a path or an address, without its extension.
fn stem(media: &str) -> String {
    // Files served from local storage have their path in the query: `/data/local-files/?d=a/b.mp4`.
    let path = match media.split_once("?d=") {
        Some((_, path)) => path,
        None => media.split(['?', '#']).next().unwrap_or(media),
    };
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    Path::new(name)
        .file_stem()
        .map_or_else(|| media.to_owned(), |s| s.to_string_lossy().into_owned())
}

/// What the items with one id say together.
#[derive(Default)]
struct Draft {
    spans: Vec<Span>,
    labels: Vec<Label>,
    text: Option<String>,
    score: Option<f64>,
    tier: Option<String>,
}

fn remarks(
    result: &Node<'_>,
    rate: Option<f64>,
    passed_over: &mut BTreeMap<String, usize>,
) -> Result<Vec<Remark>, DatasetError> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut by_id: BTreeMap<String, usize> = BTreeMap::new();
    for item in result.items()? {
        let kind = item.field("type")?.text()?;
        let labels = match kind {
            // The timeline's regions are called by the other name in some versions.
            "timelinelabels" | "timeserieslabels" => "timelinelabels",
            "labels" | "choices" | "textarea" => kind,
            _ => {
                *passed_over.entry(kind.to_owned()).or_default() += 1;
                continue;
            }
        };
        let value = item.field("value")?;
        let spans = spans(&value, rate)?;
        let id = item.get("id").map(|id| scalar(&id)).transpose()?;
        let index = match id.as_ref().and_then(|id| by_id.get(id)) {
            Some(index) => *index,
            None => {
                drafts.push(Draft::default());
                drafts.len() - 1
            }
        };
        if let Some(id) = id {
            by_id.entry(id).or_insert(index);
        }
        let draft = &mut drafts[index];
        if draft.spans.is_empty() {
            draft.spans = spans;
        }
        if labels == "textarea" {
            let text = value.field("text")?;
            let text = match text.value {
                Value::String(text) => text.clone(),
                _ => {
                    text.items()?.iter().map(Node::text).collect::<Result<Vec<_>, _>>()?.join("\n")
                }
            };
            draft.text =
                Some(draft.text.take().map_or(text.clone(), |had| format!("{had}\n{text}")));
        } else if let Some(shown) = value.get(labels) {
            let meta = item.get("meta");
            for shown in shown.items()? {
                draft.labels.extend(label(shown.text()?, meta.as_ref()));
            }
        }
        if let Some(score) = item.get("score").filter(|node| !node.value.is_null()) {
            draft.score = Some(score.value.as_f64().ok_or_else(|| score.expected("a number"))?);
        }
        let control = item.get("from_name").map(|node| node.text()).transpose()?;
        // A caption's own control says nothing of the region it belongs to.
        if draft.tier.is_none()
            && let Some(control) = control
            && ![EVENTS, CAPTIONS, CLASSES].contains(&control)
        {
            draft.tier = Some(control.to_owned());
        }
    }
    Ok(drafts.into_iter().flat_map(finished).collect())
}

/// The spans of a region, in frames or seconds; none for what is said of the whole.
fn spans(value: &Node<'_>, rate: Option<f64>) -> Result<Vec<Span>, DatasetError> {
    if let Some(ranges) = value.get("ranges") {
        let rate = rate.ok_or_else(|| DatasetError::Shape {
            file: value.file.to_owned(),
            at: ranges.at.clone(),
            expected:
                "a frame rate for the range, as `fps` in the task's data or given beside the file"
                    .to_owned(),
            found: "none".to_owned(),
        })?;
        let frame = |range: &Node<'_>, name: &str| {
            let node = range.field(name)?;
            let frame = node.value.as_i64().filter(|frame| *frame >= 0);
            frame.ok_or_else(|| node.expected("the number of a frame, counted from 1"))
        };
        let span = |range: Node<'_>| {
            let (first, last) = (frame(&range, "start")?, frame(&range, "end")?);
            span_of_frames(first, last, rate)
                .ok_or_else(|| range.expected("a range whose end is not before its start"))
        };
        return ranges.items()?.into_iter().map(span).collect();
    }
    match (value.get("start"), value.get("end")) {
        (Some(start), Some(end)) => Ok(vec![end.span_from(start.time()?)?]),
        (None, None) => Ok(Vec::new()),
        _ => Err(value.expected("a start with an end")),
    }
}

/// The label that is shown, with what `meta` knows of it if it is still the one that was written.
fn label(shown: &str, meta: Option<&Node<'_>>) -> Option<Label> {
    let known = meta.filter(|meta| meta.value["shown"].as_str() == Some(shown));
    let Some(known) = known else { return Some(Label { name: Some(shown.to_owned()), id: None }) };
    let name = known.value["label"].as_str().map(str::to_owned);
    let label = Label { name, id: known.value["label_id"].as_i64() };
    (label != Label::default()).then_some(label)
}

fn finished(draft: Draft) -> Vec<Remark> {
    let Draft { spans, labels, mut text, score, tier } = draft;
    let spans: Vec<Option<Span>> =
        if spans.is_empty() { vec![None] } else { spans.into_iter().map(Some).collect() };
    let mut remarks = Vec::new();
    for span in spans {
        let first = Remark { span, text: text.clone(), label: None, score, tier: tier.clone() };
        remarks.push(Remark { label: labels.first().cloned(), ..first.clone() });
        for label in labels.iter().skip(1) {
            remarks.push(Remark { text: None, label: Some(label.clone()), ..first.clone() });
        }
        // Of several ranges the first has the text, as of several labels.
        text = None;
    }
    remarks
}
