//! Whole pictures as packed bytes.

use omnivale_timeline::{PictureView, Pixels};

use crate::yuv::YuvToBgr;

/// The picture as packed blue, green, red, `height` rows of `3 * width` bytes without padding, in `out`, whose content
/// is replaced. Bit for bit what OpenCV, and readers built on libswscale like it, give.
pub fn packed_bgr(picture: &PictureView<'_>, out: &mut Vec<u8>) {
    let (width, height) = (picture.width as usize, picture.height as usize);
    out.clear();
    out.reserve(3 * width * height);
    match picture.pixels {
        Pixels::Bgr24(plane) => {
            for row in 0..height {
                out.extend_from_slice(&plane.row(row)[..3 * width]);
            }
        }
        Pixels::Yuv420 { y, u, v, matrix, range } => {
            let convert = YuvToBgr::new(matrix, range);
            for row in 0..height {
                let (luma, u, v) = (&y.row(row)[..width], u.row(row / 2), v.row(row / 2));
                for (pair, luma) in luma.chunks(2).enumerate() {
                    for luma in luma {
                        out.extend_from_slice(&convert.convert(*luma, u[pair], v[pair]));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_timeline::{ColorMatrix, ColorRange, Plane, Time};

    fn picture(width: u32, height: u32, pixels: Pixels<'_>) -> PictureView<'_> {
        PictureView { time: Time::ZERO, index: 0, width, height, display: (width, height), pixels }
    }

    #[test]
    fn padding_is_left_out_and_chroma_is_shared_by_four() {
        let padded = [1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12];
        let mut out = Vec::new();
        packed_bgr(&picture(2, 2, Pixels::Bgr24(Plane { data: &padded, stride: 8 })), &mut out);
        assert_eq!(out, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

        // Three wide, two high: grey with a blue third column.
        let pixels = Pixels::Yuv420 {
            y: Plane { data: &[100; 6], stride: 3 },
            u: Plane { data: &[128, 200], stride: 2 },
            v: Plane { data: &[128, 128], stride: 2 },
            matrix: ColorMatrix::Bt601,
            range: ColorRange::Full,
        };
        packed_bgr(&picture(3, 2, pixels), &mut out);
        assert_eq!(out[..6], [100; 6]);
        assert_eq!(out[9..15], [100; 6]);
        assert_eq!(out[6..9], out[15..18]);
        assert!(out[6] > 200 && out[8] == 100, "{out:?}");
    }
}
