//! What can be wrong with files of weights.

use std::fmt::Write as _;
use std::path::PathBuf;

/// Most names of one kind that a message lists; the rest are counted.
const LISTED: usize = 6;

/// Why weights cannot be read, or are not those of a model.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be written; what was there before is unchanged.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A weights file breaks the rules of its format.
    #[error("{}: {place}: {found}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it: a tensor's name, an entry, a byte offset.
        place: String,
        /// What was expected and what is there.
        found: String,
    },
    /// A pickle names something that only running code could make.
    #[error(
        "{}: byte {offset} of the pickle asks for {global}, which is more than tensors in plain containers; \
         nothing was run. Save the tensors alone (a state dict), best as safetensors",
        path.display()
    )]
    Global {
        /// The file.
        path: PathBuf,
        /// Offset into the pickle, in bytes.
        offset: usize,
        /// Module and name of what it asks for.
        global: String,
    },
    /// There is no tensor of this name.
    #[error("{} has no tensor {name}; it has {}", path.display(), listed(.present))]
    NoTensor {
        /// The file or folder.
        path: PathBuf,
        /// What was asked for.
        name: String,
        /// The names that are there.
        present: Vec<String>,
    },
    /// The tensors are not those of the model.
    #[error("{} does not fit the model:{report}", path.display())]
    Layout {
        /// The file or folder.
        path: PathBuf,
        /// What differs.
        report: LayoutReport,
    },
    /// A folder lacks a file that the model needs.
    #[error("{} has no {missing}; {needs}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The file, or the files of which one is needed.
        missing: String,
        /// What a right folder has in it.
        needs: &'static str,
    },
    /// A model is neither a folder nor in the cache.
    #[error(
        "no model {name}: there is no such folder, and not {} either; nothing is downloaded, so give the \
         folder of the model, or put it into the cache with the tool you fetch models with",
        looked.display()
    )]
    NotCached {
        /// The name or path that was given.
        name: String,
        /// Where in the cache it would be.
        looked: PathBuf,
    },
    /// A tensor operation failed.
    #[error("a tensor operation failed")]
    Tensor(#[from] candle_core::Error),
}

/// How the tensors of a checkpoint differ from those of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayoutReport {
    /// Names the model needs and the checkpoint lacks.
    pub missing: Vec<String>,
    /// Names the checkpoint has and the model does not know.
    pub extra: Vec<String>,
    /// Tensors of another shape or kind: the name and what differs.
    pub different: Vec<String>,
}

impl LayoutReport {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.different.is_empty()
    }
}

impl std::fmt::Display for LayoutReport {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [
            ("missing", &self.missing),
            ("not part of the model", &self.extra),
            ("of another shape or kind", &self.different),
        ];
        let mut separator = " ";
        for (kind, names) in kinds.into_iter().filter(|(_, names)| !names.is_empty()) {
            write!(out, "{separator}{} {kind} ({})", names.len(), listed(names))?;
            separator = ", ";
        }
        Ok(())
    }
}

/// The first few of many names, and how many more there are.
pub(crate) fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let mut text = names[..names.len().min(LISTED)].join(", ");
    if names.len() > LISTED {
        let _ = write!(text, " and {} more", names.len() - LISTED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_report_counts_each_kind_and_lists_the_first_names() {
        let report = LayoutReport {
            missing: (0..8).map(|layer| format!("layer.{layer}")).collect(),
            extra: vec!["head".to_owned()],
            different: Vec::new(),
        };
        assert_eq!(
            report.to_string(),
            " 8 missing (layer.0, layer.1, layer.2, layer.3, layer.4, layer.5 and 2 more), \
             1 not part of the model (head)"
        );
        assert!(!report.is_empty() && LayoutReport::default().is_empty());
    }
}
