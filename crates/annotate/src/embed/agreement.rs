//! How well sight and sound agree (LongVALE's filter by C-MCR, pipeline.md §1).

use omnivale_timeline::Span;

use super::pictures::{Rows, Seen};
use super::sounds::Heard;
use super::{Agreement, CommonSpace, EmbedError};

/// Compares each segment's sound with the mean of the pictures that came at their interval in it, in the common space.
/// Segments without a picture, or in digital silence, are left out; `None` if none is left.
pub(super) fn agreement(
    common: &dyn CommonSpace,
    seen: &Seen,
    heard: &Heard,
) -> Result<Option<Agreement>, EmbedError> {
    let Some((length, sounds)) = &heard.segments else { return Ok(None) };
    if sounds.count() == 0 || seen.times.is_empty() {
        return Ok(None);
    }
    let width = common.width();
    let mut pictures = Rows::new(width);
    pictures.add(common.name(), seen.times.len(), &common.pictures(&seen.rows.values)?)?;
    let mut voices = Rows::new(width);
    voices.add(common.name(), sounds.count(), &common.sounds(&sounds.values)?)?;
    let mut segments = Vec::new();
    for (at, voice) in voices.values.chunks_exact(width).enumerate() {
        let span = Span::new(heard.start + *length * at as u64, *length);
        let silent = sounds.values[at * sounds.width..][..sounds.width].iter().all(|v| *v == 0.0);
        if silent {
            continue;
        }
        let mut sum = vec![0.0f64; width];
        for (row, picture) in pictures.values.chunks_exact(width).enumerate() {
            if seen.on_beat[row] && span.contains(seen.times[row]) {
                sum.iter_mut().zip(picture).for_each(|(sum, value)| *sum += f64::from(*value));
            }
        }
        let norm = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm > 0.0 {
            let dot: f64 = sum.iter().zip(voice).map(|(a, b)| a * f64::from(*b)).sum();
            segments.push((span, (dot / norm) as f32));
        }
    }
    let encoder = common.name().to_owned();
    Ok((!segments.is_empty()).then_some(Agreement { encoder, segments }))
}
