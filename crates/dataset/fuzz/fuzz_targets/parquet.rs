//! Any bytes as a Parquet table, and as changes to a sound one (offset and value, three bytes each): no
//! panic that reaches the caller, and what was read is written so that it reads back. The decoder's own
//! panics are caught by the reader; the hook that ends the process on a panic is taken away, so that
//! only those outside of it count.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use omnivale_dataset::parquet;
use omnivale_dataset::record::{Label, Record, Remark};
use omnivale_timeline::{Duration, Span, Time};

static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
    std::panic::set_hook(Box::new(|_| {}));
    let remark = |n: i64| Remark {
        span: Some(Span::new(Time::from_millis(n), Duration::from_millis(5))),
        text: Some(format!("caption {n}")),
        label: Some(Label { name: Some("dog".to_owned()), id: Some(n) }),
        ..Remark::default()
    };
    let record = |id: &str| Record {
        id: id.to_owned(),
        duration: Some(Duration::from_millis(99)),
        remarks: (0..9).map(remark).collect(),
        ..Record::default()
    };
    let mut file = Vec::new();
    parquet::write(&mut file, &[record("a"), record("b")]).expect("memory takes every byte");
    file
});

fuzz_target!(|bytes: &[u8]| {
    let mut changed = SOUND.clone();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % changed.len();
        changed[at] = change[2];
    }
    for file in [bytes, &changed] {
        if std::panic::catch_unwind(|| read_and_write(file)).is_err() {
            std::process::abort();
        }
    }
});

fn read_and_write(bytes: &[u8]) {
    let Ok(records) = parquet::read(bytes, "x") else { return };
    let mut file = Vec::new();
    if parquet::write(&mut file, &records).is_ok() {
        let again = parquet::read(&file[..], "x").expect("what was written is in the format");
        assert_eq!(again.len(), records.len());
    }
}
