//! One video: what of it is up to date, and making the rest.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use omnivale_annotate::workspace::Identity;
use omnivale_dataset::npy::Rows;
use omnivale_encoders::features::{self, Encoders, Extracted, Features, Kind, VERSION};
use omnivale_media::{Flow, Source};
use omnivale_timeline::{Duration, Receipt, VideoId};

use super::Plan;
use super::folder::{Facts, Record, name};
use crate::device;

/// One video's turn.
pub(super) struct Task<'a> {
    pub(super) plan: &'a Plan,
    pub(super) id: &'a VideoId,
    pub(super) source: &'a Path,
    /// Digests of the weights.
    pub(super) digests: &'a BTreeMap<Kind, String>,
}

/// What is to be done for a video.
pub(super) struct Need {
    input: Identity,
    /// Facts of the kinds that are up to date.
    pub(super) done: BTreeMap<Kind, Facts>,
    /// The others.
    pub(super) missing: Vec<Kind>,
}

/// What was done.
pub(super) struct Made {
    pub(super) facts: BTreeMap<Kind, Facts>,
    pub(super) damage: Vec<String>,
}

impl Task<'_> {
    /// Compares receipts.
    ///
    /// # Errors
    /// When the video cannot be read.
    pub(super) fn need(&self) -> anyhow::Result<Need> {
        let records: BTreeMap<Kind, Record> = (self.plan.kinds.iter())
            .filter_map(|(kind, (_, folder))| Some((*kind, folder.record(self.id)?)))
            .collect();
        let known = records.values().next().map(|record| record.input.clone());
        let input = Identity::read(self.source, known)
            .with_context(|| format!("cannot read {}", self.source.display()))?;
        let mut need = Need { input, done: BTreeMap::new(), missing: Vec::new() };
        for (kind, (_, folder)) in &self.plan.kinds {
            let wanted = self.receipt(*kind, &need.input);
            let record = records.get(kind).filter(|record| record.receipt == wanted);
            match record.filter(|record| !self.plan.fresh && folder.holds(self.id, record)) {
                Some(record) => {
                    need.done.insert(*kind, record.facts.clone());
                }
                None => need.missing.push(*kind),
            }
        }
        Ok(need)
    }

    /// What the rows of one kind depend on.
    fn receipt(&self, kind: Kind, input: &Identity) -> Receipt {
        let digest = self.digests.get(&kind).map_or("", String::as_str);
        let (options, dtype) = (self.plan.options.words(kind), self.plan.dtype(kind));
        let (precision, device) = (self.plan.precision, device::mark(&self.plan.device));
        let all = format!("{}\n{digest}\n{options}\n{dtype}\n{precision}{device}", input.blake3);
        let key = blake3::hash(all.as_bytes()).to_hex().to_string();
        Receipt { stage: format!("features.{}", kind.name()), version: VERSION, key }
    }

    /// Makes what is missing and writes it. `None` if it was stopped before the end.
    ///
    /// # Errors
    /// When the video cannot be used, an encoder fails, or a file cannot be written.
    pub(super) fn make(
        &self,
        need: Need,
        encoders: &Encoders,
        stop: &AtomicBool,
        advanced: &(dyn Fn(Duration) + Sync),
    ) -> anyhow::Result<Option<Made>> {
        let source = Source::open(self.source)?;
        let watch = |done| {
            advanced(done);
            if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue }
        };
        let encoders = encoders.only(&need.missing);
        let Plan { options, effort, .. } = self.plan;
        let found = features::extract_from(&source, &encoders, options, *effort, &watch)?;
        let Some(found) = found else { return Ok(None) };
        let mut facts = need.done;
        for (kind, extracted) in &found.kinds {
            let written = self.write(*kind, extracted, &need.input, &found)?;
            facts.insert(*kind, written);
        }
        let damage = found.damage.iter().map(ToString::to_string).collect();
        Ok(Some(Made { facts, damage }))
    }

    fn write(
        &self,
        kind: Kind,
        extracted: &Extracted,
        input: &Identity,
        found: &Features,
    ) -> anyhow::Result<Facts> {
        let dtype = self.plan.dtype(kind);
        let rows = match extracted {
            Extracted::Rows(track) => Some(Rows {
                rows: track.grid().rows(),
                width: track.width(),
                dtype,
                values: track.values().to_vec(),
            }),
            Extracted::Absent(_) => None,
        };
        let note = match extracted {
            Extracted::Absent(reason) => Some(format!("no file: {reason}")),
            Extracted::Rows(track) if track.grid().rows() == 0 => {
                Some("no rows: it has too little sound for one".to_owned())
            }
            Extracted::Rows(_) => None,
        };
        let facts = Facts {
            rows: rows.as_ref().map(|rows| rows.rows),
            width: rows.as_ref().map(|rows| rows.width),
            dtype: rows.as_ref().map(|_| name(dtype)),
            note,
            seconds: found.duration.seconds(),
        };
        let receipt = self.receipt(kind, input);
        let record = Record { receipt, input: input.clone(), blake3: None, facts: facts.clone() };
        if let Some((_, folder)) = self.plan.kinds.get(&kind) {
            folder.write(self.id, rows.as_ref(), record)?;
        }
        Ok(facts)
    }
}
