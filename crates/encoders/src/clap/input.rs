//! What the audio tower is given of a clip: one spectrogram, or the whole and three parts of a longer one.

use omnivale_signal::clap_mel::{CLAP_BANDS, CLAP_SAMPLES, clap_bank, clap_mel};
use omnivale_signal::mel::{mel_spectrogram, power_to_db};
use omnivale_signal::spectrum::{Padding, Spectrogram, hann};

/// Samples of a spectrum.
const N_FFT: usize = 1024;
/// Samples from frame to frame.
const HOP: usize = 480;
/// Frames of 10 s.
pub const CLAP_FRAMES: usize = CLAP_SAMPLES / HOP + 1;

/// Mel power in dB, ready for the tower.
#[derive(Clone, Debug, PartialEq)]
pub struct ClapInput {
    /// `[channels, frames, bands]`, with 4 channels if `longer`, else 1.
    values: Vec<f32>,
    longer: bool,
}

impl ClapInput {
    /// Of mono samples at 48 kHz. Up to 10 s: as many whole copies as fit, then zeros. Longer: the whole squeezed
    /// into the frames of 10 s, and 10 s from the front, the middle and the back, each from the middle start of its
    /// third of all (the reference draws them at random).
    #[must_use]
    pub fn new(samples: &[f32]) -> Self {
        if samples.len() <= CLAP_SAMPLES {
            return Self { values: clap_mel(samples).values().to_vec(), longer: false };
        }
        let mut mel = mel_spectrogram(samples, &hann(N_FFT), HOP, Padding::Reflect, &clap_bank());
        power_to_db(mel.values_mut(), 1e-10, None);
        if mel.frames() == CLAP_FRAMES {
            // Longer by less than a frame.
            return Self { values: mel.values().to_vec(), longer: false };
        }
        let mut values = squeezed(&mel);
        for start in starts(mel.frames() - CLAP_FRAMES + 1) {
            values
                .extend_from_slice(&mel.values()[start * CLAP_BANDS..][..CLAP_FRAMES * CLAP_BANDS]);
        }
        Self { values, longer: true }
    }

    /// Whether it has the whole and three parts: the clip is longer than 10 s.
    #[must_use]
    pub fn longer(&self) -> bool {
        self.longer
    }

    /// `[channels, 1001, 64]`, with 4 channels if [`longer`](Self::longer), else 1.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// The middle of each third of `0..count`, the earlier thirds one longer where it does not divide; a third without
/// starts has the first of all.
fn starts(count: usize) -> [usize; 3] {
    let third = |at: usize| (count / 3) * at + at.min(count % 3);
    [0, 1, 2].map(|at| {
        let (begin, end) = (third(at), third(at + 1));
        if begin == end { 0 } else { begin + (end - begin) / 2 }
    })
}

/// A longer spectrogram in the frames of 10 s: each is two of its neighbours mixed, without smoothing.
fn squeezed(mel: &Spectrogram) -> Vec<f32> {
    let step = mel.frames() as f32 / CLAP_FRAMES as f32;
    let mut values = Vec::with_capacity(CLAP_FRAMES * CLAP_BANDS * 4);
    for frame in 0..CLAP_FRAMES {
        let at = ((frame as f32 + 0.5) * step - 0.5).max(0.0);
        let before = (at as usize).min(mel.frames() - 1);
        let after = (before + 1).min(mel.frames() - 1);
        let weight = at - before as f32;
        let mixed = mel.frame(before).iter().zip(mel.frame(after));
        values.extend(mixed.map(|(a, b)| a * (1.0 - weight) + b * weight));
    }
    values
}

/// Rounds samples as the reference does on the way through 16 bits: cut to -1..1, times 32767, towards zero.
pub fn quantise(samples: &mut [f32]) {
    for sample in samples {
        *sample = f32::from((sample.clamp(-1.0, 1.0) * 32767.0) as i16) / 32767.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_third_of_the_starts_has_its_middle() {
        assert_eq!(starts(1), [0, 0, 0]);
        assert_eq!(starts(2), [0, 1, 0]);
        assert_eq!(starts(9), [1, 4, 7]);
        assert_eq!(starts(11), [2, 6, 9], "thirds of 4, 4 and 3");
    }

    #[test]
    fn a_longer_clip_is_seen_whole_and_in_parts() {
        let tone = |n: usize| (n as f32 * 0.05).sin() * (n as f32 / 2_000_000.0);
        let samples: Vec<f32> = (0..2 * CLAP_SAMPLES).map(tone).collect();
        let input = ClapInput::new(&samples);
        assert!(input.longer());
        assert_eq!(input.values().len(), 4 * CLAP_FRAMES * CLAP_BANDS);
        let channel = |at: usize| &input.values()[at * CLAP_FRAMES * CLAP_BANDS..];
        // 2001 frames have 1001 starts: thirds of 334, 334 and 333, whose middles are 167, 501 and 834.
        let mut mel = mel_spectrogram(&samples, &hann(N_FFT), HOP, Padding::Reflect, &clap_bank());
        power_to_db(mel.values_mut(), 1e-10, None);
        for (part, start) in [(1, 167), (2, 501), (3, 834)] {
            assert_eq!(channel(part)[..CLAP_BANDS], *mel.frame(start), "part {part}");
        }
        let middle = channel(0)[500 * CLAP_BANDS];
        assert!(
            (middle - mel.frame(1000)[0]).abs() < 1e-3,
            "the whole has its middle in the middle"
        );
    }

    #[test]
    fn a_clip_longer_by_less_than_a_frame_is_not_longer() {
        let input = ClapInput::new(&vec![0.5; CLAP_SAMPLES + HOP - 1]);
        assert!(!input.longer());
        assert_eq!(input.values().len(), CLAP_FRAMES * CLAP_BANDS);
        assert!(ClapInput::new(&vec![0.5; CLAP_SAMPLES + HOP]).longer());
    }

    #[test]
    fn samples_are_cut_towards_zero() {
        let mut samples = [2.0, -2.0, 1.9 / 32767.0, -1.9 / 32767.0, f32::NAN];
        quantise(&mut samples);
        assert_eq!(samples, [1.0, -1.0, 1.0 / 32767.0, -1.0 / 32767.0, 0.0]);
    }
}
