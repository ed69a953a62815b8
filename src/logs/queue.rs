//! What waits for the log thread: orders, and lines up to a bound.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::{oneshot, watch};

use super::follow::FileId;
use super::{LogId, Stream};
use crate::config::ProcessSettings;
use crate::config::setting::LogLevel;
use crate::model::{ProcessFacts, ProcessId, WallTime};

/// Bytes of activity lines that may wait for the log thread. Past it lines are dropped and
/// counted, and the count is logged: the supervision thread never waits for a disk.
const LINE_BYTES_PENDING_MAX: usize = 4 << 20;

/// Bytes of event listeners' output that may wait for the log thread. Past it they are dropped
/// and counted as lost.
const FED_BYTES_PENDING_MAX: usize = 4 << 20;

/// What the log thread is told.
pub(super) enum Order {
    Line {
        level: LogLevel,
        wall: WallTime,
        text: String,
    },
    LinesDropped(u64),
    Level(LogLevel),
    Prepare {
        process: ProcessId,
        settings: Arc<ProcessSettings>,
        facts: Arc<ProcessFacts>,
    },
    Attach(Attachment),
    /// A listener's child was started, whose output comes as `Fed`.
    Feed {
        process: ProcessId,
        pid: i32,
        settings: Arc<ProcessSettings>,
        facts: Arc<ProcessFacts>,
    },
    Fed {
        process: ProcessId,
        bytes: Vec<u8>,
    },
    Ended(ProcessId),
    Forget(ProcessId),
    Reopen,
    Sync {
        which: LogId,
        reply: oneshot::Sender<()>,
    },
    Settle {
        reply: oneshot::Sender<()>,
    },
    Clear {
        which: LogId,
        reply: oneshot::Sender<io::Result<()>>,
    },
    Follow {
        which: LogId,
        reply: oneshot::Sender<Option<Subscription>>,
    },
    Shut {
        reply: Option<oneshot::Sender<()>>,
    },
}

/// A pipe and what to do with what comes out of it.
pub(super) struct Attachment {
    pub process: ProcessId,
    /// The child that writes to it.
    pub pid: i32,
    pub stream: Stream,
    pub pipe: OwnedFd,
    pub settings: Arc<ProcessSettings>,
    pub facts: Arc<ProcessFacts>,
}

/// What a follower needs of the plane: where the file is, and to be told when it has changed.
pub(super) struct Subscription {
    pub path: PathBuf,
    pub changes: watch::Receiver<FileId>,
}

/// The way from every other thread to the log thread. Its lock is held for a push or a swap only.
pub(super) struct Queue {
    pending: Mutex<Pending>,
    bell: EventFd,
    /// Lines ever dropped.
    lines_dropped: AtomicU64,
}

#[derive(Default)]
struct Pending {
    orders: Vec<Order>,
    line_bytes: usize,
    fed_bytes: usize,
    lines_dropped: u64,
    rung: bool,
    closed: bool,
}

impl Queue {
    pub fn new() -> io::Result<Self> {
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { pending: Mutex::default(), bell, lines_dropped: AtomicU64::new(0) })
    }

    /// Readable when there is something to take.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Adds an order; once the thread has ended it is dropped, and with it its `reply`. False if
    /// it was one too many.
    pub fn push(&self, order: Order) -> bool {
        let mut pending = self.lock();
        if pending.closed {
            return true;
        }
        if let Order::Fed { bytes, .. } = &order {
            if pending.fed_bytes + bytes.len() > FED_BYTES_PENDING_MAX {
                return false;
            }
            pending.fed_bytes += bytes.len();
        }
        if let Order::Line { text, .. } = &order {
            if pending.line_bytes + text.len() > LINE_BYTES_PENDING_MAX {
                pending.lines_dropped += 1;
                self.lines_dropped.fetch_add(1, Ordering::Relaxed);
                return false;
            }
            pending.line_bytes += text.len();
        }
        pending.orders.push(order);
        if !mem::replace(&mut pending.rung, true) {
            // Fails only if the counter overflows, and then the bell rings anyway.
            let _ = self.bell.write(1);
        }
        true
    }

    /// Everything that waits, in order; the thread's side.
    pub fn take(&self) -> Vec<Order> {
        let _ = self.bell.read();
        let mut pending = self.lock();
        pending.rung = false;
        pending.line_bytes = 0;
        pending.fed_bytes = 0;
        let dropped = mem::take(&mut pending.lines_dropped);
        let mut orders = mem::take(&mut pending.orders);
        if dropped > 0 {
            orders.push(Order::LinesDropped(dropped));
        }
        orders
    }

    /// Activity lines ever dropped because too many waited.
    pub fn lines_dropped(&self) -> u64 {
        self.lines_dropped.load(Ordering::Relaxed)
    }

    /// Orders and lines that wait.
    pub fn len(&self) -> usize {
        self.lock().orders.len()
    }

    /// Refuses whatever comes from now on.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_past_the_bound_are_counted_and_orders_are_not() {
        let queue = Queue::new().unwrap();
        let line = || Order::Line {
            level: LogLevel::Info,
            wall: WallTime::NEVER,
            text: "x".repeat(LINE_BYTES_PENDING_MAX / 2),
        };
        let taken: Vec<bool> = (0..5).map(|_| queue.push(line())).collect();
        assert_eq!(taken, [true, true, false, false, false]);
        assert!(queue.push(Order::Reopen));
        let taken = queue.take();
        assert!(matches!(
            taken[..],
            [Order::Line { .. }, Order::Line { .. }, Order::Reopen, Order::LinesDropped(3)]
        ));
        assert!(queue.push(line()));
        assert_eq!(queue.take().len(), 1, "the bound is for what waits, not for ever");
    }
}
