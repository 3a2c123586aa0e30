//! Products by the library that candle uses, for processors that this crate has no vectors for.

use rayon::prelude::*;

use crate::level::{Level, Work};
use crate::memory::{Out, Values};
use crate::product::{Block, Epilogue, Whole};
use crate::simd::Simd;

/// Rows whose sums are computed at a time, so that they are still near when the epilogue comes.
const ROWS: usize = 256;

/// Computes `whole`, whose weight is `[outputs, inputs]` in f32.
pub(crate) fn product(whole: &Whole<'_>) {
    let (inputs, outputs) = (whole.weight.inputs, whole.weight.outputs);
    let mut sums = vec![0f32; ROWS.min(whole.rows) * outputs];
    let mut wide = Vec::new();
    for first in (0..whole.rows).step_by(ROWS) {
        let rows = ROWS.min(whole.rows - first);
        let values = whole.left.values.part(first * inputs, (first + rows) * inputs);
        let x: &[f32] = match values {
            Values::F32(values) => values,
            Values::Bf16(values) => {
                wide.clear();
                wide.extend(values.iter().map(|value| value.to_f32()));
                &wide
            }
            Values::F16(values) => {
                wide.clear();
                wide.extend(values.iter().map(|value| value.to_f32()));
                &wide
            }
        };
        // SAFETY: all three have the sizes and strides that are told.
        unsafe {
            gemm::gemm(
                rows,
                outputs,
                inputs,
                sums.as_mut_ptr(),
                1,
                outputs as isize,
                false,
                x.as_ptr(),
                1,
                inputs as isize,
                whole.weight.lines.as_ptr::<f32>(),
                inputs as isize,
                1,
                0.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::Rayon(rayon::current_num_threads()),
            );
        }
        finish(&mut sums, rows, first, outputs, whole.weight.level, &whole.epilogue, whole.out);
    }
}

/// The epilogue of rows of sums, in parallel.
pub(crate) fn finish(
    sums: &mut [f32],
    rows: usize,
    first: usize,
    outputs: usize,
    level: Level,
    epilogue: &Epilogue<'_>,
    out: Out<'_>,
) {
    sums.par_chunks_mut(outputs).take(rows).enumerate().for_each(|(row, sums)| {
        let block =
            Block { sums: sums.as_mut_ptr(), width: outputs, rows: (first + row, 1), column: 0 };
        level.run(Finish { block, epilogue, out, outputs });
    });
}

struct Finish<'a> {
    block: Block,
    epilogue: &'a Epilogue<'a>,
    out: Out<'a>,
    outputs: usize,
}

impl Work for Finish<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the block is one row of the result, and no other task has it.
        unsafe { self.block.write::<S>(self.epilogue, self.out, self.outputs) }
    }
}
