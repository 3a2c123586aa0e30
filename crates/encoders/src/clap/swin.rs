//! The stages of a Swin transformer (Liu et al. 2021, arXiv:2103.14030), as HTSAT has them.

use candle_core::{Device, Result as TensorResult, Tensor};

use crate::EncoderError;
use crate::clap::config::AudioConfig;
use crate::clap::names::Names;
use crate::layers::{LayerNorm, Linear, attention};
use omnivale_weights::View;

/// Added to the scores of two patches that lie in one window only because the picture was shifted around.
const APART: f32 = -100.0;

/// `layers.N`.
#[derive(Debug)]
pub(super) struct Stage {
    blocks: Vec<Block>,
    /// Missing after the last stage.
    downsample: Option<Downsample>,
}

impl Stage {
    pub(super) fn load(
        view: &View<'_>,
        names: &Names,
        config: &AudioConfig,
        stage: usize,
    ) -> Result<Self, EncoderError> {
        let block = |at: usize| Block::load(&view.at("blocks").at(at), names, config, stage, at);
        let merges = stage + 1 < config.depths.len();
        let downsample = || Downsample::load(&view.at("downsample"), config, stage);
        Ok(Self {
            blocks: (0..config.depths[stage]).map(block).collect::<Result<_, _>>()?,
            downsample: merges.then(downsample).transpose()?,
        })
    }

    /// `[batch, patches, width]` to the same, or to `[batch, patches / 4, 2 width]`.
    pub(super) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let mut x = x.clone();
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        match &self.downsample {
            Some(downsample) => downsample.forward(&x),
            None => Ok(x),
        }
    }
}

/// `layers.N.blocks.M`.
#[derive(Debug)]
struct Block {
    layernorm_before: LayerNorm,
    attention: Qkv,
    attention_out: Linear,
    layernorm_after: LayerNorm,
    intermediate: Linear,
    output: Linear,
    heads: usize,
    tiling: Tiling,
    /// By the places of two patches, and by whether they belong together: `[windows or 1, heads, in window, in window]`.
    bias: Tensor,
}

/// `attention.self`.
#[derive(Debug)]
enum Qkv {
    /// Three layers.
    Three { query: Linear, key: Linear, value: Linear },
    /// One, whose result has the three behind each other.
    One(Linear),
}

impl Qkv {
    fn load(view: &View<'_>, one: bool, width: usize) -> Result<Self, EncoderError> {
        if one {
            return Ok(Self::One(Linear::load(&view.at("qkv"), width, 3 * width)?));
        }
        let linear = |name: &str| Linear::load(&view.at(name), width, width);
        Ok(Self::Three { query: linear("query")?, key: linear("key")?, value: linear("value")? })
    }

    /// `[windows, patches, width]` to three of the same shape.
    fn forward(&self, x: &Tensor) -> TensorResult<[Tensor; 3]> {
        match self {
            Self::Three { query, key, value } => {
                Ok([query.forward(x)?, key.forward(x)?, value.forward(x)?])
            }
            Self::One(qkv) => {
                let width = x.dim(2)?;
                let all = qkv.forward(x)?;
                let part = |at: usize| all.narrow(2, at * width, width)?.contiguous();
                Ok([part(0)?, part(1)?, part(2)?])
            }
        }
    }
}

impl Block {
    fn load(
        view: &View<'_>,
        names: &Names,
        config: &AudioConfig,
        stage: usize,
        at: usize,
    ) -> Result<Self, EncoderError> {
        let (width, heads) = (config.width(stage), config.num_attention_heads[stage]);
        let inner = (config.mlp_ratio * width as f64) as usize;
        let eps = config.layer_norm_eps;
        let (window, shift) = config.window(stage);
        let shift = if at.is_multiple_of(2) { 0 } else { shift };
        let tiling = Tiling::new(config.grid(stage), window, shift, view.device())?;
        let attention = view.at(names.attention);
        // Both follow from the sizes.
        attention.leave("relative_position_index");
        view.leave("attn_mask");
        let rows = (2 * config.window_size - 1).pow(2);
        let table = attention.tensor("relative_position_bias_table", &[rows, heads])?;
        let bias = tiling.bias(&table)?;
        Ok(Self {
            layernorm_before: LayerNorm::load(&view.at(names.norm_before), width, eps)?,
            attention: Qkv::load(&attention, names.one_qkv, width)?,
            attention_out: Linear::load(&view.at(names.attention_out), width, width)?,
            layernorm_after: LayerNorm::load(&view.at(names.norm_after), width, eps)?,
            intermediate: Linear::load(&view.at(names.inner), width, inner)?,
            output: Linear::load(&view.at(names.outer), inner, width)?,
            heads,
            tiling,
            bias,
        })
    }

    /// `[batch, patches, width]` to the same shape.
    fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let batch = x.dim(0)?;
        let windows = self.tiling.split(&self.layernorm_before.forward(x)?)?;
        let [q, k, v] = self.attention.forward(&windows)?;
        let bias = match self.bias.dim(0)? {
            1 => self.bias.clone(),
            _ => self.bias.repeat((batch, 1, 1, 1))?,
        };
        let mixed = attention(&q, &k, &v, self.heads, Some(&bias))?;
        let x = (x + self.tiling.join(&self.attention_out.forward(&mixed)?, batch)?)?;
        let inner = self.intermediate.forward(&self.layernorm_after.forward(&x)?)?.gelu_erf()?;
        &x + self.output.forward(&inner)?
    }
}

/// How a square of patches is cut into square windows, shifted up and left by some patches, around the edges.
#[derive(Debug)]
struct Tiling {
    side: usize,
    window: usize,
    shift: usize,
    /// The patch at each place, window after window: `[patches]`, u32.
    order: Tensor,
    /// The place of each patch: `[patches]`, u32.
    back: Tensor,
}

impl Tiling {
    /// With its tensors on `device`.
    fn new(side: usize, window: usize, shift: usize, device: &Device) -> TensorResult<Self> {
        let (across, area) = (side / window, window * window);
        let order = (0..side * side).map(|place| {
            let (tile, inside) = (place / area, place % area);
            let row = (tile / across * window + inside / window + shift) % side;
            let column = (tile % across * window + inside % window + shift) % side;
            row * side + column
        });
        let order: Vec<usize> = order.collect();
        let mut back = vec![0u32; order.len()];
        for (place, patch) in order.iter().enumerate() {
            back[*patch] = place as u32;
        }
        let order = Tensor::from_iter(order.into_iter().map(|patch| patch as u32), device)?;
        let back = Tensor::from_vec(back, order.dims(), device)?;
        Ok(Self { side, window, shift, order, back })
    }

    /// `[batch, patches, width]` to `[batch * windows, patches of a window, width]`.
    fn split(&self, x: &Tensor) -> TensorResult<Tensor> {
        let width = x.dim(2)?;
        x.index_select(&self.order, 1)?.reshape(((), self.window * self.window, width))
    }

    /// Undoes [`split`](Self::split).
    fn join(&self, windows: &Tensor, batch: usize) -> TensorResult<Tensor> {
        let width = windows.dim(2)?;
        windows.reshape((batch, self.side * self.side, width))?.index_select(&self.back, 1)
    }

    /// What is added to scores. `table`: `[(2 w - 1)^2, heads]`, by how far a query is below and right of a key.
    fn bias(&self, table: &Tensor) -> TensorResult<Tensor> {
        let (window, area) = (self.window, self.window * self.window);
        let span = table.dim(0)?.isqrt();
        let distance = |pair: usize| {
            let (query, key) = (pair / area, pair % area);
            let down = query / window + (span - 1) / 2 - key / window;
            let across = query % window + (span - 1) / 2 - key % window;
            (down * span + across) as u32
        };
        let index = Tensor::from_iter((0..area * area).map(distance), table.device())?;
        let by_place = table.contiguous()?.index_select(&index, 0)?;
        let by_place =
            by_place.reshape((1, area, area, ()))?.permute((0, 3, 1, 2))?.contiguous()?;
        if self.shift == 0 {
            return Ok(by_place);
        }
        by_place.broadcast_add(&self.apart()?.to_dtype(by_place.dtype())?)?.contiguous()
    }

    /// [`APART`] for pairs that the shift brought together from opposite edges: `[windows, 1, in window, in window]`.
    fn apart(&self) -> TensorResult<Tensor> {
        let (across, area) = (self.side / self.window, self.window * self.window);
        // Along one axis: the windows before the last, then what is left of the edge, then what came around it.
        let stretch = |at: usize| {
            usize::from(at >= self.side - self.window) + usize::from(at >= self.side - self.shift)
        };
        let region = |tile: usize, inside: usize| {
            let row = tile / across * self.window + inside / self.window;
            let column = tile % across * self.window + inside % self.window;
            (stretch(row), stretch(column))
        };
        let values = (0..across * across * area * area).map(|at| {
            let (tile, query, key) = (at / (area * area), at / area % area, at % area);
            if region(tile, query) == region(tile, key) { 0.0 } else { APART }
        });
        let values = Tensor::from_iter(values, self.order.device())?;
        values.reshape((across * across, 1, area, area))
    }
}

/// `layers.N.downsample`: four neighbours to one, twice as wide.
#[derive(Debug)]
struct Downsample {
    norm: LayerNorm,
    reduction: Linear,
    side: usize,
}

impl Downsample {
    fn load(view: &View<'_>, config: &AudioConfig, stage: usize) -> Result<Self, EncoderError> {
        let width = config.width(stage);
        Ok(Self {
            norm: LayerNorm::load(&view.at("norm"), 4 * width, config.layer_norm_eps)?,
            reduction: Linear::load_unbiased(&view.at("reduction"), 4 * width, 2 * width)?,
            side: config.grid(stage),
        })
    }

    /// `[batch, patches, width]` to `[batch, patches / 4, 2 width]`.
    fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let (batch, patches, width) = x.dims3()?;
        let half = self.side / 2;
        // The four in the order (row, column) = (0, 0), (1, 0), (0, 1), (1, 1).
        let four = x
            .reshape(vec![batch, half, 2, half, 2, width])?
            .permute(vec![0, 1, 3, 4, 2, 5])?
            .reshape((batch, patches / 4, 4 * width))?;
        self.reduction.forward(&self.norm.forward(&four)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(tensor: &Tensor) -> Vec<u32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn shifted_windows_go_around_the_edges_and_back() {
        let tiling = Tiling::new(4, 2, 1, &Device::Cpu).unwrap();
        assert_eq!(numbers(&tiling.order)[..8], [5, 6, 9, 10, 7, 4, 11, 8]);
        let x = Tensor::arange(0u32, 32, &Device::Cpu).unwrap().reshape((2, 16, 1)).unwrap();
        let windows = tiling.split(&x).unwrap();
        assert_eq!(windows.dims(), [8, 4, 1]);
        assert_eq!(numbers(&tiling.join(&windows, 2).unwrap()), numbers(&x));
    }

    #[test]
    fn only_patches_from_opposite_edges_are_kept_apart() {
        let tiling = Tiling::new(4, 2, 1, &Device::Cpu).unwrap();
        let apart = tiling.apart().unwrap().squeeze(1).unwrap().to_vec3::<f32>().unwrap();
        assert_eq!(apart[0], vec![vec![0.0; 4]; 4], "the first window lies within the picture");
        // The second has columns 3 and 0, in two rows.
        assert_eq!(apart[1][0], [0.0, APART, 0.0, APART]);
        assert_eq!(apart[3][0], [0.0, APART, APART, APART], "the four corners meet");
    }

    #[test]
    fn the_table_of_places_is_read_by_distance() {
        let table = Tensor::arange(0f32, 9., &Device::Cpu).unwrap().reshape((9, 1)).unwrap();
        let bias = Tiling::new(2, 2, 0, &Device::Cpu).unwrap().bias(&table).unwrap();
        let rows = bias.reshape((4, 4)).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(rows[0], [4., 3., 1., 0.], "the first patch is above and left of all");
        assert_eq!(rows[3], [8., 7., 5., 4.]);
    }
}
