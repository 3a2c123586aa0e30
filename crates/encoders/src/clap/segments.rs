//! How AVicuna cuts a soundtrack for CLAP: 10 s every 4 s.

use omnivale_signal::clap_mel::{CLAP_RATE, CLAP_SAMPLES};

/// Samples from segment to segment: 4 s.
pub const SEGMENT_STEP: usize = 4 * CLAP_RATE as usize;
/// A rest beyond whole tens of seconds is dropped up to this many samples: 1 s.
const DROPPED_REST: usize = CLAP_RATE as usize;

/// Number of segments of a soundtrack of so many samples at 48 kHz. None if it is not longer than 1 s, which makes
/// the published code fail.
#[must_use]
pub fn segment_count(samples: usize) -> usize {
    match padded(samples) {
        0 => 0,
        samples => (samples - CLAP_SAMPLES) / SEGMENT_STEP + 1,
    }
}

/// Samples after the rest beyond whole tens of seconds is dropped (up to 1 s of it) or filled up.
fn padded(samples: usize) -> usize {
    let rest = samples % CLAP_SAMPLES;
    if rest <= DROPPED_REST { samples - rest } else { samples - rest + CLAP_SAMPLES }
}

/// Cuts a soundtrack as it comes; holds some 10 s of it.
///
/// ```
/// use omnivale_encoders::clap::ClapSegments;
///
/// let mut segments = Vec::new();
/// let mut cutter = ClapSegments::new();
/// for _ in 0..13 {
///     cutter.push(&[0.0; 48_000], &mut segments);
/// }
/// assert_eq!(segments.len(), 1);
/// cutter.finish(&mut segments);
/// assert_eq!(segments.len(), 3, "13 s are filled up to 20 s: from 0, 4 and 8 s on");
/// ```
#[derive(Clone, Debug, Default)]
pub struct ClapSegments {
    /// From the start of the next segment on.
    held: Vec<f32>,
    /// Samples so far.
    total: usize,
}

impl ClapSegments {
    /// Before the first sample.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes mono samples at 48 kHz, and adds to `segments` those that are now complete, of 10 s each.
    ///
    /// A segment is complete as soon as its samples are there: none ends in a rest that will be dropped, because
    /// segments end on even seconds.
    pub fn push(&mut self, samples: &[f32], segments: &mut Vec<Vec<f32>>) {
        self.total += samples.len();
        self.held.extend_from_slice(samples);
        self.cut(segments);
    }

    /// Drops a rest of up to 1 s, fills up a longer one with zeros, and adds the last segments.
    pub fn finish(mut self, segments: &mut Vec<Vec<f32>>) {
        if let Some(lacking) = padded(self.total).checked_sub(self.total) {
            self.held.resize(self.held.len() + lacking, 0.0);
            self.cut(segments);
        }
    }

    fn cut(&mut self, segments: &mut Vec<Vec<f32>>) {
        let mut start = 0;
        while self.held.len() - start >= CLAP_SAMPLES {
            segments.push(self.held[start..start + CLAP_SAMPLES].to_vec());
            start += SEGMENT_STEP;
        }
        self.held.drain(..start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(seconds: f64) -> usize {
        (seconds * f64::from(CLAP_RATE)) as usize
    }

    #[test]
    fn counts_are_those_of_the_published_rule() {
        let counts = [
            (0.0, 0),
            (1.0, 0),
            (1.1, 1),
            (10.0, 1),
            (11.0, 1),
            (11.5, 3),
            (14.0, 3),
            (21.0, 3),
            (60.0, 13),
        ];
        for (length, count) in counts {
            assert_eq!(segment_count(seconds(length)), count, "{length} s");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn pieces_do_not_matter(total in 0usize..25 * 48_000, piece in 1_000usize..600_000) {
            let samples: Vec<f32> = (0..total).map(|n| n as f32).collect();
            let mut cutter = ClapSegments::new();
            let mut segments = Vec::new();
            for part in samples.chunks(piece) {
                cutter.push(part, &mut segments);
            }
            cutter.finish(&mut segments);
            prop_assert_eq!(segments.len(), segment_count(total));
            for (at, segment) in segments.iter().enumerate() {
                prop_assert_eq!(segment.len(), CLAP_SAMPLES);
                for (n, value) in segment.iter().enumerate().step_by(997) {
                    let sample = at * SEGMENT_STEP + n;
                    let expected = if sample < total { sample as f32 } else { 0.0 };
                    prop_assert_eq!(*value, expected);
                }
            }
        }
    }
}
