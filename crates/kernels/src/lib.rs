//! Fast linear algebra inside candle.
//!
//! [`Linear`] is `activation(x W^T + b) + residual` in one operation. Products are computed by the [`Kernel`] that is
//! best for the machine or named by `OMNIVALE_KERNEL`.
//!
//! Not here: models (`encoders`, `llm`).

mod choice;
mod error;
mod function;
mod level;
mod linear;
mod memory;
mod onednn;
mod packed;
mod peak;
mod plain;
mod product;
mod simd;
mod tile;

pub use choice::Kernel;
pub use error::KernelError;
pub use function::Activation;
pub use linear::{After, Linear};
pub use peak::peak_flops;
