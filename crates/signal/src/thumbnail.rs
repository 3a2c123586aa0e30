//! Small pictures for people to look at.

use omnivale_timeline::{PictureView, Pixels};

use crate::yuv::YuvToBgr;

/// A packed picture in square pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Blue, green, red, one byte each, row after row without gaps.
    pub bgr: Vec<u8>,
}

/// The picture at most `max_width` pixels wide (and no larger than it is shown), in its display
/// aspect: each pixel is the mean of the source pixels it covers.
pub fn thumbnail(view: &PictureView<'_>, max_width: u32) -> Thumbnail {
    let (shown_width, shown_height) = (view.display.0.max(1), view.display.1.max(1));
    let width = shown_width.min(max_width.max(1));
    let scaled = u64::from(shown_height) * u64::from(width) + u64::from(shown_width) / 2;
    let height = (scaled / u64::from(shown_width)).clamp(1, u64::from(u32::MAX)) as u32;
    let pixel = pixels(view);
    let mut bgr = Vec::with_capacity(3 * width as usize * height as usize);
    for y in 0..height {
        let rows = covered(y, height, view.height);
        for x in 0..width {
            let columns = covered(x, width, view.width);
            let mut sums = [0u64; 3];
            for source_y in rows.clone() {
                for source_x in columns.clone() {
                    for (sum, sample) in sums.iter_mut().zip(pixel(source_x, source_y)) {
                        *sum += u64::from(sample);
                    }
                }
            }
            let count = (rows.len() * columns.len()).max(1) as u64;
            bgr.extend(sums.map(|sum| ((sum + count / 2) / count) as u8));
        }
    }
    Thumbnail { width, height, bgr }
}

/// The source positions that output position `out` of `outputs` covers; at least one, if there is any.
fn covered(out: u32, outputs: u32, sources: u32) -> std::ops::Range<usize> {
    let at = |edge: u32| (u64::from(edge) * u64::from(sources) / u64::from(outputs)) as usize;
    let (start, end) = (at(out), at(out + 1));
    start..end.max(start + 1).min((sources as usize).max(start))
}

/// Reads one pixel; black where the planes are too short.
fn pixels<'a>(view: &PictureView<'a>) -> Box<dyn Fn(usize, usize) -> [u8; 3] + 'a> {
    match view.pixels {
        Pixels::Yuv420 { y, u, v, matrix, range } => {
            let converter = YuvToBgr::new(matrix, range);
            Box::new(move |column, row| {
                let sample = |plane: omnivale_timeline::Plane<'a>, shift: usize| {
                    plane.data.get((row >> shift) * plane.stride + (column >> shift)).copied()
                };
                match (sample(y, 0), sample(u, 1), sample(v, 1)) {
                    (Some(y), Some(u), Some(v)) => converter.convert(y, u, v),
                    _ => [0; 3],
                }
            })
        }
        Pixels::Bgr24(plane) => Box::new(move |column, row| {
            let at = row * plane.stride + 3 * column;
            match plane.data.get(at..at + 3) {
                Some(&[b, g, r]) => [b, g, r],
                _ => [0; 3],
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::{ColorMatrix, ColorRange, Plane, Time};

    use super::*;

    fn view<'a>(size: (u32, u32), display: (u32, u32), pixels: Pixels<'a>) -> PictureView<'a> {
        PictureView { time: Time::ZERO, index: 0, width: size.0, height: size.1, display, pixels }
    }

    #[test]
    fn pixels_are_means_of_what_they_cover() {
        let data: Vec<u8> = [0u8, 100, 200, 40].iter().flat_map(|v| [*v, 0, 255]).collect();
        let pixels = Pixels::Bgr24(Plane { data: &data, stride: 12 });
        let small = thumbnail(&view((4, 1), (4, 1), pixels), 2);
        assert_eq!((small.width, small.height), (2, 1));
        assert_eq!(small.bgr, [50, 0, 255, 120, 0, 255]);
    }

    #[test]
    fn the_display_aspect_counts_and_nothing_is_enlarged() {
        let data = vec![7; 3 * 704 * 576];
        let pixels = Pixels::Bgr24(Plane { data: &data, stride: 3 * 704 });
        let wide = view((704, 576), (1024, 576), pixels);
        let small = thumbnail(&wide, 320);
        assert_eq!((small.width, small.height), (320, 180));
        assert_eq!(thumbnail(&wide, 4000).width, 1024);
        assert!(small.bgr.iter().all(|v| *v == 7));
    }

    #[test]
    fn planar_pictures_are_converted_and_damaged_ones_are_black() {
        let (luma, chroma) = (vec![235; 16 * 16], vec![128; 8 * 8]);
        let plane = |data, stride| Plane { data, stride };
        let (matrix, range) = (ColorMatrix::Bt601, ColorRange::Limited);
        let whole = Pixels::Yuv420 {
            y: plane(&luma, 16),
            u: plane(&chroma, 8),
            v: plane(&chroma, 8),
            matrix,
            range,
        };
        assert_eq!(thumbnail(&view((16, 16), (16, 16), whole), 1).bgr, [255; 3]);
        let torn = Pixels::Bgr24(plane(&[], 48));
        assert_eq!(thumbnail(&view((16, 16), (16, 16), torn), 1).bgr, [0; 3]);
    }
}
