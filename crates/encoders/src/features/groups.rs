//! Encoding in groups of a fixed size.

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use crate::EncoderError;

/// Pictures, windows or segments that go through an encoder as one tensor.
///
/// A matrix product may add up in another order when it has another number of rows. So the groups are always of this
/// size, filled up where less is left, and a row depends on nothing but what it is made of: not on its place in the
/// video, on the size of batches or on the number of threads. Four are a thousand tokens, of which a product is as
/// fast as of more.
const GROUP: usize = 4;

/// A row for each of `items`, all of `shape`, by `forward`, which makes `[4, width]` of `[4, shape..]`. The groups
/// are encoded side by side on all cores.
pub(super) fn encode(
    items: &[Vec<f32>],
    shape: &[usize],
    forward: impl Fn(&Tensor) -> Result<Tensor, EncoderError> + Sync,
) -> Result<Vec<Vec<f32>>, EncoderError> {
    let groups = items.par_chunks(GROUP).map(|group| {
        let last = group.last().into_iter().cycle().take(GROUP - group.len());
        let values: Vec<f32> = group.iter().chain(last).flatten().copied().collect();
        let tensor = Tensor::from_vec(values, [&[GROUP], shape].concat(), &Device::Cpu)?;
        let mut rows = forward(&tensor)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        rows.truncate(group.len());
        Ok(rows)
    });
    let groups: Vec<Vec<Vec<f32>>> = groups.collect::<Result<_, EncoderError>>()?;
    Ok(groups.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_full_and_rows_stay_in_order() {
        let items: Vec<Vec<f32>> = (0..9).map(|n| vec![n as f32, 1.0]).collect();
        let rows = encode(&items, &[2], |x| {
            assert_eq!(x.dims(), [4, 2]);
            Ok((x * 2.0)?)
        });
        let expected: Vec<Vec<f32>> = (0..9).map(|n| vec![2.0 * n as f32, 2.0]).collect();
        assert_eq!(rows.unwrap(), expected);
        assert!(encode(&[], &[2], |x| Ok(x.clone())).unwrap().is_empty());
    }
}
