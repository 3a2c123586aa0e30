//! A weight-free description of what a stretch sounds like.

use crate::sound_frame::COEFFICIENTS;
use crate::sound_track::SoundFrame;

/// Frames per row: 512 ms.
pub const FRAMES_PER_ROW: usize = 16;
/// Coefficients that take part; the 0th is the level, which says little about what is heard.
const SHAPE: usize = 8;
/// Values per row: means and deviations of 13 coefficients, then eight measures of character.
pub const DESCRIPTOR_WIDTH: usize = 2 * SHAPE + 8;

/// Typical spread of each coefficient's mean and deviation over sounds of all kinds, in dB; dividing by them lets every
/// coefficient count alike. Coefficient `k` of a smooth spectrum falls about as `1 / k`.
fn spread(k: usize) -> f32 {
    60.0 / k as f32 + 6.0
}

/// Collects rows; one row is of unit length, or zero if all its frames are silent.
pub(crate) struct DescriptorMeter {
    silent_db: f32,
    frames: Vec<(SoundFrame, [f32; COEFFICIENTS])>,
    values: Vec<f32>,
}

impl DescriptorMeter {
    /// Frames below `silent_db` do not take part.
    pub(crate) fn new(silent_db: f32) -> DescriptorMeter {
        DescriptorMeter {
            silent_db,
            frames: Vec::with_capacity(FRAMES_PER_ROW),
            values: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, frame: &SoundFrame, mfcc: &[f32; COEFFICIENTS]) {
        self.frames.push((*frame, *mfcc));
        if self.frames.len() == FRAMES_PER_ROW {
            self.close();
        }
    }

    fn close(&mut self) {
        let row = row(&self.frames, self.silent_db);
        self.values.extend_from_slice(&row);
        self.frames.clear();
    }

    /// The values, shape `[rows, DESCRIPTOR_WIDTH]`; a row that was begun is closed.
    pub(crate) fn finish(mut self) -> Vec<f32> {
        if !self.frames.is_empty() {
            self.close();
        }
        self.values
    }
}

/// Mean and standard deviation.
pub(crate) fn moments(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let count = values.clone().count().max(1) as f32;
    let mean = values.clone().sum::<f32>() / count;
    let variance = values.map(|v| (v - mean) * (v - mean)).sum::<f32>() / count;
    (mean, variance.sqrt())
}

fn row(all: &[(SoundFrame, [f32; COEFFICIENTS])], silent_db: f32) -> [f32; DESCRIPTOR_WIDTH] {
    let mut row = [0.0; DESCRIPTOR_WIDTH];
    let frames: Vec<_> = all.iter().filter(|(frame, _)| frame.rms_db > silent_db).collect();
    if frames.is_empty() {
        return row;
    }
    for k in 1..=SHAPE {
        let (mean, deviation) = moments(frames.iter().map(|(_, mfcc)| mfcc[k]));
        row[k - 1] = mean / spread(k);
        row[SHAPE + k - 1] = deviation / spread(k);
    }
    let of =
        |pick: fn(&SoundFrame) -> f32| moments(frames.iter().map(move |(frame, _)| pick(frame)));
    let (centroid, centroid_spread) = of(|f| (f.centroid_hz.max(50.0) / 1000.0).log2());
    let (_, level_spread) = of(|f| f.rms_db);
    row[2 * SHAPE..].copy_from_slice(&[
        centroid / 2.0,
        centroid_spread,
        level_spread / 10.0,
        of(|f| f.flatness).0 * 2.0 - 0.5,
        of(|f| f.harmonicity).0 * 2.0 - 1.0,
        of(|f| f.tonality).0 * 2.0 - 1.0,
        of(|f| f.mfcc_change).0 / 5.0,
        of(|f| f.voice).0 * 2.0 - 1.0,
    ]);
    let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    row.map(|v| v / norm)
}
