//! From a decoded picture to the small one, converting only the pixels that are read.

use omnivale_timeline::{ColorMatrix, ColorRange, PictureView, Pixels, Plane};

use crate::small_picture::{Sampling, SmallPicture, small_size};
use crate::yuv::YuvToBgr;

/// Makes small pictures, reusing its tables and buffers from one to the next.
///
/// `Exact` reproduces, bit for bit, a full conversion by libswscale to BGR followed by OpenCV's
/// `resize(..., INTER_LINEAR)`, yet converts only the up to four pixels that each output pixel is
/// made of (one in 25 at 1280 x 720).
#[derive(Debug)]
pub struct Downscaler {
    sampling: Sampling,
    source: (u32, u32),
    target: (usize, usize),
    columns: Taps,
    rows: Taps,
    colours: Option<(ColorMatrix, ColorRange, YuvToBgr)>,
    row: RowBuffers,
}

/// Where each output position of one axis reads, and how much it weighs.
#[derive(Debug, Default)]
struct Taps {
    /// First source position.
    first: Vec<u32>,
    /// Second source position, within the picture.
    second: Vec<u32>,
    /// Weight of the first, of 2048.
    first_weight: Vec<i16>,
    /// Weight of the second, of 2048.
    second_weight: Vec<i16>,
    /// Whether any second weight is not zero.
    blends: bool,
}

/// One source row at the columns that are read: first taps, then second taps.
#[derive(Debug, Default)]
struct RowBuffers {
    luma: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
    /// Blue, green, red at the taps.
    taps: [Vec<u8>; 3],
    /// Upper and lower source row, blended horizontally, with seven fraction bits.
    blended: [[Vec<i16>; 3]; 2],
}

impl Downscaler {
    /// A downscaler for pictures of any size; tables are made for the first one and remade when the size changes.
    pub fn new(sampling: Sampling) -> Downscaler {
        Downscaler {
            sampling,
            source: (0, 0),
            target: (0, 0),
            columns: Taps::default(),
            rows: Taps::default(),
            colours: None,
            row: RowBuffers::default(),
        }
    }

    /// Fills `small` from `view`, at the size that [`small_size`] says.
    pub fn downscale(&mut self, view: &PictureView<'_>, small: &mut SmallPicture) {
        self.downscale_to(view, small_size(view.width, view.height), small);
    }

    /// Fills `small` from `view` at a size of the caller's choice, stretching if need be.
    pub fn downscale_to(
        &mut self,
        view: &PictureView<'_>,
        (width, height): (usize, usize),
        small: &mut SmallPicture,
    ) {
        if self.source != (view.width, view.height) || self.target != (width, height) {
            self.columns = Taps::new(view.width, width, self.sampling);
            self.rows = Taps::new(view.height, height, self.sampling);
            (self.source, self.target) = ((view.width, view.height), (width, height));
            self.row.resize(width * if self.columns.blends { 2 } else { 1 }, width);
        }
        (small.time, small.index) = (view.time, view.index);
        small.resize(width, height);
        for y in 0..height {
            self.gather(view, self.rows.first[y], 0);
            let blend = self.rows.second_weight[y] != 0;
            if blend {
                self.gather(view, self.rows.second[y], 1);
            }
            let weights = (self.rows.first_weight[y], self.rows.second_weight[y]);
            let [upper, lower] = &self.row.blended;
            for ((plane, upper), lower) in small.planes_mut().into_iter().zip(upper).zip(lower) {
                let out = &mut plane[y * width..(y + 1) * width];
                if blend {
                    for ((out, upper), lower) in out.iter_mut().zip(upper).zip(lower) {
                        *out = ((high(*upper, weights.0) + high(*lower, weights.1) + 2) >> 2) as u8;
                    }
                } else {
                    for (out, upper) in out.iter_mut().zip(upper) {
                        *out = ((high(*upper, weights.0) + 2) >> 2) as u8;
                    }
                }
            }
        }
    }

    /// Reads source row `y` at the taps, converts and blends it horizontally into `blended[slot]`.
    fn gather(&mut self, view: &PictureView<'_>, y: u32, slot: usize) {
        let width = view.width as usize;
        let second: &[u32] = if self.columns.blends { &self.columns.second } else { &[] };
        let columns = || self.columns.first.iter().chain(second).copied();
        let row = &mut self.row;
        match view.pixels {
            Pixels::Yuv420 { y: luma, u, v, matrix, range } => {
                let converter = match self.colours {
                    Some((m, r, converter)) if (m, r) == (matrix, range) => converter,
                    _ => YuvToBgr::new(matrix, range),
                };
                self.colours = Some((matrix, range, converter));
                let luma = bytes(luma, y as usize, width);
                let u = bytes(u, y as usize / 2, width.div_ceil(2));
                let v = bytes(v, y as usize / 2, width.div_ceil(2));
                for (out, x) in row.luma.iter_mut().zip(columns()) {
                    *out = luma.get(x as usize).copied().unwrap_or(0);
                }
                for ((out_u, out_v), x) in row.u.iter_mut().zip(&mut row.v).zip(columns()) {
                    let x = x as usize / 2;
                    *out_u = u.get(x).copied().unwrap_or(0);
                    *out_v = v.get(x).copied().unwrap_or(0);
                }
                let [blue, green, red] = &mut row.taps;
                let bgr = blue.iter_mut().zip(green).zip(red);
                for (((blue, green), red), ((luma, u), v)) in
                    bgr.zip(row.luma.iter().zip(&row.u).zip(&row.v))
                {
                    [*blue, *green, *red] = converter.convert(*luma, *u, *v);
                }
            }
            Pixels::Bgr24(plane) => {
                let packed = bytes(plane, y as usize, 3 * width);
                let [blue, green, red] = &mut row.taps;
                let bgr = blue.iter_mut().zip(green).zip(red);
                for (((blue, green), red), x) in bgr.zip(columns()) {
                    let x = 3 * x as usize;
                    if let Some(&[b, g, r]) = packed.get(x..x + 3) {
                        (*blue, *green, *red) = (b, g, r);
                    }
                }
            }
        }
        for (taps, out) in row.taps.iter().zip(&mut row.blended[slot]) {
            let (first, second) = taps.split_at(out.len().min(taps.len()));
            let weighted = first.iter().zip(&self.columns.first_weight);
            if self.columns.blends {
                let other = second.iter().zip(&self.columns.second_weight);
                for ((out, (a, wa)), (b, wb)) in out.iter_mut().zip(weighted).zip(other) {
                    let sum = i32::from(*a) * i32::from(*wa) + i32::from(*b) * i32::from(*wb);
                    *out = (sum >> 4) as i16;
                }
            } else {
                for (out, a) in out.iter_mut().zip(first) {
                    // A weight of 2048, shifted right by four bits.
                    *out = i16::from(*a) << 7;
                }
            }
        }
    }
}

impl Taps {
    /// OpenCV's positions and 11-bit weights for half-pixel centres.
    fn new(source: u32, target: usize, sampling: Sampling) -> Taps {
        let scale = f64::from(source) / target.max(1) as f64;
        let last = source.saturating_sub(1);
        let mut taps = Taps::default();
        for out in 0..target {
            // Single precision here is OpenCV's, and decides the last bit of some weights.
            let position = ((out as f64 + 0.5) * scale - 0.5) as f32;
            let floor = position.floor();
            let mut fraction = position - floor;
            let mut first = floor.max(0.0) as u32;
            if floor < 0.0 || first >= last {
                (first, fraction) = (first.min(last), 0.0);
            }
            let mut weights =
                [1.0 - fraction, fraction].map(|w| (w * 2048.0).round_ties_even() as i16);
            if sampling == Sampling::Fast {
                first = if weights[1] > weights[0] { (first + 1).min(last) } else { first };
                weights = [2048, 0];
            }
            taps.first.push(first);
            taps.second.push((first + 1).min(last));
            taps.first_weight.push(weights[0]);
            taps.second_weight.push(weights[1]);
            taps.blends |= weights[1] != 0;
        }
        taps
    }
}

impl RowBuffers {
    fn resize(&mut self, taps: usize, width: usize) {
        for plane in [&mut self.luma, &mut self.u, &mut self.v].into_iter().chain(&mut self.taps) {
            plane.resize(taps, 0);
        }
        for plane in self.blended.iter_mut().flatten() {
            plane.resize(width, 0);
        }
    }
}

/// The upper half of the product: `(a * b) >> 16`.
#[inline(always)]
fn high(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

/// Row `y` of a plane; empty where the plane is too short, so that a damaged view reads as black.
fn bytes(plane: Plane<'_>, y: usize, length: usize) -> &[u8] {
    let start = y.saturating_mul(plane.stride);
    plane.data.get(start..start.saturating_add(length)).unwrap_or(&[])
}
