//! Speed of the encoders at their published sizes, with random weights.
//!
//! ```text
//! cargo run --release -p omnivale-encoders --example encoder_speed -- FOLDER [clip|frames|beats|whisper|all] [f32|bf16] [FRAMES] [ROUNDS]
//! ```
//!
//! Writes the random models into FOLDER where they are not there yet (2.5 GB), runs CLIP ViT-L/14 on FRAMES pictures (20
//! where it is not said), ready or (`frames`) as bytes of 1280x720 in memory, BEATs on 60 s and the encoder of Whisper-large-v2 on 60 s, and prints one JSON line for loading
//! and one for each round: wall-clock seconds, and seconds of all processors, which other programs disturb less. The peer,
//! `scripts/bench/encoders_peer.py`, prints the same lines.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use candle_core::{Device, Tensor};
use omnivale_encoders::clip::preprocess::{Antialias, Preprocess};
use omnivale_encoders::{Beats, ClipVision, Precision, whisper::WhisperEncoder};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

type Any = Box<dyn std::error::Error>;

/// Names and shapes of a model's tensors.
struct Layout(Vec<(String, Vec<usize>)>);

impl Layout {
    fn tensor(&mut self, name: impl Into<String>, shape: &[usize]) {
        self.0.push((name.into(), shape.to_vec()));
    }

    fn linear(&mut self, name: &str, input: usize, output: usize) {
        self.tensor(format!("{name}.weight"), &[output, input]);
        self.tensor(format!("{name}.bias"), &[output]);
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.tensor(format!("{name}.weight"), &[width]);
        self.tensor(format!("{name}.bias"), &[width]);
    }

    /// Writes the model, all values about 0.02 from 0 except for the weights of norms, which are 1.
    fn write(&self, folder: &Path, config: &Value) -> Result<(), Any> {
        let path = folder.join("model.safetensors");
        if path.is_file() {
            return Ok(());
        }
        std::fs::create_dir_all(folder)?;
        let (mut header, mut end) = (Map::new(), 0);
        for (name, shape) in &self.0 {
            let (begin, count) = (end, shape.iter().product::<usize>());
            end += 2 * count;
            let entry = json!({"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]});
            header.insert(name.clone(), entry);
        }
        let header = Value::Object(header).to_string();
        let mut file = BufWriter::new(File::create(&path)?);
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        let mut state = 1u32;
        for (name, shape) in &self.0 {
            let one = name.contains("norm") && name.ends_with("weight");
            for _ in 0..shape.iter().product::<usize>() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let random = ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * 0.035;
                let value = if one { 1.0 } else { random };
                file.write_all(&((value.to_bits() >> 16) as u16).to_le_bytes())?;
            }
        }
        file.flush()?;
        std::fs::write(folder.join("config.json"), config.to_string())?;
        Ok(())
    }
}

fn clip(folder: &Path) -> Result<(), Any> {
    let mut model = Layout(Vec::new());
    let (width, inner) = (1024, 4096);
    model.tensor("vision_model.embeddings.class_embedding", &[width]);
    model.tensor("vision_model.embeddings.patch_embedding.weight", &[width, 3, 14, 14]);
    model.tensor("vision_model.embeddings.position_embedding.weight", &[257, width]);
    model.norm("vision_model.pre_layrnorm", width);
    model.norm("vision_model.post_layernorm", width);
    model.tensor("visual_projection.weight", &[768, width]);
    for layer in 0..24 {
        let at = |name: &str| format!("vision_model.encoder.layers.{layer}.{name}");
        for name in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            model.linear(&at(&format!("self_attn.{name}")), width, width);
        }
        model.norm(&at("layer_norm1"), width);
        model.norm(&at("layer_norm2"), width);
        model.linear(&at("mlp.fc1"), width, inner);
        model.linear(&at("mlp.fc2"), inner, width);
    }
    let config = json!({
        "hidden_size": width, "intermediate_size": inner, "projection_dim": 768, "num_hidden_layers": 24,
        "num_attention_heads": 16, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "image_size": 224,
        "patch_size": 14
    });
    model.write(folder, &config)
}

fn beats(folder: &Path) -> Result<(), Any> {
    let mut model = Layout(Vec::new());
    let (width, inner, heads) = (768, 3072, 12);
    model.tensor("patch_embedding.weight", &[512, 1, 16, 16]);
    model.norm("layer_norm", 512);
    model.linear("post_extract_proj", 512, width);
    model.tensor("encoder.pos_conv.0.weight_g", &[1, 1, 128]);
    model.tensor("encoder.pos_conv.0.weight_v", &[width, width / 16, 128]);
    model.tensor("encoder.pos_conv.0.bias", &[width]);
    model.norm("encoder.layer_norm", width);
    for layer in 0..12 {
        let at = |name: &str| format!("encoder.layers.{layer}.{name}");
        for name in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            model.linear(&at(&format!("self_attn.{name}")), width, width);
        }
        model.linear(&at("self_attn.grep_linear"), width / heads, 8);
        model.tensor(at("self_attn.grep_a"), &[1, heads, 1, 1]);
        model.norm(&at("self_attn_layer_norm"), width);
        model.linear(&at("fc1"), width, inner);
        model.linear(&at("fc2"), inner, width);
        model.norm(&at("final_layer_norm"), width);
    }
    model.tensor("encoder.layers.0.self_attn.relative_attention_bias.weight", &[320, heads]);
    let config = json!({
        "input_patch_size": 16, "embed_dim": 512, "conv_bias": false, "encoder_layers": 12,
        "encoder_embed_dim": width, "encoder_ffn_embed_dim": inner, "encoder_attention_heads": heads,
        "activation_fn": "gelu", "layer_norm_first": false, "deep_norm": true, "conv_pos": 128,
        "conv_pos_groups": 16, "relative_position_embedding": true, "num_buckets": 320,
        "max_distance": 800, "gru_rel_pos": true
    });
    model.write(folder, &config)
}

fn whisper(folder: &Path) -> Result<(), Any> {
    let mut model = Layout(Vec::new());
    let (width, inner) = (1280, 5120);
    model.tensor("model.encoder.conv1.weight", &[width, 80, 3]);
    model.tensor("model.encoder.conv1.bias", &[width]);
    model.tensor("model.encoder.conv2.weight", &[width, width, 3]);
    model.tensor("model.encoder.conv2.bias", &[width]);
    model.tensor("model.encoder.embed_positions.weight", &[1500, width]);
    model.norm("model.encoder.layer_norm", width);
    for layer in 0..32 {
        let at = |name: &str| format!("model.encoder.layers.{layer}.{name}");
        for name in ["q_proj", "v_proj", "out_proj"] {
            model.linear(&at(&format!("self_attn.{name}")), width, width);
        }
        model.tensor(at("self_attn.k_proj.weight"), &[width, width]);
        model.norm(&at("self_attn_layer_norm"), width);
        model.norm(&at("final_layer_norm"), width);
        model.linear(&at("fc1"), width, inner);
        model.linear(&at("fc2"), inner, width);
    }
    let config = json!({
        "vocab_size": 51865, "num_mel_bins": 80, "d_model": width, "encoder_layers": 32,
        "encoder_attention_heads": 20, "encoder_ffn_dim": inner, "decoder_layers": 32,
        "decoder_attention_heads": 20, "decoder_ffn_dim": inner, "max_source_positions": 1500,
        "max_target_positions": 448, "activation_function": "gelu", "scale_embedding": false
    });
    model.write(folder, &config)
}

/// Seconds of all processors that this program has used, in hundredths.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory that this program has had, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// Opens a model and says what that took.
fn loaded<M, E>(model: &str, precision: &str, open: impl FnOnce() -> Result<M, E>) -> Result<M, E> {
    let (begin, processors) = (Instant::now(), processor_seconds());
    let opened = open()?;
    let line = json!({
        "model": model, "precision": precision, "load_s": begin.elapsed().as_secs_f64(),
        "load_processor_s": processor_seconds() - processors, "peak_memory_bytes": peak_memory()
    });
    println!("{line}");
    Ok(opened)
}

fn measure(
    model: &str,
    precision: &str,
    rounds: usize,
    run: impl Fn() -> Result<(), Any>,
) -> Result<(), Any> {
    for round in 0..rounds {
        let (begin, processors) = (Instant::now(), processor_seconds());
        run()?;
        let line = json!({
            "model": model, "precision": precision, "round": round, "seconds": begin.elapsed().as_secs_f64(),
            "processor_seconds": processor_seconds() - processors
        });
        println!("{line}");
    }
    Ok(())
}

fn main() -> Result<(), Any> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = arguments.first().map(Path::new) else {
        return Err("give the folder of the random models".into());
    };
    let at =
        |index: usize, default: &'static str| arguments.get(index).map_or(default, String::as_str);
    let (which, precision) = (at(1, "all"), at(2, "f32"));
    let (frames, rounds): (usize, usize) = (at(3, "20").parse()?, at(4, "2").parse()?);
    let format = if precision == "bf16" { Precision::Bf16 } else { Precision::F32 };
    let wanted = |name: &str| which == "all" || which == name;
    if wanted("clip") {
        clip(&folder.join("clip"))?;
        let open = || ClipVision::open_on(folder.join("clip"), format, &Device::Cpu);
        let model = loaded("clip", precision, open)?;
        let pictures = Tensor::randn(0f32, 1.0, (frames, 3, 224, 224), &Device::Cpu)?;
        measure("clip", precision, rounds, || Ok(model.forward(&pictures).map(drop)?))?;
    }
    if wanted("frames") {
        clip(&folder.join("clip"))?;
        let open = || ClipVision::open_on(folder.join("clip"), format, &Device::Cpu);
        let model = loaded("clip", precision, open)?;
        let (height, width) = (720, 1280);
        let film: Vec<u8> =
            (0..height * width * 3 + frames).map(|at| (at * 31 % 253) as u8).collect();
        let preprocess = Preprocess { side: model.image_size(), antialias: Antialias::Off };
        let small = |frame: usize| {
            let pixel = |channel, row, column| film[frame + (row * width + column) * 3 + channel];
            preprocess.apply(height, width, pixel)
        };
        measure("frames", precision, rounds, || {
            let side = preprocess.side;
            (0..frames).collect::<Vec<_>>().par_chunks(4).try_for_each(|group| {
                let pixels: Vec<f32> = group.iter().flat_map(|frame| small(*frame)).collect();
                let x = Tensor::from_vec(pixels, (group.len(), 3, side, side), &Device::Cpu)?;
                model.forward(&x).map(drop)
            })?;
            Ok(())
        })?;
    }
    if wanted("beats") {
        beats(&folder.join("beats"))?;
        let open = || Beats::open_on(folder.join("beats"), format, &Device::Cpu);
        let model = loaded("beats", precision, open)?;
        // 60 s are 11.7 windows of 5.12 s; the last is filled up. Four at a time, as `features` encodes them.
        let sound = Tensor::randn(0f32, 1.0, (4, 512, 128), &Device::Cpu)?;
        measure("beats", precision, rounds, || {
            (0..3).try_for_each(|_| Ok(model.forward(&sound).map(drop)?))
        })?;
    }
    if wanted("whisper") {
        whisper(&folder.join("whisper"))?;
        let open = || WhisperEncoder::open_on(folder.join("whisper"), format, &Device::Cpu);
        let model = loaded("whisper", precision, open)?;
        let sound = Tensor::randn(0f32, 1.0, (2, 80, 3000), &Device::Cpu)?;
        measure("whisper", precision, rounds, || Ok(model.forward(&sound).map(drop)?))?;
    }
    Ok(())
}
