//! Why a process stands where it does, as far as its state and its exit status do not say.

use std::sync::Arc;
use std::time::Duration;

use super::Signal;

/// What led to the state that a process is in. In STARTING and RUNNING it is still what led to
/// the end before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// It was never started since it was added.
    #[default]
    New,
    /// It was asked to end, by a person or for a new configuration.
    Requested,
    /// As [`Cause::Requested`], and it had to be killed.
    Killed {
        /// The signal it did not end on.
        signal: Signal,
        /// How long it was waited for.
        after: Duration,
    },
    /// It ended by itself; its exit status says how.
    Ended,
    /// The kernel killed it for want of memory.
    OutOfMemory,
    /// It could not be started at all.
    NotSpawned {
        /// There is no such program.
        missing: bool,
        /// The sentence that `spawnerr` shows.
        why: Arc<str>,
    },
    /// It did not say that it is ready, in this time (`startsecs`).
    NotReady(Duration),
    /// It did not report for this long (`watchdogsecs`).
    Silent(Duration),
    /// It survived SIGKILL for this long.
    Unkillable(Duration),
    /// A signal could not be delivered; why.
    Unreachable(Arc<str>),
}
