//! How a newly read configuration differs from the active one.

use std::collections::HashMap;
use std::sync::Arc;

use super::GroupSettings;
use crate::model::GroupName;

/// Groups that an update has to do something about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the new configuration alone, in its order.
    pub added: Vec<GroupName>,
    /// In both, with any setting different, in the new one's order.
    pub changed: Vec<GroupName>,
    /// In the active configuration alone, in its order.
    pub removed: Vec<GroupName>,
}

/// Compares group by group; every setting counts.
#[must_use]
pub fn changes(active: &[Arc<GroupSettings>], new: &[Arc<GroupSettings>]) -> Changes {
    let by_name = |groups: &[Arc<GroupSettings>]| -> HashMap<GroupName, Arc<GroupSettings>> {
        groups.iter().map(|group| (group.name.clone(), Arc::clone(group))).collect()
    };
    let (old, kept) = (by_name(active), by_name(new));
    let mut changes = Changes::default();
    for group in new {
        match old.get(&group.name) {
            None => changes.added.push(group.name.clone()),
            Some(before) if before != group => changes.changed.push(group.name.clone()),
            Some(_) => {}
        }
    }
    let gone = active.iter().filter(|group| !kept.contains_key(&group.name));
    changes.removed = gone.map(|group| group.name.clone()).collect();
    changes
}
