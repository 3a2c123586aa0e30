//! Which implementation computes: the best this machine has, or the one that `OMNIVALE_KERNEL` names.

use std::cell::Cell;
use std::sync::OnceLock;

use candle_core::Device;

#[cfg(target_arch = "x86_64")]
use crate::amx;
use crate::level::Level;
use crate::{KernelError, memory, onednn};

thread_local! {
    /// What [`Kernel::used_in`] chose.
    static USED: Cell<Option<Kernel>> = const { Cell::new(None) };
}

/// An implementation of the products of matrices. Attention and norms always use the best vectors up to those of the
/// implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kernel {
    /// candle's operations one after the other, as they compute on a GPU: slow here, and for tests of that way. Unlike
    /// the others it rounds a product to the weight's format before what comes after it.
    Tensors,
    /// candle's own product, for any processor.
    Plain,
    /// Vectors of 8, with FMA.
    Avx2,
    /// Vectors of 16, and products of bf16 where the processor has them.
    Avx512,
    /// The library oneDNN 2, where it is installed.
    OneDnn,
    /// Products of bf16 by the tiles of AMX; the best vectors for everything else.
    Amx,
}

impl Kernel {
    /// All of them, the slowest first.
    pub const ALL: [Self; 6] =
        [Self::Tensors, Self::Plain, Self::Avx2, Self::Avx512, Self::OneDnn, Self::Amx];

    /// The name that `OMNIVALE_KERNEL` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tensors => "tensors",
            Self::Plain => "plain",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::OneDnn => "onednn",
            Self::Amx => "amx",
        }
    }

    /// Those that this machine can run.
    #[must_use]
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|kernel| kernel.missing().is_none()).collect()
    }

    /// The implementation that is used where nothing else is asked for: `OMNIVALE_KERNEL`, or else AMX, the best
    /// vectors, and oneDNN only on a processor that this crate has neither for. It is chosen once for the process;
    /// [`Kernel::used_in`] chooses another for a while.
    ///
    /// # Errors
    /// When the variable names something that there is not, or not here.
    pub fn chosen() -> Result<Self, KernelError> {
        if let Some(kernel) = USED.get() {
            return Ok(kernel);
        }
        static CHOSEN: OnceLock<Result<Kernel, KernelError>> = OnceLock::new();
        CHOSEN
            .get_or_init(|| {
                memory::keep_freed_pages();
                match std::env::var("OMNIVALE_KERNEL") {
                    Ok(name) if !name.is_empty() => Self::named(&name),
                    _ => Ok(Self::best()),
                }
            })
            .clone()
    }

    /// The implementation on a device: [`Kernel::Tensors`] on a GPU, the [`chosen`](Self::chosen) one on the processor.
    ///
    /// # Errors
    /// As there.
    pub fn chosen_on(device: &Device) -> Result<Self, KernelError> {
        if device.is_cpu() { Self::chosen() } else { Ok(Self::Tensors) }
    }

    /// Does `act` with this implementation as the [`chosen`](Self::chosen) one, on this thread alone: what is made and
    /// computed there uses it. For comparisons within one process.
    pub fn used_in<T>(self, act: impl FnOnce() -> T) -> T {
        /// Puts back what was there, also when `act` panics.
        struct Before(Option<Kernel>);
        impl Drop for Before {
            fn drop(&mut self) {
                USED.set(self.0);
            }
        }
        let _before = Before(USED.replace(Some(self)));
        act()
    }

    /// The implementation of this name.
    ///
    /// # Errors
    /// When there is none, or it cannot run here.
    pub fn named(name: &str) -> Result<Self, KernelError> {
        let available = || {
            let names: Vec<&str> = Self::available().into_iter().map(Self::name).collect();
            names.join(", ")
        };
        let Some(kernel) = Self::ALL.into_iter().find(|kernel| kernel.name() == name) else {
            return Err(KernelError::Unknown { name: name.to_owned(), available: available() });
        };
        match kernel.missing() {
            None => Ok(kernel),
            Some(reason) => Err(KernelError::Unavailable {
                name: kernel.name(),
                reason,
                available: available(),
            }),
        }
    }

    fn best() -> Self {
        let own = [Self::Amx, Self::Avx512, Self::Avx2];
        let own = own.into_iter().find(|kernel| kernel.missing().is_none());
        own.unwrap_or_else(|| {
            if Self::OneDnn.missing().is_none() { Self::OneDnn } else { Self::Plain }
        })
    }

    /// What this machine lacks for it.
    fn missing(self) -> Option<String> {
        match self {
            Self::Tensors | Self::Plain => None,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => (Level::best() < Level::Avx2)
                .then(|| "the processor has no AVX2 with FMA and F16C".to_owned()),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => (Level::best() < Level::Avx512)
                .then(|| "the processor has no AVX-512 (F, BW, DQ, VL)".to_owned()),
            #[cfg(target_arch = "x86_64")]
            Self::Amx => amx::missing(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 | Self::Amx => Some("the processor is no x86-64".to_owned()),
            Self::OneDnn => onednn::library().err(),
        }
    }

    /// The vectors that go with it: never above those of the processor.
    pub(crate) fn level(self) -> Level {
        match self {
            Self::Tensors | Self::Plain => Level::Portable,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Level::Avx2.min(Level::best()),
            _ => Level::best(),
        }
    }
}
