use super::*;
use crate::fixtures::{distance, golden};

/// The flags of a batch.
fn flags(tensor: &Tensor) -> Vec<bool> {
    let flags = tensor.flatten_all().unwrap().to_dtype(DType::U8).unwrap();
    flags.to_vec1::<u8>().unwrap().into_iter().map(|flag| flag != 0).collect()
}

#[test]
fn golden_audio_tower_is_that_of_the_reference() {
    let Some(folder) = golden("clap_audio") else { return };
    let tower = ClapAudio::open(&folder).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let features = io.tensor("input_features").unwrap();
    let longer = flags(&io.tensor("is_longer").unwrap());
    let close = |name: &str, ours: &Tensor| {
        let off = distance(ours, &io.tensor(name).unwrap());
        eprintln!("{name}: {off:e}");
        assert!(off < 1e-4, "{name}: {off:e}");
    };
    close("pooler_output", &tower.pool(&features, &longer).unwrap());
    let embeds = tower.forward(&features, &longer).unwrap();
    close("audio_embeds_normalized", &unit_rows(&embeds).unwrap());
    // The reference's projection, where it is not divided by the length.
    close("audio_embeds", &embeds);
    let first = features.narrow(0, 0, 1).unwrap();
    close("single_not_longer_embeds", &tower.forward(&first, &[false]).unwrap());
    let alone = tower.forward(&first.narrow(1, 0, 1).unwrap(), &[false]).unwrap();
    close("single_not_longer_embeds", &alone);
}
