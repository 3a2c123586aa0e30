//! The facts of one 32 ms frame.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner};

use crate::mel::MelBank;
use crate::mfcc::{Dct, librosa_bank};
use crate::sound_track::{SILENT_DB, SOUND_HOP, SOUND_RATE, SoundFrame};
use crate::spectrum::{PowerFft, hann};

/// Samples under one window: 128 ms, centred on the frame's own 32 ms.
pub(crate) const WINDOW: usize = 2048;
/// Samples of the window that lie ahead of the frame.
pub(crate) const LEAD: usize = (WINDOW - SOUND_HOP) / 2;
/// MFCC per frame.
pub(crate) const COEFFICIENTS: usize = 20;

/// Mel power below this counts as this, in dB: what white noise at about -65 dBFS has.
///
/// The reference cuts 80 dB below the clip's loudest value, which a stream cannot know; a fixed floor
/// does the same for a clip that reaches full scale, and gives quiet clips no differences below
/// hearing.
const MEL_FLOOR_DB: f32 = -45.0;

/// Lags of the pitch search: 500 down to 70 Hz.
const SHORTEST_LAG: usize = SOUND_RATE as usize / 500;
const LONGEST_LAG: usize = SOUND_RATE as usize / 70;
/// Bins that take part in it: 70 Hz to 4 kHz, where voices have their harmonics.
const FIRST_PITCH_BIN: usize = 70 * WINDOW / SOUND_RATE as usize;
const LAST_PITCH_BIN: usize = 4000 * WINDOW / SOUND_RATE as usize;
/// A shorter lag is taken if it repeats nearly as well as the best one, which may be a multiple of it.
const NEARLY_AS_WELL: f32 = 0.9;

/// Spectra that [`SoundFrame::tonality`] compares: now, 96 ms and 192 ms ago. Their windows hardly
/// overlap, so that noise shares no more than chance between them.
const TONALITY_STEP: usize = 3;
const TONALITY_SPECTRA: usize = 3;

/// Turns windows of samples into [`SoundFrame`]s; remembers what differences need.
pub(crate) struct FrameAnalyser {
    fft: PowerFft,
    bank: MelBank,
    dct: Dct,
    power: Vec<f32>,
    /// Mel power of this frame and the one before, in dB.
    mel_db: Vec<f32>,
    mel_db_before: Vec<f32>,
    mfcc: [f32; COEFFICIENTS],
    mfcc_before: [f32; COEFFICIENTS],
    /// The last spectra, each scaled to sum 1, newest at `newest`; a silent one is all zero.
    shapes: Vec<Vec<f32>>,
    newest: usize,
    pitch: PitchFinder,
    any_before: bool,
}

impl FrameAnalyser {
    pub(crate) fn new() -> FrameAnalyser {
        let fft = PowerFft::new(hann(WINDOW), WINDOW);
        let bank = librosa_bank(SOUND_RATE);
        let dct = Dct::new(bank.bands(), COEFFICIENTS);
        let floor = vec![MEL_FLOOR_DB; bank.bands()];
        let bins = fft.bins();
        FrameAnalyser {
            power: vec![0.0; bins],
            mel_db: floor.clone(),
            mel_db_before: floor,
            mfcc: [0.0; COEFFICIENTS],
            mfcc_before: [0.0; COEFFICIENTS],
            shapes: vec![vec![0.0; bins]; TONALITY_STEP * (TONALITY_SPECTRA - 1) + 1],
            newest: 0,
            pitch: PitchFinder::new(),
            any_before: false,
            fft,
            bank,
            dct,
        }
    }

    /// The MFCC of the last frame, in dB above the floor.
    pub(crate) fn mfcc(&self) -> &[f32; COEFFICIENTS] {
        &self.mfcc
    }

    /// Measures the frame in the middle of `window`, 2048 samples; `voice` is passed through.
    pub(crate) fn analyse(&mut self, window: &[f32], voice: f32) -> SoundFrame {
        let own = &window[LEAD..LEAD + SOUND_HOP];
        let square = own.iter().map(|s| s * s).sum::<f32>() / SOUND_HOP as f32;
        let peak = own.iter().fold(0f32, |peak, s| peak.max(s.abs()));
        self.fft.power(window, &mut self.power);
        let (centroid_hz, total) = self.centroid();
        let flatness = self.mel_shape();
        let onset = self.onset();
        let mfcc_change = self.mfcc_change();
        let tonality = self.tonality(total);
        let (harmonicity, pitch_hz) = self.pitch.find(&self.power);
        self.any_before = true;
        SoundFrame {
            rms_db: level_db(square, 10.0),
            peak_db: level_db(peak, 20.0),
            mfcc_change,
            onset,
            centroid_hz,
            flatness,
            harmonicity,
            pitch_hz,
            tonality,
            voice,
        }
    }

    /// Centre of gravity in Hz and the sum of the power; a spectrum below the floor has no centre.
    fn centroid(&self) -> (f32, f32) {
        let total: f32 = self.power.iter().sum();
        if total < 1e-6 {
            return (0.0, 0.0);
        }
        let moment: f32 = self.power.iter().enumerate().map(|(bin, p)| bin as f32 * p).sum();
        (moment / total * SOUND_RATE as f32 / WINDOW as f32, total)
    }

    /// Fills `mel_db` and returns the flatness over the mel bands.
    fn mel_shape(&mut self) -> f32 {
        std::mem::swap(&mut self.mel_db, &mut self.mel_db_before);
        self.bank.apply(&self.power, &mut self.mel_db);
        let arithmetic = self.mel_db.iter().sum::<f32>() / self.mel_db.len() as f32;
        let least = 10f32.powf(MEL_FLOOR_DB / 10.0);
        for value in &mut self.mel_db {
            *value = 10.0 * value.max(least).log10();
        }
        let geometric_db = self.mel_db.iter().sum::<f32>() / self.mel_db.len() as f32;
        if arithmetic <= least {
            return 1.0;
        }
        (10f32.powf(geometric_db / 10.0) / arithmetic).min(1.0)
    }

    fn onset(&self) -> f32 {
        if !self.any_before {
            return 0.0;
        }
        let rises =
            self.mel_db.iter().zip(&self.mel_db_before).map(|(now, old)| (now - old).max(0.0));
        rises.sum::<f32>() / self.mel_db.len() as f32
    }

    fn mfcc_change(&mut self) -> f32 {
        self.mfcc_before = self.mfcc;
        let above: Vec<f32> = self.mel_db.iter().map(|db| db - MEL_FLOOR_DB).collect();
        self.dct.apply(&above, &mut self.mfcc);
        if !self.any_before {
            return 0.0;
        }
        let steps = self.mfcc.iter().zip(&self.mfcc_before).map(|(now, old)| (now - old).abs());
        steps.sum::<f32>() / COEFFICIENTS as f32
    }

    /// How much of the power stands at the same frequencies as 96 and 192 ms ago.
    ///
    /// The spectra are scaled to sum 1 and the smallest of the three is summed over the bins: 1 for
    /// steady partials; for noise, whose bins are exponentially distributed, the smallest of three
    /// is a third on average. The result is scaled so that these two are 1 and 0.
    fn tonality(&mut self, total: f32) -> f32 {
        let kept = self.shapes.len();
        self.newest = (self.newest + 1) % kept;
        let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        for (slot, power) in self.shapes[self.newest].iter_mut().zip(&self.power) {
            *slot = power * scale;
        }
        let older = |age: usize| &self.shapes[(self.newest + kept - age) % kept];
        let (a, b, c) = (older(0), older(TONALITY_STEP), older(2 * TONALITY_STEP));
        let mut sums = [0f32; 8];
        for ((a, b), c) in a.chunks(8).zip(b.chunks(8)).zip(c.chunks(8)) {
            for (lane, sum) in sums.iter_mut().enumerate().take(a.len()) {
                *sum += a[lane].min(b[lane]).min(c[lane]);
            }
        }
        let shared: f32 = sums.iter().sum();
        let chance = 1.0 / TONALITY_SPECTRA as f32;
        ((shared - chance) / (1.0 - chance)).clamp(0.0, 1.0)
    }
}

/// Decibels of a power (factor 10) or an amplitude (factor 20).
pub(crate) fn level_db(value: f32, factor: f32) -> f32 {
    (factor * value.log10()).max(SILENT_DB)
}

/// Pitch by the autocorrelation that belongs to a power spectrum (Wiener-Khinchin), divided by the
/// window's own (Boersma 1993, "Accurate short-term analysis", eq. 9).
struct PitchFinder {
    plan: Arc<dyn ComplexToReal<f32>>,
    spectrum: Vec<Complex32>,
    lags: Vec<f32>,
    scratch: Vec<Complex32>,
    /// One over the window's normalised autocorrelation at each lag.
    correction: Vec<f32>,
}

impl PitchFinder {
    fn new() -> PitchFinder {
        let plan = RealFftPlanner::new().plan_fft_inverse(WINDOW);
        let (spectrum, lags) = (plan.make_input_vec(), plan.make_output_vec());
        let scratch = plan.make_scratch_vec();
        let window = hann(WINDOW);
        let overlap =
            |lag: usize| -> f32 { window[lag..].iter().zip(&window).map(|(a, b)| a * b).sum() };
        let whole = overlap(0);
        let correction = (0..=LONGEST_LAG).map(|lag| whole / overlap(lag)).collect();
        PitchFinder { plan, spectrum, lags, scratch, correction }
    }

    /// Harmonicity and pitch in Hz.
    fn find(&mut self, power: &[f32]) -> (f32, f32) {
        self.spectrum.fill(Complex32::new(0.0, 0.0));
        let bins = FIRST_PITCH_BIN..=LAST_PITCH_BIN;
        for (slot, power) in self.spectrum[bins.clone()].iter_mut().zip(&power[bins]) {
            slot.re = *power;
        }
        self.plan
            .process_with_scratch(&mut self.spectrum, &mut self.lags, &mut self.scratch)
            .expect("the buffers were made by the plan, and the outer bins are real");
        let whole = self.lags[0];
        // Twice the sum over the bins: below it only rounding is left.
        if whole < 1e-6 {
            return (0.0, 0.0);
        }
        let value = |lag: usize| self.lags[lag] / whole * self.correction[lag];
        let is_top = |lag: usize| value(lag) >= value(lag - 1) && value(lag) >= value(lag + 1);
        let tops = || (SHORTEST_LAG..LONGEST_LAG).filter(|lag| is_top(*lag));
        let best = tops().map(value).fold(0.0, f32::max);
        match tops().find(|lag| value(*lag) >= best * NEARLY_AS_WELL) {
            Some(lag) if best > 0.0 => (best.min(1.0), SOUND_RATE as f32 / lag as f32),
            _ => (0.0, 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of a signal, at their steady state.
    fn last_frame(signal: impl Fn(f32) -> f32) -> SoundFrame {
        let mut analyser = FrameAnalyser::new();
        let mut frame = SoundFrame::default();
        for index in 0..12 {
            let window: Vec<f32> = (0..WINDOW)
                .map(|n| signal((index * SOUND_HOP + n) as f32 / SOUND_RATE as f32))
                .collect();
            frame = analyser.analyse(&window, 0.0);
        }
        frame
    }

    fn sine(hz: f32) -> impl Fn(f32) -> f32 {
        move |t| (std::f32::consts::TAU * hz * t).sin()
    }

    /// Noise by a hash of the time, the same for every window that holds that instant.
    fn noise(t: f32) -> f32 {
        let mut x = (t * SOUND_RATE as f32).round() as u32;
        x = x.wrapping_mul(0x9E37_79B9) ^ (x >> 15);
        x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
        x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
        ((x ^ (x >> 16)) as f32 / u32::MAX as f32) * 2.0 - 1.0
    }

    #[test]
    fn a_tone_is_tonal_periodic_and_in_its_place() {
        let frame = last_frame(sine(440.0));
        assert!((frame.rms_db + 3.01).abs() < 0.1, "a sine is 3 dB below a square wave");
        assert!(frame.peak_db > -0.1);
        assert!((frame.centroid_hz - 440.0).abs() < 5.0);
        assert!(frame.tonality > 0.9 && frame.harmonicity > 0.95 && frame.flatness < 0.1);
        assert!((frame.pitch_hz - 440.0).abs() < 10.0);
        assert!(frame.mfcc_change < 0.5);
    }

    #[test]
    fn noise_is_neither() {
        let frame = last_frame(noise);
        assert!(frame.tonality < 0.3, "{frame:?}");
        assert!(frame.harmonicity < 0.5, "{frame:?}");
        assert!(frame.flatness > 0.6, "{frame:?}");
        assert!((frame.centroid_hz - 4000.0).abs() < 600.0, "{frame:?}");
    }

    #[test]
    fn silence_is_at_the_floor() {
        let frame = last_frame(|_| 0.0);
        assert_eq!((frame.rms_db, frame.peak_db), (SILENT_DB, SILENT_DB));
        assert_eq!((frame.mfcc_change, frame.onset, frame.harmonicity), (0.0, 0.0, 0.0));
    }
}
