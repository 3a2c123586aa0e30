//! The captioner without a model: it says only what was measured.

mod both;
mod english;
mod facts;
mod heard;
mod seen;

use serde::{Deserialize, Serialize};

use super::{AudioRequest, Captioner, CaptionerError, OmniRequest, VisualRequest};
use english::{Choice, sentence};
use heard::Heard;
use seen::{Detail, Seen};

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
    /// Saturation, 0 to 1, from which several colours are vivid.
    pub vivid_above: f64,
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
    /// Tonality, 0 to 1, from which a sound is a tone.
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
///
/// It says what was measured, and nothing else: no objects, no people, no places, no reasons. The one
/// thing it names is a voice, where the audio event's kind is speech. Wordings vary with the video's
/// id and the event's position, never by chance: the same event always gets the same caption.
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

/// A caption is shorter than this, in words: the limit that the LongVALE paper sets its captioner.
const WORDS_BELOW: usize = 50;

/// Wordings tried before a caption may repeat one of the captions just before it.
const WORDINGS: usize = 4;

impl Captioner for Signal {
    fn name(&self) -> &str {
        "signal"
    }

    fn visual(&self, request: &VisualRequest<'_>) -> Result<String, CaptionerError> {
        let mut choice = Choice::new(request.video.id.as_str(), "visual", request.index);
        Ok(sentence(&Seen::of(request.event, &self.config).caption(&mut choice)))
    }

    fn audio(&self, request: &AudioRequest<'_>) -> Result<String, CaptionerError> {
        let mut choice = Choice::new(request.video.id.as_str(), "audio", request.index);
        Ok(sentence(&Heard::of(request.event, &self.config).caption(&mut choice)))
    }

    fn omni(&self, request: &OmniRequest<'_>) -> Result<String, CaptionerError> {
        let mut choice = Choice::new(request.video.id.as_str(), "omni", request.index);
        let mut text = self.omni_sentence(request, &mut choice);
        for _ in 1..WORDINGS {
            if !request.previous.contains(&text) {
                break;
            }
            text = self.omni_sentence(request, &mut choice);
        }
        Ok(text)
    }
}

impl Signal {
    /// The caption in as much detail as fits.
    fn omni_sentence(&self, request: &OmniRequest<'_>, choice: &mut Choice) -> String {
        let in_detail =
            |detail| sentence(&both::clause(request, &self.config, &mut choice.clone(), detail));
        let text = [Detail::Full, Detail::Plain]
            .into_iter()
            .map(in_detail)
            .find(|text| text.split_whitespace().count() < WORDS_BELOW)
            .unwrap_or_else(|| in_detail(Detail::Bare));
        // The next call must choose other words.
        choice.below(2);
        text
    }
}

#[cfg(test)]
mod tests;
