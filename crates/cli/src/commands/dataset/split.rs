//! `omnivale dataset split`.

mod show;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use omnivale_dataset::split::{
    self, Entry, Groups, Item, Kept, Parts, Report, by_field, by_prefix, read_groups_file,
};
use serde_json::{Value, json};

use super::{Origin, write_manifest};
use crate::args::SplitArgs;
use crate::exit::{Ending, usage};
use crate::output;

/// Ids that are named where they fit nothing.
const NAMED: usize = 5;

/// How it was divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// By names alone.
    Stable,
    /// Stratum by stratum.
    Exact,
    /// Stratum by stratum, around an earlier division.
    Keeping,
}

/// A division and where it was written.
struct Results {
    report: Report,
    method: Method,
    seed: u64,
    /// Groups of more than one video, and videos in any group.
    groups: usize,
    grouped: usize,
    files: Vec<PathBuf>,
    manifest: PathBuf,
}

pub(super) fn run(args: &SplitArgs) -> anyhow::Result<Ending> {
    if args.file.is_dir() {
        return Err(usage(format!(
            "{} is a folder; give the annotations.json in it",
            args.file.display()
        )));
    }
    let config = crate::commands::configuration(args.config.as_deref())?.split;
    if let Some(problem) = config.problem() {
        return Err(usage(problem));
    }
    let parts = match &args.parts {
        Some(parts) => parts.clone(),
        None => Parts::train_and_test(args.test.unwrap_or(config.test_share))
            .map_err(|error| usage(error.to_string()))?,
    };
    let files: Vec<PathBuf> = parts.iter().map(|part| part_file(&args.output, part)).collect();
    let of_keep = |folder: &PathBuf| parts.iter().map(|part| part_file(folder, part)).collect();
    let earlier: Vec<PathBuf> = args.keep.as_ref().map(of_keep).unwrap_or_default();
    keep_inputs(args, &earlier, &files)?;

    let entries = split::read_file(&args.file)?;
    let groups = groups(args, &entries)?;
    let items: Vec<Item> = entries.iter().map(|entry| entry.grouped(&groups)).collect();
    let method = match (&args.keep, args.exact) {
        (Some(_), _) => Method::Keeping,
        (None, true) => Method::Exact,
        (None, false) => Method::Stable,
    };
    let kept = match &args.keep {
        Some(folder) => Kept::read(folder, &parts, &items)?,
        None => Kept::default(),
    };
    let gone: Vec<&str> = kept.gone.iter().map(String::as_str).collect();
    warn_of_ids(&gone, "of the earlier parts are not in the collection any more");
    let assigned = match method {
        Method::Stable => split::stable(&items, &parts, args.seed),
        Method::Exact | Method::Keeping => split::exact(&items, &parts, &config, args.seed, &kept),
    };
    let report = Report::of(&items, &parts, &assigned, &config);
    warn_of_empty(&report, method);

    fs::create_dir_all(&args.output)
        .with_context(|| format!("cannot create the folder {}", args.output.display()))?;
    for (part, file) in files.iter().enumerate() {
        let of_part = entries.iter().zip(&assigned).filter(|(_, of)| **of == part);
        output::file(file, |mut out| split::write(&mut out, of_part.map(|(entry, _)| entry)))?;
    }
    let inputs: Vec<&Path> = [&args.file]
        .into_iter()
        .chain(&args.groups)
        .chain(&earlier)
        .map(PathBuf::as_path)
        .collect();
    let (groups, grouped) = group_counts(&items);
    let shares: serde_json::Map<String, Value> =
        parts.iter().map(|part| (part.name.clone(), json!(part.share))).collect();
    let counts: serde_json::Map<String, Value> = report
        .parts
        .iter()
        .map(|part| (part.name.clone(), json!({"videos": part.videos, "events": part.events})))
        .collect();
    let origin = Origin {
        command: "dataset split",
        seed: args.seed,
        configuration: json!({
            "parts": shares,
            "exact": method != Method::Stable,
            "group_by": args.group_by,
            "group_prefix": args.group_prefix,
            "duration_edges_s": config.duration_edges_s,
            "event_edges": config.event_edges,
        }),
        inputs: &inputs,
        counts: json!({"parts": counts, "groups": groups, "grouped_videos": grouped}),
    };
    let outputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let manifest = write_manifest(origin, &outputs)?;

    let results = Results { report, method, seed: args.seed, groups, grouped, files, manifest };
    if let Some(path) = &args.html {
        let page = show::page(&results, &super::page::name_of(&args.file));
        output::file(path, |out| out.write_all(page.as_bytes()))?;
    }
    if args.json {
        output::json(&show::document(&results))?;
    } else {
        output::text(&show::text(&results))?;
    }
    Ok(Ending::Done)
}

/// The file of a part.
fn part_file(folder: &Path, part: &split::Part) -> PathBuf {
    folder.join(format!("{}.json", part.name))
}

/// Refuses to write a part over what it is made from.
fn keep_inputs(args: &SplitArgs, earlier: &[PathBuf], files: &[PathBuf]) -> anyhow::Result<()> {
    for input in std::iter::once(&args.file).chain(&args.groups).chain(earlier) {
        let input = input.canonicalize().ok();
        let clash = files
            .iter()
            .chain(&args.html)
            .find(|file| input.is_some() && file.canonicalize().ok() == input);
        if let Some(clash) = clash {
            return Err(usage(format!(
                "{} would be written over; choose another folder with -o",
                clash.display()
            )));
        }
    }
    Ok(())
}

/// The groups that the arguments ask for; what they do not fit is said.
fn groups(args: &SplitArgs, entries: &[Entry]) -> anyhow::Result<Groups> {
    let groups = if let Some(path) = &args.groups {
        read_groups_file(path)?
    } else if let Some(field) = &args.group_by {
        by_field(entries, field, &args.file.display().to_string())?
    } else if let Some(separator) = &args.group_prefix {
        if separator.is_empty() {
            return Err(usage("--group-prefix needs a character, such as _"));
        }
        by_prefix(entries, separator)
    } else {
        return Ok(Groups::new());
    };
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.item.id.as_str()).collect();
    let unknown: Vec<&str> =
        groups.keys().map(String::as_str).filter(|id| !ids.contains(id)).collect();
    let without: Vec<&str> = ids.iter().copied().filter(|id| !groups.contains_key(*id)).collect();
    if !ids.is_empty() && without.len() == ids.len() {
        return Err(usage(format!(
            "no video of {} is given a group; the first one is {}",
            args.file.display(),
            without[0]
        )));
    }
    warn_of_ids(&unknown, "have a group but are not in the collection");
    warn_of_ids(&without, "have no group and stand alone");
    Ok(groups)
}

fn warn_of_ids(ids: &[&str], what: &str) {
    if ids.is_empty() {
        return;
    }
    let more = if ids.len() > NAMED { ", ..." } else { "" };
    let named = ids[..ids.len().min(NAMED)].join(", ");
    eprintln!("warning: {} videos {what}: {named}{more}", ids.len());
}

fn warn_of_empty(report: &Report, method: Method) {
    let remedy = match method {
        Method::Stable => "; --exact meets the shares whatever the number of videos",
        Method::Exact | Method::Keeping => "",
    };
    for part in report.parts.iter().filter(|part| part.videos == 0) {
        eprintln!("warning: {} holds no video{remedy}", part.name);
    }
}

/// Groups of more than one video, and the videos in them.
fn group_counts(items: &[Item]) -> (usize, usize) {
    let mut sizes = std::collections::BTreeMap::<&str, usize>::new();
    for group in items.iter().filter_map(|item| item.group.as_deref()) {
        *sizes.entry(group).or_default() += 1;
    }
    let shared = sizes.values().filter(|size| **size > 1);
    (shared.clone().count(), shared.sum())
}
