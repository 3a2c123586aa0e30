//! The sound front ends against the numbers of the reference programs: `../shared/golden` where it
//! is there, and a small file of our own (`scripts/goldens/librosa_sound.py`).

use std::path::{Path, PathBuf};

use omnivale_signal::spectrum::Spectrogram;
use omnivale_signal::{clap_mel, delta, fbank, log_mel, mel, mfcc};
use safetensors::SafeTensors;

/// A tensor: its values and its shape.
struct Tensor {
    values: Vec<f32>,
    shape: Vec<usize>,
}

struct Golden(Vec<u8>);

impl Golden {
    fn tensor(&self, name: &str) -> Tensor {
        let file = SafeTensors::deserialize(&self.0).expect("the file is a safetensors file");
        let view = file.tensor(name).expect("the tensor is in the file");
        let bytes = view.data().chunks_exact(4);
        let values = bytes.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Tensor { values, shape: view.shape().to_vec() }
    }

    fn wave(&self) -> Vec<f32> {
        self.tensor("waveform").values
    }
}

/// `None`, said on stderr, where the shared folder is missing.
fn shared(name: &str) -> Option<Golden> {
    let root = std::env::var_os("OMNIVALE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    match std::fs::read(root.join("golden").join(name)) {
        Ok(bytes) => Some(Golden(bytes)),
        Err(error) => {
            eprintln!("skipped: {name}: {error}");
            None
        }
    }
}

fn own() -> Golden {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sound/librosa.safetensors");
    Golden(std::fs::read(path).expect("the fixture is there"))
}

impl Tensor {
    /// Largest difference from `ours`, shape `[frames, bands]`; the file's is `[bands, frames]`.
    fn distance_transposed(&self, ours: &Spectrogram) -> f32 {
        assert_eq!(self.shape, [ours.bands(), ours.frames()]);
        let frames = ours.frames();
        let pairs = self.values.iter().enumerate();
        pairs
            .map(|(at, value)| (value - ours.frame(at % frames)[at / frames]).abs())
            .fold(0.0, f32::max)
    }

    /// Largest difference from `ours`, same order of axes.
    fn distance(&self, ours: &[f32]) -> f32 {
        assert_eq!(self.values.len(), ours.len());
        self.values.iter().zip(ours).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }
}

fn assert_within(what: &str, distance: f32, tolerance: f32) {
    eprintln!("{what}: {distance:e}");
    assert!(distance <= tolerance, "{what} is {distance:e} off, more than {tolerance:e}");
}

/// librosa in dB: 2e-3 (its transforms run in other orders of summation).
fn check_librosa(golden: &Golden) {
    let wave = golden.wave();
    let power = mfcc::librosa_mel(&wave, 16_000);
    let reference = golden.tensor("mel_power");
    let largest = reference.values.iter().copied().fold(0.0, f32::max);
    assert_within("mel power", reference.distance_transposed(&power) / largest, 1e-5);
    let mut db = power;
    mel::power_to_db(db.values_mut(), 1e-10, Some(80.0));
    assert_within("mel dB", golden.tensor("mel_db").distance_transposed(&db), 2e-3);
    let ours = mfcc::mfcc(&wave, 16_000, 20);
    assert_within("mfcc", golden.tensor("mfcc20").distance_transposed(&ours), 2e-3);
    for (name, order) in [("delta_w9", 1), ("delta2_w9", 2)] {
        let slopes = delta::delta(&ours, 9, order).expect("the wave has nine frames");
        assert_within(name, golden.tensor(name).distance_transposed(&slopes), 2e-3);
    }
    let steps = delta::difference(&ours);
    assert_within("difference", golden.tensor("first_diff").distance_transposed(&steps), 2e-3);
}

#[test]
fn librosa_on_our_own_wave() {
    check_librosa(&own());
}

#[test]
fn librosa_on_the_shared_wave() {
    let Some(golden) = shared("audio_frontends/librosa_mfcc.safetensors") else { return };
    check_librosa(&golden);
    let slopes = delta::delta(&mfcc::mfcc(&golden.wave(), 16_000, 20), 9, 1).unwrap();
    for (name, absolute) in [("mean_delta", false), ("mean_abs_delta", true)] {
        let means: Vec<f32> = (0..slopes.frames())
            .map(|t| {
                slopes.frame(t).iter().map(|v| if absolute { v.abs() } else { *v }).sum::<f32>()
                    / 20.0
            })
            .collect();
        assert_within(name, golden.tensor(name).distance(&means), 2e-3);
    }
    let wave = golden.tensor("wave22050").values;
    let ours = mfcc::mfcc(&wave, 22_050, 13);
    assert_within("mfcc 22050", golden.tensor("mfcc13_sr22050").distance_transposed(&ours), 2e-3);
}

#[test]
fn kaldi_fbank_on_the_shared_wave() {
    let Some(golden) = shared("audio_frontends/kaldi_fbank.safetensors") else { return };
    assert_within("povey", golden.tensor("povey_window").distance(&fbank::povey(400)), 1e-6);
    let bank = fbank::kaldi_bank();
    let weights: Vec<f32> = (0..128)
        .flat_map(|band| (0..256).map(move |bin| (band, bin)))
        .map(|(band, bin)| bank.weight(band, bin))
        .collect();
    assert_within("kaldi bank", golden.tensor("mel_banks").distance(&weights), 1e-4);
    let mut ours = fbank::fbank(&golden.wave());
    assert_within("fbank", golden.tensor("fbank").distance(ours.values()), 1e-3);
    fbank::normalise_for_beats(&mut ours);
    assert_within("normalised", golden.tensor("normalised").distance(ours.values()), 1e-4);
}

#[test]
fn whisper_log_mel_on_the_shared_wave() {
    let Some(golden) = shared("audio_frontends/whisper_log_mel.safetensors") else { return };
    let wave = match shared("audio_frontends/librosa_mfcc.safetensors") {
        Some(other) => other.wave(),
        None => return,
    };
    let bank = log_mel::whisper_bank(80);
    let weights: Vec<f32> = (0..201)
        .flat_map(|bin| (0..80).map(move |band| (band, bin)))
        .map(|(band, bin)| bank.weight(band, bin))
        .collect();
    assert_within("whisper bank", golden.tensor("mel_filters").distance(&weights), 1e-6);
    let ours = log_mel::log_mel(&wave, 80);
    let part =
        |from: usize, to: usize| Spectrogram::new(80, ours.values()[from * 80..to * 80].to_vec());
    assert_within("log mel", golden.tensor("log_mel").distance_transposed(&part(0, 600)), 1e-3);
    let tail = golden.tensor("log_mel_last_4").distance_transposed(&part(2996, 3000));
    assert_within("log mel, last frames", tail, 1e-3);
}

#[test]
fn whisper_log_mel_on_our_own_wave() {
    let golden = own();
    let bank = log_mel::whisper_bank(128);
    let sums: Vec<f32> =
        (0..128).map(|band| (0..201).map(|bin| bank.weight(band, bin)).sum()).collect();
    assert_within("128 bands", golden.tensor("whisper_bank_128_sums").distance(&sums), 1e-6);
}

#[test]
fn clap_mel_on_the_shared_wave() {
    let Some(golden) = shared("clap_audio/frontend.safetensors") else { return };
    let bank = clap_mel::clap_bank();
    let weights: Vec<f32> = (0..513)
        .flat_map(|bin| (0..64).map(move |band| (band, bin)))
        .map(|(band, bin)| bank.weight(band, bin))
        .collect();
    assert_within("clap bank", golden.tensor("mel_filters").distance(&weights), 1e-5);
    let ours = clap_mel::clap_mel(&golden.wave());
    assert_within("clap mel", golden.tensor("mel_db").distance(ours.values()), 1e-3);
}
