//! Programme loudness after EBU R128.
//!
//! Our own rather than the crate `ebur128`, which took at least 5 times as long on the same stereo clip;
//! a test holds the two against each other.

use omnivale_timeline::SamplesView;
use serde::{Deserialize, Serialize};

/// Loudness of a whole programme: ITU-R BS.1770-4, EBU Tech 3341 and 3342.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Loudness {
    /// Gated loudness of the whole, in LUFS.
    pub integrated_lufs: f64,
    /// Loudness range, in LU; 0 for less than three seconds.
    pub range_lu: f64,
    /// Loudest 400 ms, in LUFS.
    pub momentary_max_lufs: f64,
}

/// Blocks of 100 ms per 400 ms window: consecutive windows overlap by 75 % (BS.1770-4, Annex 1).
const MOMENTARY_BLOCKS: usize = 4;
/// Blocks per 3 s window, and from one to the next: an overlap of two thirds (Tech 3342, §3).
const SHORT_TERM_BLOCKS: usize = 30;
const SHORT_TERM_STEP: usize = 10;
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
/// Relative gates, in LU below the mean of what passes the absolute one.
const INTEGRATED_GATE_LU: f64 = 10.0;
const RANGE_GATE_LU: f64 = 20.0;
/// The range lies between these shares of the short-term values.
const RANGE_SHARES: (f64, f64) = (0.10, 0.95);
/// Weight of the surround channels; the low-frequency channel has none.
const SURROUND: f64 = 1.41;

/// Measures [`Loudness`] in one pass; keeps one number per 100 ms.
pub struct LoudnessMeter {
    rate: u32,
    filter: KWeighting,
    channels: Vec<Channel>,
    block_length: usize,
    filled: usize,
    /// Sum of weighted squares of the block that is being filled.
    sum: f64,
    /// Weighted mean square of each block.
    blocks: Vec<f32>,
}

impl LoudnessMeter {
    /// A meter that has heard nothing.
    pub fn new() -> LoudnessMeter {
        LoudnessMeter {
            rate: 0,
            filter: KWeighting::new(48_000.0),
            channels: Vec::new(),
            block_length: 1,
            filled: 0,
            sum: 0.0,
            blocks: Vec::new(),
        }
    }

    /// Takes the next samples, at the native rate and channels. Where these change in the middle of
    /// a clip, the filters start anew and the programme goes on.
    pub fn push(&mut self, samples: &SamplesView<'_>) {
        let count = usize::from(samples.channels);
        if count == 0 || samples.sample_rate == 0 {
            return;
        }
        if (self.rate, self.channels.len()) != (samples.sample_rate, count) {
            self.rate = samples.sample_rate;
            self.filter = KWeighting::new(f64::from(self.rate));
            self.channels = (0..count).map(|at| Channel::new(at, count)).collect();
            self.block_length = (f64::from(self.rate) / 10.0).round().max(1.0) as usize;
            (self.filled, self.sum) = (0, 0.0);
        }
        let mut data = samples.data;
        while data.len() >= count {
            let frames = (data.len() / count).min(self.block_length - self.filled);
            let (now, later) = data.split_at(frames * count);
            self.sum += match count {
                1 => self.filter.squares::<1>(now, &mut self.channels),
                2 => self.filter.squares::<2>(now, &mut self.channels),
                _ => self.filter.squares_of_many(now, &mut self.channels),
            };
            self.filled += frames;
            data = later;
            if self.filled == self.block_length {
                self.blocks.push((self.sum / self.block_length as f64) as f32);
                (self.filled, self.sum) = (0, 0.0);
                self.channels.iter_mut().for_each(Channel::settle);
            }
        }
    }

    /// The loudness so far; `None` before 400 ms above the absolute gate (-70 LUFS) were heard.
    pub fn finish(&self) -> Option<Loudness> {
        let momentary = window_means(&self.blocks, MOMENTARY_BLOCKS, 1);
        let loudest = momentary.iter().copied().fold(0.0, f64::max);
        let gated = gate(momentary, INTEGRATED_GATE_LU);
        if gated.is_empty() {
            return None;
        }
        let mut short =
            gate(window_means(&self.blocks, SHORT_TERM_BLOCKS, SHORT_TERM_STEP), RANGE_GATE_LU);
        short.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (share * short.len().saturating_sub(1) as f64).round() as usize;
            short.get(index).map(|power| lufs(*power))
        };
        let range_lu = match (at(RANGE_SHARES.0), at(RANGE_SHARES.1)) {
            (Some(low), Some(high)) => high - low,
            _ => 0.0,
        };
        Some(Loudness {
            integrated_lufs: lufs(mean(&gated)),
            range_lu,
            momentary_max_lufs: lufs(loudest),
        })
    }
}

impl Default for LoudnessMeter {
    fn default() -> LoudnessMeter {
        LoudnessMeter::new()
    }
}

/// Loudness of a weighted mean square (BS.1770-4, eq. 2).
fn lufs(power: f64) -> f64 {
    -0.691 + 10.0 * power.log10()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn window_means(blocks: &[f32], length: usize, step: usize) -> Vec<f64> {
    let sum = |window: &[f32]| window.iter().map(|b| f64::from(*b)).sum::<f64>();
    blocks.windows(length).step_by(step).map(|w| sum(w) / length as f64).collect()
}

/// Those above the absolute gate and, of these, above the one relative to their mean.
fn gate(mut powers: Vec<f64>, relative_lu: f64) -> Vec<f64> {
    powers.retain(|power| lufs(*power) > ABSOLUTE_GATE_LUFS);
    let least = lufs(mean(&powers)) - relative_lu;
    powers.retain(|power| lufs(*power) > least);
    powers
}

/// One channel's weight and the states of its two filters.
#[derive(Clone, Copy)]
struct Channel {
    weight: f64,
    state: [f64; 4],
}

impl Channel {
    /// In the usual orders: L R, L R C, L R Ls Rs, L R C Ls Rs, L R C LFE Ls Rs and more.
    fn new(at: usize, count: usize) -> Channel {
        let weight = match (count, at) {
            (4, 2 | 3) | (5, 3 | 4) | (6.., 4 | 5) => SURROUND,
            (6.., 3) | (7.., 6..) => 0.0,
            _ => 1.0,
        };
        Channel { weight, state: [0.0; 4] }
    }

    /// Ends what has faded for good: numbers close to the smallest ones are slow to add.
    fn settle(&mut self) {
        if self.state.iter().all(|s| s.abs() < 1e-20) {
            self.state = [0.0; 4];
        }
    }
}

/// The K weighting: a high shelf for the head, then a high pass (BS.1770-4, Annex 1, tables 1 and
/// 2), with the analogue prototypes that give the tables' coefficients at 48 kHz, so that other
/// rates are weighted alike.
#[derive(Clone, Copy)]
struct KWeighting {
    shelf: [f64; 5],
    pass: [f64; 2],
}

impl KWeighting {
    fn new(rate: f64) -> KWeighting {
        let (hz, gain_db, q) = (1681.974450955533, 3.999843853973347, 0.7071752369554196);
        // A pole at or above the Nyquist frequency has no place; rates that low lose the shelf's top only.
        let tangent = |hz: f64| (std::f64::consts::PI * (hz / rate).min(0.49)).tan();
        let k = tangent(hz);
        let high = 10f64.powf(gain_db / 20.0);
        let band = high.powf(0.4996667741545416);
        let a0 = 1.0 + k / q + k * k;
        let shelf = [
            (high + band * k / q + k * k) / a0,
            2.0 * (k * k - high) / a0,
            (high - band * k / q + k * k) / a0,
            2.0 * (k * k - 1.0) / a0,
            (1.0 - k / q + k * k) / a0,
        ];
        let (hz, q) = (38.13547087602444, 0.5003270373238773);
        let k = tangent(hz);
        let a0 = 1.0 + k / q + k * k;
        KWeighting { shelf, pass: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0] }
    }

    /// One sample through both filters, in transposed direct form II.
    #[inline(always)]
    fn step(&self, x: f64, state: &mut [f64; 4]) -> f64 {
        let [b0, b1, b2, a1, a2] = self.shelf;
        let y = b0 * x + state[0];
        state[0] = b1 * x - a1 * y + state[1];
        state[1] = b2 * x - a2 * y;
        let [c1, c2] = self.pass;
        let z = y + state[2];
        state[2] = -2.0 * y - c1 * z + state[3];
        state[3] = y - c2 * z;
        z
    }

    /// Sum of the weighted squares of `C` interleaved channels, which go through the filters side by side.
    fn squares<const C: usize>(&self, data: &[f32], channels: &mut [Channel]) -> f64 {
        let mut states = [[0.0; 4]; C];
        for (state, channel) in states.iter_mut().zip(channels.iter()) {
            *state = channel.state;
        }
        let mut sums = [0.0; C];
        for frame in data.chunks_exact(C) {
            for at in 0..C {
                let sample = finite(frame[at]);
                let y = self.step(sample, &mut states[at]);
                sums[at] += y * y;
            }
        }
        let mut total = 0.0;
        for ((channel, state), sum) in channels.iter_mut().zip(states).zip(sums) {
            channel.state = state;
            total += channel.weight * sum;
        }
        total
    }

    fn squares_of_many(&self, data: &[f32], channels: &mut [Channel]) -> f64 {
        let count = channels.len();
        let mut total = 0.0;
        for (at, channel) in channels.iter_mut().enumerate().filter(|(_, c)| c.weight > 0.0) {
            let mut sum = 0.0;
            for frame in data.chunks_exact(count) {
                let y = self.step(finite(frame[at]), &mut channel.state);
                sum += y * y;
            }
            total += channel.weight * sum;
        }
        total
    }
}

/// A sample that is no number would stay in the filters for ever.
#[inline(always)]
fn finite(sample: f32) -> f64 {
    if sample.is_finite() { f64::from(sample) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ebur128::{EbuR128, Mode};
    use omnivale_timeline::Time;

    /// A signal that swells, with different channels.
    fn signal(rate: u32, channels: u16, seconds: f64) -> Vec<f32> {
        let frames = (f64::from(rate) * seconds) as usize;
        let sample = |n: usize, c: u16| {
            let t = n as f64 / f64::from(rate);
            let swell = 0.02 + 0.4 * (t * 0.4).sin().powi(2);
            (swell * (t * 2000.0 * f64::from(c + 1)).sin() + 0.1 * (t * 150.0).sin()) as f32
        };
        (0..frames)
            .flat_map(|n| (0..channels).map(move |c| (n, c)))
            .map(|(n, c)| sample(n, c))
            .collect()
    }

    fn measure(rate: u32, channels: u16, data: &[f32], chunk: usize) -> Option<Loudness> {
        let mut meter = LoudnessMeter::new();
        for data in data.chunks(chunk * usize::from(channels)) {
            meter.push(&SamplesView { time: Time::ZERO, sample_rate: rate, channels, data });
        }
        meter.finish()
    }

    #[test]
    fn a_stereo_tone_has_its_level() {
        // Tech 3341, test case 1: 1 kHz at -23 dBFS (peak) in both channels reads -23.0 LUFS.
        let amplitude = 10f64.powf(-23.0 / 20.0);
        let tone = |n: usize| (amplitude * (n as f64 * std::f64::consts::TAU / 48.0).sin()) as f32;
        let data: Vec<f32> = (0..48_000 * 20).flat_map(|n| [tone(n); 2]).collect();
        let loudness = measure(48_000, 2, &data, 1024).unwrap();
        assert!((loudness.integrated_lufs + 23.0).abs() < 0.1, "{loudness:?}");
        assert!((loudness.momentary_max_lufs + 23.0).abs() < 0.1);
        assert!(loudness.range_lu < 0.1);
    }

    #[test]
    fn agrees_with_the_reference_implementation() {
        for (rate, channels) in [(48_000, 2), (44_100, 1), (16_000, 2), (48_000, 6), (22_050, 4)] {
            let data = signal(rate, channels, 25.0);
            let ours = measure(rate, channels, &data, 777).unwrap();
            let mode = Mode::I | Mode::LRA | Mode::M;
            let mut theirs = EbuR128::new(u32::from(channels), rate, mode).unwrap();
            let mut loudest = f64::NEG_INFINITY;
            for part in data.chunks((rate / 10) as usize * usize::from(channels)) {
                theirs.add_frames_f32(part).unwrap();
                loudest = loudest.max(theirs.loudness_momentary().unwrap());
            }
            let expected = Loudness {
                integrated_lufs: theirs.loudness_global().unwrap(),
                range_lu: theirs.loudness_range().unwrap(),
                momentary_max_lufs: loudest,
            };
            let close = |a: f64, b: f64, by: f64| (a - b).abs() < by;
            assert!(
                close(ours.integrated_lufs, expected.integrated_lufs, 0.02),
                "{ours:?} {expected:?}"
            );
            assert!(close(ours.momentary_max_lufs, expected.momentary_max_lufs, 0.02));
            // They count windows from the first 3 s on in another phase.
            assert!(close(ours.range_lu, expected.range_lu, 0.6), "{ours:?} {expected:?}");
        }
    }

    #[test]
    fn silence_and_nothing_have_no_loudness() {
        assert_eq!(LoudnessMeter::new().finish(), None);
        assert_eq!(measure(48_000, 2, &vec![0.0; 96_000 * 2], 1024), None);
        assert_eq!(measure(48_000, 1, &signal(48_000, 1, 0.3), 1024), None, "less than one window");
    }
}
