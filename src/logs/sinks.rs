//! Every open sink, one for each path: pumps that share a file share its rotation too.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::counts::StreamCounts;
use super::episode::Reports;
use super::follow::FileId;
use super::pump::Moment;
use super::queue::Subscription;
use super::sink::{Sink, SinkSettings, Tally};
use super::slots::{SlotId, Slots};

/// Names a sink; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SinkId(SlotId);

/// The table of sinks, counted by users, and of those who follow a path.
#[derive(Default)]
pub(super) struct Sinks {
    open: Slots<Entry>,
    by_path: HashMap<Arc<Path>, SinkId>,
    followed: HashMap<PathBuf, watch::Sender<FileId>>,
    /// Sinks that a slow reader holds up.
    blocked: Vec<SinkId>,
    reports: Reports,
}

struct Entry {
    sink: Sink,
    users: u32,
}

impl Sinks {
    /// One more user of the sink of this path; the last user's settings hold for all.
    pub fn acquire(&mut self, path: Arc<Path>, settings: SinkSettings, now: Moment) -> SinkId {
        if let Some(&id) = self.by_path.get(&path)
            && let Some(entry) = self.open.get_mut(id.0)
        {
            entry.users += 1;
            entry.sink.set(settings);
            return id;
        }
        let changes = self.followed.get(&*path).cloned();
        let sink = Sink::open(path.clone(), settings, changes, now, &mut self.reports);
        let id = SinkId(self.open.insert(Entry { sink, users: 1 }));
        self.by_path.insert(path, id);
        id
    }

    /// One user less; the last one closes it.
    pub fn release(&mut self, id: SinkId) {
        let Some(entry) = self.open.get_mut(id.0) else {
            return;
        };
        entry.users -= 1;
        if entry.users == 0
            && let Some(mut entry) = self.open.remove(id.0)
        {
            entry.sink.finish(&mut self.reports);
            self.by_path.remove(entry.sink.path());
        }
    }

    /// See [`Sink::write`]. What it loses, and its rotations, are counted as whose bytes these are.
    pub fn write(&mut self, id: SinkId, bytes: &[u8], now: Moment, counts: &StreamCounts) {
        if let Some(entry) = self.open.get_mut(id.0) {
            entry.sink.write(bytes, now, &mut self.reports);
            let Tally { dropped, rotations } = entry.sink.take_tally();
            counts.wrote(dropped, rotations);
            if entry.sink.is_blocked() && !self.blocked.contains(&id) {
                self.blocked.push(id);
            }
        }
    }

    /// See [`Sink::create`].
    pub fn create(&mut self, path: &Path, now: Moment) {
        if let Some(id) = self.by_path.get(path)
            && let Some(entry) = self.open.get_mut(id.0)
        {
            entry.sink.create(now, &mut self.reports);
        }
    }

    /// See [`Sink::room`].
    pub fn room(&self, id: SinkId) -> u64 {
        self.open.get(id.0).map_or(u64::MAX, |entry| entry.sink.room())
    }

    /// Whether a slow reader should be waited for before more is read for this sink.
    pub fn is_blocked(&self, id: SinkId) -> bool {
        self.blocked.contains(&id)
    }

    /// Whether [`Sinks::flush`] should be called again soon.
    pub fn any_blocked(&self) -> bool {
        !self.blocked.is_empty()
    }

    /// Tries again to write what waits for slow readers.
    pub fn flush(&mut self, now: Moment) {
        let Self { open, blocked, reports, .. } = self;
        blocked.retain(|id| {
            open.get_mut(id.0).is_some_and(|entry| {
                entry.sink.flush(now, reports);
                entry.sink.is_blocked()
            })
        });
    }

    /// Empties the log of this path, in use or not. One that does not exist is empty already.
    ///
    /// # Errors
    /// It cannot be opened or truncated.
    pub fn clear(&mut self, path: &Path) -> io::Result<()> {
        if let Some(id) = self.by_path.get(path)
            && let Some(entry) = self.open.get_mut(id.0)
        {
            return entry.sink.clear();
        }
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Ok(found) if !found.is_file() => return Ok(()),
            _ => {}
        }
        std::fs::OpenOptions::new().write(true).truncate(true).open(path)?;
        if let Some(changes) = self.followed.get(path) {
            changes.send_replace(FileId::UNKNOWN);
        }
        Ok(())
    }

    /// Opens every path anew.
    pub fn reopen(&mut self, now: Moment) {
        for entry in self.open.values_mut() {
            entry.sink.reopen(now, &mut self.reports);
        }
    }

    /// To be told of every change of the log of this path, in use or not.
    pub fn follow(&mut self, path: PathBuf) -> Subscription {
        self.followed.retain(|_, changes| changes.receiver_count() > 0);
        let changes = self
            .followed
            .entry(path.clone())
            .or_insert_with(|| watch::Sender::new(FileId::UNKNOWN))
            .clone();
        let receiver = changes.subscribe();
        if let Some(id) = self.by_path.get(path.as_path())
            && let Some(entry) = self.open.get_mut(id.0)
        {
            entry.sink.announce(changes);
        }
        Subscription { path, changes: receiver }
    }

    /// What should be said in the activity log.
    pub fn take_reports(&mut self) -> Reports {
        std::mem::take(&mut self.reports)
    }
}
