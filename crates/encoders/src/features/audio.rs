//! Rows of sound by BEATs: windows cut out of the stream, encoded in batches.

use std::mem;

use omnivale_signal::fbank::{FBANK_RATE, fbank, normalise_for_beats};

use super::groups::{encode, stack};
use crate::EncoderError;
use crate::beats::{BANDS, Beats, Tail, WINDOW_FRAMES};

/// Samples from one frame to the next.
const SHIFT: usize = FBANK_RATE as usize / 100;
/// Samples of one frame.
const FRAME: usize = FBANK_RATE as usize / 40;
/// Samples from one window to the next.
const STEP: usize = WINDOW_FRAMES * SHIFT;
/// Samples that the frames of one window see.
const SEEN: usize = (WINDOW_FRAMES - 1) * SHIFT + FRAME;

/// Cuts 16 kHz samples into windows of normalised log energies, `[512, 128]` each. The frames of a window depend on
/// its own samples and 15 ms more, so no more of the sound is kept.
#[derive(Debug)]
pub(super) struct Windows {
    tail: Tail,
    samples: Vec<f32>,
}

impl Windows {
    pub(super) fn new(tail: Tail) -> Self {
        Self { tail, samples: Vec::with_capacity(2 * SEEN) }
    }

    /// Hands each window that is complete to `take`.
    pub(super) fn push<E>(
        &mut self,
        samples: &[f32],
        mut take: impl FnMut(Vec<f32>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.samples.extend_from_slice(samples);
        let mut begin = 0;
        while self.samples.len() - begin >= SEEN {
            take(energies(&self.samples[begin..begin + SEEN]))?;
            begin += STEP;
        }
        self.samples.drain(..begin.min(self.samples.len()));
        Ok(())
    }

    /// The last window, filled up with zeros, if what is left makes one.
    pub(super) fn finish(self) -> Option<Vec<f32>> {
        let mut energies = energies(&self.samples);
        let frames = energies.len() / BANDS;
        // Whole windows before the rest do not change what becomes of it.
        (self.tail.windows(frames) > 0).then(|| {
            energies.resize(WINDOW_FRAMES * BANDS, 0.0);
            energies
        })
    }
}

fn energies(samples: &[f32]) -> Vec<f32> {
    let mut energies = fbank(samples);
    normalise_for_beats(&mut energies);
    energies.values().to_vec()
}

/// Encodes windows in batches and keeps their rows.
#[derive(Debug)]
pub(super) struct Lane<'m> {
    model: &'m Beats,
    batch: usize,
    waiting: Vec<Vec<f32>>,
    values: Vec<f32>,
}

impl<'m> Lane<'m> {
    pub(super) fn new(model: &'m Beats, batch: usize) -> Self {
        Self { model, batch: batch.max(1), waiting: Vec::new(), values: Vec::new() }
    }

    pub(super) fn push(&mut self, window: Vec<f32>) -> Result<(), EncoderError> {
        self.waiting.push(window);
        if self.waiting.len() < self.batch { Ok(()) } else { self.flush() }
    }

    pub(super) fn flush(&mut self) -> Result<(), EncoderError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let windows = mem::take(&mut self.waiting);
        let rows = encode(&windows, self.model.device(), |windows| {
            let windows = stack(windows, &[WINDOW_FRAMES, BANDS])?;
            Ok(self.model.forward(&windows)?.mean(1)?)
        })?;
        self.values.extend(rows.into_iter().flatten());
        Ok(())
    }

    /// Width, and the rows one after the other.
    pub(super) fn into_rows(self) -> (usize, Vec<f32>) {
        (self.model.width(), self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::golden;

    fn noise(length: usize) -> Vec<f32> {
        let mut state = 7u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..length).map(next).collect()
    }

    /// The windows of `samples` when they come in runs of `run`.
    fn streamed(samples: &[f32], tail: Tail, run: usize) -> Vec<Vec<f32>> {
        let mut windows = Vec::new();
        let mut cutter = Windows::new(tail);
        for run in samples.chunks(run) {
            cutter
                .push(run, |window| {
                    windows.push(window);
                    Ok::<(), std::convert::Infallible>(())
                })
                .unwrap();
        }
        windows.extend(cutter.finish());
        windows
    }

    #[test]
    fn windows_of_a_stream_are_those_of_the_whole() {
        for tail in [Tail::Reference, Tail::Full] {
            for length in [0, 399, 400, 41_199, 41_200, SEEN - 1, SEEN, STEP + 41_360, 3 * STEP] {
                let samples = noise(length);
                let mut whole = energies(&samples);
                let count = tail.windows(whole.len() / BANDS);
                whole.resize(count * WINDOW_FRAMES * BANDS, 0.0);
                for run in [160, 1_024, 100_000] {
                    let streamed = streamed(&samples, tail, run);
                    assert_eq!(streamed.len(), count, "{tail:?} of {length}");
                    assert!(streamed.concat() == whole, "{tail:?} of {length} by {run}");
                }
            }
        }
    }

    #[test]
    fn golden_row_counts_of_sound_are_those_of_the_reference() {
        let Some(folder) = golden("text") else { return };
        let text = std::fs::read(folder.join("feature_row_counts.json")).unwrap();
        let cases: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let number = |name: &str| case[name].as_u64().unwrap() as usize;
            let samples = vec![0.0; number("samples")];
            for (tail, name) in
                [(Tail::Reference, "reference_beats_rows"), (Tail::Full, "full_windows_rounded_up")]
            {
                let rows = streamed(&samples, tail, 48_000).len();
                assert_eq!(rows, number(name), "{tail:?} of {}", case["duration"]);
            }
        }
    }
}
