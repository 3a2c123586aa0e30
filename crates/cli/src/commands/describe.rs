//! `omnivale describe`: a video, or a part of it, as a timeline.

use omnivale_timeline::{Duration, Span, TimeCodec};

use super::session::{Screen, Session, Trimmed};
use crate::args::DescribeArgs;
use crate::exit::{Ending, usage};
use crate::video_model::queries;
use crate::video_model::times::{Said, clock, events, said};

/// Runs the command.
pub(super) fn run(args: &DescribeArgs) -> anyhow::Result<Ending> {
    let session = Session::open(&args.video, &args.model, &args.answers)?;
    match args.span {
        Some(span) => part(args, &session, span),
        None => whole(args, &session),
    }
}

fn whole(args: &DescribeArgs, session: &Session) -> anyhow::Result<Ending> {
    let question = queries(args.queries).captioning();
    if args.json {
        let reply = session.ask(&question, |_| {})?;
        session.json(asked(&question), &reply.text, &said(&reply.text, session.duration))?;
        return Ok(Ending::Done);
    }
    let mut screen = Screen::new();
    let mut table = Table::new(session.duration);
    let reply = session.ask(&question, |text| screen.show(&table.push(text)))?;
    screen.show(&table.finish());
    if table.shown == 0 {
        eprintln!("the answer has no times; it is");
        screen.show(&format!("{}\n", reply.text));
    }
    screen.finish()?;
    Ok(Ending::Done)
}

fn part(args: &DescribeArgs, session: &Session, span: Span) -> anyhow::Result<Ending> {
    let whole = session.duration;
    if span.end() > whole.as_time() {
        let (end, whole) = (clock(span.end().seconds()), clock(whole.seconds()));
        return Err(usage(format!("--span ends at {end}, after the video's end at {whole}")));
    }
    let codec = TimeCodec::new(whole);
    let (start, end) = (codec.hundredth(span.start), codec.hundredth(span.end()));
    let question = queries(args.queries).segment_captioning(start, end);
    let said = |text: String| Said {
        start: span.start.seconds_to_millis(),
        end: span.end().seconds_to_millis(),
        text,
    };
    if args.json {
        let reply = session.ask(&question, |_| {})?;
        session.json(asked(&question), &reply.text, &[said(reply.text.clone())])?;
        return Ok(Ending::Done);
    }
    let (mut screen, mut trimmed) = (Screen::new(), Trimmed::default());
    screen.show(&format!("{}  ", said(String::new()).clock()));
    session.ask(&question, |text| screen.show(&trimmed.push(text)))?;
    screen.show("\n");
    screen.finish()?;
    Ok(Ending::Done)
}

/// A question without the place of the features.
fn asked(question: &str) -> &str {
    question.trim_start_matches(omnivale_llm::conversation::PLACEHOLDER).trim()
}

/// Lines of events as the answer that has them grows.
struct Table {
    duration: Duration,
    answer: String,
    /// Events that have been given.
    shown: usize,
}

impl Table {
    fn new(duration: Duration) -> Self {
        Self { duration, answer: String::new(), shown: 0 }
    }

    /// Takes more of the answer and gives the lines of events that are complete: those on finished lines. One without
    /// words may still get them from the next line.
    fn push(&mut self, text: &str) -> String {
        self.answer.push_str(text);
        let Some(end) = text.contains('\n').then(|| self.answer.rfind('\n')).flatten() else {
            return String::new();
        };
        let events = events(&self.answer[..end], self.duration);
        let waits = events.last().is_some_and(|last| last.text.is_empty());
        self.lines(&events[..events.len() - usize::from(waits)])
    }

    /// The lines that are left when the answer is whole.
    fn finish(&mut self) -> String {
        let events = said(&self.answer, self.duration);
        self.lines(&events)
    }

    fn lines(&mut self, events: &[Said]) -> String {
        let new = events.get(self.shown..).unwrap_or_default();
        self.shown += new.len();
        let line = |event: &Said| {
            format!("{}  {}", event.clock(), event.text).trim_end().to_owned() + "\n"
        };
        new.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_appear_line_by_line_and_come_out_the_same_however_the_answer_comes() {
        let answer =
            "From 00 to 17, a dog barks.\nFrom 20 to 30, rain.\n\nFrom 50 to 99, they leave.";
        let minute = Duration::from_millis(60_000);
        let mut shown = Vec::new();
        for step in [1, 7, 1000] {
            let mut table = Table::new(minute);
            let mut text = String::new();
            for part in answer.as_bytes().chunks(step) {
                text.push_str(&table.push(std::str::from_utf8(part).unwrap()));
                let lines = table.answer.matches(".\n").count();
                assert_eq!(text.lines().count(), lines, "a line appears as soon as it is there");
            }
            text.push_str(&table.finish());
            shown.push(text);
        }
        insta::assert_snapshot!(shown[0], @r"
        00:00.0 – 00:10.2  a dog barks.
        00:12.0 – 00:18.0  rain.
        00:30.0 – 00:59.4  they leave.
        ");
        assert!(shown.iter().all(|it| *it == shown[0]));
    }
}
