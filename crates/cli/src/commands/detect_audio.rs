//! `omnivale detect audio`.

use std::collections::BTreeMap;

use anyhow::bail;
use omnivale_annotate::annotation::EventRecord;
use omnivale_annotate::detect::audio;
use omnivale_media::{Flow, Request, Sink, Source};
use omnivale_signal::SoundMeter;
use omnivale_timeline::{Duration, Fact, SamplesView, Spanned, Time};
use serde::Serialize;

use crate::args::AudioArgs;
use crate::exit::Ending;
use crate::output;

/// What `--json` prints.
#[derive(Serialize)]
struct Found {
    duration: Duration,
    events: Vec<EventRecord>,
}

pub(super) fn run(args: &AudioArgs) -> anyhow::Result<Ending> {
    let config = super::configuration(args.config.as_deref())?;
    let source = Source::open(&args.input)?;
    if source.probe().audio.is_none() {
        bail!("{} has no sound; nothing to detect", args.input.display());
    }
    let mut meter = Meter(SoundMeter::new(&config.audio.meter));
    let request = Request { speech_samples: true, native_samples: true, ..Request::default() };
    let decoded = source.decode(&request, &mut meter)?;
    super::warn_of_damage(&args.input, &decoded.damage);
    let end = decoded.audio.and_then(|audio| audio.last).unwrap_or(Time::ZERO);
    let duration = source.probe().duration.max(end.since(Time::ZERO));
    let events = audio::detect(&meter.0.finish(), duration, &config.audio).into_items();
    let found = Found { duration, events: events.into_iter().map(EventRecord::from).collect() };
    if args.json {
        output::json(&found)?;
    } else {
        output::text(&lines(&found.events))?;
    }
    Ok(Ending::Done)
}

struct Meter(SoundMeter);

impl Sink for Meter {
    fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        self.0.push_speech(samples);
        Flow::Continue
    }

    fn native_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        self.0.push_native(samples);
        Flow::Continue
    }
}

fn lines(events: &[EventRecord]) -> String {
    let line = |event: &EventRecord| {
        let kind = event.kind.as_deref().unwrap_or("sound");
        let loudness = level(&event.evidence).map_or(String::new(), |db| format!("  {db:.0} dBFS"));
        format!("{}  {kind}{loudness}\n", event.span())
    };
    events.iter().map(line).collect()
}

fn level(evidence: &BTreeMap<String, Fact>) -> Option<f64> {
    match evidence.get("loudness_db") {
        Some(Fact::Number(db)) => Some(*db),
        _ => None,
    }
}
