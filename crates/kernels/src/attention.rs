//! Attention as one operation: no permutes, no copies, no matrix of scores in memory.

use candle_core::{CpuStorage, CustomOp3, D, DType, Layout, Result, Shape, Storage, Tensor};
use rayon::prelude::*;

use crate::Kernel;
use crate::heads::{Bias, Head, Rows};
use crate::level::Level;
use crate::memory::{Fresh, Values, with_scratch};

/// How queries attend to keys.
#[derive(Clone, Debug)]
pub struct Attention<'a> {
    /// Heads of the queries.
    pub heads: usize,
    /// Heads of keys and values; divides `heads`. Each serves a run of neighbouring query heads.
    pub key_heads: usize,
    /// Factor of the scores; `1 / sqrt(width of a head)` where it is not said. Above 0.
    pub scale: Option<f32>,
    /// Added to the scaled scores: f32, broadcasts to `[batch, heads, queries, keys]`. Gets no gradient.
    pub bias: Option<&'a Tensor>,
    /// Factor of `bias` for each query: f32, `[batch, heads, queries]`. Gets no gradient.
    pub gate: Option<&'a Tensor>,
    /// Query `i` sees the keys up to `i + offset` alone.
    pub causal: Option<usize>,
}

impl<'a> Attention<'a> {
    /// Of `heads` heads, every query to every key.
    #[must_use]
    pub fn new(heads: usize) -> Self {
        Self { heads, key_heads: heads, scale: None, bias: None, gate: None, causal: None }
    }

    /// With a bias.
    #[must_use]
    pub fn with_bias(self, bias: Option<&'a Tensor>) -> Self {
        Self { bias, ..self }
    }

    /// `softmax(scale q k^T + gate bias) v`, softmax and sums in f32.
    ///
    /// `q` is `[batch, queries, heads dim]` or `[batch, heads, queries, dim]`, `k` and `v` likewise with their own time
    /// and heads; parts of a wider tensor (`narrow`) are taken as they are. bf16 is multiplied as bf16. Returns
    /// `[batch, queries, heads dim]` in the format of `q`.
    ///
    /// # Errors
    /// When the shapes or formats do not fit each other, or `OMNIVALE_KERNEL` names what is not there.
    pub fn forward(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        self.forward_with(q, k, v, Kernel::chosen_on(q.device())?)
    }

    /// [`Attention::forward`] by the vectors of an implementation of the caller's choice.
    ///
    /// # Errors
    /// When the shapes or formats do not fit each other.
    pub fn forward_with(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        kernel: Kernel,
    ) -> Result<Tensor> {
        let shape = Sizes::of(self, q, k, v)?;
        let full = (shape.batch, self.heads, shape.queries, shape.keys);
        let bias = match self.bias {
            Some(bias) => Some(bias.detach().broadcast_as(full)?),
            None => None,
        };
        let gate = match self.gate {
            Some(gate) => {
                let gate = gate.detach().broadcast_as((shape.batch, self.heads, shape.queries))?;
                Some(gate.contiguous()?)
            }
            None => None,
        };
        let scale = self.scale.unwrap_or_else(|| 1.0 / (shape.dim as f32).sqrt());
        let op = Op { shape, scale, bias, gate, causal: self.causal, level: kernel.level() };
        if shape.keys == 0 && q.elem_count() > 0 {
            candle_core::bail!("attention to no keys");
        }
        if !q.device().is_cpu() || kernel == Kernel::Tensors {
            return op.by_candle(q, k, v);
        }
        let near =
            |x: &Tensor| if x.stride().last() == Some(&1) { Ok(x.clone()) } else { x.contiguous() };
        near(q)?.apply_op3(&near(k)?, &near(v)?, op)
    }
}

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    heads: usize,
    key_heads: usize,
    queries: usize,
    keys: usize,
    dim: usize,
}

impl Sizes {
    fn of(attention: &Attention<'_>, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Self> {
        let (heads, key_heads) = (attention.heads, attention.key_heads);
        let sizes = |x: &Tensor, heads: usize| match *x.dims() {
            [batch, time, width] if heads > 0 && width % heads == 0 => {
                Some((batch, time, width / heads))
            }
            [batch, found, time, dim] if found == heads => Some((batch, time, dim)),
            _ => None,
        };
        let found = (sizes(q, heads), sizes(k, key_heads), sizes(v, key_heads));
        if let (Some((batch, queries, dim)), Some(of_k), Some(of_v)) = found {
            let keys = of_k.1;
            let one_format = q.dtype() == k.dtype() && k.dtype() == v.dtype();
            if of_k == (batch, keys, dim) && of_v == of_k && heads % key_heads == 0 && one_format {
                return Ok(Self { batch, heads, key_heads, queries, keys, dim });
            }
        }
        candle_core::bail!(
            "attention of {heads} heads to {key_heads} was given {:?} {:?}, {:?} {:?}, {:?} {:?}",
            q.dtype(),
            q.dims(),
            k.dtype(),
            k.dims(),
            v.dtype(),
            v.dims()
        )
    }
}

#[derive(Debug)]
struct Op {
    shape: Sizes,
    scale: f32,
    /// `[batch, heads, queries, keys]`, most of its strides 0.
    bias: Option<Tensor>,
    /// `[batch, heads, queries]`.
    gate: Option<Tensor>,
    causal: Option<usize>,
    level: Level,
}

impl Op {
    /// The same by candle's operations; `q`, `k`, `v` as [`Attention::forward`] takes them.
    fn by_candle(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let Sizes { batch, heads, queries, dim, .. } = self.shape;
        if q.elem_count() == 0 {
            return Tensor::zeros((batch, queries, heads * dim), q.dtype(), q.device());
        }
        let mixed = self.weights(q, k)?.matmul(&self.split(v, self.shape.key_heads)?)?;
        mixed.transpose(1, 2)?.reshape((batch, queries, heads * dim))
    }

    /// `[batch, heads, time, dim]`, each key head repeated for its queries.
    fn split(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
        let Sizes { batch, dim, .. } = self.shape;
        let x = match x.rank() {
            4 => x.clone(),
            _ => x.reshape((batch, x.dim(1)?, heads, dim))?.transpose(1, 2)?,
        };
        let group = self.shape.heads / heads;
        let time = x.dim(2)?;
        let x = x.unsqueeze(2)?.broadcast_as((batch, heads, group, time, dim))?;
        x.reshape((batch, heads * group, time, dim))?.contiguous()
    }

    /// The softmax: `[batch, heads, queries, keys]`, in the format of `q`.
    fn weights(&self, q: &Tensor, k: &Tensor) -> Result<Tensor> {
        let Sizes { heads, key_heads, queries, keys, .. } = self.shape;
        let scores = self.split(q, heads)?.matmul(&self.split(k, key_heads)?.t()?)?;
        let mut scores = (scores.to_dtype(DType::F32)? * f64::from(self.scale))?;
        if let Some(bias) = &self.bias {
            let bias = match &self.gate {
                Some(gate) => bias.broadcast_mul(&gate.unsqueeze(D::Minus1)?)?,
                None => bias.clone(),
            };
            scores = scores.broadcast_add(&bias)?;
        }
        if let Some(offset) = self.causal {
            let hidden = (0..queries * keys)
                .map(|at| if at % keys > at / keys + offset { f32::NEG_INFINITY } else { 0.0 });
            let hidden = Tensor::from_iter(hidden, q.device())?.reshape((queries, keys))?;
            scores = scores.broadcast_add(&hidden)?;
        }
        let exp = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
        exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)?.to_dtype(q.dtype())
    }

    fn compute(
        &self,
        q: (&CpuStorage, &Layout),
        k: (&CpuStorage, &Layout),
        v: (&CpuStorage, &Layout),
    ) -> Result<(CpuStorage, Shape)> {
        let Sizes { batch, heads, key_heads, queries, keys, dim } = self.shape;
        let count = batch * queries * heads * dim;
        let shape = Shape::from((batch, queries, heads * dim));
        let dtype = match q.0 {
            CpuStorage::BF16(_) => DType::BF16,
            CpuStorage::F16(_) => DType::F16,
            _ => DType::F32,
        };
        let mut fresh = Fresh::new(dtype, count)?;
        let bias = self.bias.as_ref().map(Tensor::storage_and_layout);
        let bias = match &bias {
            Some((storage, layout)) => Some(Bias::of(storage, layout)?),
            None => None,
        };
        let gate = self.gate.as_ref().map(Tensor::storage_and_layout);
        let gate = match &gate {
            Some((storage, layout)) => match &**storage {
                Storage::Cpu(storage) => match Values::of(storage, layout)? {
                    Values::F32(values) => Some(values),
                    _ => candle_core::bail!("the gate of a bias is of f32"),
                },
                _ => candle_core::bail!("a kernel was given tensors of two devices"),
            },
            None => None,
        };
        if count > 0 {
            let out = fresh.out();
            let head = Head {
                q: Rows::of(q.0, q.1, dim)?,
                k: Rows::of(k.0, k.1, dim)?,
                v: Rows::of(v.0, v.1, dim)?,
                bias,
                gate,
                causal: self.causal,
                scale: self.scale,
                heads,
                group: heads / key_heads,
                queries,
                keys,
                dim,
                out,
            };
            let bytes = head.scratch_bytes(self.level);
            let parts = head.parts(batch * heads, self.level);
            (0..batch * heads * parts).into_par_iter().for_each(|at| {
                let (head_at, part) = (at / parts, at % parts);
                with_scratch(bytes, |scratch| {
                    let place = (head_at / heads, head_at % heads);
                    head.run(self.level, place, (part, parts), scratch.cast());
                });
            });
        }
        // SAFETY: every query of every head has been written.
        Ok((unsafe { fresh.filled(count) }, shape))
    }
}

impl CustomOp3 for Op {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.compute((s1, l1), (s2, l2), (s3, l3))
    }

    /// By candle's operations, the weights computed once more: they are never kept.
    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Sizes { heads, key_heads, .. } = self.shape;
        let wide = |x: &Tensor| x.detach().to_dtype(DType::F32);
        let (q32, k32, v32) = (wide(q)?, wide(k)?, wide(v)?);
        let weights = self.weights(&q32, &k32)?;
        let g = self.split(&wide(gradient)?, heads)?;
        let of_weights = g.matmul(&self.split(&v32, key_heads)?.t()?)?;
        let inner = (&of_weights * &weights)?.sum_keepdim(D::Minus1)?;
        let of_scores = (weights.mul(&of_weights.broadcast_sub(&inner)?)? * f64::from(self.scale))?;
        let of_q = of_scores.matmul(&self.split(&k32, key_heads)?)?;
        let of_k = of_scores.t()?.contiguous()?.matmul(&self.split(&q32, heads)?)?;
        let of_v = weights.t()?.contiguous()?.matmul(&g)?;
        Ok((
            Some(self.join(&of_q, q, heads)?),
            Some(self.join(&of_k, k, key_heads)?),
            Some(self.join(&of_v, v, key_heads)?),
        ))
    }
}

impl Op {
    /// `[batch, heads, time, dim]` to the shape and format of `like`, summed over the query heads of each of `heads`.
    fn join(&self, x: &Tensor, like: &Tensor, heads: usize) -> Result<Tensor> {
        let Sizes { batch, dim, .. } = self.shape;
        let time = x.dim(2)?;
        let x = x.reshape((batch, heads, self.shape.heads / heads, time, dim))?.sum(2)?;
        let x = if like.rank() == 4 { x } else { x.transpose(1, 2)?.contiguous()? };
        x.reshape(like.shape())?.to_dtype(like.dtype())
    }
}
