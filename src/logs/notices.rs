//! What the log thread finds in programs' output that event listeners want to hear of.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::{EventSet, Notice};

/// Bytes of events that may wait for the supervisor. Past it events are dropped and counted, and
/// the count is logged: a program that prints is never held up.
const BYTES_PENDING_MAX: usize = 64 << 20;

/// The way from the log thread to the supervisor. Its lock is held for a push or a pop only.
#[derive(Debug, Default)]
pub(super) struct Notices {
    pending: Mutex<Pending>,
    bell: Notify,
    /// An [`EventSet`]: what anybody wants.
    wanted: AtomicU32,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Pending {
    notices: VecDeque<Notice>,
    bytes: usize,
}

impl Notices {
    /// From now on these are wanted.
    pub fn want(&self, wanted: EventSet) {
        self.wanted.store(wanted.bits(), Ordering::Relaxed);
    }

    /// What is wanted.
    pub fn wanted(&self) -> EventSet {
        EventSet::from_bits(self.wanted.load(Ordering::Relaxed))
    }

    /// Tells the supervisor.
    pub fn push(&self, notice: Notice) {
        let mut pending = self.lock();
        let bytes = notice.payload.len();
        if pending.bytes + bytes > BYTES_PENDING_MAX {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        pending.bytes += bytes;
        pending.notices.push_back(notice);
        let first = pending.notices.len() == 1;
        drop(pending);
        if first {
            self.bell.notify_one();
        }
    }

    /// Waits for the next. Can be cancelled.
    pub async fn next(&self) -> Notice {
        loop {
            if let Some(notice) = self.pop() {
                return notice;
            }
            self.bell.notified().await;
        }
    }

    /// Events that were dropped since this was last asked.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }

    fn pop(&self) -> Option<Notice> {
        let mut pending = self.lock();
        let notice = pending.notices.pop_front()?;
        pending.bytes -= notice.payload.len();
        Some(notice)
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_come_in_order_and_what_is_too_much_is_counted() {
        let notices = Notices::default();
        let half = "x".repeat(BYTES_PENDING_MAX / 2 - 10);
        for kind in ["one", "two", "three"] {
            notices.push(Notice::remote(kind, &half));
        }
        assert_eq!((notices.take_dropped(), notices.take_dropped()), (1, 0));
        assert!(notices.next().await.payload.starts_with("type:one\n"));
        notices.push(Notice::remote("four", ""));
        assert!(notices.next().await.payload.starts_with("type:two\n"));
        assert_eq!(notices.next().await, Notice::remote("four", ""));
    }
}
