//! An omni-modal event in words: what is seen and what is heard, in the order of time.

use omnivale_timeline::{Duration, Span, Spanned, Time};

use crate::annotation::EventRecord;
use crate::caption::OmniRequest;

use super::SignalConfig;
use super::english::{Choice, about, list, number, with_tails};
use super::heard::{Heard, Sort};
use super::seen::{Detail, Seen};

/// A sound that starts or ends this near the event's own start or end starts or ends with it.
const TOGETHER: Duration = Duration::from_millis(1_500);

/// A sound that starts this near a change of picture starts with it: closer than anyone can tell.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Sounds that fill this share of an event, 0 to 1, fill it.
const MOST: f64 = 0.8;

/// What is said of at most this many members one by one; more are summed up.
const ONE_BY_ONE: usize = 3;

struct Member<T> {
    span: Span,
    what: T,
}

/// The parts of one omni-modal event.
struct Both<'a> {
    span: Span,
    seen: Vec<Member<Seen>>,
    heard: Vec<Member<Heard>>,
    /// Where one picture follows another inside the event: visual events and cuts.
    changes: Vec<Time>,
    has_sound: bool,
    config: &'a SignalConfig,
}

/// The caption's clause, without capital and full stop, at one level of detail.
pub(super) fn clause(
    request: &OmniRequest<'_>,
    config: &SignalConfig,
    choice: &mut Choice,
    detail: Detail,
) -> String {
    let inside = |time: &Time| *time > request.span.start && *time < request.span.end();
    let starts = request.visual.iter().map(|event| event.extent.start);
    let both = Both {
        span: request.span,
        changes: starts.chain(request.shots.iter().map(|shot| shot.start)).filter(inside).collect(),
        seen: within(&request.visual, request.span, |event| Seen::of(event, config)),
        heard: within(&request.audio, request.span, |event| Heard::of(event, config)),
        has_sound: request.video.streams.iter().any(|s| s.used && s.kind == "audio"),
        config,
    };
    match (both.seen.is_empty(), both.heard.is_empty()) {
        (true, true) => "nothing stands out in picture or sound".to_owned(),
        (true, false) => match &both.heard[..] {
            [one] => one.what.caption(choice),
            _ => both.sounds(choice, detail),
        },
        (false, true) => both.silent(choice, detail),
        (false, false) => both.together(choice, detail),
    }
}

fn within<T>(
    events: &[&EventRecord],
    span: Span,
    what: impl Fn(&EventRecord) -> T,
) -> Vec<Member<T>> {
    let member = |event: &&EventRecord| {
        let span = event.span().intersection(span)?;
        Some(Member { span, what: what(event) })
    };
    events.iter().filter_map(member).collect()
}

impl Both<'_> {
    /// Pictures without any sound event.
    fn silent(&self, choice: &mut Choice, detail: Detail) -> String {
        let pictures = self.pictures(choice, detail);
        if !self.has_sound {
            return pictures;
        }
        let quiet =
            ["and no sound stands out", "while no sound stands out", "with no distinct sound"];
        with_tails(pictures, &[choice.of(&quiet)])
    }

    /// Pictures and sounds.
    fn together(&self, choice: &mut Choice, detail: Detail) -> String {
        if let [one] = &self.heard[..] {
            return self.one_sound(one, choice, detail);
        }
        let (pictures, sounds) = (self.pictures(choice, detail), self.sounds(choice, detail));
        if let ([_, picture], [before, after]) = (&self.seen[..], &self.heard[..])
            && picture.span.start.distance(after.span.start) <= AT_ONCE
            && before.span.end().distance(after.span.start) <= AT_ONCE
        {
            let at_once = choice.of(&["at the same moment", "with the change"]);
            return format!("{pictures}, and {at_once} {}", self.turn(choice, detail));
        }
        // `as` and `while` would put a sound that comes later at the start.
        let together = self.starts_with_event(self.heard[0].span);
        match choice.below(if together { 3 } else { 2 }) {
            0 => format!("{pictures}; {sounds}"),
            1 if together => format!("{pictures}, while {sounds}"),
            1 => format!("{pictures}, and {sounds}"),
            _ => format!("as {pictures}, {sounds}"),
        }
    }

    /// One sound giving way to the next.
    fn turn(&self, choice: &mut Choice, detail: Detail) -> String {
        let words = choice.clone();
        let phrase = |member: &Member<Heard>| {
            member.what.phrase(&mut words.clone(), detail.min(Detail::Plain))
        };
        let phrases = told_apart(self.heard.iter().map(phrase).collect());
        let verb = if phrases[0].starts_with("a few") { "give" } else { "gives" };
        format!("{} {verb} way to {}", phrases[0], list(&phrases[1..]))
    }

    /// Pictures and a single sound: when it begins and ends is part of the sentence.
    fn one_sound(&self, one: &Member<Heard>, choice: &mut Choice, detail: Detail) -> String {
        let from_start = self.starts_with_event(one.span);
        let to_end = self.ends_with_event(one.span);
        let at_change = self.change_near(one.span.start);
        let pictures = self.pictures(choice, detail);
        match (from_start, to_end) {
            (true, true) if one.what.sort == Sort::Music && choice.once_in(2) => {
                format!("to the sound of {}, {pictures}", one.what.phrase(choice, detail))
            }
            (true, true) => {
                let sound = one.what.clause(choice, detail);
                match choice.below(4) {
                    0 => format!("{pictures} while {sound}"),
                    1 => format!("{sound} as {pictures}"),
                    2 => format!("{pictures}, and throughout {sound}"),
                    _ => format!("while {sound}, {pictures}"),
                }
            }
            (true, false) => {
                let sound = one.what.clause(choice, detail.min(Detail::Plain));
                let ending = if self.change_near(one.span.end()) {
                    ", until the picture changes".to_owned()
                } else {
                    self.quiet_after(one.span.end(), choice)
                };
                format!("{pictures}; at first {sound}{ending}")
            }
            (false, _) if at_change => {
                let sound = one.what.onset(choice, detail);
                let when = choice.of(&["just as the picture changes", "at the change of picture"]);
                format!("{pictures}, and {sound} {when}")
            }
            (false, to_end) => {
                let sound = one.what.onset(choice, detail);
                let when = self.when(one.span.start, choice);
                let ending =
                    if to_end { String::new() } else { self.quiet_after(one.span.end(), choice) };
                match choice.below(2) {
                    0 => format!("{pictures}; {when} {sound}{ending}"),
                    _ => format!("{pictures}, and {when} {sound}{ending}"),
                }
            }
        }
    }

    /// The pictures as a clause.
    fn pictures(&self, choice: &mut Choice, detail: Detail) -> String {
        match &self.seen[..] {
            [one] => one.what.clause(choice, detail),
            several => {
                let detail = detail.min(Detail::Plain);
                // The same choices for all: two pictures alike are described alike.
                let words = choice.clone();
                choice.below(2);
                let phrase = |member: &Member<Seen>| member.what.phrase(&mut words.clone(), detail);
                let told = match several {
                    [first, .., last] if several.len() > ONE_BY_ONE => {
                        [first, last].map(phrase).to_vec()
                    }
                    _ => several.iter().map(phrase).collect(),
                };
                let changes = several.len() - 1;
                match &told_apart(told)[..] {
                    [first, last] if changes > 1 => {
                        let times = number(changes);
                        format!("the picture changes {times} times, from {first} to {last}")
                    }
                    [first, rest @ ..] => {
                        let turns = ["gives way to", "changes to", "is followed by"];
                        format!("{first} {} {}", choice.of(&turns), rest.join(" and then "))
                    }
                    [] => "no picture stands out".to_owned(),
                }
            }
        }
    }

    /// The sounds as a clause, in the order of time.
    fn sounds(&self, choice: &mut Choice, detail: Detail) -> String {
        match &self.heard[..] {
            [one] => one.what.clause(choice, detail),
            several if several.len() <= ONE_BY_ONE && !self.all_alike() => {
                let detail = detail.min(Detail::Plain);
                let words = choice.clone();
                choice.below(2);
                let phrase =
                    |member: &Member<Heard>| member.what.phrase(&mut words.clone(), detail);
                let phrases = several.iter().map(phrase).collect();
                let late = !self.starts_with_event(several[0].span);
                self.sequence(told_apart(phrases), late, choice)
            }
            several => self.summed_up(several, choice),
        }
    }

    /// Two or three sounds one after another.
    fn sequence(&self, phrases: Vec<String>, late: bool, choice: &mut Choice) -> String {
        let start =
            if late { self.when(self.heard[0].span.start, choice) + " " } else { String::new() };
        let gap = self.heard[1].span.start.since(self.heard[0].span.end());
        let long_gap = gap.seconds() >= self.config.quiet_gap_s;
        let (first, rest) = (&phrases[0], phrases[1..].join(" and then "));
        let (is, gives) =
            if first.starts_with("a few") { ("are", "give") } else { ("is", "gives") };
        match (choice.below(3), phrases.len()) {
            (0, 2) if !late => format!("first {first} {is} heard, then {rest}"),
            (1, _) if long_gap => format!("{start}{first} {is} heard and, after a pause, {rest}"),
            (1, _) if gap <= AT_ONCE => format!("{start}{first} {gives} way to {rest}"),
            (2, 3) => {
                format!("{start}{first} {is} heard, then {}", phrases[1..].join(" and finally "))
            }
            _ => format!("{start}{first} {is} followed by {rest}"),
        }
    }

    /// Many sounds, by their sorts in the order in which they first come.
    fn summed_up(&self, several: &[Member<Heard>], choice: &mut Choice) -> String {
        let mut sorts: Vec<Sort> = Vec::new();
        for member in several {
            if !sorts.contains(&member.what.sort) {
                sorts.push(member.what.sort);
            }
        }
        let words: Vec<&str> = sorts.iter().map(|sort| sort.word()).collect();
        let sounding: Duration = several.iter().map(|member| member.span.duration).sum();
        let pauses = sounding.seconds() < MOST * self.span.duration.seconds();
        match &words[..] {
            ["speech"] if pauses => choice
                .of(&[
                    "a voice speaks on and off",
                    "speech comes and goes",
                    "a voice speaks with pauses",
                ])
                .to_owned(),
            ["speech"] => {
                choice.of(&["a voice goes on speaking", "there is speech throughout"]).to_owned()
            }
            ["music"] => {
                choice.of(&["one stretch of music follows another", "the music changes"]).to_owned()
            }
            ["impacts"] if pauses => "impacts come and go".to_owned(),
            ["impacts"] => "one run of impacts follows another".to_owned(),
            ["other sounds"] => choice
                .of(&["one sound follows another", "one sound takes over from another"])
                .to_owned(),
            [one, other] => match choice.below(2) {
                0 => format!("{one} and {other} take turns"),
                _ => format!("{one} alternates with {other}"),
            },
            several => format!("{} take turns", list(several)),
        }
    }

    fn all_alike(&self) -> bool {
        self.heard.windows(2).all(|pair| pair[0].what.sort == pair[1].what.sort)
    }

    fn starts_with_event(&self, span: Span) -> bool {
        span.start.distance(self.span.start) <= TOGETHER
    }

    fn ends_with_event(&self, span: Span) -> bool {
        span.end().distance(self.span.end()) <= TOGETHER
    }

    /// Whether one picture follows another near `time`, inside the event.
    fn change_near(&self, time: Time) -> bool {
        self.changes.iter().any(|change| change.distance(time) <= AT_ONCE)
    }

    /// When, within the event, something at `time` happens.
    fn when(&self, time: Time, choice: &mut Choice) -> String {
        let after = time.since(self.span.start).seconds();
        let left = self.span.end().since(time).seconds();
        let towards_end = left < 0.3 * self.span.duration.seconds();
        match choice.below(3) {
            0 if towards_end => "towards the end".to_owned(),
            1 if !towards_end => "a little later".to_owned(),
            _ => format!("after {}", about(after)),
        }
    }

    /// What follows a sound that ends before the event does.
    fn quiet_after(&self, time: Time, choice: &mut Choice) -> String {
        if self.span.end().since(time).seconds() < self.config.quiet_gap_s {
            return String::new();
        }
        choice
            .of(&[", and then it is quiet", " before it falls quiet", ", then no more"])
            .to_owned()
    }
}

/// The same phrase twice in a row reads as a mistake: the second becomes `another dark picture`, `more
/// speech`.
fn told_apart(phrases: Vec<String>) -> Vec<String> {
    let mut told: Vec<String> = Vec::with_capacity(phrases.len());
    let mut before: Option<String> = None;
    for phrase in phrases {
        let same = before.as_deref() == Some(phrase.as_str());
        told.push(match phrase.split_once(' ') {
            Some(("a" | "an", rest)) if same => format!("another {rest}"),
            _ if same => format!("more {phrase}"),
            _ => phrase.clone(),
        });
        before = Some(phrase);
    }
    told
}
