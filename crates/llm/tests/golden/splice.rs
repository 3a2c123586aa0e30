//! The multimodal splice: `splice/io.safetensors`, embeddings to 1e-4, labels and mask exact.

use candle_core::Tensor;
use omnivale_llm::conversation::Token;
use omnivale_llm::projector::{AUDIO, Projector, SPEECH, VISUAL};
use omnivale_llm::splice::{Batch, Sample};

use crate::support::{close, golden, tensors};

#[test]
fn golden_features_are_spliced_where_the_reference_puts_them() {
    let Some(folder) = golden("splice") else { return };
    let io = tensors(&folder.join("io.safetensors"));
    let table = &io["embed_tokens"];
    let width = table.dim(1).unwrap();
    let projector = |name| Projector::load(&io, name, width).unwrap();
    let projectors =
        [("image", projector(VISUAL)), ("audio", projector(AUDIO)), ("asr", projector(SPEECH))];

    let ids: Vec<Vec<i64>> = io["input_ids"].to_vec2().unwrap();
    let mask: Vec<Vec<u8>> = io["attention_mask"].to_vec2().unwrap();
    let labels: Vec<Vec<i64>> = io["labels"].to_vec2().unwrap();
    let real = |row: &[i64], mask: &[u8]| -> Vec<i64> {
        row.iter().zip(mask).filter(|(_, real)| **real != 0).map(|(id, _)| *id).collect()
    };
    let token = |id: i64| u32::try_from(id).map_or(Token::Features, Token::Text);
    let tokens: Vec<Vec<Token>> = ids
        .iter()
        .zip(&mask)
        .map(|(row, mask)| real(row, mask).into_iter().map(token).collect())
        .collect();
    let learned: Vec<Vec<Option<u32>>> = labels
        .iter()
        .zip(&mask)
        .map(|(row, mask)| real(row, mask).into_iter().map(|id| id.try_into().ok()).collect())
        .collect();
    let features = |sample: usize| -> Vec<Tensor> {
        projectors
            .iter()
            .filter_map(|(name, projector)| {
                Some(projector.forward(io.get(&format!("{name}_{sample}"))?).unwrap())
            })
            .collect()
    };
    let samples: Vec<Sample<'_>> = (0..tokens.len())
        .map(|at| Sample {
            tokens: &tokens[at],
            labels: Some(&learned[at]),
            features: features(at),
        })
        .collect();
    let batch = Batch::new(table, &samples).unwrap();

    close("splice embeddings", &batch.embeddings, &io["out_inputs_embeds"], 1e-4);
    let own: Vec<Vec<u8>> = batch.attention_mask().unwrap().to_vec2().unwrap();
    assert_eq!(own, io["out_attention_mask"].to_vec2::<u8>().unwrap());
    let own: Vec<Vec<i64>> = batch
        .labels
        .iter()
        .map(|row| row.iter().map(|label| label.map_or(-100, i64::from)).collect())
        .collect();
    assert_eq!(own, io["out_labels"].to_vec2::<i64>().unwrap());
}
