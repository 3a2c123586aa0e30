//! `omnivale model inspect`.

mod guess;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::checkpoint::{Checkpoint, Entry};
use crate::args::InspectArgs;
use crate::exit::Ending;
use crate::output;

/// Longest text of a setting that is shown.
const SHOWN: usize = 60;

/// Tensors that belong together.
#[derive(Debug, Default, Serialize)]
struct Group {
    tensors: usize,
    parameters: u64,
    bytes: u64,
}

impl Group {
    fn add(&mut self, entry: &Entry) {
        self.tensors += 1;
        self.parameters = self.parameters.saturating_add(entry.values());
        self.bytes = self.bytes.saturating_add(entry.bytes);
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Inspection {
    path: String,
    format: &'static str,
    /// What it looks like; null if it looks like nothing known.
    model: Option<String>,
    tensors: usize,
    parameters: u64,
    bytes: u64,
    /// By how numbers are stored.
    dtypes: BTreeMap<&'static str, Group>,
    /// By module; layers of the same kind together, their numbers as `*`.
    groups: BTreeMap<String, Group>,
    /// `config.json` beside the weights, if there is one.
    config: Option<Value>,
    /// What the file says beside its tensors.
    settings: Map<String, Value>,
}

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<Ending> {
    let inspection = inspect(&args.path)?;
    if args.json {
        output::json(&inspection)?;
    } else {
        output::text(&page(&inspection))?;
    }
    Ok(Ending::Done)
}

fn inspect(path: &Path) -> anyhow::Result<Inspection> {
    let checkpoint = Checkpoint::open(path)?;
    let entries = checkpoint.entries();
    let (format, settings) = match &checkpoint {
        Checkpoint::Weights(weights) => (format_of(weights.path()), weights.settings().clone()),
        Checkpoint::Gguf(file) => {
            let facts = file.facts().iter();
            ("GGUF", facts.map(|(key, fact)| (key.clone(), fact.to_string().into())).collect())
        }
    };
    let mut total = Group::default();
    let mut dtypes: BTreeMap<&'static str, Group> = BTreeMap::new();
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for entry in &entries {
        total.add(entry);
        dtypes.entry(entry.kind).or_default().add(entry);
        groups.entry(group_of(&entry.name)).or_default().add(entry);
    }
    let config = path.join("config.json");
    let config = if config.is_file() {
        serde_json::from_slice(&omnivale_weights::read_small(&config)?).ok()
    } else {
        None
    };
    Ok(Inspection {
        path: path.display().to_string(),
        format,
        model: guess::model(&entries),
        tensors: total.tensors,
        parameters: total.parameters,
        bytes: total.bytes,
        dtypes,
        groups,
        config,
        settings,
    })
}

/// The format of what [`Checkpoint::open`] found to be no GGUF file.
fn format_of(path: &Path) -> &'static str {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let first = std::fs::File::open(path).and_then(|mut file| {
        let mut first = [0; 2];
        std::io::Read::read_exact(&mut file, &mut first)?;
        Ok(first)
    });
    match (name.ends_with(".index.json"), first) {
        (true, _) if name.contains("safetensors") => "safetensors in several files",
        (true, _) => "PyTorch in several files",
        (false, Ok(first)) if first == *b"PK" => "PyTorch",
        (false, Ok([0x80, _])) if !name.ends_with(".safetensors") => "PyTorch, before 1.6",
        _ => "safetensors",
    }
}

/// The module that a tensor belongs to, numbers of layers as `*`.
fn group_of(name: &str) -> String {
    let module = name.rsplit_once('.').map_or(name, |(module, _)| module);
    let part = |part: &str| match part.bytes().all(|byte| byte.is_ascii_digit()) {
        true => "*".to_owned(),
        false => part.to_owned(),
    };
    module.split('.').map(part).collect::<Vec<_>>().join(".")
}

fn page(found: &Inspection) -> String {
    let mut text = String::new();
    let model = found.model.as_deref().unwrap_or("no model that is known here");
    let _ = writeln!(text, "{}: {model}", found.path);
    let _ = writeln!(
        text,
        "{}, {} tensors, {} parameters, {}",
        found.format,
        found.tensors,
        number(found.parameters),
        size(found.bytes)
    );
    for (kind, group) in &found.dtypes {
        let share = 100.0 * group.bytes as f64 / found.bytes.max(1) as f64;
        let _ = writeln!(text, "  {kind:<6} {:>5} tensors  {share:>5.1} % of bytes", group.tensors);
    }
    let width = found.groups.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let _ = writeln!(text, "groups");
    for (name, group) in &found.groups {
        let _ = writeln!(
            text,
            "  {name:<width$} {:>5} tensors {:>9} parameters {:>10}",
            group.tensors,
            number(group.parameters),
            size(group.bytes)
        );
    }
    if let Some(Value::Object(config)) = &found.config {
        section(&mut text, "config.json", config);
    }
    section(&mut text, "settings", &found.settings);
    text
}

/// Single values as they are, containers as how much is in them.
fn section(text: &mut String, title: &str, values: &Map<String, Value>) {
    if values.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title}");
    for (key, value) in values {
        let shown = match value {
            Value::String(text) => text.chars().take(SHOWN).collect(),
            Value::Array(items) => format!("{} values", items.len()),
            Value::Object(map) => format!("{} entries", map.len()),
            other => other.to_string(),
        };
        let _ = writeln!(text, "  {key} = {shown}");
    }
}

/// 6.74 B, 768, 3.1 M.
fn number(value: u64) -> String {
    scaled(value as f64, 1e3, &["", " K", " M", " B", " T"])
}

/// 13.48 GB.
fn size(bytes: u64) -> String {
    scaled(bytes as f64, 1e3, &[" B", " kB", " MB", " GB", " TB"])
}

fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    if unit == 0 { format!("{value:.0}{}", units[0]) } else { format!("{value:.2}{}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_one_kind_are_one_group() {
        let name = "model.layers.31.self_attn.q_proj.weight";
        assert_eq!(group_of(name), "model.layers.*.self_attn.q_proj");
        assert_eq!(group_of("blk.3.attn_q.weight"), "blk.*.attn_q");
        assert_eq!(group_of("weight"), "weight");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([number(768), number(6_738_415_616)], ["768", "6.74 B"]);
        assert_eq!(size(13_476_831_232), "13.48 GB");
    }
}
