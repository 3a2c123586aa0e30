//! One module per command: arguments to a plan, the plan to a run, the run to an exit code.

mod annotate;
mod ask;
mod chat;
mod config;
mod dataset;
mod describe;
mod detect_audio;
mod detect_scenes;
mod doctor;
mod eval;
mod eval_boundaries;
mod eval_map;
mod eval_qa;
mod features;
mod ground;
mod metrics_data;
mod model;
mod predict;
mod session;
mod transcriber;
mod warnings;

use std::path::Path;

use clap::CommandFactory;
use omnivale_annotate::config::Config;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command, DetectCommand, MetricsDataCommand};
use crate::exit::Ending;

/// Runs the command that was asked for.
///
/// # Errors
/// Whatever ends the command; `exit` shows it.
pub(crate) fn dispatch(cli: Cli) -> anyhow::Result<Ending> {
    log_to_stderr(cli.verbose);
    match cli.command {
        Command::Annotate(args) => annotate::run(&args),
        Command::Detect(DetectCommand::Scenes(args)) => detect_scenes::run(&args),
        Command::Detect(DetectCommand::Audio(args)) => detect_audio::run(&args),
        Command::Eval(args) => eval::dispatch(args),
        Command::Dataset(command) => dataset::dispatch(&command),
        Command::Model(command) => model::dispatch(&command),
        Command::Ask(args) => ask::run(&args),
        Command::Ground(args) => ground::run(&args),
        Command::Describe(args) => describe::run(&args),
        Command::Chat(args) => chat::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Features(command) => features::dispatch(&command),
        Command::MetricsData(MetricsDataCommand::Import(args)) => metrics_data::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "omnivale", &mut script);
            crate::output::text(&String::from_utf8_lossy(&script))?;
            Ok(Ending::Done)
        }
    }
}

/// The log: silent unless asked for with -v.
fn log_to_stderr(verbose: u8) {
    let filter = match verbose {
        0 => "error",
        1 => "info",
        _ => "trace",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}

/// The configuration of a file, or the defaults.
fn configuration(file: Option<&Path>) -> anyhow::Result<Config> {
    match file {
        None => Ok(Config::default()),
        Some(path) => Config::read(path).map_err(|error| {
            // A configuration that cannot be used is wrong usage: nothing has been started.
            crate::exit::usage(crate::exit::chain(&error.into()))
        }),
    }
}

/// What the configuration says that encoders multiply with, in their words.
fn precision(choice: omnivale_annotate::features::Precision) -> omnivale_encoders::Precision {
    match choice {
        omnivale_annotate::features::Precision::F32 => omnivale_encoders::Precision::F32,
        omnivale_annotate::features::Precision::Bf16 => omnivale_encoders::Precision::Bf16,
    }
}

/// Says on standard error what is broken in a file that was used all the same.
fn warn_of_damage(input: &Path, damage: &[omnivale_media::Damage]) {
    for damage in damage {
        eprintln!("warning: {}: {damage}", input.display());
    }
}
