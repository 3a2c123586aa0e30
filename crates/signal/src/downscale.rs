//! From a decoded picture to the small one, converting only the pixels that are read.

use omnivale_timeline::{PictureView, Pixels, Plane};

use crate::lanes;
use crate::small_picture::{Sampling, SmallPicture, small_size};
use crate::yuv::{RowConverter, upper_half};

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
    columns: Columns,
    rows: Vec<Tap>,
    row: Row,
    /// Upper and lower source row, blended horizontally: blue, green, red with seven fraction bits.
    blended: [[Vec<i16>; 3]; 2],
    /// The two weights of the current output row, repeated for each column.
    weights: [Vec<i16>; 2],
}

/// Where one output position of an axis reads: at `first` and at the position after it.
#[derive(Debug, Clone, Copy)]
struct Tap {
    first: u32,
    /// Weights of the two, of 2048.
    weights: [i16; 2],
}

/// The taps of the columns, as the inner loops want them.
#[derive(Debug, Default)]
struct Columns {
    first: Vec<u32>,
    /// Weights, two by two.
    weights: Vec<i16>,
    /// Whether any second weight is not zero; if none is, only the first tap of each is read.
    blend: bool,
}

/// One source row at the taps of the columns: for each column one sample, or two side by side.
#[derive(Debug, Default)]
struct Row {
    converter: RowConverter,
    luma: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
    /// Luma's share of all three colours.
    grey: Vec<i16>,
    /// Chroma's share of blue, green and red.
    tint: [Vec<i16>; 3],
    /// Which row of the chroma planes `tint` was made of.
    tint_row: Option<usize>,
    bgr: [Vec<i16>; 3],
}

impl Downscaler {
    /// A downscaler for pictures of any size; tables are made for the first one and remade when the size changes.
    pub fn new(sampling: Sampling) -> Downscaler {
        Downscaler {
            sampling,
            source: (0, 0),
            target: (0, 0),
            columns: Columns::default(),
            rows: Vec::new(),
            row: Row::default(),
            blended: Default::default(),
            weights: Default::default(),
        }
    }

    /// Fills `small` from `view`, at the size that [`small_size`] says.
    pub fn downscale(&mut self, view: &PictureView<'_>, small: &mut SmallPicture) {
        self.downscale_to(view, small_size(view.width, view.height), small);
    }

    /// Fills `small` from `view` at a size of the caller's choice, stretching if need be. Where the
    /// view's planes are shorter than it claims, the picture is black.
    pub fn downscale_to(
        &mut self,
        view: &PictureView<'_>,
        (width, height): (usize, usize),
        small: &mut SmallPicture,
    ) {
        self.prepare((view.width, view.height), (width, height));
        (small.time, small.index) = (view.time, view.index);
        small.resize(width, height);
        self.row.tint_row = None;
        lanes::widest(|| self.fill(view, width, small));
    }

    #[inline(always)]
    fn fill(&mut self, view: &PictureView<'_>, width: usize, small: &mut SmallPicture) {
        for y in 0..self.rows.len() {
            let Tap { first, weights } = self.rows[y];
            self.read(view, first as usize, 0);
            if weights[1] != 0 {
                self.read(view, first as usize + 1, 1);
                for (lanes, weight) in self.weights.iter_mut().zip(weights) {
                    lanes.fill(weight);
                }
            }
            let [upper, lower] = &self.blended;
            for ((plane, upper), lower) in small.planes_mut().into_iter().zip(upper).zip(lower) {
                let out = &mut plane[y * width..(y + 1) * width];
                if weights[1] != 0 {
                    blend_rows(out, [upper, lower], [&self.weights[0], &self.weights[1]]);
                } else {
                    for (out, upper) in out.iter_mut().zip(upper) {
                        // A weight of 2048 over 2^16 leaves a shift by five.
                        *out = (((upper >> 5) + 2) >> 2) as u8;
                    }
                }
            }
        }
    }

    fn prepare(&mut self, source: (u32, u32), target: (usize, usize)) {
        if (self.source, self.target) == (source, target) {
            return;
        }
        (self.source, self.target) = (source, target);
        let columns = taps(source.0, target.0, self.sampling);
        self.rows = taps(source.1, target.1, self.sampling);
        self.columns = Columns {
            first: columns.iter().map(|tap| tap.first).collect(),
            weights: columns.iter().flat_map(|tap| tap.weights).collect(),
            blend: columns.iter().any(|tap| tap.weights[1] != 0),
        };
        self.row.resize(target.0 * if self.columns.blend { 2 } else { 1 });
        let lanes = self.blended.iter_mut().flatten().chain(&mut self.weights);
        lanes.for_each(|lanes| lanes.resize(target.0, 0));
    }

    /// Reads source row `y` at the taps, converts it and blends it horizontally into `blended[slot]`.
    #[inline(always)]
    fn read(&mut self, view: &PictureView<'_>, y: usize, slot: usize) {
        if self.columns.blend {
            self.row.gather::<2>(view, y, &self.columns.first);
            for (out, bgr) in self.blended[slot].iter_mut().zip(&self.row.bgr) {
                blend_columns(out, bgr, &self.columns.weights);
            }
        } else {
            self.row.gather::<1>(view, y, &self.columns.first);
            for (out, bgr) in self.blended[slot].iter_mut().zip(&self.row.bgr) {
                for (out, sample) in out.iter_mut().zip(bgr) {
                    // The weight of 2048, less the four bits that blending drops.
                    *out = sample << 7;
                }
            }
        }
    }
}

impl Row {
    fn resize(&mut self, samples: usize) {
        for plane in [&mut self.luma, &mut self.u, &mut self.v] {
            plane.resize(samples, 0);
        }
        let planes = self.tint.iter_mut().chain(&mut self.bgr).chain([&mut self.grey]);
        planes.for_each(|plane| plane.resize(samples, 0));
    }

    /// Fills `bgr` with `TAPS` samples for each column.
    #[inline(always)]
    fn gather<const TAPS: usize>(&mut self, view: &PictureView<'_>, y: usize, columns: &[u32]) {
        let width = view.width as usize;
        match view.pixels {
            Pixels::Yuv420 { y: luma, u, v, matrix, range } => {
                self.converter.prepare(matrix, range, self.luma.len());
                pick::<TAPS>(&mut self.luma, line(luma, y, width), columns);
                self.converter.grey(&self.luma, &mut self.grey);
                if self.tint_row != Some(y / 2) {
                    self.tint_row = Some(y / 2);
                    pick_chroma::<TAPS>(&mut self.u, line(u, y / 2, width.div_ceil(2)), columns);
                    pick_chroma::<TAPS>(&mut self.v, line(v, y / 2, width.div_ceil(2)), columns);
                    self.converter.tint(&self.u, &self.v, &mut self.tint);
                }
                for (bgr, tint) in self.bgr.iter_mut().zip(&self.tint) {
                    for ((out, grey), tint) in bgr.iter_mut().zip(&self.grey).zip(tint) {
                        *out = grey.wrapping_add(*tint).clamp(0, 255);
                    }
                }
            }
            Pixels::Bgr24(plane) => {
                let packed = line(plane, y, 3 * width);
                let [blue, green, red] = &mut self.bgr;
                let [blue, green, red] = [blue, green, red].map(|p| p.as_chunks_mut::<TAPS>().0);
                for (((blue, green), red), x) in blue.iter_mut().zip(green).zip(red).zip(columns) {
                    let pixels = packed.get(3 * *x as usize..).unwrap_or(&[]).as_chunks::<3>().0;
                    for tap in 0..TAPS {
                        let [b, g, r] = pixels.get(tap).copied().unwrap_or([0; 3]).map(i16::from);
                        (blue[tap], green[tap], red[tap]) = (b, g, r);
                    }
                }
            }
        }
    }
}

/// Reads `TAPS` neighbouring samples at each column; black if the line is missing.
#[inline(always)]
fn pick<const TAPS: usize>(out: &mut [u8], line: &[u8], columns: &[u32]) {
    if line.is_empty() {
        return out.fill(0);
    }
    // Every tap lies within the line: `taps` made them so. Then a plain, checked index is the fastest.
    for (out, x) in out.as_chunks_mut::<TAPS>().0.iter_mut().zip(columns) {
        let x = *x as usize;
        out.copy_from_slice(&line[x..x + TAPS]);
    }
}

/// Reads the chroma samples of `TAPS` neighbouring pixels at each column.
#[inline(always)]
fn pick_chroma<const TAPS: usize>(out: &mut [u8], line: &[u8], columns: &[u32]) {
    if line.is_empty() {
        return out.fill(128);
    }
    for (out, x) in out.as_chunks_mut::<TAPS>().0.iter_mut().zip(columns) {
        *out = std::array::from_fn(|tap| line[(*x as usize + tap) / 2]);
    }
}

/// `(a * wa + b * wb) >> 4` for each pair of samples and pair of weights.
#[inline(always)]
fn blend_columns(out: &mut [i16], samples: &[i16], weights: &[i16]) {
    let pairs = samples.as_chunks::<2>().0.iter().zip(weights.as_chunks::<2>().0);
    for (out, ([a, b], [wa, wb])) in out.iter_mut().zip(pairs) {
        let sum = i32::from(*a) * i32::from(*wa) + i32::from(*b) * i32::from(*wb);
        *out = (sum >> 4) as i16;
    }
}

/// OpenCV's vertical blend: both products keep their upper 16 bits, then two bits are rounded off.
#[inline(always)]
fn blend_rows(out: &mut [u8], rows: [&[i16]; 2], weights: [&[i16]; 2]) {
    let upper = rows[0].iter().zip(weights[0]);
    let lower = rows[1].iter().zip(weights[1]);
    for ((out, (upper, wu)), (lower, wl)) in out.iter_mut().zip(upper).zip(lower) {
        *out = ((upper_half(*upper, *wu) + upper_half(*lower, *wl) + 2) >> 2) as u8;
    }
}

/// OpenCV's positions and 11-bit weights for half-pixel centres.
fn taps(source: u32, target: usize, sampling: Sampling) -> Vec<Tap> {
    // The reciprocal of a reciprocal is OpenCV's, too.
    let scale = 1.0 / (target.max(1) as f64 / f64::from(source.max(1)));
    let last = source.saturating_sub(1);
    let tap = |out: usize| {
        // Single precision here is OpenCV's, and decides the last bit of some weights.
        let position = ((out as f64 + 0.5) * scale - 0.5) as f32;
        let floor = position.floor();
        let first = floor.max(0.0) as u32;
        let fraction = if floor < 0.0 || first >= last { 0.0 } else { position - floor };
        let first = first.min(last);
        let weights = [1.0 - fraction, fraction].map(|w| (w * 2048.0).round_ties_even() as i16);
        match sampling {
            Sampling::Fast if weights[1] > weights[0] => {
                Tap { first: first + 1, weights: [2048, 0] }
            }
            Sampling::Fast => Tap { first, weights: [2048, 0] },
            Sampling::Exact => Tap { first, weights },
        }
    };
    let mut taps: Vec<Tap> = (0..target).map(tap).collect();
    if source > 1 && taps.iter().any(|tap| tap.weights[1] != 0) {
        // Two samples are read at each tap, so the last one moves back by one.
        for tap in taps.iter_mut().filter(|tap| tap.first == last) {
            *tap = Tap { first: last - 1, weights: [0, 2048] };
        }
    }
    taps
}

/// Row `y` of a plane; empty where the plane is too short.
#[inline(always)]
fn line(plane: Plane<'_>, y: usize, length: usize) -> &[u8] {
    let start = y.saturating_mul(plane.stride);
    plane.data.get(start..start.saturating_add(length)).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::{ColorMatrix, ColorRange, Time};
    use proptest::prelude::*;

    use super::*;
    use crate::yuv::YuvToBgr;

    /// The slow way: convert everything, then blend with OpenCV's formula as it is written down.
    fn reference(view: &PictureView<'_>, width: usize, height: usize) -> Vec<u8> {
        let pixel = |x: usize, y: usize, channel: usize| -> i32 {
            match view.pixels {
                Pixels::Yuv420 { y: luma, u, v, matrix, range } => {
                    let converter = YuvToBgr::new(matrix, range);
                    let (u, v) = (u.row(y / 2)[x / 2], v.row(y / 2)[x / 2]);
                    i32::from(converter.convert(luma.row(y)[x], u, v)[channel])
                }
                Pixels::Bgr24(plane) => i32::from(plane.row(y)[3 * x + channel]),
            }
        };
        let axis = |out: usize, target: usize, source: u32| -> (usize, usize, i32, i32) {
            let scale = f64::from(source) / target as f64;
            let position = ((out as f64 + 0.5) * scale - 0.5) as f32;
            let last = source as usize - 1;
            let at = position.floor();
            if at < 0.0 {
                return (0, 0, 2048, 0);
            }
            if at as usize >= last {
                return (last, last, 2048, 0);
            }
            let weight = |w: f32| (w * 2048.0).round_ties_even() as i32;
            (at as usize, at as usize + 1, weight(1.0 - (position - at)), weight(position - at))
        };
        let mut out = Vec::new();
        for channel in 0..3 {
            for y in 0..height {
                let (y0, y1, wy0, wy1) = axis(y, height, view.height);
                for x in 0..width {
                    let (x0, x1, wx0, wx1) = axis(x, width, view.width);
                    let row = |y| pixel(x0, y, channel) * wx0 + pixel(x1, y, channel) * wx1;
                    let (upper, lower) = (row(y0) >> 4, row(y1) >> 4);
                    let (upper, lower) = ((upper * wy0) >> 16, (lower * wy1) >> 16);
                    out.push(((upper + lower + 2) >> 2) as u8);
                }
            }
        }
        out
    }

    fn noise(length: usize, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn equals_the_slow_way(
            width in 1u32..700, half_height in 1u32..200, seed: u64, packed: bool, full: bool,
        ) {
            let height = 2 * half_height;
            let (w, h) = (width as usize, height as usize);
            let data = noise(3 * w * h + 4 * w, seed);
            let chroma = w.div_ceil(2);
            let (luma, rest) = data.split_at(w * h);
            let (u, v) = rest.split_at(chroma * h / 2);
            let pixels = if packed {
                Pixels::Bgr24(Plane { data: &data, stride: 3 * w })
            } else {
                Pixels::Yuv420 {
                    y: Plane { data: luma, stride: w },
                    u: Plane { data: u, stride: chroma },
                    v: Plane { data: v, stride: chroma },
                    matrix: ColorMatrix::Bt709,
                    range: if full { ColorRange::Full } else { ColorRange::Limited },
                }
            };
            let view = PictureView {
                time: Time::ZERO, index: 0, width, height, display: (width, height), pixels,
            };
            let mut small = SmallPicture::default();
            Downscaler::new(Sampling::Exact).downscale(&view, &mut small);
            let expected = reference(&view, small.width(), small.height());
            let differing = small.samples().iter().zip(&expected).position(|(a, b)| a != b);
            prop_assert_eq!(differing, None);
        }
    }

    #[test]
    fn a_view_without_its_bytes_is_black() {
        let plane = Plane { data: &[], stride: 0 };
        let pixels = Pixels::Bgr24(plane);
        let view = PictureView {
            time: Time::ZERO,
            index: 0,
            width: 640,
            height: 360,
            display: (640, 360),
            pixels,
        };
        let mut small = SmallPicture::default();
        Downscaler::new(Sampling::Exact).downscale(&view, &mut small);
        assert!(small.samples().iter().all(|s| *s == 0));
        assert_eq!((small.width(), small.height()), (256, 144));
    }
}
