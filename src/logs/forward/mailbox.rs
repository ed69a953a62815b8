//! What waits to be sent to one destination: bounded, and what is too much is counted.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Destination;
use super::line::Line;
use super::sender::Sender;
use crate::config::setting::LogLevel;
use crate::logs::Stream;
use crate::logs::counts::{ProcessCounts, StreamCounts};
use crate::logs::queue::{Order, Queue};
use crate::logs::stamp;

/// Bytes of lines that may wait for one destination. Past it lines are dropped and counted: a
/// program never waits for a system log.
pub(super) const WAITING_BYTES_MAX: usize = 4 << 20;

/// What a line that waits costs beside its bytes.
const LETTER_BYTES: usize = mem::size_of::<Letter>();

/// Whose bytes a line is made of, and so where its loss is counted.
#[derive(Clone, Debug)]
pub(in crate::logs) enum Owner {
    Process(Arc<ProcessCounts>, Stream),
    Main(Arc<StreamCounts>),
}

/// A line on its way.
#[derive(Debug)]
pub(super) struct Letter {
    pub record: Vec<u8>,
    pub posted: Instant,
    /// How many bytes of the owner's are in it.
    bytes: usize,
    owner: Owner,
}

/// How much was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    pub lines: u64,
    pub bytes: u64,
}

/// Between the log thread and the thread that sends.
pub(super) struct Mailbox {
    pub destination: Destination,
    queue: Arc<Queue>,
    state: Mutex<State>,
    /// Something was posted, the mailbox was closed, or the thread has ended.
    changed: Condvar,
}

struct State {
    letters: VecDeque<Letter>,
    /// Of those that were taken and are not yet sent, too.
    bytes: usize,
    lost: Lost,
    /// What the thread is to have, until it has begun.
    line: Option<Line>,
    /// The sending thread sleeps until something comes.
    idle: bool,
    /// Nobody will post any more, and until when what waits may be sent.
    closed: Option<Instant>,
    ended: bool,
}

impl Mailbox {
    pub fn new(destination: Destination, line: Line, queue: Arc<Queue>) -> Arc<Self> {
        let state = State {
            letters: VecDeque::new(),
            bytes: 0,
            lost: Lost::default(),
            line: Some(line),
            idle: false,
            closed: None,
            ended: false,
        };
        Arc::new(Self { destination, queue, state: state.into(), changed: Condvar::new() })
    }

    /// Takes a line, or drops and counts it. The first one begins the thread.
    pub fn post(self: &Arc<Self>, record: Vec<u8>, bytes: usize, owner: &Owner) {
        let mut state = self.lock();
        let cost = record.len() + LETTER_BYTES;
        if state.closed.is_some() || state.bytes + cost > WAITING_BYTES_MAX {
            owner.lost(bytes);
            state.lost.add(bytes);
            return;
        }
        state.bytes += cost;
        let posted = Instant::now();
        state.letters.push_back(Letter { record, posted, bytes, owner: owner.clone() });
        if let Some(line) = state.line.take() {
            let mailbox = Arc::clone(self);
            let thread = thread::Builder::new().name("logs-forward".into());
            if thread.spawn(move || Sender::new(mailbox, line).run()).is_err() {
                // Without a thread everything is lost, as it would be without a socket.
                state.closed = Some(posted);
                state.ended = true;
                for letter in mem::take(&mut state.letters) {
                    letter.owner.lost(letter.bytes);
                    state.lost.add(letter.bytes);
                }
            }
        } else if mem::take(&mut state.idle) {
            self.changed.notify_all();
        }
    }

    /// Nobody will post any more. What waits may take so long to be sent.
    pub fn close(&self, grace: Duration) {
        let mut state = self.lock();
        if state.closed.is_none() {
            state.closed = Some(Instant::now() + grace);
            state.ended |= state.line.is_some();
            self.changed.notify_all();
        }
    }

    /// Waits for the end of the thread; what was lost and not said, in words.
    pub fn end(&self, until: Instant) -> Option<String> {
        let mut state = self.lock();
        while !state.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // What is not sent now never will be.
        let mut lost = mem::take(&mut state.lost);
        for letter in mem::take(&mut state.letters) {
            letter.owner.lost(letter.bytes);
            lost.add(letter.bytes);
        }
        lost.told(&self.destination)
    }

    /// Everything that waits; waits itself until there is something. `None` at the end.
    pub fn take(&self) -> Option<VecDeque<Letter>> {
        let mut state = self.lock();
        loop {
            if !state.letters.is_empty() {
                return Some(mem::take(&mut state.letters));
            }
            if state.closed.is_some() {
                return None;
            }
            state.idle = true;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether nothing waits that was not taken.
    pub fn is_empty(&self) -> bool {
        self.lock().letters.is_empty()
    }

    /// Rests until this moment, or until the mailbox is closed. False if there is no time left to
    /// send anything.
    pub fn rest(&self, until: Instant) -> bool {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            if let Some(end) = state.closed {
                return now < end;
            }
            if until <= now {
                return true;
            }
            let waited = self.changed.wait_timeout(state, until.saturating_duration_since(now));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether nobody will post any more.
    pub fn is_closed(&self) -> bool {
        self.lock().closed.is_some()
    }

    /// This one was sent.
    pub fn sent(&self, letter: &Letter) {
        self.lock().bytes -= letter.record.len() + LETTER_BYTES;
    }

    /// This one will not be sent.
    pub fn lose(&self, letter: &Letter) {
        letter.owner.lost(letter.bytes);
        let mut state = self.lock();
        state.bytes -= letter.record.len() + LETTER_BYTES;
        state.lost.add(letter.bytes);
    }

    /// One that was sent did not arrive, and waits again.
    pub fn returned(&self, letter: &Letter) {
        self.lock().bytes += letter.record.len() + LETTER_BYTES;
    }

    /// What was lost since this was last asked.
    pub fn take_lost(&self) -> Lost {
        mem::take(&mut self.lock().lost)
    }

    /// The thread has ended.
    pub fn ended(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Says something in the activity log.
    pub fn say(&self, level: LogLevel, text: String) {
        self.queue.push(Order::Line { level, wall: stamp::now(), text });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owner {
    fn lost(&self, bytes: usize) {
        match self {
            Self::Process(counts, stream) => counts.of(*stream).wrote(bytes as u64, 0),
            Self::Main(counts) => counts.wrote(bytes as u64, 0),
        }
    }
}

impl Lost {
    fn add(&mut self, bytes: usize) {
        self.lines += 1;
        self.bytes += bytes as u64;
    }

    /// It, in words.
    pub fn told(self, destination: &Destination) -> Option<String> {
        let Self { lines, bytes } = self;
        let text = || format!("{lines} lines ({bytes} bytes) for {destination} were dropped");
        (lines > 0).then(text)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("destination", &self.destination).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::SystemSockets;
    use super::*;

    #[test]
    fn what_is_too_much_is_counted_as_its_owners() {
        let destination = Destination::Journal;
        let line = Line::new(destination.clone(), SystemSockets::default());
        let mailbox = Mailbox::new(destination, line, Arc::new(Queue::new().unwrap()));
        // No thread: nothing is sent.
        mailbox.lock().line = None;
        let counts = Arc::new(ProcessCounts::default());
        let owner = Owner::Process(counts.clone(), Stream::Stderr);
        for _ in 0..5 {
            mailbox.post(vec![0; WAITING_BYTES_MAX / 4], 1000, &owner);
        }
        assert_eq!(counts.of(Stream::Stderr).dropped(), 2000);
        let letters = mailbox.take().unwrap();
        assert_eq!(letters.len(), 3);
        mailbox.post(vec![0; WAITING_BYTES_MAX / 4], 1000, &owner);
        assert!(mailbox.is_empty(), "what is taken waits still");
        letters.iter().for_each(|letter| mailbox.sent(letter));
        mailbox.post(vec![0; WAITING_BYTES_MAX / 4], 1000, &owner);
        mailbox.close(Duration::ZERO);
        mailbox.post(Vec::new(), 1, &owner);
        assert!(!mailbox.rest(Instant::now() + Duration::from_secs(1000)));
        let told = mailbox.end(Instant::now()).unwrap();
        assert_eq!(told, "5 lines (4001 bytes) for the journal were dropped");
        assert_eq!(counts.of(Stream::Stderr).dropped(), 4001);
    }
}
