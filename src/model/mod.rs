//! The words every layer shares: names, states, signals, time, errors, snapshots.
//!
//! Invariant: nothing here knows a file, a process, a clock or another module of ours.

pub mod cause;
pub mod error;
pub mod histogram;
pub mod name;
pub mod notice;
pub mod past;
pub mod place;
pub mod role;
pub mod signal;
pub mod snapshot;
pub mod state;
pub mod time;

pub use cause::Cause;
pub use error::{Error, ErrorKind};
pub use histogram::Histogram;
pub use name::{GroupName, ProcessId, ProcessName, Target};
pub use notice::{Channel, EventSet, EventType, Notice};
pub use past::Past;
pub use place::Place;
pub use role::Role;
pub use signal::Signal;
pub use snapshot::{ProcessFacts, ProcessInfo, Snapshot};
pub use state::{ExitStatus, StateCode, SupervisorState};
pub use time::{Instant, Now, WallTime};
