//! Where a model computes, opened in one place.

use std::fmt;
use std::str::FromStr;

use candle_core::Device;

use crate::DeviceError;

/// A device, as it is asked for: `auto`, `cpu`, `cuda` (the first GPU) or `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU where the program was built for CUDA and one answers, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The GPU of this number, counted from 0 as the driver does.
    Cuda(usize),
}

impl DeviceChoice {
    /// Opens the device. A GPU has computed one small sum before it counts as open.
    ///
    /// `refused` is told why where [`Auto`](Self::Auto) takes the processor although a GPU is there.
    ///
    /// # Errors
    /// When the GPU that was asked for is not there or cannot be used, or the program was built without CUDA.
    pub fn open(self, refused: impl FnOnce(&DeviceError)) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(number) => cuda::open(number),
            Self::Auto => Ok(cuda::open(0).unwrap_or_else(|error| {
                if let DeviceError::Refused { .. } = error {
                    refused(&error);
                }
                Device::Cpu
            })),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let number = name.strip_prefix("cuda:").and_then(|number| number.parse().ok());
                let unknown = || DeviceError::Unknown { name: name.to_owned() };
                number.map(Self::Cuda).ok_or_else(unknown)
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Cpu => out.write_str("cpu"),
            Self::Cuda(number) => write!(out, "cuda:{number}"),
        }
    }
}

#[cfg(not(feature = "cuda"))]
mod cuda {
    use candle_core::Device;

    use crate::DeviceError;

    pub(super) fn open(_: usize) -> Result<Device, DeviceError> {
        Err(DeviceError::NotBuilt)
    }
}

#[cfg(feature = "cuda")]
mod cuda {
    use candle_core::cuda_backend::cudarc::driver::sys::CUresult;
    use candle_core::cuda_backend::cudarc::driver::{CudaContext, DriverError};
    use candle_core::{DType, Device, Tensor};
    use libloading::Library;

    use crate::DeviceError;

    const DRIVER: &str = "libcuda.so.1";
    /// What the driver does not bring, as the program is linked by scripts/cuda-tree.sh.
    const LIBRARIES: [&str; 4] =
        ["libcublas.so.13", "libcublasLt.so.13", "libcurand.so.10", "libnvrtc.so.13"];

    pub(super) fn open(number: usize) -> Result<Device, DeviceError> {
        load(DRIVER)
            .map_err(|error| DeviceError::NoDriver { file: DRIVER, reason: error.to_string() })?;
        let refused = |reason: String| {
            let lacks = |name: &&str| load(name).is_err();
            let libraries = LIBRARIES.into_iter().filter(lacks).collect();
            DeviceError::Refused { number, reason, libraries }
        };
        let found = match CudaContext::device_count() {
            Ok(found) => usize::try_from(found).unwrap_or(0),
            Err(DriverError(CUresult::CUDA_ERROR_NO_DEVICE)) => 0,
            Err(error) => return Err(refused(error.to_string())),
        };
        if number >= found {
            return Err(DeviceError::NoGpu { asked: number, found });
        }
        // candle's errors may have a backtrace below their first line.
        let first = |error: String| error.lines().next().unwrap_or_default().to_owned();
        answering(number).map_err(|error| refused(first(error.to_string())))
    }

    /// The device, after a first kernel has run on it: one that was compiled for newer GPUs fails there.
    fn answering(number: usize) -> candle_core::Result<Device> {
        // A stream of its own: threads that share a model then see what the others began before them. That of
        // `new_cuda` is another one in each thread.
        let device = Device::new_cuda_with_stream(number)?;
        let one = Tensor::ones(1, DType::F32, &device)?;
        let sum: Vec<f32> = (one + 1.0)?.to_vec1()?;
        if sum != [2.0] {
            candle_core::bail!("1 + 1 came out as {sum:?}");
        }
        Ok(device)
    }

    fn load(name: &str) -> Result<Library, libloading::Error> {
        // SAFETY: these are NVIDIA's libraries under their own names; loading them runs nothing but their own set-up,
        // which the linked program would run as well.
        unsafe { Library::new(name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_back_by_their_names() {
        for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(3)] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU"] {
            let message = wrong.parse::<DeviceChoice>().unwrap_err().to_string();
            assert!(message.contains("auto, cpu, cuda and cuda:N"), "{message}");
        }
    }

    #[test]
    fn the_processor_is_always_there_and_auto_never_fails() {
        assert!(DeviceChoice::Cpu.open(|_| ()).unwrap().is_cpu());
        DeviceChoice::Auto.open(|_| ()).unwrap();
    }

    #[test]
    fn a_gpu_that_is_not_there_is_an_error_that_says_so() {
        // No machine has as many.
        let message = DeviceChoice::Cuda(4_000).open(|_| ()).unwrap_err().to_string();
        let expected = if cfg!(feature = "cuda") {
            ["no NVIDIA driver", "no GPU 4000"]
        } else {
            ["--features cuda"; 2]
        };
        assert!(expected.iter().any(|part| message.contains(part)), "{message}");
    }
}
