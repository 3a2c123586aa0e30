//! Small pictures kept while decoding, evenly spread, never more than a fixed number.

use jpeg_encoder::{ColorType, Encoder};
use omnivale_signal::thumbnail;
use omnivale_timeline::{Duration, PictureView, Time};

use super::MeasureConfig;
use crate::report::Thumbnail;

/// Keeps a picture every step. When there are too many, every second one goes and the step doubles,
/// so the result depends on the pictures alone and memory does not grow with length.
pub(super) struct ThumbnailKeeper {
    width: u32,
    quality: u8,
    at_most: usize,
    step: Duration,
    due: Time,
    kept: Vec<Thumbnail>,
}

impl ThumbnailKeeper {
    pub(super) fn new(config: &MeasureConfig) -> ThumbnailKeeper {
        ThumbnailKeeper {
            width: config.thumbnail_width_px,
            quality: config.thumbnail_quality.clamp(1, 100),
            at_most: config.thumbnails_at_most.max(2),
            step: config.thumbnail_step_s.max(Duration::from_millis(1)),
            due: Time::from_micros(i64::MIN),
            kept: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, picture: &PictureView<'_>) {
        if picture.time < self.due {
            return;
        }
        if let Some(jpeg) = self.encode(picture) {
            self.kept.push(Thumbnail { time: picture.time, jpeg });
        }
        if self.kept.len() > self.at_most {
            let mut index = 0;
            self.kept.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.step = self.step * 2;
        }
        // From the last one kept, which need not be this one, so that the spacing stays even.
        self.due = self.kept.last().map_or(picture.time, |last| last.time) + self.step;
    }

    /// A picture as JPEG; `None` for one of no size, or too large a size for JPEG.
    fn encode(&self, picture: &PictureView<'_>) -> Option<Vec<u8>> {
        let small = thumbnail(picture, self.width);
        let (width, height) = (u16::try_from(small.width).ok()?, u16::try_from(small.height).ok()?);
        let mut jpeg = Vec::new();
        let encoder = Encoder::new(&mut jpeg, self.quality);
        encoder.encode(&small.bgr, width, height, ColorType::Bgr).ok()?;
        Some(jpeg)
    }

    pub(super) fn finish(self) -> Vec<Thumbnail> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use omnivale_timeline::{Pixels, Plane};

    #[test]
    fn a_long_video_keeps_few_pictures_evenly_spread() {
        let mut config = Config::default().measure;
        config.thumbnails_at_most = 8;
        let mut keeper = ThumbnailKeeper::new(&config);
        let grey = [128u8; 4 * 2 * 3];
        for index in 0..100u64 {
            keeper.push(&PictureView {
                time: Time::from_millis(index as i64 * 500),
                index,
                width: 4,
                height: 2,
                display: (4, 2),
                pixels: Pixels::Bgr24(Plane { data: &grey, stride: 12 }),
            });
        }
        let kept = keeper.finish();
        assert!((4..=8).contains(&kept.len()), "{}", kept.len());
        let gaps: Vec<f64> =
            kept.windows(2).map(|w| w[1].time.since(w[0].time).seconds()).collect();
        assert!(gaps.iter().all(|gap| *gap == gaps[0]), "{gaps:?}");
        assert_eq!(&kept[0].jpeg[..2], [0xFF, 0xD8]);
    }
}
