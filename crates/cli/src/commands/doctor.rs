//! `omnivale doctor`.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use omnivale_kernels::DeviceChoice;
use omnivale_media::Libraries;
use omnivale_metrics::text::meteor;
use serde::Serialize;

use crate::args::{DoctorArgs, data_folder};
use crate::exit::Ending;
use crate::output;

/// One thing that omnivale uses.
#[derive(Serialize)]
struct Finding {
    name: String,
    found: Option<String>,
    needed: bool,
    /// What it is for and, where it is missing, how to get it.
    note: &'static str,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    omnivale: &'static str,
    ready: bool,
    findings: Vec<Finding>,
}

const DECODERS: [(&str, bool, &str); 12] = [
    ("h264", true, "video of most files"),
    ("hevc", false, "video of newer phones and cameras"),
    ("vp8", false, "video of older webm files"),
    ("vp9", false, "video of webm files"),
    ("av1", false, "video of newer web files; comes with a libavcodec built with dav1d"),
    ("aac", true, "sound of most files"),
    ("opus", false, "sound of webm files"),
    ("mp3", false, "sound"),
    ("vorbis", false, "sound of older webm and ogg files"),
    ("flac", false, "lossless sound"),
    ("pcm_s16le", true, "uncompressed sound"),
    ("mov_text", false, "subtitles inside mp4"),
];

pub(super) fn run(args: &DoctorArgs) -> anyhow::Result<Ending> {
    let findings = findings();
    let ready = findings.iter().all(|finding| !finding.needed || finding.found.is_some());
    let report = Report { omnivale: env!("CARGO_PKG_VERSION"), ready, findings };
    if args.json {
        output::json(&report)?;
    } else {
        output::text(&lines(&report))?;
    }
    Ok(if ready { Ending::Done } else { Ending::Failed })
}

fn findings() -> Vec<Finding> {
    let libraries = Libraries::installed();
    let mut findings = Vec::new();
    for (name, version) in &libraries.versions {
        findings.push(Finding {
            name: (*name).to_owned(),
            found: Some(version.clone()),
            needed: true,
            note: "reads and decodes media files",
        });
    }
    for (name, needed, note) in DECODERS {
        findings.push(Finding {
            name: format!("decoder {name}"),
            found: libraries.has_decoder(name).then(|| "yes".to_owned()),
            needed,
            note,
        });
    }
    findings.push(Finding {
        name: "cores".to_owned(),
        found: available_parallelism().ok().map(|cores| cores.to_string()),
        needed: false,
        note: "videos that `annotate` works on at once",
    });
    findings.push(Finding {
        name: "GPU".to_owned(),
        found: DeviceChoice::Cuda(0).open(|_| ()).is_ok().then(|| "yes".to_owned()),
        needed: false,
        note: "models by --device cuda, which says what is missing; a build of its own (docs/models.md)",
    });
    findings.push(Finding {
        name: "METEOR's tables".to_owned(),
        found: data_folder()
            .filter(|folder| meteor::cache_path(folder).exists())
            .map(|_| "yes".to_owned()),
        needed: false,
        note: "METEOR and SODA in `eval`; omnivale metrics-data import",
    });
    for (tool, note) in [
        ("ffmpeg", "writes the videos of `dataset pseudo --render`; apt-get install ffmpeg"),
        ("espeak-ng", "only to make the sample video afresh; apt-get install espeak-ng"),
        ("sox", "only to make the sample video afresh; apt-get install sox"),
    ] {
        let found = is_runnable(tool).then(|| "yes".to_owned());
        findings.push(Finding { name: tool.to_owned(), found, needed: false, note });
    }
    findings
}

fn is_runnable(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

fn lines(report: &Report) -> String {
    let mut text = format!("omnivale {}\n\n", report.omnivale);
    for finding in &report.findings {
        let (mark, found) = match (&finding.found, finding.needed) {
            (Some(found), _) => ("ok     ", found.as_str()),
            (None, true) => ("MISSING", "-"),
            (None, false) => ("absent ", "-"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{mark}  {:18} {found:12} {}", finding.name, finding.note);
    }
    text.push_str(if report.ready {
        "\nready: everything that `annotate` needs is here\n"
    } else {
        "\nnot ready: install a complete libavcodec (Debian, Ubuntu: apt-get install ffmpeg)\n"
    });
    text
}
