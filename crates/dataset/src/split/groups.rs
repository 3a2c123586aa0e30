//! Which videos come from the same source.

use std::collections::BTreeMap;
use std::path::Path;

use super::Entry;
use crate::DatasetError;
use crate::json::shortened;

/// The group of each video that has one, by id.
pub type Groups = BTreeMap<String, String>;

/// The groups that a CSV file of `id,group` gives; a first line of just these two words is its head.
/// Fields may be quoted as RFC 4180 has it; blank lines do not count.
///
/// # Errors
/// [`DatasetError::Read`], and [`DatasetError::Line`] for a line that is not two fields, for an empty
/// one, and for a video that is given two groups.
pub fn read_groups_file(path: &Path) -> Result<Groups, DatasetError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    groups_of(&text, &path.display().to_string())
}

fn groups_of(text: &str, file: &str) -> Result<Groups, DatasetError> {
    let mut groups = Groups::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let wrong = |expected, found: &str| DatasetError::Line {
            file: file.to_owned(),
            line: index + 1,
            expected,
            found: found.to_owned(),
        };
        if line.trim().is_empty() {
            continue;
        }
        let fields = fields(line).ok_or_else(|| {
            wrong("a quote that ends before a comma or the end of the line", &shortened(line))
        })?;
        let [id, group] = &fields[..] else {
            return Err(wrong("two fields, id and group", &format!("{} fields", fields.len())));
        };
        if index == 0 && id.eq_ignore_ascii_case("id") && group.eq_ignore_ascii_case("group") {
            continue;
        }
        if id.is_empty() || group.is_empty() {
            return Err(wrong("an id and a group", "an empty field"));
        }
        match groups.insert(id.clone(), group.clone()) {
            Some(other) if other != *group => {
                let found = format!("{} in {} too", shortened(id), shortened(&other));
                return Err(wrong("one group for each video", &found));
            }
            _ => {}
        }
    }
    Ok(groups)
}

/// The fields of one line, without the spaces around them; `None` where a quote is not closed, or
/// something follows it.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = field(rest)?;
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Some(fields),
        }
    }
}

/// The first field, and what follows its comma.
fn field(text: &str) -> Option<(String, Option<&str>)> {
    let Some(mut quoted) = text.trim_start().strip_prefix('"') else {
        return Some(match text.split_once(',') {
            Some((field, rest)) => (field.trim().to_owned(), Some(rest)),
            None => (text.trim().to_owned(), None),
        });
    };
    let mut field = String::new();
    loop {
        let (before, after) = quoted.split_once('"')?;
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                quoted = more;
            }
            None => {
                let after = after.trim_start();
                let rest = after.strip_prefix(',');
                return (after.is_empty() || rest.is_some()).then_some((field, rest));
            }
        }
    }
}

/// Groups by what stands before the last `separator` of an id: `talk_0030` and `talk_0060` are of
/// `talk`. An id without it has no group.
pub fn by_prefix(entries: &[Entry], separator: &str) -> Groups {
    let group = |entry: &Entry| {
        let id = &entry.item.id;
        let (prefix, _) = id.rsplit_once(separator)?;
        (!prefix.is_empty()).then(|| (id.clone(), prefix.to_owned()))
    };
    entries.iter().filter_map(group).collect()
}

/// Groups by a field of each video's entry, such as `channel`: a string, a number or a flag.
/// Entries without it, or with `null` or an empty string, have no group.
///
/// # Errors
/// [`DatasetError::Shape`] for a list or an object in its place; `file` names the input in it.
pub fn by_field(entries: &[Entry], field: &str, file: &str) -> Result<Groups, DatasetError> {
    let mut groups = Groups::new();
    for entry in entries {
        let Some(value) = entry.fields.get(field) else { continue };
        let group = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) if text.is_empty() => continue,
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(flag) => flag.to_string(),
            other => {
                return Err(DatasetError::Shape {
                    file: file.to_owned(),
                    at: format!("$[{:?}].{field}", entry.item.id),
                    expected: "a string, a number or a flag".to_owned(),
                    found: crate::json::describe(other),
                });
            }
        };
        groups.insert(entry.item.id.clone(), group);
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, String)> {
        groups_of(text, "g.csv").unwrap().into_iter().collect()
    }

    fn pair(id: &str, group: &str) -> (String, String) {
        (id.to_owned(), group.to_owned())
    }

    #[test]
    fn a_head_quotes_and_blank_lines_are_understood() {
        let text = "\u{feff}ID,group\r\na, one \r\n\r\n\"b, c\",\"say \"\"two\"\"\"\na,one\n";
        assert_eq!(read(text), [pair("a", "one"), pair("b, c", "say \"two\"")]);
        assert_eq!(read("id,x\n"), [pair("id", "x")]);
        assert_eq!(read(""), []);
    }

    #[test]
    fn errors_name_the_line() {
        let said = |text: &str| groups_of(text, "g.csv").unwrap_err().to_string();
        let all = [
            said("a,b\nc"),
            said("a,b,c"),
            said("a,\n"),
            said("a,\"b"),
            said("a,\"b\"c"),
            said("a,b\na,c"),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        g.csv, line 2: expected two fields, id and group, found 1 fields
        g.csv, line 1: expected two fields, id and group, found 3 fields
        g.csv, line 1: expected an id and a group, found an empty field
        g.csv, line 1: expected a quote that ends before a comma or the end of the line, found a,"b
        g.csv, line 1: expected a quote that ends before a comma or the end of the line, found a,"b"c
        g.csv, line 2: expected one group for each video, found a in b too
        "#);
    }

    #[test]
    fn ids_and_fields_tell_groups() {
        let text = r#"{"talk_1": {"duration": 1, "timestamps": [], "sentences": [], "channel": 7},
            "talk_2": {"duration": 1, "timestamps": [], "sentences": [], "channel": "x"},
            "_3": {"duration": 1, "timestamps": [], "sentences": [], "channel": null},
            "whole": {"duration": 1, "timestamps": [], "sentences": [], "channel": ""}}"#;
        let entries = super::super::items::read(text.as_bytes(), "a.json").unwrap();
        let prefixes: Vec<_> = by_prefix(&entries, "_").into_iter().collect();
        assert_eq!(prefixes, [pair("talk_1", "talk"), pair("talk_2", "talk")]);
        let fields: Vec<_> = by_field(&entries, "channel", "a.json").unwrap().into_iter().collect();
        assert_eq!(fields, [pair("talk_1", "7"), pair("talk_2", "x")]);
        let said = by_field(&entries, "timestamps", "a.json").unwrap_err().to_string();
        assert!(said.contains(r#"$["talk_1"].timestamps, found an empty list"#), "{said}");
    }

    proptest! {
        #[test]
        fn quoted_fields_read_back(id in "[^\r\n]{1,12}", group in "[^\r\n]{1,12}") {
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let line = format!("{},{}", quoted(&id), quoted(&group));
            prop_assert_eq!(fields(&line), Some(vec![id, group]));
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = groups_of(&text, "noise");
        }
    }
}
