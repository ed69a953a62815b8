//! The life of one process: the only place that assigns a state.
//!
//! ```text
//!                 start                spawned              startsecs
//!   STOPPED --------------> Spawning ----------> STARTING ------------> RUNNING
//!   EXITED  (also: autostart,   |                   |                      |
//!   FATAL    autorestart, retry)| failed            | ended                | ended
//!                               v                   v                      v
//!                            BACKOFF <--------------+                   EXITED --> Spawning
//!                               |  more than startretries                   (autorestart)
//!                               v
//!                             FATAL
//!
//!   STARTING, RUNNING --stop--> STOPPING --ended--> Emptying --emptied--> STOPPED
//!                                  | stopwaitsecs: SIGKILL             (or Spawning, for a restart)
//!                                  v KILL_WAIT later
//!                               UNKNOWN
//! ```
//!
//! A program that notifies is RUNNING when it says that it is ready; if it does not say so in time,
//! or stops reporting, it is stopped as above, and what follows is BACKOFF or EXITED. Emptying is
//! for programs with a control group: public as STOPPING, until nothing is left in it.
//!
//! Every state answers every input, even if the answer is "nothing". A state that waits names its
//! deadline in [`State::deadline`]; an input comes with the time and never reads a clock. The
//! lines of the activity log are the reference's, since people and programs read them.

use std::sync::Arc;
use std::time::Duration;

use super::event::{SpawnFailure, SpawnFailureKind};
use super::notification::Notification;
use super::process::{Process, Step};
use super::state::{AfterStop, Rest, Settles, State, StopPhase};
use crate::config::setting::LogLevel;
use crate::model::{Cause, ExitStatus, Now, Signal};

mod notified;
mod steps;

/// How long a child may take to vanish after SIGKILL before the process is UNKNOWN. Only a child
/// in an uninterruptible system call (a dead NFS server, a failing disk) takes so long.
pub const KILL_WAIT: Duration = Duration::from_secs(30);

/// A child that was up for less than this ended "at once".
pub const RESTART_SPACING: Duration = Duration::from_secs(1);

/// How much longer than its settings say a program may take to start or to stop because it asks
/// for it (`EXTEND_TIMEOUT_USEC=`): a stop ends.
pub const EXTENSION_MAX: Duration = Duration::from_secs(3600);

/// Automatic restarts in a row of a child that ended at once, before they are spaced: past it
/// there is one start each [`RESTART_SPACING`], as in the reference's loop.
pub const QUICK_RESTARTS_MAX: u32 = 5;

/// What can happen to one process.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// It is to start: asked for by a person, or by itself (`autostart`).
    Start {
        /// A person asked.
        by_request: bool,
    },
    /// It is to end.
    Stop {
        /// What for.
        then: AfterStop,
    },
    /// The supervisor shuts down: it is to end, and not to try again.
    Retire,
    /// Its child runs.
    Spawned(i32),
    /// Its child could not be had.
    SpawnFailed(SpawnFailure),
    /// Its child ended.
    Ended {
        /// How.
        status: ExitStatus,
        /// Whether it may be started again by itself.
        may_restart: bool,
    },
    /// Nothing is left in its control group.
    Emptied {
        /// Whether it may be started again by itself.
        may_restart: bool,
    },
    /// Its child says something of itself.
    Notified(Notification),
    /// A signal could not be delivered.
    SignalFailed(String),
    /// The deadline of its state has come.
    Deadline,
}

impl Process {
    /// The law: what an input means in the state the process is in.
    pub fn transition(&mut self, input: Input, now: Now) -> Vec<Step> {
        let mut steps = Vec::new();
        let out = &mut steps;
        match (self.state.clone(), input) {
            // --- starting
            (State::Stopped { by_request: held }, Input::Start { by_request }) => {
                self.spawn(Rest::Stopped { by_request: held }, by_request, 0, out);
            }
            (State::Exited { .. }, Input::Start { by_request }) => {
                self.spawn(Rest::Exited, by_request, 0, out);
            }
            (State::Fatal, Input::Start { by_request }) => {
                self.spawn(Rest::Fatal, by_request, 0, out);
            }
            // A start while it stops is kept until it has stopped, never lost.
            (State::Stopping { pid, phase, .. }, Input::Start { .. }) => {
                self.state = State::Stopping { pid, phase, then: AfterStop::Start };
            }
            (State::Emptying { status, phase, .. }, Input::Start { .. }) => {
                self.state = State::Emptying { status, phase, then: AfterStop::Start };
            }
            (
                State::Spawning { rest, by_request, failures, stop: Some(_) },
                Input::Start { .. },
            ) => {
                let stop = Some(AfterStop::Start);
                self.state = State::Spawning { rest, by_request, failures, stop };
            }
            // The old child may still be there: never two at once.
            (State::Unknown { pid }, Input::Start { .. }) => {
                self.stop(pid, AfterStop::Start, now, out);
            }

            // --- the child is there, or is not
            (State::Spawning { failures, stop, .. }, Input::Spawned(pid)) => {
                self.spawned(pid, failures, stop, now, out);
            }
            (State::Spawning { rest, by_request, failures, stop }, Input::SpawnFailed(failure)) => {
                if by_request && failure.kind != SpawnFailureKind::System {
                    self.refuse(rest, failure, out);
                } else if stop == Some(AfterStop::Rest) {
                    self.rest(out);
                } else {
                    self.begin_record(now);
                    let why: Arc<str> = Arc::from(failure.reason.as_str());
                    self.record.spawn_error = Arc::clone(&why);
                    let missing = failure.kind == SpawnFailureKind::NoFile;
                    self.record.cause = Cause::NotSpawned { missing, why };
                    out.push(Self::log(LogLevel::Info, format!("spawnerr: {}", failure.reason)));
                    self.back_off(failures, now, out);
                }
            }

            // --- deadlines
            (State::Starting { pid, since, settles, failures }, Input::Deadline) => match settles {
                Settles::At(at) if now.monotonic >= at => self.settle(pid, since, now, out),
                Settles::WhenReady { by: Some(by) } if now.monotonic >= by => {
                    self.not_ready(pid, failures, now, out);
                }
                Settles::At(_) | Settles::WhenReady { .. } => {}
            },
            (State::Running { pid, report_by: Some(at), .. }, Input::Deadline) => {
                if now.monotonic >= at {
                    self.hung(pid, now, out);
                }
            }
            (State::Backoff { failures, retry_at }, Input::Deadline) => {
                if now.monotonic >= retry_at {
                    self.spawn(Rest::Fatal, false, failures, out);
                }
            }
            (State::Exited { restart_at: Some(at) }, Input::Deadline) => {
                if now.monotonic >= at {
                    self.spawn(Rest::Exited, false, 0, out);
                }
            }
            (State::Stopping { pid, phase, then }, Input::Deadline) => match phase {
                StopPhase::Asked { at, kill_at } if now.monotonic >= kill_at => {
                    if self.record.cause == Cause::Requested {
                        let (signal, after) = (self.settings.stopsignal, now.monotonic - at);
                        self.record.cause = Cause::Killed { signal, after };
                    }
                    let line = format!("killing '{}' ({pid}) with SIGKILL", self.id.name);
                    out.push(Self::log(LogLevel::Warn, line));
                    let phase = StopPhase::Killed { give_up_at: now.monotonic + KILL_WAIT };
                    self.state = State::Stopping { pid, phase, then };
                    self.kill(pid, Signal::KILL, self.settings.killasgroup, out);
                }
                StopPhase::Killed { give_up_at } if now.monotonic >= give_up_at => {
                    let line = format!(
                        "cannot stop {} (pid {pid}): it survived SIGKILL for {} seconds",
                        self.id.name,
                        KILL_WAIT.as_secs()
                    );
                    out.push(Self::log(LogLevel::Critical, line));
                    self.record.cause = Cause::Unkillable(KILL_WAIT);
                    self.enter(State::Unknown { pid }, out);
                }
                StopPhase::Asked { .. } | StopPhase::Killed { .. } => {}
            },
            (State::Emptying { status, phase, then }, Input::Deadline) => match phase {
                StopPhase::Asked { kill_at, .. } if now.monotonic >= kill_at => {
                    let phase = StopPhase::Killed { give_up_at: now.monotonic + KILL_WAIT };
                    self.empty(status, phase, then, out);
                }
                StopPhase::Killed { give_up_at } if now.monotonic >= give_up_at => {
                    let line = format!(
                        "cannot end every process of {}: some survived SIGKILL for {} seconds",
                        self.id.name,
                        KILL_WAIT.as_secs()
                    );
                    out.push(Self::log(LogLevel::Critical, line));
                    self.over(status, then, false, now, out);
                }
                StopPhase::Asked { .. } | StopPhase::Killed { .. } => {}
            },

            // --- stopping
            (
                State::Starting { pid, .. } | State::Running { pid, .. } | State::Unknown { pid },
                Input::Stop { then },
            ) => self.stop(pid, then, now, out),
            // Whoever spoke last is right: a stop takes back a start that waits for the end.
            (State::Stopping { pid, phase, .. }, Input::Stop { then }) => {
                self.state = State::Stopping { pid, phase, then };
            }
            (State::Emptying { status, phase, .. }, Input::Stop { then }) => {
                self.state = State::Emptying { status, phase, then };
            }
            (State::Spawning { rest, by_request, failures, .. }, Input::Stop { then }) => {
                self.state = State::Spawning { rest, by_request, failures, stop: Some(then) };
            }
            (State::Backoff { .. }, Input::Stop { then }) => {
                let line =
                    format!("Attempted to kill {}, which is in BACKOFF state.", self.id.name);
                out.push(Self::log(LogLevel::Debug, line));
                self.rest(out);
                self.start_again(then, out);
            }
            (State::Backoff { .. }, Input::Retire) => self.enter(State::Fatal, out),
            (State::Stopped { .. } | State::Exited { .. } | State::Fatal, Input::Stop { then }) => {
                match then {
                    AfterStop::Start => {
                        self.sweep(out);
                        self.start_again(then, out);
                    }
                    // Takes back a restart that waits for its time.
                    AfterStop::Rest if self.state.deadline().is_some() => self.rest(out),
                    AfterStop::Rest | AfterStop::Retry { .. } | AfterStop::Revive => {}
                }
            }
            (State::Exited { restart_at: Some(_) }, Input::Retire) => {
                self.state = State::Exited { restart_at: None };
            }

            (_, Input::Retire) => {
                return self.transition(Input::Stop { then: AfterStop::Rest }, now);
            }

            // --- the child ended
            (
                State::Starting { pid, since, settles, failures },
                Input::Ended { status, may_restart },
            ) => match settles {
                // The deadline may have been overtaken by the exit.
                Settles::At(at) if now.monotonic >= at => {
                    self.settle(pid, since, now, out);
                    self.exited(pid, status, may_restart, now, out);
                }
                Settles::At(_) | Settles::WhenReady { .. } => {
                    self.ended_too_quickly(pid, status, failures, may_restart, now, out);
                }
            },
            (State::Running { pid, .. }, Input::Ended { status, may_restart }) => {
                self.exited(pid, status, may_restart, now, out);
            }
            (State::Stopping { pid, phase, then }, Input::Ended { status, may_restart }) => {
                self.ended_when_told(pid, status, phase, then, may_restart, now, out);
            }
            (State::Emptying { status, then, .. }, Input::Emptied { may_restart }) => {
                self.over(status, then, may_restart, now, out);
            }
            (State::Unknown { pid }, Input::Ended { status, .. }) => {
                self.end_record(pid, status, now, out);
                self.stopped(status, out);
                self.sweep(out);
            }

            // --- the child says something
            (_, Input::Notified(what)) => self.notified(what, now, out),

            // --- a signal that could not be delivered
            (
                State::Starting { pid, .. }
                | State::Running { pid, .. }
                | State::Stopping { pid, .. },
                Input::SignalFailed(reason),
            ) => {
                let line = format!("unknown problem killing {} ({pid}):{reason}", self.id.name);
                out.push(Self::log(LogLevel::Critical, line));
                self.record.cause = Cause::Unreachable(reason.into());
                self.enter(State::Unknown { pid }, out);
            }

            // --- nothing to do: already there, or the answer to a question nobody asked
            (
                State::Spawning { stop: None, .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Backoff { .. },
                Input::Start { .. },
            )
            | (
                State::Stopped { .. }
                | State::Exited { .. }
                | State::Fatal
                | State::Spawning { .. }
                | State::Backoff { .. }
                | State::Emptying { .. }
                | State::Unknown { .. },
                Input::SignalFailed(_),
            )
            | (
                State::Stopped { .. }
                | State::Exited { .. }
                | State::Fatal
                | State::Spawning { .. }
                | State::Backoff { .. }
                | State::Emptying { .. },
                Input::Ended { .. },
            )
            | (
                State::Stopped { .. }
                | State::Exited { .. }
                | State::Fatal
                | State::Spawning { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Backoff { .. }
                | State::Stopping { .. }
                | State::Unknown { .. },
                Input::Emptied { .. },
            )
            | (
                State::Stopped { .. }
                | State::Exited { .. }
                | State::Fatal
                | State::Starting { .. }
                | State::Running { .. }
                | State::Backoff { .. }
                | State::Stopping { .. }
                | State::Emptying { .. }
                | State::Unknown { .. },
                Input::Spawned(_) | Input::SpawnFailed(_),
            )
            | (
                State::Stopped { .. }
                | State::Exited { .. }
                | State::Fatal
                | State::Spawning { .. }
                | State::Running { report_by: None, .. }
                | State::Unknown { .. },
                Input::Deadline,
            ) => {}
        }
        if !steps.is_empty() {
            self.remember(&steps, now);
        }
        steps
    }

    /// Marks a process that was never started as stopped by a person: it replaces one that was.
    pub(super) fn hold(&mut self) {
        if self.state == (State::Stopped { by_request: false }) {
            self.state = State::Stopped { by_request: true };
            self.record.cause = Cause::Requested;
        }
    }

    /// For tests that begin in the middle of a life.
    #[cfg(test)]
    pub(super) fn put_in(&mut self, state: State) {
        self.state = state;
    }
}
