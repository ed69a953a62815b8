//! Changes as events of the reference's kind: a type and a payload text (Supervisor's manual,
//! "Event Types").

use std::collections::HashMap;

use crate::api::changes::Change;
use crate::model::notice::StateFacts;
use crate::model::{Notice, ProcessId, ProcessInfo, StateCode, SupervisorState};

/// How often each process has failed to start, in a row; the reference tells that with `tries`.
#[derive(Debug, Default)]
pub struct Tries {
    failed: HashMap<ProcessId, u32>,
}

impl Tries {
    /// Takes a change into account, in order, whether anybody wants events or not.
    pub fn count(&mut self, change: &Change) {
        match change {
            Change::ProcessChanged(before, after) => match after.state {
                StateCode::Backoff if before.state != StateCode::Backoff => {
                    *self.failed.entry(after.id.clone()).or_default() += 1;
                }
                StateCode::Backoff | StateCode::Starting => {}
                _ => {
                    self.failed.remove(&after.id);
                }
            },
            Change::ProcessRemoved(process) => {
                self.failed.remove(&process.id);
            }
            _ => {}
        }
    }

    fn of(&self, process: &ProcessId) -> u32 {
        self.failed.get(process).copied().unwrap_or(0)
    }
}

/// The event that a change is, if it is one.
pub fn event(change: &Change, tries: &Tries) -> Option<Notice> {
    match change {
        Change::GroupAdded(group) => Some(Notice::group_added(group)),
        Change::GroupRemoved(group) => Some(Notice::group_removed(group)),
        Change::ProcessChanged(before, after) if before.state != after.state => {
            Some(state_event(before, after, tries.of(&after.id)))
        }
        _ => None,
    }
}

/// The event of a supervisor that begins to stop.
pub fn supervisor_event(before: SupervisorState, after: SupervisorState) -> Option<Notice> {
    let stops = before == SupervisorState::Running && after < SupervisorState::Running;
    stops.then(Notice::stopping)
}

fn state_event(before: &ProcessInfo, after: &ProcessInfo, tries: u32) -> Notice {
    let ProcessInfo { id, state, .. } = after;
    // The last failure and the giving up are one turn: its way led through BACKOFF.
    let from = if *state == StateCode::Fatal { StateCode::Backoff } else { before.state };
    // One that has ended is told with the process id that it had.
    let pid = if after.pid == 0 { before.pid } else { after.pid };
    let facts = StateFacts { pid, tries, expected: after.spawn_error.is_empty() };
    Notice::state(id, from, *state, facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::fake::process;
    use std::sync::Arc;

    #[test]
    fn payloads_are_the_references() {
        let mut tries = Tries::default();
        let mut last = process("g:a", StateCode::Stopped);
        last.pid = 0;
        let mut check = |state: StateCode, error: &str, wanted: &str| {
            let mut next = process("g:a", state);
            next.spawn_error = error.into();
            let change = Change::ProcessChanged(Arc::new(last.clone()), Arc::new(next.clone()));
            tries.count(&change);
            let Notice { kind, payload } = event(&change, &tries).unwrap();
            let told = format!("{kind} {payload}");
            let (from, rest) = wanted.split_once('|').unwrap();
            let state = state.name();
            assert_eq!(
                told,
                format!("PROCESS_STATE_{state} processname:a groupname:g from_state:{from}{rest}")
            );
            last = next;
        };
        check(StateCode::Starting, "", "STOPPED| tries:0");
        check(StateCode::Backoff, "it died", "STARTING| tries:1");
        check(StateCode::Starting, "", "BACKOFF| tries:1");
        check(StateCode::Backoff, "it died", "STARTING| tries:2");
        check(StateCode::Starting, "", "BACKOFF| tries:2");
        check(StateCode::Fatal, "it died", "BACKOFF|");
        check(StateCode::Starting, "", "FATAL| tries:0");
        check(StateCode::Running, "", "STARTING| pid:7");
        check(StateCode::Exited, "", "RUNNING| expected:1 pid:7");
        check(StateCode::Starting, "", "EXITED| tries:0");
        check(StateCode::Running, "", "STARTING| pid:7");
        check(StateCode::Exited, "Bad exit code 3", "RUNNING| expected:0 pid:7");
        check(StateCode::Running, "", "EXITED| pid:7");
        check(StateCode::Stopping, "", "RUNNING| pid:7");
        check(StateCode::Stopped, "", "STOPPING| pid:7");
        check(StateCode::Unknown, "", "STOPPED|");
        assert!(tries.failed.is_empty());
    }

    #[test]
    fn the_end_is_told_once() {
        use SupervisorState::{Restarting, Running, Shutdown};
        assert!(supervisor_event(Running, Shutdown).is_some());
        assert!(supervisor_event(Running, Restarting).is_some());
        assert!(supervisor_event(Restarting, Shutdown).is_none());
        assert!(supervisor_event(Running, Running).is_none());
    }
}
