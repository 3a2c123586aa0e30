//! The device that models compute on: named by `--device`, opened here alone.

use candle_core::Device;
use omnivale_kernels::{DeviceChoice, DeviceError, Kernel};

use crate::exit::usage;

/// Opens the device; a GPU is named on standard error.
///
/// # Errors
/// If the GPU that was asked for is not there or cannot be used; wrong usage if this program was built without CUDA, or
/// if `OMNIVALE_KERNEL` names what there is not, which is said before anything is read.
pub(crate) fn open(choice: DeviceChoice) -> anyhow::Result<Device> {
    let device = choice.open(|why| {
        eprintln!("warning: {why}; the processor computes instead (--device cpu says so at once)");
    });
    let device = device.map_err(|error| match error {
        DeviceError::NotBuilt => usage(format!("--device {choice}: {error}")),
        other => anyhow::Error::new(other).context(format!("--device {choice}")),
    })?;
    Kernel::chosen_on(&device).map_err(|error| usage(error.to_string()))?;
    if !device.is_cpu() {
        eprintln!("computing on {}", named(&device));
    }
    Ok(device)
}

/// The device's name in messages: `the processor`, `GPU 0`.
fn named(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("GPU {gpu_id}"),
        _ => "the processor".to_owned(),
    }
}

/// What is added to whatever says how numbers were made, for they differ a little between kinds of devices: nothing for
/// the processor, which makes the numbers that everything is compared with.
pub(crate) fn mark(device: &Device) -> &'static str {
    if device.is_cpu() { "" } else { " on cuda" }
}
