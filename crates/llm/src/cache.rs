//! What a batch has seen: keys and values of each layer, and which slots of them are real.

use candle_core::{Device, Tensor};

use crate::LlmError;
use crate::config::Config;

/// What stands in an additive mask where nothing may be seen. Finite: a row that sees nothing at all
/// (padding) then gives some number instead of none.
const HIDDEN: f32 = f32::MIN;

/// Keys and values of what a batch has seen, for each layer, and which of them are real.
#[derive(Debug)]
pub struct Cache {
    /// What all rows have seen alike before: for each layer keys and values `[1, key heads, slots, head_dim]`.
    shared: Vec<(Tensor, Tensor)>,
    /// For each layer keys and values `[batch, key heads, room, head_dim]`, of which `slots` are filled.
    layers: Vec<Option<(Tensor, Tensor)>>,
    /// Filled slots, the same in each row of the batch; those that are shared left out.
    slots: usize,
    /// For each row, whether a slot is real or padding.
    real: Vec<Vec<bool>>,
}

impl Cache {
    /// An empty cache for a batch of this size.
    #[must_use]
    pub fn new(config: &Config, batch: usize) -> Self {
        let layers = (0..config.num_hidden_layers).map(|_| None).collect();
        Self { shared: Vec::new(), layers, slots: 0, real: vec![Vec::new(); batch] }
    }

    /// Positions that a row of the batch has seen, padding left out.
    #[must_use]
    pub fn length(&self, row: usize) -> usize {
        self.real[row].iter().filter(|&&real| real).count()
    }

    /// A cache of `batch` rows that all have seen what this one of one row has: it is shared, not copied.
    ///
    /// # Errors
    /// If the cache has not exactly one row.
    pub fn repeat(&self, batch: usize) -> Result<Self, LlmError> {
        let [row] = &self.real[..] else {
            return Err(LlmError::input("cache", "one row", format!("{} rows", self.real.len())));
        };
        let mut shared = Vec::with_capacity(self.layers.len());
        for (layer, own) in self.layers.iter().enumerate() {
            let own = match own {
                Some((k, v)) => Some((k.narrow(2, 0, self.slots)?, v.narrow(2, 0, self.slots)?)),
                None => None,
            };
            shared.extend(match (self.shared.get(layer), own) {
                (Some((k, v)), Some(own)) => {
                    Some((Tensor::cat(&[k, &own.0], 2)?, Tensor::cat(&[v, &own.1], 2)?))
                }
                (shared, own) => own.or_else(|| shared.cloned()),
            });
        }
        let layers = vec![None; self.layers.len()];
        Ok(Self { shared, layers, slots: 0, real: vec![row.clone(); batch] })
    }

    /// Keeps these rows of the batch, in this order.
    ///
    /// # Errors
    /// If there is no such row.
    pub fn keep(&mut self, rows: &[usize]) -> Result<(), LlmError> {
        if let Some(row) = rows.iter().find(|&&row| row >= self.real.len()) {
            let expected = format!("a row below {}", self.real.len());
            return Err(LlmError::input("cache", expected, row.to_string()));
        }
        let ids: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        for (k, v) in self.layers.iter_mut().flatten() {
            let ids = Tensor::new(&ids[..], k.device())?;
            *k = k.index_select(&ids, 0)?;
            *v = v.index_select(&ids, 0)?;
        }
        self.real = rows.iter().map(|&row| self.real[row].clone()).collect();
        Ok(())
    }

    /// Rows of the batch.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.real.len()
    }

    /// After every layer has appended `time` slots: the first `lengths` of each row are real.
    pub(crate) fn advance(&mut self, time: usize, lengths: &[usize]) {
        self.slots += time;
        for (real, length) in self.real.iter_mut().zip(lengths) {
            real.extend((0..time).map(|at| at < *length));
        }
    }

    /// Appends keys and values of a layer and gives all of that layer, in one part or two: what all rows share,
    /// `[1, key heads, keys, dim]`, and what each has seen, `[batch, key heads, keys, dim]`.
    pub(crate) fn append(
        &mut self,
        layer: usize,
        k: &Tensor,
        v: &Tensor,
    ) -> Result<Vec<(Tensor, Tensor)>, LlmError> {
        let (batch, heads, time, dim) = k.dims4()?;
        let needed = self.slots + time;
        let room = match &self.layers[layer] {
            Some((k, _)) => k.dim(2)?,
            None => 0,
        };
        if room < needed {
            // Grown by half and more, so that appending one at a time does not copy all each time.
            let room = needed.max(room + room / 2).next_multiple_of(32);
            let grown = |old: Option<&Tensor>, like: &Tensor| -> Result<Tensor, LlmError> {
                let new = Tensor::zeros((batch, heads, room, dim), like.dtype(), like.device())?;
                if let Some(old) = old {
                    new.slice_set(&old.narrow(2, 0, self.slots)?.contiguous()?, 2, 0)?;
                }
                Ok(new)
            };
            let old = self.layers[layer].as_ref();
            let grown = (grown(old.map(|it| &it.0), k)?, grown(old.map(|it| &it.1), v)?);
            self.layers[layer] = Some(grown);
        }
        let own = match &self.layers[layer] {
            Some((all_k, all_v)) => {
                all_k.slice_set(&k.contiguous()?, 2, self.slots)?;
                all_v.slice_set(&v.contiguous()?, 2, self.slots)?;
                (all_k.narrow(2, 0, needed)?, all_v.narrow(2, 0, needed)?)
            }
            None => (k.clone(), v.clone()),
        };
        Ok(self.shared.get(layer).cloned().into_iter().chain([own]).collect())
    }
}

/// What each new position may see of all slots: `[batch, time, keys]`, 0 or [`HIDDEN`].
pub(crate) fn mask(
    batch: usize,
    time: usize,
    cache: Option<&Cache>,
    device: &Device,
) -> Result<Tensor, LlmError> {
    let past = cache.and_then(|cache| cache.real.first()).map_or(0, Vec::len);
    let mut mask = Vec::with_capacity(batch * time * (past + time));
    let shown = |seen: bool| if seen { 0.0 } else { HIDDEN };
    for row in 0..batch {
        for at in 0..time {
            if let Some(cache) = cache {
                mask.extend(cache.real[row].iter().map(|&real| shown(real)));
            }
            // Padding is on the right: no real position sees it among what comes with it.
            mask.extend((0..time).map(|key| shown(key <= at)));
        }
    }
    Ok(Tensor::from_vec(mask, (batch, time, past + time), device)?)
}
