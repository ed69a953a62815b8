//! What is different between two snapshots. Its cost is what changed, not the fleet.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::ordmap::DiffItem;

use crate::model::{GroupName, ProcessInfo, Snapshot, StateCode};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A group is there that was not.
    GroupAdded(GroupName),
    /// A group has other members, or another priority.
    GroupChanged(GroupName),
    /// A group is no more.
    GroupRemoved(GroupName),
    /// A process is there that was not.
    ProcessAdded(Arc<ProcessInfo>),
    /// A process is different: before, after.
    ProcessChanged(Arc<ProcessInfo>, Arc<ProcessInfo>),
    /// A process is no more.
    ProcessRemoved(Arc<ProcessInfo>),
}

/// Every difference: what is new first, groups before their processes; what is gone last, the
/// other way round.
pub fn changes(old: &Snapshot, new: &Snapshot) -> Vec<Change> {
    let (mut added, mut changed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    let mut touched = BTreeSet::new();
    for difference in old.groups.diff(&new.groups) {
        match difference {
            DiffItem::Add(name, _) => added.push(Change::GroupAdded(name.clone())),
            DiffItem::Update { new: (name, _), .. } => {
                touched.insert(name.clone());
            }
            DiffItem::Remove(name, _) => removed.push(Change::GroupRemoved(name.clone())),
        }
    }
    let mut gone = Vec::new();
    for difference in old.processes.diff(&new.processes) {
        match difference {
            DiffItem::Add(id, info) => {
                touched.insert(id.group.clone());
                added.push(Change::ProcessAdded(info.clone()));
            }
            DiffItem::Update { old: (_, before), new: (_, after) } => {
                changed.push(Change::ProcessChanged(before.clone(), after.clone()));
            }
            DiffItem::Remove(id, info) => {
                touched.insert(id.group.clone());
                gone.push(Change::ProcessRemoved(info.clone()));
            }
        }
    }
    let in_both = |name: &GroupName| old.groups.contains_key(name) && new.groups.contains_key(name);
    let groups = touched.into_iter().filter(in_both).map(Change::GroupChanged);
    added.into_iter().chain(changed).chain(gone).chain(groups).chain(removed).collect()
}

/// How many more processes are RUNNING after these changes.
pub fn more_running(changes: &[Change]) -> isize {
    let runs = |process: &ProcessInfo| isize::from(process.state == StateCode::Running);
    let more = |change: &Change| match change {
        Change::ProcessAdded(process) => runs(process),
        Change::ProcessChanged(before, after) => runs(after) - runs(before),
        Change::ProcessRemoved(process) => -runs(process),
        Change::GroupAdded(_) | Change::GroupChanged(_) | Change::GroupRemoved(_) => 0,
    };
    changes.iter().map(more).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::fake::{process, snapshot};
    use crate::model::{ProcessId, StateCode};

    #[test]
    fn what_is_new_comes_first_and_what_is_gone_last() {
        let running = |name: &str| process(name, StateCode::Running);
        let old = snapshot(&[running("gone"), running("g:a"), running("g:b"), running("same")]);
        let mut new = old.clone();
        let stopped = Arc::new(process("g:a", StateCode::Stopped));
        new.processes.insert(stopped.id.clone(), stopped);
        new.processes.remove(&ProcessId::new("g", "b"));
        new.processes.remove(&ProcessId::new("gone", "gone"));
        new.groups.remove(&GroupName::from("gone"));
        let fresh = snapshot(&[running("new"), running("g:c")]);
        new.processes = new.processes.union(fresh.processes);
        new.groups = new.groups.union(fresh.groups);

        let found = changes(&old, &new);
        let told: Vec<_> = found
            .iter()
            .map(|change| match change {
                Change::GroupAdded(name) => format!("+{name}:"),
                Change::GroupChanged(name) => format!("~{name}:"),
                Change::GroupRemoved(name) => format!("-{name}:"),
                Change::ProcessAdded(info) => format!("+{}", info.id),
                Change::ProcessChanged(old, new) => {
                    format!("{}>{} {}", old.state, new.state, old.id)
                }
                Change::ProcessRemoved(info) => format!("-{}", info.id),
            })
            .collect();
        let wanted =
            ["+new:", "+g:c", "+new", "RUNNING>STOPPED g:a", "-g:b", "-gone", "~g:", "-gone:"];
        assert_eq!(told, wanted);
        assert_eq!(more_running(&found), 2 - 3);
        assert_eq!(changes(&new, &new), []);
    }
}
