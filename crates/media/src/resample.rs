//! Samples of one channel at another rate.

use crate::av::{AvError, Resampler};
use crate::limits;

/// Turns a stream of samples of one channel into the same sound at another rate, part by part: the parts may be cut
/// anywhere. The first sample out is at the time of the first one in, and as many come out as last as long as went in,
/// rounded up.
pub struct Resample {
    /// `None` where both rates are the same.
    resampler: Option<Resampler>,
    from: u32,
    to: u32,
    taken: u64,
    given: u64,
}

/// libswresample refused: a rate that no sound has, or no memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("samples cannot be converted from {from} to {to} per second: {detail}")]
pub struct ResampleError {
    from: u32,
    to: u32,
    detail: String,
}

impl Resample {
    /// From `from` to `to` samples per second.
    ///
    /// # Errors
    /// [`ResampleError`] for rates outside of 1 to 768 kHz.
    pub fn new(from: u32, to: u32) -> Result<Resample, ResampleError> {
        let rates = limits::MIN_SAMPLE_RATE..=limits::MAX_SAMPLE_RATE;
        if !rates.contains(&from) || !rates.contains(&to) {
            let detail = format!("rates go from {} to {}", rates.start(), rates.end());
            return Err(ResampleError { from, to, detail });
        }
        let resampler = (from != to).then(|| Resampler::mono(from, to)).transpose();
        let resampler = resampler.map_err(|error| failed(from, to, error))?;
        Ok(Resample { resampler, from, to, taken: 0, given: 0 })
    }

    /// Appends to `out` what `samples` give so far.
    ///
    /// # Errors
    /// [`ResampleError`] if libswresample fails.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleError> {
        self.taken += samples.len() as u64;
        let Some(resampler) = &mut self.resampler else {
            out.extend_from_slice(samples);
            return Ok(());
        };
        let before = out.len();
        let pushed = resampler.push_samples(samples, out);
        self.given += (out.len() - before) as u64;
        pushed.map_err(|error| failed(self.from, self.to, error))
    }

    /// Appends what the filter still holds; ends the stream.
    ///
    /// # Errors
    /// As [`Resample::push`].
    pub fn finish(mut self, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let Some(resampler) = &mut self.resampler else { return Ok(()) };
        let before = out.len();
        resampler.finish(out).map_err(|error| failed(self.from, self.to, error))?;
        // The filter's tail reaches past the last sample; the sound does not.
        let whole = (u128::from(self.taken) * u128::from(self.to)).div_ceil(self.from.into());
        let room = u64::try_from(whole).unwrap_or(u64::MAX).saturating_sub(self.given);
        out.truncate(before.saturating_add(usize::try_from(room).unwrap_or(usize::MAX)));
        Ok(())
    }
}

fn failed(from: u32, to: u32, error: AvError) -> ResampleError {
    ResampleError { from, to, detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, samples: usize) -> Vec<f32> {
        let step = std::f64::consts::TAU * 440.0 / f64::from(rate);
        (0..samples).map(|n| (step * n as f64).sin() as f32).collect()
    }

    fn converted(samples: &[f32], from: u32, to: u32, part: usize) -> Vec<f32> {
        let mut resample = Resample::new(from, to).unwrap();
        let mut out = Vec::new();
        for part in samples.chunks(part) {
            resample.push(part, &mut out).unwrap();
        }
        resample.finish(&mut out).unwrap();
        out
    }

    #[test]
    fn a_tone_stays_the_same_tone_however_it_is_cut() {
        let samples = tone(44_100, 44_101);
        let whole = converted(&samples, 44_100, 48_000, samples.len());
        assert_eq!(whole.len(), 48_002, "44101 * 48 / 44.1, rounded up");
        assert_eq!(converted(&samples, 44_100, 48_000, 997), whole);
        let expected = tone(48_000, whole.len());
        let inside = 200..whole.len() - 200;
        let off = inside.map(|n| (whole[n] - expected[n]).abs()).fold(0.0, f32::max);
        assert!(off < 1e-3, "{off}");
    }

    #[test]
    fn equal_rates_change_nothing_and_absurd_ones_are_refused() {
        let samples = tone(48_000, 100);
        assert_eq!(converted(&samples, 48_000, 48_000, 7), samples);
        assert!(converted(&[], 8_000, 48_000, 1).is_empty());
        assert!(Resample::new(0, 48_000).is_err());
        assert!(Resample::new(48_000, 4_000_000_000).is_err());
    }
}
