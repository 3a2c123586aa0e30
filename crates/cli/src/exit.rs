//! Exit codes, and the one place where errors are shown.

use std::process::ExitCode;

/// How a command that ran came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything was done.
    Done,
    /// Done, but some inputs failed; they have been listed.
    SomeFailed,
    /// Nothing was done: every input failed, or the run was interrupted. It has been said why.
    Failed,
}

/// The command line asks for something that cannot be meant: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Shorthand for a usage error.
pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

/// Prints an error with its causes and gives the exit code: 0 done, 1 failed, 2 wrong usage,
/// 3 done but some inputs failed.
pub(crate) fn report(result: anyhow::Result<Ending>) -> ExitCode {
    match result {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::from(1),
        Ok(Ending::SomeFailed) => ExitCode::from(3),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(&error));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// `head` has seen enough: not an error of ours.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The message and its causes, one line each; a cause that only repeats what was said is left out.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str("\n  because: ");
            text.push_str(cause.trim_end());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn causes_follow_each_other_and_repeats_are_left_out() {
        let error = Err::<(), _>(anyhow::anyhow!("no space left"))
            .context("cannot write x")
            .context("stage failed: cannot write x")
            .unwrap_err();
        assert_eq!(chain(&error), "stage failed: cannot write x\n  because: no space left");
    }
}
