//! swresample: any samples to one channel at another rate.

use std::ffi::c_int;

use ffmpeg_next::ChannelLayout;
use ffmpeg_next::format::{Sample, sample::Type};
use ffmpeg_next::software::resampling;

use super::frame::{SampleKind, sample_format};
use super::{AudioFrame, AvError, SampleLayout, check, ffi};

/// Mixes to one channel and resamples. Its first output sample is at the time of its first input
/// sample.
pub(crate) struct Resampler {
    context: resampling::Context,
    from: SampleLayout,
    to: u32,
    /// Samples of an unknown number of speakers are averaged here first.
    averaged: Option<Vec<f32>>,
}

impl Resampler {
    pub(crate) fn new(from: SampleLayout, to: u32) -> Result<Resampler, AvError> {
        let layout =
            from.speakers.unwrap_or_else(|| ChannelLayout::default(i32::from(from.channels)));
        // libav has no default order for some numbers of channels; those are averaged.
        let known = !layout.is_empty() && layout.channels() == i32::from(from.channels);
        let (format, layout) = if known {
            (sample(from).ok_or(AvError(ffi::AVERROR_INVALIDDATA))?, layout)
        } else {
            (Sample::F32(Type::Packed), ChannelLayout::MONO)
        };
        let context = resampling::Context::get(
            format,
            layout,
            from.rate,
            Sample::F32(Type::Packed),
            ChannelLayout::MONO,
            to,
        )
        .map_err(|error| AvError(error.into()))?;
        Ok(Resampler { context, from, to, averaged: (!known).then(Vec::new) })
    }

    /// Appends to `out` what the frame's samples from `skip` on give.
    pub(crate) fn push(
        &mut self,
        frame: &AudioFrame,
        skip: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), AvError> {
        let invalid = AvError(ffi::AVERROR_INVALIDDATA);
        let count = frame.samples().saturating_sub(skip);
        if let Some(averaged) = &mut self.averaged {
            let channels = usize::from(self.from.channels);
            let mut all = Vec::with_capacity(count * channels);
            frame.interleave(self.from, skip, frame.samples(), &mut all).ok_or(invalid)?;
            averaged.clear();
            averaged.extend(
                all.chunks_exact(channels).map(|c| c.iter().sum::<f32>() / channels as f32),
            );
            let planes = [averaged.as_ptr().cast::<u8>()];
            let count = averaged.len();
            return self.convert(Some((&planes, count)), out);
        }
        let planes = frame.planes(self.from, skip).ok_or(invalid)?;
        self.convert(Some((&planes, count)), out)
    }

    /// From samples of one channel at `from` samples per second, for
    /// [`push_samples`](Resampler::push_samples).
    pub(crate) fn mono(from: u32, to: u32) -> Result<Resampler, AvError> {
        let format = ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT as c_int;
        Resampler::new(SampleLayout { format, rate: from, channels: 1, speakers: None }, to)
    }

    /// Appends to `out` what `samples` give; only for one made by [`mono`](Resampler::mono).
    pub(crate) fn push_samples(
        &mut self,
        samples: &[f32],
        out: &mut Vec<f32>,
    ) -> Result<(), AvError> {
        let planes = [samples.as_ptr().cast::<u8>()];
        self.convert(Some((&planes, samples.len())), out)
    }

    /// Appends what the filter still holds.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), AvError> {
        self.convert(None, out)
    }

    /// `input`: planes laid out as the context was made for, with their number of samples.
    fn convert(
        &mut self,
        input: Option<(&[*const u8], usize)>,
        out: &mut Vec<f32>,
    ) -> Result<(), AvError> {
        let too_many = |_| AvError(ffi::AVERROR_INVALIDDATA);
        let count = input.map_or(0, |(_, count)| count);
        // SAFETY: the context is initialised.
        let waiting = unsafe { ffi::swr_get_delay(self.context.as_mut_ptr(), i64::from(self.to)) };
        // What waits inside, what comes in, and a few for rounding.
        let room = u64::try_from(waiting).unwrap_or(0)
            + (count as u64 * u64::from(self.to)).div_ceil(u64::from(self.from.rate))
            + 64;
        let room = usize::try_from(room).map_err(too_many)?;
        let start = out.len();
        out.resize(start + room, 0.0);
        let mut target = out[start..].as_mut_ptr().cast::<u8>();
        let room = c_int::try_from(room).map_err(too_many)?;
        let count = c_int::try_from(count).map_err(too_many)?;
        let mut planes = input.map(|(planes, _)| planes.to_vec()).unwrap_or_default();
        let source = if planes.is_empty() { std::ptr::null_mut() } else { planes.as_mut_ptr() };
        // SAFETY: `target` has room for `room` floats; every source plane holds `count` samples.
        let written = check(unsafe {
            ffi::swr_convert(self.context.as_mut_ptr(), &mut target, room, source.cast(), count)
        });
        out.truncate(start + *written.as_ref().unwrap_or(&0) as usize);
        written.map(|_| ())
    }
}

/// ffmpeg-next's name for a sample format.
fn sample(layout: SampleLayout) -> Option<Sample> {
    let format = sample_format(layout.format)?;
    let packing = if format.planar { Type::Planar } else { Type::Packed };
    Some(match format.kind {
        SampleKind::U8 => Sample::U8(packing),
        SampleKind::I16 => Sample::I16(packing),
        SampleKind::I32 => Sample::I32(packing),
        SampleKind::I64 => Sample::I64(packing),
        SampleKind::F32 => Sample::F32(packing),
        SampleKind::F64 => Sample::F64(packing),
    })
}
