//! A very small luma picture: what motion and texture are measured on.

use crate::small_picture::{SmallPicture, grey};

/// The longer side of a coarse picture is about this many pixels.
const SIDE: usize = 64;

/// Mean luma over square blocks of a small picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Coarse {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) luma: Vec<u8>,
}

impl Coarse {
    /// Fills itself from `picture`; pixels that make no whole block are left out.
    pub(crate) fn fill(&mut self, picture: &SmallPicture) {
        let block = (picture.width().max(picture.height()) / SIDE).max(1);
        (self.width, self.height) = (picture.width() / block, picture.height() / block);
        self.luma.clear();
        let [blue, green, red] = picture.planes();
        let mut sums = vec![0u32; self.width];
        let mut line = vec![0u8; picture.width()];
        for y in 0..self.height {
            sums.fill(0);
            for source_y in y * block..(y + 1) * block {
                let row = source_y * picture.width()..(source_y + 1) * picture.width();
                let bgr = blue[row.clone()].iter().zip(&green[row.clone()]).zip(&red[row]);
                for (out, ((b, g), r)) in line.iter_mut().zip(bgr) {
                    *out = grey(*b, *g, *r);
                }
                for (sum, pixels) in sums.iter_mut().zip(line.chunks_exact(block)) {
                    *sum += pixels.iter().map(|v| u32::from(*v)).sum::<u32>();
                }
            }
            let pixels = (block * block) as u32;
            self.luma.extend(sums.iter().map(|sum| ((sum + pixels / 2) / pixels) as u8));
        }
    }

    /// The pixel, or `None` outside.
    pub(crate) fn at(&self, x: usize, y: usize) -> Option<u8> {
        (x < self.width).then(|| self.luma.get(y * self.width + x).copied()).flatten()
    }
}
