//! `GET /events`: what changes, as it changes (server-sent events of HTML's living standard).
//!
//! A task of the [`Hub`] compares snapshots, as the D-Bus face does, so that no way to a change
//! can forget its event; each event is encoded once, into a ring that all readers share. The task
//! lives as long as somebody reads. What happened while nobody did is told to the next one as one
//! difference, so that a reader that comes back finds its place without anybody having waited
//! for it.
//!
//! Invariants: without readers nothing is compared, sampled or encoded; a reader that does not
//! read costs a place in the ring and no memory of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::sync::{Notify, watch};
use tokio::time::{Interval, MissedTickBehavior, interval_at};

use super::body::{Body, answer};
use crate::api::changes::changes;
use crate::api::{Api, Caller, Reloads, wall_clock};
use crate::logs::Stream;
use crate::model::{Error, Snapshot};

mod board;
mod encode;
mod kind;
mod ring;
mod watcher;

use board::Board;
use encode::{Whole, Written, event};
use kind::{Kind, Kinds, Wanted};
use watcher::Watcher;

/// How often a reader gets a sign of life, and usage is sampled.
pub const TICK_EVERY: Duration = Duration::from_secs(5);

/// When the first one comes: as soon as there are two samples to compare.
const FIRST_TICK: Duration = Duration::from_millis(1_200);

/// How often it is looked who wrote something, while somebody wants to know.
const LOGS_EVERY: Duration = Duration::from_secs(1);

/// Changes that are told before others get their turn.
const CHANGES_AT_ONCE: usize = 32;

/// Changes that the first reader after a while finds told; if there are more, nobody can go on
/// from before, and whoever comes back gets a snapshot.
const CHANGES_MISSED_MAX: usize = 256;

/// A snapshot serves whoever comes within this time, as long as nothing is told.
const SNAPSHOT_FOR: Duration = Duration::from_secs(1);

/// How soon a browser tries again.
const FIRST_LINE: &[u8] = b"retry: 2000\n\n";

/// Tells everybody who reads.
pub struct Hub {
    api: Api,
    node: Arc<str>,
    board: Mutex<Board>,
    /// Something is on the board.
    news: watch::Sender<()>,
    /// The last reader has left.
    left: Notify,
    /// How many readers want to know of other nodes.
    node_watchers: watch::Sender<usize>,
    /// The last snapshot; whoever holds it makes the next one.
    kept: tokio::sync::Mutex<Option<Kept>>,
}

struct Kept {
    made: Instant,
    serial: u64,
    bytes: Bytes,
}

impl Hub {
    /// A hub of this node, at rest.
    #[must_use]
    pub fn new(api: Api, node: Arc<str>) -> Arc<Self> {
        let board = Board::new(Arc::clone(&node));
        Arc::new(Self {
            api,
            node,
            board: Mutex::new(board),
            news: watch::Sender::new(()),
            left: Notify::new(),
            node_watchers: watch::Sender::new(0),
            kept: tokio::sync::Mutex::default(),
        })
    }

    /// The answer to `GET /events?query` of this caller, whose browser may say which event it had
    /// last.
    ///
    /// # Errors
    /// `IncorrectParameters` where the query asks for a type of event that there is not.
    pub async fn respond(
        self: &Arc<Self>,
        query: &str,
        last_event_id: Option<&str>,
        caller: &Caller,
    ) -> Result<Response<Body>, Error> {
        let wanted = Wanted::parse(query)?;
        let mut watcher = self.join(wanted.kinds);
        watcher.first.push_back(Bytes::from_static(FIRST_LINE));
        let last = last_event_id.and_then(|id| id.trim().parse::<u64>().ok());
        let resumed = last.filter(|&last| self.board().ring.can_follow(last));
        if let Some(last) = resumed {
            watcher.serial = last + 1;
        } else if wanted.snapshot {
            self.begin_with_snapshot(&mut watcher, caller).await;
        }
        let body = Body::pieces(watcher, |mut watcher: Watcher| async move {
            let piece = watcher.next().await;
            Ok(piece.map(|piece| (piece, watcher)))
        });
        let mut response = answer(StatusCode::OK, "text/event-stream", body);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Asks a proxy in between (nginx) to pass every byte on at once.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(response)
    }

    /// Tells something of another node: the JSON of a `node` event. Who is behind hears the last
    /// word on each node alone.
    pub fn publish_node(&self, name: &str, data: &serde_json::Value) {
        let bytes = event(Kind::Node.name(), None, data);
        self.board().nodes.set(name.into(), bytes);
        self.news.send_replace(());
    }

    /// There is nothing to tell of a node any more.
    pub fn forget_node(&self, name: &str) {
        self.board().nodes.forget(&name.into());
    }

    /// How many readers want to know of other nodes, and when that changes.
    #[must_use]
    pub fn watch_node_watchers(&self) -> watch::Receiver<usize> {
        self.node_watchers.subscribe()
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more reader. How many there may be, the router says, for all streams together.
    fn join(self: &Arc<Self>, kinds: Kinds) -> Watcher {
        let mut board = self.board();
        board.watchers += 1;
        board.log_watchers += usize::from(kinds.has(Kind::ProcessLog));
        if kinds.has(Kind::Node) {
            self.node_watchers.send_modify(|count| *count += 1);
        }
        if !board.attended && !board.over {
            board.attended = true;
            self.catch_up(&mut board);
            tokio::spawn(Arc::clone(self).attend());
        }
        Watcher {
            hub: Arc::clone(self),
            kinds,
            news: self.news.subscribe(),
            first: VecDeque::new(),
            serial: board.ring.next(),
            tick: board.tick.0,
            log: board.logs.last(),
            node: 0,
        }
    }

    fn left(&self, kinds: Kinds) {
        let mut board = self.board();
        board.watchers -= 1;
        board.log_watchers -= usize::from(kinds.has(Kind::ProcessLog));
        if kinds.has(Kind::Node) {
            self.node_watchers.send_modify(|count| *count -= 1);
        }
        if board.watchers == 0 {
            self.left.notify_one();
        }
    }

    /// Tells what happened while nobody watched, if it is not much.
    fn catch_up(&self, board: &mut Board) {
        let fleet = self.api.snapshot();
        board.reloads = *self.api.watch_reloads().borrow();
        if board.ring.is_new() {
            // Nobody can have missed anything.
            board.told = fleet;
            return;
        }
        let found = changes(&board.told, &fleet);
        if found.len() > CHANGES_MISSED_MAX {
            board.ring.break_off();
        } else {
            for change in &found {
                board.change(change);
            }
        }
        board.caught_up(fleet);
    }

    async fn begin_with_snapshot(&self, watcher: &mut Watcher, caller: &Caller) {
        let mut kept = self.kept.lock().await;
        let whole = {
            let board = self.board();
            Arc::new(Whole {
                snapshot: Arc::clone(&board.told),
                serial: board.ring.last(),
                time: wall_clock(),
            })
        };
        let usable =
            |kept: &&Kept| kept.serial == whole.serial && kept.made.elapsed() < SNAPSHOT_FOR;
        let bytes = if let Some(kept) = kept.as_ref().filter(usable) {
            kept.bytes.clone()
        } else {
            let (made, node) = (Instant::now(), Arc::clone(&self.node));
            let (usage, shared) = (Arc::clone(self.api.usage()), Arc::clone(&whole));
            let encoded =
                tokio::task::spawn_blocking(move || shared.shared(&node, &usage.history()));
            // Fails where the runtime is going down, and so is the reader.
            let bytes = encoded.await.unwrap_or_default();
            *kept = Some(Kept { made, serial: whole.serial, bytes: bytes.clone() });
            bytes
        };
        watcher.first.push_back(whole.own(&self.node, self.api.facts(), caller));
        watcher.first.push_back(bytes);
        watcher.serial = whole.serial + 1;
    }

    /// Tells what there is to tell until nobody reads any more, or the daemon ends.
    async fn attend(self: Arc<Self>) {
        let (mut snapshots, mut reloads) = (self.api.watch(), self.api.watch_reloads());
        let mut ticks = every(TICK_EVERY, FIRST_TICK);
        let mut looks = every(LOGS_EVERY, LOGS_EVERY);
        let mut written = Written::default();
        // The first of two samples.
        self.api.usage().sample(&self.api.snapshot()).await;
        loop {
            let logs = self.board().log_watchers > 0;
            let went_on = tokio::select! {
                biased;
                changed = reloads.changed() => changed.is_ok(),
                changed = snapshots.changed() => changed.is_ok(),
                _ = ticks.tick() => {
                    self.tick().await;
                    true
                }
                _ = looks.tick(), if logs => {
                    self.look_at_logs(&mut written);
                    true
                }
                () = self.left.notified() => true,
            };
            let now = *reloads.borrow_and_update();
            let fleet = snapshots.borrow_and_update().clone();
            self.tell(now, fleet).await;
            if !went_on {
                self.board().over = true;
                self.news.send_replace(());
                return;
            }
            if self.retires().await {
                return;
            }
        }
    }

    /// What of reloads and the fleet is not told yet.
    async fn tell(&self, reloads: Reloads, fleet: Arc<Snapshot>) {
        let before = std::mem::replace(&mut self.board().reloads, reloads);
        let begun = reloads.begun != before.begun;
        if begun {
            self.board().reload(true);
            self.news.send_replace(());
        }
        let told = Arc::clone(&self.board().told);
        if told.generation != fleet.generation {
            for few in changes(&told, &fleet).chunks(CHANGES_AT_ONCE) {
                {
                    let mut board = self.board();
                    few.iter().for_each(|change| board.change(change));
                }
                self.news.send_replace(());
                tokio::task::yield_now().await;
            }
            self.board().caught_up(fleet);
            self.news.send_replace(());
        }
        if reloads.active == 0 && (begun || before.active > 0) {
            self.board().reload(false);
            self.news.send_replace(());
        }
    }

    async fn tick(&self) {
        let usage = self.api.usage();
        let sample = usage.sample(&self.api.snapshot()).await;
        usage.record();
        let node = Arc::clone(&self.node);
        let encoded = tokio::task::spawn_blocking(move || encode::tick(&sample, &node)).await;
        let Ok(bytes) = encoded else { return };
        {
            let mut board = self.board();
            board.tick = (board.tick.0 + 1, bytes);
        }
        self.news.send_replace(());
        // A snapshot is large, and nobody has come for it lately.
        if let Ok(mut kept) = self.kept.try_lock()
            && kept.as_ref().is_some_and(|kept| kept.made.elapsed() > SNAPSHOT_FOR)
        {
            *kept = None;
        }
    }

    fn look_at_logs(&self, written: &mut Written) {
        let all = self.api.logs().counts().processes();
        let mut board = self.board();
        for (id, counts) in all {
            let now = [Stream::Stdout, Stream::Stderr];
            let wrote = written.since(&id, now.map(|stream| counts.of(stream).bytes()));
            for (stream, wrote) in now.into_iter().zip(wrote) {
                if wrote {
                    board.written(&id, stream);
                }
            }
        }
        drop(board);
        self.news.send_replace(());
    }

    /// Whether nobody reads any more; then what the next reader does not need is given up.
    async fn retires(&self) -> bool {
        {
            let mut board = self.board();
            if board.watchers > 0 {
                return false;
            }
            board.attended = false;
            board.ring.rest();
            board.logs.clear();
            board.nodes.clear();
            board.tick.1 = Bytes::new();
        }
        *self.kept.lock().await = None;
        true
    }
}

fn every(period: Duration, first: Duration) -> Interval {
    let mut interval = interval_at(tokio::time::Instant::now() + first, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

#[cfg(test)]
mod tests;
