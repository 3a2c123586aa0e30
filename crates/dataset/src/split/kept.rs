//! The parts of an earlier division, so that a later one moves nothing.

use std::collections::BTreeMap;
use std::path::Path;

use super::items::read_file;
use super::{Item, Parts};
use crate::DatasetError;

/// The part that a group, or a video without one, was in before, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    parts: BTreeMap<String, usize>,
    /// Videos of the earlier division that are not in the collection any more, ascending.
    pub gone: Vec<String>,
}

impl Kept {
    /// Where the videos of `items` are in the parts that `folder` holds as `NAME.json`.
    ///
    /// # Errors
    /// As [`read_file`], where a part has no file too; [`DatasetError::Shape`] for a group that the earlier
    /// division has on two sides, or a video that it has twice.
    pub fn read(folder: &Path, parts: &Parts, items: &[Item]) -> Result<Self, DatasetError> {
        let units: BTreeMap<&str, &str> =
            items.iter().map(|item| (item.id.as_str(), item.unit())).collect();
        let mut kept = Self::default();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (index, part) in parts.iter().enumerate() {
            let path = folder.join(format!("{}.json", part.name));
            for entry in read_file(&path)? {
                let id = entry.item.id;
                let wrong = |expected: &str, other: usize| DatasetError::Shape {
                    file: path.display().to_string(),
                    at: format!("$[{id:?}]"),
                    expected: expected.to_owned(),
                    found: format!("that {}.json has it too", parts.0[other].name),
                };
                if let Some(&other) = seen.get(&id) {
                    return Err(wrong("a video that only this part has", other));
                }
                seen.insert(id.clone(), index);
                match units.get(id.as_str()) {
                    None => kept.gone.push(id),
                    Some(unit) => match kept.parts.get(*unit) {
                        Some(&other) if other != index => {
                            return Err(wrong("a group that only this part has", other));
                        }
                        _ => {
                            kept.parts.insert((*unit).to_owned(), index);
                        }
                    },
                }
            }
        }
        kept.gone.sort_unstable();
        Ok(kept)
    }

    /// The part that this group or video stays in.
    pub(super) fn part(&self, unit: &str) -> Option<usize> {
        self.parts.get(unit).copied()
    }

    /// That `items` are where `assigned` has them.
    #[cfg(test)]
    pub(super) fn of(items: &[Item], assigned: &[usize]) -> Self {
        let parts = items.iter().zip(assigned).map(|(item, part)| (item.unit().to_owned(), *part));
        Self { parts: parts.collect(), gone: Vec::new() }
    }
}
