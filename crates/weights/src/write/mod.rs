//! Writing checkpoints, one tensor after the other: memory holds what the caller makes of one at a time.
//!
//! [`torch()`] writes what `torch.save` writes today (a zip file around a pickle), [`safetensors()`] the other format; [`save_safetensors`] and its neighbours
//! write whole files of tensors.
//! What is written is a pure function of what is given: no time, no host, no random bytes.

mod files;
mod pickled;
mod safetensors;
mod torch;

use std::io::{self, Write};

use crate::Kind;

pub use files::{
    bytes_of, save_safetensors, write_file, write_safetensors, write_safetensors_map, write_torch,
};
pub use safetensors::safetensors;
pub use torch::torch;

/// A tensor that is going to be written, row-major, its values one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its name; one with dots stays one name.
    pub name: String,
    /// How its values are written.
    pub kind: Kind,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl Announced {
    /// Number of values; `None` if no file can have as many.
    #[must_use]
    pub fn values(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |count, axis| count.checked_mul(*axis as u64))
    }

    /// Bytes of all values.
    ///
    /// # Errors
    /// If no file can have as many.
    pub fn bytes(&self) -> io::Result<u64> {
        let bytes = self.values().and_then(|values| values.checked_mul(self.kind.bytes()));
        bytes.ok_or_else(|| self.refuse("has more values than any file"))
    }

    fn refuse(&self, found: &str) -> io::Error {
        let message = format!("tensor {} {:?} {found}", self.name, self.shape);
        io::Error::new(io::ErrorKind::InvalidInput, message)
    }
}

/// Writes the values of the tensor at this place among those announced, little-endian.
pub type Values<'a> = dyn FnMut(usize, &mut dyn Write) -> io::Result<()> + 'a;

/// Lets `values` write the tensor at `index`, and checks that it wrote what was announced.
fn write_values(
    out: &mut dyn Write,
    index: usize,
    tensor: &Announced,
    values: &mut Values<'_>,
) -> io::Result<()> {
    let mut counted = Counted { out, bytes: 0 };
    values(index, &mut counted)?;
    let (wrote, announced) = (counted.bytes, tensor.bytes()?);
    if wrote == announced {
        return Ok(());
    }
    Err(tensor.refuse(&format!("was announced with {announced} bytes, and {wrote} were written")))
}

/// Counts what goes through it.
struct Counted<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
