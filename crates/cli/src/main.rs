//! `omnivale`: any long video in, a timeline of what is seen, heard and said out.

mod args;
mod commands;
mod device;
mod exit;
mod inputs;
mod interrupt;
mod output;
mod reporter;
mod video_model;

use std::process::ExitCode;

fn main() -> ExitCode {
    exit::report(commands::dispatch(args::parse()))
}
