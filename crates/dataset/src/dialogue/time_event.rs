//! Time-event dialogues of pseudo-untrimmed videos (pu_valor.md §2 and §4).

use omnivale_timeline::{Caption, Duration};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::chance::rng;
use super::compose::{Event, Script};
use super::{Dialogue, SubClip, Templates};

/// The `source` by which AVicuna's loader knows that features are put together from clips.
const SOURCE: &str = "pseudo-valor";

/// A dialogue about a pseudo-untrimmed video, in one of the three forms seen in the published data,
/// each as likely as the others:
/// - all events with their times in one answer;
/// - the time of one event, then the time or the caption of another;
/// - the caption of every event, one turn each, in shuffled order.
///
/// `events` are the clips' captions where they stand in the pseudo video of length `duration`;
/// `clips` says which clips those are and by what each was stretched, in playing order. Events whose
/// caption says nothing are passed over, and without any event there are no turns
/// ([`check`](super::check) finds such a dialogue). The same arguments give the same dialogue.
pub fn time_event(
    id: &str,
    events: &[Caption],
    duration: Duration,
    clips: &[SubClip],
    templates: &Templates,
    seed: u64,
) -> Dialogue {
    let mut events: Vec<Event> = events.iter().filter_map(Event::of).collect();
    events.sort_by_key(|event| event.span);
    let mut rng = rng(seed, "time-event", id);
    let mut script = Script::default();
    let form = rng.random_range(0..3u32);
    if form > 0 {
        events.shuffle(&mut rng);
    }
    match (form, &events[..]) {
        (_, []) => {}
        (0, events) => script.dense(templates.dense(&mut rng), events),
        (1, [first, rest @ ..]) => {
            script.grounding(templates.grounding(&mut rng), first);
            // Of a single event the time is known by now; what remains is to describe it.
            match rest.first() {
                Some(second) if rng.random_bool(0.5) => {
                    script.grounding(templates.grounding(&mut rng), second);
                }
                second => script.segment(templates.segment(&mut rng), second.unwrap_or(first)),
            }
        }
        (_, events) => {
            for event in events {
                script.segment(templates.segment(&mut rng), event);
            }
        }
    }
    let mut meta = script.meta(duration);
    meta.clips = Some(clips.to_vec());
    Dialogue {
        id: id.to_owned(),
        source: Some(SOURCE.to_owned()),
        turns: script.turns,
        meta: Some(meta),
        ..Dialogue::default()
    }
}
