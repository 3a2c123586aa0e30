//! Products by the library that candle uses, for processors that this crate has no vectors for.

use rayon::prelude::*;

use crate::level::Work;
use crate::memory::{Out, Shared, Values};
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
        finish(&mut sums, (first, rows), whole);
    }
}

/// The epilogue of rows of sums (the first of the result, and count), in parallel.
fn finish(sums: &mut [f32], (first, rows): (usize, usize), whole: &Whole<'_>) {
    sums.par_chunks_mut(whole.weight.outputs).take(rows).enumerate().for_each(|(row, sums)| {
        finish_here(Shared::new(sums.as_mut_ptr()), (first + row, 1), whole);
    });
}

/// The same by the calling thread, which alone has these rows.
pub(crate) fn finish_here(sums: Shared<'_, f32>, rows: (usize, usize), whole: &Whole<'_>) {
    let outputs = whole.weight.outputs;
    let block = Block { sums: sums.get(), width: outputs, rows, column: 0 };
    let (epilogue, out) = (&whole.epilogue, whole.out);
    whole.weight.level.run(Finish { block, epilogue, out, outputs });
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
