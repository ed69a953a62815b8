//! What the supervisor looked like after a turn. Every reader reads this, none asks the core.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use imbl::OrdMap;

use super::{
    Cause, ExitStatus, GroupName, Past, Place, ProcessId, StateCode, SupervisorState, WallTime,
};

/// The whole fleet at one moment. Cloning shares everything; a turn replaces what it changed.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Counts turns that changed something; two snapshots of one generation are equal.
    pub generation: u64,
    /// The supervisor's own state.
    pub state: SupervisorState,
    /// Every process of every active group, ordered by group and name.
    pub processes: OrdMap<ProcessId, Arc<ProcessInfo>>,
    /// Every active group with its priority.
    pub groups: OrdMap<GroupName, GroupInfo>,
}

/// An active group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// Lower starts first and stops last.
    pub priority: i32,
    /// For a pool of event listeners: events that were dropped because too many waited.
    pub events_dropped: Option<u64>,
}

impl GroupInfo {
    /// A group of programs.
    #[must_use]
    pub fn new(priority: i32) -> Self {
        Self { priority, events_dropped: None }
    }
}

/// One process at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Who it is.
    pub id: ProcessId,
    /// Its public state.
    pub state: StateCode,
    /// The child's process id, 0 if there is none.
    pub pid: i32,
    /// When it was last started.
    pub start: WallTime,
    /// When it last ended.
    pub stop: WallTime,
    /// How it last ended; `None` if it has not, or in `BACKOFF`.
    pub exit: Option<ExitStatus>,
    /// Why it could not be started, or what was wrong with its last exit; empty if nothing.
    pub spawn_error: Arc<str>,
    /// Starts since the process was added, automatic and requested.
    pub starts: u64,
    /// What the program last said of itself (sd_notify(3), `STATUS=`); empty if nothing.
    pub status_text: Arc<str>,
    /// When it entered its state; `NEVER` if it was never started.
    pub changed: WallTime,
    /// What led there.
    pub cause: Cause,
    /// How its last child ended; unlike `exit` in every state.
    pub last_exit: Option<ExitStatus>,
    /// How many tries its start has taken so far, or took; 0 at rest.
    pub tries: u32,
    /// When it is started again by itself; `NEVER` if no start is waited for.
    pub retry_at: WallTime,
    /// What it went through lately.
    pub past: Arc<Past>,
    /// What does not change while it is in the configuration.
    pub facts: Arc<ProcessFacts>,
}

/// What of a process's settings the outside may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessFacts {
    /// The command line as configured.
    pub command: Arc<str>,
    /// Its priority within its group.
    pub priority: i32,
    /// Where stdout is kept; `None` for nowhere.
    pub stdout_logfile: Option<Arc<Path>>,
    /// Where stderr is kept; `None` for nowhere or with stdout.
    pub stderr_logfile: Option<Arc<Path>>,
    /// Its control group, as /proc/PID/cgroup names it; empty without one of its own.
    pub control_group: String,
    /// Failed starts in a row, after the first, before it is FATAL (`startretries`).
    pub retries: u32,
    /// Where it is configured.
    pub place: Place,
}

impl ProcessFacts {
    /// Where stdout is kept, as text; empty if nowhere.
    #[must_use]
    pub fn stdout_text(&self) -> Cow<'_, str> {
        text(self.stdout_logfile.as_deref())
    }

    /// Where stderr is kept, as text; empty if nowhere or with stdout.
    #[must_use]
    pub fn stderr_text(&self) -> Cow<'_, str> {
        text(self.stderr_logfile.as_deref())
    }
}

fn text(path: Option<&Path>) -> Cow<'_, str> {
    path.map(Path::to_string_lossy).unwrap_or_default()
}

impl ProcessInfo {
    /// One that is in this state and has no past.
    #[must_use]
    pub fn new(id: ProcessId, state: StateCode, facts: Arc<ProcessFacts>) -> Self {
        Self {
            id,
            state,
            pid: 0,
            start: WallTime::NEVER,
            stop: WallTime::NEVER,
            exit: None,
            spawn_error: Arc::default(),
            starts: 0,
            status_text: Arc::default(),
            changed: WallTime::NEVER,
            cause: Cause::default(),
            last_exit: None,
            tries: 0,
            retry_at: WallTime::NEVER,
            past: Arc::default(),
            facts,
        }
    }
}

impl Snapshot {
    /// The process of this identity.
    #[must_use]
    pub fn process(&self, id: &ProcessId) -> Option<&Arc<ProcessInfo>> {
        self.processes.get(id)
    }

    /// The processes of a group in order of name; none if there is no such group.
    pub fn group_processes<'a>(
        &'a self,
        group: &'a GroupName,
    ) -> impl Iterator<Item = &'a Arc<ProcessInfo>> {
        let first = ProcessId::new(group.clone(), "");
        self.processes
            .range(first..)
            .take_while(move |(id, _)| id.group == *group)
            .map(|(_, process)| process)
    }
}
