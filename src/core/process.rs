//! One process: who it is, how it is to be run, and where it stands.

use std::sync::Arc;
use std::time::Duration;

use super::effect::Effect;
use super::event::SpawnFailure;
use super::state::{AfterStop, State};
use super::telling::Told;
use crate::config::ProcessSettings;
use crate::config::setting::LogLevel;
use crate::model::{
    Cause, ExitStatus, Now, Past, ProcessFacts, ProcessId, ProcessInfo, StateCode, WallTime,
};

/// A process of the fleet. Only [`super::transition`] changes its state.
#[derive(Debug)]
pub struct Process {
    /// Its identity.
    pub id: ProcessId,
    /// How it is to be run.
    pub settings: Arc<ProcessSettings>,
    /// What the outside may ask for.
    pub facts: Arc<ProcessFacts>,
    /// Processes of one priority keep the order in which they came.
    pub(super) sequence: u64,
    /// Where it stands. Assigned by `transition.rs` alone.
    pub(super) state: State,
    /// What is remembered of its past, for people.
    pub(super) record: Record,
    /// Automatic restarts in a row, each after less than a second up.
    pub(super) quick_restarts: u32,
    /// How often its child must report, as `watchdogsecs` or the child itself has it; zero for
    /// never.
    pub(super) report_every: Duration,
    /// What events have told of it last.
    pub(super) told: Told,
}

/// What is remembered of a process's past.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// When it was last started.
    pub start: WallTime,
    /// When it last ended.
    pub stop: WallTime,
    /// How it last ended.
    pub exit: Option<ExitStatus>,
    /// What was wrong with its last start or exit; empty if nothing.
    pub spawn_error: Arc<str>,
    /// Starts since it was added.
    pub starts: u64,
    /// What it last said of itself (`notify`); empty if nothing.
    pub status_text: Arc<str>,
    /// What led to the state it is in.
    pub cause: Cause,
    /// How its last child ended.
    pub last_exit: Option<ExitStatus>,
    /// The kernel has killed something of its present child for want of memory.
    pub out_of_memory: bool,
    /// How many tries its start has taken.
    pub tries: u32,
    /// When it is started again by itself.
    pub retry_at: WallTime,
    /// When it entered its state.
    pub changed: WallTime,
    /// What it went through lately; shared with snapshots.
    pub past: Arc<Past>,
    /// What it is about, as it says.
    pub announced: Announced,
}

/// What a program that notifies says it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Announced {
    /// Its work.
    #[default]
    Work,
    /// Reading its configuration anew.
    Reloading,
    /// Its end, on its own account.
    Stopping,
}

/// What came of an input, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It passed from one state to another. Passing through counts.
    Entered(StateCode),
    /// Its child runs.
    Spawned,
    /// A requested start was refused before anything ran.
    Refused(SpawnFailure),
    /// Something changed that people see, but not its state.
    Changed,
    /// Something to be done.
    Do(Effect),
}

impl Process {
    /// A process that has never been started.
    #[must_use]
    pub fn new(
        id: ProcessId,
        settings: Arc<ProcessSettings>,
        facts: Arc<ProcessFacts>,
        sequence: u64,
    ) -> Self {
        Self {
            id,
            settings,
            facts,
            sequence,
            state: State::Stopped { by_request: false },
            record: Record::default(),
            quick_restarts: 0,
            report_every: Duration::ZERO,
            told: Told::default(),
        }
    }

    /// Where it stands within its group: lower starts first and stops last.
    #[must_use]
    pub fn rank(&self) -> (i32, u64) {
        (self.settings.priority, self.sequence)
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Automatic restarts in a row, each after less than a second up.
    #[must_use]
    pub fn quick_restarts(&self) -> u32 {
        self.quick_restarts
    }

    /// Whether nothing of it runs and nothing is under way.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.state.code().is_stopped()
    }

    /// Whether it does not run now but will, without anybody asking again.
    #[must_use]
    pub fn will_start(&self) -> bool {
        matches!(
            self.state,
            State::Stopping {
                then: AfterStop::Start | AfterStop::Retry { .. } | AfterStop::Revive,
                ..
            } | State::Emptying {
                then: AfterStop::Start | AfterStop::Retry { .. } | AfterStop::Revive,
                ..
            } | State::Spawning { stop: None | Some(AfterStop::Start), .. }
                | State::Backoff { .. }
                | State::Exited { restart_at: Some(_) }
        )
    }

    /// What a snapshot shows of it.
    #[must_use]
    pub fn info(&self) -> ProcessInfo {
        ProcessInfo {
            id: self.id.clone(),
            state: self.state.code(),
            pid: self.state.pid().unwrap_or(0),
            start: self.record.start,
            stop: self.record.stop,
            exit: self.record.exit,
            spawn_error: Arc::clone(&self.record.spawn_error),
            starts: self.record.starts,
            status_text: self.status_text(),
            changed: self.record.changed,
            cause: self.record.cause.clone(),
            last_exit: self.record.last_exit,
            tries: self.record.tries,
            retry_at: self.record.retry_at,
            past: Arc::clone(&self.record.past),
            facts: Arc::clone(&self.facts),
        }
    }

    /// Writes down what came of an input, for people.
    pub(super) fn remember(&mut self, steps: &[Step], now: Now) {
        let mut refused = false;
        for step in steps {
            match step {
                Step::Refused(_) => refused = true,
                // Back to where it was, as if never asked.
                Step::Entered(code) if refused => {
                    let past = Arc::make_mut(&mut self.record.past);
                    past.take_back();
                    // But a restart of one that had ended leaves it stopped.
                    if past.changes().last().is_some_and(|&(_, state)| state != *code) {
                        past.entered(*code, now.wall);
                        self.record.cause = Cause::Requested;
                    }
                    self.record.changed = past.changes().last().map_or(WallTime::NEVER, |c| c.0);
                }
                Step::Entered(code) => {
                    Arc::make_mut(&mut self.record.past).entered(*code, now.wall);
                    self.record.changed = now.wall;
                }
                Step::Spawned => Arc::make_mut(&mut self.record.past).started(now.wall),
                Step::Changed | Step::Do(_) => {}
            }
        }
        let record = &mut self.record;
        record.tries = match self.state {
            State::Spawning { failures, .. } | State::Starting { failures, .. } => {
                failures.saturating_add(1)
            }
            State::Backoff { failures, .. } => failures,
            State::Running { .. } | State::Fatal => record.tries,
            State::Stopped { .. }
            | State::Stopping { .. }
            | State::Emptying { .. }
            | State::Exited { .. }
            | State::Unknown { .. } => 0,
        };
        record.retry_at = match self.state {
            State::Backoff { retry_at: at, .. } | State::Exited { restart_at: Some(at) } => {
                now.wall + (at - now.monotonic)
            }
            _ => WallTime::NEVER,
        };
    }

    fn status_text(&self) -> Arc<str> {
        let text = &self.record.status_text;
        let about = match self.record.announced {
            Announced::Work => return Arc::clone(text),
            Announced::Reloading => "reloading",
            Announced::Stopping => "stopping",
        };
        if text.is_empty() { about.into() } else { format!("{about}: {text}").into() }
    }

    /// How long it must stay up.
    pub(super) fn startsecs(&self) -> Duration {
        self.settings.startsecs
    }

    /// A line for the activity log, as a step.
    pub(super) fn log(level: LogLevel, line: String) -> Step {
        Step::Do(Effect::Log { level, line })
    }
}
