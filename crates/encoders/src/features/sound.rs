//! Runs of samples to one stream of sound: gaps, channels and rates.

use omnivale_media::{Resample, ResampleError};
use omnivale_timeline::{SamplesView, Time};

use super::Gaps;

/// Samples of silence that are made at once.
const SILENCE: [f32; 4096] = [0.0; 4096];
/// How far a run may begin after the last one's end without meaning a gap, in parts of a second: what times of
/// containers are rounded to.
const TOLERANCE: u32 = 50;

/// Joins runs of samples, or fills what is between them.
#[derive(Debug)]
pub(super) struct Joiner {
    gaps: Gaps,
    /// Samples so far, silence included.
    length: u64,
    start: Option<Time>,
}

impl Joiner {
    pub(super) fn new(gaps: Gaps) -> Self {
        Self { gaps, length: 0, start: None }
    }

    /// Samples of silence that belong before `samples`; counts both.
    pub(super) fn before(&mut self, samples: &SamplesView<'_>) -> u64 {
        let channels = u64::from(samples.channels.max(1));
        let start = *self.start.get_or_insert(match self.gaps {
            Gaps::Joined => samples.time,
            Gaps::Silent => Time::ZERO,
        });
        let mut missing = 0;
        if self.gaps == Gaps::Silent {
            let rate = u128::from(samples.sample_rate);
            let due = u128::from(samples.time.since(start).micros()) * rate / 1_000_000;
            let late = u64::try_from(due).unwrap_or(u64::MAX).saturating_sub(self.length);
            missing = if late > u64::from(samples.sample_rate / TOLERANCE) { late } else { 0 };
        }
        self.length += missing + samples.data.len() as u64 / channels;
        missing
    }

    /// When the sound starts; `None` before the first sample.
    pub(super) fn start(&self) -> Option<Time> {
        self.start
    }
}

/// Hands out `count` samples of silence, not all at once.
pub(super) fn silence<E>(
    mut count: u64,
    mut take: impl FnMut(&[f32]) -> Result<(), E>,
) -> Result<(), E> {
    while count > 0 {
        let now = count.min(SILENCE.len() as u64);
        take(&SILENCE[..now as usize])?;
        count -= now;
    }
    Ok(())
}

/// The mean of the channels, at another rate, and by way of CD quality where that is asked for.
pub(super) struct Converter {
    to: u32,
    via_44100: bool,
    /// The rate it is made for, and the way from there.
    way: Option<(u32, Resample, Option<Resample>)>,
    mono: Vec<f32>,
    between: Vec<f32>,
}

impl Converter {
    pub(super) fn new(to: u32, via_44100: bool) -> Self {
        Self { to, via_44100, way: None, mono: Vec::new(), between: Vec::new() }
    }

    /// Appends to `out` what the samples give so far.
    pub(super) fn push(
        &mut self,
        samples: &SamplesView<'_>,
        out: &mut Vec<f32>,
    ) -> Result<(), ResampleError> {
        self.prepare(samples.sample_rate, out)?;
        let channels = usize::from(samples.channels.max(1));
        let mut mono = std::mem::take(&mut self.mono);
        mono.clear();
        let mean = |instant: &[f32]| instant.iter().sum::<f32>() / channels as f32;
        mono.extend(samples.data.chunks_exact(channels).map(mean));
        let converted = self.convert(&mono, out);
        self.mono = mono;
        converted
    }

    /// Appends what some silence at `rate` gives.
    pub(super) fn push_silence(
        &mut self,
        rate: u32,
        quiet: &[f32],
        out: &mut Vec<f32>,
    ) -> Result<(), ResampleError> {
        self.prepare(rate, out)?;
        self.convert(quiet, out)
    }

    /// Makes it ready for samples at `rate`.
    fn prepare(&mut self, rate: u32, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        if self.way.as_ref().is_none_or(|(from, ..)| *from != rate) {
            self.finish(out)?;
            let first = Resample::new(rate, if self.via_44100 { CD_RATE } else { self.to })?;
            let second = self.via_44100.then(|| Resample::new(CD_RATE, self.to)).transpose()?;
            self.way = Some((rate, first, second));
        }
        Ok(())
    }

    fn convert(&mut self, mono: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let Some((_, first, second)) = &mut self.way else { return Ok(()) };
        let Some(second) = second else { return first.push(mono, out) };
        self.between.clear();
        first.push(mono, &mut self.between)?;
        self.between.iter_mut().for_each(|sample| *sample = cd_quality(*sample));
        second.push(&self.between, out)
    }

    /// Appends what the filters still hold.
    pub(super) fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let Some((_, first, second)) = self.way.take() else { return Ok(()) };
        let Some(mut second) = second else { return first.finish(out) };
        self.between.clear();
        first.finish(&mut self.between)?;
        self.between.iter_mut().for_each(|sample| *sample = cd_quality(*sample));
        second.push(&self.between, out)?;
        second.finish(out)
    }
}

/// Samples per second of a sound file as `ffmpeg` writes it for a disc.
const CD_RATE: u32 = 44_100;

/// The nearest of the 65,536 amplitudes that 16 bits have.
fn cd_quality(sample: f32) -> f32 {
    (sample * 32_768.0).round_ties_even().clamp(-32_768.0, 32_767.0) / 32_768.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(time: i64, data: &[f32], channels: u16) -> SamplesView<'_> {
        SamplesView { time: Time::from_millis(time), sample_rate: 8_000, channels, data }
    }

    #[test]
    fn gaps_vanish_or_are_silence() {
        let second = vec![0.5; 8_000];
        for (gaps, silence, start) in [
            (Gaps::Joined, [0, 0, 0], Time::from_millis(500)),
            (Gaps::Silent, [4_000, 0, 8_000], Time::ZERO),
        ] {
            let mut joiner = Joiner::new(gaps);
            // The second run is late by less than a container's rounding.
            let found = [500, 1_515, 3_500].map(|time| joiner.before(&run(time, &second, 1)));
            assert_eq!(found, silence, "{gaps:?}");
            assert_eq!(joiner.start(), Some(start));
        }
    }

    #[test]
    fn channels_are_averaged_and_the_rate_may_change_on_the_way() {
        let data: Vec<f32> = (0..16_000).map(|n| if n % 2 == 0 { 0.75 } else { 0.25 }).collect();
        let mut converter = Converter::new(48_000, false);
        let mut out = Vec::new();
        converter.push(&run(0, &data, 2), &mut out).unwrap();
        let faster = SamplesView { sample_rate: 48_000, ..run(1_000, &data, 2) };
        converter.push(&faster, &mut out).unwrap();
        converter.finish(&mut out).unwrap();
        assert_eq!(out.len(), 48_000 + 8_000);
        assert!(out[1_000..46_000].iter().chain(&out[48_000..]).all(|x| (x - 0.5).abs() < 1e-3));
    }

    #[test]
    fn the_way_through_44100_keeps_the_length() {
        let data = vec![0.3; 48_000];
        let mut converter = Converter::new(48_000, true);
        let mut out = Vec::new();
        let view = SamplesView { sample_rate: 48_000, ..run(0, &data, 1) };
        converter.push(&view, &mut out).unwrap();
        converter.finish(&mut out).unwrap();
        assert_eq!(out.len(), 48_000);
        assert!(out[1_000..47_000].iter().all(|x| (x - 0.3).abs() < 1e-3));
    }
}
