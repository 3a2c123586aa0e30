//! Bringing records to what a format can hold.

use std::collections::{BTreeMap, HashSet};

use omnivale_timeline::{Duration, Span, Time};

use super::format::{Ends, Format, Hold, Holds, Tiers};
use super::loss::{Kind, Loss};
use crate::format::audio_text::{are_numbered, media_stem};
use crate::format::label_studio::in_frames;
use crate::record::{Label, Record, Remark};
use crate::{DatasetError, Need};

/// Brings `records` to what `target` can hold and says what that cost. What comes out is what the
/// written file reads as.
///
/// # Errors
/// [`DatasetError::Lacks`] for what the format must have and the records lack, and
/// [`DatasetError::Twice`] where two records have the same id.
pub fn fit(records: &mut Vec<Record>, target: &Format) -> Result<Vec<Loss>, DatasetError> {
    once(records)?;
    let holds = &target.holds;
    let mut fitting = Fitting { holds, losses: BTreeMap::new() };
    let keeps_tiers = match holds.tiers {
        Tiers::No => false,
        Tiers::Any => true,
        Tiers::Numbers => are_numbered(records),
    };
    for record in records.iter_mut() {
        fitting.remarks(record, keeps_tiers);
        fitting.record(record);
    }
    complete(records, target)?;
    if !holds.silent {
        let before = records.len();
        records.retain(|record| !record.remarks.is_empty());
        fitting.lose(Kind::SilentVideos, before - records.len());
    }
    let losses = fitting.losses.into_iter().map(|(kind, count)| Loss { kind, count });
    Ok(losses.collect())
}

fn once(records: &[Record]) -> Result<(), DatasetError> {
    let mut seen = HashSet::new();
    match records.iter().find(|record| !seen.insert(&record.id)) {
        Some(record) => Err(DatasetError::Twice { video: record.id.clone() }),
        None => Ok(()),
    }
}

/// That nothing the format must have is absent.
fn complete(records: &[Record], target: &Format) -> Result<(), DatasetError> {
    let holds = &target.holds;
    let lacking = |need, count, of, video: Option<&Record>| DatasetError::Lacks {
        format: target.name,
        need,
        count,
        of,
        video: video.map_or_else(String::new, |record| record.id.clone()),
    };
    type Has<T> = fn(&T) -> bool;
    let of_videos: [(Need, Hold, Has<Record>); 3] = [
        (Need::Duration, holds.duration, |record| record.duration.is_some()),
        (Need::Subset, holds.subset, |record| record.subset.is_some()),
        (Need::FrameRate, holds.frame_rate, |record| record.frame_rate.is_some()),
    ];
    for (need, hold, has) in of_videos {
        let mut without = records.iter().filter(|record| hold == Hold::Must && !has(record));
        if let first @ Some(_) = without.next() {
            return Err(lacking(need, 1 + without.count(), records.len(), first));
        }
    }
    let named = |remark: &Remark| remark.label.as_ref().is_some_and(|label| label.name.is_some());
    let numbered = |remark: &Remark| remark.label.as_ref().is_some_and(|label| label.id.is_some());
    let of_events: [(Need, Hold, Has<Remark>); 5] = [
        (Need::Span, holds.span, |remark| remark.span.is_some()),
        (Need::Text, holds.text, |remark| remark.text.is_some()),
        (Need::LabelName, holds.label_name, named),
        (Need::LabelId, holds.label_id, numbered),
        (Need::Score, holds.score, |remark| remark.score.is_some()),
    ];
    let events = records.iter().map(|record| record.remarks.len()).sum();
    for (need, hold, has) in of_events {
        let without = |record: &&Record| {
            hold == Hold::Must && record.remarks.iter().any(|remark| !has(remark))
        };
        if let first @ Some(_) = records.iter().find(without) {
            let remarks = records.iter().flat_map(|record| &record.remarks);
            let count = remarks.filter(|remark| !has(remark)).count();
            return Err(lacking(need, count, events, first));
        }
    }
    Ok(())
}

struct Fitting<'a> {
    holds: &'a Holds,
    losses: BTreeMap<Kind, usize>,
}

impl Fitting<'_> {
    fn lose(&mut self, kind: Kind, count: usize) {
        if count > 0 {
            *self.losses.entry(kind).or_default() += count;
        }
    }

    /// Empties a place that the format does not have.
    fn keep<T>(&mut self, hold: Hold, value: &mut Option<T>, kind: Kind) {
        if hold == Hold::No && value.take().is_some() {
            self.lose(kind, 1);
        }
    }

    /// What is said of the video itself; after what is said in it, which may need its length.
    fn record(&mut self, record: &mut Record) {
        self.keep(self.holds.duration, &mut record.duration, Kind::Durations);
        self.keep(self.holds.subset, &mut record.subset, Kind::Subsets);
        let is_id = record.media.as_deref().and_then(media_stem) == Some(record.id.as_str());
        let media = if self.holds.media_is_id && !is_id { Hold::No } else { self.holds.media };
        self.keep(media, &mut record.media, Kind::MediaNames);
        self.keep(self.holds.frame_rate, &mut record.frame_rate, Kind::FrameRates);
        let step = self.holds.step;
        if let Some(duration) = &mut record.duration {
            let rounded = Duration::from_micros(nearest(duration.micros(), step));
            if rounded != *duration {
                self.lose(Kind::FineDurations { step }, 1);
                *duration = rounded;
            }
        }
    }

    fn remarks(&mut self, record: &mut Record, keeps_tiers: bool) {
        let whole = record.duration.map(|duration| Span::new(Time::ZERO, duration));
        for remark in &mut record.remarks {
            self.span(remark, whole, record.frame_rate);
            self.text(remark);
            self.label(remark);
            self.keep(self.holds.score, &mut remark.score, Kind::Scores);
            let tiers = if keeps_tiers { Hold::May } else { Hold::No };
            self.keep(tiers, &mut remark.tier, Kind::Tiers);
        }
        if !self.holds.blank {
            let before = record.remarks.len();
            let is_blank =
                |remark: &Remark| remark.text.as_deref().is_some_and(|text| text.trim().is_empty());
            record.remarks.retain(|remark| !is_blank(remark));
            self.lose(Kind::BlankCaptions, before - record.remarks.len());
        }
        self.ends(record);
        if self.holds.by_tier {
            self.group(record);
        }
    }

    /// Brings the remarks of each tier together, tiers in the order of their first.
    fn group(&mut self, record: &mut Record) {
        let mut places: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        let place = |remark| {
            let next = places.len();
            *places.entry(remark).or_insert(next)
        };
        let tiers = record.remarks.iter().map(|remark| remark.tier.as_deref());
        let places: Vec<usize> = tiers.map(place).collect();
        if places.is_sorted() {
            return;
        }
        let mut remarks: Vec<(usize, Remark)> =
            places.into_iter().zip(std::mem::take(&mut record.remarks)).collect();
        remarks.sort_by_key(|(place, _)| *place);
        record.remarks = remarks.into_iter().map(|(_, remark)| remark).collect();
        self.lose(Kind::Order, 1);
    }

    fn span(&mut self, remark: &mut Remark, whole: Option<Span>, frame_rate: Option<f64>) {
        self.keep(self.holds.span, &mut remark.span, Kind::Times);
        if self.holds.span == Hold::Must && remark.span.is_none() && whole.is_some() {
            remark.span = whole;
            self.lose(Kind::WholeClips, 1);
        }
        let Some(span) = &mut remark.span else { return };
        if !self.holds.before_zero && span.start < Time::ZERO {
            *span = Span::until(Time::ZERO, span.end().max(Time::ZERO));
            self.lose(Kind::BeforeZero, 1);
        }
        if let (true, Some(rate)) = (self.holds.frames, frame_rate) {
            let frames = in_frames(*span, rate).unwrap_or(*span);
            if frames != *span {
                *span = frames;
                self.lose(Kind::FrameTimes, 1);
            }
            return;
        }
        let step = self.holds.step;
        let round = |time: Time| {
            let micros = nearest(time.micros().unsigned_abs(), step).min(i64::MAX as u64) as i64;
            Time::from_micros(if time < Time::ZERO { -micros } else { micros })
        };
        // An end that the format does not hold is not rounded but lost, below.
        let end = if self.holds.ends == Ends::Own { round(span.end()) } else { span.end() };
        let start = round(span.start);
        if start != span.start || end != span.end() {
            *span = Span::until(start, end);
            self.lose(Kind::FineTimes { step }, 1);
        }
    }

    fn text(&mut self, remark: &mut Remark) {
        self.keep(self.holds.text, &mut remark.text, Kind::Captions);
        if let Some(text) = &mut remark.text {
            let again = (self.holds.becomes)(text);
            if again != *text {
                *text = again;
                self.lose(Kind::CaptionForm, 1);
            }
        }
    }

    fn label(&mut self, remark: &mut Remark) {
        if let Some(label) = &mut remark.label {
            self.keep(self.holds.label_name, &mut label.name, Kind::LabelNames);
            self.keep(self.holds.label_id, &mut label.id, Kind::LabelNumbers);
            let places = [self.holds.label_name, self.holds.label_id];
            if *label == Label::default() && places == [Hold::No; 2] {
                remark.label = None;
            }
        }
    }

    fn ends(&mut self, record: &mut Record) {
        match self.holds.ends {
            Ends::Own => {}
            Ends::After(length) => {
                for span in record.remarks.iter_mut().filter_map(|remark| remark.span.as_mut()) {
                    if span.duration != length {
                        span.duration = length;
                        self.lose(Kind::Lengths { length }, 1);
                    }
                }
            }
            Ends::Next => {
                let start = |remark: &Remark| remark.span.map(|span| span.start);
                if !record.remarks.is_sorted_by_key(start) {
                    record.remarks.sort_by_key(start);
                    self.lose(Kind::Order, 1);
                }
                let nexts: Vec<Option<Time>> = record.remarks.iter().skip(1).map(start).collect();
                for (index, remark) in record.remarks.iter_mut().enumerate() {
                    let Some(span) = &mut remark.span else { continue };
                    let next = nexts.get(index).copied().flatten().unwrap_or(span.start);
                    let until = Span::until(span.start, next);
                    if until != *span {
                        *span = until;
                        self.lose(Kind::Ends, 1);
                    }
                }
            }
        }
    }
}

/// The nearest multiple of `step`, halves away from zero.
fn nearest(micros: u64, step: Duration) -> u64 {
    let step = step.micros().max(1);
    micros.saturating_add(step / 2) / step * step
}
