//! Random numbers for tensors, the same for a seed and a name whatever else is made.

use std::io::{self, Write};

use half::{bf16, f16};
use omnivale_weights::Kind;
use omnivale_weights::write::Announced;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Values made at a time.
const CHUNK: usize = 1 << 14;

/// What fills a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fill {
    /// Evenly from minus to plus `sqrt(3)` times this standard deviation.
    Spread(f32),
    /// The same number everywhere.
    Same(f32),
}

impl Fill {
    /// What suits a tensor by its name: scales around one, biases near zero, and matrices that keep the size of
    /// what goes through them.
    pub(super) fn of(tensor: &Announced) -> Self {
        let name = tensor.name.as_str();
        let last_two = name.rsplit('.').take(2).collect::<Vec<_>>();
        let is_scale = matches!(last_two.first(), Some(&("running_var" | "weight_g" | "grep_a")))
            || (tensor.shape.len() == 1 && name.ends_with("weight"));
        if is_scale {
            return Self::Same(1.0);
        }
        if name.ends_with("bias") || name.ends_with("running_mean") {
            return Self::Spread(0.02);
        }
        if name.contains("embed") || name.ends_with("bias_table") {
            return Self::Spread(0.2);
        }
        let inputs: usize = tensor.shape.iter().skip(1).product();
        Self::Spread(1.0 / (inputs.max(1) as f32).sqrt())
    }
}

/// Writes the tensor's values; which they are depends on the seed, `part` and its name alone.
pub(super) fn write(
    seed: u64,
    part: &str,
    tensor: &Announced,
    fill: Fill,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut count = tensor.bytes()? / tensor.kind.bytes();
    let key = format!("{part}/{}", tensor.name);
    let stream = u64::from_le_bytes(
        *blake3::hash(key.as_bytes()).as_bytes().first_chunk().unwrap_or(&[0; 8]),
    );
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    let mut bytes = Vec::with_capacity(CHUNK * 4);
    while count > 0 {
        let some = count.min(CHUNK as u64);
        bytes.clear();
        for _ in 0..some {
            let value = match fill {
                Fill::Same(value) => value,
                Fill::Spread(deviation) => {
                    // 24 bits are as many as an f32 between 1 and 2 tells apart.
                    let even = (random.next_u32() >> 8) as f32 / (1u32 << 24) as f32;
                    (2.0 * even - 1.0) * 3f32.sqrt() * deviation
                }
            };
            push(value, tensor.kind, &mut bytes)?;
        }
        out.write_all(&bytes)?;
        count -= some;
    }
    Ok(())
}

fn push(value: f32, kind: Kind, bytes: &mut Vec<u8>) -> io::Result<()> {
    match kind {
        Kind::F32 => bytes.extend(value.to_le_bytes()),
        Kind::F16 => bytes.extend(f16::from_f32(value).to_le_bytes()),
        Kind::Bf16 => bytes.extend(bf16::from_f32(value).to_le_bytes()),
        other => {
            let message = format!("no random numbers of kind {other:?} are made");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, shape: &[usize]) -> Announced {
        Announced { name: name.to_owned(), kind: Kind::F32, shape: shape.to_vec() }
    }

    fn values(seed: u64, part: &str, tensor: &Announced) -> Vec<f32> {
        let mut bytes = Vec::new();
        write(seed, part, tensor, Fill::of(tensor), &mut bytes).unwrap();
        bytes.chunks_exact(4).map(|it| f32::from_le_bytes(it.try_into().unwrap())).collect()
    }

    #[test]
    fn a_matrix_keeps_the_size_of_what_goes_through_it() {
        let found = values(1, "base", &tensor("model.layers.0.mlp.up_proj.weight", &[90, 100]));
        let variance = found.iter().map(|value| value * value).sum::<f32>() / found.len() as f32;
        assert!((variance - 0.01).abs() < 0.0005, "{variance}");
        let mean = found.iter().sum::<f32>() / found.len() as f32;
        assert!(mean.abs() < 0.005, "{mean}");
    }

    #[test]
    fn numbers_depend_on_seed_part_and_name() {
        let one = tensor("a.weight", &[3, 3]);
        let again = values(1, "base", &one);
        assert_eq!(values(1, "base", &one), again);
        assert_ne!(values(2, "base", &one), again);
        assert_ne!(values(1, "stage", &one), again);
        assert_ne!(values(1, "base", &tensor("b.weight", &[3, 3])), again);
        assert_eq!(values(1, "base", &tensor("model.norm.weight", &[3])), [1.0; 3]);
    }
}
