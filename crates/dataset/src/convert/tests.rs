//! What is fitted to a format comes back from its file, whatever the format.

use std::fs;

use omnivale_timeline::{Duration, Span, Time};
use proptest::prelude::*;

use super::*;
use crate::record::{Label, Record, Remark};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~\n\r<>&{}é]{0,20}", "[a-z]{1,5}( [a-z]{1,5}){0,3}"]
}

fn remark() -> impl Strategy<Value = Remark> {
    let span = (-2_000_000i64..1_000_000_000, 0u64..100_000_000).prop_map(|(start, length)| {
        Span::new(Time::from_micros(start), Duration::from_micros(length))
    });
    // A class's name goes into a list with commas in AudioSet's table, which refuses others.
    let label = ("[a-z/]{1,6}", any::<i64>());
    let score = (-1000i32..1000).prop_map(|thousandths| f64::from(thousandths) / 1e3);
    (span, text(), label, score, prop::option::of("[a-z0-9]{1,3}")).prop_map(
        |(span, text, (name, id), score, tier)| Remark {
            span: Some(span),
            text: Some(text),
            label: Some(Label { name: Some(name), id: Some(id) }),
            score: Some(score),
            tier,
        },
    )
}

/// Records in which everything is stated, so that every format has what it needs.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let video = (
        0u64..2_000_000_000,
        "[A-Za-z]{1,6}",
        "[a-z ]{1,6}\\.mp4",
        1u32..120,
        prop::collection::vec(remark(), 0..5),
    );
    prop::collection::btree_map("[A-Za-z0-9_-]{1,8}", video, 0..4).prop_map(|videos| {
        let record = |(id, (length, subset, media, rate, remarks))| Record {
            id,
            duration: Some(Duration::from_micros(length)),
            subset: Some(subset),
            media: Some(media),
            frame_rate: Some(f64::from(rate)),
            remarks,
        };
        // Reversed, so that the order of the file is seen to be kept, not sorted.
        videos.into_iter().rev().map(record).collect()
    })
}

/// Remarks of which something is absent, but never all.
fn sparse() -> impl Strategy<Value = Vec<Record>> {
    (records(), prop::collection::vec(0u32..64, 20)).prop_map(|(mut records, absent)| {
        let remarks = records.iter_mut().flat_map(|record| &mut record.remarks);
        for (remark, absent) in remarks.zip(absent) {
            let is_absent = |bit: u32| absent >> bit & 1 == 1;
            remark.span = remark.span.filter(|_| !is_absent(0));
            remark.score = remark.score.filter(|_| !is_absent(1));
            if is_absent(2) {
                remark.text = None;
            } else if is_absent(3) {
                remark.label = None;
            }
            if let Some(label) = &mut remark.label {
                if is_absent(4) {
                    label.id = None;
                } else if is_absent(5) {
                    label.name = None;
                }
            }
        }
        records
    })
}

/// Written and read again.
fn again(records: &[Record], format: &'static Format) -> Vec<Record> {
    let folder = tempfile::tempdir().unwrap();
    if !format.holds.many {
        if records.is_empty() {
            return Vec::new();
        }
        write_folder(folder.path(), records, format).unwrap();
        return read_as(folder.path(), format, &Supplies::default()).unwrap().records;
    }
    let path = folder.path().join("file");
    let mut file = Vec::new();
    write(&mut file, records, format).unwrap();
    fs::write(&path, file).unwrap();
    read_as(&path, format, &Supplies::default()).unwrap().records
}

/// As read again where there was nothing to keep: AudioCaps numbers captions that have no numbers.
fn without_numbers(mut records: Vec<Record>) -> Vec<Record> {
    for remark in records.iter_mut().flat_map(|record| &mut record.remarks) {
        remark.tier = None;
    }
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_fitted_comes_back_from_every_format(records in records()) {
        for format in FORMATS {
            let mut fitted = records.clone();
            let losses = fit(&mut fitted, format).unwrap();
            if losses.is_empty() {
                prop_assert_eq!(&fitted, &records, "{} changed without a loss", format.name);
            }
            let mut found = again(&fitted, format);
            if !format.holds.many {
                // Files are read in the order of their names.
                fitted.sort_by(|one, other| one.id.cmp(&other.id));
                found.sort_by(|one, other| one.id.cmp(&other.id));
            }
            if format.holds.tiers == Tiers::Numbers
                && fitted.iter().flat_map(|record| &record.remarks).any(|one| one.tier.is_none())
            {
                found = without_numbers(found);
            }
            prop_assert_eq!(&found, &fitted, "{}", format.name);
            // What came back fits without a further loss.
            let second = fit(&mut found, format);
            prop_assert_eq!(second.unwrap(), vec![], "{}", format.name);
        }
    }

    #[test]
    fn what_is_absent_stays_absent_or_is_asked_for(records in sparse()) {
        for format in FORMATS {
            let mut fitted = records.clone();
            match fit(&mut fitted, format) {
                Ok(_) if format.holds.many => {
                    let mut found = again(&fitted, format);
                    if format.holds.tiers == Tiers::Numbers {
                        (found, fitted) = (without_numbers(found), without_numbers(fitted));
                    }
                    prop_assert_eq!(&found, &fitted, "{}", format.name);
                }
                Ok(_) => {}
                Err(error) => {
                    let is_lack = matches!(error, crate::DatasetError::Lacks { .. });
                    prop_assert!(is_lack, "{}: {error}", format.name);
                }
            }
        }
    }

    #[test]
    fn a_written_file_shows_its_format(records in records()) {
        let folder = tempfile::tempdir().unwrap();
        for format in FORMATS {
            let mut fitted = records.clone();
            fit(&mut fitted, format).unwrap();
            fitted.retain(|record| !record.remarks.is_empty());
            fitted.truncate(1);
            if fitted.is_empty() {
                continue;
            }
            let path = folder.path().join(format!("x.{}", format.extensions[0]));
            let mut file = Vec::new();
            write(&mut file, &fitted, format).unwrap();
            fs::write(&path, file).unwrap();
            prop_assert_eq!(guess(&path).unwrap().name, format.name);
        }
    }
}
