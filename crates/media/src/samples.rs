//! Decoded sound, lent as contiguous runs of samples with true times.

use omnivale_timeline::{SamplesView, Time};

use crate::av::{AudioFrame, AvError, Resampler, SampleLayout};
use crate::{Flow, Request, SPEECH_RATE, Sink};

/// How far a block's time may stray from where the samples before it end, in microseconds, without
/// meaning a gap. Containers round times to a millisecond and some to a block; a lost AAC block is
/// 21 ms.
const TOLERANCE: i64 = 20_000;

/// Turns decoded blocks into runs of samples.
///
/// Within a run, times follow from counting samples, so that rounded timestamps do not make
/// consumers hear gaps. A block that starts later than the run ends begins a new run; what starts
/// earlier loses what was lent already.
pub(crate) struct SampleLender {
    speech: bool,
    native: bool,
    /// Nothing is lent from here on: codecs pad their last block.
    end: Time,
    run: Option<Run>,
    /// Where lent sound ends.
    lent_until: Option<Time>,
    buffer: Vec<f32>,
    /// Samples per channel lent at the native rate.
    pub(crate) lent: u64,
    /// Blocks of which something was dropped because its time had been lent already.
    pub(crate) overlapping: u64,
    /// The end of the last block, padding and all, wherever it lies.
    pub(crate) reached: Option<Time>,
}

/// Samples without a gap.
struct Run {
    start: Time,
    layout: SampleLayout,
    /// Samples per channel that belong to the run so far.
    samples: u64,
    resampler: Option<Resampler>,
    /// Speech samples lent so far.
    spoken: u64,
}

impl Run {
    fn time_of(&self, sample: u64) -> Time {
        after(self.start, sample, self.layout.rate)
    }
}

/// `start` plus `samples` at `rate`, to the nearest microsecond.
fn after(start: Time, samples: u64, rate: u32) -> Time {
    let rate = u128::from(rate);
    let micros = (u128::from(samples) * 1_000_000 + rate / 2) / rate;
    Time::from_micros(start.micros().saturating_add(i64::try_from(micros).unwrap_or(i64::MAX)))
}

/// How many samples at `rate` fit between two instants, to the nearest; 0 if `to` is earlier.
fn samples_between(from: Time, to: Time, rate: u32) -> u64 {
    let micros = u128::from(to.since(from).micros());
    ((micros * u128::from(rate) + 500_000) / 1_000_000) as u64
}

impl SampleLender {
    pub(crate) fn new(request: &Request, end: Time) -> SampleLender {
        SampleLender {
            speech: request.speech_samples,
            native: request.native_samples,
            end,
            run: None,
            lent_until: None,
            buffer: Vec::new(),
            lent: 0,
            overlapping: 0,
            reached: None,
        }
    }

    /// Where the sound lent so far ends.
    pub(crate) fn lent_until(&self) -> Option<Time> {
        self.lent_until
    }

    /// Takes a block that is to sound at `time`, or right after the one before.
    ///
    /// # Errors
    /// If the block's format is not understood.
    pub(crate) fn push(
        &mut self,
        frame: &AudioFrame,
        layout: SampleLayout,
        time: Option<Time>,
        sink: &mut dyn Sink,
    ) -> Result<Flow, AvError> {
        let count = frame.samples();
        let expected = self.run.as_ref().map(|run| run.time_of(run.samples)).or(self.lent_until);
        let mut start = time.or(expected).unwrap_or(Time::ZERO);
        let block_end = after(start, count as u64, layout.rate);
        self.reached = self.reached.max(Some(block_end));
        let mut skip = 0;
        if let Some(expected) = expected {
            let stray = start.micros().saturating_sub(expected.micros());
            if stray < -TOLERANCE {
                self.overlapping += 1;
                skip = usize::try_from(samples_between(start, expected, layout.rate))
                    .unwrap_or(usize::MAX);
                start = expected;
            } else if stray <= TOLERANCE {
                start = expected;
            }
            let continues = self.run.as_ref().is_some_and(|run| run.layout == layout);
            if (!continues || start > expected) && self.finish(sink)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        if skip >= count {
            return Ok(Flow::Continue);
        }
        if self.run.is_none() {
            let resampler = self.speech.then(|| Resampler::new(layout, SPEECH_RATE)).transpose()?;
            self.run = Some(Run { start, layout, samples: 0, resampler, spoken: 0 });
        }
        self.lend(frame, skip, sink)
    }

    /// Lends the samples of `frame` from `skip` on as the continuation of the run.
    fn lend(
        &mut self,
        frame: &AudioFrame,
        skip: usize,
        sink: &mut dyn Sink,
    ) -> Result<Flow, AvError> {
        let Some(run) = &mut self.run else { return Ok(Flow::Continue) };
        let fresh = (frame.samples() - skip) as u64;
        let room =
            samples_between(run.start, self.end, run.layout.rate).saturating_sub(run.samples);
        let kept = fresh.min(room);
        if kept > 0 && self.native {
            self.buffer.clear();
            frame
                .interleave(run.layout, skip, skip + kept as usize, &mut self.buffer)
                .ok_or(AvError::INVALID)?;
            let view = SamplesView {
                time: run.time_of(run.samples),
                sample_rate: run.layout.rate,
                channels: run.layout.channels,
                data: &self.buffer,
            };
            if sink.native_samples(&view) == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        run.samples += fresh;
        self.lent += kept;
        if kept > 0 {
            self.lent_until = Some(run.time_of(run.samples).min(self.end));
        }
        if let Some(resampler) = &mut run.resampler {
            self.buffer.clear();
            resampler.push(frame, skip, &mut self.buffer)?;
            return Ok(lend_speech(run, &mut self.buffer, self.end, sink));
        }
        Ok(Flow::Continue)
    }

    /// Ends the run: lends what the resampler still holds.
    pub(crate) fn finish(&mut self, sink: &mut dyn Sink) -> Result<Flow, AvError> {
        let Some(mut run) = self.run.take() else { return Ok(Flow::Continue) };
        let Some(mut resampler) = run.resampler.take() else { return Ok(Flow::Continue) };
        self.buffer.clear();
        resampler.finish(&mut self.buffer)?;
        // The filter's tail reaches past the last sample; the run does not.
        let end = run.time_of(run.samples).min(self.end);
        Ok(lend_speech(&mut run, &mut self.buffer, end, sink))
    }
}

/// Lends `buffer` as the run's next speech samples, up to `end`.
fn lend_speech(run: &mut Run, buffer: &mut Vec<f32>, end: Time, sink: &mut dyn Sink) -> Flow {
    let room = samples_between(run.start, end, SPEECH_RATE).saturating_sub(run.spoken);
    buffer.truncate(usize::try_from(room).unwrap_or(usize::MAX));
    if buffer.is_empty() {
        return Flow::Continue;
    }
    let time = after(run.start, run.spoken, SPEECH_RATE);
    run.spoken += buffer.len() as u64;
    sink.speech_samples(&SamplesView { time, sample_rate: SPEECH_RATE, channels: 1, data: buffer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_samples_keeps_time() {
        // One hour of 44.1 kHz is an hour to the microsecond, without summed rounding.
        assert_eq!(after(Time::ZERO, 44_100 * 3600, 44_100), Time::from_millis(3_600_000));
        // 1/48000 s = 20.8 us.
        assert_eq!(after(Time::from_micros(5), 1, 48_000), Time::from_micros(26));
        assert_eq!(samples_between(Time::ZERO, Time::from_millis(11_000), 16_000), 176_000);
        assert_eq!(samples_between(Time::from_millis(2), Time::ZERO, 16_000), 0);
    }
}
