//! The rules of the house that a compiler does not know: lengths, names and words of files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace;

/// Longest a Rust file may be, in lines; split by idea before that.
const RUST_LINES: usize = 700;
/// Longest `ARCHITECTURE.md` may be, in lines: it is read in one go.
const ARCHITECTURE_LINES: usize = 200;
/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "misc", "common"];
/// Marks of unfinished work, written apart so that this file has none; an issue is the place for it.
const FORBIDDEN: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// Folders that are not the project's own text.
const SKIPPED: &[&str] = &["target", "demo", "node_modules", "golden", "fixtures"];
/// What is read as text.
const TEXT: &[&str] = &["rs", "toml", "md", "sh", "py", "js", "css", "html"];

/// Every breach in the working tree, one line each.
pub(crate) fn check() -> Result<Vec<String>> {
    let root = workspace::root()?;
    let mut findings = Vec::new();
    visit(&root, &root, &mut findings)?;
    findings.sort();
    Ok(findings)
}

fn visit(root: &Path, folder: &Path, findings: &mut Vec<String>) -> Result<()> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("failed to read the folder {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_symlink() || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                visit(root, &path, findings)?;
            }
        } else if path.extension().is_some_and(|ext| TEXT.iter().any(|text| ext == *text)) {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("failed to read {} as text", path.display()))?;
            let shown = path.strip_prefix(root).unwrap_or(&path);
            findings.extend(breaches(shown, &text));
        }
    }
    Ok(())
}

/// What is wrong with one file, given its path in the project.
fn breaches(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let shown = path.display();
    let lines = text.lines().count();
    let limit = match path.extension() {
        Some(ext) if ext == "rs" => RUST_LINES,
        _ if path == Path::new("ARCHITECTURE.md") => ARCHITECTURE_LINES,
        _ => usize::MAX,
    };
    if lines > limit {
        found.push(format!("{shown} has {lines} lines, more than {limit}: split it by idea"));
    }
    if path.extension().is_some_and(|ext| ext == "rs")
        && path.file_stem().is_some_and(|stem| EMPTY_NAMES.iter().any(|name| stem == *name))
    {
        found.push(format!("{shown} says nothing by its name: name it after what it does"));
    }
    for (number, line) in text.lines().enumerate() {
        for word in FORBIDDEN.iter().filter(|word| has_word(line, word)) {
            found.push(format!("{shown}:{}: {word}: finish it or open an issue", number + 1));
        }
    }
    found
}

fn has_word(line: &str, word: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(letter) && !line[at + word.len()..].starts_with(letter)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_at_the_limit_passes_and_one_line_more_does_not() {
        let path = Path::new("crates/signal/src/hsv.rs");
        assert!(breaches(path, &"x\n".repeat(RUST_LINES)).is_empty());
        assert_eq!(breaches(path, &"x\n".repeat(RUST_LINES + 1)).len(), 1);
        assert!(breaches(Path::new("README.md"), &"x\n".repeat(5000)).is_empty());
        let lines = "x\n".repeat(ARCHITECTURE_LINES + 1);
        assert_eq!(breaches(Path::new("ARCHITECTURE.md"), &lines).len(), 1);
    }

    #[test]
    fn unfinished_work_is_found_as_a_word_with_its_line() {
        let text = format!("fine\n// {}: later\n", FORBIDDEN[0]);
        let found = breaches(Path::new("a.rs"), &text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a.rs:2:"), "{}", found[0]);
        assert!(breaches(Path::new("a.rs"), &format!("MY_{}S", FORBIDDEN[0])).is_empty());
    }

    #[test]
    fn a_name_that_says_nothing_is_found() {
        assert_eq!(breaches(Path::new("crates/media/src/utils.rs"), "").len(), 1);
        assert!(breaches(Path::new("crates/media/src/rotate.rs"), "").is_empty());
    }
}
