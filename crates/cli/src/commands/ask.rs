//! `omnivale ask`: one question about a video.

use super::session::{Screen, Session, Trimmed, check_question, first_turn};
use crate::args::AskArgs;
use crate::exit::Ending;
use crate::video_model::times::said;

/// Runs the command.
pub(super) fn run(args: &AskArgs) -> anyhow::Result<Ending> {
    check_question(&args.question)?;
    let session = Session::open(&args.video, &args.model, &args.answers)?;
    let question = first_turn(&args.question);
    if args.json {
        let reply = session.ask(&question, |_| {})?;
        session.json(&args.question, &reply.text, &said(&reply.text, session.duration))?;
        return Ok(Ending::Done);
    }
    let (mut screen, mut trimmed) = (Screen::new(), Trimmed::default());
    let reply = session.ask(&question, |text| screen.show(&trimmed.push(text)))?;
    screen.show("\n");
    for span in said(&reply.text, session.duration) {
        screen.show(format!("{}  {}", span.clock(), span.text).trim_end());
        screen.show("\n");
    }
    screen.finish()?;
    Ok(Ending::Done)
}
