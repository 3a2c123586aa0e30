use super::*;
use proptest::prelude::*;

fn written(records: &[Record]) -> Vec<u8> {
    let mut file = Vec::new();
    write(&mut file, records).expect("records that can be written");
    file
}

fn said(result: Result<Vec<Record>, DatasetError>) -> String {
    result.expect_err("a file that is refused").to_string()
}

/// A table in a schema of its own: text and numbers, one row group.
fn table(
    schema: &str,
    text: &[(&str, Vec<Option<&str>>)],
    numbers: &[(&str, Vec<f64>)],
) -> Vec<u8> {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
    use parquet::file::writer::SerializedFileWriter;
    let schema = parquet::schema::parser::parse_message_type(schema).expect("a schema");
    let mut writer = SerializedFileWriter::new(Vec::new(), schema.into(), Default::default())
        .expect("a writer in memory");
    let mut group = writer.next_row_group().expect("a group");
    while let Some(mut out) = group.next_column().expect("a column") {
        let name = out.untyped_name();
        if let Some((_, cells)) = text.iter().find(|(column, _)| *column == name) {
            let values: Vec<ByteArray> =
                cells.iter().flatten().map(|cell| ByteArray::from(*cell)).collect();
            let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
            out.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).expect("cells");
        } else if let Some((_, cells)) = numbers.iter().find(|(column, _)| *column == name) {
            let levels = vec![1; cells.len()];
            out.typed::<DoubleType>().write_batch(cells, Some(&levels), None).expect("cells");
        }
        out.close().expect("a closed column");
    }
    group.close().expect("a closed group");
    writer.into_inner().expect("the file")
}

trait Named {
    fn untyped_name(&mut self) -> String;
}

impl Named for parquet::file::writer::SerializedColumnWriter<'_> {
    fn untyped_name(&mut self) -> String {
        use parquet::column::writer::ColumnWriter;
        match self.untyped() {
            ColumnWriter::ByteArrayColumnWriter(out) => out.get_descriptor().name().to_owned(),
            ColumnWriter::DoubleColumnWriter(out) => out.get_descriptor().name().to_owned(),
            _ => String::new(),
        }
    }
}

#[test]
fn other_names_are_read_and_rows_of_a_video_may_lie_apart() {
    let file = table(
        "message m { optional binary Video_ID (UTF8); optional binary sentence (UTF8);
                     optional double start_time; optional double end; optional binary note (UTF8); }",
        &[
            ("Video_ID", vec![Some("a"), Some("b"), Some("a")]),
            ("sentence", vec![Some("one"), None, Some("three")]),
            ("note", vec![None, None, None]),
        ],
        &[("start_time", vec![1.0, 0.0, 0.25]), ("end", vec![2.0, 9.0, 0.5])],
    );
    let records = read(&file[..], "x.parquet").unwrap();
    let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(records[0].remarks.len(), 2);
    assert_eq!(records[0].remarks[1].text.as_deref(), Some("three"));
    assert_eq!(records[1].remarks[0].text, None);
    assert_eq!(records[1].remarks[0].span.unwrap().end(), Time::from_millis(9_000));
}

#[test]
fn errors_name_row_and_column() {
    let bounds = |start: f64, end: f64| {
        let schema = "message m { optional binary video (UTF8); optional double start; optional double end; }";
        table(
            schema,
            &[("video", vec![Some("a"), Some("a")])],
            &[("start", vec![0.0, start]), ("end", vec![1.0, end])],
        )
    };
    let no_id =
        table("message m { optional binary id (UTF8); }", &[("id", vec![Some("a"), None])], &[]);
    let no_end = table(
        "message m { optional binary id (UTF8); optional double start; }",
        &[("id", vec![Some("a")])],
        &[("start", vec![1.0])],
    );
    let two = table(
        "message m { optional binary id (UTF8); optional double duration; }",
        &[("id", vec![Some("a"), Some("a")])],
        &[("duration", vec![1.0, 2.0])],
    );
    let no_video = table("message m { optional double start; }", &[], &[("start", vec![1.0])]);
    let kind = table("message m { optional double video; }", &[], &[("video", vec![1.0])]);
    let errors = [
        said(read(&bounds(2.0, 1.0)[..], "x.parquet")),
        said(read(&bounds(f64::NAN, 1.0)[..], "x.parquet")),
        said(read(&no_id[..], "x.parquet")),
        said(read(&no_end[..], "x.parquet")),
        said(read(&two[..], "x.parquet")),
        said(read(&no_video[..], "x.parquet")),
        said(read(&kind[..], "x.parquet")),
        said(read(&b"PAR1 and no more"[..], "x.parquet")),
        said(read(&b""[..], "x.parquet")),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    x.parquet: expected an end not before its start 00:02.000 at row 2, column end, found 00:01.000
    x.parquet: expected a number of seconds at row 2, column start, found NaN
    x.parquet: expected a video's id at row 2, column video, found null
    x.parquet: expected an end for the start at row 1, column end, found null
    x.parquet: expected the duration of the video's other rows at row 2, column duration, found another one
    x.parquet: expected a column video at the table's head, found start
    x.parquet: expected text at column video, found DOUBLE
    x.parquet: expected a sound Parquet file, found Parquet error: Invalid Parquet file. Corrupt footer
    x.parquet: expected a sound Parquet file, found EOF: Parquet file too small. Size is 0 but need 8
    ");
}

#[test]
fn a_small_file_that_unpacks_to_a_large_table_is_refused() {
    let one = Remark { text: Some("x".repeat(500_000)), ..Remark::default() };
    let record = Record { id: "a".to_owned(), remarks: vec![one; 200], ..Record::default() };
    let file = written(&[record]);
    assert!(file.len() < 10_000, "{}", file.len());
    insta::assert_snapshot!(said(read(&file[..], "x.parquet")), @r"x.parquet: expected a table of captions that fits its size, found rows that unpack to many times its size");
}

#[test]
fn what_would_be_lost_is_refused() {
    let named = |remarks| Record { id: "a".to_owned(), remarks, ..Record::default() };
    let errors = [
        write(Vec::new(), &[named(vec![]), named(vec![])]).unwrap_err().to_string(),
        write(Vec::new(), &[named(vec![Remark::default()])]).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    a Parquet table of events has no place for two videos "a"; give them different ids
    a Parquet table of events has no place for event 1 of "a", which says nothing; leave it out
    "#);
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let record = Record { id: "a".to_owned(), ..Record::default() };
    assert_eq!(written(std::slice::from_ref(&record)), written(&[record]));
}

/// Every byte of a small file changed in two ways, and many lengths it can be cut to.
#[test]
fn no_mutated_file_panics() {
    let remark = |n: i64| Remark {
        span: Some(Span::new(Time::from_millis(n), Duration::from_millis(5))),
        text: Some(format!("caption {n}")),
        label: Some(Label { name: Some("dog".to_owned()), id: Some(n) }),
        ..Remark::default()
    };
    let record = |id: &str| Record {
        id: id.to_owned(),
        duration: Some(Duration::from_millis(99)),
        remarks: (0..4).map(remark).collect(),
        ..Record::default()
    };
    let sound = written(&[record("a"), record("b")]);
    for at in 0..sound.len() {
        for change in [0x01, 0x80] {
            let mut bytes = sound.clone();
            bytes[at] ^= change;
            let _ = read(&bytes[..], "x.parquet");
        }
        if at % 7 == 0 {
            assert!(read(&sound[..at], "x.parquet").is_err(), "cut at {at}");
        }
    }
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let text = || prop::option::of("\\PC{0,6}");
    let span =
        prop::option::of((-1_000_000i64..1 << 40, 0u64..1 << 40).prop_map(|(start, length)| {
            Span::new(Time::from_micros(start), Duration::from_micros(length))
        }));
    let number = || prop::option::of(-1e6f64..1e6);
    let remark = (span, text(), text(), prop::option::of(any::<i64>()), number(), text());
    let remark = remark.prop_map(|(span, text, name, id, score, tier)| {
        let label = Label { name, id };
        let label = (label != Label::default()).then_some(label);
        Remark { span, text, label, score, tier }
    });
    let remark = remark.prop_filter("says something", |remark| *remark != Remark::default());
    let about = (prop::option::of(0u64..1 << 40), text(), text(), number());
    let video = (about, prop::collection::vec(remark, 0..4));
    prop::collection::btree_map("\\PC{0,5}", video, 0..5).prop_map(|videos| {
        let record = |(id, ((micros, subset, media, frame_rate), remarks))| Record {
            id,
            duration: Option::map(micros, Duration::from_micros),
            subset,
            media,
            frame_rate,
            remarks,
        };
        videos.into_iter().rev().map(record).collect()
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(records in records()) {
        prop_assert_eq!(read(&written(&records)[..], "x.parquet").unwrap(), records);
    }
}
