//! Which frames can be heard.

use omnivale_signal::SoundFrame;

use super::AudioConfig;

/// MFCC change and tonality up to which a frame may belong to a background: noise changes by about 2 dB,
/// speech by 10; a hum may be half tonal.
const STEADY_CHANGE_DB: f32 = 4.0;
const STEADY_TONALITY: f32 = 0.5;
/// A background's frames lie within this of their middle, in dB.
const SPREAD_DB: f32 = 3.0;

/// For each frame, whether it is louder than silence and than the background.
pub(super) fn audible(frames: &[SoundFrame], config: &AudioConfig) -> Vec<bool> {
    let silent = config.meter.silent_db;
    let least = match background(frames, config) {
        Some(level) => (level + config.background_margin_db).max(silent),
        None => silent,
    };
    frames.iter().map(|frame| frame.rms_db > least).collect()
}

/// The level of the clip's background: the lowest at which a good share of the audible frames
/// stands still. A sound that fades passes through every level and stays at none.
fn background(frames: &[SoundFrame], config: &AudioConfig) -> Option<f32> {
    let heard = |f: &&SoundFrame| f.rms_db > config.meter.silent_db;
    let count = frames.iter().filter(heard).count();
    let mut levels: Vec<f32> = frames
        .iter()
        .filter(heard)
        .filter(|f| f.mfcc_change <= STEADY_CHANGE_DB && f.tonality <= STEADY_TONALITY)
        .map(|f| f.rms_db)
        .collect();
    levels.sort_by(f32::total_cmp);
    let wanted = ((count as f64 * config.background_share).ceil() as usize).max(1);
    let at_most = config.background_at_most_db - config.background_margin_db;
    let mut from = 0;
    for until in wanted..=levels.len() {
        from = from.max(until - wanted);
        while levels[until - 1] - levels[from] > 2.0 * SPREAD_DB {
            from += 1;
        }
        if until - from >= wanted {
            let band = &levels[from..until];
            let middle = band.iter().sum::<f32>() / band.len() as f32;
            return (middle <= at_most).then_some(middle);
        }
    }
    None
}
