//! What can be wrong with the choice of a kernel or a device.

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

/// Why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No device has this name.
    #[error(
        "no device is called {name}; there are auto, cpu, cuda and cuda:N, N the number of a GPU"
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The program was built without CUDA.
    #[error(
        "this program was built without CUDA; build one with `cargo build --release -p omnivale-cli --features cuda`, \
         and without CUDA installed scripts/cuda-tree.sh gets what that needs"
    )]
    NotBuilt,
    /// There is no driver.
    #[error("there is no NVIDIA driver here: {file} cannot be loaded ({reason})")]
    NoDriver {
        /// The driver's library.
        file: &'static str,
        /// What the system says.
        reason: String,
    },
    /// The driver is there and no GPU of this number.
    #[error("there is no GPU {asked}: the driver knows of {found}, counted from 0")]
    NoGpu {
        /// The number that was asked for.
        asked: usize,
        /// How many there are.
        found: usize,
    },
    /// It is there and cannot compute.
    #[error("GPU {number} cannot be used: {reason}{}", missing(.libraries))]
    Refused {
        /// Its number.
        number: usize,
        /// What the driver or a library says.
        reason: String,
        /// Libraries that could not be loaded.
        libraries: Vec<&'static str>,
    },
}

fn missing(libraries: &[&str]) -> String {
    match libraries {
        [] => String::new(),
        some => format!(
            "; {} cannot be loaded: they belong to CUDA 13, and LD_LIBRARY_PATH says where they are",
            some.join(", ")
        ),
    }
}

impl From<KernelError> for candle_core::Error {
    fn from(error: KernelError) -> Self {
        Self::wrap(error)
    }
}
