use super::*;
use crate::fixtures::golden;

/// Largest difference of two tensors.
fn distance(ours: &Tensor, reference: &Tensor) -> f32 {
    assert_eq!(ours.dims(), reference.dims());
    let difference = (ours - reference).unwrap().abs().unwrap().flatten_all().unwrap();
    difference.max(0).unwrap().to_scalar::<f32>().unwrap()
}

#[test]
fn golden_picture_tower_agrees_layer_by_layer() {
    let Some(folder) = golden("clip_vision") else { return };
    let tower = ClipVision::open(&folder).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let pixels = io.tensor("pixel_values").unwrap();
    let mut x = tower.embed(&pixels).unwrap();
    for (layer, name) in tower.layers.iter().zip(["hidden_0", "hidden_1"]) {
        let off = distance(&x, &io.tensor(name).unwrap());
        assert!(off < 1e-4, "{name}: {off:e}");
        x = layer.forward(&x, None).unwrap();
    }
    let off = distance(&x, &io.tensor("last_hidden_state").unwrap());
    assert!(off < 1e-4, "last_hidden_state: {off:e}");
    let off = distance(&tower.forward(&pixels).unwrap(), &io.tensor("image_embeds").unwrap());
    assert!(off < 1e-4, "image_embeds: {off:e}");
}

#[test]
fn golden_picture_tower_refuses_pictures_of_another_size() {
    let Some(folder) = golden("clip_vision") else { return };
    let tower = ClipVision::open(&folder).unwrap();
    let pixels = Tensor::zeros((1, 3, 28, 56), DType::F32, &Device::Cpu).unwrap();
    let message = tower.forward(&pixels).unwrap_err().to_string();
    assert_eq!(message, "CLIP takes pictures of [batch, 3, 56, 56], but was given [1, 3, 28, 56]");
}
