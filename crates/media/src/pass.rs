//! What one pass over a file goes by.

use omnivale_timeline::{Duration, Time};

use crate::av::Stream;
use crate::{Probe, Request, limits};

/// A file's clock: from ticks of its streams to times from zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// Zero on the container's own clock, microseconds.
    pub(crate) zero: i64,
    pub(crate) duration: Duration,
}

impl Clock {
    pub(crate) fn time(&self, stream: &Stream, ticks: i64) -> Option<Time> {
        Some(Time::from_micros(stream.time_base.micros(ticks)?.saturating_sub(self.zero)))
    }

    /// How long a picture shows, if the stream says.
    pub(crate) fn length(&self, stream: &Stream, ticks: i64) -> Option<Duration> {
        let micros = stream.time_base.micros(ticks)?;
        u64::try_from(micros).ok().filter(|&micros| micros > 0).map(Duration::from_micros)
    }

    /// Whether a time can belong to the file.
    pub(crate) fn accepts(&self, time: Time) -> bool {
        time >= Time::ZERO - limits::MAX_BEFORE_START
            && time <= limits::latest(self.duration).as_time()
    }
}

/// Everything one pass needs.
pub(crate) struct Pass<'a> {
    pub(crate) probe: &'a Probe,
    pub(crate) streams: &'a [Stream],
    pub(crate) clock: Clock,
    pub(crate) request: &'a Request,
}
