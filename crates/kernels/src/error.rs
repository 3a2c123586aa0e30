//! What can be wrong with the choice of a kernel.

/// Why an implementation cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// No implementation has this name.
    #[error("OMNIVALE_KERNEL={name}: no such implementation; this machine has {available}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that can be asked for here.
        available: String,
    },
    /// There is one of this name, but not on this machine.
    #[error("OMNIVALE_KERNEL={name} cannot run here: {reason}; this machine has {available}")]
    Unavailable {
        /// What was asked for.
        name: &'static str,
        /// What it lacks.
        reason: String,
        /// The names that can be asked for here.
        available: String,
    },
}

impl From<KernelError> for candle_core::Error {
    fn from(error: KernelError) -> Self {
        Self::wrap(error)
    }
}
