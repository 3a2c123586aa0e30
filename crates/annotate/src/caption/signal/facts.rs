//! Evidence as numbers, words and flags.

use std::collections::BTreeMap;

use omnivale_timeline::Fact;

/// The evidence of one event. A fact that is missing, of another sort or not finite is absent: no
/// phrase rests on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a>(pub(super) &'a BTreeMap<String, Fact>);

impl Facts<'_> {
    /// A finite number.
    pub(super) fn number(self, name: &str) -> Option<f64> {
        match self.0.get(name) {
            Some(Fact::Number(value)) => value.is_finite().then_some(*value),
            _ => None,
        }
    }

    /// The one of `known` that the word under `name` is.
    pub(super) fn word<'w>(self, name: &str, known: &[&'w str]) -> Option<&'w str> {
        match self.0.get(name) {
            Some(Fact::Word(word)) => known.iter().find(|known| *known == word).copied(),
            _ => None,
        }
    }

    /// Whether the flag under `name` is set.
    pub(super) fn flag(self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Fact::Flag(true)))
    }
}
