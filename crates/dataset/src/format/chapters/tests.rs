use super::*;
use omnivale_timeline::Duration;
use proptest::prelude::*;

#[test]
fn metadata_as_ffmpeg_writes_it() {
    let text = ";FFMETADATA1\r\ntitle=A talk\r\n; a comment\r\n[CHAPTER]\r\nTIMEBASE=1/1000\r\n\
                START=0\r\nEND=1500\r\ntitle=One \\= two\\; \\#3 \\\\ four\r\n[STREAM]\r\n\
                title=not a chapter\r\n[CHAPTER]\r\nSTART=1500000000\r\nEND=2000000000\r\n";
    let chapters = read_metadata(text, "x.ffmetadata").unwrap();
    assert_eq!(chapters.len(), 2);
    assert_eq!(chapters[0].text, "One = two; #3 \\ four");
    let second = Span::until(Time::from_millis(1_500), Time::from_millis(2_000));
    assert_eq!(chapters[1], Cue { span: second, text: String::new() });
}

#[test]
fn a_title_may_go_over_lines() {
    let text = ";FFMETADATA1\n[CHAPTER]\nSTART=0\nEND=1\ntitle=one\\\ntwo\nSTART=x\n";
    let error = read_metadata(text, "x.ffmetadata").unwrap_err().to_string();
    // The line after the title is the sixth and seventh.
    assert_eq!(error, r#"x.ffmetadata, line 7: expected a whole number of time units, found "x""#);
}

#[test]
fn errors_name_the_line() {
    let metadata =
        |text: &str| read_metadata(&format!(";FFMETADATA1\n{text}"), "m").unwrap_err().to_string();
    let list = |text: &str| read_list(text, "l", None).unwrap_err().to_string();
    let errors = [
        read_metadata("[CHAPTER]", "m").unwrap_err().to_string(),
        metadata("[CHAPTER]\nEND=1\n"),
        metadata("[CHAPTER]\nSTART=2000000\nEND=0\n"),
        metadata("[CHAPTER]\nTIMEBASE=1/0\n"),
        metadata("[CHAPTER]\nSTART\n"),
        metadata("[CHAPTER]\nTIMEBASE=2147483647/1\nSTART=9223372036854775807\nEND=1\n"),
        list("0:00 Intro\nno time"),
        list("0:10 a\n0:05 b"),
        list("0:61 a"),
        read_list("0:10 a", "l", Some(Time::from_millis(5_000))).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    m, line 1: expected the header `;FFMETADATA1`, found "[CHAPTER]"
    m, line 2: expected a chapter with a START, found "[CHAPTER]"
    m, line 2: expected a chapter that ends after its start, found "00:00.002, 00:00.000"
    m, line 3: expected a time base such as 1/1000, found "1/0"
    m, line 3: expected a value after `=`, found "START"
    m, line 2: expected a time that can be told in microseconds, found "9223372036854775807"
    l, line 2: expected a time such as 1:02 and a title, found "no time"
    l, line 2: expected a chapter that starts after the one above it, found "0:05 b"
    l, line 1: expected a time such as 1:02 and a title, found "0:61 a"
    l, line 1: expected a chapter that starts before the video ends, found "00:05.000"
    "#);
}

#[test]
fn a_list_says_when_chapters_start() {
    let text = "0:00 Intro\n\n1:05 The middle \n1:00:00 The end\n";
    let chapters = read_list(text, "chapters.txt", None).unwrap();
    let ends: Vec<i64> = chapters.iter().map(|c| c.span.end().micros() / 1_000_000).collect();
    assert_eq!(ends, [65, 3600, 3600]);
    assert_eq!(chapters[1].text, "The middle");
    assert_eq!(write_list(&chapters), text.replace("\n\n", "\n").replace(" \n", "\n"));
    let until = read_list(text, "chapters.txt", Some(Time::from_millis(3_700_000))).unwrap();
    assert_eq!(until[2].span.duration, Duration::from_millis(100_000));
}

fn chapters() -> impl Strategy<Value = Vec<Cue>> {
    let chapter = (-10_000i64..100_000_000, 0u64..100_000, any::<String>());
    let chapter = chapter.prop_map(|(start, length, text)| Cue {
        span: Span::new(Time::from_millis(start), Duration::from_millis(length)),
        text,
    });
    prop::collection::vec(chapter, 0..5)
}

/// Chapters that follow each other, as a list has them: the last one empty.
fn following() -> impl Strategy<Value = Vec<Cue>> {
    let title = "([!-~é日]([ -~é日]{0,12}[!-~é日])?)?";
    prop::collection::vec((0i64..5_000, title), 0..6).prop_map(|chapters| {
        let mut start = Time::ZERO;
        let mut cues: Vec<Cue> = Vec::new();
        for (seconds, text) in chapters {
            start = start + Duration::from_millis(seconds as u64 * 1000);
            if let Some(last) = cues.last_mut() {
                last.span = Span::until(last.span.start, start);
            }
            cues.push(Cue { span: Span::until(start, start), text });
        }
        cues
    })
}

proptest! {
    #[test]
    fn written_metadata_reads_back(chapters in chapters()) {
        let file = write_metadata(&chapters);
        prop_assert_eq!(read_metadata(&file, "round trip").unwrap(), chapters);
    }

    #[test]
    fn a_written_list_reads_back(chapters in following()) {
        prop_assert_eq!(read_list(&write_list(&chapters), "round trip", None).unwrap(), chapters);
    }

    #[test]
    fn no_input_panics(text in "(;FFMETADATA1\n)?(\\[CHAPTER\\]\n)?[A-Z=\\\\/0-9: \r\n\\[\\]]{0,60}") {
        let _ = read_metadata(&text, "noise");
        let _ = read_list(&text, "noise", Some(Time::ZERO));
    }
}
