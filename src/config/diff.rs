//! How a newly read configuration differs from the active one.

use std::collections::HashMap;
use std::sync::Arc;

use super::GroupSettings;
use crate::model::GroupName;

/// The difference, by group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New groups, in the new configuration's order.
    pub added: Vec<GroupName>,
    /// Groups whose settings differ, in the new configuration's order.
    pub changed: Vec<GroupName>,
    /// Groups that are gone, in the active configuration's order.
    pub removed: Vec<GroupName>,
}

/// Compares every setting of every group.
#[must_use]
pub fn changes(active: &[Arc<GroupSettings>], new: &[Arc<GroupSettings>]) -> Changes {
    let by_name = |groups: &[Arc<GroupSettings>]| -> HashMap<GroupName, Arc<GroupSettings>> {
        groups.iter().map(|group| (group.name.clone(), Arc::clone(group))).collect()
    };
    let (old_by_name, new_by_name) = (by_name(active), by_name(new));
    let mut changes = Changes::default();
    for group in new {
        match old_by_name.get(&group.name) {
            None => changes.added.push(group.name.clone()),
            Some(old) if old != group => changes.changed.push(group.name.clone()),
            Some(_) => {}
        }
    }
    for group in active {
        if !new_by_name.contains_key(&group.name) {
            changes.removed.push(group.name.clone());
        }
    }
    changes
}
