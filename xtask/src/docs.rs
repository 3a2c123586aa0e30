//! The generated parts of the documents: the crate table of `ARCHITECTURE.md`.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::deps::{self, Rule};
use crate::workspace::{self, Crate};

const DOCUMENT: &str = "ARCHITECTURE.md";
const BEGIN: &str = "<!-- crates: begin (written by `cargo run -p xtask -- docs`) -->\n";
const END: &str = "<!-- crates: end -->";

/// Writes the table anew; never has findings.
pub(crate) fn write() -> Result<Vec<String>> {
    let path = workspace::root()?.join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {DOCUMENT}"))?;
    let renewed = replace(&text, &table(&workspace::load()?))?;
    if renewed != text {
        fs::write(&path, renewed).with_context(|| format!("failed to write {DOCUMENT}"))?;
    }
    Ok(Vec::new())
}

/// Finds whether the table still says what the `Cargo.toml` files say.
pub(crate) fn check() -> Result<Vec<String>> {
    let path = workspace::root()?.join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {DOCUMENT}"))?;
    if replace(&text, &table(&workspace::load()?))? == text {
        return Ok(Vec::new());
    }
    Ok(vec![format!("the crate table of {DOCUMENT} is stale: run `make bless` and commit it")])
}

/// One row a crate, lowest level first; only crates that exist.
fn table(crates: &[Crate]) -> String {
    let mut rows = String::from("| level | crate | what it is | may use |\n|---|---|---|---|\n");
    let find = |rule: &Rule| crates.iter().find(|one| one.name == rule.name);
    for rule in deps::RULES {
        let Some(one) = find(rule) else { continue };
        let level = if rule.name == "xtask" { "–".to_owned() } else { rule.level.to_string() };
        let may_use: Vec<&str> = rule
            .may_use
            .iter()
            .copied()
            .filter(|name| crates.iter().any(|one| one.name == *name))
            .collect();
        let may_use = if may_use.is_empty() { "–".to_owned() } else { may_use.join(", ") };
        writeln!(rows, "| {level} | `{}` | {} | {may_use} |", one.name, one.description)
            .expect("writing to a String cannot fail");
    }
    rows
}

/// The text with what stands between the two markers replaced.
fn replace(text: &str, table: &str) -> Result<String> {
    let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
        bail!("{DOCUMENT} has lost the markers of its crate table: {} … {END}", BEGIN.trim());
    };
    let begin = begin + BEGIN.len();
    if end < begin {
        bail!("the markers of the crate table in {DOCUMENT} are in the wrong order");
    }
    Ok(format!("{}{table}{}", &text[..begin], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, description: &str) -> Crate {
        Crate {
            name: name.to_owned(),
            description: description.to_owned(),
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn the_table_lists_existing_crates_from_low_to_high() {
        let table = table(&[one("signal", "Measures"), one("timeline", "Words")]);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            ["| 0 | `timeline` | Words | – |", "| 1 | `signal` | Measures | timeline |"]
        );
    }

    #[test]
    fn only_the_marked_part_changes_and_a_second_time_nothing() {
        let text = format!("before\n{BEGIN}old\n{END}\nafter\n");
        let renewed = replace(&text, "new\n").unwrap();
        assert_eq!(renewed, format!("before\n{BEGIN}new\n{END}\nafter\n"));
        assert_eq!(replace(&renewed, "new\n").unwrap(), renewed);
    }

    #[test]
    fn lost_or_swapped_markers_are_errors() {
        assert!(replace("no markers", "").is_err());
        assert!(replace(&format!("{END}\n{BEGIN}"), "").is_err());
    }
}
