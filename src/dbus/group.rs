//! `org.supervisord.Supervisor1.Group`: one group.

use zbus::ObjectPath;

use super::answer::{Statuses, statuses};
use super::interface::{Interface, Outline, methods, properties};
use super::path;
use crate::api::operations::{
    RestartProcessGroup, SignalProcessGroup, StartProcessGroup, StopProcessGroup,
};
use crate::api::spec::Text;
use crate::model::{GroupName, ProcessId, Snapshot};

/// The interface.
pub static INTERFACE: Interface<State> = Interface {
    outline: &Outline {
        name: "org.supervisord.Supervisor1.Group",
        methods: METHODS,
        signals: &[],
        properties: PROPERTIES,
    },
    getters: GETTERS,
};

/// What the properties are read from.
#[derive(Clone, Debug)]
pub struct State {
    name: GroupName,
    priority: i32,
    processes: Vec<ProcessId>,
}

impl State {
    /// The group at the moment of a snapshot; `None` if there is none.
    pub fn new(name: &GroupName, snapshot: &Snapshot) -> Option<Self> {
        let priority = snapshot.groups.get(name)?.priority;
        let processes = snapshot.group_processes(name).map(|process| process.id.clone()).collect();
        Some(Self { name: name.clone(), priority, processes })
    }
}

properties! { PROPERTIES, GETTERS of State:
    Name: String, Const = |from| from.name.to_string();
    Priority: i32, Yes = |from| from.priority;
    Processes: Vec<ObjectPath<'static>>, Yes =
        |from| from.processes.iter().map(path::process).collect();
}

methods! { METHODS:
    Start(wait: bool) -> (statuses: Statuses) ManageProcesses [StartProcessGroup] =
        |call| statuses(call.ask(StartProcessGroup { name: Text(call.own_name()?), wait }).await);
    Stop(wait: bool) -> (statuses: Statuses) ManageProcesses [StopProcessGroup] =
        |call| statuses(call.ask(StopProcessGroup { name: Text(call.own_name()?), wait }).await);
    Restart(wait: bool) -> (statuses: Statuses) ManageProcesses [RestartProcessGroup] =
        |call| statuses(call.ask(RestartProcessGroup { name: Text(call.own_name()?), wait }).await);
    Signal(signal: String) -> (statuses: Statuses) ManageProcesses [SignalProcessGroup] = |call| {
        let request = SignalProcessGroup { name: Text(call.own_name()?), signal: Text(signal) };
        statuses(call.ask(request).await)
    };
}
