use super::*;
use proptest::prelude::*;

fn eaf(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ANNOTATION_DOCUMENT>{body}</ANNOTATION_DOCUMENT>"
    )
}

/// Three words divide [1 s, 4 s]; a gloss and a gloss of the gloss refer to the second of them.
const SUBDIVIDED: &str = r#"
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
<MEDIA_DESCRIPTOR MEDIA_URL="file:///data/my%20talks/talk.one.mp4" MIME_TYPE="video/mp4"/>
<PROPERTY NAME="lastUsedAnnotationId">6</PROPERTY></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="ts2"/>
<TIME_SLOT TIME_SLOT_ID="ts3"/><TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="4000"/></TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="x" TIER_ID="words">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>one &amp; only</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
<ANNOTATION_VALUE>tw&#246;</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
<ANNOTATION_VALUE/></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="deep"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a5" ANNOTATION_REF="a4">
<ANNOTATION_VALUE>of the gloss</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="gloss"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a4" ANNOTATION_REF="a2">
<ANNOTATION_VALUE>zwei</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>"#;

#[test]
fn slots_without_a_time_divide_evenly_and_references_have_the_span_of_their_parent() {
    let records = read(eaf(SUBDIVIDED).as_bytes(), "x.eaf").unwrap();
    let record = &records[0];
    assert_eq!(record.id, "talk.one");
    assert_eq!(record.media.as_deref(), Some("file:///data/my%20talks/talk.one.mp4"));
    let seen: Vec<String> = record
        .remarks
        .iter()
        .map(|r| {
            let (span, text) = (r.span.unwrap(), r.text.as_deref().unwrap());
            format!("{} {span} {text:?}", r.tier.as_deref().unwrap_or("-"))
        })
        .collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    words 00:01.000-00:02.000 "one & only"
    words 00:02.000-00:03.000 "twö"
    words 00:03.000-00:04.000 ""
    deep 00:02.000-00:03.000 "of the gloss"
    gloss 00:02.000-00:03.000 "zwei"
    "#);
}

#[test]
fn a_file_without_media_is_named_by_itself() {
    let records = read(eaf("<HEADER/>").as_bytes(), "some/folder/Interview 1.eaf").unwrap();
    assert_eq!((records[0].id.as_str(), records[0].remarks.len()), ("Interview 1", 0));
}

#[test]
fn errors_name_the_line() {
    let error = |body: &str| read(eaf(body).as_bytes(), "x.eaf").unwrap_err().to_string();
    let slot = |id: &str, value: &str| format!("<TIME_SLOT TIME_SLOT_ID='{id}' {value}/>\n");
    let two = format!(
        "<TIME_ORDER>{}{}</TIME_ORDER>",
        slot("a", "TIME_VALUE='5'"),
        slot("b", "TIME_VALUE='2'")
    );
    let open = format!("<TIME_ORDER>{}{}</TIME_ORDER>", slot("a", "TIME_VALUE='5'"), slot("b", ""));
    let from_a_to_b = "<TIER TIER_ID='t'>\n<ALIGNABLE_ANNOTATION ANNOTATION_ID='1' \
                       TIME_SLOT_REF1='a' TIME_SLOT_REF2='b'/></TIER>";
    let ring = "<TIER TIER_ID='t'><REF_ANNOTATION ANNOTATION_ID='1' ANNOTATION_REF='2'/>\
                <REF_ANNOTATION ANNOTATION_ID='2' ANNOTATION_REF='1'/></TIER>";
    let orphan = "<TIER TIER_ID='t'><REF_ANNOTATION ANNOTATION_ID='1' ANNOTATION_REF='2'/></TIER>";
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><ANNOTATION_DOCUMENT/>";
    let errors = [
        error(&format!("{two}{from_a_to_b}")),
        error(&format!("{open}{from_a_to_b}")),
        error(from_a_to_b),
        error(ring),
        error(orphan),
        error(&slot("a", "TIME_VALUE='-5'")),
        error("<HEADER TIME_UNITS='PAL-frames'/>"),
        error("<TIER/>"),
        error("<PROPERTY NAME='x'>&lol;</PROPERTY>"),
        error(&"<a>".repeat(40)),
        read(bomb.as_bytes(), "x.eaf").unwrap_err().to_string(),
        read(&b"<html></html>"[..], "x.eaf").unwrap_err().to_string(),
        read(&b"<ANNOTATION_DOCUMENT>"[..], "x.eaf").unwrap_err().to_string(),
        read(&b"\xff\xfe<"[..], "x.eaf").unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    x.eaf: expected an end not before its start 00:00.005 at line 5, found 00:00.002
    x.eaf: expected a time slot whose time is given or between two at line 5, found b without a time, and none on both sides
    x.eaf: expected a time slot of the file at line 3, found a in no TIME_ORDER
    x.eaf: expected references that end at line 2, found 1 through itself
    x.eaf: expected an annotation that is referred to at line 2, found none with the id 2
    x.eaf: expected a whole number of milliseconds at line 2, found "-5"
    x.eaf: expected times in milliseconds at line 2, found "PAL-frames"
    x.eaf: expected the attribute TIER_ID at line 2, found none in TIER
    x.eaf: expected a character or one of XML's own entities at line 2, found &lol;
    x.eaf: expected elements less deep in each other at line 2, found one inside 32 others
    x.eaf: expected a file without a document type at line 1, found <!DOCTYPE
    x.eaf: expected one element ANNOTATION_DOCUMENT at line 1, found the element html
    x.eaf: expected the end of ANNOTATION_DOCUMENT at line 1, found the file's end
    x.eaf: expected UTF-8 text, found something else at byte 0
    "#);
}

#[test]
fn what_the_format_cannot_hold_is_said() {
    let text = |text: &str, span| Record {
        id: "v".to_owned(),
        remarks: vec![Remark { text: Some(text.to_owned()), span, ..Remark::default() }],
        ..Record::default()
    };
    let span = Some(Span::new(Time::ZERO, Duration::from_millis(5)));
    let errors = [
        write(Vec::new(), &[]).unwrap_err().to_string(),
        write(Vec::new(), &[text("x", None)]).unwrap_err().to_string(),
        write(Vec::new(), &[text("bell \u{7}", span)]).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    an ELAN file has no place for 0 recordings; write a file for each of them
    an ELAN file has no place for remark 1 of v, which has no time from 0 on; leave it out, or give it a span
    an ELAN file has no place for the character U+0007 of "bell \u{7}"; take it out of the text
    "#);
}

#[test]
fn a_time_that_elan_cannot_count_to_is_not_a_panic() {
    let span = Some(Span::until(Time::ZERO, Time::MAX));
    let remarks = vec![Remark { span, ..Remark::default() }];
    let mut file = Vec::new();
    write(&mut file, &[Record { remarks, ..Record::default() }]).unwrap();
    assert!(read(&file[..], "x.eaf").is_err());
}

fn record() -> impl Strategy<Value = Record> {
    let text = "[ -~\\n\\r\\t\u{80}-\u{200}日😀\u{85}\u{2028}]{0,12}";
    let tier = prop::option::of("[a-c&<\"]{1,2}");
    let remark = (0i64..4_000_000, 0u64..1_000_000, text, prop::option::of(text), tier);
    let remark = remark.prop_map(|(start, length, text, label, tier)| Remark {
        span: Some(Span::new(Time::from_millis(start), Duration::from_millis(length))),
        text: Some(text),
        label: label.map(|name| Label { name: Some(name), id: None }),
        score: None,
        tier,
    });
    let about =
        (text, prop::option::of(0u64..10_000_000), prop::option::of(text), prop::option::of(text));
    (about, prop::collection::vec(remark, 0..8)).prop_map(
        |((id, millis, subset, media), mut remarks)| {
            // The file goes tier by tier, in the order in which they first appear.
            let mut order: Vec<Option<String>> = Vec::new();
            for remark in &remarks {
                if !order.contains(&remark.tier) {
                    order.push(remark.tier.clone());
                }
            }
            remarks.sort_by_key(|remark| order.iter().position(|tier| *tier == remark.tier));
            Record {
                id,
                duration: millis.map(Duration::from_millis),
                subset,
                media,
                frame_rate: None,
                remarks,
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_reads_back(record in record()) {
        let mut file = Vec::new();
        write(&mut file, std::slice::from_ref(&record)).unwrap();
        prop_assert_eq!(read(&file[..], "x.eaf").unwrap(), [record]);
    }

    #[test]
    fn no_mutated_file_panics(at in 0usize..2400, byte in any::<u8>(), cut in 0usize..2400) {
        let mut bytes = eaf(SUBDIVIDED).into_bytes();
        let length = bytes.len();
        bytes[at % length] = byte;
        let _ = read(&bytes[..], "x.eaf");
        let _ = read(&bytes[..cut % length], "x.eaf");
    }
}
