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
    /// What it asks for on the way, because it is multiplied next: where that begins, and bytes for each block.
    next: (*const u8, usize),
    /// Whether it is the only one of its panels, and asks for what it needs itself soon.
    soon: bool,
}

/// Bytes ahead of what a single tile multiplies that are fetched: further than the processor looks by itself.
const AHEAD: usize = 4096;
/// Most tiles that share the fetching of what comes; with more of them a product does not wait for memory.
const FETCHING: usize = 16;

impl Part<'_> {
    /// # Safety
    /// As for [`Dot`] and [`Simd`]; the rows, the panels and the result are there.
    #[inline(always)]
    pub(super) unsafe fn run<S: Simd, D: Dot>(self) {
        const WIDTH: usize = TOGETHER * PANEL;
        let (first, rows) = self.rows;
        let most = match self.panels.format {
            BlockFormat::Q8_0 => D::ROWS_Q8_0,
            BlockFormat::Q4K => D::ROWS_Q4K,
        };
        let tiles = rows.div_ceil(most);
        let blocks = self.x.row_scales;
        let fetched = if tiles <= FETCHING { self.panels.block_bytes().div_ceil(tiles) } else { 0 };
        for at in self.pairs.0..self.pairs.0 + self.pairs.1 {
            let pair = self.panels.pair(at);
            for tile in 0..tiles {
                let (row, rows) = share(rows, tiles, tile);
                let sums = self.sums.wrapping_add(row * WIDTH);
                let soon = tiles == 1;
                let next = self.panels.pair(at + 1).wrapping_add(tile * blocks * fetched);
                let next = (next, if soon { 0 } else { fetched });
                let tile = Tile { x: self.x, row: first + row, pair, first: 0, sums, next, soon };
                // SAFETY: the caller's promise.
                unsafe {
                    match (self.panels.format, fetched > 0) {
                        (BlockFormat::Q8_0, true) => tile.rows::<D, true, true>(rows),
                        (BlockFormat::Q8_0, false) => tile.rows::<D, true, false>(rows),
                        (BlockFormat::Q4K, true) => tile.rows::<D, false, true>(rows),
                        (BlockFormat::Q4K, false) => tile.rows::<D, false, false>(rows),
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
    /// As for [`Part::run`]; at most [`Dot::ROWS_Q8_0`] rows.
    #[inline(always)]
    unsafe fn rows<D: Dot, const WHOLE: bool, const FETCH: bool>(self, rows: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match rows {
                1 => self.multiply::<D, WHOLE, FETCH, 1>(),
                2 => self.multiply::<D, WHOLE, FETCH, 2>(),
                3 if D::ROWS_Q8_0 >= 3 => self.multiply::<D, WHOLE, FETCH, 3>(),
                4 if D::ROWS_Q8_0 >= 4 => self.multiply::<D, WHOLE, FETCH, 4>(),
                5 if D::ROWS_Q8_0 >= 5 => self.multiply::<D, WHOLE, FETCH, 5>(),
                6 if D::ROWS_Q8_0 >= 6 => self.multiply::<D, WHOLE, FETCH, 6>(),
                _ => debug_assert_eq!(rows, 0, "a tile has at most {} rows", D::ROWS_Q8_0),
            }
        }
    }

    #[inline(always)]
    unsafe fn multiply<D: Dot, const WHOLE: bool, const FETCH: bool, const ROWS: usize>(self) {
        // SAFETY: the caller's promise.
        unsafe {
            match (WHOLE, D::BOTH) {
                (true, true) => self.q8_0::<D, FETCH, ROWS, TOGETHER>(),
                (false, true) => self.q4k::<D, FETCH, ROWS, TOGETHER>(),
                _ => {
                    for first in 0..TOGETHER {
                        let sums = self.sums.add(first * PANEL);
                        let panel = Self { first, sums, ..self };
                        if WHOLE {
                            panel.q8_0::<D, FETCH, ROWS, 1>()
                        } else {
                            panel.q4k::<D, FETCH, ROWS, 1>()
                        }
                    }
                }
            }
        }
    }

    /// Asks for this block's part of what comes next; beyond the end of the weight that is nothing that matters.
    #[inline(always)]
    unsafe fn fetch<D: Dot>(&self, block: usize) {
        let (from, bytes) = self.next;
        for at in (0..bytes).step_by(64) {
            // SAFETY: a request reads nothing.
            unsafe { D::fetch(from.wrapping_add(block * bytes + at), false) };
        }
    }

    /// The same for a tile that is alone: asks for `BYTES` bytes that it needs soon after those at `from`.
    #[inline(always)]
    unsafe fn fetch_soon<D: Dot, const BYTES: usize>(&self, from: *const u8) {
        if self.soon {
            for at in (0..BYTES).step_by(64) {
                // SAFETY: as above.
                unsafe { D::fetch(from.wrapping_add(AHEAD + at), true) };
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
    unsafe fn q8_0<D: Dot, const FETCH: bool, const ROWS: usize, const WIDE: usize>(&self) {
        // SAFETY: the caller's promise; panels have as many blocks as rows have.
        unsafe {
            let places = Places::Q8_0;
            let mut totals = [[D::number(0.0); WIDE]; ROWS];
            for block in 0..self.x.row_scales {
                let from = self.pair.add(block * places.block());
                if FETCH {
                    self.fetch::<D>(block);
                    self.fetch_soon::<D, { Places::Q8_0.block() }>(from);
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
    unsafe fn q4k<D: Dot, const FETCH: bool, const ROWS: usize, const WIDE: usize>(&self) {
        // SAFETY: the caller's promise; panels have as many blocks as rows have.
        unsafe {
            let places = Places::Q4K;
            let mut totals = [[D::number(0.0); WIDE]; ROWS];
            for block in 0..self.x.row_scales {
                let from = self.pair.add(block * places.block());
                let here = from;
                if FETCH {
                    self.fetch::<D>(block);
                }
                let beside = from.add(places.beside(self.first));
                let from = from.add(self.first * places.values);
                // Sums of whole numbers, at most 256 * 15 * 127 * 63: as f32 they are exact to one in 2^24.
                let mut scaled = [[D::number(0.0); WIDE]; ROWS];
                let mut below = [[D::word(0); WIDE]; ROWS];
                for pair in 0..4 {
                    if FETCH {
                        let part = here.add(pair * places.block() / 4);
                        self.fetch_soon::<D, { Places::Q4K.block() / 4 }>(part);
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
