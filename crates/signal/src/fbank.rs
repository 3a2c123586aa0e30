//! Kaldi's log mel filter bank: the front end of BEATs.

use crate::mel::MelBank;
use crate::spectrum::{PowerFft, Spectrogram};

/// Samples per second that the constants below are made for.
pub const FBANK_RATE: u32 = 16_000;
/// Values per frame.
pub const FBANK_BANDS: usize = 128;
/// Mean and twice the deviation that BEATs was trained with.
const BEATS_MEAN: f32 = 15.41663;
const BEATS_SPREAD: f32 = 2.0 * 6.55582;

const WINDOW: usize = 400;
const SHIFT: usize = 160;
const N_FFT: usize = 512;
const LOW_HZ: f64 = 20.0;
const PRE_EMPHASIS: f32 = 0.97;
/// Kaldi works on 16-bit amplitudes.
const SCALE: f32 = 32768.0;

/// The Povey window: a symmetric Hann window to the power 0.85.
pub fn povey(length: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU / length.saturating_sub(1).max(1) as f64;
    (0..length).map(|n| (0.5 - 0.5 * (step * n as f64).cos()).powf(0.85) as f32).collect()
}

fn kaldi_mel(hz: f64) -> f64 {
    1127.0 * (1.0 + hz / 700.0).ln()
}

/// Kaldi's bank: triangles whose sides are straight in mel, over the bins below the Nyquist frequency.
pub fn kaldi_bank() -> MelBank {
    let bin_hz = f64::from(FBANK_RATE) / N_FFT as f64;
    let low = kaldi_mel(LOW_HZ);
    let step = (kaldi_mel(f64::from(FBANK_RATE) / 2.0) - low) / (FBANK_BANDS + 1) as f64;
    MelBank::from_weights(N_FFT / 2 + 1, FBANK_BANDS, |band, bin| {
        if bin == N_FFT / 2 {
            return 0.0;
        }
        let peak = low + step * (band + 1) as f64;
        (1.0 - (kaldi_mel(bin as f64 * bin_hz) - peak).abs() / step).max(0.0)
    })
}

/// Log filter bank energies of mono samples at 16 kHz in [-1, 1]: shape `[frames, 128]`, natural
/// logarithm, `frames = 1 + (samples - 400) / 160`, none for fewer than 400 samples.
///
/// `torchaudio.compliance.kaldi.fbank` with 25 ms Povey windows every 10 ms, no dither, DC removed
/// per frame, pre-emphasis 0.97, power spectra, 20 Hz to 8 kHz, floor at the smallest step of `f32`.
pub fn fbank(samples: &[f32]) -> Spectrogram {
    let bank = kaldi_bank();
    let mut fft = PowerFft::new(povey(WINDOW), N_FFT);
    let mut power = vec![0.0; fft.bins()];
    let mut frame = vec![0.0; WINDOW];
    let frames = if samples.len() < WINDOW { 0 } else { 1 + (samples.len() - WINDOW) / SHIFT };
    let mut values = vec![0.0; frames * FBANK_BANDS];
    for (index, output) in values.chunks_exact_mut(FBANK_BANDS).enumerate() {
        let raw = &samples[index * SHIFT..index * SHIFT + WINDOW];
        let mean = raw.iter().map(|s| f64::from(*s)).sum::<f64>() / WINDOW as f64;
        let mut before = (raw[0] - mean as f32) * SCALE;
        for (slot, sample) in frame.iter_mut().zip(raw) {
            let centred = (sample - mean as f32) * SCALE;
            *slot = centred - PRE_EMPHASIS * before;
            before = centred;
        }
        fft.power(&frame, &mut power);
        bank.apply(&power, output);
        for value in output {
            *value = value.max(f32::EPSILON).ln();
        }
    }
    Spectrogram::new(FBANK_BANDS, values)
}

/// Scales [`fbank`] in place as BEATs expects it.
pub fn normalise_for_beats(fbank: &mut Spectrogram) {
    for value in fbank.values_mut() {
        *value = (*value - BEATS_MEAN) / BEATS_SPREAD;
    }
}
