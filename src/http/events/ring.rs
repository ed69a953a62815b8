//! The last events, each encoded once for everybody.

use std::collections::VecDeque;

use bytes::Bytes;

use super::kind::Kind;

/// Events that are kept, for readers that are behind and those that come back. A reader that is
/// further behind is cut off; when it comes again it gets a snapshot.
pub const EVENTS_MAX: usize = 1024;

/// Bytes of events that are kept; past it the oldest are dropped as if they were too many.
pub const EVENT_BYTES_MAX: usize = 4 << 20;

/// Events that are kept while nobody watches.
pub const EVENTS_AT_REST: usize = 128;

/// Events with serial numbers that follow each other.
#[derive(Debug)]
pub struct Ring {
    events: VecDeque<Event>,
    /// The serial number of the oldest one.
    first: u64,
    /// The serial number of the very first one.
    begun_at: u64,
    bytes: usize,
}

/// One event as it is sent.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is.
    pub kind: Kind,
    /// Its lines.
    pub bytes: Bytes,
}

/// What a reader at some serial number is to do.
#[derive(Debug)]
pub enum Read<'a> {
    /// Take this event.
    Event(&'a Event),
    /// Wait.
    Nothing,
    /// What it should have read is gone.
    Lost,
}

impl Ring {
    /// An empty ring, whose first event will have this serial number.
    pub fn new(first: u64) -> Self {
        Self { events: VecDeque::new(), first, begun_at: first, bytes: 0 }
    }

    /// The serial number of the next event.
    pub fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// Whether there was never an event.
    pub fn is_new(&self) -> bool {
        self.events.is_empty() && self.first == self.begun_at
    }

    /// The serial number of the last event.
    pub fn last(&self) -> u64 {
        self.next() - 1
    }

    /// Adds an event, which has [`Ring::next`] for its serial number.
    pub fn push(&mut self, event: Event) {
        self.bytes += event.bytes.len();
        self.events.push_back(event);
        while self.events.len() > EVENTS_MAX || self.bytes > EVENT_BYTES_MAX {
            self.drop_first();
        }
    }

    /// The event of this serial number.
    pub fn read(&self, serial: u64) -> Read<'_> {
        let Some(at) = serial.checked_sub(self.first) else { return Read::Lost };
        match usize::try_from(at).ok().and_then(|at| self.events.get(at)) {
            Some(event) => Read::Event(event),
            None if serial == self.next() => Read::Nothing,
            // Of another life of the daemon.
            None => Read::Lost,
        }
    }

    /// Whether a reader that had this one last can go on with the next.
    pub fn can_follow(&self, last: u64) -> bool {
        // Before the first event there was none to have.
        !self.is_new()
            && last.checked_add(1).is_some_and(|next| !matches!(self.read(next), Read::Lost))
    }

    /// Keeps only the last few.
    pub fn rest(&mut self) {
        while self.events.len() > EVENTS_AT_REST {
            self.drop_first();
        }
        self.events.shrink_to_fit();
    }

    /// Forgets everything: nobody can go on from here.
    pub fn break_off(&mut self) {
        *self = Self { begun_at: self.begun_at, ..Self::new(self.next() + 1) };
    }

    fn drop_first(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.bytes -= event.bytes.len();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: usize) -> Event {
        Event { kind: Kind::ProcessState, bytes: vec![b'x'; bytes].into() }
    }

    #[test]
    fn the_last_ones_are_kept() {
        let mut ring = Ring::new(100);
        assert!(ring.is_new() && !ring.can_follow(99));
        ring.push(event(10));
        assert!(ring.can_follow(99) && !ring.can_follow(98));
        assert!(ring.can_follow(100) && !ring.can_follow(101));
        assert!(!ring.can_follow(u64::MAX));
        for _ in 1..EVENTS_MAX + 10 {
            ring.push(event(10));
        }
        assert_eq!((ring.first, ring.last()), (110, 100 + EVENTS_MAX as u64 + 9));
        assert!(matches!(ring.read(109), Read::Lost));
        assert!(matches!(ring.read(110), Read::Event(_)));
        assert!(matches!(ring.read(ring.next()), Read::Nothing));
        ring.push(event(EVENT_BYTES_MAX));
        assert_eq!(ring.first, ring.last(), "alone it fits");
        let last = ring.last();
        ring.rest();
        assert!(ring.can_follow(last));
        ring.break_off();
        assert!(!ring.can_follow(last) && ring.can_follow(ring.last()));
    }
}
