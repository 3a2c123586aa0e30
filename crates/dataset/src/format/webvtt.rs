//! WebVTT: subtitles and chapters in text, as browsers play them.
//!
//! Read: the header, cue names, settings, notes, styles and regions are passed over; tags are
//! removed and character references resolved. Written: numbered cues without settings.

use omnivale_timeline::{Caption, Cue};

use super::cue_text::{blocks, cue, without_markup, write_cues, wrong};
use crate::DatasetError;

const HEADER: &str = "WEBVTT";

/// The cues of a WebVTT file, in its order. `file` names it in errors. Chapters read the same way.
///
/// # Errors
/// [`DatasetError::Line`] if the header is missing or a cue has no sound timing line.
pub fn read(text: &str, file: &str) -> Result<Vec<Cue>, DatasetError> {
    let blocks = blocks(text);
    let first = blocks.first().and_then(|block| block.first());
    let (line, header) = first.copied().unwrap_or((1, ""));
    let named = header
        .strip_prefix(HEADER)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    if line != 1 || !named {
        return Err(wrong(file, line, "the header `WEBVTT`", header));
    }
    let cues = blocks.iter().skip(1).filter(|block| !is_aside(block[0].1));
    cues.map(|block| cue(block, file, plain)).collect()
}

/// The cues as a WebVTT file. Blank lines within a cue and spaces at the ends of its lines are left out.
pub fn write(cues: &[Cue]) -> String {
    let mut file = format!("{HEADER}\n");
    write_cues(&mut file, cues.iter().map(|cue| (cue.span, cue.text.as_str())), '.', escape);
    file
}

/// Captions as WebVTT chapters: one line each, numbered.
pub fn write_chapters(captions: &[Caption]) -> String {
    let titles: Vec<String> = captions
        .iter()
        .map(|caption| caption.text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let mut file = format!("{HEADER}\n");
    let chapters =
        captions.iter().zip(&titles).map(|(caption, title)| (caption.span, title.as_str()));
    write_cues(&mut file, chapters, '.', escape);
    file
}

/// Whether a block that begins like this is a note, a style sheet or a region.
fn is_aside(line: &str) -> bool {
    let word = line.split_whitespace().next();
    !line.contains("-->") && matches!(word, Some("NOTE" | "STYLE" | "REGION"))
}

fn plain(line: &str) -> String {
    // An ampersand comes last, so that `&amp;lt;` ends as `&lt;`.
    without_markup(line, '<', '>', |_| true)
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u{a0}")
        .replace("&lrm;", "\u{200e}")
        .replace("&rlm;", "\u{200f}")
        .replace("&amp;", "&")
}

fn escape(line: &str) -> String {
    line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_timeline::{Duration, Span, Time};
    use proptest::prelude::*;

    #[test]
    fn reads_what_browsers_read() {
        let text = "\u{feff}WEBVTT - a title\r\nKind: captions\r\n\r\nNOTE not\nthis\n\n\
                    STYLE\n::cue { color: red }\n\nintro\n00:01.500 --> 01:00:02.000 align:start\n\
                    <v Ann>R&amp;D <i>&lt;now&gt;</i>\nnext line\n\n00:03.000-->00:04.000\n";
        let cues = read(text, "x.vtt").unwrap();
        assert_eq!(cues.len(), 2);
        assert_eq!(cues[0].text, "R&D <now>\nnext line");
        assert_eq!(cues[0].span.start, Time::from_millis(1_500));
        assert_eq!(cues[0].span.end(), Time::from_millis(3_602_000));
        assert_eq!(cues[1].text, "");
    }

    #[test]
    fn errors_name_file_line_expected_and_found() {
        let error = |text| read(text, "x.vtt").unwrap_err().to_string();
        let errors = [
            error("1\n00:00.000 --> 00:01.000\nhi\n"),
            error("WEBVTT\n\n1\nhello\n"),
            error("WEBVTT\n\nNOTE x\n\n00:02.000 --> 00:01.000\nbackwards\n"),
            error("WEBVTT\n\n00:00.000 --> 00:61.000\nhi\n"),
            error(""),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        x.vtt, line 1: expected the header `WEBVTT`, found "1"
        x.vtt, line 4: expected a timing line with `-->`, found "hello"
        x.vtt, line 5: expected a start, `-->` and an end that is not before it, found "00:02.000 --> 00:01.000"
        x.vtt, line 3: expected a start, `-->` and an end that is not before it, found "00:00.000 --> 00:61.000"
        x.vtt, line 1: expected the header `WEBVTT`, found ""
        "#);
    }

    #[test]
    fn chapters_are_one_line_each() {
        let span = Span::until(Time::from_millis(-5), Time::from_millis(3_723_004));
        let chapters = write_chapters(&[Caption { span, text: "A\n\n --> <b>".to_owned() }]);
        assert_eq!(chapters, "WEBVTT\n\n1\n00:00:00.000 --> 01:02:03.004\nA --&gt; &lt;b&gt;\n");
        assert_eq!(read(&chapters, "c.vtt").unwrap()[0].text, "A --> <b>");
    }

    #[test]
    fn the_latest_instant_there_is_can_be_written() {
        let span = Span::until(Time::ZERO, Time::MAX);
        let written = write(&[Cue { span, text: String::new() }]);
        assert!(written.contains("--> 2562047788:00:54.775"), "{written}");
    }

    fn cues() -> impl Strategy<Value = Vec<Cue>> {
        let line = "[!-~é日][ -~é日]{0,12}[!-~é日]";
        let cue = (0i64..100_000_000, 0u64..100_000, prop::collection::vec(line, 0..3));
        let cue = cue.prop_map(|(start, length, lines)| Cue {
            span: Span::new(Time::from_millis(start), Duration::from_millis(length)),
            text: lines.join("\n"),
        });
        prop::collection::vec(cue, 0..5)
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(cues in cues()) {
            prop_assert_eq!(read(&write(&cues), "round trip").unwrap(), cues);
        }

        #[test]
        fn no_input_panics(text in "(WEBVTT\n\n)?[-> :.0-9a\r\n<&]{0,60}") {
            let _ = read(&text, "noise");
        }
    }
}
