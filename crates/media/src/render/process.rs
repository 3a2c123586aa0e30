//! Running `ffmpeg`: its arguments, its last words, its end.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration as Pause;

use super::graph::Graph;
use super::{Form, RenderError};

const PROGRAM: &str = "ffmpeg";
/// Bytes kept of what `ffmpeg` says.
const WORDS_MAX: usize = 8192;
/// Lines shown of it.
const LINES: usize = 8;

/// The version that `ffmpeg` states.
pub(super) fn version() -> Result<String, RenderError> {
    let said = ask(&["-version"])?;
    let version = said.strip_prefix("ffmpeg version ").and_then(|said| said.split(' ').next());
    Ok(version.unwrap_or("unknown").to_owned())
}

/// Whether `ffmpeg` was built with a filter.
pub(super) fn has_filter(name: &str) -> Result<bool, RenderError> {
    let said = ask(&["-hide_banner", "-filters"])?;
    Ok(said.lines().any(|line| line.split_whitespace().nth(1) == Some(name)))
}

fn ask(arguments: &[&str]) -> Result<String, RenderError> {
    let mut command = Command::new(PROGRAM);
    let output = command
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|source| RenderError::NoProgram { source })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Renders to `temporary`, and waits. `out` names the file in errors.
pub(super) fn run(
    graph: &Graph<'_>,
    form: &Form,
    temporary: &Path,
    out: &Path,
    stop: &AtomicBool,
) -> Result<(), RenderError> {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments(graph, form, temporary))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // A Ctrl-C in the terminal is ours to pass on.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|source| RenderError::NoProgram { source })?;
    let pipe = child.stderr.take();
    let listener = thread::spawn(move || pipe.map(last_words).unwrap_or_default());
    let ending = wait(&mut child, stop);
    let words = listener.join().unwrap_or_default();
    match ending {
        None => Err(RenderError::Stopped),
        Some(ending) if ending.success() => Ok(()),
        Some(ending) => Err(RenderError::Program {
            out: out.to_owned(),
            ending: ending.to_string(),
            words: shown(&words),
        }),
    }
}

/// How the child ended; nothing if it was stopped.
fn wait(child: &mut Child, stop: &AtomicBool) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if !stop.load(Ordering::SeqCst) => thread::sleep(Pause::from_millis(10)),
            // Asked to stop, or it cannot be waited for: end it. It may have ended by itself just now.
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

fn arguments(graph: &Graph<'_>, form: &Form, temporary: &Path) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::new();
    let mut say = |words: &[&str]| all.extend(words.iter().map(OsString::from));
    say(&["-hide_banner", "-nostdin", "-loglevel", "error", "-y"]);
    say(&["-filter_threads", "1", "-filter_complex_threads", "1"]);
    for file in &graph.files {
        all.extend(["-threads", "1", "-protocol_whitelist", "file", "-i"].map(OsString::from));
        all.push(address(file));
    }
    let mut say = |words: &[&str]| all.extend(words.iter().map(OsString::from));
    say(&["-filter_complex", &graph.filters, "-map", "[v]", "-map", "[a]"]);
    say(&["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"]);
    say(&["-r", &form.frame_rate.to_string(), "-threads", "1"]);
    say(&["-c:v", "libx264", "-preset", &form.preset, "-crf", &form.crf.to_string()]);
    say(&["-c:a", "aac", "-b:a", &form.audio_bitrate.to_string()]);
    say(&["-bitexact", "-movflags", "+faststart", "-f", "mp4"]);
    all.push(address(temporary));
    all
}

/// The file as an address, so that no name can be anything else.
fn address(path: &Path) -> OsString {
    let mut address = OsString::from("file:");
    address.push(path);
    address
}

/// The last bytes of what a pipe gives.
fn last_words(mut pipe: impl Read) -> Vec<u8> {
    let (mut kept, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        match pipe.read(&mut chunk) {
            Ok(0) => return kept,
            Ok(read) => kept.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return kept,
        }
        let excess = kept.len().saturating_sub(WORDS_MAX);
        kept.drain(..excess);
    }
}

/// The last lines, indented.
fn shown(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    last.iter().map(|line| format!("    {}", line.trim_end())).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_of_whatever_is_said() {
        let said: String = (0..5000).map(|line| format!("line {line}\n\n")).collect();
        let shown = shown(&last_words(said.as_bytes()));
        assert_eq!(shown.lines().count(), LINES);
        assert!(shown.ends_with("    line 4999"));
    }

    #[test]
    fn no_file_name_is_an_option_or_a_network_address() {
        assert_eq!(address(Path::new("-y")), "file:-y");
        assert_eq!(address(Path::new("http://x")), "file:http://x");
    }
}
