//! What is asked, in the order of the published evaluation.

use omnivale_dataset::log::LogTask;
use omnivale_dataset::longvale::Entry;
use omnivale_llm::answer::Question;
use omnivale_llm::conversation::QuerySet;
use omnivale_metrics::interval::Interval;
use omnivale_timeline::TimeCodec;

use crate::args::TaskChoice;

/// One question, and what is logged with its answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) task: LogTask,
    /// Place of the event in the annotations; none where all events are asked for.
    pub(super) sentence: Option<usize>,
    /// When the event is, in shares of the video's length; for grounding alone.
    pub(super) reference: Option<Interval>,
    pub(super) question: Question,
}

/// All questions about one video.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct VideoPlan {
    pub(super) id: String,
    pub(super) asked: Vec<Asked>,
    /// Why it cannot be asked about, whatever its features.
    pub(super) broken: Option<&'static str>,
}

/// The questions about each video, in the order of the annotations: all events, then when each is, then what happens
/// in each.
pub(super) fn plan(entries: &[Entry], queries: QuerySet, task: TaskChoice) -> Vec<VideoPlan> {
    let wants = |one: TaskChoice| task == TaskChoice::All || task == one;
    let video = |entry: &Entry| {
        let codec = TimeCodec::new(entry.duration);
        let length = entry.duration.seconds();
        let mut asked = Vec::new();
        let mut ask = |task, sentence: Option<usize>, reference, text| {
            let stream = stream(&entry.id, task, sentence);
            asked.push(Asked { task, sentence, reference, question: Question { text, stream } });
        };
        if wants(TaskChoice::Captioning) {
            ask(LogTask::Captioning, None, None, queries.captioning());
        }
        if wants(TaskChoice::Grounding) {
            for (index, event) in entry.events.iter().enumerate() {
                let (start, end) = (event.span.start.seconds(), event.span.end().seconds());
                let reference = Interval { start: start / length, end: end / length };
                let text = queries.grounding(&event.text);
                ask(LogTask::Grounding, Some(index), Some(reference), text);
            }
        }
        if wants(TaskChoice::Segment) {
            for (index, event) in entry.events.iter().enumerate() {
                let start = codec.hundredth(event.span.start);
                let end = codec.hundredth(event.span.end());
                let text = queries.segment_captioning(start, end);
                ask(LogTask::SegmentCaptioning, Some(index), None, text);
            }
        }
        let broken = (length <= 0.0).then_some("its duration in the annotations is zero");
        VideoPlan { id: entry.id.clone(), asked, broken }
    };
    entries.iter().map(video).collect()
}

/// A number for a question that depends on nothing else, so that neither batches nor interruptions change what chance
/// chooses.
fn stream(video: &str, task: LogTask, sentence: Option<usize>) -> u64 {
    let key = format!("{}/{}/{video}", name(task), sentence.map_or(-1, |it| it as i64));
    let hash = blake3::hash(key.as_bytes());
    u64::from_le_bytes(*hash.as_bytes().first_chunk().unwrap_or(&[0; 8]))
}

/// A task's name in the log.
pub(super) fn name(task: LogTask) -> &'static str {
    match task {
        LogTask::Captioning => "captioning",
        LogTask::Grounding => "grounding",
        LogTask::SegmentCaptioning => "seg_captioning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_dataset::longvale;

    #[test]
    fn questions_come_in_the_published_order_with_the_published_tokens() {
        let text = r#"{"a": {"duration": 10, "timestamps": [[1, 2], [3, 10]], "sentences": ["A dog. ", "Rain."]}}"#;
        let entries = longvale::read(text.as_bytes(), "gt").unwrap();
        let plan = plan(&entries, QuerySet::Released, TaskChoice::All);
        let shown: Vec<String> = plan[0]
            .asked
            .iter()
            .map(|it| {
                let text = it.question.text.split('?').next().unwrap_or_default();
                format!("{} {:?} {}", name(it.task), it.sentence, text.escape_debug())
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        captioning None <video>\n Could you please detail the events that took place during different time segments in the video
        grounding Some(0) <video>\nAt which time interval can we find a dog taking place in the video
        grounding Some(1) <video>\nAt which time interval can we find rain taking place in the video
        seg_captioning Some(0) <video>\n Can you describe what occurred from 10 to 20 in the video
        seg_captioning Some(1) <video>\n Can you describe what occurred from 30 to 99 in the video
        ");
        let streams: std::collections::BTreeSet<u64> =
            plan[0].asked.iter().map(|it| it.question.stream).collect();
        assert_eq!(streams.len(), 5);
        assert_eq!(super::plan(&entries, QuerySet::Paper, TaskChoice::Segment)[0].asked.len(), 2);
    }
}
