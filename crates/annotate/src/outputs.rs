//! The files of one video, as bytes: `annotation.json`, `report.html`, `events.vtt`, `chapters.vtt`
//! and the picture that the index page shows.

use std::path::{Component, Path, PathBuf};

use omnivale_dataset::webvtt;
use omnivale_timeline::{Cue, Spanned, Time};

use crate::annotation::Annotation;
use crate::config::Config;
use crate::measure::Measurements;
use crate::report::{self, Thumbnail, VideoReport};

/// Where the index page finds a video's picture, below the video's folder.
pub(crate) const POSTER: &str = "stages/poster.jpg";

/// Longest title of a chapter, in characters: what players show without cutting it themselves.
const TITLE: usize = 70;

/// Name and bytes of each file. Without measurements (a video rejected before it was decoded) there
/// is only the verdict to show; without events there are no `.vtt` files.
pub(crate) fn render(
    annotation: &Annotation,
    measured: Option<&Measurements>,
    folder: &Path,
    config: &Config,
) -> Vec<(&'static str, Vec<u8>)> {
    let mut json =
        serde_json::to_vec_pretty(annotation).expect("an annotation is plain data with text keys");
    json.push(b'\n');
    let page = page(annotation, measured, folder, config);
    let mut files = vec![("annotation.json", json), ("report.html", page.into_bytes())];
    if !annotation.events.is_empty() {
        files.push(("events.vtt", webvtt::write(&cues(annotation, str::to_owned)).into_bytes()));
        files.push(("chapters.vtt", webvtt::write(&cues(annotation, title)).into_bytes()));
    }
    if let Some(poster) = measured.and_then(poster) {
        files.push((POSTER, poster.jpeg.clone()));
    }
    files
}

/// The most detailed picture, as far as the size of its JPEG tells, the first of equals: a fade to
/// black in the middle of the video says nothing on the index page.
fn poster(measured: &Measurements) -> Option<&Thumbnail> {
    let better = |best: &'_ Thumbnail, next: &Thumbnail| next.jpeg.len() > best.jpeg.len();
    measured.thumbnails.iter().reduce(|best, next| if better(best, next) { next } else { best })
}

fn page(
    annotation: &Annotation,
    measured: Option<&Measurements>,
    folder: &Path,
    config: &Config,
) -> String {
    let sound = measured.and_then(|measured| measured.sound.as_ref());
    let peaks: Vec<(f32, f32)> = sound
        .iter()
        .flat_map(|sound| &sound.waveform.peaks)
        .map(|(low, high)| (f32::from(*low) / 127.0, f32::from(*high) / 127.0))
        .collect();
    let scores: Vec<(Time, f32)> = measured
        .iter()
        .filter_map(|measured| measured.pictures.as_ref())
        .flat_map(|pictures| &pictures.scores)
        .map(|score| (score.time, score.content as f32))
        .collect();
    let media = href(folder, Path::new(&annotation.video.source));
    report::video(&VideoReport {
        annotation,
        waveform: sound.map(|sound| report::Waveform {
            start: sound.waveform.start,
            step: sound.waveform.step,
            peaks: &peaks,
        }),
        scores: &scores,
        thumbnails: measured.map_or(&[], |measured| &measured.thumbnails),
        media: media.as_deref(),
        generator: env!("CARGO_PKG_VERSION"),
        config: &config.report,
    })
}

fn cues(annotation: &Annotation, text: impl Fn(&str) -> String) -> Vec<Cue> {
    let cue = |event: &crate::annotation::OmniEvent| Cue {
        span: event.span(),
        text: text(&event.caption),
    };
    annotation.events.iter().map(cue).collect()
}

/// The caption, cut at a word if it is longer than a chapter's title should be.
fn title(caption: &str) -> String {
    if caption.chars().count() <= TITLE {
        return caption.trim_end_matches('.').to_owned();
    }
    let cut: String = caption.chars().take(TITLE).collect();
    let words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{}…", words.trim_end_matches([',', ';', ':', '.']))
}

/// The way from `folder` to the media file with `/` between its parts: relative, so that results and
/// videos can be moved together; absolute where the two share nothing but the root. `None` for a
/// path that is not Unicode, which a page cannot spell.
fn href(folder: &Path, media: &Path) -> Option<String> {
    let folder = std::path::absolute(folder).ok()?;
    let media = std::path::absolute(media).ok()?;
    let (folder, media) = (tidy(&folder), tidy(&media));
    let shared = folder.components().zip(media.components()).take_while(|(a, b)| a == b).count();
    if shared <= 1 {
        return Some(media.to_str()?.replace('\\', "/"));
    }
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(media.components().skip(shared)).collect();
    Some(way.to_str()?.replace('\\', "/"))
}

/// Resolves `..` without asking the file system, as a browser would.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_media_is_relative_where_it_can_be() {
        let href = |folder, media| href(Path::new(folder), Path::new(media)).unwrap();
        assert_eq!(href("/home/a/out/videos/talk", "/home/a/in/talk.mp4"), "../../../in/talk.mp4");
        assert_eq!(href("/home/a/x/../out/videos/t", "/home/a/out/t.mp4"), "../../t.mp4");
        assert_eq!(href("/mnt/out/videos/t", "/home/a/t.mp4"), "/home/a/t.mp4");
    }

    #[test]
    fn a_title_ends_at_a_word() {
        let long = "A bright scene in red and blue pans to the left, while a voice speaks over quiet music in the background.";
        let title = title(long);
        insta::assert_snapshot!(title, @"A bright scene in red and blue pans to the left, while a voice speaks…");
        assert_eq!(super::title("Silence."), "Silence");
    }
}
