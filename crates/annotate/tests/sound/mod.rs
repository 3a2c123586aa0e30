//! Measures a file's sound and holds the events against a list of true ones. Used by the test
//! `sound_truth` and the example `sound_score`.

use std::path::Path;

use omnivale_annotate::config::Config;
use omnivale_annotate::detect::audio::detect;
use omnivale_media::{Flow, Request, Sink, Source};
use omnivale_metrics::boundary::{Score, score, span_score, time_score};
use omnivale_signal::{SoundMeter, SoundTrack};
use omnivale_timeline::{Duration, Event, SamplesView, Span, Time, Timeline};

/// What was measured and found in a file.
pub(crate) struct Heard {
    pub(crate) track: SoundTrack,
    pub(crate) events: Timeline<Event>,
}

struct Ear(SoundMeter);

impl Sink for Ear {
    fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        self.0.push_speech(samples);
        Flow::Continue
    }

    fn native_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        self.0.push_native(samples);
        Flow::Continue
    }
}

pub(crate) fn hear(path: &Path) -> Heard {
    let config = Config::default().audio;
    let source = Source::open(path).expect("the clip opens");
    let mut ear = Ear(SoundMeter::new(&config.meter));
    let request = Request { speech_samples: true, native_samples: true, ..Request::default() };
    source.decode(&request, &mut ear).expect("the clip decodes");
    let track = ear.0.finish();
    let duration = source.probe().duration.max(track.end.since(Time::ZERO));
    let events = detect(&track, duration, &config);
    Heard { track, events }
}

impl Heard {
    /// The spans of the events of a kind.
    pub(crate) fn spans(&self, kind: &str) -> Vec<Span> {
        let of_kind = self.events.iter().filter(|event| event.kind.as_deref() == Some(kind));
        of_kind.map(|event| event.span).collect()
    }
}

/// True events: span and kind.
pub(crate) struct Truth(Vec<(Span, String)>);

impl Truth {
    /// From a JSON file with a list `audio_events` of `start`, `end` (seconds) and `kind`.
    pub(crate) fn read(path: &Path) -> Truth {
        let text = std::fs::read_to_string(path).expect("the truth is there");
        let json: serde_json::Value = serde_json::from_str(&text).expect("the truth is JSON");
        let time = |event: &serde_json::Value, key: &str| {
            event[key].as_f64().and_then(Time::from_seconds).expect("a time in seconds")
        };
        let events = json["audio_events"].as_array().expect("a list of events").iter();
        let entry = |event: &serde_json::Value| {
            let span = Span::until(time(event, "start"), time(event, "end"));
            (span, event["kind"].as_str().expect("a kind").to_owned())
        };
        Truth(events.map(entry).collect())
    }

    fn speech(&self) -> Vec<Span> {
        self.0.iter().filter(|(_, kind)| kind == "speech").map(|(span, _)| *span).collect()
    }

    /// Starts and ends of all events, within half a second.
    pub(crate) fn boundaries(&self, heard: &Heard) -> Score {
        let tolerance = Duration::from_millis(500);
        let reference = instants(self.0.iter().map(|(span, _)| *span));
        score(&reference, &instants(heard.events.iter().map(|event| event.span)), tolerance)
    }

    /// Speech by the time covered.
    pub(crate) fn speech_time(&self, heard: &Heard) -> Score {
        time_score(&self.speech(), &heard.spans("speech"))
    }

    /// Speech by spans with an intersection over union of at least one half.
    pub(crate) fn speech_spans(&self, heard: &Heard) -> Score {
        span_score(&self.speech(), &heard.spans("speech"), 0.5)
    }
}

/// Starts and ends; where one event follows another at once they are one boundary.
fn instants(spans: impl Iterator<Item = Span>) -> Vec<Time> {
    let mut instants: Vec<Time> = spans.flat_map(|span| [span.start, span.end()]).collect();
    instants.sort_unstable();
    instants.dedup();
    instants
}
