use candle_core::{DType, Device, Tensor};
use serde_json::json;

use super::layout::Part;
use super::*;
use crate::fixtures::{Numbers, distance, golden};
use omnivale_weights::Weights;

/// A small model: 4 mel bands, 16 wide, two layers on each side, 300 positions (6 s).
fn config() -> Config {
    Config {
        vocab_size: 20,
        num_mel_bins: 4,
        d_model: 16,
        encoder_layers: 2,
        encoder_attention_heads: 2,
        encoder_ffn_dim: 24,
        decoder_layers: 2,
        decoder_attention_heads: 4,
        decoder_ffn_dim: 32,
        max_source_positions: 300,
        max_target_positions: 16,
        activation_function: "gelu".to_owned(),
        scale_embedding: false,
    }
}

/// The tensors of the small model's encoder, by Hugging Face's names or OpenAI's.
fn encoder_numbers(numbers: &mut Numbers, openai: bool) {
    let config = config();
    let width = config.d_model;
    let pick = |hugging_face: &str, other: &str| {
        if openai {
            format!("model_state_dict.encoder.{other}")
        } else {
            format!("model.encoder.{hugging_face}")
        }
    };
    numbers.tensor(&pick("conv1.weight", "conv1.weight"), &[width, config.num_mel_bins, 3]);
    numbers.tensor(&pick("conv1.bias", "conv1.bias"), &[width]);
    numbers.tensor(&pick("conv2.weight", "conv2.weight"), &[width, width, 3]);
    numbers.tensor(&pick("conv2.bias", "conv2.bias"), &[width]);
    let positions = pick("embed_positions.weight", "positional_embedding");
    numbers.tensor(&positions, &[config.max_source_positions, width]);
    for layer in 0..config.encoder_layers {
        let pick = |own: &str, other: &str| {
            pick(&format!("layers.{layer}.{own}"), &format!("blocks.{layer}.{other}"))
        };
        numbers.norm(&pick("self_attn_layer_norm", "attn_ln"), width);
        numbers.linear(&pick("self_attn.q_proj", "attn.query"), width, width);
        numbers.tensor(&pick("self_attn.k_proj.weight", "attn.key.weight"), &[width, width]);
        numbers.linear(&pick("self_attn.v_proj", "attn.value"), width, width);
        numbers.linear(&pick("self_attn.out_proj", "attn.out"), width, width);
        numbers.norm(&pick("final_layer_norm", "mlp_ln"), width);
        numbers.linear(&pick("fc1", "mlp.0"), width, config.encoder_ffn_dim);
        numbers.linear(&pick("fc2", "mlp.2"), config.encoder_ffn_dim, width);
    }
    numbers.norm(&pick("layer_norm", "ln_post"), width);
}

/// The small model's encoder, out of a file without a decoder.
fn encoder(openai: bool) -> WhisperEncoder {
    let mut numbers = Numbers::default();
    encoder_numbers(&mut numbers, openai);
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, numbers.safetensors()).expect("the folder takes it");
    let weights = Weights::open(&path).expect("the file is sound");
    WhisperEncoder::load(&Part::whole(&weights), &config()).expect("the tensors are the encoder's")
}

/// A sweep that is the same on every machine.
fn sound(samples: usize) -> Vec<f32> {
    (0..samples).map(|at| (at as f32 * (0.01 + at as f32 * 1e-7)).sin() * 0.3).collect()
}

#[test]
fn golden_encoder_agrees() {
    let Some(folder) = golden("whisper") else { return };
    let encoder = WhisperEncoder::open(&folder).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let hidden = encoder.forward(&io.tensor("input_features").unwrap()).unwrap();
    let off = distance(&hidden, &io.tensor("encoder_last_hidden").unwrap());
    assert!(off < 1e-4, "{off:e}");
}

#[test]
fn golden_pooling_agrees_however_the_rows_come() {
    let Some(folder) = golden("whisper") else { return };
    let io = Weights::open(folder.join("pool.safetensors")).unwrap();
    let chunks = io.tensor("chunks").unwrap();
    let pooled = io.tensor("pooled").unwrap();
    let (_, width) = pooled.dims2().unwrap();
    let rows = chunks.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for piece in [rows.len(), 1500 * width, 7 * width] {
        let mut means = WindowMean::new(width);
        rows.chunks(piece).for_each(|piece| means.push(piece));
        let means = Tensor::from_vec(means.take(), pooled.dims(), &Device::Cpu).unwrap();
        assert!(distance(&means, &pooled) < 1e-4);
    }
}

#[test]
fn golden_front_end_agrees() {
    let Some(folder) = golden("whisper") else { return };
    let Some(audio) = golden("audio_frontends") else { return };
    let encoder = WhisperEncoder::open(&folder).unwrap();
    let fbank = Weights::open(audio.join("kaldi_fbank.safetensors")).unwrap();
    let log_mel = Weights::open(audio.join("whisper_log_mel.safetensors")).unwrap();
    let reference = log_mel.tensor("log_mel").unwrap();
    let frames = (2 * encoder.positions()).min(reference.dim(1).unwrap());
    if encoder.bands() != reference.dim(0).unwrap() || fbank.shape("waveform").is_none() {
        eprintln!("skipped: the fixtures are not of one front end");
        return;
    }
    let wave = fbank.tensor("waveform").unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let ours = encoder.log_mel(&wave).unwrap().narrow(1, 0, frames).unwrap();
    let off = distance(&ours, &reference.narrow(1, 0, frames).unwrap());
    assert!(off < 1e-3, "{off:e}");
}

#[test]
fn an_encoder_alone_is_enough_and_both_ways_of_naming_give_the_same() {
    let (ours, theirs) = (encoder(false), encoder(true));
    let mel = ours.log_mel(&sound(ours.chunk_samples())).unwrap().unsqueeze(0).unwrap();
    assert_eq!(mel.dims(), [1, 4, 600]);
    let hidden = ours.forward(&mel).unwrap();
    assert_eq!(hidden.dims(), [1, 300, 16]);
    assert_eq!(distance(&hidden, &theirs.forward(&mel).unwrap()), 0.0);
}

#[test]
fn spectra_of_another_length_are_refused() {
    let mel = Tensor::zeros((1, 4, 3000), DType::F32, &Device::Cpu).unwrap();
    let message = encoder(false).forward(&mel).unwrap_err().to_string();
    assert_eq!(message, "Whisper takes spectra of [batch, 4, 600], but was given [1, 4, 3000]");
}

#[test]
fn rows_do_not_depend_on_batches_or_on_how_the_sound_comes() {
    let encoder = encoder(false);
    // Two chunks of 6 s and a little of the third: 900 vectors, three windows and a rest.
    let samples = sound(2 * encoder.chunk_samples() + 500);
    let rows = |batch: usize, piece: usize| {
        let mut features = SpeechFeatures::new(&encoder, batch);
        let mut rows = Vec::new();
        for piece in samples.chunks(piece) {
            features.push(piece).unwrap();
            rows.extend(features.take());
        }
        rows.extend(features.finish().unwrap());
        rows
    };
    let whole = rows(1, samples.len());
    assert_eq!(whole.len(), 3 * 16);
    for (batch, piece) in [(1, 777), (2, 100_000), (8, samples.len())] {
        for (a, b) in rows(batch, piece).iter().zip(&whole) {
            assert!((a - b).abs() < 1e-5, "{batch} chunks at once, {piece} samples at a time");
        }
    }
    assert!(SpeechFeatures::new(&encoder, 4).finish().unwrap().is_empty(), "no sound, no rows");
}

#[test]
fn openai_dimensions_are_the_configuration() {
    let dims = json!({"n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 384, "n_audio_head": 6, "n_audio_layer": 4,
                      "n_vocab": 51865, "n_text_ctx": 448, "n_text_state": 384, "n_text_head": 6, "n_text_layer": 4});
    let config = Config::of_openai(&dims, "tiny.pt".as_ref()).unwrap();
    assert_eq!((config.encoder_ffn_dim, config.max_target_positions), (1536, 448));
    let message = Config::of_openai(&json!(null), "x.pt".as_ref()).unwrap_err().to_string();
    assert!(message.starts_with("x.pt: has no dims"), "{message}");
}

#[test]
fn a_configuration_of_another_model_is_refused() {
    let wrong = |change: fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        config.check().unwrap_err()
    };
    assert_eq!(
        wrong(|c| c.encoder_attention_heads = 3),
        "encoder_attention_heads is 3, which does not divide d_model 16"
    );
    assert!(wrong(|c| c.max_source_positions = 3000).contains("expected 1 to 1500"));
    assert!(wrong(|c| c.activation_function = "relu".into()).contains("\"gelu\""));
}
