//! Which frames of a video, and their pixels as the picture tower takes them.
//!
//! The steps of CLIP's own preprocessing as LongVALE applies it to tensors: to [0, 1], the short side to the model's
//! size by bicubic interpolation, the middle cut out, mean and deviation of the training pictures. What bicubic
//! interpolation overshoots is not clamped.

/// Mean of each channel of the training pictures; red, green, blue.
const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Standard deviation of each channel.
const DEVIATION: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// How a picture is made smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Antialias {
    /// Four pixels count for each new one (a = -0.75), however many there are: torchvision's way with tensors up to
    /// 0.16, by which LongVALE's features were made.
    #[default]
    Off,
    /// All pixels count (a = -0.5): later torchvision, and Pillow.
    On,
}

/// Makes the input of the picture tower.
#[derive(Clone, Copy, Debug)]
pub struct Preprocess {
    /// Side of the square it makes, in pixels.
    pub side: usize,
    /// How a picture is made smaller.
    pub antialias: Antialias,
}

impl Preprocess {
    /// The picture of `height` and `width` whose values `pixel(channel, row, column)` gives, channels red, green,
    /// blue. Returns `[3, side, side]`, row by row. A picture without pixels gives nothing.
    #[must_use]
    pub fn apply(
        &self,
        height: usize,
        width: usize,
        pixel: impl Fn(usize, usize, usize) -> u8,
    ) -> Vec<f32> {
        if height == 0 || width == 0 || self.side == 0 {
            return Vec::new();
        }
        let (rows, columns) = self.resized(height, width);
        let crop = |length| (middle(length, self.side), self.side);
        let rows = self.taps(height, rows, crop(rows));
        let columns = self.taps(width, columns, crop(columns));
        let mut out = Vec::with_capacity(3 * self.side * self.side);
        for channel in 0..3 {
            let plane = resample(&rows, &columns, |row, column| {
                f32::from(pixel(channel, row, column)) / 255.0
            });
            out.extend(plane.into_iter().map(|value| (value - MEAN[channel]) / DEVIATION[channel]));
        }
        out
    }

    /// Height and width after the short side has become the model's.
    fn resized(&self, height: usize, width: usize) -> (usize, usize) {
        let short = height.min(width);
        let scaled = |length: usize| (self.side as u128 * length as u128 / short as u128) as usize;
        (scaled(height), scaled(width))
    }

    /// The pixels that make each of the `kept` (first, count) of `to` new ones along an axis of `from`.
    fn taps(&self, from: usize, to: usize, kept: (usize, usize)) -> Vec<Taps> {
        let scale = from as f32 / to as f32;
        let taps = |at| match self.antialias {
            Antialias::Off => Taps::four(at, from, scale),
            Antialias::On => Taps::all(at, from, scale),
        };
        (kept.0..kept.0 + kept.1).map(taps).collect()
    }
}

/// First of the `kept` in the middle of `length`; half of an odd rest is rounded to even, as Python does.
fn middle(length: usize, kept: usize) -> usize {
    ((length - kept) as f64 / 2.0).round_ties_even() as usize
}

/// Consecutive pixels of an axis and their weights.
#[derive(Debug)]
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Taps {
    /// Four pixels about the place of the new one; those outside count as the one at the border.
    fn four(at: usize, from: usize, scale: f32) -> Self {
        let place = scale * (at as f32 + 0.5) - 0.5;
        let floor = place.floor();
        let last = from as i64 - 1;
        let inside = |tap: i64| (floor as i64 + tap).clamp(0, last) as usize;
        let first = inside(-1);
        let mut weights = vec![0.0; inside(2) - first + 1];
        for tap in -1..=2 {
            weights[inside(tap) - first] += cubic(place - floor - tap as f32, -0.75);
        }
        Self { first, weights }
    }

    /// All pixels under the new one; those outside do not count.
    fn all(at: usize, from: usize, scale: f32) -> Self {
        let wide = scale.max(1.0);
        let centre = scale * (at as f32 + 0.5);
        let first = (centre - 2.0 * wide + 0.5).max(0.0) as usize;
        let end = ((centre + 2.0 * wide + 0.5) as usize).min(from);
        let weight = |pixel: usize| cubic((pixel as f32 - centre + 0.5) / wide, -0.5);
        let mut weights: Vec<f32> = (first..end).map(weight).collect();
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Self { first, weights }
    }
}

/// The cubic convolution kernel (Keys 1981) with parameter `a`.
fn cubic(x: f32, a: f32) -> f32 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

/// New pixels, row by row: first along the rows that are needed, then across them.
fn resample(rows: &[Taps], columns: &[Taps], pixel: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let top = rows.iter().map(|taps| taps.first).min().unwrap_or(0);
    let end = rows.iter().map(|taps| taps.first + taps.weights.len()).max().unwrap_or(0);
    let mut narrow = Vec::with_capacity((end - top) * columns.len());
    for row in top..end {
        narrow.extend(columns.iter().map(|taps| {
            let weighed = taps.weights.iter().enumerate();
            weighed.map(|(at, weight)| weight * pixel(row, taps.first + at)).sum::<f32>()
        }));
    }
    let mut out = vec![0.0; rows.len() * columns.len()];
    for (taps, out) in rows.iter().zip(out.chunks_exact_mut(columns.len())) {
        for (at, weight) in taps.weights.iter().enumerate() {
            let row = &narrow[(taps.first - top + at) * columns.len()..][..columns.len()];
            out.iter_mut().zip(row).for_each(|(out, value)| *out += weight * value);
        }
    }
    out
}

/// `count` frame numbers from `first` to `last`, both in, at equal distances rounded down; a clip of fewer frames
/// repeats some. LongVALE takes 100.
#[must_use]
pub fn frame_indices(first: usize, last: usize, count: usize) -> Vec<usize> {
    // As NumPy's linspace: the last value is set, not computed.
    let step = last.saturating_sub(first) as f64 / (count.max(2) - 1) as f64;
    let place = |at: usize| {
        if at > 0 && at + 1 == count { last } else { (at as f64 * step + first as f64) as usize }
    };
    (0..count).map(place).collect()
}

/// First and last frame of the part from `start` to `end`, in seconds, of a video of `frames` at `rate` a second.
///
/// A part outside of the video is its nearest frame.
#[must_use]
pub fn frames_between(start: f64, end: f64, rate: f64, frames: usize) -> (usize, usize) {
    // A negative or undefined product becomes 0 in the conversion.
    let last = frames.saturating_sub(1);
    let first = ((rate * start) as usize).min(last);
    (first, ((rate * end) as usize).min(last).max(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::golden;
    use omnivale_weights::Weights;

    fn furthest(ours: &[f32], reference: &[f32]) -> f32 {
        assert_eq!(ours.len(), reference.len());
        ours.iter().zip(reference).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn golden_pictures_are_resized_and_normalised_in_both_ways() {
        let Some(folder) = golden("clip_vision") else { return };
        let file = Weights::open(folder.join("preprocess.safetensors")).unwrap();
        let flat = |name: &str| file.tensor(name).unwrap().flatten_all().unwrap();
        let frames = flat("frames_u8").to_vec1::<u8>().unwrap();
        for (antialias, name) in [(Antialias::Off, "false"), (Antialias::On, "true")] {
            let preprocess = Preprocess { side: 56, antialias };
            let resized = flat(&format!("resized_antialias_{name}")).to_vec1::<f32>().unwrap();
            let normalised =
                flat(&format!("normalized_antialias_{name}")).to_vec1::<f32>().unwrap();
            for (frame, pixels) in frames.chunks_exact(3 * 72 * 100).enumerate() {
                let pixel = |channel: usize, row: usize, column: usize| {
                    pixels[(channel * 72 + row) * 100 + column]
                };
                let (rows, columns) = preprocess.resized(72, 100);
                assert_eq!((rows, columns), (56, 77));
                let rows = preprocess.taps(72, rows, (0, rows));
                let columns = preprocess.taps(100, columns, (0, columns));
                let ours: Vec<f32> = (0..3)
                    .flat_map(|channel| {
                        resample(&rows, &columns, |row, column| {
                            f32::from(pixel(channel, row, column)) / 255.0
                        })
                    })
                    .collect();
                let off = furthest(&ours, &resized[frame * ours.len()..][..ours.len()]);
                assert!(off < 1e-5, "resized, antialias {name}: {off:e}");
                let ours = preprocess.apply(72, 100, pixel);
                let off = furthest(&ours, &normalised[frame * ours.len()..][..ours.len()]);
                assert!(off < 1e-4, "normalised, antialias {name}: {off:e}");
            }
        }
    }

    #[test]
    fn golden_frame_numbers_are_those_of_the_reference() {
        let Some(folder) = golden("clip_vision") else { return };
        let text = std::fs::read(folder.join("frame_indices.json")).unwrap();
        let cases: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&text).unwrap();
        for (name, expected) in &cases {
            let (first, last) = match name.parse::<usize>() {
                Ok(frames) => (0, frames - 1),
                Err(_) => {
                    assert_eq!(name, "split_30fps_12.5_40.2_of_1500");
                    frames_between(12.5, 40.2, 30.0, 1500)
                }
            };
            let expected: Vec<usize> = serde_json::from_value(expected.clone()).unwrap();
            assert_eq!(frame_indices(first, last, 100), expected, "{name}");
        }
    }

    #[test]
    fn a_plain_picture_stays_plain() {
        for antialias in [Antialias::Off, Antialias::On] {
            for (height, width) in [(7, 300), (300, 7), (1, 1), (8, 8)] {
                let grey = Preprocess { side: 8, antialias }.apply(height, width, |_, _, _| 255);
                assert_eq!(grey.len(), 3 * 64);
                let expected = (1.0 - MEAN[2]) / DEVIATION[2];
                assert!(
                    grey[128..].iter().all(|value| (value - expected).abs() < 1e-5),
                    "{height}x{width}"
                );
            }
        }
        assert!(
            Preprocess { side: 8, antialias: Antialias::Off }.apply(0, 5, |_, _, _| 0).is_empty()
        );
    }

    #[test]
    fn frame_numbers_stay_inside_the_video() {
        assert_eq!(frame_indices(0, 0, 3), [0, 0, 0]);
        assert_eq!(frame_indices(5, 9, 1), [5]);
        assert_eq!(frame_indices(5, 9, 0), Vec::<usize>::new());
        assert_eq!(frames_between(-3.0, 1e30, 25.0, 50), (0, 49));
        assert_eq!(frames_between(f64::NAN, 5.0, 25.0, 0), (0, 0));
        assert_eq!(frames_between(9.0, 4.0, 10.0, 1000), (90, 90));
    }
}
