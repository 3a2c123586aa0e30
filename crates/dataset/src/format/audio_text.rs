//! Sounds and what is heard in them: the tables of AudioCaps, Clotho and AudioSet, and JSON lists.
//!
//! | file | columns |
//! |---|---|
//! | AudioCaps | `audiocap_id, youtube_id, start_time, caption`: ten seconds of a video from `start_time` on |
//! | Clotho | `file_name, caption_1, ..., caption_5`: whole recordings |
//! | AudioSet segments | `YTID, start_seconds, end_seconds, positive_labels`: lines that begin with `#` are comments |
//! | JSON | a list of `{"id" and/or "audio", "caption"}`, with an optional `duration` in seconds |
//!
//! The columns of the first two are found by the names in the first row; others are ignored.

mod audiocaps;
mod audioset;
mod clotho;
mod list;

use std::io::Read;

use csv::StringRecord;

use crate::DatasetError;
use crate::error::unwritten;

pub(crate) use audiocaps::are_numbered;
pub use audiocaps::{LENGTH as AUDIOCAPS_LENGTH, read as read_audiocaps, write as write_audiocaps};
pub use audioset::{read as read_audioset, write as write_audioset};
pub use clotho::{read as read_clotho, write as write_clotho};
pub use list::{read as read_list, write as write_list};

/// A table whose first row names its columns.
struct Table<'a, R> {
    file: &'a str,
    header: StringRecord,
    rows: csv::StringRecordsIntoIter<R>,
}

/// A row with the line it begins on, from 1.
struct Row<'a> {
    file: &'a str,
    line: usize,
    cells: StringRecord,
}

impl<'a, R: Read> Table<'a, R> {
    fn open(input: R, file: &'a str) -> Result<Table<'a, R>, DatasetError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let header = reader.headers().map_err(|error| wrong(file, error))?.clone();
        Ok(Table { file, header, rows: reader.into_records() })
    }

    /// The place of the column `name`.
    fn column(&self, name: &'static str) -> Result<usize, DatasetError> {
        let place = self.header.iter().position(|column| column.trim() == name);
        place.ok_or_else(|| DatasetError::Line {
            file: self.file.to_owned(),
            line: 1,
            expected: name,
            found: format!("the columns {}", self.header.iter().collect::<Vec<_>>().join(", ")),
        })
    }

    fn next(&mut self) -> Result<Option<Row<'a>>, DatasetError> {
        let Some(row) = self.rows.next() else { return Ok(None) };
        let cells = row.map_err(|error| wrong(self.file, error))?;
        let line = cells.position().map_or(0, csv::Position::line) as usize;
        Ok(Some(Row { file: self.file, line, cells }))
    }
}

impl Row<'_> {
    /// The cell in a column, which must be there.
    fn cell(&self, column: usize, expected: &'static str) -> Result<&str, DatasetError> {
        self.cells.get(column).ok_or_else(|| self.expected(expected, "the end of the row"))
    }

    fn expected(&self, expected: &'static str, found: &str) -> DatasetError {
        DatasetError::Line {
            file: self.file.to_owned(),
            line: self.line,
            expected,
            found: found.to_owned(),
        }
    }
}

fn wrong(file: &str, source: csv::Error) -> DatasetError {
    let line = source.position().map_or(0, csv::Position::line);
    DatasetError::Csv { file: file.to_owned(), line, source }
}

/// That the output refused a row.
fn refused(error: csv::Error) -> DatasetError {
    unwritten(error.into())
}

/// A media file's name without its folder and ending; nothing where it does not end as sounds and
/// videos do, so that an id with a point in it stays whole.
pub(crate) fn media_stem(name: &str) -> Option<&str> {
    const ENDINGS: [&str; 12] =
        ["wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "mp4", "mkv", "webm", "mov", "avi"];
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (stem, ending) = file.rsplit_once('.')?;
    let is_media = ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known));
    (is_media && !stem.is_empty()).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_as_they_are_published() {
        let audiocaps = "audiocap_id,youtube_id,start_time,caption\n\
                         91139,r1nicOVtvkQ,130,\"A woman talks, nearby water pours\"\n";
        let records = read_audiocaps(audiocaps.as_bytes(), "train.csv").unwrap();
        let remark = &records[0].remarks[0];
        assert_eq!(remark.text.as_deref(), Some("A woman talks, nearby water pours"));
        assert_eq!(remark.span.unwrap().end().seconds(), 140.0);
        let mut written = Vec::new();
        write_audiocaps(&mut written, &records).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), audiocaps);

        let clotho = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n\
                      Distorted AM Radio.wav,one,two,three,four,\n";
        let records = read_clotho(clotho.as_bytes(), "c.csv").unwrap();
        assert_eq!((records[0].id.as_str(), records[0].remarks.len()), ("Distorted AM Radio", 4));
        let mut written = Vec::new();
        write_clotho(&mut written, &records).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), clotho);

        let audioset = "# Segments csv created Sun Mar  5 10:54:31 2017\n# num_ytids=1\n\
                        # YTID, start_seconds, end_seconds, positive_labels\n\
                        --PJHxphWEs, 30.000, 40.000, \"/m/09x0r,/t/dd00088\"\n";
        let records = read_audioset(audioset.as_bytes(), "eval.csv").unwrap();
        let names: Vec<_> =
            records[0].remarks.iter().map(|one| one.label.clone().unwrap().name.unwrap()).collect();
        assert_eq!(names, ["/m/09x0r", "/t/dd00088"]);
        let mut written = Vec::new();
        write_audioset(&mut written, &records).unwrap();
        assert_eq!(String::from_utf8(written).unwrap().lines().last(), audioset.lines().last());
    }

    #[test]
    fn errors_name_the_line() {
        let row = "audiocap_id,youtube_id,start_time,caption\n1,\"a\nb\",0,x\n";
        let errors = [
            read_audiocaps(&b"id,caption\n"[..], "a.csv").unwrap_err(),
            read_audiocaps(format!("{row}2,c,soon,x\n").as_bytes(), "a.csv").unwrap_err(),
            read_audiocaps(format!("{row}2,c,0\n").as_bytes(), "a.csv").unwrap_err(),
            read_clotho(&b"file_name,caption_1\n\xff,x\n"[..], "c.csv").unwrap_err(),
            read_audioset(&b"# x\n\na, 1, 0, \"dog\"\n"[..], "s.csv").unwrap_err(),
            read_audioset(&b"a, 0, 1, \"dog\n"[..], "s.csv").unwrap_err(),
            read_list(&br#"[{"caption": "x"}]"#[..], "l.json").unwrap_err(),
        ];
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        a.csv, line 1: expected audiocap_id, found the columns id, caption
        a.csv, line 4: expected a start_time in seconds, found "soon"
        a.csv, line 4: expected a caption, found the end of the row
        c.csv, line 2: not a row of comma-separated values
        s.csv, line 3: expected a row of YTID, start_seconds, end_seconds and quoted labels, found "a, 1, 0, \"dog\""
        s.csv, line 1: expected a row of YTID, start_seconds, end_seconds and quoted labels, found "a, 0, 1, \"dog"
        l.json: expected a sound with an `id` or an `audio` file at $[0], found an object with caption
        "#);
    }

    #[test]
    fn what_has_no_place_in_an_audioset_table_is_refused() {
        let line = r#"{"id": "x", "timestamps": [[0, 1]], "labels": ["dog, barking"]}"#;
        let records = crate::json_lines::read(line.as_bytes(), "x.jsonl").unwrap();
        let error = write_audioset(Vec::new(), &records).unwrap_err().to_string();
        assert!(error.contains("a label of \"x\", \"dog, barking\""), "{error}");
    }
}
