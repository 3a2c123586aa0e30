//! Programme loudness after EBU R128.

use ebur128::{EbuR128, Mode};
use omnivale_timeline::SamplesView;
use serde::{Deserialize, Serialize};

/// Loudness of a whole programme: ITU-R BS.1770-4, EBU Tech 3341 and 3342.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Loudness {
    /// Gated loudness of the whole, in LUFS.
    pub integrated_lufs: f64,
    /// Loudness range, in LU.
    pub range_lu: f64,
    /// Loudest 400 ms, in LUFS.
    pub momentary_max_lufs: f64,
}

/// Measures [`Loudness`] in one pass; keeps the last three seconds and two histograms.
pub struct LoudnessMeter {
    meter: Option<(EbuR128, u32, u16)>,
    momentary_max: f64,
}

impl LoudnessMeter {
    /// A meter that has heard nothing.
    pub fn new() -> LoudnessMeter {
        LoudnessMeter { meter: None, momentary_max: f64::NEG_INFINITY }
    }

    /// Takes the next samples, at the native rate and channels. A change of rate or channels in the
    /// middle of a clip starts no new programme: the filters are set anew and the histograms stay.
    pub fn push(&mut self, samples: &SamplesView<'_>) {
        let (rate, channels) = (samples.sample_rate, samples.channels);
        match &mut self.meter {
            Some((_, r, c)) if (*r, *c) == (rate, channels) => {}
            Some((meter, r, c)) => {
                if meter.change_parameters(u32::from(channels), rate).is_err() {
                    return;
                }
                (*r, *c) = (rate, channels);
            }
            None => {
                let mode = Mode::I | Mode::LRA | Mode::M | Mode::HISTOGRAM;
                match EbuR128::new(u32::from(channels), rate, mode) {
                    Ok(meter) => self.meter = Some((meter, rate, channels)),
                    Err(_) => return,
                }
            }
        }
        let Some((meter, ..)) = &mut self.meter else { return };
        // Momentary loudness is asked for every 100 ms, as EBU Tech 3341 §2.2 wants it updated.
        let step = (rate as usize / 10).max(1) * usize::from(channels);
        for part in samples.data.chunks(step) {
            let whole = part.len() / usize::from(channels) * usize::from(channels);
            if meter.add_frames_f32(&part[..whole]).is_ok()
                && let Ok(momentary) = meter.loudness_momentary()
            {
                self.momentary_max = self.momentary_max.max(momentary);
            }
        }
    }

    /// The loudness so far; `None` before anything above the absolute gate (-70 LUFS) was heard.
    pub fn finish(&self) -> Option<Loudness> {
        let (meter, ..) = self.meter.as_ref()?;
        let integrated_lufs = meter.loudness_global().ok().filter(|v| v.is_finite())?;
        let range_lu = meter.loudness_range().ok().filter(|v| v.is_finite())?;
        Some(Loudness { integrated_lufs, range_lu, momentary_max_lufs: self.momentary_max })
    }
}

impl Default for LoudnessMeter {
    fn default() -> LoudnessMeter {
        LoudnessMeter::new()
    }
}
