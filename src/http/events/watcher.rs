//! One reader of events: where it is, and what it is given next.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::Hub;
use super::board::Board;
use super::kind::{Kind, Kinds};
use super::ring::Read;

/// One reader. It counts as one of the hub's as long as it lives.
pub struct Watcher {
    pub(super) hub: Arc<Hub>,
    pub(super) kinds: Kinds,
    pub(super) news: watch::Receiver<()>,
    /// What it is given before anything else.
    pub(super) first: VecDeque<Bytes>,
    /// The serial number of the event it is given next.
    pub(super) serial: u64,
    pub(super) tick: u64,
    pub(super) log: u64,
    pub(super) node: u64,
}

/// What there is for a reader.
enum Found {
    Piece(Bytes),
    Nothing,
    /// It lags behind too far, or there will be nothing more.
    End,
}

impl Watcher {
    fn look(&mut self, board: &Board) -> Found {
        loop {
            match board.ring.read(self.serial) {
                Read::Event(event) => {
                    self.serial += 1;
                    if self.kinds.has(event.kind) {
                        return Found::Piece(event.bytes.clone());
                    }
                }
                Read::Lost => return Found::End,
                Read::Nothing => break,
            }
        }
        if self.kinds.has(Kind::ProcessLog)
            && let Some((number, bytes)) = board.logs.after(self.log)
        {
            self.log = number;
            return Found::Piece(bytes);
        }
        if self.kinds.has(Kind::Node)
            && let Some((number, bytes)) = board.nodes.after(self.node)
        {
            self.node = number;
            return Found::Piece(bytes);
        }
        let (number, tick) = &board.tick;
        if self.kinds.has(Kind::Tick) && *number > self.tick {
            self.tick = *number;
            return Found::Piece(tick.clone());
        }
        if board.over { Found::End } else { Found::Nothing }
    }
}

impl Watcher {
    /// Waits for what comes next; `None` when it lags behind too far, or the daemon ends.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let Some(piece) = self.first.pop_front() {
            return Some(piece);
        }
        loop {
            // Before the look: what comes after it is news.
            self.news.borrow_and_update();
            let hub = Arc::clone(&self.hub);
            match self.look(&hub.board()) {
                Found::Piece(bytes) => return Some(bytes),
                Found::End => return None,
                Found::Nothing => {}
            }
            self.news.changed().await.ok()?;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.hub.left(self.kinds);
    }
}
