//! What the tests share: fixtures, and a sink that writes down what it is lent.

use std::path::{Path, PathBuf};

use omnivale_media::{Decoded, Flow, Request, Sink, Source};
use omnivale_timeline::{
    ColorMatrix, ColorRange, Duration, PictureView, Pixels, SamplesView, Time,
};

/// Everything there is to ask for.
pub(crate) const ALL: Request = Request {
    pictures: true,
    speech_samples: true,
    native_samples: true,
    keyframes_only: false,
    draft: false,
    threads: 1,
};

/// A clip beside the tests.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// How a picture's pixels were lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lent {
    Yuv420(ColorMatrix, ColorRange),
    Bgr24,
}

/// Size, display size and form of a picture.
pub(crate) type Shape = ((u32, u32), (u32, u32), Lent);

/// What was lent, without the pixels.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) times: Vec<Time>,
    /// Each size, display size and form, when it first comes or changes.
    pub(crate) shapes: Vec<Shape>,
    /// Blue, green, red at the centres of the nine ninths of the first picture, if lent as BGR.
    pub(crate) ninths: Vec<[u8; 3]>,
    pub(crate) speech: Track,
    pub(crate) native: Track,
}

/// Contiguous runs of samples.
#[derive(Debug, Default)]
pub(crate) struct Track {
    /// Start and number of samples per channel of each run.
    pub(crate) runs: Vec<(Time, usize)>,
    pub(crate) data: Vec<f32>,
}

impl Track {
    fn add(&mut self, view: &SamplesView<'_>) {
        assert_eq!(view.data.len() % usize::from(view.channels), 0);
        let count = view.data.len() / usize::from(view.channels);
        let length = |count: usize| {
            Duration::from_micros(count as u64 * 1_000_000 / u64::from(view.sample_rate))
        };
        match self.runs.last_mut() {
            Some((start, so_far)) => {
                let end = *start + length(*so_far);
                assert!(
                    view.time + Duration::from_micros(100) > end,
                    "runs overlap at {}",
                    view.time
                );
                if view.time.distance(end) < Duration::from_micros(100) {
                    *so_far += count;
                } else {
                    self.runs.push((view.time, count));
                }
            }
            None => self.runs.push((view.time, count)),
        }
        self.data.extend_from_slice(view.data);
    }
}

impl Sink for Recorder {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        assert_eq!(picture.index, self.times.len() as u64);
        assert!(self.times.last().is_none_or(|&last| last < picture.time));
        let (width, height) = (picture.width as usize, picture.height as usize);
        let lent = match picture.pixels {
            Pixels::Yuv420 { y, u, v, matrix, range } => {
                assert!(height.is_multiple_of(2));
                assert_eq!(y.data.len(), y.stride * (height - 1) + width);
                for chroma in [u, v] {
                    assert_eq!(
                        chroma.data.len(),
                        chroma.stride * (height / 2 - 1) + width.div_ceil(2)
                    );
                }
                Lent::Yuv420(matrix, range)
            }
            Pixels::Bgr24(plane) => {
                assert!(plane.data.len() >= plane.stride * (height - 1) + 3 * width);
                if self.ninths.is_empty() {
                    let centre = |size: usize, ninth: usize| size * (2 * ninth + 1) / 6;
                    for (row, column) in (0..9).map(|ninth| (ninth / 3, ninth % 3)) {
                        let start = 3 * centre(width, column);
                        let pixel = &plane.row(centre(height, row))[start..start + 3];
                        self.ninths.push([pixel[0], pixel[1], pixel[2]]);
                    }
                }
                Lent::Bgr24
            }
        };
        let shape = ((picture.width, picture.height), picture.display, lent);
        if self.shapes.last() != Some(&shape) {
            self.shapes.push(shape);
        }
        self.times.push(picture.time);
        Flow::Continue
    }

    fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        assert_eq!((samples.sample_rate, samples.channels), (omnivale_media::SPEECH_RATE, 1));
        self.speech.add(samples);
        Flow::Continue
    }

    fn native_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        self.native.add(samples);
        Flow::Continue
    }
}

/// Opens and decodes everything.
pub(crate) fn decode(path: &Path) -> (Source, Decoded, Recorder) {
    let source = Source::open(path).unwrap();
    let mut recorder = Recorder::default();
    let decoded = source.decode(&ALL, &mut recorder).unwrap();
    (source, decoded, recorder)
}

/// Instants in milliseconds.
pub(crate) fn millis(times: &[Time]) -> Vec<i64> {
    times.iter().map(|time| (time.micros() + 500).div_euclid(1000)).collect()
}
