//! The project's own chores: anything `make` does that has logic in it.
//!
//! ```text
//! cargo run -p xtask -- deps            the crates depend on each other one way only
//! cargo run -p xtask -- docs [--check]  the generated parts of the documents
//! cargo run -p xtask -- house           file lengths, names and words
//! ```

mod deps;
mod docs;
mod house;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- deps | docs [--check] | house";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let findings = match arguments.as_slice() {
        ["deps"] => workspace::load().map(|crates| deps::check(&crates)),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["house"] => house::check(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match findings {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            for finding in &findings {
                eprintln!("xtask {}: {finding}", arguments.join(" "));
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("xtask {}: {error:#}", arguments.join(" "));
            ExitCode::FAILURE
        }
    }
}
