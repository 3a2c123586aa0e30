//! Keeps shots from being shorter than a minimum.

use serde::{Deserialize, Serialize};

use super::stamp::{Cut, SceneLength, Stamp};

/// What happens to cuts that come too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlashMode {
    /// Cuts in quick succession become one, at the last of them, once enough calm frames follow.
    /// A single cut too soon after another is lost unless later ones join it; what is pending when
    /// the video ends is lost.
    Merge,
    /// Cuts are ignored until the length has passed since the last kept one.
    Suppress,
}

/// PySceneDetect's `FlashFilter`. The length is counted from the first frame too, so that no cut
/// falls within that time of the beginning.
#[derive(Debug)]
pub struct FlashFilter {
    mode: FlashMode,
    length: SceneLength,
    last_above: Option<Stamp>,
    /// Set by the first cut; nothing merges before it.
    merge_enabled: bool,
    /// Where the running merge began.
    merge_start: Option<Stamp>,
}

impl FlashFilter {
    /// A filter; a length of zero lets every cut through.
    pub fn new(mode: FlashMode, length: SceneLength) -> FlashFilter {
        FlashFilter { mode, length, last_above: None, merge_enabled: false, merge_start: None }
    }

    /// Takes the next frame, tells the cut to make now, which may be an earlier frame.
    pub fn push(&mut self, stamp: Stamp, above: bool) -> Option<Cut> {
        if self.length.is_none() {
            return above.then(|| stamp.cut());
        }
        let last_above = *self.last_above.get_or_insert(stamp);
        // Judged before this frame counts as the last one above.
        let long_enough = stamp.is_past(&last_above, self.length);
        match self.mode {
            FlashMode::Merge => self.merge(stamp, above, long_enough),
            FlashMode::Suppress if above && long_enough => {
                self.last_above = Some(stamp);
                Some(stamp.cut())
            }
            FlashMode::Suppress => None,
        }
    }

    fn merge(&mut self, stamp: Stamp, above: bool, long_enough: bool) -> Option<Cut> {
        if above {
            self.last_above = Some(stamp);
        }
        if let (Some(start), Some(last)) = (self.merge_start, self.last_above) {
            if long_enough && !above && last.is_past(&start, self.length) {
                self.merge_start = None;
                return Some(last.cut());
            }
            return None;
        }
        if !above {
            return None;
        }
        if long_enough {
            self.merge_enabled = true;
            return Some(stamp.cut());
        }
        if self.merge_enabled {
            self.merge_start = Some(stamp);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::Time;

    use super::*;
    use crate::cut::{NominalRate, Stamper};

    /// Runs 200 frames at 25 per second, of which `above` score above; minimum 10 frames.
    fn run(mode: FlashMode, above: &[u64]) -> Vec<u64> {
        let mut stamper = Stamper::new(NominalRate::new(25, 1).unwrap());
        let mut filter = FlashFilter::new(mode, SceneLength::Frames(10));
        (0..200)
            .filter_map(|frame| {
                let stamp = stamper.stamp(Time::from_millis(frame * 40));
                filter.push(stamp, above.contains(&(frame as u64)))
            })
            .map(|cut| cut.frame)
            .collect()
    }

    #[test]
    fn the_beginning_is_protected() {
        assert_eq!(run(FlashMode::Merge, &[5, 50]), [50]);
        assert_eq!(run(FlashMode::Suppress, &[5, 50]), [50]);
        // In Merge mode the suppressed frame counts as the last one above.
        assert_eq!(run(FlashMode::Merge, &[5, 14]), []);
        assert_eq!(run(FlashMode::Suppress, &[5, 14]), [14]);
    }

    #[test]
    fn a_single_cut_too_soon_is_lost() {
        assert_eq!(run(FlashMode::Merge, &[50, 55]), [50]);
        // The merge that 55 began ends with 100, which is emitted late and alone.
        assert_eq!(run(FlashMode::Merge, &[50, 55, 100]), [50, 100]);
    }

    #[test]
    fn flicker_becomes_one_cut_at_its_end() {
        // 60 comes just late enough to be a cut of its own; what follows it merges.
        let flicker: Vec<u64> = (60..=90).step_by(5).collect();
        assert_eq!(run(FlashMode::Merge, &[&[50][..], &flicker].concat()), [50, 60, 90]);
        assert_eq!(run(FlashMode::Suppress, &[&[50][..], &flicker].concat()), [50, 60, 70, 80, 90]);
    }
}
