//! How BEATs tells its tokens where they stand.

use candle_core::Tensor;
use omnivale_kernels::{Activation, Kernel};
use rayon::prelude::*;

use super::Config;
use crate::EncoderError;
use crate::layers::Linear;
use omnivale_weights::View;

/// Times that a row of the convolution of positions serves: each more saves copies and costs products with zero.
const TIMES: usize = 4;

/// `encoder.pos_conv.0`: marks positions by a convolution along time, its weight in two factors.
///
/// What a group sees at one time is a row of values that lie side by side, so that each group is a linear layer. Times
/// that follow each other see nearly the same values: one row serves [`TIMES`] of them.
#[derive(Debug)]
pub(super) struct PositionConv {
    /// One for each group: `[TIMES x width / groups, (taps + TIMES - 1) x width / groups]`.
    groups: Vec<Linear>,
    taps: usize,
}

impl PositionConv {
    /// Each tap's weights have the length its factor says.
    pub(super) fn load(view: &View<'_>, config: &Config) -> Result<Self, EncoderError> {
        let (width, taps, count) =
            (config.encoder_embed_dim, config.conv_pos, config.conv_pos_groups);
        let own = width / count;
        let factor = view.tensor("weight_g", &[1, 1, taps])?;
        let weight = view.tensor("weight_v", &[width, own, taps])?;
        let bias = view.tensor("bias", &[width])?;
        let length = weight.sqr()?.sum_keepdim((0, 1))?.sqrt()?;
        let weight = weight.broadcast_mul(&factor.broadcast_div(&length)?)?.transpose(1, 2)?;
        let group = |at: usize| {
            let weight = weight.narrow(0, at * own, own)?.contiguous()?;
            let bias = bias.narrow(0, at * own, own)?;
            let weights = (0..TIMES)
                .map(|later| weight.pad_with_zeros(1, later, TIMES - 1 - later))
                .collect::<candle_core::Result<Vec<_>>>()?;
            let biases = vec![&bias; TIMES];
            Linear::new(view, &Tensor::cat(&weights, 0)?, Some(&Tensor::cat(&biases, 0)?))
        };
        Ok(Self { groups: (0..count).map(group).collect::<Result<_, _>>()?, taps })
    }

    /// `[batch, time, width]` to the same shape.
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, time, width) = x.dims3()?;
        let (groups, own) = (self.groups.len(), width / self.groups.len());
        let rows = time.div_ceil(TIMES);
        // With the zeros that the first and the last windows reach into. An even number of taps would make one time
        // too many, at the end.
        let before = self.taps / 2;
        let padded = rows * TIMES + self.taps - 1;
        let padded = x
            .pad_with_zeros(1, before, padded.saturating_sub(before + time))?
            .reshape((batch, (), groups, own))?
            .permute((2, 0, 1, 3))?
            .contiguous()?;
        let windows = Windows { rows, times: self.taps + TIMES - 1 };
        let marked = self.groups.iter().zip(windows.of(&padded)?).map(|(group, windows)| {
            let marked = group.activated(&windows, Activation::Gelu)?;
            marked.reshape((batch, rows * TIMES, own))?.narrow(1, 0, time)
        });
        Tensor::cat(&marked.collect::<candle_core::Result<Vec<_>>>()?, 2)
    }
}

/// The rows of values that lie side by side in time, one every [`TIMES`].
struct Windows {
    rows: usize,
    /// Times of a row.
    times: usize,
}

impl Windows {
    /// Of `x [groups, batch, time, own]`: for each group `[batch, rows, times x own]`.
    fn of(&self, x: &Tensor) -> candle_core::Result<Vec<Tensor>> {
        let (groups, batch, length, own) = x.dims4()?;
        let (rows, window) = (self.rows, self.times * own);
        if Kernel::chosen_on(x.device()).map_err(candle_core::Error::from)? == Kernel::Tensors {
            let time = |at: usize| (at / self.times * TIMES + at % self.times) as u32;
            let times = Tensor::from_iter((0..rows * self.times).map(time), x.device())?;
            let all = x.index_select(&times, 2)?.reshape((groups, batch, rows, window))?;
            return (0..groups).map(|group| all.get(group)).collect();
        }
        let values = x.flatten_all()?.to_vec1::<f32>()?;
        let group = |at: usize| {
            let mut windows = vec![0f32; batch * rows * window];
            windows.par_chunks_exact_mut(window).enumerate().for_each(|(row, to)| {
                let from = (at * batch + row / rows) * length * own + row % rows * TIMES * own;
                to.copy_from_slice(&values[from..from + window]);
            });
            Tensor::from_vec(windows, (batch, rows, window), x.device())
        };
        (0..groups).map(group).collect()
    }
}
