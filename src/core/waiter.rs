//! Replies that wait for a state, one by one or as a batch.
//!
//! Every request is answered exactly once: a waiter is taken out when it is answered, and what is
//! left when the supervisor finishes is answered then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::effect::Effect;
use super::event::{ProcessStatus, Reply, ReplyTo, SpawnFailure, SpawnFailureKind};
use super::process::{Process, Step};
use super::state::{AfterStop, State};
use crate::config::setting::LogLevel;
use crate::model::{Error, ErrorKind, Instant, ProcessId, StateCode};

/// How often a stop that somebody waits for is reported; the reference's figure.
pub const STOP_REPORT_EVERY: Duration = Duration::from_secs(2);

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// That the child runs, however short.
    Launched,
    /// That it is RUNNING.
    Running,
    /// That nothing of it runs.
    AtRest,
}

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A request about one process.
    Request(ReplyTo),
    /// A request about several, answered when the last of them is.
    Batch(ReplyTo),
}

#[derive(Debug)]
struct Batch {
    waiting_for: usize,
    statuses: Vec<ProcessStatus>,
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub struct Waiters {
    parked: BTreeMap<ProcessId, Vec<(Want, Asker)>>,
    batches: BTreeMap<ReplyTo, Batch>,
    reports: BTreeSet<(Instant, ProcessId)>,
}

impl Waiters {
    /// Opens a batch of `size` answers. An empty one is answered at once.
    pub fn open_batch(&mut self, to: ReplyTo, size: usize, out: &mut impl Extend<Effect>) {
        if size == 0 {
            out.extend([Effect::Reply { to, outcome: Ok(Reply::Statuses(Vec::new())) }]);
        } else {
            let batch = Batch { waiting_for: size, statuses: Vec::with_capacity(size) };
            self.batches.insert(to, batch);
        }
    }

    /// Lets `asker` wait. A stop that is waited for is reported now and then.
    pub fn park(
        &mut self,
        process: &ProcessId,
        want: Want,
        asker: Asker,
        now: Instant,
        out: &mut impl Extend<Effect>,
    ) {
        let waiting = self.parked.entry(process.clone()).or_default();
        if want == Want::AtRest && !waiting.iter().any(|&(other, _)| other == Want::AtRest) {
            out.extend([stop_report(process)]);
            self.reports.insert((now + STOP_REPORT_EVERY, process.clone()));
        }
        waiting.push((want, asker));
    }

    /// Answers who waited for what these steps of `process` brought.
    pub fn resolve(&mut self, process: &Process, steps: &[Step], out: &mut impl Extend<Effect>) {
        let Some(mut waiting) = self.parked.remove(&process.id) else {
            return;
        };
        for step in steps {
            waiting.retain(|&(want, asker)| match verdict(want, step, process) {
                Some(result) => {
                    self.answer(asker, &process.id, result, out);
                    false
                }
                None => true,
            });
        }
        if !waiting.is_empty() {
            self.parked.insert(process.id.clone(), waiting);
        }
    }

    /// Answers one asker; the last answer of a batch answers the batch.
    pub fn answer(
        &mut self,
        asker: Asker,
        id: &ProcessId,
        result: Result<(), Error>,
        out: &mut impl Extend<Effect>,
    ) {
        match asker {
            Asker::Request(to) => {
                out.extend([Effect::Reply { to, outcome: result.map(|()| Reply::Done) }]);
            }
            Asker::Batch(to) => {
                let Some(batch) = self.batches.get_mut(&to) else {
                    return;
                };
                batch.statuses.push(ProcessStatus { id: id.clone(), result });
                batch.waiting_for -= 1;
                if batch.waiting_for == 0
                    && let Some(batch) = self.batches.remove(&to)
                {
                    let outcome = Ok(Reply::Statuses(batch.statuses));
                    out.extend([Effect::Reply { to, outcome }]);
                }
            }
        }
    }

    /// When the next report is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.reports.first().map(|&(at, _)| at)
    }

    /// Reports the stops that are still waited for.
    pub fn report(&mut self, now: Instant, out: &mut impl Extend<Effect>) {
        while self.deadline().is_some_and(|at| at <= now) {
            let Some((_, process)) = self.reports.pop_first() else {
                return;
            };
            let waited_for = self
                .parked
                .get(&process)
                .is_some_and(|waiting| waiting.iter().any(|&(want, _)| want == Want::AtRest));
            if waited_for {
                out.extend([stop_report(&process)]);
                self.reports.insert((now + STOP_REPORT_EVERY, process));
            }
        }
    }

    /// Answers everybody who is left: the supervisor is about to be gone, or the process is.
    pub fn dismiss(
        &mut self,
        process: Option<&ProcessId>,
        error: &Error,
        out: &mut impl Extend<Effect>,
    ) {
        let left = match process {
            Some(id) => self.parked.remove_entry(id).into_iter().collect(),
            None => {
                self.reports.clear();
                std::mem::take(&mut self.parked)
            }
        };
        for (id, waiting) in left {
            for (_, asker) in waiting {
                self.answer(asker, &id, Err(error.clone()), out);
            }
        }
    }
}

fn stop_report(process: &ProcessId) -> Effect {
    let line = format!("waiting for {} to stop", process.name);
    Effect::Log { level: LogLevel::Info, line }
}

/// What a step means to somebody who wants something; `None` to wait on.
fn verdict(want: Want, step: &Step, process: &Process) -> Option<Result<(), Error>> {
    let failed = |kind| Some(Err(Error::new(kind, process.id.to_string())));
    // What follows at once or is promised: a start waits for that, not for this.
    let will_start = matches!(
        process.state(),
        State::Spawning { .. }
            | State::Stopping { then: AfterStop::Start | AfterStop::Retry { .. }, .. }
            | State::Emptying { then: AfterStop::Start | AfterStop::Retry { .. }, .. }
    );
    match (want, step) {
        (_, Step::Do(_) | Step::Changed) => None,
        (Want::Launched, Step::Spawned) => Some(Ok(())),
        (Want::Running | Want::AtRest, Step::Spawned) => None,
        (Want::Launched | Want::Running, Step::Refused(failure)) => Some(Err(refusal(failure))),
        (Want::AtRest, Step::Refused(_)) => None,
        (Want::AtRest, Step::Entered(code)) => match code {
            StateCode::Stopped | StateCode::Exited | StateCode::Fatal => Some(Ok(())),
            StateCode::Unknown => failed(ErrorKind::Failed),
            StateCode::Starting | StateCode::Running | StateCode::Backoff | StateCode::Stopping => {
                None
            }
        },
        (Want::Launched | Want::Running, Step::Entered(code)) => match code {
            StateCode::Running => Some(Ok(())),
            StateCode::Backoff | StateCode::Fatal => failed(ErrorKind::SpawnError),
            StateCode::Unknown => failed(ErrorKind::Failed),
            StateCode::Stopping | StateCode::Stopped | StateCode::Exited if !will_start => {
                failed(ErrorKind::AbnormalTermination)
            }
            StateCode::Stopping | StateCode::Stopped | StateCode::Exited | StateCode::Starting => {
                None
            }
        },
    }
}

/// The fault of a start that could not even be tried.
fn refusal(failure: &SpawnFailure) -> Error {
    let kind = match failure.kind {
        SpawnFailureKind::NoFile => ErrorKind::NoFile,
        SpawnFailureKind::NotExecutable => ErrorKind::NotExecutable,
        SpawnFailureKind::System => ErrorKind::SpawnError,
    };
    Error::new(kind, failure.reason.clone())
}
