//! What the log thread counts of each stream, where any thread may read it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Stream;
use crate::model::ProcessId;

/// What became of one stream's bytes since its process joined the fleet.
#[derive(Debug, Default)]
pub struct StreamCounts {
    bytes: AtomicU64,
    dropped: AtomicU64,
    rotations: AtomicU64,
}

/// A process's streams.
#[derive(Debug, Default)]
pub struct ProcessCounts {
    stdout: StreamCounts,
    stderr: StreamCounts,
}

/// Everybody's counts. The log thread holds those that it counts in, so that counting takes no
/// lock; the lock is for a process that comes or goes, and for whoever reads.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    processes: Arc<Mutex<HashMap<ProcessId, Arc<ProcessCounts>>>>,
    main: Arc<StreamCounts>,
}

impl StreamCounts {
    /// So many bytes came from the program.
    pub(super) fn came(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// So many of them could not be written, and so often was the file rotated for them.
    pub(super) fn wrote(&self, dropped: u64, rotations: u64) {
        if dropped > 0 {
            self.dropped.fetch_add(dropped, Ordering::Relaxed);
        }
        if rotations > 0 {
            self.rotations.fetch_add(rotations, Ordering::Relaxed);
        }
    }

    /// Bytes that the program wrote.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of them that could not be written to the log.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// How often the log's file was rotated for its size.
    #[must_use]
    pub fn rotations(&self) -> u64 {
        self.rotations.load(Ordering::Relaxed)
    }
}

impl ProcessCounts {
    /// One of its streams.
    #[must_use]
    pub fn of(&self, stream: Stream) -> &StreamCounts {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }
}

impl Counts {
    /// The counts of a process; none before it first wrote to a pipe of the daemon's.
    #[must_use]
    pub fn process(&self, id: &ProcessId) -> Option<Arc<ProcessCounts>> {
        self.lock().get(id).cloned()
    }

    /// The counts of every process, in no order.
    #[must_use]
    pub fn processes(&self) -> Vec<(ProcessId, Arc<ProcessCounts>)> {
        self.lock().iter().map(|(id, counts)| (id.clone(), Arc::clone(counts))).collect()
    }

    /// The activity log: what was dropped of it, and its rotations.
    #[must_use]
    pub fn main(&self) -> &Arc<StreamCounts> {
        &self.main
    }

    pub(super) fn join(&self, id: &ProcessId) -> Arc<ProcessCounts> {
        Arc::clone(self.lock().entry(id.clone()).or_default())
    }

    pub(super) fn leave(&self, id: &ProcessId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProcessId, Arc<ProcessCounts>>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
