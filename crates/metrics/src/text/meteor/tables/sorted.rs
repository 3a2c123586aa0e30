//! Flat arrays that stand for lists of lists: no pointer per entry, so they are read and written whole.

/// Sorted strings, one behind the other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Strings {
    /// Where each string ends.
    pub(super) ends: Vec<u32>,
    pub(super) text: String,
}

impl Strings {
    /// The strings sorted, each once.
    pub(super) fn sorted<'a>(strings: impl IntoIterator<Item = &'a str>) -> Strings {
        let mut strings: Vec<&str> = strings.into_iter().collect();
        strings.sort_unstable();
        strings.dedup();
        let mut text = String::new();
        let mut ends = Vec::with_capacity(strings.len());
        for one in strings {
            text.push_str(one);
            ends.push(text.len() as u32);
        }
        Strings { ends, text }
    }

    /// `None` unless the ends ascend and cut the text between characters.
    pub(super) fn checked(ends: Vec<u32>, text: String) -> Option<Strings> {
        let cuts = ends.iter().all(|end| text.is_char_boundary(*end as usize));
        (cuts && ascend_to(&ends, text.len())).then_some(Strings { ends, text })
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The string at a place; empty if there is none.
    pub(super) fn get(&self, at: usize) -> &str {
        self.text.get(bounds(&self.ends, at)).unwrap_or_default()
    }

    /// The place of a string.
    pub(super) fn find(&self, string: &str) -> Option<usize> {
        let at = super::partition(0..self.len(), |at| self.get(at) < string);
        (at < self.len() && self.get(at) == string).then_some(at)
    }
}

/// Rows of numbers, one behind the other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    /// Where each row ends.
    pub(super) ends: Vec<u32>,
    pub(super) values: Vec<u32>,
}

impl Rows {
    /// `None` unless the ends ascend to the number of values.
    pub(super) fn checked(ends: Vec<u32>, values: Vec<u32>) -> Option<Rows> {
        ascend_to(&ends, values.len()).then_some(Rows { ends, values })
    }

    pub(super) fn push(&mut self, row: impl IntoIterator<Item = u32>) {
        self.values.extend(row);
        self.ends.push(self.values.len() as u32);
    }

    /// The row at a place; empty if there is none.
    pub(super) fn row(&self, at: usize) -> &[u32] {
        self.values.get(bounds(&self.ends, at)).unwrap_or_default()
    }
}

/// Sequences of word numbers, one behind the other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sequences {
    /// Where each sequence ends.
    pub(super) ends: Vec<u32>,
    pub(super) words: Vec<u16>,
}

impl Sequences {
    /// `None` unless the ends ascend to the number of words.
    pub(super) fn checked(ends: Vec<u32>, words: Vec<u16>) -> Option<Sequences> {
        ascend_to(&ends, words.len()).then_some(Sequences { ends, words })
    }

    pub(super) fn push(&mut self, sequence: &[u16]) {
        self.words.extend_from_slice(sequence);
        self.ends.push(self.words.len() as u32);
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The sequence at a place; empty if there is none.
    pub(super) fn get(&self, at: usize) -> &[u16] {
        self.words.get(bounds(&self.ends, at)).unwrap_or_default()
    }
}

/// From the end of the entry before to its own end; an empty range past the last entry.
fn bounds(ends: &[u32], at: usize) -> std::ops::Range<usize> {
    let Some(end) = ends.get(at) else { return 0..0 };
    let start = if at == 0 { 0 } else { ends[at - 1] };
    start as usize..*end as usize
}

/// Whether the ends never fall and the last is the length.
pub(super) fn ascend_to(ends: &[u32], length: usize) -> bool {
    ends.is_sorted() && ends.last().copied().unwrap_or(0) as usize == length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_at_their_sorted_place() {
        let strings = Strings::sorted(["b", "", "é", "a", "b"]);
        assert_eq!(strings.len(), 4);
        assert_eq!((0..4).map(|at| strings.get(at)).collect::<Vec<_>>(), ["", "a", "b", "é"]);
        assert_eq!(strings.find("b"), Some(2));
        assert_eq!(strings.find("c"), None);
        assert_eq!(strings.get(4), "");
        assert_eq!(Strings::default().find(""), None);
    }

    #[test]
    fn ends_that_fall_overrun_or_split_a_character_are_refused() {
        assert!(Strings::checked(vec![1, 2], "ab".to_owned()).is_some());
        for (ends, text) in [(vec![2, 1], "a"), (vec![3], "ab"), (vec![1], "ab"), (vec![1, 2], "é")]
        {
            assert!(Strings::checked(ends.clone(), text.to_owned()).is_none(), "{ends:?} {text}");
        }
        assert!(Rows::checked(vec![0, 2], vec![7, 8]).is_some());
        assert!(Rows::checked(vec![2, 1], vec![7]).is_none());
        assert!(Sequences::checked(vec![u32::MAX], vec![7]).is_none());
    }
}
