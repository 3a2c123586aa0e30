//! Token embeddings with rows of features in the placeholder's place, and batches of them.

use candle_core::{DType, Tensor};

use crate::LlmError;
use crate::conversation::Token;
use crate::tokenizer::TokenId;

/// One sample of a batch.
#[derive(Debug, Clone)]
pub struct Sample<'a> {
    /// Its tokens.
    pub tokens: &'a [Token],
    /// What is learned at each token; `None` if nothing is (generation).
    pub labels: Option<&'a [Option<TokenId>]>,
    /// Projected rows `[rows, width]` of each modality that the video has, in the order in which they
    /// stand; a modality that it does not have is left out.
    pub features: Vec<Tensor>,
}

/// A batch ready for the model.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[batch, time, width]`; zeros after the end of shorter samples.
    pub embeddings: Tensor,
    /// Positions of each sample that are not padding.
    pub lengths: Vec<usize>,
    /// For each sample and each of the `time` positions, what is learned there.
    pub labels: Vec<Vec<Option<TokenId>>>,
}

impl Batch {
    /// Embeds and splices samples and brings them to one length by padding on the right.
    ///
    /// `table` is the embedding table `[vocabulary, width]`. Nothing is learned where features stand.
    /// A sample without placeholder is text alone, whatever features it has.
    ///
    /// # Errors
    /// If there is no sample, a token is not in the vocabulary, or labels are not as many as tokens.
    pub fn new(table: &Tensor, samples: &[Sample<'_>]) -> Result<Self, LlmError> {
        let (_, width) = table.dims2()?;
        let mut rows = Vec::with_capacity(samples.len());
        let mut labels = Vec::with_capacity(samples.len());
        for sample in samples {
            let (row, label) = splice(table, sample)?;
            rows.push(row);
            labels.push(label);
        }
        let lengths: Vec<usize> = labels.iter().map(Vec::len).collect();
        let Some(&longest) = lengths.iter().max() else {
            return Err(LlmError::input("batch", "at least one sample", "none"));
        };
        for label in &mut labels {
            label.resize(longest, None);
        }
        let mut padded = Vec::with_capacity(rows.len());
        for (row, length) in rows.iter().zip(&lengths) {
            let row = if *length < longest {
                let zeros = Tensor::zeros((longest - length, width), row.dtype(), row.device())?;
                Tensor::cat(&[row, &zeros], 0)?
            } else {
                row.clone()
            };
            padded.push(row);
        }
        Ok(Self { embeddings: Tensor::stack(&padded, 0)?, lengths, labels })
    }

    /// 1 where a position is a sample's, 0 where it is padding: `[batch, time]` in u8.
    ///
    /// # Errors
    /// If the tensor cannot be made.
    pub fn attention_mask(&self) -> Result<Tensor, LlmError> {
        let (batch, time, _) = self.embeddings.dims3()?;
        let row = |length: &usize| (0..time).map(|at| u8::from(at < *length)).collect::<Vec<_>>();
        let mask: Vec<u8> = self.lengths.iter().flat_map(row).collect();
        Ok(Tensor::from_vec(mask, (batch, time), self.embeddings.device())?)
    }
}

/// One sample's rows `[time, width]` and labels.
fn splice(table: &Tensor, sample: &Sample<'_>) -> Result<(Tensor, Vec<Option<TokenId>>), LlmError> {
    let (_, width) = table.dims2()?;
    let count = sample.tokens.len();
    if sample.labels.is_some_and(|labels| labels.len() != count) {
        let found = sample.labels.map_or(0, <[_]>::len);
        return Err(LlmError::input(
            "labels",
            format!("{count}, as many as tokens"),
            found.to_string(),
        ));
    }
    let mut inserted = 0;
    for rows in &sample.features {
        match *rows.dims() {
            [count, own] if own == width => inserted += count,
            ref other => {
                let found = format!("{other:?}");
                return Err(LlmError::input(
                    "projected features",
                    format!("[rows, {width}]"),
                    found,
                ));
            }
        }
    }
    let mut parts = Vec::new();
    let mut labels = Vec::with_capacity(count + inserted);
    for (chunk, at) in runs(sample.tokens) {
        labels.extend((at..at + chunk.len()).map(|at| sample.labels.and_then(|it| it[at])));
        if !chunk.is_empty() {
            parts.push(embed(table, &chunk)?);
        }
        // Every run but the last is followed by a placeholder.
        if at + chunk.len() < count {
            parts.extend(sample.features.iter().cloned());
            labels.extend(std::iter::repeat_n(None, inserted));
        }
    }
    if parts.is_empty() {
        parts.push(Tensor::zeros((0, width), table.dtype(), table.device())?);
    }
    Ok((Tensor::cat(&parts, 0)?, labels))
}

/// The runs of text between placeholders, each with the index of its first token.
fn runs(tokens: &[Token]) -> Vec<(Vec<TokenId>, usize)> {
    let mut runs = vec![(Vec::new(), 0)];
    for (index, token) in tokens.iter().enumerate() {
        match (token, runs.last_mut()) {
            (Token::Text(id), Some((run, _))) => run.push(*id),
            _ => runs.push((Vec::new(), index + 1)),
        }
    }
    runs
}

/// Rows of the embedding table: `-> [ids, width]`.
///
/// # Errors
/// If an id is not in the vocabulary.
pub fn embed(table: &Tensor, ids: &[TokenId]) -> Result<Tensor, LlmError> {
    let (vocabulary, _) = table.dims2()?;
    if let Some(id) = ids.iter().find(|&&id| id as usize >= vocabulary) {
        let expected = format!("one of {vocabulary}");
        return Err(LlmError::input("token", expected, format!("number {id}")));
    }
    let ids = Tensor::new(ids, table.device())?.to_dtype(DType::U32)?;
    Ok(table.index_select(&ids, 0)?)
}
