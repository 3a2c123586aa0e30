//! The instructions themselves: four tiles of sums from a run of steps, in one piece of assembly.

use std::arch::asm;
use std::marker::PhantomData;

/// Inputs of a step: the pairs of bf16 that a tile's row of 64 bytes holds.
pub(crate) const INPUTS: usize = 32;
/// Outputs of a block: two tiles side by side.
pub(crate) const OUTPUTS: usize = 32;
/// Most rows of a block: two tiles one above the other.
pub(super) const ROWS: usize = 32;
/// Bytes of a tile's row.
pub(super) const LINE: usize = 64;

/// Rows of the upper and the lower tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heights {
    pub(super) upper: usize,
    pub(super) lower: usize,
}

impl Heights {
    /// For blocks of `rows` rows, at most [`ROWS`]. A tile cannot be empty, so a single row gets a second one beside it.
    pub(super) fn of(rows: usize) -> Self {
        debug_assert!((1..=ROWS).contains(&rows), "{rows} rows in two tiles");
        Self { upper: rows.div_ceil(2), lower: (rows / 2).max(1) }
    }

    /// Rows of a block.
    pub(super) fn rows(self) -> usize {
        self.upper + self.lower
    }
}

/// What LDTILECFG reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    /// Bytes of a row of each tile.
    bytes: [u16; 16],
    rows: [u8; 16],
}

/// The tiles of the calling thread, configured for blocks of one height until this is dropped.
///
/// Sums are tiles 0 to 3 (upper left, upper right, lower left, lower right), rows 4 and 5, outputs 6 and 7.
pub(super) struct Tiles {
    heights: Heights,
    /// The configuration is the thread's.
    thread: PhantomData<*mut ()>,
}

impl Tiles {
    /// Configures the tiles.
    ///
    /// # Safety
    /// [`missing`](super::missing) has found nothing missing. No other `Tiles` of the thread are alive.
    pub(super) unsafe fn new(heights: Heights) -> Self {
        let (upper, lower) = (heights.upper as u8, heights.lower as u8);
        let mut bytes = [0; 16];
        bytes[..8].fill(LINE as u16);
        let mut rows = [0; 16];
        rows[..8].copy_from_slice(&[upper, upper, lower, lower, upper, lower, 16, 16]);
        let configuration = Configuration { palette: 1, start: 0, reserved: [0; 14], bytes, rows };
        // SAFETY: the processor has the instruction, which reads the 64 bytes and empties the tiles; the compiler keeps
        // nothing in them.
        unsafe {
            asm!(
                "ldtilecfg [{configuration}]",
                configuration = in(reg) &raw const configuration,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, preserves_flags, readonly),
            );
        }
        Self { heights, thread: PhantomData }
    }

    /// Computes a block of sums.
    ///
    /// # Safety
    /// The pointers are good for what [`Run`] says.
    pub(super) unsafe fn multiply(&self, run: Run) {
        debug_assert!(run.steps > 0, "a run of no steps");
        let upper = self.heights.upper;
        // SAFETY: the tiles are configured; loads and stores are of whole tiles within what the caller vouches for.
        unsafe {
            asm!(
                "test {fresh:e}, {fresh:e}",
                "jz 2f",
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "jmp 3f",
                "2:",
                "tileloadd tmm0, [{sums} + {wide}]",
                "tileloadd tmm1, [{sums} + {wide} + 64]",
                "tileloadd tmm2, [{lower_sums} + {wide}]",
                "tileloadd tmm3, [{lower_sums} + {wide} + 64]",
                "3:",
                "tileloadd tmm4, [{left} + {line}]",
                "tileloadd tmm6, [{right} + {wide}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{right} + {wide} + 64]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{lower_left} + {line}]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {left}, {left_step}",
                "add {lower_left}, {left_step}",
                "add {right}, {right_step}",
                "dec {steps}",
                "jnz 3b",
                "tilestored [{sums} + {wide}], tmm0",
                "tilestored [{sums} + {wide} + 64], tmm1",
                "tilestored [{lower_sums} + {wide}], tmm2",
                "tilestored [{lower_sums} + {wide} + 64], tmm3",
                fresh = in(reg) u32::from(run.fresh),
                left = inout(reg) run.left => _,
                lower_left = inout(reg) run.left.wrapping_byte_add(upper * LINE) => _,
                left_step = in(reg) self.heights.rows() * LINE,
                right = inout(reg) run.right => _,
                right_step = const STEP_BYTES,
                sums = in(reg) run.sums,
                lower_sums = in(reg) run.sums.wrapping_add(upper * OUTPUTS),
                steps = inout(reg) run.steps => _,
                line = in(reg) LINE,
                wide = in(reg) 2 * LINE,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the processor has the instruction, for it had configured the tiles.
        unsafe {
            asm!(
                "tilerelease",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, preserves_flags, nomem),
            );
        }
    }
}

/// Bytes of a step of the right side: 16 pairs of inputs by [`OUTPUTS`] outputs.
pub(super) const STEP_BYTES: usize = INPUTS / 2 * OUTPUTS * 4;

/// Some steps of a block of the height that the tiles are configured for.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// At least one.
    pub(super) steps: usize,
    /// For each step, for each row of the block, [`INPUTS`] bf16.
    pub(super) left: *const u8,
    /// For each step, for each pair of inputs, [`OUTPUTS`] pairs of bf16.
    pub(super) right: *const u8,
    /// Rows of [`OUTPUTS`] sums, as many as the block has.
    pub(super) sums: *mut f32,
    /// Whether the sums begin at zero rather than at what is there.
    pub(super) fresh: bool,
}

/// Multiplies tiles of zeros `rounds` times four, for the most that can be had of the processor, and returns the
/// multiplications and additions done.
///
/// # Safety
/// [`missing`](super::missing) has found nothing missing.
pub(crate) unsafe fn spin(rounds: usize) -> f64 {
    // SAFETY: the caller's promise; nothing but tiles is touched, which were emptied when they were configured.
    unsafe {
        let _tiles = Tiles::new(Heights::of(ROWS));
        asm!(
            "2:",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "dec {rounds}",
            "jnz 2b",
            rounds = inout(reg) rounds.max(1) => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, nomem),
        );
    }
    (rounds.max(1) * 2 * ROWS * OUTPUTS * INPUTS) as f64
}
