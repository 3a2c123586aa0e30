//! What a row has seen: keys and values of each layer, the beginning perhaps shared with other rows.

use std::sync::Arc;

use candle_core::Tensor;

use crate::LlmError;
use crate::config::Config;

/// Keys and values of some positions: for each layer both `[1, key heads, positions, head_dim]`.
type Part = Vec<(Tensor, Tensor)>;

/// What one row (a prompt and its answer) has seen: keys and values of each layer, in f32 where the model is in f32, else
/// in 16 bits ([`Llama::bytes_of_position`](crate::llama::Llama::bytes_of_position)).
#[derive(Debug)]
pub struct Cache {
    /// What other rows may have seen alike before, part after part: never changed, kept once, and dropped with the last
    /// row that refers to it.
    shared: Vec<Arc<Part>>,
    /// Positions of all of `shared`.
    before: usize,
    /// For each layer keys and values `[1, key heads, room, head_dim]`, of which `own` positions are filled.
    layers: Vec<Option<(Tensor, Tensor)>>,
    own: usize,
}

impl Cache {
    /// Of a row that has seen nothing.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let layers = (0..config.num_hidden_layers).map(|_| None).collect();
        Self { shared: Vec::new(), before: 0, layers, own: 0 }
    }

    /// Positions that the row has seen.
    #[must_use]
    pub fn length(&self) -> usize {
        self.before + self.own
    }

    /// Of a row that has seen what this one has, and goes on alone: all of it is shared, nothing copied.
    ///
    /// # Errors
    /// If a tensor operation fails.
    pub fn fork(&self) -> Result<Self, LlmError> {
        let mut shared = self.shared.clone();
        let mut part = Vec::with_capacity(self.layers.len());
        for (k, v) in self.layers.iter().flatten() {
            part.push((k.narrow(2, 0, self.own)?, v.narrow(2, 0, self.own)?));
        }
        if self.own > 0 {
            shared.push(Arc::new(part));
        }
        let layers = vec![None; self.layers.len()];
        Ok(Self { shared, before: self.length(), layers, own: 0 })
    }

    /// After every layer has appended `count` positions.
    pub(crate) fn advance(&mut self, count: usize) {
        self.own += count;
    }

    /// Appends keys and values `[1, key heads, positions, head_dim]` of a layer and gives all of that layer, in parts.
    pub(crate) fn append(
        &mut self,
        layer: usize,
        k: &Tensor,
        v: &Tensor,
    ) -> Result<Vec<(Tensor, Tensor)>, LlmError> {
        let (_, heads, count, dim) = k.dims4()?;
        let needed = self.own + count;
        let room = match &self.layers[layer] {
            Some((k, _)) => k.dim(2)?,
            None => 0,
        };
        if room < needed {
            // Grown by half and more, so that appending one at a time does not copy all each time.
            let room = needed.max(room + room / 2).next_multiple_of(32);
            let grown = |old: Option<&Tensor>, like: &Tensor| -> Result<Tensor, LlmError> {
                let new = Tensor::zeros((1, heads, room, dim), like.dtype(), like.device())?;
                if let Some(old) = old.filter(|_| self.own > 0) {
                    new.slice_set(&old.narrow(2, 0, self.own)?.contiguous()?, 2, 0)?;
                }
                Ok(new)
            };
            let old = self.layers[layer].as_ref();
            let grown = (grown(old.map(|it| &it.0), k)?, grown(old.map(|it| &it.1), v)?);
            self.layers[layer] = Some(grown);
        }
        let mut seen = Vec::with_capacity(self.shared.len() + 1);
        seen.extend(self.shared.iter().filter_map(|part| part.get(layer).cloned()));
        if let Some((all_k, all_v)) = &self.layers[layer] {
            all_k.slice_set(&k.contiguous()?, 2, self.own)?;
            all_v.slice_set(&v.contiguous()?, 2, self.own)?;
            seen.push((all_k.narrow(2, 0, needed)?, all_v.narrow(2, 0, needed)?));
        }
        Ok(seen)
    }
}
