//! Damaged files: whatever is done to a file, opening and decoding it ends, without a panic.

use std::fs;
use std::path::{Path, PathBuf};

use omnivale_media::{Flow, Sink, Source, Surveyed};
use omnivale_timeline::{PictureView, SamplesView};

use crate::recorder::ALL;
use crate::reference_media;

/// A small generator of random numbers (SplitMix64), so that every run damages alike.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound.max(1) as u64) as usize
    }
}

/// Cuts, flips, overwrites, repeats or removes, once or several times.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let place = dice.below(length);
        match dice.below(7) {
            0 => bytes.truncate(place),
            // Scattered bit flips.
            1 => (0..1 + dice.below(64)).for_each(|_| {
                let at = dice.below(length);
                bytes[at] ^= 1 << dice.below(8);
            }),
            // The header, where sizes and counts are.
            2 => (0..1 + dice.below(8)).for_each(|_| {
                let at = dice.below(length.min(1024));
                bytes[at] = dice.roll() as u8;
            }),
            // Extreme values where a 32-bit number may stand.
            3 => {
                let value = [0u32, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff][dice.below(5)];
                let at = place & !3;
                if let Some(target) = bytes.get_mut(at..at + 4) {
                    target.copy_from_slice(&value.to_be_bytes());
                }
            }
            // A stretch of noise.
            4 => {
                let end = (place + dice.below(4096)).min(length);
                bytes[place..end].iter_mut().for_each(|byte| *byte = dice.roll() as u8);
            }
            // A stretch twice.
            5 => {
                let end = (place + dice.below(4096)).min(length);
                let again = bytes[place..end].to_vec();
                bytes.splice(place..place, again);
            }
            // A stretch gone.
            _ => {
                let end = (place + dice.below(4096)).min(length);
                bytes.drain(place..end);
            }
        }
    }
}

/// Touches everything it is lent and stops far past what any of the clips hold.
#[derive(Default)]
struct Bounded {
    pictures: u64,
    samples: u64,
    sum: u64,
}

impl Sink for Bounded {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        self.pictures += 1;
        match picture.pixels {
            omnivale_timeline::Pixels::Yuv420 { y, u, v, .. } => {
                for plane in [y, u, v] {
                    self.sum += plane.data.iter().step_by(61).map(|&b| u64::from(b)).sum::<u64>();
                }
            }
            omnivale_timeline::Pixels::Bgr24(plane) => {
                self.sum += plane.data.iter().step_by(61).map(|&b| u64::from(b)).sum::<u64>();
            }
        }
        if self.pictures > 20_000 { Flow::Stop } else { Flow::Continue }
    }

    fn native_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        self.samples += samples.data.len() as u64;
        if self.samples > 1 << 30 { Flow::Stop } else { Flow::Continue }
    }
}

/// Opens and decodes one damaged file. Either result will do; that there is one is the test.
fn survive(path: &Path) -> bool {
    let Ok(source) = Source::open(path) else { return false };
    let _ = source.cues();
    if let Ok(Surveyed::Known(survey)) = source.survey(&mut |_| Flow::Continue) {
        let wanted: Vec<usize> = (0..survey.pictures()).step_by(7).take(1_000).collect();
        let _ = source.decode_chosen(&ALL, &survey, &wanted, &mut Bounded::default());
    }
    let mut sink = Bounded::default();
    let decoded = source.decode(&ALL, &mut sink);
    assert!(sink.pictures <= 20_000 && sink.samples <= (1 << 30) + (1 << 24), "{}", path.display());
    decoded.is_ok()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let media = ["mp4", "m4a", "mkv", "webm", "ts", "mp3", "wav", "flac", "h264"];
    let known = |path: &PathBuf| {
        path.extension().and_then(|e| e.to_str()).is_some_and(|e| media.contains(&e))
    };
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(known).collect();
    files.sort();
    files
}

fn run(originals: &[PathBuf], count: u64) {
    let folder = tempfile::tempdir().unwrap();
    // What is being decoded stays on disk if the process dies, and its name says how to remake it.
    let mut decoded = 0;
    for seed in 0..count {
        let original = &originals[seed as usize % originals.len()];
        let mut bytes = fs::read(original).unwrap();
        damage(&mut bytes, &mut Dice(seed));
        let name = original.file_name().unwrap().to_string_lossy();
        let path = folder.path().join(format!("{seed}-{name}"));
        fs::write(&path, &bytes).unwrap();
        if std::env::var_os("OMNIVALE_FUZZ_VERBOSE").is_some() {
            eprintln!("{}", path.display());
        }
        decoded += u64::from(survive(&path));
        fs::remove_file(&path).unwrap();
    }
    eprintln!("{decoded} of {count} damaged files gave something");
    assert!(decoded > 0, "damage so heavy tests nothing");
}

fn count(default: u64) -> u64 {
    std::env::var("OMNIVALE_FUZZ_FILES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Damages the small clips. `OMNIVALE_FUZZ_FILES` sets how many files (60), and
/// `OMNIVALE_FUZZ_VERBOSE` names each before it is opened.
#[test]
fn damaged_clips_end_in_a_result_or_an_error() {
    run(&files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")), count(60));
}

/// The same over the reference media, which are larger: thousands of files take many minutes, so it
/// runs only when asked for:
///
/// ```text
/// OMNIVALE_FUZZ_FILES=2000 cargo test -p omnivale-media -- --ignored damaged_reference
/// ```
#[test]
#[ignore = "takes many minutes; see the comment"]
fn damaged_reference_media_end_in_a_result_or_an_error() {
    let Some(folder) = reference_media::folder() else { return };
    let originals = [files(&folder.join("synth")), files(&folder.join("real"))].concat();
    run(&originals, count(2000));
}
