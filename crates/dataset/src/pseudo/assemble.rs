//! The feature rows of a pseudo video out of those of its clips, as AVicuna's loader puts them
//! together at run time (pu_valor.md §3, models.md §7), quirks included; two of them can be turned
//! off, see [`AssemblyConfig`].

use super::config::AssemblyConfig;
use crate::DatasetError;
use crate::npy::{Dtype, Rows};

/// One clip of a pseudo video: its rows, if it has any, and the whole seconds it lasts.
#[derive(Debug, Clone, Copy)]
pub struct ClipRows<'a> {
    /// The clip's own rows; `None` puts rows of zeros in their place, as the published loader does
    /// for a file that is missing.
    pub rows: Option<&'a Rows>,
    /// Seconds in the pseudo video: its number of rows of pictures.
    pub seconds: usize,
}

/// Which of `rows` rows a clip of `length` rows takes: `length` numbers evenly spaced from the first
/// to the last, both included, cut to whole ones.
pub fn clip_rows(rows: usize, length: usize) -> Vec<usize> {
    let last = rows.saturating_sub(1);
    let step = last as f64 / length.saturating_sub(1).max(1) as f64;
    let at = |place: usize| {
        if place > 0 && place + 1 == length { last } else { (place as f64 * step) as usize }
    };
    (0..length).map(at).collect()
}

/// Which of `rows` rows each slot of pictures takes: floor(slot · rows / slots) from enough rows on.
/// With fewer, the rows as they are and then nothing, or the same rule if `stretch`.
pub fn video_slots(rows: usize, slots: usize, stretch: bool) -> Vec<Option<usize>> {
    let spread = rows >= slots || (stretch && rows > 0);
    let at = |slot| if spread { Some(slot * rows / slots) } else { (slot < rows).then_some(slot) };
    (0..slots).map(at).collect()
}

/// Which of `rows` rows each slot of sound takes: every row in turn, equally often, the first ones
/// once more where it does not come out even; of more rows than slots only the first. Nothing if there
/// are no rows.
pub fn audio_slots(rows: usize, slots: usize) -> Vec<Option<usize>> {
    if rows == 0 {
        return vec![None; slots];
    }
    let (each, more) = (slots / rows, slots % rows);
    let times = |row: usize| each + usize::from(row < more);
    (0..rows).flat_map(|row| std::iter::repeat_n(Some(row), times(row))).take(slots).collect()
}

/// The clip that plays in the middle of each slot of sound, and how far into it that is, 0 to 1.
pub fn aligned_slots(seconds: &[usize], slots: usize) -> Vec<(usize, f64)> {
    let total: usize = seconds.iter().sum();
    let find = |slot: usize| {
        let time = (slot as f64 + 0.5) / slots as f64 * total as f64;
        let mut start = 0.0;
        for (clip, &length) in seconds.iter().enumerate() {
            let length = length as f64;
            if time < start + length || clip + 1 == seconds.len() {
                return (clip, ((time - start) / length).clamp(0.0, 1.0));
            }
            start += length;
        }
        (0, 0.0)
    };
    (0..slots).map(find).collect()
}

/// The rows of pictures of a pseudo video: `config.video_rows` of `width` values.
///
/// # Errors
/// [`DatasetError::Embeddings`] if a clip has rows of another width, or none.
pub fn pictures(
    clips: &[ClipRows<'_>],
    width: usize,
    config: &AssemblyConfig,
) -> Result<Rows, DatasetError> {
    check(clips, width)?;
    let joined: Vec<Option<&[f32]>> = clips
        .iter()
        .flat_map(|clip| match clip.rows {
            None => vec![None; clip.seconds],
            Some(rows) => {
                clip_rows(rows.rows, clip.seconds).into_iter().map(|row| rows.row(row)).collect()
            }
        })
        .collect();
    let slots = video_slots(joined.len(), config.video_rows, config.stretch_short_videos);
    let picked = slots.into_iter().map(|slot| slot.and_then(|row| joined[row]));
    Ok(gather(picked, width, Dtype::F16))
}

/// The rows of sound of a pseudo video: `config.audio_rows` of `width` values. Clips keep their rows
/// whatever their temporal scale.
///
/// # Errors
/// As [`pictures`].
pub fn sounds(
    clips: &[ClipRows<'_>],
    width: usize,
    config: &AssemblyConfig,
) -> Result<Rows, DatasetError> {
    check(clips, width)?;
    let slots = config.audio_rows;
    if config.audio_time_aligned {
        let seconds: Vec<usize> = clips.iter().map(|clip| clip.seconds).collect();
        let picked = aligned_slots(&seconds, slots).into_iter().map(|(clip, place)| {
            let rows = clips.get(clip)?.rows?;
            rows.row(((place * rows.rows as f64) as usize).min(rows.rows - 1))
        });
        return Ok(gather(picked, width, Dtype::F32));
    }
    let joined: Vec<Option<&[f32]>> = clips
        .iter()
        .flat_map(|clip| match clip.rows {
            None => vec![None],
            Some(rows) => (0..rows.rows).map(|row| rows.row(row)).collect(),
        })
        .collect();
    let picked = audio_slots(joined.len(), slots).into_iter().map(|row| joined[row?]);
    Ok(gather(picked, width, Dtype::F32))
}

fn check(clips: &[ClipRows<'_>], width: usize) -> Result<(), DatasetError> {
    for rows in clips.iter().filter_map(|clip| clip.rows) {
        if rows.width != width || rows.rows == 0 {
            return Err(DatasetError::Embeddings {
                expected: format!("feature rows of {width} values for every clip"),
                found: format!("{} rows of {}", rows.rows, rows.width),
            });
        }
    }
    Ok(())
}

/// The rows, zeros for those that are absent.
fn gather<'a>(picked: impl Iterator<Item = Option<&'a [f32]>>, width: usize, dtype: Dtype) -> Rows {
    let (mut values, mut count) = (Vec::new(), 0);
    for row in picked {
        match row {
            Some(row) => values.extend_from_slice(row),
            None => values.resize(values.len() + width, 0.0),
        }
        count += 1;
    }
    Rows { rows: count, width, dtype, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use proptest::prelude::*;
    use serde_json::Value;
    use std::path::PathBuf;

    fn fixture() -> Option<Value> {
        let shared = std::env::var_os("OMNIVALE_SHARED").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
            PathBuf::from,
        );
        let path = shared.join("golden/text/avicuna_resample.json");
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: {} is not there", path.display());
            return None;
        };
        Some(serde_json::from_slice(&bytes).unwrap())
    }

    fn number(value: &Value) -> usize {
        value.as_u64().unwrap() as usize
    }

    /// Row numbers, `None` where the fixture has "zero".
    fn numbers(value: &Value) -> Vec<Option<usize>> {
        value.as_array().unwrap().iter().map(|v| v.as_u64().map(|v| v as usize)).collect()
    }

    #[test]
    fn rows_are_those_of_the_published_loader() {
        let Some(fixture) = fixture() else { return };
        let cases = |name: &str| fixture[name].as_array().unwrap().clone();
        for case in cases("audio_repeat") {
            assert_eq!(
                audio_slots(number(&case["rows_in"]), number(&case["target"])),
                numbers(&case["source_row_of_each_output"]),
                "{case}"
            );
        }
        for case in cases("video_sample") {
            assert_eq!(
                video_slots(number(&case["rows_in"]), number(&case["target"]), false),
                numbers(&case["source_row"]),
                "{case}"
            );
        }
        let ten = omnivale_timeline::Duration::from_millis(10_000);
        for case in cases("pseudo_sub_video") {
            let length = crate::pseudo::plan::part_length(ten, case["scale"].as_f64().unwrap());
            let length = (length.micros() / 1_000_000) as usize;
            assert_eq!(length, number(&case["len_out"]), "{case}");
            let rows: Vec<Option<usize>> =
                clip_rows(number(&case["sub_rows"]), length).into_iter().map(Some).collect();
            assert_eq!(rows, numbers(&case["source_rows"]), "{case}");
        }
    }

    fn ramp(rows: usize, first: f32) -> Rows {
        let values = (0..rows).flat_map(|row| [first, row as f32]).collect();
        Rows { rows, width: 2, dtype: Dtype::F32, values }
    }

    #[test]
    fn short_videos_are_filled_with_zeros_or_stretched() {
        let mut config = Config::default().pseudo.features;
        config.video_rows = 8;
        let (a, b) = (ramp(100, 1.0), ramp(10, 2.0));
        let clips =
            [ClipRows { rows: Some(&a), seconds: 2 }, ClipRows { rows: Some(&b), seconds: 2 }];
        let rows = pictures(&clips, 2, &config).unwrap();
        let firsts = |rows: &Rows| -> Vec<f32> { rows.values.iter().step_by(2).copied().collect() };
        assert_eq!(firsts(&rows), [1.0, 1.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(rows.row(1), Some(&[1.0, 99.0][..]));
        config.stretch_short_videos = true;
        let rows = pictures(&clips, 2, &config).unwrap();
        assert_eq!(firsts(&rows), [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
    }

    #[test]
    fn sound_has_equal_shares_or_follows_time() {
        let mut config = Config::default().pseudo.features;
        config.audio_rows = 6;
        let (a, b) = (ramp(1, 1.0), ramp(1, 2.0));
        let clips =
            [ClipRows { rows: Some(&a), seconds: 20 }, ClipRows { rows: Some(&b), seconds: 10 }];
        let firsts = |rows: &Rows| -> Vec<f32> { rows.values.iter().step_by(2).copied().collect() };
        assert_eq!(firsts(&sounds(&clips, 2, &config).unwrap()), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
        config.audio_time_aligned = true;
        assert_eq!(firsts(&sounds(&clips, 2, &config).unwrap()), [1.0, 1.0, 1.0, 1.0, 2.0, 2.0]);
    }

    #[test]
    fn a_missing_clip_has_rows_of_zeros_and_a_wrong_width_is_refused() {
        let mut config = Config::default().pseudo.features;
        (config.video_rows, config.audio_rows) = (3, 2);
        let b = ramp(4, 2.0);
        let clips = [ClipRows { rows: None, seconds: 1 }, ClipRows { rows: Some(&b), seconds: 2 }];
        assert_eq!(pictures(&clips, 2, &config).unwrap().values, [0.0, 0.0, 2.0, 0.0, 2.0, 3.0]);
        assert_eq!(sounds(&clips, 2, &config).unwrap().values, [0.0, 0.0, 2.0, 0.0]);
        assert!(pictures(&clips, 3, &config).is_err());
    }

    proptest! {
        #[test]
        fn every_slot_of_sound_is_filled_in_order(rows in 1usize..200, slots in 1usize..60) {
            let found = audio_slots(rows, slots);
            prop_assert_eq!(found.len(), slots);
            prop_assert!(found.windows(2).all(|pair| pair[0] <= pair[1]));
        }

        #[test]
        fn aligned_slots_go_by_time(
            seconds in prop::collection::vec(1usize..21, 1..9), slots in 1usize..60
        ) {
            let found = aligned_slots(&seconds, slots);
            prop_assert!(found.windows(2).all(|pair| pair[0].0 <= pair[1].0));
            let inside = |(clip, place): &(usize, f64)| {
                *clip < seconds.len() && (0.0..=1.0).contains(place)
            };
            prop_assert!(found.iter().all(inside));
        }
    }
}
