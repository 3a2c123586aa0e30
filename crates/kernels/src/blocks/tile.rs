//! The innermost product: a few rows times two panels, from the first to the last block.

use super::dot::Dot;
use super::pack::{Panels, Places};
use super::row::Rounded;
use super::{BlockFormat, PANEL, TOGETHER};
use crate::memory::Out;
use crate::product::{Block, Epilogue};
use crate::simd::Simd;
use crate::tile::share;

/// Rows times some pairs of panels.
pub(super) struct Part<'a> {
    pub(super) panels: &'a Panels,
    pub(super) x: &'a Rounded,
    /// First and count.
    pub(super) rows: (usize, usize),
    /// First and count of pairs of panels.
    pub(super) pairs: (usize, usize),
    pub(super) epilogue: &'a Epilogue<'a>,
    pub(super) out: Out<'a>,
    /// Room for `rows` times two panels.
    pub(super) sums: *mut f32,
}

/// One tile: where its rows, panels and sums are.
#[derive(Clone, Copy)]
struct Tile<'a> {
    x: &'a Rounded,
    /// Its first row.
    row: usize,
    /// Its pair of panels, from the first block on.
    pair: *const u8,
    /// Which of both is its first.
    first: usize,
    /// Rows of sums, two panels wide.
    sums: *mut f32,
    /// Whether it is the first to read its panels, and asks for what comes.
    fetches: bool,
}

/// Bytes ahead of what is multiplied that are fetched: further than the processor looks by itself.
const AHEAD: usize = 4096;

impl Part<'_> {
    /// # Safety
    /// As for [`Dot`] and [`Simd`]; the rows, the panels and the result are there.
    #[inline(always)]
    pub(super) unsafe fn run<S: Simd, D: Dot>(self) {
        const WIDTH: usize = TOGETHER * PANEL;
        let (first, rows) = self.rows;
        let tiles = rows.div_ceil(D::ROWS);
        for at in self.pairs.0..self.pairs.0 + self.pairs.1 {
            let pair = self.panels.pair(at);
            for tile in 0..tiles {
                let (row, rows) = share(rows, tiles, tile);
                let sums = self.sums.wrapping_add(row * WIDTH);
                let (x, row, fetches) = (self.x, first + row, tile == 0);
                let tile = Tile { x, row, pair, first: 0, sums, fetches };
                // SAFETY: the caller's promise.
                unsafe {
                    match self.panels.format {
                        BlockFormat::Q8_0 => tile.rows::<D, true>(rows),
                        BlockFormat::Q4K => tile.rows::<D, false>(rows),
                    }
                }
            }
            let column = at * WIDTH;
            let block = Block { sums: self.sums, width: WIDTH, rows: self.rows, column };
            // SAFETY: the sums are all there, and this part of the result is this task's own.
            unsafe { block.write::<S>(self.epilogue, self.out, self.panels.outputs) };
        }
    }
}

impl Tile<'_> {
    /// # Safety
    /// As for [`Part::run`]; at most [`Dot::ROWS`] rows.
    #[inline(always)]
    unsafe fn rows<D: Dot, const WHOLE: bool>(self, rows: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match rows {
                1 => self.multiply::<D, WHOLE, 1>(),
                2 => self.multiply::<D, WHOLE, 2>(),
                3 if D::ROWS >= 3 => self.multiply::<D, WHOLE, 3>(),
                4 if D::ROWS >= 4 => self.multiply::<D, WHOLE, 4>(),
                5 if D::ROWS >= 5 => self.multiply::<D, WHOLE, 5>(),
                6 if D::ROWS >= 6 => self.multiply::<D, WHOLE, 6>(),
                7 if D::ROWS >= 7 => self.multiply::<D, WHOLE, 7>(),
                8 if D::ROWS >= 8 => self.multiply::<D, WHOLE, 8>(),
                _ => debug_assert_eq!(rows, 0, "a tile has at most {} rows", D::ROWS),
            }
        }
    }

    #[inline(always)]
    unsafe fn multiply<D: Dot, const WHOLE: bool, const ROWS: usize>(self) {
        // SAFETY: the caller's promise.
        unsafe {
            // A panel of Q4_K has sums of both halves of its bytes: one at a time is what registers hold, and with many
            // rows of Q8_0, too.
            if WHOLE && ROWS <= 6 {
                self.q8_0::<D, ROWS, TOGETHER>();
            } else if !WHOLE && ROWS <= 2 {
                self.q4k::<D, ROWS, TOGETHER>();
            } else {
                for first in 0..TOGETHER {
                    let (sums, fetches) =
                        (self.sums.add(first * PANEL), self.fetches && first == 0);
                    let panel = Self { first, sums, fetches, ..self };
                    if WHOLE {
                        panel.q8_0::<D, ROWS, 1>();
                    } else {
                        panel.q4k::<D, ROWS, 1>();
                    }
                }
            }
        }
    }

    /// The four bytes of a row from `at` of it.
    #[inline(always)]
    unsafe fn four<D: Dot>(&self, row: usize, at: usize) -> D::I {
        let at = (self.row + row) * self.x.inputs + at;
        // SAFETY: the row has that many values.
        unsafe { D::word(self.x.values.as_ptr().add(at).cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn scale<D: Dot>(&self, row: usize, block: usize) -> D::F {
        // SAFETY: the row has that many blocks.
        unsafe {
            let at = (self.row + row) * self.x.row_scales + block;
            D::number(*self.x.scales.get_unchecked(at))
        }
    }

    #[inline(always)]
    unsafe fn sum<D: Dot>(&self, row: usize, run: usize) -> D::I {
        // SAFETY: the row has that many sums.
        unsafe { D::word(*self.x.sums.get_unchecked((self.row + row) * self.x.row_sums + run)) }
    }

    #[expect(clippy::needless_range_loop, reason = "plain loops unroll into registers")]
    #[inline(always)]
    unsafe fn q8_0<D: Dot, const ROWS: usize, const WIDE: usize>(&self) {
        // SAFETY: the caller's promise; panels have as many blocks as rows have.
        unsafe {
            let places = Places::Q8_0;
            let mut totals = [[D::number(0.0); WIDE]; ROWS];
            for block in 0..self.x.row_scales {
                let from = self.pair.add(block * places.block());
                if self.fetches {
                    ahead::<D>(from, places.block());
                }
                let mut sums = [[D::word(0); WIDE]; ROWS];
                for row in 0..ROWS {
                    sums[row] = [self.sum::<D>(row, block); WIDE];
                }
                for step in 0..8 {
                    let mut w = [D::word(0); WIDE];
                    for at in 0..WIDE {
                        let from = from.add((self.first + at) * places.values);
                        w[at] = D::load(from.add(step * 4 * PANEL));
                    }
                    for row in 0..ROWS {
                        let x = self.four::<D>(row, block * 32 + step * 4);
                        for at in 0..WIDE {
                            sums[row][at] = D::whole(w[at], x, sums[row][at]);
                        }
                    }
                }
                let mut scales = [D::number(0.0); WIDE];
                for at in 0..WIDE {
                    scales[at] = D::f16(from.add(places.beside(self.first + at)));
                }
                for row in 0..ROWS {
                    let scale = self.scale::<D>(row, block);
                    for at in 0..WIDE {
                        let scale = D::mul(scales[at], scale);
                        totals[row][at] = D::fma(D::numbers(sums[row][at]), scale, totals[row][at]);
                    }
                }
            }
            self.write::<D, ROWS, WIDE>(totals);
        }
    }

    #[expect(clippy::needless_range_loop, reason = "plain loops unroll into registers")]
    #[inline(always)]
    unsafe fn q4k<D: Dot, const ROWS: usize, const WIDE: usize>(&self) {
        // SAFETY: the caller's promise; panels have as many blocks as rows have.
        unsafe {
            let places = Places::Q4K;
            let mut totals = [[D::number(0.0); WIDE]; ROWS];
            for block in 0..self.x.row_scales {
                let from = self.pair.add(block * places.block());
                let beside = from.add(places.beside(self.first));
                let from = from.add(self.first * places.values);
                // Sums of whole numbers, at most 256 * 15 * 127 * 63: as f32 they are exact to one in 2^24.
                let mut scaled = [[D::number(0.0); WIDE]; ROWS];
                let mut below = [[D::word(0); WIDE]; ROWS];
                for pair in 0..4 {
                    if self.fetches {
                        ahead::<D>(from.add(pair * places.block() / 4), places.block() / 4);
                    }
                    let mut sums = [[[D::word(0); 2]; WIDE]; ROWS];
                    for step in 0..8 {
                        let mut w = [[D::word(0); 2]; WIDE];
                        for at in 0..WIDE {
                            let from = from.add(at * places.values);
                            let both = D::load(from.add((pair * 8 + step) * 4 * PANEL));
                            w[at] = [D::low(both), D::high(both)];
                        }
                        for row in 0..ROWS {
                            let from = block * 256 + pair * 64 + step * 4;
                            let x = [self.four::<D>(row, from), self.four::<D>(row, from + 32)];
                            for at in 0..WIDE {
                                for half in 0..2 {
                                    sums[row][at][half] =
                                        D::small(w[at][half], x[half], sums[row][at][half]);
                                }
                            }
                        }
                    }
                    for at in 0..WIDE {
                        let beside = beside.add(at * places.beside);
                        for half in 0..2 {
                            let scale = D::bytes(beside.add((2 * pair + half) * PANEL));
                            for row in 0..ROWS {
                                let sum = D::numbers(sums[row][at][half]);
                                scaled[row][at] = D::fma(sum, scale, scaled[row][at]);
                            }
                        }
                        let offsets = D::halves(beside.add((8 + 2 * pair) * PANEL));
                        for row in 0..ROWS {
                            let sums = self.sum::<D>(row, block * 4 + pair);
                            below[row][at] = D::pairs(offsets, sums, below[row][at]);
                        }
                    }
                }
                for at in 0..WIDE {
                    let beside = beside.add(at * places.beside + 16 * PANEL);
                    let (of_scales, of_offsets) = (D::f16(beside), D::f16(beside.add(2 * PANEL)));
                    for row in 0..ROWS {
                        let scale = self.scale::<D>(row, block);
                        let total = totals[row][at];
                        let total = D::fma(scaled[row][at], D::mul(of_scales, scale), total);
                        let below = D::numbers(below[row][at]);
                        totals[row][at] = D::fnma(below, D::mul(of_offsets, scale), total);
                    }
                }
            }
            self.write::<D, ROWS, WIDE>(totals);
        }
    }

    #[inline(always)]
    unsafe fn write<D: Dot, const ROWS: usize, const WIDE: usize>(
        &self,
        totals: [[D::F; WIDE]; ROWS],
    ) {
        for (row, totals) in totals.into_iter().enumerate() {
            for (at, total) in totals.into_iter().enumerate() {
                // SAFETY: there is room for every row's sums.
                unsafe { D::store(self.sums.add((row * TOGETHER + at) * PANEL), total) };
            }
        }
    }
}

/// Asks for the lines of `bytes` bytes far ahead of `from`; beyond the end it asks for nothing that matters.
#[inline(always)]
unsafe fn ahead<D: Dot>(from: *const u8, bytes: usize) {
    for at in (0..bytes).step_by(64) {
        // SAFETY: a request reads nothing.
        unsafe { D::fetch(from.wrapping_add(AHEAD + at)) };
    }
}
