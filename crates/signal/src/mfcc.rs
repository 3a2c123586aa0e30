//! Mel-frequency cepstral coefficients, as librosa computes them.

use crate::mel::{MelBank, MelNorm, MelScale, MelShape, mel_spectrogram, power_to_db};
use crate::spectrum::{Padding, Spectrogram, hann};

/// librosa's defaults for everything that is not a parameter of [`mfcc`].
const N_FFT: usize = 2048;
const HOP: usize = 512;
const MEL_BANDS: usize = 128;
const LEAST_POWER: f32 = 1e-10;
const RANGE_DB: f32 = 80.0;

/// The first coefficients of the orthonormal DCT-II.
#[derive(Debug, Clone)]
pub struct Dct {
    coefficients: usize,
    /// Shape `[inputs, coefficients]`: one input at a time is added to all coefficients.
    basis: Vec<f32>,
}

impl Dct {
    /// From `inputs` values to the first `coefficients`.
    pub fn new(inputs: usize, coefficients: usize) -> Dct {
        let n = inputs as f64;
        let mut basis = Vec::with_capacity(inputs * coefficients);
        for input in 0..inputs {
            for k in 0..coefficients {
                let scale = if k == 0 { (1.0 / n).sqrt() } else { (2.0 / n).sqrt() };
                let angle = std::f64::consts::PI * (input as f64 + 0.5) * k as f64 / n;
                basis.push((scale * angle.cos()) as f32);
            }
        }
        Dct { coefficients, basis }
    }

    /// Transforms `input`, shape `[inputs]`, into `output`, shape `[coefficients]`.
    pub fn apply(&self, input: &[f32], output: &mut [f32]) {
        output.fill(0.0);
        for (value, row) in input.iter().zip(self.basis.chunks_exact(self.coefficients)) {
            for (slot, weight) in output.iter_mut().zip(row) {
                *slot += value * weight;
            }
        }
    }
}

/// librosa's default bank: 128 Slaney triangles of unit area up to half the rate.
pub fn librosa_bank(sample_rate: u32) -> MelBank {
    MelBank::new(&MelShape {
        scale: MelScale::Slaney,
        norm: MelNorm::Area,
        sample_rate: f64::from(sample_rate),
        n_fft: N_FFT,
        bands: MEL_BANDS,
        low_hz: 0.0,
        high_hz: f64::from(sample_rate) / 2.0,
    })
}

/// `librosa.feature.melspectrogram` with its defaults: power, shape `[1 + samples / 512, 128]`.
pub fn librosa_mel(samples: &[f32], sample_rate: u32) -> Spectrogram {
    mel_spectrogram(samples, &hann(N_FFT), HOP, Padding::Zero, &librosa_bank(sample_rate))
}

/// `librosa.feature.mfcc` with its defaults: shape `[1 + samples / 512, coefficients]`, in dB.
///
/// The 80 dB range below the loudest value of the whole signal makes it unfit for streams;
/// [`crate::SoundMeter`] has a fixed floor instead.
pub fn mfcc(samples: &[f32], sample_rate: u32, coefficients: usize) -> Spectrogram {
    let mut mel = librosa_mel(samples, sample_rate);
    power_to_db(mel.values_mut(), LEAST_POWER, Some(RANGE_DB));
    let dct = Dct::new(MEL_BANDS, coefficients);
    let mut values = vec![0.0; mel.frames() * coefficients];
    for (frame, output) in values.chunks_exact_mut(coefficients.max(1)).enumerate() {
        dct.apply(mel.frame(frame), output);
    }
    Spectrogram::new(coefficients, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dct_of_a_constant_is_its_first_coefficient() {
        let mut output = [0.0; 4];
        Dct::new(16, 4).apply(&[3.0; 16], &mut output);
        assert!((output[0] - 12.0).abs() < 1e-5, "3 * 16 / sqrt(16)");
        assert!(output[1..].iter().all(|v| v.abs() < 1e-5));
    }

    #[test]
    fn digital_silence_has_no_shape() {
        let silent = mfcc(&[0.0; 4096], 16_000, 20);
        assert_eq!((silent.frames(), silent.bands()), (9, 20));
        assert!(silent.frame(4)[1..].iter().all(|v| v.abs() < 1e-3));
    }
}
