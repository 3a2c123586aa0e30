//! Captions as directions: the closer two captions in meaning, the closer to 1 their cosine.

mod latent;
mod sparse;

pub use latent::LatentSemantics;

use super::lanes;
use crate::DatasetError;

/// Turns captions into directions.
pub trait SentenceEmbedder {
    /// One row per text, in their order.
    ///
    /// # Errors
    /// [`DatasetError::Embedding`] with whatever the embedder refuses.
    fn embed(&self, texts: &[&str]) -> Result<Embeddings, DatasetError>;
}

/// One direction per caption: rows of length one, or of zeros where an embedder knows nothing of the
/// caption.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    width: usize,
    rows: Vec<f32>,
}

impl Embeddings {
    /// Rows of `width` values after each other; each is scaled to length one.
    ///
    /// # Errors
    /// [`DatasetError::Embeddings`] if the width is 0, the last row is not whole, or a value is not a
    /// finite number.
    pub fn new(width: usize, mut rows: Vec<f32>) -> Result<Embeddings, DatasetError> {
        let refuse = |expected: &str, found: String| {
            Err(DatasetError::Embeddings { expected: expected.to_owned(), found })
        };
        if width == 0 || !rows.len().is_multiple_of(width) {
            return refuse("whole rows", format!("{} values in rows of {width}", rows.len()));
        }
        if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
            return refuse("finite numbers", format!("{} in row {}", rows[at], at / width));
        }
        rows.chunks_exact_mut(width).for_each(lanes::normalise);
        Ok(Embeddings { width, rows })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Values per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// One row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.rows[row * self.width..][..self.width]
    }

    /// The cosine between two rows, -1 to 1; 0 if one of them is zero.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn cosine(&self, a: usize, b: usize) -> f32 {
        lanes::dot(self.row(a), self.row(b))
    }

    /// Whether the embedder knew nothing of this caption.
    pub(super) fn is_blank(&self, row: usize) -> bool {
        self.row(row).iter().all(|&value| value == 0.0)
    }

    /// The rows named, in that order.
    pub(super) fn select(&self, rows: &[u32]) -> Embeddings {
        let picked = rows.iter().flat_map(|&row| self.row(row as usize)).copied().collect();
        Embeddings { width: self.width, rows: picked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_get_length_one_and_zero_stays_zero() {
        let rows = Embeddings::new(2, vec![3.0, 4.0, 0.0, 0.0, -1e-30, 0.0]).unwrap();
        assert_eq!(rows.row(0), [0.6, 0.8]);
        assert!(rows.is_blank(1) && !rows.is_blank(0));
        assert_eq!(rows.row(2), [-1.0, 0.0]);
        assert!((rows.cosine(0, 2) + 0.6).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_matrix_of_numbers_is_refused() {
        assert!(Embeddings::new(0, vec![]).is_err());
        insta::assert_snapshot!(
            Embeddings::new(2, vec![1.0, 2.0, 3.0]).unwrap_err(),
            @"the embeddings cannot be used: expected whole rows, found 3 values in rows of 2"
        );
        insta::assert_snapshot!(
            Embeddings::new(2, vec![1.0, 2.0, 3.0, f32::NAN]).unwrap_err(),
            @"the embeddings cannot be used: expected finite numbers, found NaN in row 1"
        );
    }
}
