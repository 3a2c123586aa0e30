//! MRSD: how much a clip changes within itself (LongVALE, section 7.1 of the supplement).
//!
//! With one embedding per second, it is the largest distance between two neighbours. A clip that
//! shows or sounds like one thing scores low.

use omnivale_timeline::FeatureTrack;

/// The largest Euclidean distance between neighbouring rows, each scaled to length 1 first: 0 to 2.
/// `None` for fewer than two rows: such a clip is left out of a mean. A row of zeros stays as it is.
pub fn mrsd(track: &FeatureTrack) -> Option<f64> {
    let rows = track.grid().rows();
    (1..rows).map(|row| distance(track.row(row - 1), track.row(row))).reduce(f64::max)
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let scale = |row: &[f32]| {
        let length = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        if length > 0.0 { 1.0 / length } else { 1.0 }
    };
    let (of_a, of_b) = (scale(a), scale(b));
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) * of_a - f64::from(*y) * of_b).powi(2);
    a.iter().zip(b).map(square).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_timeline::{Duration, Modality, Time, TimeGrid};

    fn of(values: &[f32]) -> Option<f64> {
        let step = Duration::from_millis(1000);
        let grid = TimeGrid::Uniform { start: Time::ZERO, step, rows: values.len() / 2 };
        mrsd(&FeatureTrack::new(Modality::Visual, grid, 2, values.to_vec()).unwrap())
    }

    #[test]
    fn the_largest_step_counts_and_lengths_do_not() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[1.0, 0.0]), None);
        assert_eq!(of(&[1.0, 0.0, 5.0, 0.0]), Some(0.0));
        // Right angle: the square root of 2. Opposite: 2.
        let right = of(&[1.0, 0.0, 3.0, 0.0, 0.0, 2.0]).unwrap();
        assert!((right - 2f64.sqrt()).abs() < 1e-12);
        assert_eq!(of(&[1.0, 0.0, -4.0, 0.0]), Some(2.0));
    }
}
