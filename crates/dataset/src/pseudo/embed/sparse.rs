//! Which words occur in which captions, as a sparse matrix.

use std::collections::BTreeMap;

/// Rows of (column, value), without the zeros.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sparse {
    /// Where each row starts in `entries`; one more than there are rows.
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
    columns: usize,
}

impl Sparse {
    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// What stands in one row, by ascending column.
    pub(super) fn row(&self, row: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }

    /// Rows and columns exchanged.
    pub(super) fn transposed(&self) -> Sparse {
        let mut starts = vec![0usize; self.columns + 1];
        for (column, _) in &self.entries {
            starts[*column as usize + 1] += 1;
        }
        for column in 0..self.columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0.0); self.entries.len()];
        for row in 0..self.rows() {
            for &(column, value) in self.row(row) {
                entries[next[column as usize]] = (row as u32, value);
                next[column as usize] += 1;
            }
        }
        Sparse { starts, entries, columns: self.rows() }
    }

    /// TF-IDF of the texts: one row each, one column per word that occurs in `texts_min` texts or
    /// more. A word that a text has n times, and m of N texts have, gets
    /// (1 + ln n) · (1 + ln((1 + N) / (1 + m))); rows are scaled to length one.
    pub(super) fn tf_idf(texts: &[&str], texts_min: usize) -> Sparse {
        let counted: Vec<BTreeMap<String, u32>> = texts.iter().map(|text| words(text)).collect();
        let mut frequency: BTreeMap<&str, usize> = BTreeMap::new();
        for word in counted.iter().flat_map(BTreeMap::keys) {
            *frequency.entry(word).or_default() += 1;
        }
        frequency.retain(|_, texts| *texts >= texts_min);
        let all = texts.len() as f64;
        let columns: BTreeMap<&str, (u32, f64)> = frequency
            .iter()
            .enumerate()
            .map(|(column, (word, &texts))| {
                (*word, (column as u32, 1.0 + ((1.0 + all) / (1.0 + texts as f64)).ln()))
            })
            .collect();
        let mut matrix = Sparse { starts: vec![0], entries: Vec::new(), columns: columns.len() };
        for text in &counted {
            let start = matrix.entries.len();
            for (word, &count) in text {
                if let Some(&(column, rarity)) = columns.get(word.as_str()) {
                    let value = (1.0 + f64::from(count).ln()) * rarity;
                    matrix.entries.push((column, value as f32));
                }
            }
            let row = &mut matrix.entries[start..];
            let square = |&(_, value): &(u32, f32)| f64::from(value) * f64::from(value);
            let length = row.iter().map(square).sum::<f64>().sqrt();
            row.iter_mut().for_each(|(_, value)| *value = (f64::from(*value) / length) as f32);
            matrix.starts.push(matrix.entries.len());
        }
        matrix
    }
}

/// The words of a text and how often it has each: runs of letters and digits, in lower case.
fn words(text: &str) -> BTreeMap<String, u32> {
    let mut words = BTreeMap::new();
    let text = text.to_lowercase();
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
    {
        *words.entry(word.to_owned()).or_default() += 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_weigh_more_and_single_ones_nothing() {
        let matrix = Sparse::tf_idf(&["A dog, a DOG barks", "a cat", "the dog", "a cat?"], 2);
        // Columns: a, cat, dog.
        assert_eq!((matrix.rows(), matrix.columns()), (4, 3));
        let weights = matrix.row(1);
        assert!(weights[1].1 > weights[0].1, "a cat is rarer than an article: {weights:?}");
        assert_eq!(matrix.row(2), [(2, 1.0)]);
        assert_eq!(matrix.row(1), matrix.row(3));
    }

    #[test]
    fn exchanging_rows_and_columns_twice_changes_nothing() {
        let matrix = Sparse::tf_idf(&["a b c", "", "c d", "a d d"], 1);
        assert_eq!(matrix.transposed().transposed(), matrix);
        assert_eq!(matrix.transposed().row(3), [(2, matrix.row(2)[1].1), (3, matrix.row(3)[1].1)]);
    }
}
