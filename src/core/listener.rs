//! Pools of event listeners: who gets which event, and what waits.
//!
//! Each event goes to one listener of each pool that subscribed to it, one at a time; while none
//! is ready it waits in the pool's buffer. What does not fit is dropped, the oldest first, and
//! counted. An event that was refused, or whose listener is gone, goes to the head of the buffer.
//!
//! **Invariant:** of the events that a pool accepted each is processed, dropped, waits, or is with
//! exactly one listener.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::effect::Effect;
use crate::config::PoolSettings;
use crate::config::setting::LogLevel;
use crate::model::notice::python_bytes;
use crate::model::{EventSet, GroupName, Notice, ProcessId, ProcessName};

mod protocol;
mod ticks;

pub use protocol::{Answer, Listener, ListenerState, Said};
pub use ticks::Ticks;

/// An event on its way to a listener.
#[derive(Debug)]
pub struct Queued {
    /// Its number among all events that anybody wanted.
    pub serial: u64,
    /// Its number among those of the pool.
    pub pool_serial: u64,
    /// What happened.
    pub notice: Arc<Notice>,
}

/// What became of the events of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events that it was to have; one that falls under two subscriptions counts twice.
    pub accepted: u64,
    /// Events that a listener has dealt with.
    pub processed: u64,
    /// Events that were dropped because too many waited.
    pub dropped: u64,
    /// Events that wait.
    pub waiting: usize,
    /// Events that a listener has now.
    pub at_listeners: usize,
}

/// Every pool.
#[derive(Debug)]
pub struct Pools {
    /// What listeners are told of who sends: `identifier`.
    server: String,
    pools: BTreeMap<GroupName, Pool>,
    /// What any pool subscribed to.
    wanted: EventSet,
    serial: u64,
    /// Pools that have dropped something since this was last taken.
    dropped: Vec<GroupName>,
}

#[derive(Debug)]
struct Pool {
    name: GroupName,
    settings: PoolSettings,
    /// In the order in which they are asked.
    members: Vec<(ProcessName, Listener)>,
    buffer: VecDeque<Arc<Queued>>,
    serial: u64,
    tally: Tally,
}

/// What a pool needs of the supervisor to act.
pub struct Reach<'a> {
    /// Whether a process is RUNNING.
    pub runs: &'a dyn Fn(&ProcessId) -> bool,
    /// What is to be done.
    pub out: &'a mut VecDeque<Effect>,
}

impl Pools {
    /// None yet. `server` is what listeners are told of who sends.
    #[must_use]
    pub fn new(server: String) -> Self {
        Self {
            server,
            pools: BTreeMap::new(),
            wanted: EventSet::NONE,
            serial: 0,
            dropped: Vec::new(),
        }
    }

    /// What any pool subscribed to.
    #[must_use]
    pub fn wanted(&self) -> EventSet {
        self.wanted
    }

    /// What became of a pool's events, if it is one.
    #[must_use]
    pub fn tally(&self, name: &GroupName) -> Option<Tally> {
        let pool = self.pools.get(name)?;
        let busy = |listener: &Listener| matches!(listener.state, ListenerState::Busy { .. });
        let at_listeners = pool.members.iter().filter(|(_, member)| busy(member)).count();
        Some(Tally { waiting: pool.buffer.len(), at_listeners, ..pool.tally })
    }

    /// Where a listener stands.
    #[must_use]
    pub fn listener(&self, id: &ProcessId) -> Option<&ListenerState> {
        self.pools.get(&id.group)?.member(&id.name).map(|member| &member.state)
    }

    /// Pools that have dropped something since this was last asked.
    pub fn take_dropped(&mut self) -> Vec<GroupName> {
        std::mem::take(&mut self.dropped)
    }

    /// A pool of these settings, new or as it is from now on.
    pub fn set(&mut self, name: &GroupName, settings: PoolSettings, reach: &mut Reach<'_>) {
        let pool = self.pools.entry(name.clone()).or_insert_with(|| Pool {
            name: name.clone(),
            settings,
            members: Vec::new(),
            buffer: VecDeque::new(),
            serial: 0,
            tally: Tally::default(),
        });
        pool.settings = settings;
        self.count_wanted(reach);
    }

    /// The pool is no more, and what waited in it neither.
    pub fn remove(&mut self, name: &GroupName, reach: &mut Reach<'_>) {
        if self.pools.remove(name).is_some() {
            self.count_wanted(reach);
        }
    }

    fn count_wanted(&mut self, reach: &mut Reach<'_>) {
        let sets = self.pools.values().map(|pool| pool.settings.events);
        let wanted = sets.fold(EventSet::NONE, EventSet::and);
        if wanted != self.wanted {
            self.wanted = wanted;
            reach.out.push_back(Effect::Subscribed(wanted));
        }
    }

    /// A process becomes one of a pool.
    pub fn join(&mut self, id: &ProcessId) {
        if let Some(pool) = self.pools.get_mut(&id.group) {
            pool.members.push((id.name.clone(), Listener::default()));
        }
    }

    /// A process is no longer of its pool; it has no child.
    pub fn leave(&mut self, id: &ProcessId, reach: &mut Reach<'_>) {
        self.ended(id, reach);
        if let Some(pool) = self.pools.get_mut(&id.group) {
            pool.members.retain(|(name, _)| *name != id.name);
        }
    }

    /// Something happened.
    pub fn notify(&mut self, notice: Notice, reach: &mut Reach<'_>) {
        if !self.wanted.wants(notice.kind) {
            return;
        }
        let (serial, notice) = (self.serial, Arc::new(notice));
        self.serial += 1;
        for pool in self.pools.values_mut() {
            let copies = pool.settings.events.copies(notice.kind);
            if copies == 0 {
                continue;
            }
            let pool_serial = pool.serial;
            pool.serial += 1;
            let event = Arc::new(Queued { serial, pool_serial, notice: Arc::clone(&notice) });
            for _ in 0..copies {
                pool.tally.accepted += 1;
                pool.buffer(Arc::clone(&event), End::Back, &mut self.dropped, reach);
                pool.dispatch(&self.server, reach);
            }
        }
    }

    /// A listener's child was started: it has yet to say that it is ready.
    pub fn started(&mut self, id: &ProcessId, reach: &mut Reach<'_>) {
        self.ended(id, reach);
    }

    /// A listener is RUNNING.
    pub fn runs(&mut self, id: &ProcessId, reach: &mut Reach<'_>) {
        if let Some(pool) = self.pools.get_mut(&id.group) {
            pool.dispatch(&self.server, reach);
        }
    }

    /// A listener's child has ended: what it had goes to another.
    pub fn ended(&mut self, id: &ProcessId, reach: &mut Reach<'_>) {
        let Some(pool) = self.pools.get_mut(&id.group) else { return };
        if let Some(event) = pool.member_mut(&id.name).and_then(Listener::leave) {
            pool.buffer(event, End::Front, &mut self.dropped, reach);
            pool.dispatch(&self.server, reach);
        }
    }

    /// What was sent to a listener did not reach it: it has closed its standard input.
    pub fn undelivered(&mut self, id: &ProcessId, reach: &mut Reach<'_>) {
        let Some(pool) = self.pools.get_mut(&id.group) else { return };
        let Some(member) = pool.member_mut(&id.name) else { return };
        let Some(event) = member.leave() else { return };
        member.state = ListenerState::Deaf;
        let line = format!(
            "epipe occurred while sending event {} to listener {}, listener state unchanged",
            event.serial, id.name
        );
        reach.log(LogLevel::Debug, line);
        pool.buffer(event, End::Front, &mut self.dropped, reach);
        pool.dispatch(&self.server, reach);
    }

    /// A listener has said something.
    pub fn said(&mut self, id: &ProcessId, bytes: &[u8], reach: &mut Reach<'_>) {
        let Some(pool) = self.pools.get_mut(&id.group) else { return };
        let Some(member) = pool.member_mut(&id.name) else { return };
        for said in member.hear(bytes) {
            let name = &id.name;
            match said {
                Said::Ready => reach.changed(name, "ACKNOWLEDGED", "READY"),
                Said::Rejected(event) if pool.settings.judged => {
                    reach.log(LogLevel::Warn, format!("{name}: event was rejected"));
                    reach.changed(name, "BUSY", "ACKNOWLEDGED");
                    pool.buffer(event, End::Front, &mut self.dropped, reach);
                }
                Said::Processed | Said::Rejected(_) => {
                    pool.tally.processed += 1;
                    reach.log(LogLevel::Debug, format!("{name}: event was processed"));
                    reach.changed(name, "BUSY", "ACKNOWLEDGED");
                }
                Said::BadLine(line, event) => {
                    let shown = match String::from_utf8(line) {
                        Ok(line) => line,
                        Err(line) => {
                            format!("Undecodable: {}", python_bytes(line.as_bytes()))
                        }
                    };
                    reach.log(LogLevel::Warn, format!("{name}: bad result line: '{shown}'"));
                    reach.violated(name, "BUSY");
                    pool.buffer(event, End::Front, &mut self.dropped, reach);
                }
                Said::OutOfTurn(state) => reach.violated(name, state),
            }
        }
        pool.dispatch(&self.server, reach);
    }
}

/// Where in the buffer an event goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

impl Pool {
    fn member(&self, name: &ProcessName) -> Option<&Listener> {
        self.members.iter().find(|(of, _)| of == name).map(|(_, member)| member)
    }

    fn member_mut(&mut self, name: &ProcessName) -> Option<&mut Listener> {
        self.members.iter_mut().find(|(of, _)| of == name).map(|(_, member)| member)
    }

    fn buffer(
        &mut self,
        event: Arc<Queued>,
        end: End,
        dropped: &mut Vec<GroupName>,
        reach: &mut Reach<'_>,
    ) {
        let (name, size) = (&self.name, self.settings.buffer_size);
        if end == End::Front {
            let line = format!(
                "rebuffering event {} for pool {name} (buf size={}, max={size})",
                event.serial,
                self.buffer.len()
            );
            reach.log(LogLevel::Debug, line);
        }
        // More than one only after the buffer was made smaller.
        while self.buffer.len() >= size.max(1)
            && let Some(oldest) = self.buffer.pop_front()
        {
            self.tally.dropped += 1;
            let serial = oldest.serial;
            let line = format!("pool {name} event buffer overflowed, discarding event {serial}");
            reach.log(LogLevel::Error, line);
            if dropped.last() != Some(name) {
                dropped.push(name.clone());
            }
        }
        match end {
            End::Front => self.buffer.push_front(event),
            End::Back => self.buffer.push_back(event),
        }
    }

    /// Sends what waits to listeners that are ready.
    fn dispatch(&mut self, server: &str, reach: &mut Reach<'_>) {
        while !self.buffer.is_empty() {
            let id = |name: &ProcessName| ProcessId::new(self.name.clone(), name.clone());
            let mut ready = self.members.iter_mut().filter(|(name, member)| {
                matches!(member.state, ListenerState::Ready) && (reach.runs)(&id(name))
            });
            let Some((name, member)) = ready.next() else { return };
            let Some(event) = self.buffer.pop_front() else { return };
            let Queued { serial, pool_serial, notice } = &*event;
            let (kind, payload) = (notice.kind, &notice.payload);
            // Characters, not bytes: listeners written in Python read text.
            let length = payload.chars().count();
            let envelope = format!(
                "ver:3.0 server:{server} serial:{serial} pool:{} poolserial:{pool_serial} \
                 eventname:{kind} len:{length}\n{payload}",
                self.name
            );
            reach.out.push_back(Effect::Deliver { process: id(name), envelope });
            let line = format!("event {serial} sent to listener {name}");
            reach.log(LogLevel::Debug, line);
            member.state = ListenerState::Busy { event, answer: Answer::None };
        }
    }
}

impl Reach<'_> {
    fn log(&mut self, level: LogLevel, line: String) {
        self.out.push_back(Effect::Log { level, line });
    }

    fn changed(&mut self, name: &ProcessName, from: &str, to: &str) {
        self.log(LogLevel::Debug, format!("{name}: {from} -> {to}"));
    }

    fn violated(&mut self, name: &ProcessName, from: &str) {
        self.changed(name, from, "UNKNOWN");
        let line = format!(
            "{name}: has entered the UNKNOWN state and will no longer receive events, this usually \
             indicates the process violated the eventlistener protocol"
        );
        self.log(LogLevel::Warn, line);
    }
}

#[cfg(test)]
mod tests;
