//! Short-time power spectra.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

/// What stands beyond the two ends of a signal where a frame is centred on its sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Frames lie wholly inside the signal; frame `t` starts at sample `t * hop`.
    None,
    /// Zeros; frame `t` is centred on sample `t * hop`.
    Zero,
    /// The signal mirrored at its first and last sample; frame `t` is centred on sample `t * hop`.
    Reflect,
}

/// Frames of values: shape `[frames, bands]`, frame after frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrogram {
    bands: usize,
    values: Vec<f32>,
}

impl Spectrogram {
    /// From values of shape `[values.len() / bands, bands]`; a remainder is cut off.
    pub fn new(bands: usize, mut values: Vec<f32>) -> Spectrogram {
        let bands = bands.max(1);
        values.truncate(values.len() / bands * bands);
        Spectrogram { bands, values }
    }

    /// Values per frame.
    pub fn bands(&self) -> usize {
        self.bands
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.values.len() / self.bands
    }

    /// Frame `frame`, shape `[bands]`. Panics past the last one.
    pub fn frame(&self, frame: usize) -> &[f32] {
        &self.values[frame * self.bands..(frame + 1) * self.bands]
    }

    /// All values, shape `[frames, bands]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, to be changed in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

/// The periodic Hann window, `0.5 - 0.5 cos(2 pi n / length)`: the one for spectra.
pub fn hann(length: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU / length.max(1) as f64;
    (0..length).map(|n| (0.5 - 0.5 * (step * n as f64).cos()) as f32).collect()
}

/// Turns one windowed frame into its power spectrum; keeps its plan and buffers.
pub struct PowerFft {
    plan: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    input: Vec<f32>,
    output: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl PowerFft {
    /// For frames of `window.len()` samples, filled up with zeros to `n_fft` (at least the window's length).
    pub fn new(window: Vec<f32>, n_fft: usize) -> PowerFft {
        let plan = RealFftPlanner::new().plan_fft_forward(n_fft.max(window.len()).max(1));
        let (input, output) = (plan.make_input_vec(), plan.make_output_vec());
        let scratch = plan.make_scratch_vec();
        PowerFft { plan, window, input, output, scratch }
    }

    /// Samples per frame.
    pub fn frame_length(&self) -> usize {
        self.window.len()
    }

    /// Values per spectrum, `n_fft / 2 + 1`.
    pub fn bins(&self) -> usize {
        self.output.len()
    }

    /// The squared magnitudes of the frame's spectrum into `power`, shape `[bins]`; samples that
    /// the frame lacks count as zero.
    pub fn power(&mut self, frame: &[f32], power: &mut [f32]) {
        let length = frame.len().min(self.window.len());
        for ((slot, sample), weight) in self.input.iter_mut().zip(frame).zip(&self.window) {
            *slot = sample * weight;
        }
        self.input[length..].fill(0.0);
        self.plan
            .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
            .expect("the buffers were made by the plan");
        for (slot, bin) in power.iter_mut().zip(&self.output) {
            *slot = bin.re * bin.re + bin.im * bin.im;
        }
    }
}

/// The power spectra of a signal, shape `[frames, n_fft / 2 + 1]`, `frames = 1 + samples / hop` with
/// padding, `1 + (samples - window) / hop` without (none if the signal is shorter than the window).
///
/// A window shorter than `n_fft` is centred in the frame under padding, as librosa and PyTorch do.
pub fn power_spectrogram(
    samples: &[f32],
    window: &[f32],
    n_fft: usize,
    hop: usize,
    padding: Padding,
) -> Spectrogram {
    let n_fft = n_fft.max(window.len()).max(1);
    let hop = hop.max(1);
    let mut values = Vec::new();
    let mut bins = n_fft / 2 + 1;
    each_power(samples, window, n_fft, hop, padding, |power| {
        bins = power.len();
        values.extend_from_slice(power);
    });
    Spectrogram::new(bins, values)
}

/// As [`power_spectrogram`], but hands one spectrum at a time to `visit`.
pub(crate) fn each_power(
    samples: &[f32],
    window: &[f32],
    n_fft: usize,
    hop: usize,
    padding: Padding,
    mut visit: impl FnMut(&[f32]),
) {
    if samples.is_empty() {
        return;
    }
    let (length, ahead) = match padding {
        Padding::None => (window.len(), 0),
        Padding::Zero | Padding::Reflect => (n_fft, n_fft / 2),
    };
    let mut centred = vec![0.0; length];
    let lead = (length - window.len()) / 2;
    centred[lead..lead + window.len()].copy_from_slice(window);
    let mut fft = PowerFft::new(centred, n_fft);
    let frames = match padding {
        Padding::None if samples.len() < length => 0,
        Padding::None => 1 + (samples.len() - length) / hop,
        Padding::Zero | Padding::Reflect => 1 + samples.len() / hop,
    };
    let mut frame = vec![0.0; length];
    let mut power = vec![0.0; fft.bins()];
    for index in 0..frames {
        let start = index * hop;
        match start.checked_sub(ahead).filter(|first| first + length <= samples.len()) {
            Some(first) => fft.power(&samples[first..first + length], &mut power),
            None => {
                for (n, slot) in frame.iter_mut().enumerate() {
                    let at = start as isize + n as isize - ahead as isize;
                    *slot = beyond(samples, at, padding);
                }
                fft.power(&frame, &mut power);
            }
        }
        visit(&power);
    }
}

/// The sample at `at`, which may lie beyond the ends.
fn beyond(samples: &[f32], at: isize, padding: Padding) -> f32 {
    if let Some(sample) = usize::try_from(at).ok().and_then(|at| samples.get(at)) {
        return *sample;
    }
    if padding != Padding::Reflect || samples.len() < 2 {
        return 0.0;
    }
    let period = 2 * (samples.len() as isize - 1);
    let at = at.rem_euclid(period);
    samples[at.min(period - at) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_on_a_bin_has_its_power_there() {
        // Hann: the bin itself gets amplitude * N / 4, each neighbour half of that.
        let samples: Vec<f32> =
            (0..64).map(|n| (std::f32::consts::TAU * 8.0 * n as f32 / 64.0).cos()).collect();
        let spectra = power_spectrogram(&samples, &hann(64), 64, 64, Padding::None);
        assert_eq!((spectra.frames(), spectra.bands()), (1, 33));
        assert!((spectra.frame(0)[8] - 256.0).abs() < 1e-2, "(64 / 4)^2");
        assert!((spectra.frame(0)[7] - 64.0).abs() < 1e-2, "(64 / 8)^2");
        assert!(spectra.frame(0)[20] < 1e-6);
    }

    #[test]
    fn reflection_mirrors_without_repeating_the_edge() {
        let samples = [0.0, 1.0, 2.0, 3.0];
        let at: Vec<f32> = (-4..8).map(|n| beyond(&samples, n, Padding::Reflect)).collect();
        assert_eq!(at, [2.0, 3.0, 2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0, 1.0]);
        assert_eq!(beyond(&[5.0], 3, Padding::Reflect), 0.0);
    }

    #[test]
    fn no_sample_no_frame() {
        assert_eq!(power_spectrogram(&[], &hann(8), 8, 4, Padding::Zero).frames(), 0);
        assert_eq!(power_spectrogram(&[1.0; 7], &hann(8), 8, 4, Padding::None).frames(), 0);
    }
}
