//! Totals and distributions over all videos, as the index page shows them.

use omnivale_timeline::Duration;

use crate::annotation::Annotation;
use crate::report::{Statistics, Total};

/// Counts video after video, so that no more than one annotation is in memory.
#[derive(Debug, Default)]
pub(super) struct Counted {
    videos: usize,
    duration: Duration,
}

impl Counted {
    pub(super) fn add(&mut self, annotation: &Annotation) {
        self.videos += 1;
        self.duration += annotation.video.duration;
    }

    pub(super) fn finish(self) -> Statistics {
        let totals = vec![Total { name: "videos".to_owned(), value: self.videos.to_string() }];
        Statistics { totals, histograms: Vec::new() }
    }
}
