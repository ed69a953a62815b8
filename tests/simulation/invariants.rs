//! What holds after every turn, whatever happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use supervisord::config::GroupSettings;
use supervisord::core::Command;
use supervisord::core::process::Process;
use supervisord::core::state::{Settles, State, StopPhase};
use supervisord::core::transition::{EXTENSION_MAX, KILL_WAIT};
use supervisord::model::{ProcessId, StateCode, SupervisorState, WallTime};

use crate::world::{PATIENCE, World};

impl World {
    pub fn check(&self) {
        let mut owners = BTreeSet::new();
        for child in self.children.values() {
            assert!(owners.insert(&child.process), "two children of {:?}", child.process);
        }
        let snapshot = self.core.snapshot();
        for (id, info) in &snapshot.processes {
            let process = self.core.process(id).expect("a snapshot shows only what there is");
            let state = process.state();
            assert!(!matches!(state, State::Spawning { .. }), "{id}: a spawn was not answered");
            assert_eq!(info.state, state.code(), "{id}: the snapshot is stale");
            assert_eq!(**info, process.info(), "{id}: the snapshot is stale");
            if let Some(&(at, last)) = info.past.changes().last() {
                assert_eq!((at, last), (info.changed, info.state), "{id}: its past ends elsewhere");
            }
            let waits =
                matches!(state, State::Backoff { .. } | State::Exited { restart_at: Some(_) });
            assert_eq!(info.retry_at != WallTime::NEVER, waits, "{id}: {state:?}");
            match state.pid() {
                Some(pid) => {
                    let ours = self.children.get(&pid).is_some_and(|child| child.process == *id);
                    let zombie = self.zombies.iter().any(|&(zombie, _)| zombie == pid);
                    assert!(ours || zombie, "{id}: {pid} is not its child");
                }
                None => assert!(!owners.contains(id), "{id}: in {state:?} with a child"),
            }
            if *state == (State::Stopped { by_request: true })
                && !process.facts.control_group.is_empty()
            {
                let left = self.leftovers.get(id);
                assert!(left.is_none_or(|left| left.killed), "{id}: stopped, and not all of it");
            }
            self.check_stop(id, state, process.settings.stopwaitsecs);
        }
        self.check_waits();
        self.check_pools();
        if snapshot.state == SupervisorState::Running {
            let endless = snapshot.processes.keys().any(|id| self.has_no_limit(id));
            // Whoever waits for one that may take as long as it likes to be ready waits as long.
            for (reply, (asked_at, command)) in self.asked.iter().filter(|_| !endless) {
                let waited = self.now.monotonic - *asked_at;
                assert!(waited < PATIENCE, "{reply:?} {command:?} waits for ever");
            }
        }
    }

    /// Whether a process may be STARTING for ever.
    fn has_no_limit(&self, id: &ProcessId) -> bool {
        let state = self.core.process(id).map(Process::state);
        matches!(state, Some(State::Starting { settles: Settles::WhenReady { by: None }, .. }))
    }

    /// Whoever waits for a process waits for something that is under way.
    fn check_waits(&self) {
        for (reply, (_, command)) in &self.asked {
            let (Command::Start { process, .. }
            | Command::Stop { process, .. }
            | Command::Restart { process, .. }) = command
            else {
                continue;
            };
            let state = self.core.process(process).map(|process| process.state().code());
            let under_way = matches!(state, Some(StateCode::Starting | StateCode::Stopping));
            assert!(under_way, "{reply:?} {command:?} was forgotten: {state:?}");
        }
    }

    /// A stop ends within stopwaitsecs and one kill.
    fn check_stop(&self, id: &ProcessId, state: &State, stopwaitsecs: Duration) {
        let (State::Stopping { phase, .. } | State::Emptying { phase, .. }) = state else { return };
        let Some(expectation) = self.expectations.get(id) else { return };
        let Some(asked_at) = expectation.asked_at else { return };
        match phase {
            StopPhase::Asked { at, kill_at } => {
                assert_eq!(*at, asked_at, "{id}: the stop forgot when it began");
                let latest = (asked_at + stopwaitsecs).max(expectation.extended_to);
                assert!(*kill_at <= latest, "{id}: SIGKILL comes too late");
                assert!(*kill_at <= asked_at + stopwaitsecs + EXTENSION_MAX);
                assert!(expectation.killed_at.is_none());
            }
            StopPhase::Killed { give_up_at } => {
                let killed_at = expectation.killed_at.expect("a SIGKILL was sent");
                assert!(killed_at >= asked_at + stopwaitsecs, "{id}: SIGKILL came too early");
                assert!(*give_up_at <= killed_at + KILL_WAIT);
            }
        }
    }

    /// After an update the active configuration is the file's.
    pub fn check_applied(&self, file: &[Arc<GroupSettings>]) {
        let active = self.core.active_groups();
        let by_name = |groups: &[Arc<GroupSettings>]| -> BTreeMap<String, Arc<GroupSettings>> {
            groups.iter().map(|group| (group.name.to_string(), Arc::clone(group))).collect()
        };
        assert_eq!(by_name(&active), by_name(file), "the update did not take");
        for group in file {
            for member in &group.processes {
                let id = ProcessId::new(group.name.clone(), member.name.clone());
                let process = self.core.process(&id).expect("every process of the file is there");
                assert_eq!(process.settings, *member, "{id} has its old settings");
            }
        }
        let processes: usize = file.iter().map(|group| group.processes.len()).sum();
        let shown: Vec<_> = self.core.snapshot().processes.keys().collect();
        assert_eq!(shown.len(), processes, "something is left behind: {shown:?}");
    }
}
