//! Real files: the subtitles and the truth of a generated clip that lies outside the repository.

use std::path::PathBuf;

use omnivale_dataset::boundaries::{BoundaryFile, Kind};
use omnivale_dataset::{srt, webvtt};
use omnivale_timeline::{Time, union_duration};

/// A file of the shared folder, or nothing where there is no such folder.
fn shared(file: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let folder = std::env::var_os("OMNIVALE_SHARED").map_or_else(beside, PathBuf::from);
    let path = folder.join(file);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn subtitles_of_the_generated_clip() {
    let Some(path) = shared("media/synth/synth.srt") else { return };
    let cues = srt::read(&std::fs::read_to_string(path).unwrap(), "synth.srt").unwrap();
    assert_eq!(cues.len(), 8);
    // Its truth file says: 0.1843 of 180 s.
    let covered = union_duration(cues.iter().map(|cue| cue.span)).seconds() / 180.0;
    assert!((covered - 0.1843).abs() < 5e-5, "{covered}");
    assert_eq!(srt::read(&srt::write(&cues), "again").unwrap(), cues);
    assert_eq!(webvtt::read(&webvtt::write(&cues), "again").unwrap(), cues);
}

#[test]
fn truth_of_the_generated_clip() {
    let Some(path) = shared("media/synth/truth.json") else { return };
    let truth = BoundaryFile::read(&path).unwrap();
    assert_eq!(truth.kinds(), [Kind::Cuts, Kind::Audio, Kind::Speech]);
    let of = |kind| truth.boundaries(kind).unwrap();
    assert_eq!(of(Kind::Cuts).times.len(), 11);
    assert_eq!(of(Kind::Cuts).times[8], Time::from_millis(110_400));
    assert_eq!((of(Kind::Audio).spans.len(), of(Kind::Audio).times.len()), (16, 32));
    assert_eq!(of(Kind::Speech).spans.len(), 8);
}
