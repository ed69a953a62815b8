//! The state of the fleet in a sentence, for `systemctl status`.

use std::fmt::Write;

use crate::model::{Snapshot, StateCode, SupervisorState};

/// Names that a sentence lists; of more it says how many.
const NAMES_MAX: usize = 8;

/// The whole fleet in one line: what runs, what does not, and by name what is wrong.
#[must_use]
pub fn sentence(snapshot: &Snapshot) -> String {
    let all = snapshot.processes.len();
    let running = count(snapshot, StateCode::Running);
    let mut text = match snapshot.state {
        SupervisorState::Running | SupervisorState::Fatal if all == 0 => {
            return "no programs".to_owned();
        }
        SupervisorState::Running | SupervisorState::Fatal => {
            format!("{running} of {all} programs running")
        }
        SupervisorState::Shutdown => return ending(snapshot, "shutting down"),
        SupervisorState::Restarting => return ending(snapshot, "restarting"),
    };
    for (state, word) in [
        (StateCode::Starting, "starting"),
        (StateCode::Stopping, "stopping"),
        (StateCode::Stopped, "stopped"),
        (StateCode::Exited, "exited"),
    ] {
        let count = count(snapshot, state);
        if count > 0 {
            _ = write!(text, ", {count} {word}");
        }
    }
    for (state, word) in [
        (StateCode::Backoff, "in backoff"),
        (StateCode::Fatal, "fatal"),
        (StateCode::Unknown, "out of control"),
    ] {
        let count = count(snapshot, state);
        if count > 0 {
            _ = write!(text, ", {count} {word}: {}", names(snapshot, |found| found == state));
        }
    }
    let dropped: u64 = snapshot.groups.values().filter_map(|group| group.events_dropped).sum();
    if dropped > 0 {
        _ = write!(text, ", {dropped} events dropped");
    }
    text
}

fn ending(snapshot: &Snapshot, what: &str) -> String {
    let has_child =
        |state| matches!(state, StateCode::Starting | StateCode::Running | StateCode::Stopping);
    let left = snapshot.processes.values().filter(|process| has_child(process.state)).count();
    match left {
        0 => what.to_owned(),
        1 => format!("{what}, 1 program left: {}", names(snapshot, has_child)),
        _ => format!("{what}, {left} programs left: {}", names(snapshot, has_child)),
    }
}

fn count(snapshot: &Snapshot, state: StateCode) -> usize {
    snapshot.processes.values().filter(|process| process.state == state).count()
}

fn names(snapshot: &Snapshot, wanted: impl Fn(StateCode) -> bool) -> String {
    let found = snapshot.processes.values().filter(|process| wanted(process.state));
    let mut names: Vec<String> = found.map(|process| process.id.to_string()).collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    names.truncate(NAMES_MAX);
    let mut text = names.join(", ");
    if more > 0 {
        _ = write!(text, " and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use imbl::OrdMap;

    use super::*;
    use crate::model::snapshot::GroupInfo;
    use crate::model::{ProcessFacts, ProcessId, ProcessInfo};

    fn snapshot(state: SupervisorState, processes: &[(&str, &str, StateCode)]) -> Snapshot {
        let facts = Arc::new(ProcessFacts::default());
        let info = |&(group, name, state): &(&str, &str, StateCode)| {
            let id = ProcessId::new(group, name);
            let process = ProcessInfo::new(id.clone(), state, facts.clone());
            (id, Arc::new(process))
        };
        let processes = processes.iter().map(info).collect();
        Snapshot { generation: 1, state, processes, groups: OrdMap::new() }
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        use StateCode::{Backoff, Fatal, Running, Stopped};
        let check = |processes: &[(&str, &str, StateCode)], expected: &str| {
            assert_eq!(sentence(&snapshot(SupervisorState::Running, processes)), expected);
        };
        check(&[], "no programs");
        check(&[("a", "a", Running), ("b", "b", Running)], "2 of 2 programs running");
        check(
            &[("a", "a", Running), ("web", "web", Backoff), ("worker", "3", Backoff)],
            "1 of 3 programs running, 2 in backoff: web, worker:3",
        );
        check(
            &[("a", "a", Stopped), ("b", "b", Backoff), ("c", "c", Fatal)],
            "0 of 3 programs running, 1 stopped, 1 in backoff: b, 1 fatal: c",
        );
    }

    #[test]
    fn events_that_were_dropped_are_told() {
        let mut fleet = snapshot(SupervisorState::Running, &[("a", "a", StateCode::Running)]);
        for (name, dropped) in [("ear", Some(3)), ("nose", Some(4)), ("a", None)] {
            let group = GroupInfo { priority: 1, events_dropped: dropped };
            fleet.groups.insert(name.into(), group);
        }
        assert_eq!(sentence(&fleet), "1 of 1 programs running, 7 events dropped");
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..20).map(|n| format!("p{n:02}")).collect();
        let fleet: Vec<_> =
            names.iter().map(|name| (name.as_str(), name.as_str(), StateCode::Fatal)).collect();
        let text = sentence(&snapshot(SupervisorState::Running, &fleet));
        assert!(text.ends_with("p06, p07 and 12 more"), "{text}");
    }

    #[test]
    fn the_end_says_whom_it_waits_for() {
        let fleet = [("a", "a", StateCode::Stopping), ("b", "b", StateCode::Stopped)];
        let text = sentence(&snapshot(SupervisorState::Shutdown, &fleet));
        assert_eq!(text, "shutting down, 1 program left: a");
        assert_eq!(sentence(&snapshot(SupervisorState::Restarting, &fleet[1..])), "restarting");
    }
}
