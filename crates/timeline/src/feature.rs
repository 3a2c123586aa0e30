//! Encoder rows over time.

use serde::{Deserialize, Serialize};

use crate::{Duration, Modality, Span, Time, TimelineError};

/// Which stretch of time each row of a [`FeatureTrack`] covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum TimeGrid {
    /// Rows of equal length, one after the other without a gap.
    Uniform {
        /// Start of the first row.
        start: Time,
        /// Length of each row.
        step: Duration,
        /// Number of rows.
        rows: usize,
    },
    /// One instant per row, rising: sampled frames. A row covers the time up to the next one; the last covers none.
    Sampled(Vec<Time>),
}

impl TimeGrid {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            TimeGrid::Uniform { rows, .. } => *rows,
            TimeGrid::Sampled(times) => times.len(),
        }
    }

    /// The stretch that row `row` covers; `None` past the last row.
    pub fn span(&self, row: usize) -> Option<Span> {
        if row >= self.rows() {
            return None;
        }
        Some(match self {
            TimeGrid::Uniform { start, step, .. } => Span::new(*start + *step * row as u64, *step),
            TimeGrid::Sampled(times) => {
                Span::until(times[row], times.get(row + 1).copied().unwrap_or(times[row]))
            }
        })
    }

    /// The row whose start is nearest to `time`, the earlier one on a tie; `None` without rows.
    pub fn nearest(&self, time: Time) -> Option<usize> {
        match self {
            TimeGrid::Uniform { rows: 0, .. } => None,
            TimeGrid::Uniform { start, step, rows } => {
                let step = step.micros().max(1);
                let steps = (time.since(*start).micros() + (step - 1) / 2) / step;
                Some((steps as usize).min(rows - 1))
            }
            TimeGrid::Sampled(times) => {
                let after = times.partition_point(|t| *t < time);
                let before = after.saturating_sub(1);
                [before, after]
                    .into_iter()
                    .filter(|row| *row < times.len())
                    .min_by_key(|row| times[*row].distance(time))
            }
        }
    }
}

/// Rows of numbers over time, all of one width: what an encoder, or a weight-free descriptor, makes of a video.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureTrack {
    modality: Modality,
    grid: TimeGrid,
    width: usize,
    values: Vec<f32>,
}

impl FeatureTrack {
    /// From values of shape `[grid.rows(), width]`, row after row.
    ///
    /// # Errors
    /// [`TimelineError::Shape`] if the number of values is not rows times width.
    pub fn new(
        modality: Modality,
        grid: TimeGrid,
        width: usize,
        values: Vec<f32>,
    ) -> Result<FeatureTrack, TimelineError> {
        let rows = grid.rows();
        if rows.checked_mul(width) != Some(values.len()) {
            return Err(TimelineError::Shape { values: values.len(), rows, width });
        }
        Ok(FeatureTrack { modality, grid, width, values })
    }

    /// Whose rows these are.
    pub fn modality(&self) -> Modality {
        self.modality
    }

    /// Which time each row covers.
    pub fn grid(&self) -> &TimeGrid {
        &self.grid
    }

    /// Numbers per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, shape `[rows, width]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Row `row`, shape `[width]`. Panics past the last row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// The row nearest to `time`; `None` for a track without rows.
    pub fn at(&self, time: Time) -> Option<&[f32]> {
        self.grid.nearest(time).map(|row| self.row(row))
    }

    /// The mean of the rows that start inside `span`, scaled to unit length; `None` if there are none.
    pub fn mean(&self, span: Span) -> Option<Vec<f32>> {
        let mut sum = vec![0f64; self.width];
        let mut count = 0usize;
        for row in 0..self.grid.rows() {
            if self.grid.span(row).is_some_and(|covered| span.contains(covered.start)) {
                count += 1;
                for (total, value) in sum.iter_mut().zip(self.row(row)) {
                    *total += f64::from(*value);
                }
            }
        }
        if count == 0 {
            return None;
        }
        let norm = sum.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        Some(sum.into_iter().map(|v| (v / norm) as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_track_of_the_wrong_shape_is_refused() {
        let grid = TimeGrid::Sampled(vec![Time::ZERO]);
        let error = FeatureTrack::new(Modality::Visual, grid, 3, vec![0.0; 4]).unwrap_err();
        assert_eq!(error, TimelineError::Shape { values: 4, rows: 1, width: 3 });
    }

    #[test]
    fn mean_is_of_unit_length() {
        let times = vec![Time::ZERO, Time::from_millis(500)];
        let grid = TimeGrid::Sampled(times);
        let track = FeatureTrack::new(Modality::Visual, grid, 2, vec![1.0, 0.0, 0.0, 1.0]).unwrap();
        let mean = track.mean(Span::until(Time::ZERO, Time::from_millis(600))).unwrap();
        assert!((mean[0] - 0.5f32.sqrt()).abs() < 1e-6 && mean[0] == mean[1]);
        assert_eq!(track.mean(Span::until(Time::from_millis(600), Time::from_millis(700))), None);
    }

    proptest! {
        #[test]
        fn uniform_rows_tile_without_gap(start in 0i64..1000, step in 1u64..1000, rows in 1usize..50) {
            let grid = TimeGrid::Uniform {
                start: Time::from_micros(start), step: Duration::from_micros(step), rows,
            };
            for row in 1..rows {
                prop_assert_eq!(grid.span(row - 1).unwrap().end(), grid.span(row).unwrap().start);
            }
            prop_assert_eq!(grid.span(rows), None);
        }

        #[test]
        fn nearest_is_nearest(mut times in prop::collection::vec(0i64..1000, 1..30), at in -10i64..1010) {
            times.sort();
            let times: Vec<Time> = times.into_iter().map(Time::from_micros).collect();
            let at = Time::from_micros(at);
            let best = times.iter().map(|t| t.distance(at)).min().unwrap();
            let row = TimeGrid::Sampled(times.clone()).nearest(at).unwrap();
            prop_assert_eq!(times[row].distance(at), best);
        }

        #[test]
        fn nearest_on_a_uniform_grid_agrees_with_sampled(step in 1u64..50, rows in 1usize..40, at in -20i64..2100) {
            let step = Duration::from_micros(step);
            let uniform = TimeGrid::Uniform { start: Time::ZERO, step, rows };
            let starts = (0..rows as u64).map(|r| Time::ZERO + step * r).collect();
            let at = Time::from_micros(at);
            prop_assert_eq!(uniform.nearest(at), TimeGrid::Sampled(starts).nearest(at));
        }
    }
}
