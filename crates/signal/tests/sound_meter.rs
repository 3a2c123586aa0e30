//! The sound meter on generated signals.

use omnivale_signal::{
    SoundClass, SoundClassConfig, SoundMeter, SoundMeterConfig, SoundSummary, SoundTrack,
    VoiceConfig,
};
use omnivale_timeline::{SamplesView, Time};

const RATE: f64 = 16_000.0;

fn config() -> SoundMeterConfig {
    SoundMeterConfig {
        longest_gap_s: 10.0,
        waveform_per_second: 10,
        onset_db: 3.0,
        silent_db: -60.0,
        voice: VoiceConfig {
            window_s: 1.0,
            range_db: 30.0,
            probability: 0.55,
            frame_probability: 0.3,
            change_db: 3.6,
            level_spread_db: 3.0,
            colour_spread_octaves: 0.2,
            colour_spread_at_most_octaves: 1.7,
            colour_spread_mostly_octaves: 1.25,
            mostly: 0.6,
            harmonicity: 0.15,
            tonality_at_most: 0.3,
            longest_pause_s: 1.2,
            shortest_s: 0.4,
        },
    }
}

fn class_config() -> SoundClassConfig {
    SoundClassConfig {
        speech_share: 0.5,
        impact_swing_db: 12.0,
        impact_onsets: 3,
        impact_onsets_per_second: 0.45,
        musical_tonality: 0.12,
        musical_harmonicity: 0.3,
        music_share: 0.35,
    }
}

fn view(seconds: f64, data: &[f32]) -> SamplesView<'_> {
    let time = Time::from_seconds(seconds).expect("seconds are finite");
    SamplesView { time, sample_rate: RATE as u32, channels: 1, data }
}

fn measure(samples: &[f32], chunk: usize) -> SoundTrack {
    let mut meter = SoundMeter::new(&config());
    for (at, part) in samples.chunks(chunk).enumerate() {
        meter.push_speech(&view((at * chunk) as f64 / RATE, part));
    }
    meter.finish()
}

fn wave(seconds: f64, of: impl Fn(f64) -> f64) -> Vec<f32> {
    (0..(seconds * RATE) as usize).map(|n| of(n as f64 / RATE) as f32).collect()
}

fn sine(hz: f64, t: f64) -> f64 {
    (std::f64::consts::TAU * hz * t).sin()
}

/// White noise of a linear congruential generator.
fn noise(seconds: f64, amplitude: f64) -> Vec<f32> {
    let mut state = 1u32;
    wave(seconds, |_| 0.0)
        .iter()
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0) * amplitude) as f32
        })
        .collect()
}

fn class(samples: &[f32]) -> SoundClass {
    let track = measure(samples, 1024);
    assert_eq!(track.voice, [], "none of these is speech");
    SoundSummary::of(&track.frames, -60.0, 3.0, &class_config()).class(0.0, &class_config())
}

#[test]
fn kinds_of_generated_sounds() {
    let chord = wave(4.0, |t| 0.2 * (sine(220.0, t) + sine(277.2, t) + sine(329.6, t)));
    assert_eq!(class(&chord), SoundClass::Music);
    assert_eq!(class(&noise(4.0, 0.2)), SoundClass::Sound);
    let bursts: Vec<f32> = noise(6.0, 0.5)
        .iter()
        .enumerate()
        .map(|(n, s)| if n % 12_000 < 1_600 { *s } else { 0.0 })
        .collect();
    assert_eq!(class(&bursts), SoundClass::Impacts);
    assert_eq!(class(&vec![0.0; 64_000]), SoundClass::Silence);
    let sweep = wave(4.0, |t| 0.3 * sine(500.0 + 150.0 * t, t));
    assert_eq!(class(&sweep), SoundClass::Sound);
}

#[test]
fn a_summary_says_what_was_put_in() {
    let rising = wave(3.0, |t| (0.02 + 0.1 * t) * sine(1000.0, t));
    let track = measure(&rising, 4096);
    let summary = SoundSummary::of(&track.frames, -60.0, 3.0, &class_config());
    assert!((summary.centroid_hz - 1000.0).abs() < 20.0, "{summary:?}");
    assert!((summary.peak_db - 20.0 * 0.32f32.log10()).abs() < 0.2, "{summary:?}");
    assert!(summary.loudness_change_db > 8.0, "{summary:?}");
    assert!(summary.steadiness > 0.5 && summary.tonality > 0.7, "{summary:?}");
    assert_eq!(summary.audible_share, 1.0);
}

#[test]
fn the_size_of_the_pushes_does_not_matter() {
    let samples = noise(3.0, 0.3);
    let whole = measure(&samples, samples.len());
    assert_eq!(measure(&samples, 160), whole);
    assert_eq!(measure(&samples, 4096), whole);
    assert_eq!(whole.frames.len(), 94, "48000 / 512, rounded up");
    assert_eq!(whole.end, Time::from_millis(3_000));
    assert_eq!(whole.rows.grid().rows(), 6, "94 / 16, rounded up");
    assert_eq!(whole.waveform.peaks.len(), 30);
}

#[test]
fn a_hole_is_silence_and_a_repeat_is_skipped() {
    let sound = noise(1.0, 0.3);
    let mut meter = SoundMeter::new(&config());
    meter.push_speech(&view(5.0, &sound));
    meter.push_speech(&view(8.0, &sound));
    meter.push_speech(&view(8.5, &sound));
    let track = meter.finish();
    assert_eq!((track.start, track.end), (Time::from_millis(5_000), Time::from_millis(9_500)));
    let level = |millis: i64| track.frames[track.frame_at(Time::from_millis(millis))].rms_db;
    assert!(level(5_500) > -20.0 && level(8_500) > -20.0 && level(9_400) > -20.0);
    assert!(level(7_000) < -100.0);
}

#[test]
fn a_broken_time_stamp_adds_no_silence() {
    let sound = noise(1.0, 0.3);
    let mut meter = SoundMeter::new(&config());
    meter.push_speech(&view(0.0, &sound));
    meter.push_speech(&view(95_443.7, &sound));
    assert_eq!(meter.finish().end, Time::from_millis(2_000));
}

#[test]
fn nothing_in_nothing_out() {
    let track = SoundMeter::new(&config()).finish();
    assert_eq!((track.frames.len(), track.voice.len(), track.loudness), (0, 0, None));
    let broken = [f32::NAN, f32::INFINITY, 0.5, -7.0].repeat(8_000);
    let track = measure(&broken, 1024);
    assert!(track.frames.iter().all(|f| f.mfcc_change.is_finite() && f.rms_db.is_finite()));
    assert!(track.frames.iter().all(|f| f.peak_db.is_finite() && f.voice.is_finite()));
}

#[test]
fn onsets_are_where_sounds_set_in() {
    let mut samples = vec![0.0; 64_000];
    for start in [16_000, 40_000] {
        samples[start..start + 8_000].copy_from_slice(&noise(0.5, 0.4));
    }
    let track = measure(&samples, 1024);
    let times: Vec<f64> = track.onsets.iter().map(|o| o.time.seconds()).collect();
    assert_eq!(times.len(), 2, "{times:?}");
    assert!((times[0] - 1.0).abs() < 0.07 && (times[1] - 2.5).abs() < 0.07, "{times:?}");
}

#[test]
fn a_track_survives_storage_and_is_small() {
    let track = measure(&noise(20.0, 0.3), 1024);
    let bytes = postcard::to_stdvec(&track).unwrap();
    assert_eq!(postcard::from_bytes::<SoundTrack>(&bytes).unwrap(), track);
    assert!(bytes.len() < 20 * 2_000, "{} bytes for 20 s", bytes.len());
}
