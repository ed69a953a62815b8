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
//!   STARTING, RUNNING --stop--> STOPPING --ended--> STOPPED (or Spawning, for a restart)
//!                                  | stopwaitsecs: SIGKILL
//!                                  v KILL_WAIT later
//!                               UNKNOWN
//! ```
//!
//! Every state answers every input, even if the answer is "nothing". A state that waits names its
//! deadline in [`State::deadline`]; an input comes with the time and never reads a clock. The
//! lines of the activity log are the reference's, since people and programs read them.

use std::sync::Arc;
use std::time::Duration;

use super::effect::Effect;
use super::event::{SpawnFailure, SpawnFailureKind};
use super::process::{AfterStop, Process, Rest, State, Step, StopPhase};
use crate::config::setting::{Autorestart, LogLevel};
use crate::model::{ExitStatus, Instant, Now, Signal};

/// How long a child may take to vanish after SIGKILL before the process is UNKNOWN. Only a child
/// in an uninterruptible system call (a dead NFS server, a failing disk) takes so long.
pub const KILL_WAIT: Duration = Duration::from_secs(30);

/// A child that was up for less than this ended "at once".
pub const RESTART_SPACING: Duration = Duration::from_secs(1);

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
                    self.enter(State::Stopped { by_request: true }, out);
                } else {
                    self.begin_record(now);
                    self.record.spawn_error = Arc::from(failure.reason.as_str());
                    out.push(Self::log(LogLevel::Info, format!("spawnerr: {}", failure.reason)));
                    self.back_off(failures, now, out);
                }
            }

            // --- deadlines
            (State::Starting { pid, since, settles_at, .. }, Input::Deadline) => {
                if now.monotonic >= settles_at {
                    self.settle(pid, since, out);
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
                StopPhase::Asked { kill_at } if now.monotonic >= kill_at => {
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
                    self.enter(State::Unknown { pid }, out);
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
            (State::Spawning { rest, by_request, failures, .. }, Input::Stop { then }) => {
                self.state = State::Spawning { rest, by_request, failures, stop: Some(then) };
            }
            (State::Backoff { .. }, Input::Stop { then }) => {
                let line =
                    format!("Attempted to kill {}, which is in BACKOFF state.", self.id.name);
                out.push(Self::log(LogLevel::Debug, line));
                self.enter(State::Stopped { by_request: true }, out);
                self.start_again(then, out);
            }
            (State::Backoff { .. }, Input::Retire) => self.enter(State::Fatal, out),
            (State::Stopped { .. } | State::Exited { .. } | State::Fatal, Input::Stop { then }) => {
                match then {
                    AfterStop::Start => self.start_again(then, out),
                    // Takes back a restart that waits for its time.
                    AfterStop::Rest if self.state.deadline().is_some() => {
                        self.enter(State::Stopped { by_request: true }, out);
                    }
                    AfterStop::Rest => {}
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
                State::Starting { pid, since, settles_at, failures },
                Input::Ended { status, may_restart },
            ) => {
                // The deadline may have been overtaken by the exit.
                if now.monotonic >= settles_at {
                    self.settle(pid, since, out);
                    self.exited(pid, status, may_restart, now, out);
                } else {
                    self.ended_too_quickly(pid, status, failures, may_restart, now, out);
                }
            }
            (State::Running { pid, .. }, Input::Ended { status, may_restart }) => {
                self.exited(pid, status, may_restart, now, out);
            }
            (State::Stopping { pid, then, .. }, Input::Ended { status, .. }) => {
                self.stopped(pid, status, out);
                self.record.stop = now.wall;
                self.start_again(then, out);
            }
            (State::Unknown { pid }, Input::Ended { status, .. }) => {
                self.stopped(pid, status, out);
                self.record.stop = now.wall;
            }

            // --- a signal that could not be delivered
            (
                State::Starting { pid, .. }
                | State::Running { pid, .. }
                | State::Stopping { pid, .. },
                Input::SignalFailed(reason),
            ) => {
                let line = format!("unknown problem killing {} ({pid}):{reason}", self.id.name);
                out.push(Self::log(LogLevel::Critical, line));
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
                | State::Unknown { .. },
                Input::SignalFailed(_),
            )
            | (
                State::Stopped { .. }
                | State::Exited { .. }
                | State::Fatal
                | State::Spawning { .. }
                | State::Backoff { .. },
                Input::Ended { .. },
            )
            | (
                State::Stopped { .. }
                | State::Exited { .. }
                | State::Fatal
                | State::Starting { .. }
                | State::Running { .. }
                | State::Backoff { .. }
                | State::Stopping { .. }
                | State::Unknown { .. },
                Input::Spawned(_) | Input::SpawnFailed(_),
            )
            | (
                State::Stopped { .. }
                | State::Exited { .. }
                | State::Fatal
                | State::Spawning { .. }
                | State::Running { .. }
                | State::Unknown { .. },
                Input::Deadline,
            ) => {}
        }
        steps
    }

    /// Marks a process that was never started as stopped by a person: it replaces one that was.
    pub(super) fn hold(&mut self) {
        if self.state == (State::Stopped { by_request: false }) {
            self.state = State::Stopped { by_request: true };
        }
    }

    /// For tests that begin in the middle of a life.
    #[cfg(test)]
    pub(super) fn put_in(&mut self, state: State) {
        self.state = state;
    }

    fn enter(&mut self, state: State, out: &mut Vec<Step>) {
        self.state = state;
        out.push(Step::Entered(self.state.code()));
    }

    fn spawn(&mut self, rest: Rest, by_request: bool, failures: u32, out: &mut Vec<Step>) {
        if by_request {
            self.quick_restarts = 0;
        }
        self.enter(State::Spawning { rest, by_request, failures, stop: None }, out);
        out.push(Step::Do(Effect::Spawn {
            process: self.id.clone(),
            settings: Arc::clone(&self.settings),
            facts: Arc::clone(&self.facts),
        }));
    }

    /// Forgets the last run. Not done by `spawn`: a start that is refused leaves no trace.
    fn begin_record(&mut self, now: Now) {
        self.record.start = now.wall;
        self.record.spawn_error = Arc::default();
        self.record.exit = None;
    }

    fn spawned(
        &mut self,
        pid: i32,
        failures: u32,
        stop: Option<AfterStop>,
        now: Now,
        out: &mut Vec<Step>,
    ) {
        self.begin_record(now);
        self.record.starts += 1;
        out.push(Step::Spawned);
        out.push(Self::log(LogLevel::Info, format!("spawned: '{}' with pid {pid}", self.id.name)));
        let since = now.monotonic;
        if let Some(then) = stop {
            self.state = State::Running { pid, since };
            self.stop(pid, then, now, out);
        } else if self.startsecs().is_zero() {
            self.settle(pid, since, out);
        } else {
            let settles_at = since + self.startsecs();
            // No passage: to the outside it has been STARTING since it was asked for.
            self.state = State::Starting { pid, since, settles_at, failures };
        }
    }

    fn settle(&mut self, pid: i32, since: Instant, out: &mut Vec<Step>) {
        self.enter(State::Running { pid, since }, out);
        out.push(Self::log(
            LogLevel::Info,
            format!(
                "success: {} entered RUNNING state, process has stayed up for > than {} seconds \
                 (startsecs)",
                self.id.name,
                self.startsecs().as_secs()
            ),
        ));
    }

    /// A start that a person asked for, of a program that is not there: as if never asked.
    fn refuse(&mut self, rest: Rest, failure: SpawnFailure, out: &mut Vec<Step>) {
        let state = match rest {
            Rest::Stopped { by_request } => State::Stopped { by_request },
            Rest::Exited => State::Exited { restart_at: None },
            Rest::Fatal => State::Fatal,
        };
        out.push(Step::Refused(failure));
        self.enter(state, out);
    }

    fn back_off(&mut self, failures: u32, now: Now, out: &mut Vec<Step>) {
        let failures = failures.saturating_add(1);
        let wait = Duration::from_secs(u64::from(failures));
        self.enter(State::Backoff { failures, retry_at: now.monotonic + wait }, out);
        if failures > self.settings.startretries {
            self.enter(State::Fatal, out);
            out.push(Self::log(
                LogLevel::Info,
                format!(
                    "gave up: {} entered FATAL state, too many start retries too quickly",
                    self.id.name
                ),
            ));
        }
    }

    fn stop(&mut self, pid: i32, then: AfterStop, now: Now, out: &mut Vec<Step>) {
        let phase = StopPhase::Asked { kill_at: now.monotonic + self.settings.stopwaitsecs };
        self.enter(State::Stopping { pid, phase, then }, out);
        self.kill(pid, self.settings.stopsignal, self.settings.stopasgroup, out);
    }

    fn kill(&self, pid: i32, signal: Signal, group: bool, out: &mut Vec<Step>) {
        let name = &self.id.name;
        let whom = if group { "process group " } else { "" };
        let line = format!("killing {name} (pid {pid}) {whom}with signal {signal}");
        out.push(Self::log(LogLevel::Debug, line));
        out.push(Step::Do(Effect::Kill { process: self.id.clone(), pid, signal, group }));
    }

    fn start_again(&mut self, then: AfterStop, out: &mut Vec<Step>) {
        if then == AfterStop::Start {
            self.spawn(Rest::Stopped { by_request: true }, true, 0, out);
        }
    }

    fn stopped(&mut self, pid: i32, status: ExitStatus, out: &mut Vec<Step>) {
        self.record.exit = Some(status);
        out.push(Step::Do(Effect::Ended { process: self.id.clone(), pid }));
        self.enter(State::Stopped { by_request: true }, out);
        let level = if self.expects(status) { LogLevel::Info } else { LogLevel::Warn };
        out.push(Self::log(level, format!("stopped: {} ({status})", self.id.name)));
    }

    fn ended_too_quickly(
        &mut self,
        pid: i32,
        status: ExitStatus,
        failures: u32,
        may_restart: bool,
        now: Now,
        out: &mut Vec<Step>,
    ) {
        self.record.stop = now.wall;
        self.record.exit = None;
        self.record.spawn_error = Arc::from("Exited too quickly (process log may have details)");
        out.push(Step::Do(Effect::Ended { process: self.id.clone(), pid }));
        let line = format!("exited: {} ({status}; not expected)", self.id.name);
        out.push(Self::log(LogLevel::Warn, line));
        if may_restart {
            self.back_off(failures, now, out);
        } else {
            self.enter(State::Fatal, out);
        }
    }

    fn exited(
        &mut self,
        pid: i32,
        status: ExitStatus,
        may_restart: bool,
        now: Now,
        out: &mut Vec<Step>,
    ) {
        let lived = match self.state {
            State::Running { since, .. } => now.monotonic - since,
            _ => Duration::ZERO,
        };
        let expected = self.expects(status);
        self.record.stop = now.wall;
        self.record.exit = Some(status);
        if !expected {
            self.record.spawn_error = Arc::from(format!("Bad exit code {}", status.code()));
        }
        out.push(Step::Do(Effect::Ended { process: self.id.clone(), pid }));
        self.enter(State::Exited { restart_at: None }, out);
        let (level, word) =
            if expected { (LogLevel::Info, "expected") } else { (LogLevel::Warn, "not expected") };
        out.push(Self::log(level, format!("exited: {} ({status}; {word})", self.id.name)));
        let again = match self.settings.autorestart {
            Autorestart::Always => true,
            Autorestart::Unexpected => !expected,
            Autorestart::Never => false,
        };
        if again && may_restart {
            self.restart(status, lived, now, out);
        }
    }

    /// Starts it again: at once, unless it has ended at once too often.
    fn restart(&mut self, status: ExitStatus, lived: Duration, now: Now, out: &mut Vec<Step>) {
        // SIGKILL is somebody's doing, not the program's: it says nothing of how it starts.
        let killed = matches!(status, ExitStatus::Signal { number: libc::SIGKILL, .. });
        if lived >= RESTART_SPACING {
            self.quick_restarts = 0;
        } else if !killed {
            self.quick_restarts = self.quick_restarts.saturating_add(1);
        }
        if self.quick_restarts <= QUICK_RESTARTS_MAX {
            self.spawn(Rest::Exited, false, 0, out);
            return;
        }
        if self.quick_restarts == QUICK_RESTARTS_MAX + 1 {
            let line = format!(
                "{} ends within {} second of each start: from now on it is started at most once \
                 in that time",
                self.id.name,
                RESTART_SPACING.as_secs()
            );
            out.push(Self::log(LogLevel::Warn, line));
        }
        let wait = RESTART_SPACING.saturating_sub(lived);
        self.state = State::Exited { restart_at: Some(now.monotonic + wait) };
    }

    fn expects(&self, status: ExitStatus) -> bool {
        self.settings.exitcodes.contains(&status.code())
    }
}
