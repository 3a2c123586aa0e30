//! Attention of rows that go on side by side, each from what it has seen.

use candle_core::{DType, Tensor};
use omnivale_kernels::{RaggedRow, Seen, attention_of_rows};

use crate::LlmError;
use crate::linalg::attention;

/// What stands in an additive mask where nothing may be seen. Finite: a row that sees nothing at all (padding) then
/// gives some number instead of none.
pub(crate) const HIDDEN: f32 = f32::MIN;

/// New positions of one row in one layer: how many there are, and keys and values that they see, in parts
/// `[1, key heads, keys, head_dim]` of which the last ends with their own.
pub(crate) struct Sight {
    pub(crate) count: usize,
    pub(crate) seen: Vec<(Tensor, Tensor)>,
}

/// `q [1, heads, positions of all rows, head_dim] -> [1, positions of all rows, heads * head_dim]`.
pub(crate) fn of_rows(q: &Tensor, rows: &[Sight]) -> Result<Tensor, LlmError> {
    let seen: Vec<Vec<Seen<'_>>> =
        rows.iter().map(|row| row.seen.iter().map(|(k, v)| Seen { k, v }).collect()).collect();
    let ragged: Vec<RaggedRow<'_>> =
        rows.iter().zip(&seen).map(|(row, seen)| RaggedRow { queries: row.count, seen }).collect();
    if let Some(mixed) = attention_of_rows(q, &ragged)? {
        return Ok(mixed);
    }
    let mut first = 0;
    let mut mixed = Vec::with_capacity(rows.len());
    for row in rows {
        let own = q.narrow(2, first, row.count)?;
        let keys: usize = row.seen.iter().map(|(k, _)| k.dims()[2]).sum();
        let mask = causal(row.count, keys, q)?;
        let mut seen = Vec::with_capacity(row.seen.len());
        for (k, v) in &row.seen {
            seen.push((k.to_dtype(q.dtype())?, v.to_dtype(q.dtype())?));
        }
        mixed.push(attention(&own, &seen, &mask)?);
        first += row.count;
    }
    Ok(Tensor::cat(&mixed, 1)?)
}

/// What the last `count` of `keys` positions may see: `[1, count, keys]`, 0 or [`HIDDEN`].
fn causal(count: usize, keys: usize, like: &Tensor) -> Result<Tensor, LlmError> {
    if count == 1 {
        return Ok(Tensor::zeros((1, 1, keys), DType::F32, like.device())?);
    }
    let hidden = |at: usize| if at % keys + count > keys + at / keys { HIDDEN } else { 0.0 };
    let mask: Vec<f32> = (0..count * keys).map(hidden).collect();
    Ok(Tensor::from_vec(mask, (1, count, keys), like.device())?)
}
