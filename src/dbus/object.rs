//! The tree of objects. It is not kept: what is there is what the snapshot says.

use std::collections::BTreeSet;

use zbus::ObjectPath;

use super::interface::{Outline, Values};
use super::path::{self, LOG_CONTROL, ROOT, decode, encode};
use super::{group, log_control, manager, process, standard};
use crate::api::process::ProcessReport;
use crate::api::{Api, wall_clock};
use crate::model::{GroupName, ProcessId, Snapshot};

/// What a path points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// The daemon.
    Manager,
    /// A process.
    Process(ProcessId),
    /// A group.
    Group(GroupName),
    /// The daemon's own log.
    LogControl,
    /// Nothing but the way to others.
    Passage(String),
}

impl Object {
    /// The object at this path, if there is one.
    pub fn at(path: &str, snapshot: &Snapshot) -> Option<Self> {
        match path {
            ROOT => return Some(Self::Manager),
            LOG_CONTROL => return Some(Self::LogControl),
            _ => {}
        }
        let below = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('/'));
        let parts: Vec<_> = below.unwrap_or_default().split('/').collect();
        let found = match *parts.as_slice() {
            ["process", group, name] => {
                let id = ProcessId::new(decode(group)?, decode(name)?);
                snapshot.process(&id).map(|_| Self::Process(id))
            }
            ["group", name] => {
                let name = GroupName::from(decode(name)?);
                snapshot.groups.contains_key(&name).then_some(Self::Group(name))
            }
            _ => None,
        };
        found.or_else(|| {
            let leads_on = !children(path, snapshot).is_empty();
            leads_on.then(|| Self::Passage(path.to_owned()))
        })
    }

    /// Its path.
    pub fn path(&self) -> ObjectPath<'static> {
        match self {
            Self::Manager => ObjectPath::from_static_str_unchecked(ROOT),
            Self::LogControl => ObjectPath::from_static_str_unchecked(LOG_CONTROL),
            Self::Process(id) => path::process(id),
            Self::Group(name) => path::group(name),
            Self::Passage(path) => ObjectPath::from_string_unchecked(path.clone()),
        }
    }

    /// Its own interface; `None` where it only leads on.
    pub fn own_interface(&self) -> Option<&'static Outline> {
        match self {
            Self::Manager => Some(manager::INTERFACE.outline),
            Self::Process(_) => Some(process::INTERFACE.outline),
            Self::Group(_) => Some(group::INTERFACE.outline),
            Self::LogControl => Some(log_control::INTERFACE.outline),
            Self::Passage(_) => None,
        }
    }

    /// Every interface that it has.
    pub fn interfaces(&self) -> impl Iterator<Item = &'static Outline> {
        let managed = matches!(self, Self::Manager).then_some(&standard::OBJECT_MANAGER);
        self.own_interface().into_iter().chain(managed).chain(standard::EVERYWHERE)
    }

    /// The properties of its own interface; `None` if it is gone meanwhile.
    pub fn properties(&self, api: &Api) -> Option<Values> {
        let snapshot = api.snapshot();
        Some(match self {
            Self::Manager => {
                let running = manager::count_running(&snapshot);
                manager::INTERFACE.values(&manager::State::new(api.facts(), &snapshot, running))
            }
            Self::Process(id) => {
                let info = snapshot.process(id)?.clone();
                process::INTERFACE.values(&ProcessReport { info, now: wall_clock() })
            }
            Self::Group(name) => group::INTERFACE.values(&group::State::new(name, &snapshot)?),
            Self::LogControl => log_control::INTERFACE.values(&log_control::State::new(api)),
            Self::Passage(_) => return None,
        })
    }
}

/// What the parts of paths directly below this one are.
pub fn children(path: &str, snapshot: &Snapshot) -> BTreeSet<String> {
    let groups_with_processes = || snapshot.processes.keys().map(|id| encode(&id.group));
    let below = path.strip_prefix(ROOT).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let below = below.map(|rest| rest.split('/').skip(1).collect::<Vec<_>>());
    match below.as_deref() {
        Some([]) => {
            let mut found = BTreeSet::new();
            found.extend((!snapshot.groups.is_empty()).then(|| "group".to_owned()));
            found.extend((!snapshot.processes.is_empty()).then(|| "process".to_owned()));
            found
        }
        Some(["group"]) => snapshot.groups.keys().map(|name| encode(name)).collect(),
        Some(["process"]) => groups_with_processes().collect(),
        Some(["process", group]) => match decode(group) {
            Some(group) => {
                let group = GroupName::from(group);
                snapshot.group_processes(&group).map(|info| encode(&info.id.name)).collect()
            }
            None => BTreeSet::new(),
        },
        Some(_) => BTreeSet::new(),
        None if path.is_empty() => BTreeSet::new(),
        None => {
            let path = if path == "/" { "" } else { path };
            let next = |fixed: &str| {
                let rest = fixed.strip_prefix(path)?.strip_prefix('/')?;
                rest.split('/').next().map(str::to_owned)
            };
            [ROOT, LOG_CONTROL].iter().filter_map(|fixed| next(fixed)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::fake::{process, snapshot};
    use crate::model::StateCode;

    #[test]
    fn the_tree_is_what_the_snapshot_says() {
        let fleet = ["cat", "g:a_1", "g:b"].map(|name| process(name, StateCode::Running));
        let fleet = snapshot(&fleet);
        let check = |path: &str, object: Option<Object>, below: &[&str]| {
            assert_eq!(Object::at(path, &fleet), object, "{path}");
            assert!(children(path, &fleet).iter().eq(below), "{path}");
            if let Some(object) = object {
                assert_eq!(object.path().as_str(), path);
            }
        };
        let passage = |path: &str| Some(Object::Passage(path.to_owned()));
        check("/", passage("/"), &["org"]);
        check("/org", passage("/org"), &["freedesktop", "supervisord"]);
        check("/org/freedesktop", passage("/org/freedesktop"), &["LogControl1"]);
        check(LOG_CONTROL, Some(Object::LogControl), &[]);
        check(ROOT, Some(Object::Manager), &["group", "process"]);
        let at = |rest: &str| format!("{ROOT}/{rest}");
        check(&at("group"), passage(&at("group")), &["cat", "g"]);
        check(&at("group/g"), Some(Object::Group("g".into())), &[]);
        check(&at("process"), passage(&at("process")), &["cat", "g"]);
        check(&at("process/g"), passage(&at("process/g")), &["a_5f1", "b"]);
        let id = ProcessId::new("g", "a_1");
        check(&at("process/g/a_5f1"), Some(Object::Process(id)), &[]);
        let nowhere = ["/o", "/org/supervisord/Supervisor12", "/org/freedesktop/x", ""];
        for path in nowhere
            .map(str::to_owned)
            .into_iter()
            .chain(["", "x", "group/x", "process/x", "process/g/a_1", "process/g/b/c"].map(at))
        {
            check(&path, None, &[]);
        }
    }
}
