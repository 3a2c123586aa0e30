
use super::*;
use crate::golden;

/// Largest difference of two tensors.
fn distance(ours: &Tensor, reference: &Tensor) -> f32 {
    assert_eq!(ours.dims(), reference.dims());
    let difference = (ours - reference).unwrap().abs().unwrap().flatten_all().unwrap();
    difference.max(0).unwrap().to_scalar::<f32>().unwrap()
}

#[test]
fn golden_hidden_states_and_pooled_vectors_are_those_of_the_reference() {
    let Some(folder) = golden::folder("bert_mean_pool") else { return };
    let config = Config::open(&folder.join("config.json")).unwrap();
    let weights = Weights::open(&folder).unwrap();
    let bert = Bert::load(&weights.view(DType::F32), &config).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let whole = |name| io.tensor(name).unwrap().to_dtype(DType::U32).unwrap();
    let (ids, mask) = (whole("input_ids"), whole("attention_mask"));
    let hidden = bert.forward(&ids, &mask).unwrap();
    let pooled = mean_pool(&hidden, &mask).unwrap();
    let off = distance(&pooled, &io.tensor("mean_pooled_l2").unwrap());
    assert!(off < 1e-4, "pooled: {off:e}");
    // Only rows of tokens mean anything.
    let shown = mask.to_dtype(DType::F32).unwrap().unsqueeze(2).unwrap();
    let only = |x: &Tensor| x.broadcast_mul(&shown).unwrap();
    let hidden_off = distance(&only(&hidden), &only(&io.tensor("last_hidden_state").unwrap()));
    assert!(hidden_off < 1e-4, "hidden: {hidden_off:e}");
    eprintln!("pooled {off:e}, hidden {hidden_off:e}");
}
