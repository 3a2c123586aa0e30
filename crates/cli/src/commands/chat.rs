//! `omnivale chat`: a conversation about a video.

use std::io::{BufRead, IsTerminal, Read, Write};

use anyhow::Context;
use omnivale_llm::answer::{Question, Talk};

use super::session::{Screen, Session, Trimmed, check_question, first_turn};
use crate::args::ChatArgs;
use crate::exit::{Ending, chain};
use crate::video_model::times::said;

/// Longest line that is read, in bytes; a model has no room for more.
const LONGEST: u64 = 1 << 20;

const HELP: &str = "Each line is a turn of the conversation. Commands:\n  \
    /help    this list\n  \
    /reset   forget what was said\n  \
    /quit    end\n";

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted<'a> {
    Nothing,
    Help,
    Reset,
    Quit,
    Unknown(&'a str),
    Say(&'a str),
}

impl<'a> Wanted<'a> {
    fn of(line: &'a str) -> Self {
        match line.trim() {
            "" => Self::Nothing,
            "/help" => Self::Help,
            "/reset" => Self::Reset,
            "/quit" | "/exit" => Self::Quit,
            command if command.starts_with('/') => Self::Unknown(command),
            text => Self::Say(text),
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &ChatArgs) -> anyhow::Result<Ending> {
    let session = Session::open(&args.video, &args.model, &args.answers)?;
    let mut input = std::io::stdin().lock();
    let interactive = std::io::stdin().is_terminal();
    let mut chat = Chat {
        session: &session,
        talk: session.model.answerer().talk(&session.watched)?,
        turns: 0,
    };
    if interactive {
        eprintln!("Ask about the video. /help lists the commands.");
    }
    let mut failed = 0;
    loop {
        if interactive {
            eprint!("> ");
            std::io::stderr().flush()?;
        }
        let mut line = Vec::new();
        let read = (&mut input).take(LONGEST).read_until(b'\n', &mut line);
        if read.context("cannot read standard input")? == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&line);
        match Wanted::of(&line) {
            Wanted::Nothing => {}
            Wanted::Quit => break,
            Wanted::Help => eprint!("{HELP}"),
            Wanted::Unknown(command) => {
                eprintln!("there is no command {command}; /help lists them")
            }
            Wanted::Reset => chat.reset()?,
            Wanted::Say(text) => {
                if let Err(error) = chat.say(text) {
                    if error.is::<std::io::Error>() {
                        return Err(error);
                    }
                    // The conversation is as it was before the turn, and can go on.
                    eprintln!("error: {}", chain(&error));
                    eprintln!("(/reset forgets what was said and makes room)");
                    failed += 1;
                }
            }
        }
    }
    Ok(match (failed, chat.turns) {
        (0, _) => Ending::Done,
        (_, 0) => Ending::Failed,
        _ => Ending::SomeFailed,
    })
}

struct Chat<'a> {
    session: &'a Session,
    talk: Talk,
    /// Turns that were answered since the beginning; the number of a turn's stream of random choices.
    turns: u64,
}

impl Chat<'_> {
    fn reset(&mut self) -> anyhow::Result<()> {
        self.talk = self.session.model.answerer().talk(&self.session.watched)?;
        Ok(())
    }

    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        check_question(text)?;
        let text = if self.talk.has_begun() { text.to_owned() } else { first_turn(text) };
        let turn = Question { text, stream: self.turns };
        let (mut screen, mut trimmed) = (Screen::new(), Trimmed::default());
        let reply = self.session.model.answerer().say(
            &mut self.talk,
            &turn,
            &self.session.options,
            |part| screen.show(&trimmed.push(part)),
        )?;
        self.turns += 1;
        screen.show("\n");
        for span in said(&reply.text, self.session.duration) {
            screen.show(format!("{}  {}", span.clock(), span.text).trim_end());
            screen.show("\n");
        }
        screen.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_turns_or_commands() {
        assert_eq!(Wanted::of("  When?\r\n"), Wanted::Say("When?"));
        assert_eq!(Wanted::of("/reset\n"), Wanted::Reset);
        assert_eq!(Wanted::of("/frobnicate now\n"), Wanted::Unknown("/frobnicate now"));
        assert_eq!(Wanted::of(" \n"), Wanted::Nothing);
    }
}
