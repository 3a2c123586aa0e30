//! Amplitudes for drawing.

use omnivale_timeline::{Duration, Time};
use serde::{Deserialize, Serialize};

use crate::sound_track::SOUND_RATE;

/// Smallest and largest amplitude of equal stretches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waveform {
    /// Time of the first stretch.
    pub start: Time,
    /// Length of a stretch.
    pub step: Duration,
    /// Smallest and largest amplitude of each stretch, in 1/127 of full scale, clipped.
    pub peaks: Vec<(i8, i8)>,
}

/// Collects a [`Waveform`] from samples at 16 kHz.
pub(crate) struct WaveformMeter {
    samples_per_step: usize,
    filled: usize,
    low: f32,
    high: f32,
    peaks: Vec<(i8, i8)>,
}

impl WaveformMeter {
    /// With `per_second` stretches per second, at least one.
    pub(crate) fn new(per_second: u32) -> WaveformMeter {
        let samples_per_step = (SOUND_RATE / per_second.clamp(1, SOUND_RATE)) as usize;
        WaveformMeter { samples_per_step, filled: 0, low: 0.0, high: 0.0, peaks: Vec::new() }
    }

    pub(crate) fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let count = samples.len().min(self.samples_per_step - self.filled);
            for sample in &samples[..count] {
                self.low = self.low.min(*sample);
                self.high = self.high.max(*sample);
            }
            self.filled += count;
            samples = &samples[count..];
            if self.filled == self.samples_per_step {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let scaled = |v: f32| (v * 127.0).round().clamp(-127.0, 127.0) as i8;
        self.peaks.push((scaled(self.low), scaled(self.high)));
        (self.filled, self.low, self.high) = (0, 0.0, 0.0);
    }

    /// The waveform from `start`; a stretch that was begun is closed.
    pub(crate) fn finish(mut self, start: Time) -> Waveform {
        if self.filled > 0 {
            self.close();
        }
        let micros = self.samples_per_step as u64 * 1_000_000 / u64::from(SOUND_RATE);
        Waveform { start, step: Duration::from_micros(micros), peaks: self.peaks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_of_each_stretch_whatever_the_pushes() {
        let mut samples = vec![0.0; 4000];
        samples[100] = 1.0;
        samples[1700] = -0.5;
        samples[3999] = 7.0;
        let mut meter = WaveformMeter::new(10);
        for part in samples.chunks(333) {
            meter.push(part);
        }
        let waveform = meter.finish(Time::ZERO);
        assert_eq!(waveform.step, Duration::from_millis(100));
        assert_eq!(waveform.peaks, [(0, 127), (-64, 0), (0, 127)]);
    }
}
