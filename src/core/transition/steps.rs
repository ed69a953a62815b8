//! What the law's answers consist of.

use std::sync::Arc;
use std::time::Duration;

use super::{QUICK_RESTARTS_MAX, RESTART_SPACING};
use crate::config::setting::{Autorestart, LogLevel};
use crate::core::effect::Effect;
use crate::core::event::SpawnFailure;
use crate::core::process::{Announced, Process, Step};
use crate::core::state::{AfterStop, Rest, Settles, State, StopPhase};
use crate::model::{Cause, ExitStatus, Instant, Now, Signal};

impl Process {
    pub(super) fn enter(&mut self, state: State, out: &mut Vec<Step>) {
        self.state = state;
        out.push(Step::Entered(self.state.code()));
    }

    pub(super) fn spawn(
        &mut self,
        rest: Rest,
        by_request: bool,
        failures: u32,
        out: &mut Vec<Step>,
    ) {
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
    pub(super) fn begin_record(&mut self, now: Now) {
        self.record.start = now.wall;
        self.record.spawn_error = Arc::default();
        self.record.exit = None;
        self.record.last_exit = None;
        self.record.out_of_memory = false;
        self.record.status_text = Arc::default();
        self.record.announced = Announced::default();
        self.report_every = self.settings.watchdogsecs;
    }

    pub(super) fn spawned(
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
            self.state = State::Running { pid, since, report_by: None };
            self.stop(pid, then, now, out);
            return;
        }
        let settles = if self.settings.notify {
            let by = (!self.startsecs().is_zero()).then(|| since + self.startsecs());
            Settles::WhenReady { by }
        } else if self.startsecs().is_zero() {
            return self.settle(pid, since, now, out);
        } else {
            Settles::At(since + self.startsecs())
        };
        // No passage: to the outside it has been STARTING since it was asked for.
        self.state = State::Starting { pid, since, settles, failures };
    }

    pub(super) fn settle(&mut self, pid: i32, since: Instant, now: Now, out: &mut Vec<Step>) {
        self.enter(State::Running { pid, since, report_by: self.report_by(now) }, out);
        let name = &self.id.name;
        out.push(Self::log(
            LogLevel::Info,
            if self.settings.notify {
                format!("success: {name} entered RUNNING state, process has said that it is ready")
            } else {
                format!(
                    "success: {name} entered RUNNING state, process has stayed up for > than {} \
                     seconds (startsecs)",
                    self.startsecs().as_secs()
                )
            },
        ));
    }

    /// When the child must have reported next.
    pub(super) fn report_by(&self, now: Now) -> Option<Instant> {
        (!self.report_every.is_zero()).then(|| now.monotonic + self.report_every)
    }

    /// `startsecs` are over, and it has not said that it is ready.
    pub(super) fn not_ready(&mut self, pid: i32, failures: u32, now: Now, out: &mut Vec<Step>) {
        let (name, seconds) = (&self.id.name, self.startsecs().as_secs());
        let line = format!(
            "{name} has not said within {seconds} seconds (startsecs) that it is ready (READY=1): \
             ending it"
        );
        out.push(Self::log(LogLevel::Warn, line));
        self.stop(pid, AfterStop::Retry { failures }, now, out);
    }

    /// It does not report any more: it is given the chance to leave a core file.
    pub(super) fn hung(&mut self, pid: i32, now: Now, out: &mut Vec<Step>) {
        let (name, every) = (&self.id.name, self.report_every.as_secs_f64());
        let line = format!(
            "{name} has not reported for {every} seconds (WATCHDOG=1): ending it with SIGABRT"
        );
        out.push(Self::log(LogLevel::Warn, line));
        self.stop_with(Signal::ABRT, pid, AfterStop::Revive, now, out);
    }

    /// A start that a person asked for, of a program that is not there: as if never asked.
    pub(super) fn refuse(&mut self, rest: Rest, failure: SpawnFailure, out: &mut Vec<Step>) {
        let state = match rest {
            Rest::Stopped { by_request } => State::Stopped { by_request },
            Rest::Exited => State::Exited { restart_at: None },
            Rest::Fatal => State::Fatal,
        };
        out.push(Step::Refused(failure));
        self.enter(state, out);
    }

    pub(super) fn back_off(&mut self, failures: u32, now: Now, out: &mut Vec<Step>) {
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

    pub(super) fn stop(&mut self, pid: i32, then: AfterStop, now: Now, out: &mut Vec<Step>) {
        self.stop_with(self.settings.stopsignal, pid, then, now, out);
    }

    fn stop_with(
        &mut self,
        signal: Signal,
        pid: i32,
        then: AfterStop,
        now: Now,
        out: &mut Vec<Step>,
    ) {
        let at = now.monotonic;
        let phase = StopPhase::Asked { at, kill_at: at + self.settings.stopwaitsecs };
        self.record.cause = match then {
            AfterStop::Rest | AfterStop::Start => Cause::Requested,
            AfterStop::Retry { .. } => Cause::NotReady(self.startsecs()),
            AfterStop::Revive => Cause::Silent(self.report_every),
        };
        self.enter(State::Stopping { pid, phase, then }, out);
        self.kill(pid, signal, self.settings.stopasgroup, out);
    }

    pub(super) fn kill(&self, pid: i32, signal: Signal, group: bool, out: &mut Vec<Step>) {
        let name = &self.id.name;
        let whom = if group { "process group " } else { "" };
        let line = format!("killing {name} (pid {pid}) {whom}with signal {signal}");
        out.push(Self::log(LogLevel::Debug, line));
        out.push(Step::Do(Effect::Kill { process: self.id.clone(), pid, signal, group }));
    }

    pub(super) fn start_again(&mut self, then: AfterStop, out: &mut Vec<Step>) {
        if then == AfterStop::Start {
            self.spawn(Rest::Stopped { by_request: true }, true, 0, out);
        }
    }

    /// The child has ended because it was told to; what it left is to end, too.
    #[allow(clippy::too_many_arguments, reason = "the state and the input, taken apart")]
    pub(super) fn ended_when_told(
        &mut self,
        pid: i32,
        status: ExitStatus,
        phase: StopPhase,
        then: AfterStop,
        may_restart: bool,
        now: Now,
        out: &mut Vec<Step>,
    ) {
        self.end_record(pid, status, now, out);
        if self.facts.control_group.is_empty() {
            self.over(status, then, may_restart, now, out);
        } else {
            self.empty(status, phase, then, out);
        }
    }

    /// Ends what is left in its control group: as its child was asked to, or by SIGKILL.
    pub(super) fn empty(
        &mut self,
        status: ExitStatus,
        phase: StopPhase,
        then: AfterStop,
        out: &mut Vec<Step>,
    ) {
        let signal = match phase {
            StopPhase::Asked { .. } => self.settings.stopsignal,
            StopPhase::Killed { .. } => Signal::KILL,
        };
        self.state = State::Emptying { status, phase, then };
        out.push(Step::Changed);
        out.push(Step::Do(Effect::Empty { process: self.id.clone(), signal }));
    }

    /// A stop is over: nothing of it runs.
    pub(super) fn over(
        &mut self,
        status: ExitStatus,
        then: AfterStop,
        may_restart: bool,
        now: Now,
        out: &mut Vec<Step>,
    ) {
        match then {
            AfterStop::Rest | AfterStop::Start => {
                self.stopped(status, out);
                self.start_again(then, out);
            }
            AfterStop::Retry { failures } => {
                let seconds = self.startsecs().as_secs();
                let error = format!("Not ready within {seconds} seconds (startsecs)");
                self.record.cause = Cause::NotReady(self.startsecs());
                self.failed(&error, status, failures, may_restart, now, out);
            }
            AfterStop::Revive => {
                self.record.spawn_error = Arc::from("Stopped reporting (watchdogsecs)");
                self.record.cause = Cause::Silent(self.report_every);
                self.enter(State::Exited { restart_at: None }, out);
                let line = format!("exited: {} ({status}; not expected)", self.id.name);
                out.push(Self::log(LogLevel::Warn, line));
                if may_restart && self.settings.autorestart != Autorestart::Never {
                    // It has run for as long as it reported: nothing it did at once.
                    self.restart(status, RESTART_SPACING, now, out);
                }
            }
        }
    }

    /// The child is gone. What it left in its pipes is taken.
    pub(super) fn end_record(
        &mut self,
        pid: i32,
        status: ExitStatus,
        now: Now,
        out: &mut Vec<Step>,
    ) {
        self.record.stop = now.wall;
        self.record.exit = Some(status);
        self.record.last_exit = Some(status);
        self.record.status_text = Arc::default();
        self.record.announced = Announced::default();
        out.push(Step::Do(Effect::Ended { process: self.id.clone(), pid }));
    }

    /// A stop finds no child. What earlier ones may have left behind is nothing that anybody waits
    /// for, and goes at once.
    pub(super) fn rest(&mut self, out: &mut Vec<Step>) {
        self.record.cause = Cause::Requested;
        self.enter(State::Stopped { by_request: true }, out);
        self.sweep(out);
    }

    pub(super) fn sweep(&self, out: &mut Vec<Step>) {
        if !self.facts.control_group.is_empty() {
            out.push(Step::Do(Effect::Sweep { process: self.id.clone() }));
        }
    }

    pub(super) fn stopped(&mut self, status: ExitStatus, out: &mut Vec<Step>) {
        if !matches!(self.record.cause, Cause::Killed { .. }) {
            self.record.cause = Cause::Requested;
        }
        self.enter(State::Stopped { by_request: true }, out);
        let level = if self.expects(status) { LogLevel::Info } else { LogLevel::Warn };
        out.push(Self::log(level, format!("stopped: {} ({status})", self.id.name)));
    }

    pub(super) fn ended_too_quickly(
        &mut self,
        pid: i32,
        status: ExitStatus,
        failures: u32,
        may_restart: bool,
        now: Now,
        out: &mut Vec<Step>,
    ) {
        self.end_record(pid, status, now, out);
        self.record.cause = self.own_end();
        let error = "Exited too quickly (process log may have details)";
        self.failed(error, status, failures, may_restart, now, out);
    }

    /// A start has come to nothing, and may be tried again.
    fn failed(
        &mut self,
        error: &str,
        status: ExitStatus,
        failures: u32,
        may_restart: bool,
        now: Now,
        out: &mut Vec<Step>,
    ) {
        self.record.exit = None;
        self.record.spawn_error = Arc::from(error);
        let line = format!("exited: {} ({status}; not expected)", self.id.name);
        out.push(Self::log(LogLevel::Warn, line));
        if may_restart {
            self.back_off(failures, now, out);
        } else {
            self.enter(State::Fatal, out);
        }
    }

    pub(super) fn exited(
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
        self.end_record(pid, status, now, out);
        self.record.cause = self.own_end();
        if !expected {
            self.record.spawn_error = Arc::from(format!("Bad exit code {}", status.code()));
        }
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

    /// Nobody asked for its end.
    fn own_end(&self) -> Cause {
        if self.record.out_of_memory { Cause::OutOfMemory } else { Cause::Ended }
    }

    fn expects(&self, status: ExitStatus) -> bool {
        self.settings.exitcodes.contains(&status.code())
    }
}
