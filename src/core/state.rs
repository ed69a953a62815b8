//! Where a process stands.

use crate::model::{ExitStatus, Instant, StateCode};

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
        /// What makes it RUNNING.
        settles: Settles,
        /// How many tries in a row failed before this one.
        failures: u32,
    },
    /// The child runs.
    Running {
        /// The child.
        pid: i32,
        /// When it was started.
        since: Instant,
        /// When it must have reported; `None` if nobody waits for that.
        report_by: Option<Instant>,
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
    /// The child has ended, and what it left in its control group is to end, too.
    Emptying {
        /// How the child ended.
        status: ExitStatus,
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

/// What makes a child that was started a RUNNING one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// That it is still up then (`startsecs`).
    At(Instant),
    /// That it says so (`notify`).
    WhenReady {
        /// When it must have; `None` for no limit.
        by: Option<Instant>,
    },
}

/// How far a stop has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopPhase {
    /// The stop signal was sent.
    Asked {
        /// When that was.
        at: Instant,
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
    /// It was not ready in time: to be tried again, as often as `startretries` allows.
    Retry {
        /// How many tries in a row failed before this one.
        failures: u32,
    },
    /// It stopped reporting: as if it had ended by itself, and not as expected.
    Revive,
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
            Self::Stopping { .. } | Self::Emptying { .. } => StateCode::Stopping,
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
            | Self::Emptying { .. }
            | Self::Exited { .. }
            | Self::Fatal => None,
        }
    }

    /// When this state wants to be looked at again without anything having happened.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match *self {
            Self::Starting { settles: Settles::At(at), .. } => Some(at),
            Self::Starting { settles: Settles::WhenReady { by }, .. } => by,
            Self::Running { report_by, .. } => report_by,
            Self::Backoff { retry_at, .. } => Some(retry_at),
            Self::Stopping { phase, .. } | Self::Emptying { phase, .. } => Some(match phase {
                StopPhase::Asked { kill_at, .. } => kill_at,
                StopPhase::Killed { give_up_at } => give_up_at,
            }),
            Self::Exited { restart_at } => restart_at,
            Self::Stopped { .. } | Self::Spawning { .. } | Self::Fatal | Self::Unknown { .. } => {
                None
            }
        }
    }
}
