use candle_core::{DType, Device, Tensor};
use serde_json::json;

use super::fixtures::{config, encoder_numbers};
use super::layout::Part;
use super::*;
use crate::Precision;
use crate::fixtures::{Numbers, cosine, distance, golden};
use omnivale_weights::Weights;

/// The small model's encoder, out of a file without a decoder.
fn encoder(openai: bool) -> WhisperEncoder {
    let mut numbers = Numbers::default();
    encoder_numbers(&mut numbers, openai);
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, numbers.safetensors()).expect("the folder takes it");
    let weights = Weights::open(&path).expect("the file is sound");
    WhisperEncoder::load(&Part::whole(&weights, Precision::F32, &Device::Cpu), &config())
        .expect("the tensors are the encoder's")
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
fn golden_features_in_bf16_point_where_those_in_f32_do() {
    let Some(folder) = golden("whisper") else { return };
    let encoder = WhisperEncoder::open_on(&folder, Precision::Bf16, &Device::Cpu).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let hidden = encoder.forward(&io.tensor("input_features").unwrap()).unwrap();
    let reference = io.tensor("encoder_last_hidden").unwrap();
    assert!(cosine("Whisper's features", &hidden, &reference) > 0.999);
}

/// The decoder of the golden model, what it hears of each input, and the reference's numbers.
fn golden_decoder() -> Option<(WhisperDecoder, Vec<Heard>, Weights)> {
    let folder = golden("whisper")?;
    let (weights, config) = encoder::open(&folder).expect("the folder is that of a model");
    let decoder =
        WhisperDecoder::load(&Part::whole(&weights, Precision::F32, &Device::Cpu), &config)
            .expect("it has a decoder");
    let io = Weights::open(folder.join("io.safetensors")).expect("it has reference numbers");
    let hidden = io.tensor("encoder_last_hidden").expect("they have the encoder's");
    let hear = |row| {
        let hidden = hidden.narrow(0, row, 1).expect("there are so many");
        decoder.hear(&hidden).expect("the width is the decoder's")
    };
    let heard = (0..hidden.dim(0).expect("there are three axes")).map(hear).collect();
    Some((decoder, heard, io))
}

/// A table of token numbers, stored as whole numbers of 64 bits.
fn tokens(io: &Weights, name: &str) -> Vec<Vec<u32>> {
    let rows = io.tensor(name).expect("it is there").to_vec2::<i64>().expect("it is a table");
    rows.into_iter().map(|row| row.into_iter().map(|id| id as u32).collect()).collect()
}

#[test]
fn golden_decoder_agrees_at_once_and_token_by_token() {
    let Some((decoder, heard, io)) = golden_decoder() else { return };
    let reference = io.tensor("logits").unwrap().to_vec3::<f32>().unwrap();
    for ((ids, heard), reference) in
        tokens(&io, "decoder_input_ids").iter().zip(&heard).zip(reference)
    {
        let off = |ours: &[f32], reference: &[f32]| {
            ours.iter().zip(reference).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let whole =
            decoder.forward(std::slice::from_ref(ids), heard, &mut Said::default()).unwrap();
        let mut said = Said::default();
        for (at, reference) in reference.iter().enumerate() {
            let logits =
                decoder.logits(&whole.narrow(1, at, 1).unwrap().squeeze(1).unwrap()).unwrap();
            assert!(off(&logits[0], reference) < 1e-4, "token {at} of all at once");
            let step = decoder.forward(&[vec![ids[at]]], heard, &mut said).unwrap();
            let logits = decoder.logits(&step.squeeze(1).unwrap()).unwrap();
            assert!(off(&logits[0], reference) < 1e-4, "token {at} alone");
        }
    }
}

#[test]
fn golden_greedy_tokens_agree() {
    let Some((decoder, heard, io)) = golden_decoder() else { return };
    for (reference, heard) in tokens(&io, "greedy_ids").iter().zip(&heard) {
        let mut said = Said::default();
        let mut ids = vec![reference[0]];
        while ids.len() < reference.len() {
            let next = vec![ids[ids.len() - 1]];
            let x = decoder.forward(&[next], heard, &mut said).unwrap().squeeze(1).unwrap();
            let logits = decoder.logits(&x).unwrap().remove(0);
            let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
            ids.push(best as u32);
        }
        assert_eq!(ids, *reference);
    }
}

#[test]
fn golden_texts_of_a_batch_do_not_disturb_each_other() {
    let Some((decoder, heard, io)) = golden_decoder() else { return };
    let ids = tokens(&io, "decoder_input_ids");
    let mut said = Said::default();
    let both = decoder.forward(&ids, &heard[0], &mut said).unwrap();
    let mut swapped = said.select(&[1, 0, 1]).unwrap();
    let next = decoder.forward(&[vec![3], vec![4], vec![3]], &heard[0], &mut swapped).unwrap();
    for (row, next_token, place) in [(0, 4, 1), (1, 3, 0)] {
        let mut alone = Said::default();
        let first = decoder.forward(&ids[row..=row], &heard[0], &mut alone).unwrap();
        assert!(distance(&both.narrow(0, row, 1).unwrap(), &first) < 1e-5);
        let second = decoder.forward(&[vec![next_token]], &heard[0], &mut alone).unwrap();
        assert!(distance(&next.narrow(0, place, 1).unwrap(), &second) < 1e-5);
    }
    assert!(distance(&next.narrow(0, 0, 1).unwrap(), &next.narrow(0, 2, 1).unwrap()) < 1e-6);
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
