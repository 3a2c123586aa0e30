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

/// A row for each of `items` by `forward`, which makes `[4, width]` of four of them. The groups are encoded side by
/// side on all cores, on a GPU one after the other.
pub(super) fn encode(
    items: &[Vec<f32>],
    device: &Device,
    forward: impl Fn(&[&[f32]]) -> Result<Tensor, EncoderError> + Sync,
) -> Result<Vec<Vec<f32>>, EncoderError> {
    let rows = |group: &[Vec<f32>]| {
        let last = group.last().into_iter().cycle().take(GROUP - group.len());
        let full: Vec<&[f32]> = group.iter().chain(last).map(Vec::as_slice).collect();
        let mut rows = forward(&full)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        rows.truncate(group.len());
        Ok(rows)
    };
    let groups: Vec<Vec<Vec<f32>>> = if device.is_cpu() {
        items.par_chunks(GROUP).map(rows).collect::<Result<_, EncoderError>>()?
    } else {
        items.chunks(GROUP).map(rows).collect::<Result<_, EncoderError>>()?
    };
    Ok(groups.into_iter().flatten().collect())
}

/// Items of `shape` as one tensor, `[items, shape..]`.
pub(super) fn stack(items: &[&[f32]], shape: &[usize]) -> Result<Tensor, EncoderError> {
    let shape = [&[items.len()], shape].concat();
    Ok(Tensor::from_vec(items.concat(), shape, &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_full_and_rows_stay_in_order() {
        let items: Vec<Vec<f32>> = (0..9).map(|n| vec![n as f32, 1.0]).collect();
        let rows = encode(&items, &Device::Cpu, |group| {
            let x = stack(group, &[2])?;
            assert_eq!(x.dims(), [4, 2]);
            Ok((x * 2.0)?)
        });
        let expected: Vec<Vec<f32>> = (0..9).map(|n| vec![2.0 * n as f32, 2.0]).collect();
        assert_eq!(rows.unwrap(), expected);
        assert!(encode(&[], &Device::Cpu, |group| stack(group, &[2])).unwrap().is_empty());
    }
}
