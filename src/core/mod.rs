//! The supervisor without a world: events in, effects out, time as an argument.
//!
//! **Invariant:** nothing here knows a file, a process, a socket, a clock or an async runtime; so
//! the whole supervisor runs in a simulation, and a bug is a list of events.
//! **Invariant:** a turn costs what changed, never the fleet: pids, deadlines and waiters are
//! indexed, and a snapshot shares what did not change.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use imbl::OrdMap;

use crate::config::setting::LogLevel;
use crate::config::{GroupSettings, ProcessKind, ProcessSettings};
use crate::model::{
    EventSet, GroupName, Instant, Notice, Now, ProcessFacts, ProcessId, Signal, Snapshot,
    SupervisorState,
};

mod command;
pub mod effect;
pub mod event;
pub mod group;
mod lifecycle;
pub mod listener;
pub mod notification;
pub mod process;
pub mod state;
mod telling;
#[cfg(test)]
mod tests;
pub mod transition;
mod waiter;

pub use effect::{Effect, Mood};
pub use event::{Command, Event, Reply, ReplyTo};
pub use group::LogNaming;
pub use waiter::STOP_REPORT_EVERY;

use group::Group;
use lifecycle::Course;
use listener::{Pools, Ticks};
use notification::Notification;
use process::Process;
use state::{AfterStop, State};
use transition::Input;
use waiter::Waiters;

/// Room that is kept for the effects of a turn. Past it, it is given back after the turn.
const EFFECTS_KEPT: usize = 64;

/// The supervisor.
#[derive(Debug)]
pub struct Supervisor {
    groups: BTreeMap<GroupName, Group>,
    /// Boxed, as a node that is split keeps room for as many again.
    processes: BTreeMap<ProcessId, Box<Process>>,
    by_pid: HashMap<i32, ProcessId>,
    deadlines: BTreeSet<(Instant, ProcessId)>,
    waiters: Waiters,
    course: Course,
    /// The configuration last read, which `AddGroup` takes from.
    latest: Vec<Arc<GroupSettings>>,
    naming: LogNaming,
    pools: Pools,
    ticks: Ticks,
    /// Whether programs may start by themselves yet.
    ready: bool,
    /// Counts groups and processes made; orders those of one priority.
    made: u64,
    effects: VecDeque<Effect>,
    snapshot: Snapshot,
    changed: bool,
}

impl Supervisor {
    /// A supervisor of these groups. Nothing starts before [`Event::Ready`].
    #[must_use]
    pub fn new(groups: Vec<Arc<GroupSettings>>, naming: LogNaming) -> Self {
        let pools = Pools::new(naming.identifier.clone());
        let mut supervisor = Self {
            groups: BTreeMap::new(),
            processes: BTreeMap::new(),
            by_pid: HashMap::new(),
            deadlines: BTreeSet::new(),
            waiters: Waiters::default(),
            course: Course::Steady,
            latest: Vec::new(),
            naming,
            pools,
            ticks: Ticks::default(),
            ready: false,
            made: 0,
            effects: VecDeque::new(),
            snapshot: Snapshot {
                generation: 0,
                state: SupervisorState::Running,
                processes: OrdMap::new(),
                groups: OrdMap::new(),
            },
            changed: false,
        };
        for group in &groups {
            supervisor.add_group(group);
        }
        supervisor.latest = groups;
        supervisor
    }

    /// Takes in what happened. What is to be done about it waits in [`Self::next_effect`].
    pub fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Command { command, reply_to } => self.command(command, reply_to, now),
            Event::Spawned { process, pid } => {
                self.by_pid.insert(pid, process.clone());
                self.apply(&process, Input::Spawned(pid), now);
            }
            Event::SpawnFailed { process, failure } => {
                self.apply(&process, Input::SpawnFailed(failure), now);
            }
            Event::Exited { pid, status } => match self.by_pid.remove(&pid) {
                Some(process) if self.pid_of(&process) == Some(pid) => {
                    let may_restart = self.may_restart(&process);
                    self.apply(&process, Input::Ended { status, may_restart }, now);
                }
                // Orphans of programs come to the daemon as their subreaper: no news for a person.
                _ => self.log(LogLevel::Debug, format!("reaped unknown pid {pid} ({status})")),
            },
            Event::OutOfMemory { process } => {
                if let Some(process) = self.processes.get_mut(&process) {
                    process.record.out_of_memory = true;
                }
            }
            Event::Emptied { process } => {
                let may_restart = self.may_restart(&process);
                self.apply(&process, Input::Emptied { may_restart }, now);
            }
            Event::Notified { process, pid, what } => {
                // What an earlier child said is no longer of interest.
                if self.pid_of(&process) == Some(pid) {
                    if let Notification::MainPid(new) = what {
                        self.by_pid.insert(new, process.clone());
                    }
                    self.apply(&process, Input::Notified(what), now);
                }
            }
            Event::SignalFailed { process, reason } => {
                self.apply(&process, Input::SignalFailed(reason), now);
            }
            Event::DeadlineReached => self.deadline_reached(now),
            Event::ListenerSaid { process, bytes } => {
                self.with_pools(|pools, reach| pools.said(&process, &bytes, reach));
            }
            Event::Undelivered { process } => {
                self.with_pools(|pools, reach| pools.undelivered(&process, reach));
            }
            Event::Told(notice) => self.notify(notice),
            Event::Ready => {
                self.ready = true;
                self.notify(Notice::running());
                let everyone = self.start_order();
                self.autostart(everyone, now);
            }
            Event::Signalled(signal) => self.signalled(signal, now),
        }
        let wanted = if self.course.is_finished() { EventSet::NONE } else { self.pools.wanted() };
        self.ticks.arrange(wanted, now);
        if self.changed {
            self.snapshot.generation += 1;
            self.changed = false;
        }
    }

    /// The next thing to be done, in order; `None` when the turn is over.
    pub fn next_effect(&mut self) -> Option<Effect> {
        let next = self.effects.pop_front();
        if next.is_none() {
            // The turns that concern everybody are few, and room for them is not kept.
            self.effects.shrink_to(EFFECTS_KEPT);
        }
        next
    }

    /// When [`Event::DeadlineReached`] is due, if ever.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let process = self.deadlines.first().map(|&(at, _)| at);
        let others = [self.waiters.deadline(), self.course.deadline(), self.ticks.deadline()];
        process.into_iter().chain(others.into_iter().flatten()).min()
    }

    /// The fleet as it is now.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The active groups' settings, in starting order.
    #[must_use]
    pub fn active_groups(&self) -> Vec<Arc<GroupSettings>> {
        let mut groups: Vec<&Group> = self.groups.values().collect();
        groups.sort_by_key(|group| group.rank());
        groups.into_iter().map(|group| Arc::clone(&group.settings)).collect()
    }

    /// One process; for tests of the invariants.
    #[must_use]
    pub fn process(&self, id: &ProcessId) -> Option<&Process> {
        self.processes.get(id).map(Box::as_ref)
    }

    /// Whose child this is, if it is the one that counts.
    #[must_use]
    pub fn process_of(&self, pid: i32) -> Option<&Process> {
        let process = self.processes.get(self.by_pid.get(&pid)?)?;
        (process.state().pid() == Some(pid)).then_some(process)
    }

    /// Every process in starting order: by priority of the group, then its own.
    fn start_order(&self) -> Vec<ProcessId> {
        let mut groups: Vec<&Group> = self.groups.values().collect();
        groups.sort_by_key(|group| group.rank());
        groups.into_iter().flat_map(|group| self.members(&group.settings.name)).collect()
    }

    /// A group's processes in starting order; those it no longer lists but that still have a
    /// child are among them.
    fn members(&self, group: &GroupName) -> Vec<ProcessId> {
        let first = ProcessId::new(group.clone(), "");
        let mut members: Vec<&Process> = self
            .processes
            .range(first..)
            .map(|(_, process)| process.as_ref())
            .take_while(|process| process.id.group == *group)
            .collect();
        members.sort_by_key(|process| process.rank());
        members.into_iter().map(|process| process.id.clone()).collect()
    }

    fn next_sequence(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Feeds one process one input and sees to everything that follows from it.
    fn apply(&mut self, id: &ProcessId, input: Input, now: Now) {
        let Some(process) = self.processes.get_mut(id) else {
            return;
        };
        let deadline_before = process.state.deadline();
        let steps = process.transition(input, now);
        let deadline = process.state.deadline();
        if deadline != deadline_before {
            if let Some(at) = deadline_before {
                self.deadlines.remove(&(at, id.clone()));
            }
            if let Some(at) = deadline {
                self.deadlines.insert((at, id.clone()));
            }
        }
        if steps.is_empty() {
            return;
        }
        self.snapshot.processes.insert(id.clone(), Arc::new(process.info()));
        self.changed = true;
        let notices = process.tell(&steps, self.pools.wanted());
        let is_listener = process.settings.kind == ProcessKind::Listener;
        for step in &steps {
            match step {
                // Behind a spawn it could come too late, and meet a successor.
                process::Step::Do(sweep @ Effect::Sweep { .. }) => {
                    self.effects.push_front(sweep.clone());
                }
                process::Step::Do(effect) => self.effects.push_back(effect.clone()),
                _ => {}
            }
        }
        self.waiters.resolve(process, &steps, &mut self.effects);
        for notice in notices {
            self.notify(notice);
        }
        if is_listener {
            self.listener_moved(id, &steps);
        }
        self.moved(id, now);
    }

    fn deadline_reached(&mut self, now: Now) {
        // Each once a turn: a state may be followed by one that is due at the same moment.
        let mut due = Vec::new();
        while self.deadlines.first().is_some_and(|&(at, _)| at <= now.monotonic) {
            due.extend(self.deadlines.pop_first());
        }
        for (_, id) in due {
            self.apply(&id, Input::Deadline, now);
            if let Some(at) = self.processes.get(&id).and_then(|found| found.state().deadline()) {
                self.deadlines.insert((at, id));
            }
        }
        for tick in self.ticks.due(now) {
            self.notify(tick);
        }
        self.waiters.report(now.monotonic, &mut self.effects);
        self.report_course(now);
    }

    fn signalled(&mut self, signal: Signal, now: Now) {
        match signal.number() {
            libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => {
                self.log(LogLevel::Warn, format!("received {signal} indicating exit request"));
                self.end(Mood::Shutdown, now);
            }
            libc::SIGHUP if self.snapshot.state == SupervisorState::Shutdown => {
                let line =
                    format!("ignored {signal} indicating restart request (shutdown in progress)");
                self.log(LogLevel::Warn, line);
            }
            libc::SIGHUP => {
                self.log(LogLevel::Warn, format!("received {signal} indicating restart request"));
                self.end(Mood::Restart, now);
            }
            libc::SIGUSR2 => {
                self.log(
                    LogLevel::Info,
                    format!("received {signal} indicating log reopen request"),
                );
                self.effects.push_back(Effect::ReopenLogs);
            }
            libc::SIGCHLD => {
                self.log(LogLevel::Debug, format!("received {signal} indicating a child quit"));
            }
            _ => self.log(LogLevel::Blather, format!("received {signal} indicating nothing")),
        }
    }

    fn autostart(&mut self, order: Vec<ProcessId>, now: Now) {
        for id in order {
            let wanted = self.processes.get(&id).is_some_and(|process| {
                process.settings.autostart
                    && *process.state() == State::Stopped { by_request: false }
            });
            if wanted && self.ready && !self.course.is_ending() {
                self.apply(&id, Input::Start { by_request: false }, now);
            }
        }
    }

    fn stop(&mut self, id: &ProcessId, now: Now) {
        self.apply(id, Input::Stop { then: AfterStop::Rest }, now);
    }

    fn may_restart(&self, process: &ProcessId) -> bool {
        !self.course.is_ending() && !self.course.is_leaving(process)
    }

    fn pid_of(&self, id: &ProcessId) -> Option<i32> {
        self.processes.get(id).and_then(|process| process.state().pid())
    }

    fn log(&mut self, level: LogLevel, line: String) {
        self.effects.push_back(Effect::Log { level, line });
    }

    fn add_group(&mut self, settings: &Arc<GroupSettings>) {
        let sequence = self.next_sequence();
        let name = settings.name.clone();
        self.groups.insert(name.clone(), Group { settings: Arc::clone(settings), sequence });
        self.show_group(settings);
        for member in &settings.processes {
            self.add_process(ProcessId::new(name.clone(), member.name.clone()), member);
        }
        self.notify(Notice::group_added(&name));
    }

    fn add_process(&mut self, id: ProcessId, settings: &Arc<ProcessSettings>) {
        let facts: Arc<ProcessFacts> = Arc::new(self.naming.facts(&id, settings));
        let sequence = self.next_sequence();
        let process = Process::new(id.clone(), Arc::clone(settings), Arc::clone(&facts), sequence);
        self.snapshot.processes.insert(id.clone(), Arc::new(process.info()));
        self.processes.insert(id.clone(), Box::new(process));
        self.pools.join(&id);
        let settings = Arc::clone(settings);
        self.effects.push_back(Effect::ProcessAdded { process: id, settings, facts });
        self.changed = true;
    }

    fn remove_group(&mut self, name: &GroupName) {
        for id in self.members(name) {
            self.remove_process(&id);
        }
        self.groups.remove(name);
        self.snapshot.groups.remove(name);
        self.changed = true;
        self.with_pools(|pools, reach| pools.remove(name, reach));
        self.notify(Notice::group_removed(name));
    }

    fn remove_process(&mut self, id: &ProcessId) {
        let Some(process) = self.processes.remove(id) else {
            return;
        };
        if let Some(at) = process.state.deadline() {
            self.deadlines.remove(&(at, id.clone()));
        }
        self.snapshot.processes.remove(id);
        self.changed = true;
        self.with_pools(|pools, reach| pools.leave(id, reach));
        let gone = crate::model::Error::new(crate::model::ErrorKind::BadName, id.to_string());
        self.waiters.dismiss(Some(id), &gone, &mut self.effects);
        self.effects.push_back(Effect::ProcessRemoved { process: id.clone() });
    }
}
