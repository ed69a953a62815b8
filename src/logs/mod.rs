//! The data plane: every byte of a program's output, and the daemon's own activity log.
//!
//! One thread of its own (`plane.rs` is the way in, `worker.rs` what it does) reads every pipe and
//! writes every file, so a stalled disk stalls nothing but logging. `pump.rs` decides when a pipe
//! is read, `route.rs` where its bytes go, `sink.rs` what becomes of them in a file: `rotate.rs` and
//! `stream.rs` are its two kinds. System logs and the journal get whole lines (`lines.rs`,
//! `format.rs`), sent by threads of their own (`forward/`). Readers never meet the writer: they read the files (`read.rs`, `follow.rs`).
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
mod format;
mod forward;
mod lines;
mod notices;
mod outlet;
mod output;
mod plane;
mod pump;
mod pumps;
mod queue;
pub mod read;
mod rotate;
mod route;
mod sink;
mod sinks;
mod slots;
mod stamp;
mod stream;
mod worker;

pub use activity::{ActivitySettings, Console, local_tm};
pub use counts::{Counts, ProcessCounts, StreamCounts};
pub use follow::{Followed, Follower};
pub use forward::SystemSockets;
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
