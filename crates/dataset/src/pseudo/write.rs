//! What is written of a plan: dialogues to train on, annotations, AVicuna's own records.

use std::io::{self, Write};

use rayon::prelude::*;
use serde_json::json;

use super::clips::Clip;
use super::plan::{Plan, PseudoVideo, loader_scale};
use crate::dialogue::{Dialogue, SubClip, Templates, Writer, time_event};
use crate::longvale::Entry;

/// Videos whose dialogues are made at once; the order of the file does not depend on it.
const BATCH: usize = 2048;

/// The dialogue about one pseudo video, with the clips and lengths that AVicuna's loader needs to put
/// its features together.
pub fn dialogue(video: &PseudoVideo, clips: &[Clip], templates: &Templates, seed: u64) -> Dialogue {
    let sub_clip = |part: &super::plan::Part| SubClip {
        id: clips[part.clip as usize].id.clone(),
        scale: loader_scale(part.length),
    };
    let sub_clips: Vec<SubClip> = video.parts.iter().map(sub_clip).collect();
    time_event(&video.id, &video.events(clips), video.duration(), &sub_clips, templates, seed)
}

/// Writes AVicuna's stage 3 training file: a dialogue per video.
///
/// # Errors
/// Whatever `output` refuses.
pub fn dialogues(
    output: impl Write,
    plan: &Plan,
    clips: &[Clip],
    templates: &Templates,
    seed: u64,
) -> io::Result<()> {
    let mut writer = Writer::new(output);
    for batch in plan.videos.chunks(BATCH) {
        let made: Vec<Dialogue> =
            batch.par_iter().map(|video| dialogue(video, clips, templates, seed)).collect();
        made.iter().try_for_each(|dialogue| writer.write(dialogue))?;
    }
    writer.finish()
}

/// Writes the events of every video in LongVALE's format.
///
/// # Errors
/// Whatever `output` refuses.
pub fn annotations(mut output: impl Write, plan: &Plan, clips: &[Clip]) -> io::Result<()> {
    output.write_all(b"{")?;
    for (index, video) in plan.videos.iter().enumerate() {
        let entry =
            Entry { id: video.id.clone(), duration: video.duration(), events: video.events(clips) };
        output.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut output, &video.id)?;
        output.write_all(b": ")?;
        serde_json::to_writer(&mut output, &entry)?;
    }
    output.write_all(b"\n}\n")
}

/// Writes AVicuna's annotation records (pu_valor.md §1.6): for each video a list with a question, an
/// interval in seconds and a clip for each event.
///
/// # Errors
/// Whatever `output` refuses.
pub fn records(mut output: impl Write, plan: &Plan, clips: &[Clip]) -> io::Result<()> {
    output.write_all(b"{")?;
    for (index, video) in plan.videos.iter().enumerate() {
        let events = video.events(clips).into_iter().zip(&video.parts);
        let records: Vec<serde_json::Value> = events
            .map(|(event, part)| {
                let text = event.text.trim_end_matches('.');
                json!({
                    "event": format!("At which intervals in the video can we identify {text}?"),
                    "timestamps": [event.span.start, event.span.end()],
                    "sub_video_id": clips[part.clip as usize].id,
                })
            })
            .collect();
        output.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut output, &video.id)?;
        output.write_all(b": ")?;
        serde_json::to_writer(&mut output, &records)?;
    }
    output.write_all(b"\n}\n")
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Part, Tally};
    use super::*;
    use crate::{dialogue, longvale};
    use omnivale_timeline::Duration;

    fn two_clips() -> (Plan, Vec<Clip>) {
        let clip = |id: &str, caption: &str| Clip {
            id: id.to_owned(),
            caption: caption.to_owned(),
            duration: Duration::from_millis(10_000),
        };
        let part = |clip, scale: f64, seconds: u64| Part {
            clip,
            scale,
            length: Duration::from_millis(seconds * 1000),
        };
        let video = PseudoVideo {
            id: "pseudo-000000".to_owned(),
            cluster: 0,
            parts: vec![part(1, 1.9, 19), part(0, 0.6, 6)],
            noise: None,
        };
        let clips = vec![clip("x/y", "A dog barks."), clip("z", "A cat.")];
        (Plan { videos: vec![video], tally: Tally::default() }, clips)
    }

    fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn dialogues_name_clips_and_scales_for_the_loader() {
        let (plan, clips) = two_clips();
        let file = text(|out| dialogues(out, &plan, &clips, &Templates::default(), 1));
        let found = dialogue::read(file.as_bytes(), "d.json").unwrap();
        assert!(dialogue::check(&found[0]).is_empty(), "{file}");
        assert_eq!(found[0].source.as_deref(), Some("pseudo-valor"));
        let value: serde_json::Value = serde_json::from_str(&file).unwrap();
        assert_eq!(value[0]["meta"]["sub_videos"], json!(["z", "x/y"]));
        assert_eq!(value[0]["meta"]["scale"], json!([1.9, 0.6]));
        assert_eq!(value[0]["meta"]["duration"].as_f64(), Some(25.0));
    }

    #[test]
    fn annotations_read_back_and_records_say_the_same() {
        let (plan, clips) = two_clips();
        let file = text(|out| annotations(out, &plan, &clips));
        let found = longvale::read(file.as_bytes(), "a.json").unwrap();
        assert_eq!(found[0].events, plan.videos[0].events(&clips));
        insta::assert_snapshot!(file, @r#"
        {
        "pseudo-000000": {"duration":25.0,"timestamps":[[0.0,19.0],[19.0,25.0]],"sentences":["A cat.","A dog barks."]}
        }
        "#);
        insta::assert_snapshot!(text(|out| records(out, &plan, &clips)), @r#"
        {
        "pseudo-000000": [{"event":"At which intervals in the video can we identify A cat?","timestamps":[0.0,19.0],"sub_video_id":"z"},{"event":"At which intervals in the video can we identify A dog barks?","timestamps":[19.0,25.0],"sub_video_id":"x/y"}]
        }
        "#);
    }
}
