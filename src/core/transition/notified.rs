//! What a program may say of itself, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use super::EXTENSION_MAX;
use crate::core::notification::Notification;
use crate::core::process::{Announced, Process, Step};
use crate::core::state::{Settles, State, StopPhase};
use crate::model::{Instant, Now};

impl Process {
    /// Its child said this. What does not fit the state it is in changes nothing.
    pub(super) fn notified(&mut self, what: Notification, now: Now, out: &mut Vec<Step>) {
        if self.state.pid().is_none() {
            return;
        }
        match what {
            Notification::Ready => self.ready(now, out),
            Notification::Reloading => self.announce(Announced::Reloading, out),
            Notification::Stopping => self.announce(Announced::Stopping, out),
            Notification::Status(text) => {
                if *self.record.status_text != *text {
                    self.record.status_text = Arc::from(text);
                    out.push(Step::Changed);
                }
            }
            Notification::MainPid(pid) => self.replace_child(pid, out),
            Notification::Alive => self.reported(now),
            Notification::Hung => {
                if let State::Running { pid, .. } = self.state {
                    self.hung(pid, now, out);
                }
            }
            Notification::ReportEvery(every) => {
                self.report_every = every;
                self.reported(now);
            }
            Notification::Extend(by) => self.extend(by, now),
        }
    }

    fn ready(&mut self, now: Now, out: &mut Vec<Step>) {
        if let State::Starting { pid, since, settles: Settles::WhenReady { .. }, .. } = self.state {
            self.settle(pid, since, now, out);
        }
        // The end of a reload, too.
        self.announce(Announced::Work, out);
    }

    fn announce(&mut self, about: Announced, out: &mut Vec<Step>) {
        if self.record.announced != about {
            self.record.announced = about;
            out.push(Step::Changed);
        }
    }

    fn replace_child(&mut self, new: i32, out: &mut Vec<Step>) {
        let (State::Starting { pid, .. }
        | State::Running { pid, .. }
        | State::Stopping { pid, .. }
        | State::Unknown { pid }) = &mut self.state
        else {
            return;
        };
        if *pid != new {
            *pid = new;
            out.push(Step::Changed);
        }
    }

    fn reported(&mut self, now: Now) {
        let next = self.report_by(now);
        if let State::Running { report_by, .. } = &mut self.state {
            *report_by = next;
        }
    }

    /// It takes longer: what it is about may last at least so long from now.
    fn extend(&mut self, by: Duration, now: Now) {
        let (startsecs, stopwaitsecs) = (self.startsecs(), self.settings.stopwaitsecs);
        let later = |due: &mut Instant, begun: Instant, usual: Duration| {
            let latest = begun + usual + EXTENSION_MAX;
            *due = (*due).max((now.monotonic + by).min(latest));
        };
        match &mut self.state {
            State::Starting { since, settles: Settles::WhenReady { by: Some(due) }, .. } => {
                later(due, *since, startsecs);
            }
            State::Stopping { phase: StopPhase::Asked { at, kill_at }, .. } => {
                later(kill_at, *at, stopwaitsecs);
            }
            State::Running { report_by: Some(due), .. } => {
                later(due, now.monotonic, Duration::ZERO);
            }
            _ => {}
        }
    }
}
