//! The children of the fake world: how they are born, what they say, leave behind and end by.

use std::time::Duration;

use supervisord::config::ProcessKind;
use supervisord::core::Event;
use supervisord::core::event::{SpawnFailure, SpawnFailureKind};
use supervisord::core::notification::Notification;
use supervisord::core::state::State;
use supervisord::core::transition::{KILL_WAIT, QUICK_RESTARTS_MAX};
use supervisord::model::{ExitStatus, Instant, ProcessId, Signal, SupervisorState};

use crate::listeners::Face;
use crate::world::World;

/// A child process of the fake world.
pub struct Child {
    pub process: ProcessId,
    /// When it ends by itself, if ever.
    pub ends_at: Option<Instant>,
    /// How it takes the stop signal.
    pub manners: Manners,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Manners {
    /// Ends soon after the stop signal.
    Polite,
    /// Ends only by SIGKILL.
    Stubborn,
    /// Is stuck in the kernel: not even SIGKILL ends it in time.
    Stuck,
}

/// What a child left behind in its process's control group.
pub struct Leftover {
    /// When it ends by itself, if ever.
    pub ends_at: Option<Instant>,
    /// How it takes the stop signal.
    pub manners: Manners,
    /// Whether the supervisor waits to hear that it is gone.
    pub watched: bool,
    /// Whether it was sent SIGKILL.
    pub killed: bool,
}

impl World {
    pub fn child_ends_by_itself(&mut self) {
        let pids: Vec<i32> = self.children.keys().copied().collect();
        if pids.is_empty() {
            return;
        }
        let pid = *self.random.pick(&pids);
        let status = ExitStatus::Code(self.random.below(3) as i32);
        self.end_child(pid, status);
    }

    pub fn end_child(&mut self, pid: i32, status: ExitStatus) {
        let Some(child) = self.children.remove(&pid) else { return };
        self.zombies.push_back((pid, status));
        if self.random.once_in(3) {
            let leftover =
                Leftover { ends_at: None, manners: child.manners, watched: false, killed: false };
            self.leftovers.entry(child.process).or_insert(leftover);
        }
    }

    /// A child says something, in season or not; some of it to a supervisor that has moved on.
    pub fn child_notifies(&mut self) {
        let pids: Vec<i32> = self.children.keys().copied().collect();
        if pids.is_empty() {
            return;
        }
        let pid = *self.random.pick(&pids);
        let Some(process) = self.children.get(&pid).map(|child| child.process.clone()) else {
            return;
        };
        let notifies = self.core.process(&process).is_some_and(|found| found.settings.notify);
        if !notifies {
            return;
        }
        let span = Duration::from_millis(self.random.below(3_000));
        let what = match self.random.below(12) {
            0..=4 => Notification::Ready,
            5..=6 => Notification::Alive,
            7 => Notification::Status(format!("said {}", self.random.below(3))),
            8 => Notification::Extend(span),
            9 => Notification::ReportEvery(span),
            10 if self.random.once_in(3) => Notification::Hung,
            10 => Notification::Reloading,
            _ => return self.hand_over(pid, process),
        };
        if let Notification::Extend(span) = what {
            let expectation = self.expectations.entry(process.clone()).or_default();
            expectation.extended_to = expectation.extended_to.max(self.now.monotonic + span);
        }
        self.feed(Event::Notified { process, pid, what });
    }

    /// Another process becomes the one that counts; the one that did ends unnoticed.
    pub fn hand_over(&mut self, pid: i32, process: ProcessId) {
        let counts = self.core.process(&process).and_then(|found| found.state().pid());
        if counts != Some(pid) {
            return;
        }
        let Some(child) = self.children.remove(&pid) else { return };
        self.next_pid += 1;
        let new = self.next_pid;
        self.children.insert(new, child);
        self.zombies.push_back((pid, ExitStatus::Code(0)));
        self.feed(Event::Notified { process, pid, what: Notification::MainPid(new) });
    }

    /// Leftovers whose time has come; the supervisor hears of those that it waits for.
    pub fn end_leftovers(&mut self) {
        let gone = |left: &Leftover, now| left.ends_at.is_some_and(|at| at <= now);
        let due: Vec<ProcessId> = self
            .leftovers
            .iter()
            .filter(|(_, left)| gone(left, self.now.monotonic))
            .map(|(process, _)| process.clone())
            .collect();
        for process in due {
            if self.leftovers.remove(&process).is_some_and(|left| left.watched) {
                self.feed(Event::Emptied { process });
            }
        }
    }

    pub fn reap(&mut self) {
        if let Some((pid, status)) = self.zombies.pop_front() {
            self.feed(Event::Exited { pid, status });
        }
    }

    pub fn zombies_of(&self, process: &ProcessId) -> bool {
        let pid = self.core.process(process).and_then(|process| process.state().pid());
        self.zombies.iter().any(|&(zombie, _)| Some(zombie) == pid)
    }

    pub fn spawn(&mut self, process: ProcessId) -> Event {
        let found = self.core.process(&process).expect("a spawn for a process of the fleet");
        let retries = found.settings.startretries;
        let is_listener = found.settings.kind == ProcessKind::Listener;
        let expectation = self.expectations.entry(process.clone()).or_default();
        expectation.tries += 1;
        // A request begins the count anew; the world cannot see it, so it counts by state.
        if matches!(found.state(), State::Spawning { failures: 0, .. }) {
            expectation.tries = 1;
        }
        assert!(expectation.tries <= retries + 1, "{process} is tried too often");
        assert!(found.quick_restarts() <= QUICK_RESTARTS_MAX * 200);
        let state = self.core.snapshot().state;
        assert_eq!(state, SupervisorState::Running, "{process} is started while ending");
        let twin = self.children.values().any(|child| child.process == process);
        assert!(!twin, "{process} would have two children");
        if self.random.once_in(6) {
            let kind = *self.random.pick(&[
                SpawnFailureKind::NoFile,
                SpawnFailureKind::NotExecutable,
                SpawnFailureKind::System,
            ]);
            let failure = SpawnFailure { kind, reason: "it is not to be had".into() };
            return Event::SpawnFailed { process, failure };
        }
        self.next_pid += 1;
        let pid = self.next_pid;
        let lifetime = Duration::from_millis(self.random.below(5_000));
        let manners = match self.random.below(40) {
            0 => Manners::Stuck,
            1..=10 => Manners::Stubborn,
            _ => Manners::Polite,
        };
        let child = Child {
            process: process.clone(),
            ends_at: self.random.once_in(2).then(|| self.now.monotonic + lifetime),
            manners,
        };
        self.children.insert(pid, child);
        self.faces.remove(&process);
        if is_listener {
            self.faces.insert(process.clone(), Face::default());
        }
        Event::Spawned { process, pid }
    }

    pub fn kill(&mut self, process: ProcessId, pid: i32, signal: Signal) -> Option<Event> {
        let alive = self.children.contains_key(&pid);
        let zombie = self.zombies.iter().any(|&(zombie, _)| zombie == pid);
        assert!(alive || zombie, "{signal} would go to {pid}, which is nobody of ours");
        let expectation = self.expectations.entry(process.clone()).or_default();
        match signal {
            Signal::KILL => {
                expectation.killed_at = Some(self.now.monotonic);
            }
            Signal::TERM | Signal::ABRT => {
                expectation.asked_at = Some(self.now.monotonic);
                expectation.killed_at = None;
            }
            _ => {}
        }
        if signal != Signal::KILL && self.random.once_in(100) {
            return Some(Event::SignalFailed { process, reason: "EPERM".into() });
        }
        let child = self.children.get_mut(&pid)?;
        assert_eq!(child.process, process, "a signal goes to another's child");
        let at = self.now.monotonic;
        let soon = at + Duration::from_millis(self.random.below(2_000));
        match (signal, child.manners) {
            (Signal::KILL, Manners::Stuck) => {
                let late = KILL_WAIT + Duration::from_secs(20);
                child.ends_at = Some(at + late);
            }
            (Signal::KILL, _) => child.ends_at = Some(at),
            (Signal::TERM | Signal::ABRT, Manners::Polite) => child.ends_at = Some(soon),
            _ => {}
        }
        None
    }

    /// Signals what is left of a process; says at once if nothing is.
    pub fn empty(&mut self, process: ProcessId, signal: Signal) -> Option<Event> {
        let twin = self.children.values().any(|child| child.process == process);
        assert!(!twin, "{process} is emptied while its child lives");
        let at = self.now.monotonic;
        let soon = at + Duration::from_millis(self.random.below(2_000));
        let Some(left) = self.leftovers.get_mut(&process) else {
            return Some(Event::Emptied { process });
        };
        left.watched = true;
        left.killed |= signal == Signal::KILL;
        if signal == Signal::KILL {
            let expectation = self.expectations.entry(process.clone()).or_default();
            expectation.killed_at.get_or_insert(at);
        }
        match (signal, left.manners) {
            (Signal::KILL, Manners::Stuck) => {
                left.ends_at = Some(at + KILL_WAIT + Duration::from_secs(20));
            }
            (Signal::KILL, _) => left.ends_at = Some(at),
            (Signal::TERM, Manners::Polite) => left.ends_at = Some(soon),
            _ => {}
        }
        None
    }

    pub fn stranger_ends(&mut self) {
        self.next_pid += 1;
        let pid = self.next_pid;
        self.feed(Event::Exited { pid, status: ExitStatus::Code(0) });
    }
}
