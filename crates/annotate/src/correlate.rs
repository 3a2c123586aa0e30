//! Which types of correlation hold between what is seen and what is heard.

use omnivale_timeline::Duration;
use serde::{Deserialize, Serialize};

use crate::annotation::{Annotation, OmniEvent};

/// When a correlation is claimed: the table `[correlate]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrelateConfig {
    /// A sound that starts this near a visual boundary starts with it, seconds.
    pub synchronous_within_s: Duration,
    /// A sound and a visual boundary further apart than that, but this near, follow one another, seconds.
    pub association_within_s: Duration,
    /// A sound must share at least this much time with the picture to complement, enhance or place it, seconds.
    pub min_shared_s: Duration,
    /// A sound at least this steady, 0 to 1, is taken for the sound of a place.
    pub ambient_steadiness: f64,
}

/// Fills in the correlations of all omni-modal events; what was there is replaced.
pub fn correlate_all(annotation: &mut Annotation, config: &CorrelateConfig) {
    let _ = (annotation, config);
}

/// Whether anything changes during the event: the tenth question of the paper's correlation prompt.
pub fn temporal_changes(event: &OmniEvent, annotation: &Annotation) -> bool {
    let _ = annotation;
    event.visual.len() > 1 || event.audio.len() > 1
}
