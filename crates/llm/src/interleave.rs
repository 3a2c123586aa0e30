//! In which order the rows of features of a video stand in the model's input, and which rows they are.
//!
//! Pure functions on indices. LongVALE puts modalities one after another ([`concatenated`]); AVicuna
//! has a budget of positions ([`Budget`]), of which a share are audio rows spread among the video rows
//! ([`interleaved`]), and brings each modality to its number of rows ([`audio_rows`], [`video_rows`]).

use omnivale_timeline::Modality;

use crate::LlmError;

/// Which row of which modality stands at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Whose rows.
    pub modality: Modality,
    /// The row among that modality's, from 0.
    pub index: usize,
}

/// LongVALE's order: all visual rows, then all audio rows, then all speech rows.
///
/// `rows` gives the number of rows of a modality, `None` where the video has none of it: nothing
/// stands in its place.
pub fn concatenated(rows: impl Fn(Modality) -> Option<usize>) -> Vec<Row> {
    [Modality::Visual, Modality::Audio, Modality::Speech]
        .into_iter()
        .flat_map(|modality| {
            (0..rows(modality).unwrap_or(0)).map(move |index| Row { modality, index })
        })
        .collect()
}

/// How many positions AVicuna gives to each modality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Visual rows.
    pub video: usize,
    /// Audio rows.
    pub audio: usize,
}

impl Budget {
    /// The split of `positions` (published: 100) at an audio share from 0 to 1 (published: 0.25).
    ///
    /// Audio gets the whole part of the product in 64-bit floating point, as published: a share of 0.29
    /// of 100 is 28 (formats.md §3).
    ///
    /// # Errors
    /// If the share is not from 0 to 1.
    pub fn of_share(positions: usize, audio_share: f64) -> Result<Self, LlmError> {
        if !(0.0..=1.0).contains(&audio_share) {
            let found = audio_share.to_string();
            return Err(LlmError::input("audio share", "a number from 0 to 1", found));
        }
        let audio = ((positions as f64 * audio_share) as usize).min(positions);
        Ok(Self { video: positions - audio, audio })
    }
}

/// What to do where the published rule has fewer places than audio rows (60 of 100, for one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// The published rule where it works; where it has too few places, audio rows stand evenly:
    /// row i at `floor(i * positions / audio)`. The published code feeds zeros there instead.
    #[default]
    Repaired,
    /// The published rule alone: an error where it has too few places.
    Published,
}

/// The positions of audio rows among all, rising (AVicuna's interleaver, models.md §7).
///
/// The published rule puts one audio row before each group of `f` video rows, `f` being the number of
/// video rows over one more than the audio rows, rounded half to even; video rows that are left come
/// last.
///
/// # Errors
/// With [`Placement::Published`], if the rule has fewer places than audio rows.
pub fn audio_positions(budget: Budget, placement: Placement) -> Result<Vec<usize>, LlmError> {
    let Budget { video, audio } = budget;
    let positions = video + audio;
    let step = half_even(video, audio + 1) + 1;
    let found: Vec<usize> = (0..positions).step_by(step).take(audio).collect();
    match placement {
        _ if found.len() == audio => Ok(found),
        Placement::Repaired => Ok((0..audio).map(|row| row * positions / audio).collect()),
        Placement::Published => Err(LlmError::input(
            "interleaving",
            format!("{audio} places for audio rows among {positions}"),
            format!("{} by the published rule; use the repaired one", found.len()),
        )),
    }
}

/// AVicuna's order: audio rows at [`audio_positions`], video rows in order at all others.
///
/// # Errors
/// As [`audio_positions`].
pub fn interleaved(budget: Budget, placement: Placement) -> Result<Vec<Row>, LlmError> {
    let mut audio = audio_positions(budget, placement)?.into_iter().peekable();
    let (mut seen, mut heard) = (0, 0);
    let row = |position| {
        if audio.next_if_eq(&position).is_some() {
            heard += 1;
            Row { modality: Modality::Audio, index: heard - 1 }
        } else {
            seen += 1;
            Row { modality: Modality::Visual, index: seen - 1 }
        }
    };
    Ok((0..budget.video + budget.audio).map(row).collect())
}

/// Which of `rows` audio rows stand in each of `wanted` places: too few are repeated in a row, the
/// earlier ones once more where it does not come out even; of too many the first are taken, as
/// published. Empty if there are no rows.
#[must_use]
pub fn audio_rows(rows: usize, wanted: usize) -> Vec<usize> {
    if rows == 0 {
        return Vec::new();
    }
    if rows >= wanted {
        return (0..wanted).collect();
    }
    let times = |row: usize| wanted / rows + usize::from(row < wanted % rows);
    (0..rows).flat_map(|row| std::iter::repeat_n(row, times(row))).collect()
}

/// Which of `rows` video rows stand in each of `wanted` places: evenly chosen from enough; where there
/// are too few, each once and `None`, a row of zeros as published, in the places left.
#[must_use]
pub fn video_rows(rows: usize, wanted: usize) -> Vec<Option<usize>> {
    if rows >= wanted {
        return (0..wanted).map(|place| Some(place * rows / wanted)).collect();
    }
    (0..wanted).map(|place| (place < rows).then_some(place)).collect()
}

/// `above / below` rounded to a whole number, halves to the even one.
fn half_even(above: usize, below: usize) -> usize {
    let (whole, rest) = (above / below, above % below);
    whole + usize::from(2 * rest > below || (2 * rest == below && whole % 2 == 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_is_multiplied_before_it_is_cut() {
        assert_eq!(Budget::of_share(100, 0.29).unwrap(), Budget { video: 72, audio: 28 });
        assert_eq!(Budget::of_share(100, 0.25).unwrap(), Budget { video: 75, audio: 25 });
        assert!(Budget::of_share(100, 1.1).is_err());
        assert!(Budget::of_share(100, f64::NAN).is_err());
    }

    #[test]
    fn where_the_published_rule_has_no_room_the_repaired_one_is_even() {
        let budget = Budget { video: 40, audio: 60 };
        assert!(audio_positions(budget, Placement::Published).is_err());
        let places = audio_positions(budget, Placement::Repaired).unwrap();
        assert_eq!(places[..7], [0, 1, 3, 5, 6, 8, 10]);
    }

    proptest! {
        #[test]
        fn every_row_stands_once_and_in_order(positions in 0_usize..300, share in 0.0..=1.0_f64) {
            let budget = Budget::of_share(positions, share).unwrap();
            let rows = interleaved(budget, Placement::Repaired).unwrap();
            let of = |modality| -> Vec<usize> {
                rows.iter().filter(|row| row.modality == modality).map(|row| row.index).collect()
            };
            prop_assert_eq!(of(Modality::Audio), (0..budget.audio).collect::<Vec<_>>());
            prop_assert_eq!(of(Modality::Visual), (0..budget.video).collect::<Vec<_>>());
        }
    }
}
