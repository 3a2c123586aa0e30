//! The run over all videos: a queue, longest first, worked on by a few threads.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use omnivale_timeline::VideoId;

use crate::calibrate::Calibration;
use crate::plan::{Failure, Parts, Plan, Rejection, Summary};
use crate::progress::{Counts, Outcome, Progress, Reporter};
use crate::sidecars::Sidecars;
use crate::summary::{self, RunFacts};
use crate::video::{self, Task};
use crate::workspace::{Workspace, WorkspaceError};

/// Annotates every video of the plan that is not annotated already, then writes the files that speak
/// of all of them. Setting `stop` ends the run soon, in a state from which the same plan goes on.
///
/// # Errors
/// [`WorkspaceError`] if the workspace cannot be written: the run stops, and what was finished stays.
pub fn run(
    plan: &Plan,
    parts: &Parts<'_>,
    stop: &AtomicBool,
    reporter: &dyn Reporter,
) -> Result<Summary, WorkspaceError> {
    let started = (SystemTime::now(), Instant::now());
    let workspace = Workspace::open(&plan.output)?;
    let queue = Queue::new(plan);
    reporter.report(&Progress::RunStarted { videos: plan.videos.len(), jobs: plan.jobs });
    let workers = plan.jobs.clamp(1, plan.videos.len().max(1));
    let context = Context { plan, parts, workspace: &workspace, stop, reporter, queue: &queue };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| context.work());
        }
    });
    let Queue { ended, broken, .. } = queue;
    if let Some(error) = broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    let summary = summarise(plan, &ended, stop.load(Ordering::SeqCst));
    let facts = RunFacts {
        started_unix_s: started.0.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        wall_s: started.1.elapsed().as_secs_f64(),
    };
    summary::write(&workspace, plan, parts, &summary, &facts)?;
    reporter.report(&Progress::RunFinished { counts: summary.counts });
    Ok(summary)
}

/// Thresholds of the plan's encoders, from what [`run`] stored of its videos; those that failed or were rejected before
/// they were decoded are left out.
///
/// # Errors
/// [`WorkspaceError`] if the workspace cannot be read.
pub fn calibrate(plan: &Plan, parts: &Parts<'_>) -> Result<Calibration, WorkspaceError> {
    let workspace = Workspace::open(&plan.output)?;
    let sidecars = Sidecars::default();
    let mut calibration = Calibration::default();
    for (id, source) in &plan.videos {
        let folder = workspace.wait_for_video(id)?;
        let task = Task { id, source, folder: &folder, sidecars: &sidecars };
        video::calibrate(&task, plan, parts, &mut calibration)?;
    }
    Ok(calibration)
}

fn summarise(plan: &Plan, ended: &BTreeMap<VideoId, Outcome>, interrupted: bool) -> Summary {
    let mut summary = Summary {
        counts: Counts::default(),
        failures: Vec::new(),
        rejected: Vec::new(),
        interrupted,
    };
    let sources: BTreeMap<&VideoId, &PathBuf> =
        plan.videos.iter().map(|(id, path)| (id, path)).collect();
    for (id, source) in sources {
        let outcome = ended.get(id).unwrap_or(&Outcome::Interrupted);
        summary.counts.add(outcome);
        match outcome {
            Outcome::Failed { reason } => summary.failures.push(Failure {
                id: id.clone(),
                source: source.display().to_string(),
                reason: reason.clone(),
            }),
            Outcome::Rejected { check } => {
                summary.rejected.push(Rejection { id: id.clone(), check: check.clone() });
            }
            _ => {}
        }
    }
    summary
}

/// Videos in the order in which they are begun, and how they ended.
struct Queue {
    order: Vec<usize>,
    next: AtomicUsize,
    /// Videos that another process held when their turn came.
    busy: Mutex<Vec<usize>>,
    ended: Mutex<BTreeMap<VideoId, Outcome>>,
    broken: Mutex<Option<WorkspaceError>>,
}

impl Queue {
    /// The largest file first: a long video begun last would leave the other threads idle. Size is
    /// known without opening 100,000 files. The order never changes what is written.
    fn new(plan: &Plan) -> Queue {
        let size = |index: &usize| {
            std::fs::metadata(&plan.videos[*index].1).map_or(0, |metadata| metadata.len())
        };
        let mut order: Vec<usize> = (0..plan.videos.len()).collect();
        order.sort_by_cached_key(|index| std::cmp::Reverse(size(index)));
        Queue {
            order,
            next: AtomicUsize::new(0),
            busy: Mutex::new(Vec::new()),
            ended: Mutex::new(BTreeMap::new()),
            broken: Mutex::new(None),
        }
    }
}

struct Context<'a> {
    plan: &'a Plan,
    parts: &'a Parts<'a>,
    workspace: &'a Workspace,
    stop: &'a AtomicBool,
    reporter: &'a dyn Reporter,
    queue: &'a Queue,
}

impl Context<'_> {
    /// Takes videos off the queue until there are none left, then waits for those that other
    /// processes were at: they are done by then, or were left behind.
    fn work(&self) {
        let sidecars = Sidecars::default();
        loop {
            if self.stop.load(Ordering::SeqCst) || lock(&self.queue.broken).is_some() {
                return;
            }
            let turn = self.queue.next.fetch_add(1, Ordering::SeqCst);
            let (index, wait) = match self.queue.order.get(turn) {
                Some(index) => (*index, false),
                None => match lock(&self.queue.busy).pop() {
                    Some(index) => (index, true),
                    None => return,
                },
            };
            let (id, source) = &self.plan.videos[index];
            let folder = if wait {
                self.workspace.wait_for_video(id).map(Some)
            } else {
                self.workspace.try_video(id)
            };
            let ended = match folder {
                Ok(Some(folder)) => {
                    let task = Task { id, source, folder: &folder, sidecars: &sidecars };
                    self.annotate(&task)
                }
                Ok(None) => {
                    self.reporter.report(&Progress::VideoBusy { id });
                    lock(&self.queue.busy).push(index);
                    continue;
                }
                Err(error) => Err(error),
            };
            match ended {
                Ok(outcome) => {
                    self.reporter.report(&Progress::VideoFinished { id, outcome: &outcome });
                    lock(&self.queue.ended).insert(id.clone(), outcome);
                }
                Err(error) => {
                    lock(&self.queue.broken).get_or_insert(error);
                    return;
                }
            }
        }
    }

    /// One video. A panic, which would be a fault of this program, costs that video and not the run.
    fn annotate(&self, task: &Task<'_>) -> Result<Outcome, WorkspaceError> {
        let attempt = AssertUnwindSafe(|| {
            video::annotate(task, self.plan, self.parts, self.stop, self.reporter)
        });
        catch_unwind(attempt).unwrap_or_else(|_| {
            Ok(Outcome::Failed {
                reason: format!(
                    "{} met a fault in omnivale itself; please report it with the file",
                    task.source.display()
                ),
            })
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
