//! CLAP's mel spectrogram.

use crate::mel::{MelBank, MelNorm, MelScale, MelShape, mel_spectrogram, power_to_db};
use crate::spectrum::{Padding, Spectrogram, hann};

/// Samples per second.
pub const CLAP_RATE: u32 = 48_000;
/// Samples of one clip: 10 s.
pub const CLAP_SAMPLES: usize = 10 * CLAP_RATE as usize;
/// Values per frame.
pub const CLAP_BANDS: usize = 64;
const N_FFT: usize = 1024;
const HOP: usize = 480;

/// CLAP's mel bank: 64 HTK triangles of height 1 from 50 Hz to 14 kHz.
pub fn clap_bank() -> MelBank {
    MelBank::new(&MelShape {
        scale: MelScale::Htk,
        norm: MelNorm::Peak,
        sample_rate: f64::from(CLAP_RATE),
        n_fft: N_FFT,
        bands: CLAP_BANDS,
        low_hz: 50.0,
        high_hz: 14_000.0,
    })
}

/// Fills a short clip up to 10 s: as many whole copies as fit, then zeros. A longer one is cut.
pub fn repeat_pad(samples: &[f32]) -> Vec<f32> {
    let mut clip = match samples.len() {
        0 => Vec::new(),
        n => samples.repeat((CLAP_SAMPLES / n).max(1)),
    };
    clip.resize(CLAP_SAMPLES, 0.0);
    clip
}

/// Mel power in dB of mono samples at 48 kHz, repeat-padded to 10 s: shape `[1001, 64]`.
pub fn clap_mel(samples: &[f32]) -> Spectrogram {
    let clip = repeat_pad(samples);
    let mut mel = mel_spectrogram(&clip, &hann(N_FFT), HOP, Padding::Reflect, &clap_bank());
    power_to_db(mel.values_mut(), 1e-10, None);
    mel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_copies_then_zeros() {
        let clip = repeat_pad(&vec![1.0; CLAP_SAMPLES / 2 - 1]);
        assert_eq!(clip.len(), CLAP_SAMPLES);
        assert_eq!(clip.iter().filter(|s| **s == 0.0).count(), 2);
        assert_eq!(repeat_pad(&[]).len(), CLAP_SAMPLES);
    }
}
