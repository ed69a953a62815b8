//! The data plane: every byte of a program's output, and the daemon's own activity log.
//!
//! One thread of its own (`plane.rs` is the way in, `worker.rs` what it does) reads every pipe and
//! writes every file, so a stalled disk stalls nothing but logging. `pump.rs` decides when a pipe
//! is read, `sink.rs` what becomes of the bytes, `rotate.rs` and `stream.rs` are its two kinds of
//! target. Readers never meet the writer: they read the files (`read.rs`, `follow.rs`).
//!
//! Invariants: with nothing to do the thread sleeps without a timeout; no error on the way to a
//! file stops a program or ends a pump; what is lost is counted and the count is logged.

use crate::model::ProcessId;

mod activity;
mod ansi;
pub mod auto;
mod capture;
mod counts;
mod ears;
mod episode;
mod feed;
pub mod follow;
mod notices;
mod outlet;
mod output;
mod plane;
mod pump;
mod pumps;
mod queue;
pub mod read;
mod rotate;
mod sink;
mod sinks;
mod stream;
mod worker;

pub use activity::{ActivitySettings, Console, local_tm};
pub use counts::{Counts, ProcessCounts, StreamCounts};
pub use follow::{Followed, Follower};
pub use plane::LogPlane;

/// One of a program's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Descriptor 1; descriptor 2 too with `redirect_stderr`.
    Stdout,
    /// Descriptor 2.
    Stderr,
}

/// One log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogId {
    /// The daemon's own activity log.
    Main,
    /// A stream of a process.
    Process(ProcessId, Stream),
}

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}
