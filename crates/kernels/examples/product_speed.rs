//! Speed of products against the most the processor can do: `cargo run --release -p omnivale-kernels --example
//! product_speed`. Prints one JSON line for each.

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor};
use omnivale_kernels::{Activation, After, Kernel, Linear, peak_flops};

fn main() -> Result<()> {
    for kernel in Kernel::available() {
        for pairs in [false, true] {
            if let Some(flops) = peak_flops(kernel, pairs) {
                println!(
                    "{{\"peak\": \"{}\", \"pairs\": {pairs}, \"gflops\": {:.0}}}",
                    kernel.name(),
                    flops / 1e9
                );
            }
        }
    }
    let shapes = [
        (5140, 1024, 1024),
        (5140, 1024, 4096),
        (5140, 4096, 1024),
        (1500, 1280, 1280),
        (1500, 5120, 1280),
        (514, 1024, 1024),
        (1, 4096, 11008),
        (4, 4096, 11008),
    ];
    for kernel in Kernel::available() {
        for dtype in [DType::F32, DType::BF16] {
            for (rows, inputs, outputs) in shapes {
                let weight =
                    Tensor::randn(0f32, 1.0, (outputs, inputs), &Device::Cpu)?.to_dtype(dtype)?;
                let x = Tensor::randn(0f32, 1.0, (rows, inputs), &Device::Cpu)?.to_dtype(dtype)?;
                let linear = Linear::with(&weight, None, kernel)?;
                let after = After { activation: Activation::Gelu, ..After::default() };
                let mut best = f64::INFINITY;
                for _ in 0..5 {
                    let begin = Instant::now();
                    linear.forward_then(&x, &after)?;
                    best = best.min(begin.elapsed().as_secs_f64());
                }
                let flops = 2.0 * (rows * inputs * outputs) as f64;
                let bytes = (inputs * outputs * dtype.size_in_bytes()) as f64;
                println!(
                    "{{\"kernel\": \"{}\", \"format\": {:?}, \"shape\": [{rows}, {inputs}, {outputs}], \
                     \"gflops\": {:.0}, \"weight_gbytes\": {:.1}}}",
                    kernel.name(),
                    dtype.as_str(),
                    flops / best / 1e9,
                    bytes / best / 1e9
                );
            }
        }
    }
    Ok(())
}
