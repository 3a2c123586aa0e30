//! `omnivale dataset convert`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use omnivale_dataset::DatasetError;
use omnivale_dataset::convert::{
    self, Collection, FORMATS, Format, Kind, Loss, Supplies, fit, guess, guess_target, unescape,
};
use omnivale_dataset::record::Record;
use serde_json::json;

use crate::args::ConvertArgs;
use crate::exit::{Ending, usage};
use crate::output;

pub(super) fn run(args: &ConvertArgs) -> anyhow::Result<Ending> {
    if args.list {
        return list(args.json);
    }
    let (Some(file), Some(out)) = (&args.file, &args.output) else {
        return Err(usage("FILE and -o OUT are needed"));
    };
    let target = target(args, out)?;
    let source = match &args.from {
        Some(name) => named(name)?,
        None => guess(file).map_err(misused)?,
    };
    let read = convert::read_as(file, source, &supplies(args)?).map_err(misused)?;
    let Collection { mut records, passed_over, .. } = read;

    let mut losses = fit(&mut records, target)?;
    let place = place(out, target, &records)?;
    losses.extend(place.lost_id(target, &records));
    for what in &passed_over {
        eprintln!("not read: {what}");
    }
    for loss in &losses {
        eprintln!("lost: {loss}");
    }
    if args.strict && !losses.is_empty() {
        anyhow::bail!(
            "{} cannot hold all of {}, and --strict is given: nothing was written",
            target.name,
            file.display()
        );
    }
    let files = place.write(&records, target)?;
    let events: usize = records.iter().map(|record| record.remarks.len()).sum();
    if args.json {
        let loss = |loss: &Loss| {
            let mut value = serde_json::to_value(loss)?;
            value["text"] = json!(loss.to_string());
            Ok(value)
        };
        let losses: Vec<serde_json::Value> =
            losses.iter().map(loss).collect::<serde_json::Result<_>>()?;
        output::json(&json!({
            "from": source.name,
            "to": target.name,
            "output": out,
            "files": files,
            "videos": records.len(),
            "events": events,
            "losses": losses,
            "passed_over": passed_over,
        }))?;
    } else {
        let videos = counted(records.len(), "video");
        let events = counted(events, "event");
        let of_files = match place {
            Place::File(_) => String::new(),
            Place::Folder(_) => format!(", {}", counted(files, "file")),
        };
        output::text(&format!(
            "{}: {videos}, {events}{of_files} ({} from {})\n",
            out.display(),
            target.name,
            source.name
        ))?;
    }
    Ok(Ending::Done)
}

fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// The formats of dialogues, which `convert` does not write.
const DIALOGUES: [&str; 5] = ["dialogues", "vtimellm", "avicuna", "llava", "conversations"];

fn target(args: &ConvertArgs, out: &Path) -> anyhow::Result<&'static Format> {
    match &args.to {
        Some(name) => named(name),
        None => guess_target(out).map_err(usage),
    }
}

/// The format that a person names.
pub(super) fn named(name: &str) -> anyhow::Result<&'static Format> {
    if DIALOGUES.contains(&name) {
        return Err(usage(format!(
            "{name} is a format of dialogues: `omnivale dataset dialogues` makes them of timelines"
        )));
    }
    Format::named(name).ok_or_else(|| {
        usage(format!("unknown format {name}; `omnivale dataset convert --list` lists them"))
    })
}

/// A file whose format cannot be told, or is none of timelines, is a matter of the command line.
fn misused(error: DatasetError) -> anyhow::Error {
    match error {
        DatasetError::UnknownFormat { .. } | DatasetError::OtherKind { .. } => {
            usage(error.to_string())
        }
        other => other.into(),
    }
}

fn supplies(args: &ConvertArgs) -> anyhow::Result<Supplies> {
    let durations = args.durations.as_deref().map(convert::read_durations).transpose()?;
    let labels = args.labels.as_deref().map(convert::read_labels).transpose()?;
    Ok(Supplies {
        durations: durations.unwrap_or_default(),
        frame_rate: args.frame_rate,
        subset: args.subset.clone(),
        labels: labels.unwrap_or_default(),
        labels_as_captions: args.labels_as_captions,
    })
}

/// Where the result goes.
enum Place {
    File(PathBuf),
    Folder(PathBuf),
}

/// A folder for several videos in a format of one, or where a folder is named.
fn place(out: &Path, target: &Format, records: &[Record]) -> anyhow::Result<Place> {
    let is_folder = out.is_dir() || out.as_os_str().to_string_lossy().ends_with('/');
    if target.holds.many {
        if is_folder {
            return Err(usage(format!(
                "{} is a folder; {} is one file, so -o takes its name",
                out.display(),
                target.name
            )));
        }
        return Ok(Place::File(out.to_owned()));
    }
    if records.len() == 1 && !is_folder {
        return Ok(Place::File(out.to_owned()));
    }
    let is_free = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !is_free {
        return Err(usage(format!(
            "{} is written as a folder of {}, and {} is there already; name a new folder",
            target.name,
            counted(records.len(), "file"),
            out.display()
        )));
    }
    Ok(Place::Folder(out.to_owned()))
}

impl Place {
    /// The id is lost where only the file's name could say it and says something else.
    fn lost_id(&self, target: &Format, records: &[Record]) -> Option<Loss> {
        let Place::File(path) = self else { return None };
        let said = unescape(&path.file_stem()?.to_string_lossy());
        let is_lost = !target.holds.many
            && !target.holds.names_itself
            && records.iter().any(|record| record.id != said);
        is_lost.then_some(Loss { kind: Kind::Ids, count: 1 })
    }

    /// Writes everything or nothing, and gives the number of files.
    fn write(&self, records: &[Record], target: &Format) -> anyhow::Result<usize> {
        match self {
            Place::File(path) => {
                output::file(path, |mut out| {
                    convert::write(&mut out, records, target).map_err(io::Error::other)
                })?;
                Ok(1)
            }
            Place::Folder(path) => folder(path, records, target)
                .with_context(|| format!("cannot write the folder {}", path.display())),
        }
    }
}

/// Written beside its place under another name, then renamed.
fn folder(path: &Path, records: &[Record], target: &Format) -> anyhow::Result<usize> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let temporary = tempfile::tempdir_in(parent.unwrap_or(Path::new(".")))?;
    // Below the temporary folder, which is for its owner only.
    let written = temporary.path().join("out");
    fs::create_dir(&written)?;
    let names = convert::write_folder(&written, records, target)?;
    if path.is_dir() {
        // Empty, or it would not have been chosen.
        fs::remove_dir(path)?;
    }
    fs::rename(&written, path)?;
    Ok(names.len())
}

fn list(as_json: bool) -> anyhow::Result<Ending> {
    if as_json {
        let format = |format: &Format| {
            json!({
                "name": format.name,
                "aliases": format.aliases,
                "extensions": format.extensions,
                "about": format.about,
                "holds": format.holds.in_words(),
            })
        };
        output::json(&FORMATS.iter().map(format).collect::<Vec<_>>())?;
        return Ok(Ending::Done);
    }
    let mut text = String::new();
    for format in FORMATS {
        let endings: Vec<String> =
            format.extensions.iter().map(|ending| format!(".{ending}")).collect();
        let also = match format.aliases {
            [] => String::new(),
            aliases => format!(" (also: {})", aliases.join(", ")),
        };
        text.push_str(&format!(
            "{}{also}  {}\n    {}\n    {}\n",
            format.name,
            endings.join(" "),
            format.about,
            format.holds.in_words()
        ));
    }
    text.push_str("\nIn brackets: what may be absent.\n");
    output::text(&text)?;
    Ok(Ending::Done)
}
