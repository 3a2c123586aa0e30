//! Latent semantic analysis: embeddings without a model.
//!
//! The TF-IDF matrix A of the captions is projected onto the span of its leading right singular
//! vectors, found by randomised subspace iteration (Halko, Martinsson and Tropp, "Finding structure
//! with randomness", algorithm 4.4, on the small side): Z is a random matrix, then
//! Z ← orthonormal(Aᵀ A Z) some times, then A Z. The rows are those of the truncated singular value
//! decomposition but for a rotation of the whole, which no cosine sees; so the small dense
//! decomposition of the textbook, and a crate for it, are not needed.

use rand::RngExt;
use rayon::prelude::*;

use super::sparse::Sparse;
use super::{Embeddings, SentenceEmbedder};
use crate::DatasetError;
use crate::pseudo::chance;
use crate::pseudo::config::EmbeddingConfig;
use crate::pseudo::lanes::{add_scaled, dot, widest};

/// The embedder that needs no weights. Captions are alike for it if they share words, or if their
/// words keep company with the same others.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentSemantics {
    /// Width and effort.
    pub config: EmbeddingConfig,
    /// Of the random start.
    pub seed: u64,
}

impl SentenceEmbedder for LatentSemantics {
    fn embed(&self, texts: &[&str]) -> Result<Embeddings, DatasetError> {
        let captions = Sparse::tf_idf(texts, self.config.captions_min.min(texts.len()));
        let terms = captions.transposed();
        let width = self.config.dimensions.min(captions.rows()).min(captions.columns());
        if width == 0 {
            return Embeddings::new(1, vec![0.0; texts.len()]);
        }
        let mut chance = chance::stream(self.seed, "embedding", 0);
        let mut basis: Vec<f32> =
            (0..captions.columns() * width).map(|_| chance.random_range(-1.0f32..1.0)).collect();
        for _ in 0..self.config.rounds {
            let projected = product(&captions, &basis, width);
            basis = product(&terms, &projected, width);
            orthonormalise(&mut basis, width);
        }
        Embeddings::new(width, product(&captions, &basis, width))
    }
}

/// `matrix` times `right`, which has rows of `width`. Each row of the product is one thread's, so its
/// sums do not depend on how many there are.
fn product(matrix: &Sparse, right: &[f32], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; matrix.rows() * width];
    out.par_chunks_mut(width * 64).enumerate().for_each(|(block, rows)| {
        widest(
            #[inline(always)]
            || {
                for (offset, row) in rows.chunks_exact_mut(width).enumerate() {
                    for &(column, value) in matrix.row(block * 64 + offset) {
                        add_scaled(row, value, &right[column as usize * width..][..width]);
                    }
                }
            },
        );
    });
    out
}

/// Makes the columns of a matrix with rows of `width` orthonormal, by the modified Gram-Schmidt
/// process run twice ("twice is enough"). A column that depends on those before it becomes zero.
fn orthonormalise(matrix: &mut [f32], width: usize) {
    let height = matrix.len() / width;
    let mut columns: Vec<Vec<f32>> = (0..width)
        .map(|column| (0..height).map(|row| matrix[row * width + column]).collect())
        .collect();
    for _ in 0..2 {
        let before: Vec<f32> = columns.iter().map(|column| dot(column, column)).collect();
        for done in 0..width {
            let (front, rest) = columns.split_at_mut(done + 1);
            let column = &mut front[done];
            let square = dot(column, column);
            let dependent = square <= before[done] * 1e-10 || square <= f32::MIN_POSITIVE;
            let factor = if dependent { 0.0 } else { 1.0 / square.sqrt() };
            column.iter_mut().for_each(|value| *value *= factor);
            rest.par_iter_mut().for_each(|later| {
                widest(
                    #[inline(always)]
                    || {
                        let along = dot(later, column);
                        add_scaled(later, -along, column);
                    },
                );
            });
        }
    }
    for (index, column) in columns.iter().enumerate() {
        for (row, value) in column.iter().enumerate() {
            matrix[row * width + index] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embed(texts: &[&str], dimensions: usize, seed: u64) -> Embeddings {
        let config = EmbeddingConfig { dimensions, captions_min: 1, rounds: 12 };
        LatentSemantics { config, seed }.embed(texts).unwrap()
    }

    #[test]
    fn with_all_dimensions_cosines_are_those_of_the_words() {
        let texts =
            ["a dog barks", "a dog runs", "the cat sleeps", "a cat runs", "", "a dog barks"];
        let (full, sparse) = (embed(&texts, 64, 1), Sparse::tf_idf(&texts, 1));
        for a in 0..texts.len() {
            for b in 0..texts.len() {
                let other: std::collections::BTreeMap<_, _> =
                    sparse.row(b).iter().copied().collect();
                let wanted: f32 =
                    sparse.row(a).iter().filter_map(|(c, v)| Some(v * other.get(c)?)).sum();
                assert!((full.cosine(a, b) - wanted).abs() < 1e-4, "{a} {b}: {wanted}");
            }
        }
        assert!(full.is_blank(4));
    }

    #[test]
    fn few_dimensions_bring_words_of_the_same_company_together() {
        let texts = [
            "violin music plays",
            "cello music plays",
            "violin concert music",
            "cello concert music",
            "engine roars loudly",
            "truck roars loudly",
            "engine street roars",
            "truck street roars",
        ];
        let rows = embed(&texts, 2, 3);
        assert!(rows.cosine(0, 3) > 0.9, "violin and cello share their company");
        assert!(rows.cosine(0, 5) < 0.3, "violin and truck do not");
    }

    #[test]
    fn a_seed_gives_the_same_rows_for_any_number_of_threads() {
        let texts: Vec<String> =
            (0..300).map(|i| format!("w{} w{} w{}", i % 7, i % 11, i % 31)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| embed(&texts, 16, 5))
        };
        assert_eq!(with(1), with(4));
    }

    #[test]
    fn no_texts_and_no_words_are_fine() {
        assert!(embed(&[], 8, 0).is_empty());
        let rows = embed(&["!", "?"], 8, 0);
        assert!(rows.is_blank(0) && rows.is_blank(1));
    }
}
