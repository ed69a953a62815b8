//! Everything that can happen to the supervisor.

use std::sync::Arc;

use super::notification::Notification;
pub use crate::config::Changes;
use crate::config::GroupSettings;
use crate::model::{Error, ExitStatus, GroupName, Notice, ProcessId, Signal};

/// Stands for a channel that only the driver holds. Every request is answered exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyTo(pub u64);

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Somebody asks for something.
    Command {
        /// What.
        command: Command,
        /// Who waits for the answer.
        reply_to: ReplyTo,
    },
    /// The child that [`super::Effect::Spawn`] asked for runs.
    Spawned {
        /// Whose child.
        process: ProcessId,
        /// Its process id.
        pid: i32,
    },
    /// The child that [`super::Effect::Spawn`] asked for could not be had.
    SpawnFailed {
        /// Whose child.
        process: ProcessId,
        /// Why not.
        failure: SpawnFailure,
    },
    /// A child, ours or adopted, has ended and was waited for.
    Exited {
        /// The process id it had.
        pid: i32,
        /// How it ended.
        status: ExitStatus,
    },
    /// The kernel has killed a process's child for want of memory: its exit is the next event of
    /// it.
    OutOfMemory {
        /// Whose.
        process: ProcessId,
    },
    /// Nothing is left in a process's control group: the answer to [`super::Effect::Empty`], at
    /// once or when it comes to be so.
    Emptied {
        /// Whose.
        process: ProcessId,
    },
    /// A child says something of itself.
    Notified {
        /// Whose child.
        process: ProcessId,
        /// The child that was the process's when it was said.
        pid: i32,
        /// What it said.
        what: Notification,
    },
    /// A signal could not be delivered for another reason than that the process is gone.
    SignalFailed {
        /// The process it was for.
        process: ProcessId,
        /// Why, in words.
        reason: String,
    },
    /// A listener has said something on its standard output.
    ListenerSaid {
        /// Which.
        process: ProcessId,
        /// What it said.
        bytes: Vec<u8>,
    },
    /// What [`super::Effect::Deliver`] sent cannot reach its listener.
    Undelivered {
        /// Which.
        process: ProcessId,
    },
    /// Something happened that listeners may want to hear of, and that only the world can see.
    Told(Notice),
    /// The moment that [`super::Supervisor::deadline`] named has come.
    DeadlineReached,
    /// The listeners answer: what is to start by itself may start.
    Ready,
    /// The daemon itself received a signal (TERM INT QUIT HUP USR2 CHLD).
    Signalled(Signal),
}

/// Why a child could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnFailure {
    /// What kind of reason: decides the fault of a request that asked for the start.
    pub kind: SpawnFailureKind,
    /// The sentence for the log and for `spawnerr`.
    pub reason: String,
}

/// The kinds of [`SpawnFailure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnFailureKind {
    /// There is no such file.
    NoFile,
    /// The file or the command line cannot be executed.
    NotExecutable,
    /// The system refused: descriptors, processes, memory, user, directory.
    System,
}

/// What can be asked of the supervisor.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Start one process. Answered when it runs, or at once unless `wait`.
    Start {
        /// Which.
        process: ProcessId,
        /// Answer when it is RUNNING (or failed), not when it is spawned.
        wait: bool,
    },
    /// Stop one process.
    Stop {
        /// Which.
        process: ProcessId,
        /// Answer when it has ended, not when it was told.
        wait: bool,
    },
    /// Stop one process and start it again.
    Restart {
        /// Which.
        process: ProcessId,
        /// Answer when it is RUNNING (or failed).
        wait: bool,
    },
    /// Start every process of a group.
    StartGroup {
        /// Which.
        group: GroupName,
        /// As in [`Command::Start`].
        wait: bool,
    },
    /// Stop every process of a group.
    StopGroup {
        /// Which.
        group: GroupName,
        /// As in [`Command::Stop`].
        wait: bool,
    },
    /// Stop every process of a group and start them again.
    RestartGroup {
        /// Which.
        group: GroupName,
        /// As in [`Command::Restart`].
        wait: bool,
    },
    /// Start every process.
    StartAll {
        /// As in [`Command::Start`].
        wait: bool,
    },
    /// Stop every process.
    StopAll {
        /// As in [`Command::Stop`].
        wait: bool,
    },
    /// Send a signal to one process.
    Signal {
        /// Which.
        process: ProcessId,
        /// What to send.
        signal: Signal,
    },
    /// Send a signal to every running process of a group.
    SignalGroup {
        /// Which.
        group: GroupName,
        /// What to send.
        signal: Signal,
    },
    /// Send a signal to every running process.
    SignalAll {
        /// What to send.
        signal: Signal,
    },
    /// Write to a process's standard input.
    SendStdin {
        /// Which.
        process: ProcessId,
        /// What to write.
        bytes: Vec<u8>,
    },
    /// Remember a newly read configuration and tell what differs from the active one.
    Reread {
        /// All its groups.
        groups: Vec<Arc<GroupSettings>>,
    },
    /// Read anew and apply: stop and remove what is gone, replace what changed, add what is new.
    Update {
        /// All its groups.
        groups: Vec<Arc<GroupSettings>>,
    },
    /// Activate a group of the configuration last read.
    AddGroup {
        /// Which.
        group: GroupName,
    },
    /// Deactivate a group none of whose processes run.
    RemoveGroup {
        /// Which.
        group: GroupName,
    },
    /// Send an event to the listeners that want such.
    SendEvent {
        /// What happened.
        notice: Notice,
    },
    /// Stop everything and end.
    Shutdown,
    /// Stop everything and begin anew.
    RestartDaemon,
}

/// The answer to a [`Command`].
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is done.
    Done,
    /// It is done, for several: one status each, in order of completion.
    Statuses(Vec<ProcessStatus>),
    /// What a configuration changes.
    Changes(Changes),
}

/// What became of one process of a bulk operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessStatus {
    /// Which process.
    pub id: ProcessId,
    /// `Ok`, or why not.
    pub result: Result<(), Error>,
}
