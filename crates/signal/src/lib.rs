//! x

mod loudness;
mod sound_meter;
mod sound_track;
pub mod voice;

pub use loudness::{Loudness, LoudnessMeter};
pub use sound_meter::{SoundMeter, SoundMeterConfig};
pub use sound_track::{
    Onset, SILENT_DB, SOUND_HOP, SOUND_RATE, SoundFrame, SoundTrack, Waveform,
};
pub use voice::VoiceConfig;
