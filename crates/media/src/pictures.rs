//! Decoded pictures, lent as planes where that is possible and as upright BGR where it is not.

use omnivale_timeline::{PictureView, Pixels, Time};

use crate::av::{BgrCanvas, Scaler, VideoFrame};
use crate::limits;

/// Sample aspects beyond this ratio are mistakes, not lenses.
const MAX_ASPECT: f64 = 20.0;

/// Turns decoded frames into views. Its buffers are reused from picture to picture.
pub(crate) struct PictureLender {
    scaler: Scaler,
    converted: BgrCanvas,
    turned: BgrCanvas,
    rotation: i32,
    aspect: Option<(i32, i32)>,
}

/// A frame without a usable picture: no size, too large, or a format swscale cannot read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unusable;

impl PictureLender {
    /// `rotation` (degrees clockwise) and `aspect` (of one sample) as the container has them; the
    /// frames' own count only where it has none.
    pub(crate) fn new(rotation: i32, aspect: Option<(i32, i32)>) -> PictureLender {
        PictureLender {
            scaler: Scaler::new(),
            converted: BgrCanvas::default(),
            turned: BgrCanvas::default(),
            rotation,
            aspect,
        }
    }

    /// The picture in `frame`.
    pub(crate) fn lend<'a>(
        &'a mut self,
        frame: &'a VideoFrame,
        time: Time,
        index: u64,
    ) -> Result<PictureView<'a>, Unusable> {
        let (width, height) = frame.size().ok_or(Unusable)?;
        if !size_is_honest(width, height) {
            return Err(Unusable);
        }
        let rotation = match self.rotation {
            0 => frame.rotation().unwrap_or(0),
            rotation => rotation,
        };
        let display = displayed(width, height, self.aspect.or(frame.aspect()), rotation);
        if rotation == 0
            && let Some(pixels) = frame.yuv420()
        {
            return Ok(PictureView { time, index, width, height, display, pixels });
        }
        self.scaler.convert(frame, &mut self.converted).map_err(|_| Unusable)?;
        if rotation == 0 {
            let pixels = Pixels::Bgr24(self.converted.plane());
            return Ok(PictureView { time, index, width, height, display, pixels });
        }
        turn(&self.converted, &mut self.turned, width as usize, height as usize, rotation);
        let (width, height) = upright(width, height, rotation);
        let pixels = Pixels::Bgr24(self.turned.plane());
        Ok(PictureView { time, index, width, height, display, pixels })
    }
}

/// Whether a picture of this size is within the limits.
pub(crate) fn size_is_honest(width: u32, height: u32) -> bool {
    width.max(height) <= limits::MAX_SIDE
        && u64::from(width) * u64::from(height) <= limits::MAX_PIXELS
}

/// Size after turning.
pub(crate) fn upright(width: u32, height: u32, rotation: i32) -> (u32, u32) {
    if rotation % 180 == 0 { (width, height) } else { (height, width) }
}

/// Size in square pixels after turning: the width is stretched, the rows are kept.
pub(crate) fn displayed(
    width: u32,
    height: u32,
    aspect: Option<(i32, i32)>,
    rotation: i32,
) -> (u32, u32) {
    let ratio = aspect.map_or(1.0, |(num, den)| f64::from(num) / f64::from(den));
    let ratio = if (1.0 / MAX_ASPECT..=MAX_ASPECT).contains(&ratio) { ratio } else { 1.0 };
    let width = (f64::from(width) * ratio).round().max(1.0) as u32;
    upright(width, height, rotation)
}

/// Turns a picture of `width` x `height` clockwise by a multiple of 90 degrees, pixel by pixel.
fn turn(from: &BgrCanvas, to: &mut BgrCanvas, width: usize, height: usize, rotation: i32) {
    let source = from.plane();
    let (turned_width, turned_height) =
        if rotation == 180 { (width, height) } else { (height, width) };
    to.reshape(turned_width, turned_height);
    for (y, row) in to.rows_mut().enumerate() {
        for (x, pixel) in row[..turned_width * 3].chunks_exact_mut(3).enumerate() {
            let (from_x, from_y) = match rotation {
                90 => (y, height - 1 - x),
                180 => (width - 1 - x, height - 1 - y),
                _ => (width - 1 - y, x),
            };
            let start = from_y * source.stride + from_x * 3;
            pixel.copy_from_slice(&source.data[start..start + 3]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 3x2 picture whose pixel (x, y) is (x, y, 7).
    fn picture() -> BgrCanvas {
        let mut canvas = BgrCanvas::default();
        canvas.reshape(3, 2);
        for (y, row) in canvas.rows_mut().enumerate() {
            for (x, pixel) in row[..9].chunks_exact_mut(3).enumerate() {
                pixel.copy_from_slice(&[x as u8, y as u8, 7]);
            }
        }
        canvas
    }

    fn turned(rotation: i32, width: usize) -> Vec<Vec<(u8, u8)>> {
        let mut canvas = BgrCanvas::default();
        turn(&picture(), &mut canvas, 3, 2, rotation);
        let rows = canvas.rows_mut();
        rows.map(|row| row[..width * 3].chunks_exact(3).map(|p| (p[0], p[1])).collect()).collect()
    }

    #[test]
    fn quarter_turns_move_every_pixel() {
        // Clockwise: the bottom row becomes the left column, read upwards it is the old first row.
        assert_eq!(turned(90, 2), [[(0, 1), (0, 0)], [(1, 1), (1, 0)], [(2, 1), (2, 0)]]);
        assert_eq!(turned(180, 3), [[(2, 1), (1, 1), (0, 1)], [(2, 0), (1, 0), (0, 0)]]);
        assert_eq!(turned(270, 2), [[(2, 0), (2, 1)], [(1, 0), (1, 1)], [(0, 0), (0, 1)]]);
    }

    #[test]
    fn display_size_applies_aspect_before_turning() {
        // PAL 16:9 as ffprobe reports it: 704x576 with 16:11 shows as 1024x576.
        assert_eq!(displayed(704, 576, Some((16, 11)), 0), (1024, 576));
        assert_eq!(displayed(704, 576, Some((16, 11)), 90), (576, 1024));
        assert_eq!(displayed(640, 360, Some((641, 640)), 0), (641, 360));
        assert_eq!(displayed(640, 360, Some((1, 1_000_000)), 0), (640, 360));
        assert_eq!(displayed(640, 360, None, 270), (360, 640));
    }

    #[test]
    fn sizes_are_bounded() {
        assert!(size_is_honest(16_384, 8_192));
        assert!(!size_is_honest(16_384, 8_193));
        assert!(!size_is_honest(16_385, 1));
    }
}
