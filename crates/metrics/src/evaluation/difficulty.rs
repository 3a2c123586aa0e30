//! Easy and hard videos.

use std::cmp::Ordering;

use super::VideoScores;

/// The easier and the harder half of the videos, after the length of a mean event in its video: short
/// events in long videos are hard to find (LongVALE, section 5.4). With an odd number of videos the
/// hard half is the larger. Videos that are equally hard keep their order; one without events counts
/// as hardest.
pub fn easy_and_hard(videos: &[VideoScores]) -> (Vec<&VideoScores>, Vec<&VideoScores>) {
    let mut sorted: Vec<&VideoScores> = videos.iter().collect();
    sorted.sort_by(|a, b| mean_share(b).partial_cmp(&mean_share(a)).unwrap_or(Ordering::Equal));
    let hard = sorted.split_off(sorted.len() / 2);
    (sorted, hard)
}

/// Mean length of an event over the length of the video.
fn mean_share(video: &VideoScores) -> f64 {
    let total = video.duration.seconds() * video.events as f64;
    if total > 0.0 { video.events_duration.seconds() / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_timeline::Duration;

    fn video(id: &str, duration: u64, events: usize, events_duration: u64) -> VideoScores {
        VideoScores {
            id: id.to_owned(),
            duration: Duration::from_millis(duration),
            events,
            events_duration: Duration::from_millis(events_duration),
            grounding: None,
            dense: None,
            segment: None,
        }
    }

    #[test]
    fn short_events_in_long_videos_are_hard() {
        // Mean shares: 10 / 100, 30 / 100, none, 50 / 1000 and 20 / 40.
        let videos = [
            video("a", 100, 2, 20),
            video("b", 100, 1, 30),
            video("c", 100, 0, 0),
            video("d", 1000, 1, 50),
            video("e", 40, 1, 20),
        ];
        let (easy, hard) = easy_and_hard(&videos);
        let ids = |of: Vec<&VideoScores>| of.iter().map(|v| v.id.clone()).collect::<String>();
        assert_eq!((ids(easy), ids(hard)), ("eb".to_owned(), "adc".to_owned()));
    }
}
