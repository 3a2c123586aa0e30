//! Spans of annotations from time slots, chains of slots and references.

use std::collections::{BTreeMap, BTreeSet};

use omnivale_timeline::{Span, Time};

use super::document::{Annotation, Document, Place, wrong};
use crate::DatasetError;
use crate::json::shortened;

/// The span of every annotation, in their order.
pub(super) fn resolve(document: &Document, file: &str) -> Result<Vec<Span>, DatasetError> {
    let times = Slots::of(document, file)?;
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, annotation) in document.annotations.iter().enumerate() {
        if by_id.insert(&annotation.id, index).is_some() {
            let found = format!("{} again", shortened(&annotation.id));
            return Err(wrong(file, annotation.line, "each annotation once", found));
        }
    }
    let mut spans: Vec<Option<Span>> = vec![None; document.annotations.len()];
    for first in 0..spans.len() {
        // Up the references to an annotation with a span, then back down.
        let mut steps = Vec::new();
        let mut current = first;
        let span = loop {
            if let Some(span) = spans[current] {
                break span;
            }
            let annotation = &document.annotations[current];
            match &annotation.place {
                Place::Slots(start, end) => break times.span(annotation, start, end, file)?,
                Place::Of(parent) => {
                    steps.push(current);
                    if steps.len() > spans.len() {
                        let found = format!("{} through itself", shortened(&annotation.id));
                        return Err(wrong(file, annotation.line, "references that end", found));
                    }
                    current = *by_id.get(parent.as_str()).ok_or_else(|| {
                        let found = format!("none with the id {}", shortened(parent));
                        wrong(file, annotation.line, "an annotation that is referred to", found)
                    })?;
                }
            }
        };
        spans[current] = Some(span);
        for step in steps {
            spans[step] = Some(span);
        }
    }
    Ok(spans.into_iter().flatten().collect())
}

/// Instants of time slots: those with a time, and those between two of them in a chain.
struct Slots<'a> {
    known: BTreeMap<&'a str, Time>,
}

impl<'a> Slots<'a> {
    fn of(document: &'a Document, file: &str) -> Result<Slots<'a>, DatasetError> {
        let known = document.slots.iter().filter_map(|(id, millis)| {
            millis.map(|millis| (id.as_str(), Time::from_millis(millis)))
        });
        let mut slots = Slots { known: known.collect() };
        let mut tiers: Vec<Chain<'a>> = document.tiers.iter().map(|_| Chain::default()).collect();
        for annotation in &document.annotations {
            if let Place::Slots(start, end) = &annotation.place {
                for id in [start, end] {
                    if !document.slots.contains_key(id) {
                        let found = format!("{} in no TIME_ORDER", shortened(id));
                        return Err(wrong(file, annotation.line, "a time slot of the file", found));
                    }
                }
                let chain = &mut tiers[annotation.tier];
                chain.after.entry(start).or_insert(end);
                chain.before.entry(end).or_insert(start);
            }
        }
        for chain in &tiers {
            let open: BTreeSet<&'a str> =
                chain.after.keys().chain(chain.before.keys()).copied().collect();
            let mut lost = BTreeSet::new();
            for slot in open {
                slots.interpolate(slot, chain, &mut lost);
            }
        }
        Ok(slots)
    }

    /// Places `slot` and all others of its chain up to the nearest slots with a time, evenly. Slots from
    /// which a way leads nowhere are `lost`, so that no way is gone twice.
    fn interpolate(&mut self, slot: &'a str, chain: &Chain<'a>, lost: &mut BTreeSet<&'a str>) {
        if self.known.contains_key(slot) || lost.contains(slot) {
            return;
        }
        let Some((mut between, start)) = self.walk(slot, &chain.before, lost) else { return };
        let Some((after, end)) = self.walk(slot, &chain.after, lost) else { return };
        between.reverse();
        between.push(slot);
        between.extend(after);
        let parts = between.len() as i128 + 1;
        let (from, to) = (i128::from(start.micros()), i128::from(end.micros()));
        for (index, slot) in between.into_iter().enumerate() {
            // A weighted mean of two times of 64 bits fits in 64 bits.
            let micros = (from * (parts - 1 - index as i128) + to * (index as i128 + 1)) / parts;
            self.known.insert(slot, Time::from_micros(micros as i64));
        }
    }

    /// The slots without a time that lie that way, and the time of the first one that has any.
    fn walk(
        &self,
        slot: &'a str,
        way: &BTreeMap<&'a str, &'a str>,
        lost: &mut BTreeSet<&'a str>,
    ) -> Option<(Vec<&'a str>, Time)> {
        let mut passed = Vec::new();
        let mut current = slot;
        // As many steps as there are slots, so that a ring comes to an end.
        for _ in 0..=way.len() {
            match way.get(current) {
                Some(next) if !lost.contains(next) => current = next,
                _ => break,
            }
            if let Some(time) = self.known.get(current) {
                return Some((passed, *time));
            }
            passed.push(current);
        }
        lost.insert(slot);
        lost.extend(passed);
        None
    }

    fn span(
        &self,
        annotation: &Annotation,
        start: &str,
        end: &str,
        file: &str,
    ) -> Result<Span, DatasetError> {
        let time = |id: &str| {
            self.known.get(id).copied().ok_or_else(|| {
                let found = format!("{} without a time, and none on both sides", shortened(id));
                wrong(
                    file,
                    annotation.line,
                    "a time slot whose time is given or between two",
                    found,
                )
            })
        };
        let (start, end) = (time(start)?, time(end)?);
        Span::between(start, end).map_err(|_| {
            let expected = format!("an end not before its start {start}");
            wrong(file, annotation.line, &expected, end.to_string())
        })
    }
}

/// Which slot follows and precedes which, over the annotations of one tier.
#[derive(Default)]
struct Chain<'a> {
    after: BTreeMap<&'a str, &'a str>,
    before: BTreeMap<&'a str, &'a str>,
}
