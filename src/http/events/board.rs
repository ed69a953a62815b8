//! What there is to tell, where every watcher finds it.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;

use super::encode::Told;
use super::ring::{Event, Ring};
use crate::api::changes::Change;
use crate::api::{Reloads, wall_clock};
use crate::logs::Stream;
use crate::model::{ProcessId, Snapshot, SupervisorState};

/// Everything that is told, and what of the world is told already.
pub struct Board {
    /// Events with serial numbers.
    pub ring: Ring,
    /// The fleet as the events so far tell it.
    pub told: Arc<Snapshot>,
    /// The reloads that are told.
    pub reloads: Reloads,
    /// The last tick and its number.
    pub tick: (u64, Bytes),
    /// Channels that were written to.
    pub logs: Topics<(ProcessId, Stream)>,
    /// Other nodes.
    pub nodes: Topics<Arc<str>>,
    /// How many watch.
    pub watchers: usize,
    /// How many of them want to know of logs.
    pub log_watchers: usize,
    /// Whether somebody sees to it that things are told.
    pub attended: bool,
    /// The daemon ends: nothing more will be told.
    pub over: bool,
    node: Arc<str>,
}

/// The last word on each of many things. Whoever is behind hears that one alone, so that there is
/// never more of it than there are things.
pub struct Topics<K> {
    by_number: BTreeMap<u64, (K, Bytes)>,
    numbers: HashMap<K, u64>,
    last: u64,
}

impl<K> Default for Topics<K> {
    fn default() -> Self {
        Self { by_number: BTreeMap::new(), numbers: HashMap::new(), last: 0 }
    }
}

impl<K: Clone + Eq + Hash> Topics<K> {
    /// The number of the last word.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// A new word on something.
    pub fn set(&mut self, key: K, bytes: Bytes) {
        self.forget(&key);
        self.last += 1;
        self.numbers.insert(key.clone(), self.last);
        self.by_number.insert(self.last, (key, bytes));
    }

    /// There is nothing to say of it any more.
    pub fn forget(&mut self, key: &K) {
        if let Some(number) = self.numbers.remove(key) {
            self.by_number.remove(&number);
        }
    }

    /// The first word after this number, with its own.
    pub fn after(&self, number: u64) -> Option<(u64, Bytes)> {
        let (&number, (_, bytes)) = self.by_number.range(number + 1..).next()?;
        Some((number, bytes.clone()))
    }

    /// Forgets everything but how far it has counted.
    pub fn clear(&mut self) {
        *self = Self { last: self.last, ..Self::default() };
    }
}

impl Board {
    /// A board on which nothing is told yet. It holds no fleet: until somebody reads, that would
    /// only be memory.
    pub fn new(node: Arc<str>) -> Self {
        // Serial numbers go on from one life of the daemon to the next: there is no event in each
        // microsecond.
        let first = u64::try_from(wall_clock().0).unwrap_or(1).max(1);
        Self {
            ring: Ring::new(first),
            told: Arc::new(Snapshot {
                generation: 0,
                state: SupervisorState::Running,
                processes: OrdMap::new(),
                groups: OrdMap::new(),
            }),
            reloads: Reloads::default(),
            tick: (0, Bytes::new()),
            logs: Topics::default(),
            nodes: Topics::default(),
            watchers: 0,
            log_watchers: 0,
            attended: false,
            over: false,
            node,
        }
    }

    /// Tells one change of the fleet.
    pub fn change(&mut self, change: &Change) {
        let told = self.next();
        let (kind, bytes) = match change {
            Change::ProcessChanged(before, after) => told.changed(before, after),
            Change::ProcessAdded(process) => told.added(process),
            Change::ProcessRemoved(process) => told.removed(process),
            Change::GroupAdded(_) | Change::GroupChanged(_) | Change::GroupRemoved(_) => return,
        };
        // A watcher that comes in between finds in the snapshot what is told, and no more.
        let fleet = Arc::make_mut(&mut self.told);
        match change {
            Change::ProcessChanged(_, process) | Change::ProcessAdded(process) => {
                fleet.processes.insert(process.id.clone(), Arc::clone(process));
            }
            Change::ProcessRemoved(process) => {
                fleet.processes.remove(&process.id);
                for stream in [Stream::Stdout, Stream::Stderr] {
                    self.logs.forget(&(process.id.clone(), stream));
                }
            }
            _ => {}
        }
        self.ring.push(Event { kind, bytes });
    }

    /// The fleet is this now, of which every change of a process is told.
    pub fn caught_up(&mut self, fleet: Arc<Snapshot>) {
        self.state(fleet.state);
        self.told = fleet;
    }

    /// Tells that the configuration is being read, or was.
    pub fn reload(&mut self, active: bool) {
        let (kind, bytes) = self.next().reload(active);
        self.ring.push(Event { kind, bytes });
    }

    /// Tells that something was written.
    pub fn written(&mut self, id: &ProcessId, stream: Stream) {
        let bytes = self.next().log(id, &stream.to_string());
        self.logs.set((id.clone(), stream), bytes);
    }

    fn state(&mut self, state: SupervisorState) {
        if self.told.state != state {
            let (kind, bytes) = self.next().supervisor(self.told.state, state);
            self.ring.push(Event { kind, bytes });
        }
    }

    fn next(&self) -> Told<'_> {
        Told { serial: self.ring.next(), time: wall_clock(), node: &self.node }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_thing_the_last_word_counts() {
        let mut topics = Topics::default();
        topics.set("a", "1".into());
        topics.set("b", "2".into());
        topics.set("a", "3".into());
        assert_eq!(topics.after(0), Some((2, "2".into())));
        assert_eq!(topics.after(2), Some((3, "3".into())));
        assert_eq!(topics.after(topics.last()), None);
        topics.forget(&"b");
        assert_eq!(topics.after(0), Some((3, "3".into())));
        topics.clear();
        topics.set("c", "4".into());
        assert_eq!(topics.after(3), Some((4, "4".into())));
    }
}
