//! Mel scales and filter banks.

use crate::spectrum::{Padding, Spectrogram, each_power};

/// How frequency maps to mel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MelScale {
    /// Slaney's Auditory Toolbox: linear below 1 kHz, logarithmic above (librosa's default, Whisper).
    Slaney,
    /// `2595 log10(1 + f / 700)` (HTK, CLAP).
    Htk,
}

/// How the triangles are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MelNorm {
    /// Peak of 1.
    Peak,
    /// Area of 1 over frequency in Hz (`slaney` in librosa).
    Area,
}

impl MelScale {
    /// From Hz.
    pub fn mel(self, hz: f64) -> f64 {
        match self {
            MelScale::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            MelScale::Slaney if hz < SLANEY_BREAK_HZ => hz / SLANEY_HZ_PER_MEL,
            MelScale::Slaney => {
                SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL + (hz / SLANEY_BREAK_HZ).ln() / slaney_step()
            }
        }
    }

    /// To Hz.
    pub fn hz(self, mel: f64) -> f64 {
        let break_mel = SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL;
        match self {
            MelScale::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            MelScale::Slaney if mel < break_mel => mel * SLANEY_HZ_PER_MEL,
            MelScale::Slaney => SLANEY_BREAK_HZ * ((mel - break_mel) * slaney_step()).exp(),
        }
    }
}

const SLANEY_BREAK_HZ: f64 = 1000.0;
const SLANEY_HZ_PER_MEL: f64 = 200.0 / 3.0;

/// 27 steps per factor 6.4 above the break.
fn slaney_step() -> f64 {
    6.4f64.ln() / 27.0
}

/// What a filter bank spans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MelShape {
    /// The scale on which the triangles are equally wide.
    pub scale: MelScale,
    /// Their height.
    pub norm: MelNorm,
    /// Samples per second of the signal.
    pub sample_rate: f64,
    /// Length of the transform, in samples.
    pub n_fft: usize,
    /// Number of triangles.
    pub bands: usize,
    /// Lower corner of the first, in Hz.
    pub low_hz: f64,
    /// Upper corner of the last, in Hz.
    pub high_hz: f64,
}

/// A bank of triangular filters over the bins of a power spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct MelBank {
    bins: usize,
    filters: Vec<(usize, Vec<f32>)>,
}

impl MelBank {
    /// Triangles whose corners are equally far apart in mel and whose sides are straight in Hz.
    pub fn new(shape: &MelShape) -> MelBank {
        let bins = shape.n_fft / 2 + 1;
        let (low, high) = (shape.scale.mel(shape.low_hz), shape.scale.mel(shape.high_hz));
        let corner = |index: usize| {
            shape.scale.hz(low + (high - low) * index as f64 / (shape.bands + 1) as f64)
        };
        let bin_hz = shape.sample_rate / shape.n_fft as f64;
        MelBank::from_weights(bins, shape.bands, |band, bin| {
            let (left, peak, right) = (corner(band), corner(band + 1), corner(band + 2));
            let hz = bin as f64 * bin_hz;
            let weight = ((hz - left) / (peak - left)).min((right - hz) / (right - peak)).max(0.0);
            match shape.norm {
                MelNorm::Peak => weight,
                MelNorm::Area => weight * 2.0 / (right - left),
            }
        })
    }

    /// From a weight for each band and bin; only the stretch between the outermost positive ones is kept.
    pub(crate) fn from_weights(
        bins: usize,
        bands: usize,
        weight: impl Fn(usize, usize) -> f64,
    ) -> MelBank {
        let filter = |band| {
            let weights: Vec<f32> = (0..bins).map(|bin| weight(band, bin) as f32).collect();
            match weights.iter().position(|w| *w > 0.0) {
                Some(first) => {
                    let last = weights.iter().rposition(|w| *w > 0.0).unwrap_or(first);
                    (first, weights[first..=last].to_vec())
                }
                None => (0, Vec::new()),
            }
        };
        MelBank { bins, filters: (0..bands).map(filter).collect() }
    }

    /// Number of filters.
    pub fn bands(&self) -> usize {
        self.filters.len()
    }

    /// Number of bins that a power spectrum must have.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// The weight of `bin` in `band`.
    pub fn weight(&self, band: usize, bin: usize) -> f32 {
        let (first, weights) = &self.filters[band];
        bin.checked_sub(*first).and_then(|at| weights.get(at)).copied().unwrap_or(0.0)
    }

    /// Weighted sums of `power`, shape `[bins]`, into `mel`, shape `[bands]`.
    pub fn apply(&self, power: &[f32], mel: &mut [f32]) {
        for ((first, weights), slot) in self.filters.iter().zip(mel) {
            *slot = dot(&power[*first..*first + weights.len()], weights);
        }
    }
}

/// Inner product in four interleaved sums, which the compiler can keep in one vector register.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f32 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a4.zip(b4) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// The mel power spectrogram, shape `[frames, bank.bands()]`, in the unit of squared amplitude times
/// the bank's weight.
pub fn mel_spectrogram(
    samples: &[f32],
    window: &[f32],
    hop: usize,
    padding: Padding,
    bank: &MelBank,
) -> Spectrogram {
    let mut values = Vec::new();
    let mut mel = vec![0.0; bank.bands()];
    each_power(samples, window, (bank.bins() - 1) * 2, hop.max(1), padding, |power| {
        bank.apply(power, &mut mel);
        values.extend_from_slice(&mel);
    });
    Spectrogram::new(bank.bands(), values)
}

/// Power to decibels in place: `10 log10(max(power, least))`, then at least `range_db` below the
/// largest of all values where a range is given (librosa's `power_to_db` with `ref` 1).
pub fn power_to_db(values: &mut [f32], least: f32, range_db: Option<f32>) {
    let mut largest = f32::NEG_INFINITY;
    for value in values.iter_mut() {
        *value = 10.0 * value.max(least).log10();
        largest = largest.max(*value);
    }
    if let Some(range) = range_db {
        for value in values {
            *value = value.max(largest - range);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scales_at_known_points() {
        assert!((MelScale::Slaney.mel(1000.0) - 15.0).abs() < 1e-9, "200/3 Hz per mel");
        assert!((MelScale::Slaney.mel(6400.0) - 42.0).abs() < 1e-9, "15 + 27 steps");
        assert!((MelScale::Htk.mel(700.0) - 2595.0 * 2f64.log10()).abs() < 1e-9);
    }

    #[test]
    fn decibels_are_limited_from_below() {
        let mut values = [1.0, 0.1, 0.0];
        power_to_db(&mut values, 1e-10, Some(80.0));
        assert!((values[1] + 10.0).abs() < 1e-5);
        assert_eq!(values[2], -80.0);
    }

    proptest! {
        #[test]
        fn hz_undoes_mel(hz in 0.0f64..24_000.0) {
            for scale in [MelScale::Slaney, MelScale::Htk] {
                prop_assert!((scale.hz(scale.mel(hz)) - hz).abs() < 1e-6);
            }
        }
    }
}
