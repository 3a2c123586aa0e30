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

#[cfg(test)]
mod tests {
    use super::super::{check, resolve};
    use super::*;
    use omnivale_timeline::{Span, Time};
    use proptest::prelude::*;

    fn pseudo(seed: u64, count: u64) -> Dialogue {
        let texts = ["A dog barks.", "A woman sings", "Rain falls on a roof."];
        let events: Vec<Caption> = (0..count)
            .map(|index| Caption {
                span: Span::new(
                    Time::from_millis(index as i64 * 10_000),
                    Duration::from_millis(10_000),
                ),
                text: texts[index as usize % 3].to_owned(),
            })
            .collect();
        let clips: Vec<SubClip> =
            (0..count).map(|index| SubClip { id: format!("clip{index}"), scale: 1.0 }).collect();
        let duration = Duration::from_millis(count * 10_000);
        time_event("pseudo/7", &events, duration, &clips, &Templates::default(), seed)
    }

    #[test]
    fn each_form_reads_well() {
        let mut forms: Vec<Option<String>> = vec![None; 4];
        for seed in 0..60 {
            let turns = resolve(&pseudo(seed, 3));
            let form = match turns.len() {
                2 => 0,
                6 => 3,
                _ if turns[3].text.starts_with("From") => 1,
                _ => 2,
            };
            let text: Vec<String> =
                turns.iter().map(|t| format!("{}: {}", t.speaker, t.text)).collect();
            forms[form].get_or_insert(text.join("\n"));
        }
        let shown: Vec<String> =
            forms.into_iter().map(|form| form.expect("each form occurs")).collect();
        insta::assert_snapshot!(shown.join("\n---\n"), @r"
        human: <video>
        I would like a timeline of this video. What is seen and heard, and when?
        gpt: From 00 to 33, A dog barks. From 33 to 67, A woman sings. From 67 to 99, Rain falls on a roof.
        ---
        human: <video>
        Over which span of time can this be seen or heard: a woman sings?
        gpt: From 33 to 67.
        human: Which part of the video would you caption like this: a dog barks?
        gpt: From 00 to 33.
        ---
        human: <video>
        Over which span of time can this be seen or heard: a woman sings?
        gpt: From 33 to 67.
        human: Concentrate on the span 00 to 33 and say what it contains.
        gpt: A dog barks.
        ---
        human: <video>
        What is going on between 67 and 99?
        gpt: Rain falls on a roof.
        human: Give a caption for the span that begins at 00 and ends at 33.
        gpt: A dog barks.
        human: Give a caption for the span that begins at 33 and ends at 67.
        gpt: A woman sings
        ");
    }

    #[test]
    fn the_loader_finds_the_clips() {
        let dialogue = pseudo(1, 3);
        assert_eq!(dialogue.source.as_deref(), Some("pseudo-valor"));
        assert_eq!(dialogue.meta.and_then(|meta| meta.clips).map(|clips| clips.len()), Some(3));
        assert!(pseudo(1, 0).turns.is_empty());
    }

    proptest! {
        #[test]
        fn every_dialogue_is_sound_and_made_again(seed in any::<u64>(), count in 1u64..9) {
            let dialogue = pseudo(seed, count);
            prop_assert_eq!(check(&dialogue), []);
            prop_assert_eq!(pseudo(seed, count), dialogue);
        }
    }
}
