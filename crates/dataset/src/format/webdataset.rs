//! WebDataset: `.tar` archives in which the files of one sample lie side by side and share a name.
//!
//! `KEY.json`, `KEY.mp4`, `KEY.visual.npy` are one sample; the key is the path up to the first dot of the
//! file's own name.
//!
//! | member | meaning |
//! |---|---|
//! | `json` | the record: LongVALE's `duration`, `timestamps` and `sentences`; and if there is any `id`, `subset`, `media`, `frame_rate`, and lists as long as `timestamps` of `labels`, `label_ids`, `scores`, `tiers`; a `caption` of the whole |
//! | `txt` | a caption of the whole |
//! | `cls` | a class of the whole: its number, or its name |
//! | any other | listed by name; the first that is a video, sound or picture is the record's media if the record names none |
//!
//! Without an `id` the key is the record's id. Fields of other names are left aside.
//!
//! Read and written in one pass, one sample in memory at a time. Refused: paths that are absolute or go
//! up, links and devices, files without a name or an extension, texts above 16 MiB whatever they
//! claim to be, two samples with one key that are not side by side.
//!
//! Written headers hold no time and no owner, so that the same records give the same bytes. What is not
//! a letter, a digit or one of `-_` in an id is `_` in the key; the id itself is in the `json`.

mod content;
mod shards;

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use tar::{Archive, Entry, EntryType};

use crate::DatasetError;
use crate::json::shortened;
use crate::record::{Label, Record, Remark};
pub use shards::{Shards, Written, write_shards};

/// Longest text member that is read.
const LONGEST: u64 = 16 << 20;
/// What a record's media may be, the surest first.
const MEDIA: [&[&str]; 3] = [
    &["mp4", "mkv", "webm", "mov", "avi", "m4v"],
    &["wav", "flac", "mp3", "m4a", "ogg", "opus", "aac"],
    &["jpg", "jpeg", "png", "webp"],
];

/// The files of one key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// The path the files share, up to the first dot of their own names.
    pub key: String,
    /// What is said of it.
    pub record: Record,
    /// Names of its other members, in the archive's order: media, features.
    pub members: Vec<String>,
}

/// The records of an archive, in its order. `file` names it in errors.
///
/// # Errors
/// As [`for_each`].
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut records = Vec::new();
    for_each(input, file, |sample| records.push(sample.record))?;
    Ok(records)
}

/// Hands each sample to `sink` as soon as its last member is passed.
///
/// # Errors
/// [`DatasetError::Bytes`] for an archive that is damaged, cut off or holds what is refused (see the
/// [module](self)); [`DatasetError::Json`] and [`DatasetError::Shape`] for a member that is not a record.
/// Samples before it were handed on.
pub fn for_each(
    input: impl Read,
    file: &str,
    mut sink: impl FnMut(Sample),
) -> Result<(), DatasetError> {
    let mut archive = Archive::new(input);
    let damaged = |error: io::Error| wrong(file, "a sound tar archive", error.to_string());
    let mut current: Option<Open> = None;
    let mut seen = BTreeSet::new();
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| wrong(file, "names in UTF-8", "another one".to_owned()))?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            _ => {
                let found = format!("{:?}, which is {}", shortened(&name), described(kind));
                return Err(wrong(file, "plain files", found));
            }
        }
        let (key, extension) =
            parts(&name).map_err(|(expected, found)| wrong(file, expected, found))?;
        if current.as_ref().is_none_or(|open| open.key != key) {
            if let Some(done) = current.take() {
                sink(done.finish());
            }
            if !seen.insert(key.to_owned()) {
                let found = format!("{:?} again", shortened(key));
                return Err(wrong(file, "the files of a sample side by side", found));
            }
        }
        let open = current.get_or_insert_with(|| Open { key: key.to_owned(), ..Open::default() });
        if !open.extensions.insert(extension.to_owned()) {
            let found = format!("{:?} again", shortened(&name));
            return Err(wrong(file, "each file once", found));
        }
        let inside = || format!("{file}: {name}");
        match extension {
            "json" => {
                let text = text_of(&mut entry, &name, file)?;
                open.record = Some(content::parse(&text, &inside(), key)?);
            }
            "txt" => {
                let text = text_of(&mut entry, &name, file)?;
                open.whole.text = Some(text.trim_end_matches(['\r', '\n']).to_owned());
            }
            "cls" => {
                let text = text_of(&mut entry, &name, file)?;
                let text = text.trim();
                open.whole.label = Some(match text.parse() {
                    Ok(id) => Label { name: None, id: Some(id) },
                    Err(_) => Label { name: Some(text.to_owned()), id: None },
                });
            }
            _ => open.members.push(name),
        }
    }
    if let Some(done) = current {
        sink(done.finish());
    }
    Ok(())
}

/// Writes one archive with the `json` of every record; for media and several archives see
/// [`write_shards`].
///
/// # Errors
/// [`DatasetError::CannotHold`] for two records whose ids become one key; [`DatasetError::Write`].
pub fn write(output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    let keys = shards::keys(records)?;
    let mut archive = tar::Builder::new(output);
    let failed = |source| DatasetError::Write { file: "the tar archive".to_owned(), source };
    for (record, key) in records.iter().zip(keys) {
        let json = content::written(record);
        shards::append(&mut archive, &format!("{key}.json"), json.len() as u64, json.as_bytes())
            .map_err(failed)?;
    }
    archive.into_inner().and_then(|mut output| output.flush()).map_err(failed)
}

/// A sample of which more may come.
#[derive(Default)]
struct Open {
    key: String,
    extensions: BTreeSet<String>,
    record: Option<Record>,
    whole: Remark,
    members: Vec<String>,
}

impl Open {
    fn finish(self) -> Sample {
        let Open { key, record, whole, members, .. } = self;
        let mut record = record.unwrap_or_else(|| Record { id: key.clone(), ..Record::default() });
        if whole != Remark::default() {
            record.remarks.push(whole);
        }
        if record.media.is_none() {
            let extension = |name: &str| name.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
            let of = |kind: &&[&str]| {
                members.iter().find(|name| kind.contains(&extension(name).as_str())).cloned()
            };
            record.media = MEDIA.iter().find_map(of);
        }
        Sample { key, record, members }
    }
}

/// Key and extension of a member, or what was expected and found in place of them.
fn parts(name: &str) -> Result<(&str, &str), (&'static str, String)> {
    let refuse = |expected| Err((expected, format!("{:?}", shortened(name))));
    let plain = name.strip_prefix("./").unwrap_or(name);
    if plain.starts_with('/') || plain.contains('\\') || plain.contains('\0') {
        return refuse("paths within the archive");
    }
    if plain.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse("paths that do not go up");
    }
    let base = plain.rfind('/').map_or(0, |slash| slash + 1);
    match plain[base..].find('.') {
        Some(dot) if dot > 0 && base + dot + 1 < plain.len() => {
            Ok((&plain[..base + dot], &plain[base + dot + 1..]))
        }
        _ => refuse("files with a name and an extension"),
    }
}

fn described(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink | EntryType::Link => "a link",
        EntryType::Char | EntryType::Block | EntryType::Fifo => "a device",
        _ => "of a kind of its own",
    }
}

fn text_of(
    entry: &mut Entry<'_, impl Read>,
    name: &str,
    file: &str,
) -> Result<String, DatasetError> {
    if entry.size() > LONGEST {
        let found = format!("{:?} with {} bytes", shortened(name), entry.size());
        return Err(wrong(file, "texts of at most 16 MiB", found));
    }
    let mut text = String::new();
    let read = entry.take(LONGEST).read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 == entry.size() => Ok(text),
        Ok(_) => {
            Err(wrong(file, "a whole archive", format!("its end within {:?}", shortened(name))))
        }
        Err(error) => {
            Err(wrong(file, "text in UTF-8", format!("{error} in {:?}", shortened(name))))
        }
    }
}

fn wrong(file: &str, expected: &str, found: String) -> DatasetError {
    DatasetError::Bytes { file: file.to_owned(), expected: expected.to_owned(), found }
}

#[cfg(test)]
mod tests;
