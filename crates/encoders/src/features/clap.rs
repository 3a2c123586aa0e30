//! Rows of sound by CLAP: 10 s every 4 s, encoded in batches.

use std::mem;

use omnivale_media::ResampleError;
use omnivale_signal::clap_mel::CLAP_RATE;
use omnivale_timeline::SamplesView;

use super::groups::encode;
use super::sound::Converter;
use crate::EncoderError;
use crate::clap::{ClapAudio, ClapSegments};

/// Cuts a soundtrack of any rate and channels into segments of 10 s at 48 kHz.
pub(super) struct Segments {
    converter: Converter,
    cutter: ClapSegments,
    converted: Vec<f32>,
}

impl Segments {
    pub(super) fn new(via_44100: bool) -> Self {
        let converter = Converter::new(CLAP_RATE, via_44100);
        Self { converter, cutter: ClapSegments::new(), converted: Vec::new() }
    }

    /// The segments that `samples` complete.
    pub(super) fn push(
        &mut self,
        samples: &SamplesView<'_>,
    ) -> Result<Vec<Vec<f32>>, ResampleError> {
        self.cut(|converter, converted| converter.push(samples, converted))
    }

    /// The segments that some silence at `rate` completes.
    pub(super) fn push_silence(
        &mut self,
        rate: u32,
        quiet: &[f32],
    ) -> Result<Vec<Vec<f32>>, ResampleError> {
        self.cut(|converter, converted| converter.push_silence(rate, quiet, converted))
    }

    /// The last segments.
    pub(super) fn finish(mut self) -> Result<Vec<Vec<f32>>, ResampleError> {
        let mut segments = self.cut(Converter::finish)?;
        self.cutter.finish(&mut segments);
        Ok(segments)
    }

    fn cut(
        &mut self,
        convert: impl FnOnce(&mut Converter, &mut Vec<f32>) -> Result<(), ResampleError>,
    ) -> Result<Vec<Vec<f32>>, ResampleError> {
        self.converted.clear();
        convert(&mut self.converter, &mut self.converted)?;
        let mut segments = Vec::new();
        self.cutter.push(&self.converted, &mut segments);
        Ok(segments)
    }
}

/// Encodes segments in batches and keeps their rows.
#[derive(Debug)]
pub(super) struct Lane<'m> {
    model: &'m ClapAudio,
    batch: usize,
    waiting: Vec<Vec<f32>>,
    values: Vec<f32>,
}

impl<'m> Lane<'m> {
    pub(super) fn new(model: &'m ClapAudio, batch: usize) -> Self {
        Self { model, batch: batch.max(1), waiting: Vec::new(), values: Vec::new() }
    }

    pub(super) fn push(&mut self, segment: Vec<f32>) -> Result<(), EncoderError> {
        self.waiting.push(segment);
        if self.waiting.len() < self.batch { Ok(()) } else { self.flush() }
    }

    pub(super) fn flush(&mut self) -> Result<(), EncoderError> {
        let segments = mem::take(&mut self.waiting);
        let rows = encode(&segments, self.model.device(), |segments| self.model.embed(segments))?;
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
    use crate::clap::segment_count;
    use omnivale_timeline::Time;

    /// The segments of `seconds` of stereo sound at `rate` that comes in runs of `run` instants.
    fn segments(seconds: usize, rate: u32, run: usize, via_44100: bool) -> Vec<Vec<f32>> {
        let step = std::f64::consts::TAU * 300.0 / f64::from(rate);
        let sound: Vec<f32> = (0..2 * seconds * rate as usize)
            .map(|n| ((n / 2) as f64 * step).sin() as f32 * if n % 2 == 0 { 0.75 } else { 0.25 })
            .collect();
        let mut cutter = Segments::new(via_44100);
        let mut found = Vec::new();
        for data in sound.chunks(2 * run) {
            let view = SamplesView { time: Time::ZERO, sample_rate: rate, channels: 2, data };
            found.extend(cutter.push(&view).unwrap());
        }
        found.extend(cutter.finish().unwrap());
        found
    }

    #[test]
    fn segments_of_a_stream_are_those_of_the_whole_whatever_its_rate() {
        for (seconds, rate) in [(1, 48_000), (13, 48_000), (31, 8_000), (33, 22_050)] {
            let whole = segments(seconds, rate, seconds * rate as usize, false);
            assert_eq!(whole.len(), segment_count(seconds * 48_000), "{seconds} s at {rate}");
            assert!(whole == segments(seconds, rate, 1_024, false), "{seconds} s at {rate}");
        }
    }

    #[test]
    fn the_detour_over_44100_changes_little_and_no_count() {
        let (direct, detour) =
            (segments(12, 48_000, 4_096, false), segments(12, 48_000, 4_096, true));
        assert_eq!(direct.len(), detour.len());
        let pairs = direct.iter().flatten().zip(detour.iter().flatten());
        let off: f32 = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off > 0.0 && off < 0.01, "{off}");
    }

    #[test]
    fn silence_counts_as_sound() {
        let mut cutter = Segments::new(false);
        let quiet = vec![0.0; 5 * 16_000];
        assert!(cutter.push_silence(16_000, &quiet).unwrap().is_empty());
        let view = SamplesView { time: Time::ZERO, sample_rate: 16_000, channels: 1, data: &quiet };
        cutter.push(&view).unwrap();
        assert_eq!(cutter.finish().unwrap().len(), 1, "10 s in all");
    }
}
