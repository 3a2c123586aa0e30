//! The run over all videos.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use omnivale_encoders::features::{Encoders, Kind};
use omnivale_timeline::VideoId;

use super::Plan;
use super::progress::Reporter;
use super::summary::{Outcome, Summary, VideoSummary};
use super::task::Task;
use crate::exit::chain;

/// Makes the feature files of every video of the plan that has not got them.
///
/// # Errors
/// When the weights are not those of an encoder, or the folder cannot be made.
pub(super) fn run(
    plan: &Plan,
    stop: &AtomicBool,
    reporter: &dyn Reporter,
) -> anyhow::Result<Summary> {
    let started = Instant::now();
    let mut digests = BTreeMap::new();
    for (kind, (place, folder)) in &plan.kinds {
        // Before any folder is made, so that a wrong path leaves nothing behind.
        place.files()?;
        folder.create()?;
        digests.insert(*kind, folder.digest(place)?);
    }
    let queue = Queue {
        plan,
        digests,
        stop,
        reporter,
        order: order(plan),
        next: AtomicUsize::new(0),
        encoders: OnceLock::new(),
        ended: Mutex::default(),
        broken: Mutex::default(),
    };
    reporter.begin(plan.videos.len());
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.clamp(1, plan.videos.len().max(1)) {
            scope.spawn(|| queue.work());
        }
    });
    reporter.end();
    if let Some(error) = queue.broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let ended = queue.ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Summary::new(plan, ended, stop.load(Ordering::SeqCst), started.elapsed().as_secs_f64()))
}

/// The largest file first: a long video begun last would leave the other threads idle.
fn order(plan: &Plan) -> Vec<usize> {
    let size = |index: &usize| {
        std::fs::metadata(&plan.videos[*index].1).map_or(0, |metadata| metadata.len())
    };
    let mut order: Vec<usize> = (0..plan.videos.len()).collect();
    order.sort_by_cached_key(|index| std::cmp::Reverse(size(index)));
    order
}

struct Queue<'a> {
    plan: &'a Plan,
    digests: BTreeMap<Kind, String>,
    stop: &'a AtomicBool,
    reporter: &'a dyn Reporter,
    order: Vec<usize>,
    next: AtomicUsize,
    /// Opened when a video first needs them: a run with nothing to do is over at once.
    encoders: OnceLock<Result<Encoders, ()>>,
    ended: Mutex<BTreeMap<VideoId, VideoSummary>>,
    /// What ends the run.
    broken: Mutex<Option<anyhow::Error>>,
}

impl Queue<'_> {
    fn work(&self) {
        while !self.stop.load(Ordering::SeqCst) && lock(&self.broken).is_none() {
            let turn = self.next.fetch_add(1, Ordering::SeqCst);
            let Some(index) = self.order.get(turn) else { return };
            let (id, source) = &self.plan.videos[*index];
            let task = Task { plan: self.plan, id, source, digests: &self.digests };
            // A panic, which would be a fault of this program, costs one video and not the run.
            let ended = catch_unwind(AssertUnwindSafe(|| self.video(&task))).unwrap_or_else(|_| {
                Some(VideoSummary::failed(format!(
                    "{} met a fault in omnivale itself; please report it with the file",
                    source.display()
                )))
            });
            if let Some(ended) = ended {
                self.reporter.finished(id, &ended);
                lock(&self.ended).insert(id.clone(), ended);
            }
        }
    }

    /// One video; `None` if the run ends.
    fn video(&self, task: &Task<'_>) -> Option<VideoSummary> {
        let started = Instant::now();
        let need = match task.need() {
            Ok(need) => need,
            Err(error) => return Some(VideoSummary::failed(chain(&error))),
        };
        if need.missing.is_empty() {
            return Some(VideoSummary::new(Outcome::UpToDate, need.done, Vec::new(), 0.0));
        }
        let encoders = self.encoders()?;
        self.reporter.started(task.id, task.source);
        let advanced = |done| self.reporter.advanced(task.id, done);
        match task.make(need, encoders, self.stop, &advanced) {
            Ok(Some(made)) => {
                let wall = started.elapsed().as_secs_f64();
                Some(VideoSummary::new(Outcome::Written, made.facts, made.damage, wall))
            }
            Ok(None) => {
                self.reporter.interrupted(task.id);
                None
            }
            Err(error) => Some(VideoSummary::failed(chain(&error))),
        }
    }

    fn encoders(&self) -> Option<&Encoders> {
        let open = || {
            let places = self.plan.kinds.iter().map(|(kind, (place, _))| (*kind, place.clone()));
            let Plan { precision, device, .. } = self.plan;
            Encoders::open_on(&places.collect(), *precision, device).map_err(|error| {
                lock(&self.broken).get_or_insert(error.into());
            })
        };
        self.encoders.get_or_init(open).as_ref().ok()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
