//! Every pipe that is read, and when: the log thread's only way to sleep.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::episode::RETRY_AFTER;
use super::outlet::Outlet;
use super::pump::{Moment, Next, Pump, Taken, next_on_grid};
use super::route::Route;
use super::slots::{SlotId, Slots};
use crate::config::setting::LogLevel;

/// Bytes of one read and so of one write: what is looked at for rotation, and what stays in a
/// processor's cache between the two.
const CHUNK_BYTES: usize = 128 << 10;

/// Bytes that one pipe may give in a turn before the others have theirs.
const TURN_BYTES_MAX: usize = 1 << 20;

/// Events taken from the system at once; the rest comes with the next call.
const EVENTS_MAX: usize = 256;

/// Pipes that may be enlarged at once; the others keep the usual size and are read in time all the
/// same. Unprivileged users have 64 MiB for all their pipes (`fs.pipe-user-pages-soft` of pipe(7)),
/// and past that every new pipe is tiny: half of it is left alone.
const ENLARGED_PIPES_MAX: usize = 128;

/// Pipes that may wait to be closed. Closing costs more than reading their last bytes, for which
/// somebody may wait; but descriptors are few.
const CLOSED_MAX: usize = 512;

/// Waits shorter than this are too short for epoll's milliseconds.
const SHORT_WAIT: Duration = Duration::from_millis(3);

/// Names the bell among the epoll events; no pump has this number.
const BELL: u64 = 0;

/// The table of pumps.
pub(super) struct Pumps {
    epoll: Epoll,
    pumps: Slots<Pump>,
    /// When pumps that are not watched are read; entries of pumps that are gone are passed over.
    due: BinaryHeap<Reverse<(Moment, PumpId)>>,
    enlarged: usize,
    /// Pipes that nobody reads any more, to be closed when there is nothing else to do.
    closed: Vec<Pump>,
    chunk: Vec<u8>,
    stripped: Vec<u8>,
}

/// Names a pump; never used again for another, whatever number its descriptor had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PumpId(SlotId);

/// How far a pipe is read in one go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Until it seems empty.
    Turn,
    /// What it holds now.
    Held,
    /// Until the system says that it is empty or at its end.
    End,
}

impl Pumps {
    /// None yet; `bell` wakes [`Pumps::sleep`].
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn new(bell: BorrowedFd<'_>) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(bell, EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        Ok(Self {
            epoll,
            pumps: Slots::default(),
            due: BinaryHeap::new(),
            enlarged: 0,
            closed: Vec::new(),
            chunk: vec![0; CHUNK_BYTES],
            stripped: Vec::new(),
        })
    }

    /// Begins to read a pipe.
    ///
    /// # Errors
    /// The system cannot watch it.
    pub fn add(&mut self, pump: Pump) -> io::Result<PumpId> {
        self.epoll.add(&pump, watched(PumpId(self.pumps.next_id())))?;
        Ok(PumpId(self.pumps.insert(pump)))
    }

    /// Where the bytes of a pump go from now on.
    pub fn lead(&mut self, id: PumpId, route: Route) {
        if let Some(pump) = self.pumps.get_mut(id.0) {
            pump.route = route;
        }
    }

    /// The pump of this name, if it is not yet at its end.
    pub fn pump(&self, id: PumpId) -> Option<&Pump> {
        self.pumps.get(id.0)
    }

    /// Sleeps until something happens, without a limit if nothing is due; then reads what should
    /// be read. True if the bell rang. Not for long if something gathers elsewhere.
    pub fn sleep(&mut self, outlet: &mut Outlet, gathers: bool) -> bool {
        let mut events = [EpollEvent::empty(); EVENTS_MAX];
        let count = self.wait(&mut events, outlet, gathers);
        let mut rung = false;
        for event in events.iter().take(count) {
            match SlotId::from_bits(event.data()) {
                None => rung = true,
                Some(id) => self.turn(PumpId(id), outlet),
            }
        }
        self.turn_those_due(outlet);
        rung
    }

    /// Reads what every pipe holds, and closes it.
    pub fn finish(&mut self, outlet: &mut Outlet) {
        for id in self.pumps.ids().map(PumpId).collect::<Vec<_>>() {
            self.pour(id, Reach::Held, outlet);
            self.close(id, outlet);
        }
    }

    fn wait(&mut self, events: &mut [EpollEvent], outlet: &Outlet, gathers: bool) -> usize {
        if !self.closed.is_empty() {
            let count = self.epoll.wait(events, EpollTimeout::ZERO).unwrap_or(0);
            if count > 0 {
                return count;
            }
            self.closed.clear();
        }
        let now = outlet.now();
        let due = self.due.peek().map(|Reverse((due, _))| *due);
        let retry = (gathers || outlet.sinks.any_blocked()).then(|| next_on_grid(now));
        let delay = due.into_iter().chain(retry).min().map(|due| due.saturating_sub(now));
        let timeout = match delay {
            None => EpollTimeout::NONE,
            Some(delay) if delay >= SHORT_WAIT => {
                let rounded_up = delay + Duration::from_micros(999);
                EpollTimeout::try_from(rounded_up).unwrap_or(EpollTimeout::MAX)
            }
            Some(delay) => {
                if !delay.is_zero() {
                    let mut any = [PollFd::new(self.epoll.0.as_fd(), PollFlags::POLLIN)];
                    let _ = ppoll(&mut any, Some(delay.into()), None);
                }
                EpollTimeout::ZERO
            }
        };
        self.epoll.wait(events, timeout).unwrap_or(0)
    }

    fn turn_those_due(&mut self, outlet: &mut Outlet) {
        let now = outlet.now();
        if outlet.sinks.any_blocked() {
            outlet.sinks.flush(now);
        }
        let mut ready = Vec::new();
        while let Some(Reverse((due, id))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            ready.push(id);
        }
        for id in ready {
            self.turn(id, outlet);
        }
    }

    /// Reads one pipe and decides when to read it next.
    fn turn(&mut self, id: PumpId, outlet: &mut Outlet) {
        let Some(pump) = self.pumps.get(id.0) else {
            return;
        };
        if pump.route.is_blocked(&outlet.sinks) {
            self.due.push(Reverse((next_on_grid(outlet.now()), id)));
            return;
        }
        let (found, end) = self.pour(id, Reach::Turn, outlet);
        let now = outlet.now();
        let Some(pump) = self.pumps.get_mut(id.0) else {
            return;
        };
        if let Taken::Failed(errno) = end {
            let (process, stream) = (&pump.process, pump.stream);
            let text = format!("cannot read {stream} of {process}: {errno}; it is tried again");
            outlet.report(LogLevel::Error, &text);
            self.due.push(Reverse((now + RETRY_AFTER, id)));
            return;
        }
        if found >= pump.capacity / 2 && !pump.is_enlarged() && self.enlarged < ENLARGED_PIPES_MAX {
            pump.enlarge();
            self.enlarged += usize::from(pump.is_enlarged());
        }
        let next = match &pump.ears {
            // Somebody waits for each piece: it does not gather.
            Some(ears) if ears.are_heard() => Next::Awaited,
            _ => pump.pace.after(now, found, pump.capacity),
        };
        if let Next::At(due) = next {
            self.due.push(Reverse((due, id)));
            return;
        }
        if next == Next::Watched && pump.is_enlarged() {
            pump.shrink();
            self.enlarged -= usize::from(!pump.is_enlarged());
        }
        if self.epoll.modify(&*pump, &mut watched(id)).is_err() {
            self.due.push(Reverse((now + RETRY_AFTER, id)));
        }
    }

    /// Reads a pipe into its sink: how many bytes came, and what the last read came to. A pump
    /// at its end is gone afterwards.
    pub fn pour(&mut self, id: PumpId, reach: Reach, outlet: &mut Outlet) -> (usize, Taken) {
        let now = outlet.now();
        let Some(pump) = self.pumps.get_mut(id.0) else {
            return (0, Taken::EndOfFile);
        };
        let limit = if reach == Reach::Held { pump.waiting() } else { TURN_BYTES_MAX };
        let mut found = 0;
        let end = loop {
            let count = match pump.take(&mut self.chunk) {
                Taken::Bytes(count) => count,
                end => break end,
            };
            found += count;
            pump.counts.of(pump.stream).came(count);
            let mut bytes = self.chunk.get(..count).unwrap_or_default();
            if let Some(stripper) = &mut pump.stripper {
                self.stripped.clear();
                stripper.strip(bytes, &mut self.stripped);
                bytes = &self.stripped;
            }
            log(pump, bytes, now, outlet);
            let emptied = count < CHUNK_BYTES && reach != Reach::End;
            if emptied || found >= limit || pump.route.is_blocked(&outlet.sinks) {
                break Taken::Bytes(count);
            }
        };
        match end {
            Taken::EndOfFile => self.close(id, outlet),
            Taken::GivenUp(errno) => {
                let (process, stream) = (&pump.process, pump.stream);
                let text = format!("cannot read {stream} of {process}: {errno}; it is closed");
                outlet.report(LogLevel::Error, &text);
                self.close(id, outlet);
            }
            _ => {}
        }
        (found, end)
    }

    /// The child of this pump has ended: what it wrote last is a line, whoever else has the pipe.
    pub fn end_line(&mut self, id: PumpId, outlet: &mut Outlet) {
        if let Some(pump) = self.pumps.get_mut(id.0) {
            let now = outlet.now();
            pump.route.end_line(&mut outlet.sinks, now, pump.counts.of(pump.stream));
        }
    }

    fn close(&mut self, id: PumpId, outlet: &mut Outlet) {
        let Some(mut pump) = self.pumps.remove(id.0) else {
            return;
        };
        // Closing the pipe takes it off the epoll's list. Until then, and while a child that is
        // being started holds it for another moment, its one event names no pump.
        self.enlarged -= usize::from(pump.is_enlarged());
        let now = outlet.now();
        if let Some(stripper) = &mut pump.stripper {
            self.stripped.clear();
            stripper.finish(&mut self.stripped);
            log(&mut pump, &self.stripped, now, outlet);
        }
        if let Some(mut ears) = pump.ears.take() {
            ears.finish(&mut |bytes| log_plain(&mut pump, bytes, now, outlet));
        }
        let counts = pump.counts.clone();
        let counts = counts.of(pump.stream);
        pump.route.release(&mut outlet.sinks, now, counts);
        if self.closed.len() >= CLOSED_MAX {
            self.closed.clear();
        }
        self.closed.push(pump);
    }
}

/// Sees to what was read of a pipe.
fn log(pump: &mut Pump, bytes: &[u8], now: Moment, outlet: &mut Outlet) {
    let Some(mut ears) = pump.ears.take() else {
        return log_plain(pump, bytes, now, outlet);
    };
    let ended = ears.take(bytes, &mut |bytes| log_plain(pump, bytes, now, outlet));
    let (name, stream) = (&pump.process.name, pump.stream);
    for _ in 0..ended {
        outlet.report(LogLevel::Debug, &format!("'{name}' {stream} emitted a comm event"));
    }
    pump.ears = Some(ears);
}

/// Writes to where a pump leads.
fn log_plain(pump: &mut Pump, bytes: &[u8], now: Moment, outlet: &mut Outlet) {
    pump.route.write(bytes, &mut outlet.sinks, now, pump.counts.of(pump.stream));
    if outlet.activity.logs(LogLevel::Debug) && !bytes.is_empty() {
        let (name, stream) = (&pump.process.name, pump.stream);
        let text = String::from_utf8_lossy(bytes);
        outlet.report(LogLevel::Debug, &format!("'{name}' {stream} output:\n{text}"));
    }
}

fn watched(id: PumpId) -> EpollEvent {
    EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT, id.0.to_bits())
}
