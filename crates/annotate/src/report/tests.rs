//! Tests of whole pages.

use omnivale_timeline::{Duration, Time, VideoId};

use super::sample::{annotation, config, event, extent, omni};
use super::*;
use crate::annotation::{Annotation, CueRecord};

const HOSTILE: &str =
    "</script><script>alert(1)</script>\"' onload='x' <img src=x onerror=y> {{ 7*7 }} &amp;";

fn report<'a>(annotation: &'a Annotation, config: &'a ReportConfig) -> VideoReport<'a> {
    VideoReport {
        annotation,
        waveform: None,
        scores: &[],
        thumbnails: &[],
        media: None,
        generator: "1.2.3",
        config,
    }
}

/// Checks that elements nest, and returns how many there are of each name.
///
/// It knows the little HTML that the templates use: quoted attributes, void elements, raw text in
/// `script` and `style`, self-closed SVG elements.
fn elements(page: &str) -> std::collections::BTreeMap<String, usize> {
    const VOID: [&str; 7] = ["meta", "link", "br", "col", "img", "input", "!doctype"];
    let mut open: Vec<String> = Vec::new();
    let mut counts = std::collections::BTreeMap::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let mut quoted = None;
        let end = rest[at..]
            .char_indices()
            .find(|(_, c)| match (quoted, *c) {
                (None, '>') => true,
                (None, '"') => {
                    quoted = Some('"');
                    false
                }
                (Some(quote), c) => {
                    quoted = (c != quote).then_some(quote);
                    false
                }
                _ => false,
            })
            .map(|(end, _)| at + end)
            .expect("every tag is closed");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "</{name}> closes something else");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap().to_owned();
        *counts.entry(name.clone()).or_insert(0) += 1;
        if ["script", "style"].contains(&name.as_str()) {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).expect("raw text ends") + close.len()..];
        } else if !VOID.contains(&name.as_str()) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    counts
}

/// The body as lines, without the embedded style and script.
fn body(page: &str) -> &str {
    let start = page.find("<body>").unwrap();
    &page[start..page.rfind("<script>").unwrap()]
}

#[test]
fn a_report_shows_what_is_known() {
    let peaks = [(-0.5, 0.5), (-0.25, 0.25), (0.0, 0.0), (-1.0, 1.0)];
    let scores = [0.0, 4.0, 81.0, 1.0].into_iter().zip([0, 4_000, 8_000, 12_000]);
    let scores: Vec<(Time, f32)> =
        scores.map(|(score, at)| (Time::from_millis(at), score)).collect();
    let thumbnails = [Thumbnail { time: Time::from_millis(4_500), jpeg: vec![0xff, 0xd8] }];
    let (annotation, config) = (annotation(), config());
    let page = video(&VideoReport {
        waveform: Some(Waveform {
            start: Time::ZERO,
            step: Duration::from_millis(5_000),
            peaks: &peaks,
        }),
        scores: &scores,
        thumbnails: &thumbnails,
        media: Some("../../../films/talk.mp4"),
        ..report(&annotation, &config)
    });
    assert!(page.contains(".t0{background-image:url(data:image/jpeg;base64,/9g=)}"));
    assert!(!page.contains("://"), "a page asks nobody for anything");
    elements(&page);
    insta::assert_snapshot!(body(&page));
}

#[test]
fn nothing_that_a_video_carries_becomes_markup() {
    let mut hostile = annotation();
    hostile.video.source = HOSTILE.to_owned();
    hostile.video.streams[0].codec = HOSTILE.to_owned();
    hostile.video.blake3 = HOSTILE.to_owned();
    hostile.damage[0].detail = HOSTILE.to_owned();
    hostile.verdict.checks[0].name = HOSTILE.to_owned();
    hostile.cues[0].text = HOSTILE.to_owned();
    hostile.visual_events[0].kind = Some(HOSTILE.to_owned());
    hostile.visual_events[0]
        .evidence
        .insert(HOSTILE.to_owned(), omnivale_timeline::Fact::Word(HOSTILE.to_owned()));
    hostile.audio_events[0].kind = Some(HOSTILE.to_owned());
    hostile.audio_events[0].transcript = Some(HOSTILE.to_owned());
    hostile.events[0].caption = HOSTILE.to_owned();
    hostile.events[0].correlations[0].kind = HOSTILE.to_owned();
    hostile.events[0].provenance.captioner = HOSTILE.to_owned();
    let config = config();
    let page = |annotation: &Annotation, media| {
        elements(&video(&VideoReport { media: Some(media), ..report(annotation, &config) }))
    };
    let (found, mut wanted) = (page(&hostile, HOSTILE), page(&annotation(), "talk.mp4"));
    // One fact more and one transcript more in the table: nothing else may differ.
    for name in ["div", "dt", "dd", "p"] {
        *wanted.get_mut(name).unwrap() += 1;
    }
    assert_eq!(found, wanted);
}

#[test]
fn an_index_escapes_and_links() {
    let mut hostile = annotation();
    hostile.video.id = VideoId::from_stem("a b&c'#1%");
    hostile.damage[0].kind = HOSTILE.to_owned();
    hostile.verdict.checks[0].name = HOSTILE.to_owned();
    let entries = [IndexEntry::new(&hostile, None)];
    let failures = [Failure {
        source: HOSTILE.to_owned(),
        reason: "cannot be opened; is it a video?".to_owned(),
    }];
    let statistics = Statistics {
        totals: vec![Total { name: "videos".to_owned(), value: "1".to_owned() }],
        histograms: vec![Histogram {
            title: "length of an event".to_owned(),
            bars: vec![
                Bar { name: "1 to 10 s".to_owned(), count: 1 },
                Bar { name: "10 to 30 s".to_owned(), count: 4_000 },
            ],
        }],
    };
    let page = index(&IndexReport {
        entries: &entries,
        failures: &failures,
        statistics: &statistics,
        generator: "1.2.3",
        config: &config(),
    });
    assert!(page.contains("href=\"videos/a%20b%26c%27%231%25/report.html\""));
    let found = elements(&page);
    assert_eq!((found["script"], found.get("img")), (1, None));
    insta::assert_snapshot!(body(&page));
}

#[test]
fn an_index_is_bounded_and_says_so() {
    let picture = Thumbnail { time: Time::ZERO, jpeg: vec![7; 60] };
    let entries = vec![IndexEntry::new(&annotation(), Some(&picture)); 10_000];
    let failures = vec![Failure { source: "x".to_owned(), reason: "y".to_owned() }; 10_000];
    let page = index(&IndexReport {
        entries: &entries,
        failures: &failures,
        statistics: &Statistics::default(),
        generator: "1.2.3",
        config: &config(),
    });
    let found = elements(&page);
    // Three rows and a head; 100 bytes of pictures hold one of 60.
    assert_eq!((found["tr"], found["img"]), (4, 1));
    assert!(page.contains("The first 3 of 10,000 videos are listed"));
    assert!(page.contains("The first 3 of 10,000 are listed; run.json has all of them."));
    assert!(page.len() < 40_000, "{}", page.len());
}

/// Three hours with 1,000 events in each modality, sound and a score for each picture.
fn long() -> Annotation {
    let mut long = annotation();
    let caption = "A dark blue picture pans to the left while somebody speaks over quiet music.";
    let at = |index: usize| index as f64 * 10.8;
    long.video.duration = Duration::from_millis(10_800_000);
    let each = |kind: &'static str| {
        (0..1000).map(move |index| event(at(index), at(index + 1), kind, caption))
    };
    long.visual_events = each("moving").collect();
    long.audio_events = each("speech").collect();
    long.shots =
        (0..2000).map(|shot| extent(f64::from(shot) * 5.4, f64::from(shot + 1) * 5.4)).collect();
    long.cues = (0..1000)
        .map(|index| CueRecord {
            extent: extent(at(index), at(index) + 4.0),
            text: caption.to_owned(),
        })
        .collect();
    long.events = (0..1000).map(|index| omni(at(index), at(index + 1), caption, index)).collect();
    long
}

#[test]
fn a_long_video_stays_light() {
    let (annotation, config) = (long(), config());
    let peaks = vec![(-0.5, 0.5); 108_000];
    let scores: Vec<(Time, f32)> =
        (0..270_000).map(|frame| (Time::from_millis(frame * 40), 3.0)).collect();
    let thumbnails: Vec<Thumbnail> = (0..10_800)
        .map(|second| Thumbnail { time: Time::from_millis(second * 1000), jpeg: vec![1; 6_000] })
        .collect();
    let page = video(&VideoReport {
        waveform: Some(Waveform {
            start: Time::ZERO,
            step: Duration::from_millis(100),
            peaks: &peaks,
        }),
        scores: &scores,
        thumbnails: &thumbnails,
        ..report(&annotation, &config)
    });
    elements(&page);
    // Pictures up to their limit, a third more for base64; the rest is text, 4 kB per event.
    let pictures = config.thumbnail_bytes * 4 / 3 + 100_000;
    assert!(page.len() < pictures + 1000 * 4_000, "{}", page.len());
    let drawn: usize =
        page.match_indices(" d=\"").map(|(at, _)| page[at + 4..].find('"').unwrap()).sum();
    assert!(drawn < 150_000, "{drawn}");
}

#[test]
fn a_report_is_the_same_every_time() {
    let (annotation, config) = (annotation(), config());
    assert_eq!(video(&report(&annotation, &config)), video(&report(&annotation, &config)));
}

#[test]
fn every_part_may_be_missing() {
    let mut bare = annotation();
    bare.video.duration = Duration::ZERO;
    (bare.video.width, bare.video.height, bare.video.frame_rate) = (None, None, None);
    bare.video.streams.clear();
    bare.verdict.checks.clear();
    bare.damage.clear();
    bare.cues.clear();
    bare.shots.clear();
    bare.visual_events.clear();
    bare.audio_events.clear();
    bare.events.clear();
    let config = config();
    let page = video(&report(&bare, &config));
    elements(&page);
    assert!(page.contains("The video has no length."));
    assert!(page.contains("Nothing was found that stands out as an event."));
    assert!(!page.contains("id=\"verdict\""));

    let empty = index(&IndexReport {
        entries: &[],
        failures: &[],
        statistics: &Statistics::default(),
        generator: "1.2.3",
        config: &config,
    });
    elements(&empty);
    assert!(empty.contains("No video has been annotated yet."));
}

#[test]
fn without_fused_events_the_table_lists_what_was_heard() {
    let mut podcast = annotation();
    podcast.visual_events.clear();
    podcast.shots.clear();
    podcast.events.clear();
    (podcast.video.width, podcast.video.height) = (None, None);
    let config = config();
    let page = video(&VideoReport { media: Some("talk.mp3"), ..report(&podcast, &config) });
    let found = elements(&page);
    assert_eq!((found["audio"], found.get("video")), (1, None));
    assert!(page.contains("Somebody speaks.") && page.contains("data-row=\"1\""));
    assert!(!page.contains("lane seen") && !page.contains("lane shots"));
}

#[test]
fn events_with_broken_references_and_times_are_shown_all_the_same() {
    let mut broken = annotation();
    broken.events[0].visual = vec![99];
    broken.events[0].audio = vec![usize::MAX];
    broken.events[1].extent = extent(15.0, 3.0);
    broken.visual_events[0].extent = extent(-5.0, 2.0);
    broken.audio_events[0].extent = extent(0.0, 1e9);
    broken.cues[0].extent = extent(3.0, 3.000_001);
    let config = config();
    elements(&video(&report(&broken, &config)));
    IndexEntry::new(&broken, None);
}

#[test]
fn the_default_configuration_holds_the_documented_limits() {
    let config = crate::config::Config::default().report;
    assert_eq!((config.curve_points, config.index_videos), (2000, 2000));
}
