//! Rows of speech features: the encoder's vectors, averaged over windows of 5.12 s.

use candle_core::Tensor;

use super::WhisperEncoder;
use crate::EncoderError;

/// Vectors in one window: 5.12 s of 20 ms each.
pub const WINDOW_FRAMES: usize = 256;

/// Means over consecutive windows of [`WINDOW_FRAMES`] rows, made as the rows come.
#[derive(Debug)]
pub struct WindowMean {
    width: usize,
    /// Of the window that is not complete yet.
    sum: Vec<f64>,
    rows: usize,
    means: Vec<f32>,
}

impl WindowMean {
    /// For rows of `width` values, at least one.
    #[must_use]
    pub fn new(width: usize) -> Self {
        let width = width.max(1);
        Self { width, sum: vec![0.0; width], rows: 0, means: Vec::new() }
    }

    /// Takes further rows, `[rows, width]`; a part of a row at the end is left out.
    pub fn push(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.width) {
            for (sum, value) in self.sum.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
            self.rows += 1;
            if self.rows == WINDOW_FRAMES {
                self.means.extend(self.sum.iter().map(|sum| (sum / WINDOW_FRAMES as f64) as f32));
                self.sum.fill(0.0);
                self.rows = 0;
            }
        }
    }

    /// The means of the windows completed since the last call, `[windows, width]`.
    pub fn take(&mut self) -> Vec<f32> {
        std::mem::take(&mut self.means)
    }
}

/// From samples to rows of features, one for 5.12 s, as LongVALE stores them (models.md §3.3).
///
/// Samples go through the encoder in chunks of 30 s, the last one filled up with silence; the chunks' vectors are
/// joined, and windows run over the joints. What does not fill a window at the end is left out, so there are
/// `1500 * chunks / 256` rows, rounded down, and up to five of them describe the silence at the end. Memory is that
/// of `batch` chunks, however long the sound.
#[derive(Debug)]
pub struct SpeechFeatures<'m> {
    encoder: &'m WhisperEncoder,
    batch: usize,
    /// Samples of the chunk that is not complete yet.
    samples: Vec<f32>,
    /// Spectra of complete chunks, each `[mels, frames]`; fewer than `batch`.
    chunks: Vec<Tensor>,
    means: WindowMean,
}

impl<'m> SpeechFeatures<'m> {
    /// With `batch` chunks (at least one) going through the encoder together.
    #[must_use]
    pub fn new(encoder: &'m WhisperEncoder, batch: usize) -> Self {
        let means = WindowMean::new(encoder.width());
        Self { encoder, batch: batch.max(1), samples: Vec::new(), chunks: Vec::new(), means }
    }

    /// Takes further samples, mono at 16 kHz.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn push(&mut self, mut samples: &[f32]) -> Result<(), EncoderError> {
        let chunk = self.encoder.chunk_samples();
        while !samples.is_empty() {
            let taken = samples.len().min(chunk - self.samples.len());
            self.samples.extend_from_slice(&samples[..taken]);
            samples = &samples[taken..];
            if self.samples.len() == chunk {
                self.close_chunk()?;
            }
        }
        Ok(())
    }

    /// The rows completed since the last call, `[rows, width]`.
    pub fn take(&mut self) -> Vec<f32> {
        self.means.take()
    }

    /// Ends the sound; returns the rows that were not taken yet, `[rows, width]`. No sound at all gives none.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn finish(mut self) -> Result<Vec<f32>, EncoderError> {
        if !self.samples.is_empty() {
            self.close_chunk()?;
        }
        self.encode()?;
        Ok(self.means.take())
    }

    fn close_chunk(&mut self) -> Result<(), EncoderError> {
        self.chunks.push(self.encoder.log_mel(&self.samples)?);
        self.samples.clear();
        if self.chunks.len() == self.batch { self.encode() } else { Ok(()) }
    }

    fn encode(&mut self) -> Result<(), EncoderError> {
        if self.chunks.is_empty() {
            return Ok(());
        }
        let hidden = self.encoder.forward(&Tensor::stack(&self.chunks, 0)?)?;
        self.chunks.clear();
        self.means.push(&hidden.flatten_all()?.to_vec1::<f32>()?);
        Ok(())
    }
}
