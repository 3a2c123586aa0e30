//! Holds detected audio events against true ones: `sound_score CLIP.wav...`, each with CLIP.json beside it.
//! The clips come from `scripts/calibrate/sound_clips.py`.

#[path = "../tests/sound/mod.rs"]
mod sound;

use std::path::Path;
use std::process::ExitCode;

use sound::{Truth, hear};

fn main() -> ExitCode {
    let clips: Vec<String> = std::env::args().skip(1).collect();
    if clips.is_empty() {
        eprintln!("usage: sound_score CLIP.wav...");
        return ExitCode::from(2);
    }
    println!("{:>10} {:>12} {:>12}  clip", "boundaries", "speech, time", "spans");
    for clip in &clips {
        let path = Path::new(clip);
        let (heard, truth) = (hear(path), Truth::read(&path.with_extension("json")));
        println!(
            "{:10.3} {:12.3} {:12.3}  {clip}",
            truth.boundaries(&heard).f1,
            truth.speech_time(&heard).f1,
            truth.speech_spans(&heard).f1,
        );
        if let Some(loudness) = heard.track.loudness {
            println!("    {:.1} LUFS", loudness.integrated_lufs);
        }
        for event in heard.events.iter() {
            println!("    {} {}", event.span, event.kind.as_deref().unwrap_or_default());
        }
    }
    ExitCode::SUCCESS
}
