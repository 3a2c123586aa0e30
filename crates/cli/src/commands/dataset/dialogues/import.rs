//! `omnivale dataset dialogues --import`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use anyhow::Context;
use omnivale_dataset::DatasetError;
use omnivale_dataset::dialogue::{self, Dialogue, Problem, Writer};
use serde::Serialize;
use serde_json::json;

use super::super::{Origin, write_manifest};
use super::{show, warn};
use crate::args::DialoguesArgs;
use crate::exit::Ending;
use crate::output;

/// What was done; `--json` prints it.
#[derive(Debug, Default, Serialize)]
struct Import {
    dialogues: usize,
    kept: usize,
    /// Kept ones that lacked `<video>`.
    tagged: usize,
    /// Kept ones whose placeholders have other numbers now.
    renumbered: usize,
    /// How often each kind of problem stands behind a dropped one; one may have several.
    reasons: BTreeMap<&'static str, usize>,
    dropped: Vec<Dropped>,
}

#[derive(Debug, Serialize)]
struct Dropped {
    file: String,
    /// Position in the file, from 0.
    index: usize,
    /// Absent where it cannot be read.
    id: Option<String>,
    problems: Vec<String>,
}

pub(super) fn run(args: &DialoguesArgs) -> anyhow::Result<Ending> {
    let mut import = Import::default();
    match (&args.output, args.show) {
        (Some(path), _) => import.write_clean(args, path)?,
        (None, number) => {
            let mut shown = Vec::new();
            import.each(args, |dialogue| {
                if shown.len() < number.unwrap_or_default() {
                    shown.push(dialogue);
                }
                Ok(())
            })?;
            output::text(&show::text(shown.iter()))?;
        }
    }
    let said = import.dropped.iter().map(|dropped| {
        let problems = dropped.problems.join("; ");
        match &dropped.id {
            Some(id) => format!("{}: $[{}] ({id}): {problems}", dropped.file, dropped.index),
            // The error from reading says where.
            None => problems,
        }
    });
    warn(said, "dropped");
    if args.json {
        output::json(&import)?;
    }
    if import.kept == 0 {
        anyhow::bail!("none of {} dialogues can be used; nothing was written", import.dialogues);
    }
    if !args.json {
        eprint!("{}", import.summary(args.output.as_deref()));
    }
    Ok(if import.dropped.is_empty() { Ending::Done } else { Ending::SomeFailed })
}

impl Import {
    /// Writes what can be kept to `path`, with its manifest; nothing if there is nothing to keep.
    fn write_clean(&mut self, args: &DialoguesArgs, path: &Path) -> anyhow::Result<()> {
        let mut refused = None;
        let written = output::file(path, |out| {
            let mut writer = Writer::new(out);
            let each = self.each(args, |dialogue| {
                writer.write(&dialogue).with_context(|| format!("cannot write {}", path.display()))
            });
            match each {
                Ok(()) if self.kept > 0 => return writer.finish(),
                Ok(()) => {}
                Err(error) => refused = Some(error),
            }
            Err(io::Error::other("there is nothing to write"))
        });
        match refused {
            Some(error) => return Err(error),
            None if self.kept == 0 => return Ok(()),
            None => written?,
        }
        let inputs: Vec<&Path> = args.files.iter().map(AsRef::as_ref).collect();
        let origin = Origin {
            command: "dataset dialogues --import",
            seed: 0,
            configuration: json!({}),
            inputs: &inputs,
            counts: json!({
                "dialogues": self.dialogues,
                "kept": self.kept,
                "tagged": self.tagged,
                "renumbered": self.renumbered,
                "dropped": self.dropped.len(),
                "reasons": self.reasons,
            }),
        };
        write_manifest(origin, &[path])?;
        Ok(())
    }

    /// Hands every dialogue that can be kept to `keep` and notes why the others cannot.
    fn each(
        &mut self,
        args: &DialoguesArgs,
        mut keep: impl FnMut(Dialogue) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for path in &args.files {
            let mut index = 0;
            dialogue::for_each_in_file(path, |sample| {
                self.dialogues += 1;
                let place = (path.as_path(), index);
                index += 1;
                match sample {
                    Err(error) => self.drop_unread(place, &error),
                    Ok(dialogue) => {
                        let id = dialogue.id.clone();
                        match dialogue::import(dialogue) {
                            Err(problems) => self.drop_broken(place, id, &problems),
                            Ok((dialogue, mended)) => {
                                self.kept += 1;
                                self.tagged += usize::from(mended.is_tagged);
                                self.renumbered += usize::from(mended.is_renumbered);
                                keep(dialogue)?;
                            }
                        }
                    }
                }
                anyhow::Ok(())
            })?;
        }
        Ok(())
    }

    fn drop_unread(&mut self, (path, index): (&Path, usize), error: &DatasetError) {
        *self.reasons.entry("not_a_sample").or_default() += 1;
        let (file, problems) = (path.display().to_string(), vec![error.to_string()]);
        self.dropped.push(Dropped { file, index, id: None, problems });
    }

    fn drop_broken(&mut self, (path, index): (&Path, usize), id: String, problems: &[Problem]) {
        let kinds: BTreeSet<&str> = problems.iter().map(Problem::kind).collect();
        for kind in kinds {
            *self.reasons.entry(kind).or_default() += 1;
        }
        let problems = problems.iter().map(Problem::to_string).collect();
        let file = path.display().to_string();
        self.dropped.push(Dropped { file, index, id: Some(id), problems });
    }

    /// The counts for a person.
    fn summary(&self, path: Option<&Path>) -> String {
        let mut lines = vec![format!("{} of {} dialogues kept", self.kept, self.dialogues)];
        if self.tagged > 0 {
            lines.push(format!("  {} had no <video> and have it now", self.tagged));
        }
        if self.renumbered > 0 {
            lines.push(format!("  {} have their placeholders numbered anew", self.renumbered));
        }
        for (kind, count) in &self.reasons {
            lines.push(format!("  {count} dropped: {}", kind.replace('_', " ")));
        }
        if let Some(path) = path {
            lines.push(format!("written to {}", path.display()));
        }
        lines.join("\n") + "\n"
    }
}
