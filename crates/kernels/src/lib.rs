//! Fast linear algebra inside candle.
//!
//! [`Linear`] is `activation(x W^T + b) + residual` in one operation. Products are computed by the [`Kernel`] that is
//! best for the machine or named by `OMNIVALE_KERNEL`: tiles of AMX for bf16, AVX-512 or AVX2, oneDNN, candle's own.
//! [`BlockLinear`] is the same for weights in blocks of four or eight bits, multiplied as bytes by VNNI or AVX2.
//! Where a model computes is a [`DeviceChoice`]; on a GPU, where all of this falls back to candle's operations, nothing
//! else changes.
//!
//! The code for AMX was checked instruction by instruction by emulation (`cargo test` does so on any x86-64 Linux
//! without it, and runs it as it is where there is AMX). Its speed was not measured: no machine with AMX was at hand.
//!
//! Not here: models (`encoders`, `llm`).

#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
mod blocks;
mod choice;
mod device;
mod error;
mod frozen;
mod function;
mod heads;
mod level;
mod linear;
mod lora;
mod memory;
mod norm;
mod onednn;
mod packed;
mod peak;
mod plain;
mod product;
mod ragged;
mod rotate;
mod simd;
mod tile;

pub use attention::Attention;
pub use blocks::{BlockFormat, BlockLinear};
pub use choice::Kernel;
pub use device::DeviceChoice;
pub use error::{DeviceError, KernelError};
pub use function::Activation;
pub use linear::{After, Linear};
pub use lora::lora_linear;
pub use norm::{layer_norm, rms_norm};
pub use packed::ReadRows;
pub use peak::peak_flops;
pub use ragged::{RaggedRow, Seen, attention_of_rows};
pub use rotate::split_heads;
