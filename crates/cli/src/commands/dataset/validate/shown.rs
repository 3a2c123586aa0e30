//! Findings for people.

use std::fmt::Write;

use omnivale_dataset::validate::{Finding, Group, Severity};

use super::{Content, Validation};

/// What was checked, the findings by kind with the worst first, and a line that sums it up.
pub(super) fn text(validation: &Validation) -> String {
    // Writing into a string cannot fail.
    let mut out = String::new();
    let _ = match &validation.content {
        Content::Timelines { videos, events, hours } => writeln!(
            out,
            "{} ({}): {}, {}, {hours:.1} h",
            validation.file,
            validation.format,
            counted(*videos, "video", "videos"),
            counted(*events, "event", "events")
        ),
        Content::Dialogues(counts) => writeln!(
            out,
            "{} ({}): {} of {}, {}",
            validation.file,
            validation.format,
            counted(counts.samples, "dialogue", "dialogues"),
            counted(counts.videos, "video", "videos"),
            counted(counts.turns, "turn", "turns")
        ),
    };
    for folder in &validation.features {
        let counts = &folder.counts;
        let kind = counts.kind.map_or("features of an unknown kind", |kind| kind.name());
        let _ = writeln!(
            out,
            "{} ({kind}): {}, of {} of the videos",
            folder.folder,
            counted(counts.files, "file", "files"),
            counts.found
        );
    }
    if let Some(videos) = &validation.videos {
        let _ = writeln!(out, "{}: {}", videos.folder, counted(videos.files, "video", "videos"));
    }
    if let Some(expected) = &validation.expected {
        let _ = writeln!(
            out,
            "compared with {}: {}",
            expected.title,
            counted(expected.figures, "published figure", "published figures")
        );
    }
    for group in &validation.findings {
        out.push('\n');
        write_group(&mut out, group);
    }
    let _ = writeln!(
        out,
        "\n{}, {}, {}",
        counted(validation.errors, "error", "errors"),
        counted(validation.warnings, "warning", "warnings"),
        counted(validation.notes, "note", "notes")
    );
    out
}

fn write_group(out: &mut String, group: &Group) {
    let severity = match group.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let _ = writeln!(out, "{severity}: {} ({})", group.title, group.count);
    for Finding { video, place, said } in &group.first {
        let about: Vec<&str> = [video.as_deref(), place.as_deref()].into_iter().flatten().collect();
        let _ = match &about[..] {
            [] => writeln!(out, "  {said}"),
            about => writeln!(out, "  {}: {said}", about.join(", ")),
        };
    }
    let more = group.count - group.first.len();
    if more > 0 {
        let _ = writeln!(out, "  and {more} more");
    }
}

/// `1 video`, `2 videos`.
fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
