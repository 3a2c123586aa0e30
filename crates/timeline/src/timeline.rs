//! Sorted items within a video's duration.

use std::ops::Deref;

use crate::{Duration, Span, Time};

/// What can stand on a timeline.
pub trait Spanned {
    /// When it is.
    fn span(&self) -> Span;
}

impl Spanned for Span {
    fn span(&self) -> Span {
        *self
    }
}

/// Items in order of time, all inside `[0, duration]`. The constructors are the only way in, so a
/// `Timeline` that exists is valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline<T> {
    duration: Duration,
    items: Vec<T>,
}

/// Why items do not form a timeline.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TimelineError {
    /// An end before its start.
    #[error("the span ends at {end}, before it starts at {start}; swap the two or drop it")]
    Reversed {
        /// Claimed start.
        start: Time,
        /// Claimed end.
        end: Time,
    },
    /// An item outside the video.
    #[error("item {index} at {span} lies outside the video of {duration}; clamp it first")]
    OutOfBounds {
        /// Position of the item.
        index: usize,
        /// Its span.
        span: Span,
        /// The video's duration.
        duration: Duration,
    },
    /// An item before its predecessor.
    #[error("item {index} at {span} starts before the item in front of it; sort by start first")]
    Unsorted {
        /// Position of the item.
        index: usize,
        /// Its span.
        span: Span,
    },
    /// Two items that share an instant where none may.
    #[error("item {index} at {span} overlaps the item in front of it")]
    Overlap {
        /// Position of the item.
        index: usize,
        /// Its span.
        span: Span,
    },
    /// A feature track whose rows do not match its grid.
    #[error("{values} values do not make {rows} rows of {width}; the file or the encoder is wrong")]
    Shape {
        /// Numbers given.
        values: usize,
        /// Rows that the grid has.
        rows: usize,
        /// Numbers per row.
        width: usize,
    },
}

impl<T: Spanned> Timeline<T> {
    /// From items sorted by start.
    ///
    /// # Errors
    /// [`TimelineError::OutOfBounds`] or [`TimelineError::Unsorted`], naming the first bad item.
    pub fn new(duration: Duration, items: Vec<T>) -> Result<Timeline<T>, TimelineError> {
        let bounds = Span::new(Time::ZERO, duration);
        let mut latest = Time::ZERO;
        for (index, item) in items.iter().enumerate() {
            let span = item.span();
            if !bounds.covers(span) {
                return Err(TimelineError::OutOfBounds { index, span, duration });
            }
            if span.start < latest {
                return Err(TimelineError::Unsorted { index, span });
            }
            latest = span.start;
        }
        Ok(Timeline { duration, items })
    }

    /// From items sorted by start that share no instant.
    ///
    /// # Errors
    /// As [`Timeline::new`], and [`TimelineError::Overlap`].
    pub fn disjoint(duration: Duration, items: Vec<T>) -> Result<Timeline<T>, TimelineError> {
        let timeline = Timeline::new(duration, items)?;
        for (index, pair) in timeline.items.windows(2).enumerate() {
            let span = pair[1].span();
            if pair[0].span().end() > span.start {
                return Err(TimelineError::Overlap { index: index + 1, span });
            }
        }
        Ok(timeline)
    }
}

impl<T> Timeline<T> {
    /// A timeline with nothing on it.
    pub fn empty(duration: Duration) -> Timeline<T> {
        Timeline { duration, items: Vec::new() }
    }

    /// The video's duration.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The items, in order.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }
}

impl<T> Deref for Timeline<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(a: i64, b: i64) -> Span {
        Span::until(Time::from_millis(a), Time::from_millis(b))
    }

    const TEN: Duration = Duration::from_millis(10);

    #[test]
    fn names_the_first_bad_item() {
        let error = Timeline::new(TEN, vec![span(0, 4), span(8, 12)]).unwrap_err();
        assert_eq!(
            error,
            TimelineError::OutOfBounds { index: 1, span: span(8, 12), duration: TEN }
        );
        let error = Timeline::new(TEN, vec![span(3, 4), span(1, 2)]).unwrap_err();
        assert_eq!(error, TimelineError::Unsorted { index: 1, span: span(1, 2) });
    }

    #[test]
    fn overlap_is_refused_only_where_asked() {
        let items = vec![span(0, 5), span(4, 8)];
        assert!(Timeline::new(TEN, items.clone()).is_ok());
        let error = Timeline::disjoint(TEN, items).unwrap_err();
        assert_eq!(error, TimelineError::Overlap { index: 1, span: span(4, 8) });
        assert!(Timeline::disjoint(TEN, vec![span(0, 5), span(5, 10)]).is_ok());
    }
}
