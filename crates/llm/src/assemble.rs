//! From a video's features to the rows that stand in the placeholder's place.

use std::collections::BTreeMap;

use candle_core::Tensor;
use omnivale_timeline::Modality;

use crate::LlmError;
use crate::interleave::{
    Budget, Placement, Row, audio_rows, concatenated, interleaved, video_rows,
};
use crate::projector::Projector;

/// A projector for each modality that a model takes.
pub type Projectors = BTreeMap<Modality, Projector>;

/// Rows of features `[rows, width]` of each modality that a video has; one that it does not have is
/// not in the map.
pub type Features = BTreeMap<Modality, Tensor>;

/// What stands for the sound of a video that has none, among AVicuna's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WithoutAudio {
    /// Nothing: the visual rows alone.
    #[default]
    NoRows,
    /// Rows of zeros before the projector, as published for the training sources without sound; what
    /// the model then sees is the projector's bias.
    ZeroRows,
}

/// In which order rows of several modalities stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assembly {
    /// LongVALE: all visual rows, then audio, then speech.
    Concatenated,
    /// AVicuna: a fixed number of rows of which some are audio, spread among the visual ones.
    Interleaved {
        /// Rows of each modality.
        budget: Budget,
        /// Where audio rows stand if the published rule has no room.
        placement: Placement,
        /// What stands for the sound of a video without.
        without_audio: WithoutAudio,
    },
}

impl Assembly {
    /// AVicuna's, with the published 100 rows, at this share of audio from 0 to 1.
    ///
    /// # Errors
    /// If the share is not from 0 to 1.
    pub fn interleaved(audio_share: f64) -> Result<Self, LlmError> {
        Ok(Self::Interleaved {
            budget: Budget::of_share(100, audio_share)?,
            placement: Placement::default(),
            without_audio: WithoutAudio::default(),
        })
    }

    /// Projects features and puts them in order: `-> [rows, width of the model]`.
    ///
    /// # Errors
    /// If there are no features at all, a modality has no projector, or, interleaved, there is speech,
    /// no visual rows, or audio of no row.
    pub fn rows(self, features: &Features, projectors: &Projectors) -> Result<Tensor, LlmError> {
        if features.is_empty() {
            return Err(LlmError::input("features", "those of one modality at least", "none"));
        }
        match self {
            Self::Concatenated => {
                let count = |modality| features.get(&modality).map(|rows| rows.dims()[0]);
                for rows in features.values() {
                    rows.dims2()?;
                }
                let projected = project(features, projectors)?;
                pick(&projected, &concatenated(count))
            }
            Self::Interleaved { budget, placement, without_audio } => {
                let resampled = resample(features, projectors, budget, without_audio)?;
                let projected = project(&resampled, projectors)?;
                let order = if projected.contains_key(&Modality::Audio) {
                    interleaved(budget, placement)?
                } else {
                    let row = |index| Row { modality: Modality::Visual, index };
                    (0..budget.video).map(row).collect()
                };
                pick(&projected, &order)
            }
        }
    }
}

fn project(features: &Features, projectors: &Projectors) -> Result<Features, LlmError> {
    let project = |(&modality, rows): (&Modality, &Tensor)| {
        Ok((modality, projector(projectors, modality)?.forward(rows)?))
    };
    features.iter().map(project).collect()
}

fn projector(projectors: &Projectors, modality: Modality) -> Result<&Projector, LlmError> {
    projectors.get(&modality).ok_or_else(|| {
        let expected = "modalities that the model has a projector for";
        LlmError::input("features", expected, format!("{modality:?}"))
    })
}

/// Each modality brought to its number of rows, before projection as in the reference.
fn resample(
    features: &Features,
    projectors: &Projectors,
    budget: Budget,
    without_audio: WithoutAudio,
) -> Result<Features, LlmError> {
    if features.contains_key(&Modality::Speech) {
        let expected = "visual and audio rows, which are all that is interleaved";
        return Err(LlmError::input("features", expected, "speech"));
    }
    let Some(video) = features.get(&Modality::Visual) else {
        return Err(LlmError::input("features", "visual rows to interleave", "none"));
    };
    let mut all = Features::new();
    let zeros =
        |count: usize, width: usize| Tensor::zeros((count, width), video.dtype(), video.device());
    let (rows, width) = video.dims2()?;
    let places: Vec<u32> =
        video_rows(rows, budget.video).into_iter().flatten().map(|row| row as u32).collect();
    let missing = budget.video - places.len();
    let mut kept = take(video, &places)?;
    if missing > 0 {
        kept = Tensor::cat(&[&kept, &zeros(missing, width)?], 0)?;
    }
    all.insert(Modality::Visual, kept);
    match (features.get(&Modality::Audio), without_audio) {
        (Some(audio), _) => {
            let (rows, _) = audio.dims2()?;
            if rows == 0 && budget.audio > 0 {
                return Err(LlmError::input("audio features", "one row at least", "none"));
            }
            let places: Vec<u32> =
                audio_rows(rows, budget.audio).into_iter().map(|row| row as u32).collect();
            all.insert(Modality::Audio, take(audio, &places)?);
        }
        (None, WithoutAudio::ZeroRows) => {
            let width = projector(projectors, Modality::Audio)?.inputs();
            all.insert(Modality::Audio, zeros(budget.audio, width)?);
        }
        (None, WithoutAudio::NoRows) => {}
    }
    Ok(all)
}

fn take(rows: &Tensor, places: &[u32]) -> Result<Tensor, LlmError> {
    Ok(rows.index_select(&Tensor::new(places, rows.device())?, 0)?)
}

/// Projected rows in this order.
fn pick(projected: &Features, order: &[Row]) -> Result<Tensor, LlmError> {
    let mut before = 0_usize;
    let mut starts = BTreeMap::new();
    for (modality, rows) in projected {
        starts.insert(*modality, before);
        before += rows.dim(0)?;
    }
    let place = |row: &Row| starts.get(&row.modality).map(|start| (start + row.index) as u32);
    let places: Vec<u32> = order.iter().filter_map(place).collect();
    let all: Vec<&Tensor> = projected.values().collect();
    take(&Tensor::cat(&all, 0)?, &places)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// A projector of width 1 that adds `bias`.
    fn adding(bias: f32) -> Projector {
        let tensor = |values: &[f32], shape: &[usize]| {
            Tensor::from_slice(values, shape, &Device::Cpu).expect("as many as the shape has")
        };
        let tensors = BTreeMap::from([
            ("p.weight".to_owned(), tensor(&[1.0], &[1, 1])),
            ("p.bias".to_owned(), tensor(&[bias], &[1])),
        ]);
        Projector::load(&tensors, "p", 1).expect("both tensors are there")
    }

    fn projectors() -> Projectors {
        BTreeMap::from([
            (Modality::Visual, adding(100.0)),
            (Modality::Audio, adding(200.0)),
            (Modality::Speech, adding(300.0)),
        ])
    }

    fn rows(values: &[f32]) -> Tensor {
        Tensor::from_slice(values, (values.len(), 1), &Device::Cpu).expect("one column")
    }

    fn assembled(
        assembly: Assembly,
        features: &[(Modality, &[f32])],
    ) -> Result<Vec<f32>, LlmError> {
        let features: Features =
            features.iter().map(|(modality, values)| (*modality, rows(values))).collect();
        Ok(assembly.rows(&features, &projectors())?.flatten_all()?.to_vec1()?)
    }

    fn avicuna(video: usize, audio: usize, without_audio: WithoutAudio) -> Assembly {
        let budget = Budget { video, audio };
        Assembly::Interleaved { budget, placement: Placement::default(), without_audio }
    }

    #[test]
    fn modalities_that_are_missing_leave_no_gap() {
        let all = [
            (Modality::Speech, &[1.0, 2.0][..]),
            (Modality::Visual, &[3.0][..]),
            (Modality::Audio, &[4.0][..]),
        ];
        let concatenated = Assembly::Concatenated;
        assert_eq!(assembled(concatenated, &all).unwrap(), [103.0, 204.0, 301.0, 302.0]);
        assert_eq!(assembled(concatenated, &all[..2]).unwrap(), [103.0, 301.0, 302.0]);
        assert_eq!(assembled(concatenated, &all[..1]).unwrap(), [301.0, 302.0]);
        assert!(assembled(concatenated, &[]).is_err());
    }

    #[test]
    fn audio_rows_stand_before_groups_of_video_rows() {
        // 4 / 3 rounds to 1: audio at 0 and 2. Two of three audio rows, four of two video rows.
        let features =
            [(Modality::Visual, &[1.0, 2.0][..]), (Modality::Audio, &[7.0, 8.0, 9.0][..])];
        let found = assembled(avicuna(4, 2, WithoutAudio::NoRows), &features).unwrap();
        assert_eq!(found, [207.0, 101.0, 208.0, 102.0, 100.0, 100.0]);
    }

    #[test]
    fn a_silent_video_has_no_audio_rows_unless_the_published_zeros_are_asked_for() {
        let features = [(Modality::Visual, &[1.0, 2.0][..])];
        let own = assembled(avicuna(2, 1, WithoutAudio::NoRows), &features).unwrap();
        assert_eq!(own, [101.0, 102.0]);
        let published = assembled(avicuna(2, 1, WithoutAudio::ZeroRows), &features).unwrap();
        assert_eq!(published, [200.0, 101.0, 102.0]);
    }

    #[test]
    fn every_share_of_audio_can_be_assembled() {
        let features = [(Modality::Visual, &[0.5; 100][..]), (Modality::Audio, &[0.25; 13][..])];
        for percent in 0..=100 {
            let assembly = Assembly::interleaved(f64::from(percent) / 100.0).unwrap();
            assert_eq!(assembled(assembly, &features).unwrap().len(), 100, "{percent}");
        }
    }
}
