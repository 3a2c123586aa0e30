//! The widest vector instructions the machine has, for loops that the compiler vectorises.

/// Runs `work`, compiled a second time for the vector instructions of newer processors and chosen at
/// run time. Only what is inlined into `work` profits: its functions are `#[inline(always)]`.
/// Integer arithmetic, and floating-point arithmetic without reordering, give the same bits either
/// way, so results do not depend on the machine.
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
