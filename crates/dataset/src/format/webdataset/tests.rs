use omnivale_timeline::{Duration, Span, Time};
use proptest::prelude::*;

use super::*;

/// An archive of files with these names and contents.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        raw(&mut builder, name, EntryType::Regular, content.len() as u64, content);
    }
    builder.into_inner().expect("an archive in memory")
}

/// A member whose header is not looked at by anyone.
fn raw(
    builder: &mut tar::Builder<Vec<u8>>,
    name: &str,
    kind: EntryType,
    size: u64,
    content: &[u8],
) {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    builder.append(&header, content).expect("a member in memory");
}

fn said(bytes: &[u8]) -> String {
    read(bytes, "x.tar").expect_err("an archive that is refused").to_string()
}

#[test]
fn files_with_one_name_are_one_sample() {
    let json = br#"{"duration": 9, "timestamps": [[1, 2.5]], "sentences": ["Hi."], "other": 1}"#;
    let bytes = archive(&[
        ("./a/one.visual.npy", b"x"),
        ("./a/one.json", json),
        ("./a/one.mp4", b"not looked at"),
        ("two.txt", b"All of it.\n"),
        ("two.cls", b" 17\n"),
        ("two.wav", b""),
        ("three.json", br#"{"id": "my.id", "caption": "As others have it", "media": "x.mkv"}"#),
        ("three.cls", b"dog"),
    ]);
    let mut samples = Vec::new();
    for_each(&bytes[..], "x.tar", |sample| samples.push(sample)).unwrap();
    let keys: Vec<&str> = samples.iter().map(|sample| sample.key.as_str()).collect();
    assert_eq!(keys, ["a/one", "two", "three"]);
    assert_eq!(samples[0].members, ["./a/one.visual.npy", "./a/one.mp4"]);
    assert_eq!(samples[0].record.id, "a/one");
    assert_eq!(samples[0].record.media.as_deref(), Some("./a/one.mp4"));
    assert_eq!(samples[0].record.remarks[0].span.unwrap().end(), Time::from_millis(2_500));
    let two = &samples[1].record.remarks[0];
    assert_eq!(two.text.as_deref(), Some("All of it."));
    assert_eq!(two.label, Some(Label { name: None, id: Some(17) }));
    let three = &samples[2].record;
    assert_eq!((three.id.as_str(), three.media.as_deref()), ("my.id", Some("x.mkv")));
    assert_eq!(three.remarks.len(), 2);
}

#[test]
fn what_could_do_harm_is_refused() {
    let with = |name: &str, kind| {
        let mut builder = tar::Builder::new(Vec::new());
        raw(&mut builder, name, kind, 0, b"");
        builder.into_inner().unwrap()
    };
    let mut large = tar::Builder::new(Vec::new());
    raw(&mut large, "a.json", EntryType::Regular, 1 << 32, b"{}");
    let mut cut = archive(&[("a.mp4", &[7; 4096])]);
    cut.truncate(2048);
    let errors = [
        said(&archive(&[("/etc/passwd.json", b"{}")])),
        said(&archive(&[("a/../../b.json", b"{}")])),
        said(&archive(&[("a\\b.json", b"{}")])),
        said(&archive(&[("README", b"")])),
        said(&archive(&[(".hidden", b"")])),
        said(&with("a.json", EntryType::Symlink)),
        said(&with("a.json", EntryType::Fifo)),
        said(&large.into_inner().unwrap()),
        said(&cut),
        said(&archive(&[("a.txt", b"\xff")])),
        said(&archive(&[("a.txt", b"x"), ("b.txt", b"x"), ("a.cls", b"1")])),
        said(&archive(&[("a.txt", b"x"), ("./a.txt", b"y")])),
        said(&archive(&[("a.json", b"[]")])),
        said(&archive(&[("a.json", br#"{"timestamps": [[0, 1]], "sentences": []}"#)])),
        said(b"not an archive"),
        said(&[7; 1024]),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    x.tar: expected paths within the archive, found "/etc/passwd.json"
    x.tar: expected paths that do not go up, found "a/../../b.json"
    x.tar: expected paths within the archive, found "a\\b.json"
    x.tar: expected files with a name and an extension, found "README"
    x.tar: expected files with a name and an extension, found ".hidden"
    x.tar: expected plain files, found "a.json", which is a link
    x.tar: expected plain files, found "a.json", which is a device
    x.tar: expected texts of at most 16 MiB, found "a.json" with 4294967296 bytes
    x.tar: expected a sound tar archive, found unexpected EOF during skip
    x.tar: expected text in UTF-8, found stream did not contain valid UTF-8 in "a.txt"
    x.tar: expected the files of a sample side by side, found "a" again
    x.tar: expected each file once, found "./a.txt" again
    x.tar: a.json: expected an object at $, found an empty list
    x.tar: a.json: expected a list of 1, as timestamps is at $.sentences, found an empty list
    x.tar: expected a sound tar archive, found failed to read entire block
    x.tar: expected a sound tar archive, found numeric field was not a number:  when getting cksum for 
    "#);
}

fn record(id: &str) -> Record {
    let span = Some(Span::new(Time::ZERO, Duration::from_millis(5)));
    let remark = Remark { span, text: Some("x".to_owned()), ..Remark::default() };
    Record { id: id.to_owned(), remarks: vec![remark], ..Record::default() }
}

#[test]
fn a_plain_record_is_what_longvale_has() {
    let mut bytes = Vec::new();
    write(&mut bytes, &[record("AbCdEfGhIjK")]).unwrap();
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(entry.path().unwrap().to_str(), Some("AbCdEfGhIjK.json"));
    assert_eq!((entry.header().mtime().unwrap(), entry.header().uid().unwrap()), (0, 0));
    let mut text = String::new();
    entry.read_to_string(&mut text).unwrap();
    insta::assert_snapshot!(text, @r#"{"id":"AbCdEfGhIjK","timestamps":[[0.0,0.005]],"sentences":["x"]}"#);
}

#[test]
fn media_go_with_their_records_into_archives_of_a_size() {
    let root = tempfile::tempdir().unwrap();
    let media = root.path().join("media");
    std::fs::create_dir(&media).unwrap();
    for (name, size) in [("a.mp4", 3000), ("a.visual.npy", 10), ("b.c.mp4", 1), ("other.mp4", 1)] {
        std::fs::write(media.join(name), vec![1u8; size]).unwrap();
    }
    let records = [record("a"), record("b.c"), record("d/e")];
    let options = Shards { bytes: Some(5 * 1024), media: Some(media.clone()), ..Shards::default() };
    let out = root.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let written = write_shards(&out, "train", &records, &options).unwrap();
    let names: Vec<_> = written.shards.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["train-000000.tar", "train-000001.tar"]);
    assert_eq!((written.media, written.without_media), (3, vec!["d/e".to_owned()]));
    assert_eq!(written.unused, ["other.mp4"]);
    let mut samples = Vec::new();
    for path in &written.shards {
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes.len() % 512, 0);
        for_each(&bytes[..], "x.tar", |sample| samples.push(sample)).unwrap();
    }
    assert_eq!(samples[0].members, ["a.mp4", "a.visual.npy"]);
    assert_eq!(samples[1].members, ["b_c.mp4"]);
    assert_eq!(samples[1].record.id, "b.c");
    assert_eq!((samples[2].key.as_str(), samples[2].record.id.as_str()), ("d_e", "d/e"));

    let by_count = Shards { samples: Some(1), ..Shards::default() };
    assert_eq!(write_shards(&out, "one", &records, &by_count).unwrap().shards.len(), 3);
    assert_eq!(write_shards(&out, "none", &[], &by_count).unwrap().shards.len(), 1);
    let clash = write_shards(&out, "x", &[record("a.b"), record("a/b")], &by_count);
    insta::assert_snapshot!(clash.unwrap_err(), @r#"a WebDataset archive has no place for both "a.b" and "a/b", whose files would be named alike; rename one of them"#);
    let gone = Shards { media: Some(root.path().join("absent")), ..Shards::default() };
    assert!(write_shards(&out, "y", &records, &gone).is_err());
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_str().unwrap().ends_with(".tar")), "{left:?}");
}

/// Every third byte of a small archive changed in two ways, and lengths it can be cut to.
#[test]
fn no_mutated_file_panics() {
    let mut sound = Vec::new();
    write(&mut sound, &[record("a"), record("b")]).unwrap();
    sound.extend(archive(&[("c.txt", b"x"), ("c.mp4", b"y")]));
    for at in (0..sound.len()).step_by(3) {
        for change in [0x01, 0x80] {
            let mut bytes = sound.clone();
            bytes[at] ^= change;
            let _ = read(&bytes[..], "x.tar");
        }
        let _ = read(&sound[..at], "x.tar");
    }
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let text = || prop::option::of("\\PC{0,6}");
    let span = (-10_000i64..10_000_000, 0u64..10_000_000).prop_map(|(start, length)| {
        Span::new(Time::from_millis(start), Duration::from_millis(length))
    });
    let label = (text(), prop::option::of(any::<i64>())).prop_map(|(name, id)| Label { name, id });
    let label = prop::option::of(label.prop_filter("says something", |l| *l != Label::default()));
    let remark = (prop::option::of(span), text(), label, prop::option::of(-1e3f64..1e3), text());
    let remark = remark.prop_map(|(span, text, label, score, tier)| Remark {
        span,
        text,
        label,
        score,
        tier,
    });
    let about = (prop::option::of(0u64..1_000_000), text(), text(), prop::option::of(1f64..100.0));
    let video = (about, prop::collection::vec(remark, 0..4));
    prop::collection::btree_map("[a-zA-Z0-9é_-]{1,6}", video, 0..4).prop_map(|videos| {
        let record = |(id, ((millis, subset, media, frame_rate), remarks))| Record {
            id,
            duration: Option::map(millis, Duration::from_millis),
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
        let mut bytes = Vec::new();
        write(&mut bytes, &records).unwrap();
        prop_assert_eq!(read(&bytes[..], "x.tar").unwrap(), records);
    }
}
