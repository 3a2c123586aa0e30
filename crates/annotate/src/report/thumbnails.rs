//! Which pictures a page carries.

use omnivale_timeline::{Span, Time};

use super::escape;

/// A small picture of the video.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Thumbnail {
    /// When it is seen.
    pub time: Time,
    /// A JPEG file's bytes; any size, about 160 pixels wide is enough.
    pub jpeg: Vec<u8>,
}

/// For each span, the thumbnail nearest its centre, as an index into `thumbnails`.
///
/// Only a picture from inside the span is taken: one from beside it may show something else. Where
/// all of them together would exceed `most_bytes`, the longest spans keep theirs.
pub(super) fn pick(
    spans: &[Span],
    thumbnails: &[Thumbnail],
    most_bytes: usize,
) -> Vec<Option<usize>> {
    let mut by_time: Vec<usize> = (0..thumbnails.len()).collect();
    by_time.sort_by_key(|&at| thumbnails[at].time);
    let mut picks: Vec<Option<usize>> =
        spans.iter().map(|span| nearest(*span, thumbnails, &by_time)).collect();

    let mut longest_first: Vec<usize> = (0..spans.len()).collect();
    longest_first.sort_by_key(|&at| std::cmp::Reverse(spans[at].duration));
    let mut left = most_bytes;
    for at in longest_first {
        let bytes = picks[at].map_or(0, |pick| thumbnails[pick].jpeg.len());
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => picks[at] = None,
        }
    }
    picks
}

fn nearest(span: Span, thumbnails: &[Thumbnail], by_time: &[usize]) -> Option<usize> {
    let first = by_time.partition_point(|&at| thumbnails[at].time < span.start);
    by_time[first..]
        .iter()
        .copied()
        .take_while(|&at| thumbnails[at].time < span.end())
        .min_by_key(|&at| thumbnails[at].time.distance(span.centre()))
}

/// One style rule per picture that is used, so that each is embedded once and shown in many places.
pub(super) fn style(picks: &[Option<usize>], thumbnails: &[Thumbnail]) -> String {
    let mut used: Vec<usize> = picks.iter().copied().flatten().collect();
    used.sort_unstable();
    used.dedup();
    used.into_iter()
        .map(|at| {
            format!(".t{at}{{background-image:url({})}}\n", escape::jpeg(&thumbnails[at].jpeg))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(extents: &[(i64, i64)]) -> Vec<Span> {
        let time = Time::from_millis;
        extents.iter().map(|(start, end)| Span::until(time(*start), time(*end))).collect()
    }

    fn thumbnails(times: &[i64]) -> Vec<Thumbnail> {
        times
            .iter()
            .map(|time| Thumbnail { time: Time::from_millis(*time), jpeg: vec![0; 10] })
            .collect()
    }

    #[test]
    fn a_picture_comes_from_inside_its_event() {
        let spans = spans(&[(0, 1000), (1000, 5000), (5000, 6000)]);
        let thumbnails = thumbnails(&[4900, 900, 2900, 6000]);
        assert_eq!(pick(&spans, &thumbnails, 1000), [Some(1), Some(2), None]);
    }

    #[test]
    fn the_longest_events_keep_their_pictures() {
        let spans = spans(&[(0, 1000), (1000, 5000), (5000, 7000)]);
        let thumbnails = thumbnails(&[500, 3000, 6000]);
        assert_eq!(pick(&spans, &thumbnails, 20), [None, Some(1), Some(2)]);
        assert_eq!(style(&[Some(1), None, Some(1)], &thumbnails).matches("data:").count(), 1);
    }
}
