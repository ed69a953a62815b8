//! What events tell of a process's life.
//!
//! A start is told once it is known that something was tried: one that is refused, because the
//! program is not there, leaves no trace here either.

use std::sync::Arc;

use super::Supervisor;
use super::effect::Effect;
use super::listener::{ListenerState, Pools, Reach, Tally};
use super::process::{Process, Step};
use super::state::State;
use crate::config::{GroupKind, GroupSettings};
use crate::model::notice::StateFacts;
use crate::model::snapshot::GroupInfo;
use crate::model::{EventSet, GroupName, Notice, ProcessId, StateCode};

/// What events have told of a process last.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    state: StateCode,
    /// The child it has, or has had; 0 since its end was told.
    pid: i32,
}

impl Default for Told {
    fn default() -> Self {
        Self { state: StateCode::Stopped, pid: 0 }
    }
}

impl Process {
    /// The events that these steps are, if anybody wants them.
    pub(super) fn tell(&mut self, steps: &[Step], wanted: EventSet) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(pid) = self.state.pid() {
            self.told.pid = pid;
        }
        for step in steps {
            match step {
                Step::Spawned => self.tell_state(StateCode::Starting, wanted, &mut notices),
                // Until it is known what came of it.
                Step::Entered(StateCode::Starting) => {}
                Step::Entered(code) => {
                    if *code == StateCode::Backoff {
                        self.tell_state(StateCode::Starting, wanted, &mut notices);
                    }
                    self.tell_state(*code, wanted, &mut notices);
                    let gone =
                        matches!(code, StateCode::Stopped | StateCode::Exited | StateCode::Backoff);
                    if gone && !matches!(self.state, State::Unknown { .. }) {
                        self.told.pid = 0;
                    }
                }
                Step::Refused(_) | Step::Changed | Step::Do(_) => {}
            }
        }
        notices
    }

    fn tell_state(&mut self, to: StateCode, wanted: EventSet, notices: &mut Vec<Notice>) {
        let from = std::mem::replace(&mut self.told.state, to);
        // Most daemons have no listener at all.
        if from == to || wanted == EventSet::NONE {
            return;
        }
        let tries = match to {
            StateCode::Starting => self.record.tries.saturating_sub(1),
            _ => self.record.tries,
        };
        let expected = self.record.spawn_error.is_empty();
        let notice =
            Notice::state(&self.id, from, to, StateFacts { pid: self.told.pid, tries, expected });
        if wanted.wants(notice.kind) {
            notices.push(notice);
        }
    }
}

impl Supervisor {
    /// Tells whoever subscribed that something happened.
    pub(super) fn notify(&mut self, notice: Notice) {
        self.with_pools(|pools, reach| pools.notify(notice, reach));
    }

    /// Lets the pools act, and shows what they have dropped.
    pub(super) fn with_pools(&mut self, act: impl FnOnce(&mut Pools, &mut Reach<'_>)) {
        let Self { pools, processes, effects, .. } = self;
        let runs = |id: &ProcessId| {
            processes.get(id).is_some_and(|process| process.state.code() == StateCode::Running)
        };
        act(pools, &mut Reach { runs: &runs, out: effects });
        for name in pools.take_dropped() {
            if let Some(group) = self.groups.get(&name) {
                let settings = Arc::clone(&group.settings);
                self.show_group(&settings);
            }
        }
    }

    /// Shows a group as it is, and lets its pool, if it is one, be as it should be.
    pub(super) fn show_group(&mut self, settings: &GroupSettings) {
        let GroupSettings { name, priority, kind, .. } = settings;
        self.with_pools(|pools, reach| match *kind {
            GroupKind::EventListener(pool) => pools.set(name, pool, reach),
            GroupKind::Program | GroupKind::Group | GroupKind::FastCgi => pools.remove(name, reach),
        });
        let events_dropped = self.pools.tally(name).map(|tally| tally.dropped);
        let info = GroupInfo { priority: *priority, events_dropped };
        self.snapshot.groups.insert(name.clone(), info);
        self.changed = true;
    }

    /// A listener's process went through these steps.
    pub(super) fn listener_moved(&mut self, id: &ProcessId, steps: &[Step]) {
        self.with_pools(|pools, reach| {
            for step in steps {
                match step {
                    Step::Spawned => pools.started(id, reach),
                    Step::Entered(StateCode::Running) => pools.runs(id, reach),
                    Step::Do(Effect::Ended { .. }) => pools.ended(id, reach),
                    _ => {}
                }
            }
        });
    }

    /// What became of the events of a pool, if the group is one.
    #[must_use]
    pub fn tally(&self, group: &GroupName) -> Option<Tally> {
        self.pools.tally(group)
    }

    /// Where a listener stands; for tests of the invariants.
    #[must_use]
    pub fn listener(&self, id: &ProcessId) -> Option<&ListenerState> {
        self.pools.listener(id)
    }
}
