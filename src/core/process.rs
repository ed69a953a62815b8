//! One process: who it is, how it is to be run, and where it stands.

use std::sync::Arc;
use std::time::Duration;

use super::effect::Effect;
use super::event::SpawnFailure;
use crate::config::ProcessSettings;
use crate::config::setting::LogLevel;
use crate::model::{
    ExitStatus, Instant, ProcessFacts, ProcessId, ProcessInfo, StateCode, WallTime,
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
}

/// Where a process stands; each state carries what only it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing runs, and nothing will by itself.
    Stopped {
        /// A person asked for it; it stays so through a reload.
        by_request: bool,
    },
    /// A child was asked for in this turn; the answer is the next event about it.
    Spawning {
        /// Where to return to if the program turns out not to be there.
        rest: Rest,
        /// A person asked for it, so a missing program is a refusal, not a failed try.
        by_request: bool,
        /// How many tries in a row failed before this one.
        failures: u32,
        /// A stop came before the answer.
        stop: Option<AfterStop>,
    },
    /// The child runs, and has yet to stay up for `startsecs`.
    Starting {
        /// The child.
        pid: i32,
        /// When it was started.
        since: Instant,
        /// When it will count as RUNNING.
        settles_at: Instant,
        /// How many tries in a row failed before this one.
        failures: u32,
    },
    /// The child runs.
    Running {
        /// The child.
        pid: i32,
        /// When it was started.
        since: Instant,
    },
    /// The last try failed; the next one has its time.
    Backoff {
        /// How many tries in a row have failed.
        failures: u32,
        /// When the next one is due.
        retry_at: Instant,
    },
    /// The child was told to end.
    Stopping {
        /// The child.
        pid: i32,
        /// How far this has gone.
        phase: StopPhase,
        /// What comes after.
        then: AfterStop,
    },
    /// It ended by itself.
    Exited {
        /// When it is started again; only a program that ends at once, again and again, waits.
        restart_at: Option<Instant>,
    },
    /// It could not be started, and no further try will be made.
    Fatal,
    /// A signal could not be delivered to it, or it survived SIGKILL.
    Unknown {
        /// The child, which may still run.
        pid: i32,
    },
}

/// How far a stop has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopPhase {
    /// The stop signal was sent.
    Asked {
        /// When SIGKILL follows.
        kill_at: Instant,
    },
    /// SIGKILL was sent.
    Killed {
        /// When it will be given up on.
        give_up_at: Instant,
    },
}

/// What a stop is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterStop {
    /// To be stopped.
    Rest,
    /// To be started again.
    Start,
}

/// The states from which a start begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// [`State::Stopped`].
    Stopped {
        /// As there.
        by_request: bool,
    },
    /// [`State::Exited`].
    Exited,
    /// [`State::Fatal`].
    Fatal,
}

impl State {
    /// The public name and number.
    #[must_use]
    pub fn code(&self) -> StateCode {
        match self {
            Self::Stopped { .. } => StateCode::Stopped,
            Self::Spawning { .. } | Self::Starting { .. } => StateCode::Starting,
            Self::Running { .. } => StateCode::Running,
            Self::Backoff { .. } => StateCode::Backoff,
            Self::Stopping { .. } => StateCode::Stopping,
            Self::Exited { .. } => StateCode::Exited,
            Self::Fatal => StateCode::Fatal,
            Self::Unknown { .. } => StateCode::Unknown,
        }
    }

    /// The live child, if there is one.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        match *self {
            Self::Starting { pid, .. }
            | Self::Running { pid, .. }
            | Self::Stopping { pid, .. }
            | Self::Unknown { pid } => Some(pid),
            Self::Stopped { .. }
            | Self::Spawning { .. }
            | Self::Backoff { .. }
            | Self::Exited { .. }
            | Self::Fatal => None,
        }
    }

    /// When this state wants to be looked at again without anything having happened.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match *self {
            Self::Starting { settles_at, .. } => Some(settles_at),
            Self::Backoff { retry_at, .. } => Some(retry_at),
            Self::Stopping { phase: StopPhase::Asked { kill_at }, .. } => Some(kill_at),
            Self::Stopping { phase: StopPhase::Killed { give_up_at }, .. } => Some(give_up_at),
            Self::Exited { restart_at } => restart_at,
            Self::Stopped { .. }
            | Self::Spawning { .. }
            | Self::Running { .. }
            | Self::Fatal
            | Self::Unknown { .. } => None,
        }
    }
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
            State::Stopping { then: AfterStop::Start, .. }
                | State::Spawning { stop: None | Some(AfterStop::Start), .. }
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
            facts: Arc::clone(&self.facts),
        }
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
