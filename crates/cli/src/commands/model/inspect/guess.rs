//! What model a checkpoint looks like, by names and shapes alone.

use std::collections::BTreeMap;

use super::super::checkpoint::Entry;

type Shapes<'a> = BTreeMap<&'a str, &'a [usize]>;

/// A model in words, as in `Llama 7B`; `None` if it looks like none that is known.
pub(super) fn model(entries: &[Entry]) -> Option<String> {
    let shapes: Shapes<'_> =
        entries.iter().map(|entry| (entry.name.as_str(), entry.shape.as_slice())).collect();
    adapter(&shapes)
        .or_else(|| llama(&shapes, entries))
        .or_else(|| clip(&shapes))
        .or_else(|| whisper(&shapes))
        .or_else(|| beats(&shapes))
        .or_else(|| clap(&shapes))
        .or_else(|| bert(&shapes))
        .or_else(|| projectors(&shapes))
}

/// The shape of the first tensor whose name ends so.
fn ending<'a>(shapes: &Shapes<'a>, end: &str) -> Option<&'a [usize]> {
    shapes.iter().find(|(name, _)| name.ends_with(end)).map(|(_, shape)| *shape)
}

/// The numbers that follow `before` in names, counted.
fn layers(shapes: &Shapes<'_>, before: &str) -> usize {
    let number = |name: &&str| {
        let (_, rest) = name.split_once(before)?;
        rest.split('.').next()?.parse::<usize>().ok()
    };
    shapes.keys().filter_map(number).max().map_or(0, |last| last.saturating_add(1))
}

fn adapter(shapes: &Shapes<'_>) -> Option<String> {
    let is_a = |name: &str| name.contains(".lora_A.");
    let (_, first) = shapes.iter().find(|(name, _)| is_a(name))?;
    let pairs = shapes.keys().filter(|name| is_a(name)).count();
    Some(format!("LoRA r={}, {pairs} pairs", first.first()?))
}

fn llama(shapes: &Shapes<'_>, entries: &[Entry]) -> Option<String> {
    let (table, count) = match shapes.get("model.embed_tokens.weight") {
        Some(table) if shapes.contains_key("model.layers.0.mlp.gate_proj.weight") => {
            (*table, layers(shapes, "model.layers."))
        }
        _ if shapes.contains_key("blk.0.ffn_gate.weight") => {
            (*shapes.get("token_embd.weight")?, layers(shapes, "blk."))
        }
        _ => return None,
    };
    let [tokens, width] = *table else { return None };
    let own = |entry: &&Entry| !entry.name.contains("projector");
    let values: u64 = entries.iter().filter(own).map(Entry::values).sum();
    let size = match values as f64 / 1e9 {
        billions if billions >= 2.5 => format!("{billions:.0}B"),
        billions if billions >= 0.1 => format!("{billions:.1}B"),
        billions => format!("{:.1}M", billions * 1e3),
    };
    let more = match shapes.keys().filter(|name| name.contains("mm_projector")).count() {
        0 => String::new(),
        count => format!(", with {count} projector tensors"),
    };
    Some(format!("Llama {size} ({count} layers, {width} wide, {tokens} tokens{more})"))
}

fn clip(shapes: &Shapes<'_>) -> Option<String> {
    let patches = ending(shapes, "vision_model.embeddings.patch_embedding.weight")
        .or_else(|| shapes.get("visual.conv1.weight").copied())?;
    let [width, _, patch, _] = *patches else { return None };
    Some(match (width, patch) {
        (1024, 14) => "CLIP ViT-L/14".to_owned(),
        (768, 32) => "CLIP ViT-B/32".to_owned(),
        (768, 16) => "CLIP ViT-B/16".to_owned(),
        _ => format!("CLIP ({width} wide, patches of {patch})"),
    })
}

fn whisper(shapes: &Shapes<'_>) -> Option<String> {
    let conv = ending(shapes, "encoder.conv1.weight")?;
    let [width, bands, 3] = *conv else { return None };
    let name = match (width, bands) {
        (1280, 128) => "large-v3",
        (1280, 80) => "large-v2",
        (1024, _) => "medium",
        (768, _) => "small",
        (512, _) => "base",
        (384, _) => "tiny",
        _ => return Some(format!("Whisper ({width} wide, {bands} bands)")),
    };
    Some(format!("Whisper {name}"))
}

fn beats(shapes: &Shapes<'_>) -> Option<String> {
    ending(shapes, "encoder.pos_conv.0.weight_g")?;
    let count = layers(shapes, "encoder.layers.");
    let width = ending(shapes, "encoder.layers.0.fc1.weight")?.get(1)?;
    let classifier = if ending(shapes, "predictor.weight").is_some() { ", classifier" } else { "" };
    Some(format!("BEATs ({count} layers, {width} wide{classifier})"))
}

fn clap(shapes: &Shapes<'_>) -> Option<String> {
    let audio = shapes
        .keys()
        .any(|name| name.contains("audio_model.audio_encoder.") || name.contains("audio_branch."));
    let fused = shapes.keys().any(|name| name.contains("mel_conv2d") || name.contains("fusion"));
    audio.then(|| if fused { "CLAP HTSAT, fused".to_owned() } else { "CLAP HTSAT".to_owned() })
}

fn bert(shapes: &Shapes<'_>) -> Option<String> {
    let table = ending(shapes, "embeddings.word_embeddings.weight")?;
    let count = layers(shapes, "encoder.layer.");
    let width = *table.get(1)?;
    Some(match (count, width) {
        (6 | 12, 384) => format!("MiniLM-L{count}"),
        _ => format!("BERT ({count} layers, {width} wide)"),
    })
}

fn projectors(shapes: &Shapes<'_>) -> Option<String> {
    let known = |(name, shape): (&&str, &&[usize])| {
        let module = name.strip_suffix(".weight")?;
        let module = module.rsplit('.').next()?;
        let [outputs, inputs] = **shape else { return None };
        module.contains("mm_projector").then(|| format!("{module} {inputs} -> {outputs}"))
    };
    let all: Vec<String> = shapes.iter().filter_map(known).collect();
    (!all.is_empty()).then(|| format!("projectors: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(tensors: &[(&str, &[usize])]) -> Option<String> {
        let entry = |(name, shape): &(&str, &[usize])| Entry {
            name: (*name).to_owned(),
            kind: "F32",
            shape: shape.to_vec(),
            bytes: 0,
        };
        model(&tensors.iter().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn models_are_known_by_names_and_shapes() {
        type Shapes = &'static [(&'static str, &'static [usize])];
        let cases: [(Shapes, &str); 7] = [
            (
                &[
                    ("model.embed_tokens.weight", &[32_000, 4096]),
                    ("model.layers.0.mlp.gate_proj.weight", &[11_008, 600_000]),
                ],
                "Llama 7B (1 layers, 4096 wide, 32000 tokens)",
            ),
            (
                &[("vision_model.embeddings.patch_embedding.weight", &[1024, 3, 14, 14])],
                "CLIP ViT-L/14",
            ),
            (&[("model.encoder.conv1.weight", &[1280, 80, 3])], "Whisper large-v2"),
            (
                &[("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight", &[64, 4096])],
                "LoRA r=64, 1 pairs",
            ),
            (
                &[
                    ("encoder.pos_conv.0.weight_g", &[1, 1, 128]),
                    ("encoder.layers.11.fc1.weight", &[3072, 768]),
                    ("encoder.layers.0.fc1.weight", &[3072, 768]),
                ],
                "BEATs (12 layers, 768 wide)",
            ),
            (
                &[
                    ("embeddings.word_embeddings.weight", &[30_522, 384]),
                    ("encoder.layer.5.output.dense.weight", &[384, 1536]),
                ],
                "MiniLM-L6",
            ),
            (
                &[
                    ("model.mm_projector.weight", &[4096, 768]),
                    ("model.mm_projector.bias", &[4096]),
                ],
                "projectors: mm_projector 768 -> 4096",
            ),
        ];
        for (tensors, expected) in cases {
            assert_eq!(guess(tensors).as_deref(), Some(expected));
        }
        assert_eq!(guess(&[("weight", &[2, 2])]), None);
    }
}
