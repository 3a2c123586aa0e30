//! The number formats that checkpoints store.

use candle_core::{DType, Device, Tensor};
use half::vec::HalfBitsVecExt as _;
use half::{bf16, f16};

/// How one value of a stored tensor is written; all little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit float.
    F64,
    /// 32-bit float.
    F32,
    /// 16-bit IEEE float.
    F16,
    /// 16-bit brain float.
    Bf16,
    /// 64-bit signed integer.
    I64,
    /// 32-bit signed integer.
    I32,
    /// 16-bit signed integer.
    I16,
    /// 8-bit signed integer; read as 16-bit.
    I8,
    /// 8-bit unsigned integer.
    U8,
    /// Truth value of one byte; read as 8-bit unsigned, 0 or 1.
    Bool,
}

impl Kind {
    /// Bytes of one value.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// By the name safetensors gives it.
    pub(super) fn of_safetensors(name: &str) -> Option<Self> {
        Some(match name {
            "F64" => Self::F64,
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            "I64" => Self::I64,
            "I32" => Self::I32,
            "I16" => Self::I16,
            "I8" => Self::I8,
            "U8" => Self::U8,
            "BOOL" => Self::Bool,
            _ => return None,
        })
    }

    /// The kind in which the values of a tensor of this type are written; `None` if there is none.
    #[must_use]
    pub fn of_dtype(dtype: DType) -> Option<Self> {
        Some(match dtype {
            DType::F64 => Self::F64,
            DType::F32 => Self::F32,
            DType::F16 => Self::F16,
            DType::BF16 => Self::Bf16,
            DType::I64 => Self::I64,
            DType::I32 => Self::I32,
            DType::I16 => Self::I16,
            DType::U8 => Self::U8,
            _ => return None,
        })
    }

    /// The name safetensors gives it.
    #[must_use]
    pub fn safetensors_name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
        }
    }

    /// By the name of PyTorch's storage class, without its module.
    pub(super) fn of_torch_storage(name: &str) -> Option<Self> {
        Some(match name {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "LongStorage" => Self::I64,
            "IntStorage" => Self::I32,
            "ShortStorage" => Self::I16,
            "CharStorage" => Self::I8,
            "ByteStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    /// The tensor of `shape` whose values `fill` writes, row-major, one after the other: where that is possible, into
    /// the tensor's own memory.
    ///
    /// # Errors
    /// What `fill` ends with.
    pub fn filled<E: From<candle_core::Error>>(
        self,
        shape: &[usize],
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Tensor, E> {
        let (count, device) = (shape.iter().product::<usize>(), &Device::Cpu);
        match self {
            Self::F32 if cfg!(target_endian = "little") => {
                let mut values = vec![0_f32; count];
                fill(bytemuck::cast_slice_mut(&mut values))?;
                Ok(Tensor::from_vec(values, shape, device)?)
            }
            Self::F16 | Self::Bf16 if cfg!(target_endian = "little") => {
                // As whole numbers they come zero from the system, without being written.
                let mut bits = vec![0_u16; count];
                fill(bytemuck::cast_slice_mut(&mut bits))?;
                Ok(match self {
                    Self::F16 => Tensor::from_vec(bits.reinterpret_into::<f16>(), shape, device),
                    _ => Tensor::from_vec(bits.reinterpret_into::<bf16>(), shape, device),
                }?)
            }
            _ => {
                let mut bytes = vec![0; count * self.bytes() as usize];
                fill(&mut bytes)?;
                Ok(self.tensor(&bytes, shape)?)
            }
        }
    }

    /// The tensor of `shape` whose values lie in `bytes`, row-major, one after the other.
    pub(super) fn tensor(self, bytes: &[u8], shape: &[usize]) -> candle_core::Result<Tensor> {
        let device = &Device::Cpu;
        let dtype = match self {
            Self::F64 => DType::F64,
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
            Self::I64 => DType::I64,
            Self::I32 => DType::I32,
            Self::I16 => DType::I16,
            Self::U8 => DType::U8,
            Self::I8 => {
                let wide = bytes.iter().map(|byte| i16::from(byte.cast_signed())).collect();
                return Tensor::from_vec::<_, i16>(wide, shape, device);
            }
            Self::Bool => {
                let truth = bytes.iter().map(|byte| u8::from(*byte != 0)).collect();
                return Tensor::from_vec::<_, u8>(truth, shape, device);
            }
        };
        Tensor::from_raw_buffer(bytes, dtype, shape, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_its_own_bytes() {
        let f32s = |kind: Kind, bytes: &[u8]| {
            let tensor = kind.tensor(bytes, &[2]).unwrap().to_dtype(DType::F32).unwrap();
            tensor.to_vec1::<f32>().unwrap()
        };
        assert_eq!(
            f32s(Kind::F64, &[1.5f64.to_le_bytes(), (-2f64).to_le_bytes()].concat()),
            [1.5, -2.]
        );
        assert_eq!(
            f32s(Kind::F32, &[1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat()),
            [1.5, -2.]
        );
        assert_eq!(f32s(Kind::F16, &[0x00, 0x3e, 0x00, 0xc0]), [1.5, -2.]);
        assert_eq!(f32s(Kind::Bf16, &[0xc0, 0x3f, 0x00, 0xc0]), [1.5, -2.]);
        assert_eq!(
            f32s(Kind::I64, &[7i64.to_le_bytes(), (-2i64).to_le_bytes()].concat()),
            [7., -2.]
        );
        assert_eq!(
            f32s(Kind::I32, &[7i32.to_le_bytes(), (-2i32).to_le_bytes()].concat()),
            [7., -2.]
        );
        assert_eq!(
            f32s(Kind::I16, &[7i16.to_le_bytes(), (-2i16).to_le_bytes()].concat()),
            [7., -2.]
        );
        assert_eq!(f32s(Kind::I8, &[7, 254]), [7., -2.]);
        assert_eq!(f32s(Kind::U8, &[7, 254]), [7., 254.]);
        assert_eq!(f32s(Kind::Bool, &[0, 9]), [0., 1.]);
    }
}
