//! Everything the supervisor may ask of the world.

use std::sync::Arc;

use super::event::{Reply, ReplyTo};
use crate::config::ProcessSettings;
use crate::config::setting::LogLevel;
use crate::model::{Error, EventSet, ProcessFacts, ProcessId, Signal};

/// Something to be done. The driver performs effects in the order they were given.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a child; answered by `Spawned` or `SpawnFailed` before any other event.
    Spawn {
        /// For which process.
        process: ProcessId,
        /// Its settings.
        settings: Arc<ProcessSettings>,
        /// Where its output goes.
        facts: Arc<ProcessFacts>,
    },
    /// Send a signal to a child that has not been waited for.
    Kill {
        /// Which process, for `SignalFailed`.
        process: ProcessId,
        /// The child.
        pid: i32,
        /// What to send.
        signal: Signal,
        /// To its whole process group.
        group: bool,
    },
    /// A child has ended: take what its pipes still hold, and close them.
    Ended {
        /// Whose child.
        process: ProcessId,
        /// The process id it had.
        pid: i32,
    },
    /// Send a signal to everything that is left in a process's control group; answered by
    /// `Emptied`, in this turn if nothing is.
    Empty {
        /// Whose.
        process: ProcessId,
        /// What to send.
        signal: Signal,
    },
    /// Kill everything that is left in a process's control group. Nobody waits for it, and it comes
    /// before whatever starts in the same turn.
    Sweep {
        /// Whose.
        process: ProcessId,
    },
    /// Write to a child's standard input. The answer comes from the driver.
    WriteStdin {
        /// Whose.
        process: ProcessId,
        /// What.
        bytes: Vec<u8>,
        /// Who waits to hear whether it was taken.
        reply_to: ReplyTo,
    },
    /// Send an event to a listener, by its standard input; answered by `Undelivered` if it does not
    /// arrive.
    Deliver {
        /// Which listener.
        process: ProcessId,
        /// The event as it is sent.
        envelope: String,
    },
    /// From now on these events are wanted.
    Subscribed(EventSet),
    /// Answer a request. Each is answered exactly once.
    Reply {
        /// Who waits.
        to: ReplyTo,
        /// What came of it.
        outcome: Result<Reply, Error>,
    },
    /// A line for the activity log.
    Log {
        /// Its level.
        level: LogLevel,
        /// Its text.
        line: String,
    },
    /// A process became part of the fleet: its log files may be prepared.
    ProcessAdded {
        /// Which.
        process: ProcessId,
        /// Its settings.
        settings: Arc<ProcessSettings>,
        /// Where its logs are.
        facts: Arc<ProcessFacts>,
    },
    /// A process is no longer part of the fleet.
    ProcessRemoved {
        /// Which.
        process: ProcessId,
    },
    /// Close and open anew every log file (after rotation from outside).
    ReopenLogs,
    /// Nothing runs any more, and that was wanted: end, or begin anew.
    Finished(Mood),
}

/// What the supervisor is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// End.
    Shutdown,
    /// Begin anew.
    Restart,
}
