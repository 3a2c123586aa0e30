//! Sound made longer or shorter at the same pitch, and put back where it belongs.
//!
//! Both filters of `ffmpeg` shift what they stretch by part of their window: a bang comes some
//! hundredths of a second too early where sound is made longer. The shift was measured (clicks, noise
//! and tones at rates from 16 to 96 kHz, factors from 0.5 to 2, FFmpeg 5.1, Rubber Band 3.1) and is
//! undone here.

use std::fmt::Write as _;

/// Which filter stretches sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// `rubberband`: sounds better, and everything stays within 3 ms of its place. Not every build of
    /// `ffmpeg` has it.
    Rubberband,
    /// `atempo`, which every build has: a bang is up to 25 ms from its place at half speed.
    Tempo,
}

impl Stretch {
    /// `rubberband` or `atempo`.
    pub fn name(self) -> &'static str {
        match self {
            Stretch::Rubberband => "rubberband",
            Stretch::Tempo => "atempo",
        }
    }

    /// Filters that multiply the time of sound at `rate` with `scale`, each followed by a comma; none
    /// if there is nothing to do.
    pub(super) fn filters(self, scale: f64, rate: u32) -> String {
        let mut filters = String::new();
        if scale == 1.0 {
            return filters;
        }
        // Writing to a String cannot fail.
        let _ = match self {
            // Sound at t comes at scale * (t - lag) + lag. With silence of one lag before it and the
            // first lag of the result cut away, that is scale * t.
            Stretch::Rubberband => {
                let lag = rubberband_lag(rate);
                let tempo = 1.0 / scale;
                write!(
                    filters,
                    "adelay=delays={lag}S:all=1,rubberband=tempo={tempo},atrim=start_sample={lag},\
                     asetpts=PTS-STARTPTS,"
                )
            }
            // Sound at t comes at scale * (t - lag).
            Stretch::Tempo => tempos(1.0 / scale).into_iter().try_for_each(|tempo| {
                write!(filters, "adelay=delays={}S:all=1,atempo={tempo},", tempo_lag(rate))
            }),
        };
        filters
    }
}

/// Samples by which `rubberband` begins late: 11/16 of its window, which is 2048 at 44.1 kHz and grows
/// with the rate in powers of two.
fn rubberband_lag(rate: u32) -> u32 {
    let octaves = (f64::from(rate) / 44_100.0).log2().round();
    (1408.0 * octaves.exp2()) as u32
}

/// Samples by which `atempo` is early on average: two fifths of its window, the least power of two
/// that is 1/24 s or more.
fn tempo_lag(rate: u32) -> u32 {
    (rate / 24).next_power_of_two() * 2 / 5
}

/// Factors between 0.5 and 2, which is what `atempo` stretches well, with `tempo` as their product.
fn tempos(mut tempo: f64) -> Vec<f64> {
    let mut factors = Vec::new();
    while tempo > 2.0 {
        factors.push(2.0);
        tempo /= 2.0;
    }
    while tempo < 0.5 {
        factors.push(0.5);
        tempo /= 0.5;
    }
    if tempo != 1.0 {
        factors.push(tempo);
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn windows_follow_the_rate_as_measured() {
        let lags = [16_000, 22_050, 32_000, 44_100, 48_000, 96_000].map(rubberband_lag);
        assert_eq!(lags, [704, 704, 1408, 1408, 1408, 2816]);
        assert_eq!([16_000, 44_100, 96_000].map(tempo_lag), [409, 819, 1638]);
        assert_eq!(Stretch::Tempo.filters(1.0, 44_100), "");
        insta::assert_snapshot!(
            Stretch::Rubberband.filters(2.0, 44_100),
            @"adelay=delays=1408S:all=1,rubberband=tempo=0.5,atrim=start_sample=1408,asetpts=PTS-STARTPTS,"
        );
        insta::assert_snapshot!(
            Stretch::Tempo.filters(4.0, 44_100),
            @"adelay=delays=819S:all=1,atempo=0.5,adelay=delays=819S:all=1,atempo=0.5,"
        );
    }

    proptest! {
        #[test]
        fn tempos_stay_in_range_and_multiply_to_the_whole(tempo in 0.01f64..100.0) {
            let factors = tempos(tempo);
            prop_assert!(factors.iter().all(|factor| (0.5..=2.0).contains(factor)));
            prop_assert!((factors.iter().product::<f64>() / tempo - 1.0).abs() < 1e-12);
        }
    }
}
