//! `omnivale ground`: when something happens in a video.

use omnivale_metrics::answer::strict;

use super::session::{Session, check_question};
use crate::args::GroundArgs;
use crate::exit::Ending;
use crate::output;
use crate::video_model::queries;
use crate::video_model::times::{Said, spans};

/// Runs the command.
pub(super) fn run(args: &GroundArgs) -> anyhow::Result<Ending> {
    check_question(&args.text)?;
    let session = Session::open(&args.video, &args.model, &args.answers)?;
    let question = queries(args.queries).grounding(&args.text);
    let reply = session.ask(&question, |_| {})?;
    let found: Vec<Said> = spans(
        strict::intervals(&reply.text, session.duration.seconds()),
        &args.text,
        session.duration,
    );
    if args.json {
        session.json(&args.text, &reply.text, &found)?;
        return Ok(Ending::Done);
    }
    if found.is_empty() {
        eprintln!("the answer has no times; it is");
        output::text(&format!("{}\n", reply.text))?;
        return Ok(Ending::Done);
    }
    let lines: String = found.iter().map(|span| span.clock() + "\n").collect();
    output::text(&lines)?;
    Ok(Ending::Done)
}
