//! A product in blocks: rows packed once a task, panels of outputs streaming past them.
//!
//! Every sum goes over the inputs in runs of 32 whose order is their own, whatever the number of rows: a row's result
//! does not depend on its company, nor on the number of threads. For that a single row, too, goes through tiles: they
//! are as high as there are rows, and what counts for few rows is the memory that the weight comes from.

use half::bf16;

use super::tiles::{Heights, INPUTS, LINE, OUTPUTS, ROWS, Run, STEP_BYTES, Tiles};
use crate::level::Work;
use crate::memory::with_scratch;
use crate::product::{Block, Whole};
use crate::simd::Simd;

/// Bytes of packed rows that stay in a core's second cache beside the weight that streams through it: processors with
/// AMX have 2 MiB.
const BLOCK_BYTES: usize = 1 << 20;
/// Most rows of a task, and fewest where the second cache has no room for them.
const TASK_ROWS: (usize, usize) = (64, 256);
/// Steps of a panel that all blocks of a task pass over before the next ones: 1280 inputs.
const CHUNK: usize = 40;

/// Computes `whole`, whose weight is packed for tiles; `values` are its rows.
pub(crate) fn product(whole: &Whole<'_>, values: &[bf16]) {
    let steps = whole.weight.steps() * 2 / INPUTS;
    let panels = whole.weight.outputs.div_ceil(OUTPUTS);
    let fitting = BLOCK_BYTES / (LINE * steps.max(1));
    let most = fitting.clamp(TASK_ROWS.0, TASK_ROWS.1) / ROWS * ROWS;
    let narrowest = if whole.rows > ROWS { 8 } else { 1 };
    whole.each(most, (panels, narrowest), |rows, panels| {
        let blocks = rows.1.div_ceil(ROWS);
        let heights = Heights::of(rows.1.div_ceil(blocks));
        let padded = blocks * heights.rows();
        with_scratch(padded * (4 * OUTPUTS + LINE * steps), |scratch| {
            let sums = scratch.cast::<f32>();
            // SAFETY: the packed rows come after the sums.
            let packed = unsafe { scratch.add(padded * 4 * OUTPUTS) };
            let part = Part { whole, values, steps, rows, panels, blocks, heights, sums, packed };
            whole.weight.level.run(part);
        });
    });
}

/// Some rows times some panels.
struct Part<'a> {
    whole: &'a Whole<'a>,
    values: &'a [bf16],
    steps: usize,
    /// First and count.
    rows: (usize, usize),
    panels: (usize, usize),
    blocks: usize,
    heights: Heights,
    /// [`OUTPUTS`] for each row of the blocks.
    sums: *mut f32,
    /// For each block, for each step, a line for each row.
    packed: *mut u8,
}

impl Work for Part<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (whole, steps) = (self.whole, self.steps);
        let height = self.heights.rows();
        let right = whole.weight.lines.as_ptr::<u8>();
        // SAFETY: a weight is packed for tiles where there are some (see `Packed::new`), and this task has no others.
        // All pointers are to whole steps of packed rows and panels, and to sums of the scratch.
        unsafe {
            self.pack::<S>();
            let tiles = Tiles::new(self.heights);
            for panel in self.panels.0..self.panels.0 + self.panels.1 {
                for begin in (0..steps).step_by(CHUNK) {
                    for block in 0..self.blocks {
                        tiles.multiply(Run {
                            steps: CHUNK.min(steps - begin),
                            left: self.packed.add((block * steps + begin) * height * LINE),
                            right: right.add((panel * steps + begin) * STEP_BYTES),
                            sums: self.sums.add(block * height * OUTPUTS),
                            fresh: begin == 0,
                        });
                    }
                }
                let block = Block {
                    sums: self.sums,
                    width: OUTPUTS,
                    rows: self.rows,
                    column: panel * OUTPUTS,
                };
                block.write::<S>(&whole.epilogue, whole.out, whole.weight.outputs);
            }
        }
    }
}

impl Part<'_> {
    /// Packs the rows, zero beyond the last row and the last input.
    ///
    /// # Safety
    /// As for [`Simd`]; there is room for all blocks.
    #[inline(always)]
    unsafe fn pack<S: Simd>(&self) {
        let (inputs, height) = (self.whole.left.inputs, self.heights.rows());
        let whole = inputs / INPUTS;
        for row in 0..self.blocks * height {
            // SAFETY: the line of a row, a step and its block is within the packed rows.
            let line = |step: usize| unsafe {
                let block = row / height * self.steps;
                self.packed.add(((block + step) * height + row % height) * LINE)
            };
            if row >= self.rows.1 {
                // SAFETY: as above.
                (0..self.steps).for_each(|step| unsafe { line(step).write_bytes(0, LINE) });
                continue;
            }
            let from = &self.values[(self.rows.0 + row) * inputs..][..inputs];
            for step in 0..whole {
                let from = from[step * INPUTS..].as_ptr().cast::<f32>();
                let to = line(step).cast::<f32>();
                // SAFETY: a line is whole vectors of words, on both sides; only bits are moved.
                unsafe {
                    for at in (0..LINE / 4).step_by(S::LANES) {
                        S::store(to.add(at), S::load(from.add(at)));
                    }
                }
            }
            for step in whole..self.steps {
                let rest = &from[step * INPUTS..];
                // SAFETY: fewer than a line's values are left, and a line is theirs.
                unsafe {
                    line(step).write_bytes(0, LINE);
                    line(step).cast::<bf16>().copy_from_nonoverlapping(rest.as_ptr(), rest.len());
                }
            }
        }
    }
}
