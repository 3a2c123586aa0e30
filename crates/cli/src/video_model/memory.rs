//! Whether a model fits into the machine, before it is read: the system ends a process that asks for too much, without
//! a word.

use std::fs;

use omnivale_llm::llama::Config;

use crate::args::Precision;

/// The ways to hold a model, the largest first.
const ALL: [Precision; 5] =
    [Precision::F32, Precision::Bf16, Precision::F16, Precision::Q80, Precision::Q4K];

/// Bytes that the tensors of a model take: the matrices of its products as they are asked for, the rest in f32.
pub(crate) fn of_model(config: &Config, precision: Precision) -> u64 {
    let tensors = config.tensors();
    let bytes = tensors.iter().map(|(name, shape)| {
        let values = shape.iter().map(|size| *size as u64).fold(1, u64::saturating_mul);
        let (bits, per) = match precision {
            _ if shape.len() < 2 || name.contains("embed_tokens") => (32, 1),
            Precision::F32 => (32, 1),
            Precision::Bf16 | Precision::F16 => (16, 1),
            // Blocks with a scale each.
            Precision::Q80 => (17, 2),
            Precision::Q4K => (9, 2),
        };
        values.saturating_mul(bits) / per / 8
    });
    bytes.fold(0, u64::saturating_add)
}

/// What is wrong with holding it so on a machine of `machine` bytes; `None` if it may fit.
pub(crate) fn too_large(config: &Config, precision: Precision, machine: u64) -> Option<String> {
    let needed = of_model(config, precision);
    if needed <= machine {
        return None;
    }
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let fits: Vec<String> = ALL
        .iter()
        .map(|other| (other, of_model(config, *other)))
        .filter(|(_, bytes)| *bytes <= machine)
        .map(|(other, bytes)| format!("{} ({})", other.name(), gigabytes(bytes)))
        .collect();
    let remedy = match &fits[..] {
        [] => "no --precision makes it small enough".to_owned(),
        fits => format!("choose --precision {}", fits.join(", ")),
    };
    Some(format!(
        "as {} the model takes {}, and this machine has {}; {remedy}",
        precision.name(),
        gigabytes(needed),
        gigabytes(machine)
    ))
}

/// Memory that a process may have here, in bytes: the machine's with its swap, or the limit of its group. `None` where
/// the system does not tell.
pub(crate) fn of_machine() -> Option<u64> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let total = in_meminfo(&told, "MemTotal:")?;
    let all = total.saturating_add(in_meminfo(&told, "SwapTotal:").unwrap_or(0));
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
    Some(limit.map_or(all, |limit| limit.min(all)))
}

/// A line of `/proc/meminfo`, in bytes.
fn in_meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vicuna 7B v1.5.
    fn vicuna() -> Config {
        let told = r#"{"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008,
            "num_hidden_layers": 32, "num_attention_heads": 32}"#;
        Config::from_json(told.as_bytes(), "config.json").unwrap()
    }

    #[test]
    fn a_model_that_cannot_fit_is_refused_with_what_would() {
        let config = vicuna();
        assert_eq!(of_model(&config, Precision::F32), 6_738_415_616 * 4);
        assert_eq!(too_large(&config, Precision::F16, 16 << 30), None);
        let said = too_large(&config, Precision::F32, 16_000_000_000).unwrap();
        insta::assert_snapshot!(said, @"as f32 the model takes 27.0 GB, and this machine has 16.0 GB; choose --precision bf16 (13.7 GB), f16 (13.7 GB), q8_0 (7.5 GB), q4_k (4.2 GB)");
        let said = too_large(&config, Precision::Bf16, 1_000_000_000).unwrap();
        insta::assert_snapshot!(said, @"as bf16 the model takes 13.7 GB, and this machine has 1.0 GB; no --precision makes it small enough");
    }

    #[test]
    fn the_systems_table_is_read_in_kilobytes() {
        let text =
            "MemTotal:       16309764 kB\nMemFree:          1 kB\nSwapTotal:             0 kB\n";
        assert_eq!(in_meminfo(text, "MemTotal:"), Some(16_309_764 * 1024));
        assert_eq!(in_meminfo(text, "SwapTotal:"), Some(0));
        assert_eq!(in_meminfo(text, "Other:"), None);
        assert_eq!(in_meminfo("MemTotal: many kB", "MemTotal:"), None);
    }
}
