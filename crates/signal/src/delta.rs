//! How a spectrogram changes from frame to frame.

use crate::spectrum::Spectrogram;

/// Plain first differences, shape `[frames - 1, bands]`: row `t` is frame `t + 1` less frame `t`.
pub fn difference(spectrogram: &Spectrogram) -> Spectrogram {
    let bands = spectrogram.bands();
    let values = spectrogram.values();
    let later = values.get(bands..).unwrap_or_default();
    Spectrogram::new(
        bands,
        later.iter().zip(values).map(|(after, before)| after - before).collect(),
    )
}

/// `librosa.feature.delta`: the derivative of order `order` (1 or 2) of a polynomial of that degree,
/// fitted over `width` frames (Savitzky-Golay; odd, at least 3), shape `[frames, bands]`. `None` if
/// `width` or `order` is none of these or there are fewer frames than `width`.
///
/// At the ends (`mode="interp"`) the polynomial of the first and last `width` frames is used, whose
/// derivative of that order is the same everywhere: the first and last `width / 2` rows are constant.
pub fn delta(spectrogram: &Spectrogram, width: usize, order: usize) -> Option<Spectrogram> {
    let (frames, bands) = (spectrogram.frames(), spectrogram.bands());
    if width < 3 || width.is_multiple_of(2) || !(1..=2).contains(&order) || frames < width {
        return None;
    }
    let weights = slope_weights(width, order);
    let half = width / 2;
    let mut values = Vec::with_capacity(frames * bands);
    for frame in 0..frames {
        let first = frame.clamp(half, frames - 1 - half) - half;
        for band in 0..bands {
            let sum: f64 = (0..width)
                .map(|n| weights[n] * f64::from(spectrogram.frame(first + n)[band]))
                .sum();
            values.push(sum as f32);
        }
    }
    Some(Spectrogram::new(bands, values))
}

/// Least-squares weights of the derivative of order 1 (straight line) or 2 (parabola) at the centre.
fn slope_weights(width: usize, order: usize) -> Vec<f64> {
    let half = (width / 2) as f64;
    let offsets = (0..width).map(|n| n as f64 - half);
    let count = width as f64;
    let squares: f64 = offsets.clone().map(|x| x * x).sum();
    if order == 1 {
        return offsets.map(|x| x / squares).collect();
    }
    // The parabola's curvature: x^2 made orthogonal to constants; odd powers vanish by symmetry.
    let mean = squares / count;
    let spread: f64 = offsets.clone().map(|x| (x * x - mean).powi(2)).sum();
    offsets.map(|x| 2.0 * (x * x - mean) / spread).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_its_slope_and_a_parabola_its_curvature() {
        let ramp = Spectrogram::new(1, (0..20).map(|t| 3.0 * t as f32).collect());
        let slopes = delta(&ramp, 9, 1).unwrap();
        assert!(slopes.values().iter().all(|v| (v - 3.0).abs() < 1e-5));
        let parabola = Spectrogram::new(1, (0..20).map(|t| (t * t) as f32).collect());
        let curvature = delta(&parabola, 9, 2).unwrap();
        assert!(curvature.values().iter().all(|v| (v - 2.0).abs() < 1e-4));
    }

    #[test]
    fn widths_that_make_no_sense_are_refused() {
        let short = Spectrogram::new(1, vec![0.0; 8]);
        assert_eq!(delta(&short, 9, 1), None);
        assert_eq!(delta(&short, 4, 1), None);
        assert_eq!(delta(&short, 5, 3), None);
    }
}
