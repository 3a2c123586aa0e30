//! Whisper's log-mel spectrogram.

use crate::mel::{MelBank, MelNorm, MelScale, MelShape, mel_spectrogram, power_to_db};
use crate::spectrum::{Padding, Spectrogram, hann};

/// Samples per second.
pub const WHISPER_RATE: u32 = 16_000;
const HOP: usize = 160;
const N_FFT: usize = 400;
/// Samples of one chunk: 30 s.
pub const WHISPER_SAMPLES: usize = 30 * WHISPER_RATE as usize;
/// Frames of one chunk.
pub const WHISPER_FRAMES: usize = WHISPER_SAMPLES / HOP;

/// Whisper's mel bank with 80 bands (up to large-v2) or 128 (large-v3).
pub fn whisper_bank(bands: usize) -> MelBank {
    MelBank::new(&MelShape {
        scale: MelScale::Slaney,
        norm: MelNorm::Area,
        sample_rate: f64::from(WHISPER_RATE),
        n_fft: N_FFT,
        bands,
        low_hz: 0.0,
        high_hz: f64::from(WHISPER_RATE) / 2.0,
    })
}

/// One chunk of mono samples at 16 kHz, cut or filled up with zeros to 30 s: shape `[3000, bands]`.
///
/// Log10 of mel power, at least 8 below the chunk's largest value, then `(x + 4) / 4`; the last
/// frame of the centred transform is dropped.
pub fn log_mel(samples: &[f32], bands: usize) -> Spectrogram {
    let mut chunk = samples[..samples.len().min(WHISPER_SAMPLES)].to_vec();
    chunk.resize(WHISPER_SAMPLES, 0.0);
    let bank = whisper_bank(bands);
    let mel = mel_spectrogram(&chunk, &hann(N_FFT), HOP, Padding::Reflect, &bank);
    let mut values = mel.values()[..WHISPER_FRAMES * bank.bands()].to_vec();
    power_to_db(&mut values, 1e-10, Some(80.0));
    for value in &mut values {
        *value = (*value / 10.0 + 4.0) / 4.0;
    }
    Spectrogram::new(bank.bands(), values)
}
