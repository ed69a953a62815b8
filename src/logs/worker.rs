//! The log thread: sleeps until a pipe, the clock or an order wakes it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::SigSet;

use super::activity::{Activity, ActivitySettings};
use super::ansi::Stripper;
use super::pump::{Moment, Next, Pump, Taken, next_on_grid};
use super::queue::{Attachment, Order, Queue};
use super::sink::{RETRY_AFTER, SinkSettings};
use super::sinks::{SinkId, Sinks};
use super::{LogId, Stream};
use crate::config::ProcessSettings;
use crate::config::setting::{LogLevel, LogTarget};
use crate::model::{ProcessFacts, ProcessId, WallTime};

/// Bytes of one read and so of one write: what is looked at for rotation, and what stays in a
/// processor's cache between the two.
const CHUNK_BYTES: usize = 128 << 10;

/// Bytes that one pipe may give in a turn before the others have theirs.
const TURN_BYTES_MAX: usize = 1 << 20;

/// Events taken from the system at once; the rest comes with the next call.
const EVENTS_MAX: usize = 256;

/// Pipes that may be enlarged at once; the others keep the usual size. Unprivileged users have
/// 64 MiB for all their pipes (`fs.pipe-user-pages-soft` of pipe(7)), and past that every new pipe
/// is tiny.
const ENLARGED_PIPES_MAX: usize = 32;

/// Waits shorter than this are too short for epoll's milliseconds.
const SHORT_WAIT: Duration = Duration::from_millis(3);

/// Names the queue's bell among the epoll events; pumps count from 1.
const BELL: u64 = 0;

pub(super) struct Worker {
    queue: Arc<Queue>,
    epoll: Epoll,
    started: Instant,
    pumps: HashMap<u64, Pump>,
    last_pump: u64,
    /// When pumps that are not watched are read; entries of pumps that are gone are passed over.
    due: BinaryHeap<Reverse<(Moment, u64)>>,
    processes: HashMap<ProcessId, Known>,
    sinks: Sinks,
    activity: Activity,
    strip_ansi: bool,
    enlarged: usize,
    chunk: Vec<u8>,
    stripped: Vec<u8>,
}

/// A process of the fleet.
struct Known {
    settings: Arc<ProcessSettings>,
    facts: Arc<ProcessFacts>,
    /// Its pumps, a lingering one of an earlier child among them.
    pumps: Vec<u64>,
    /// Its AUTO logs, held open so that their locks tell other daemons to leave them.
    held: Vec<SinkId>,
}

/// How far a pipe is read in one go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Until it is empty for now.
    Turn,
    /// These bytes, which it holds now.
    Bytes(usize),
    /// Until the system says that it is empty or at its end.
    End,
}

impl Worker {
    pub fn new(queue: Arc<Queue>, settings: ActivitySettings) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(queue.bell(), EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        let mut sinks = Sinks::default();
        let strip_ansi = settings.strip_ansi;
        let activity = Activity::open(settings, &mut sinks, Moment::ZERO);
        if let Some((_, why)) = sinks.take_reports().into_iter().next() {
            return Err(io::Error::other(why));
        }
        Ok(Self {
            queue,
            epoll,
            started: Instant::now(),
            pumps: HashMap::new(),
            last_pump: BELL,
            due: BinaryHeap::new(),
            processes: HashMap::new(),
            sinks,
            activity,
            strip_ansi,
            enlarged: 0,
            chunk: Vec::new(),
            stripped: Vec::new(),
        })
    }

    /// The thread's life.
    pub fn run(mut self) {
        // Signals are another thread's business.
        let _ = SigSet::all().thread_block();
        self.chunk = vec![0; CHUNK_BYTES];
        let mut events = [EpollEvent::empty(); EVENTS_MAX];
        loop {
            let count = self.wait(&mut events);
            let mut rung = false;
            for event in events.iter().take(count) {
                match event.data() {
                    BELL => rung = true,
                    id => self.turn(id),
                }
            }
            self.turn_those_due();
            if rung {
                for order in self.queue.take() {
                    if let Order::Shut { reply } = order {
                        self.finish();
                        if let Some(reply) = reply {
                            let _ = reply.send(());
                        }
                        return;
                    }
                    self.obey(order);
                }
            }
            self.say();
        }
    }

    /// Sleeps until something happens, without a limit if nothing is due.
    fn wait(&self, events: &mut [EpollEvent]) -> usize {
        let now = self.now();
        let due = self.due.peek().map(|Reverse((due, _))| *due);
        let retry = self.sinks.any_blocked().then(|| next_on_grid(now));
        let delay = due.into_iter().chain(retry).min().map(|due| due.saturating_sub(now));
        let timeout = match delay {
            None => EpollTimeout::NONE,
            Some(delay) if delay >= SHORT_WAIT => {
                EpollTimeout::try_from(delay + Duration::from_micros(999))
                    .unwrap_or(EpollTimeout::MAX)
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

    fn now(&self) -> Moment {
        self.started.elapsed()
    }

    fn turn_those_due(&mut self) {
        let now = self.now();
        if self.sinks.any_blocked() {
            self.sinks.flush(now);
        }
        let mut ready = Vec::new();
        while let Some(Reverse((due, id))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            ready.push(id);
        }
        for id in ready {
            self.turn(id);
        }
    }

    /// Reads one pipe and decides when to read it next.
    fn turn(&mut self, id: u64) {
        let Some(pump) = self.pumps.get(&id) else {
            return;
        };
        if pump.sink.is_some_and(|sink| self.sinks.is_blocked(sink)) {
            self.due.push(Reverse((next_on_grid(self.now()), id)));
            return;
        }
        let (found, end) = self.pour(id, Reach::Turn);
        let now = self.now();
        let Some(pump) = self.pumps.get_mut(&id) else {
            return;
        };
        if let Taken::Failed(errno) = end {
            let (process, stream) = (&pump.process, pump.stream);
            let text = format!("cannot read {stream} of {process}: {errno}; it is tried again");
            self.report(LogLevel::Error, &text);
            self.due.push(Reverse((now + RETRY_AFTER, id)));
            return;
        }
        if found >= pump.capacity / 2 && !pump.is_enlarged() && self.enlarged < ENLARGED_PIPES_MAX {
            pump.enlarge();
            self.enlarged += usize::from(pump.is_enlarged());
        }
        match pump.pace.after(now, found, pump.capacity) {
            Next::At(due) => self.due.push(Reverse((due, id))),
            Next::Watched => {
                if pump.is_enlarged() {
                    pump.shrink();
                    self.enlarged -= usize::from(!pump.is_enlarged());
                }
                let mut event = watched(id);
                if self.epoll.modify(&*pump, &mut event).is_err() {
                    self.due.push(Reverse((now + RETRY_AFTER, id)));
                }
            }
        }
    }

    /// Reads a pipe into its sink: how many bytes came, and what the last read came to. A pump
    /// at its end is gone afterwards.
    fn pour(&mut self, id: u64, reach: Reach) -> (usize, Taken) {
        let now = self.now();
        let Some(pump) = self.pumps.get_mut(&id) else {
            return (0, Taken::EndOfFile);
        };
        let limit = if let Reach::Bytes(count) = reach { count } else { TURN_BYTES_MAX };
        let mut found = 0;
        let end = loop {
            let count = match pump.take(&mut self.chunk) {
                Taken::Bytes(count) => count,
                end => break end,
            };
            found += count;
            let mut bytes = self.chunk.get(..count).unwrap_or_default();
            if let Some(stripper) = &mut pump.stripper {
                self.stripped.clear();
                stripper.strip(bytes, &mut self.stripped);
                bytes = &self.stripped;
            }
            if let Some(sink) = pump.sink {
                self.sinks.write(sink, bytes, now);
            }
            if self.activity.logs(LogLevel::Debug) && !bytes.is_empty() {
                let (name, stream) = (&pump.process.name, pump.stream);
                let text = String::from_utf8_lossy(bytes);
                let line = format!("'{name}' {stream} output:\n{text}");
                self.activity.add(LogLevel::Debug, wall(), &line, &mut self.sinks, now);
            }
            let emptied = count < CHUNK_BYTES && reach != Reach::End;
            if emptied || found >= limit || pump.sink.is_some_and(|s| self.sinks.is_blocked(s)) {
                break Taken::Bytes(count);
            }
        };
        match end {
            Taken::EndOfFile => self.close(id),
            Taken::GivenUp(errno) => {
                let (process, stream) = (&pump.process, pump.stream);
                let text = format!("cannot read {stream} of {process}: {errno}; it is closed");
                self.report(LogLevel::Error, &text);
                self.close(id);
            }
            _ => {}
        }
        (found, end)
    }

    fn close(&mut self, id: u64) {
        let Some(mut pump) = self.pumps.remove(&id) else {
            return;
        };
        let _ = self.epoll.delete(&pump);
        self.enlarged -= usize::from(pump.is_enlarged());
        if let Some(stripper) = &mut pump.stripper
            && let Some(sink) = pump.sink
        {
            self.stripped.clear();
            stripper.finish(&mut self.stripped);
            if !self.stripped.is_empty() {
                self.sinks.write(sink, &self.stripped, self.started.elapsed());
            }
        }
        if let Some(sink) = pump.sink {
            self.sinks.release(sink);
        }
        if let Some(known) = self.processes.get_mut(&pump.process) {
            known.pumps.retain(|&other| other != id);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Line { level, wall, text } => {
                let now = self.now();
                self.activity.add(level, wall, &text, &mut self.sinks, now);
            }
            Order::LinesDropped(count) => {
                let text =
                    format!("{count} lines of this log were dropped: it is too slow for them");
                self.report(LogLevel::Warn, &text);
            }
            Order::Prepare { process, settings, facts } => self.know(&process, settings, facts),
            Order::Attach(attachment) => self.attach(attachment),
            Order::Ended(process) => {
                for id in self.pumps_of(&process) {
                    self.pour(id, Reach::End);
                }
            }
            Order::Forget(process) => {
                for sink in self.processes.remove(&process).map(|k| k.held).unwrap_or_default() {
                    self.sinks.release(sink);
                }
            }
            Order::Reopen => {
                self.report(LogLevel::Info, "supervisord logreopen");
                self.say();
                self.sinks.reopen(self.now());
            }
            Order::Sync { which, reply } => {
                self.sync(&which);
                let _ = reply.send(());
            }
            Order::Clear { which, reply } => {
                let outcome = self.clear(&which);
                let _ = reply.send(outcome);
            }
            Order::Follow { which, reply } => {
                let subscription = self.path_of(&which).map(|path| self.sinks.follow(path));
                let _ = reply.send(subscription);
            }
            Order::Shut { .. } => {}
        }
    }

    fn know(
        &mut self,
        process: &ProcessId,
        settings: Arc<ProcessSettings>,
        facts: Arc<ProcessFacts>,
    ) {
        let now = self.now();
        let known = self.processes.entry(process.clone()).or_insert_with(|| Known {
            settings: settings.clone(),
            facts: facts.clone(),
            pumps: Vec::new(),
            held: Vec::new(),
        });
        let before = mem::take(&mut known.held);
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some((path, sink)) = target(stream, &settings, &facts)
                && sink.auto
            {
                known.held.push(self.sinks.acquire(path, sink, now));
            }
        }
        for sink in before {
            self.sinks.release(sink);
        }
        known.settings = settings;
        known.facts = facts;
    }

    fn attach(&mut self, attachment: Attachment) {
        let Attachment { process, stream, pipe, settings, facts } = attachment;
        let same = |k: &Known| Arc::ptr_eq(&k.settings, &settings) && Arc::ptr_eq(&k.facts, &facts);
        if !self.processes.get(&process).is_some_and(same) {
            self.know(&process, settings.clone(), facts.clone());
        }
        let now = self.now();
        let sink = target(stream, &settings, &facts)
            .map(|(path, settings)| self.sinks.acquire(path, settings, now));
        let stripper = self.strip_ansi.then(Stripper::default);
        let outcome = Pump::new(process.clone(), stream, pipe, sink, stripper).and_then(|pump| {
            self.epoll.add(&pump, watched(self.last_pump + 1))?;
            Ok(pump)
        });
        match outcome {
            Ok(pump) => {
                self.last_pump += 1;
                self.pumps.insert(self.last_pump, pump);
                if let Some(known) = self.processes.get_mut(&process) {
                    known.pumps.push(self.last_pump);
                }
            }
            Err(error) => {
                if let Some(sink) = sink {
                    self.sinks.release(sink);
                }
                let text = format!("cannot read {stream} of {process}: {error}; it is closed");
                self.report(LogLevel::Error, &text);
            }
        }
    }

    fn pumps_of(&self, process: &ProcessId) -> Vec<u64> {
        self.processes.get(process).map(|known| known.pumps.clone()).unwrap_or_default()
    }

    fn sync(&mut self, which: &LogId) {
        let LogId::Process(process, stream) = which else {
            self.say();
            return;
        };
        for id in self.pumps_of(process) {
            if let Some(pump) = self.pumps.get(&id).filter(|pump| pump.stream == *stream) {
                let waiting = pump.waiting();
                if waiting > 0 {
                    self.pour(id, Reach::Bytes(waiting));
                }
            }
        }
    }

    fn clear(&mut self, which: &LogId) -> io::Result<()> {
        if *which == LogId::Main {
            for _ in 0..self.activity.output_count() {
                self.report(LogLevel::Info, "reopening log file");
            }
        }
        self.sync(which);
        self.path_of(which).map_or(Ok(()), |path| self.sinks.clear(&path))
    }

    fn path_of(&self, which: &LogId) -> Option<PathBuf> {
        match which {
            LogId::Main => self.activity.path().map(Path::to_owned),
            LogId::Process(process, stream) => {
                let known = self.processes.get(process)?;
                let (path, _) = target(*stream, &known.settings, &known.facts)?;
                Some(path.to_owned())
            }
        }
    }

    fn report(&mut self, level: LogLevel, text: &str) {
        let now = self.started.elapsed();
        self.activity.add(level, wall(), text, &mut self.sinks, now);
    }

    /// Writes the activity log's lines, those that the writing itself gives rise to included.
    fn say(&mut self) {
        loop {
            for (level, text) in self.sinks.take_reports() {
                self.report(level, &text);
            }
            if !self.activity.has_lines() {
                return;
            }
            let now = self.now();
            self.activity.flush(&mut self.sinks, now);
        }
    }

    fn finish(&mut self) {
        self.queue.close();
        for id in self.pumps.keys().copied().collect::<Vec<_>>() {
            if let Some(pump) = self.pumps.get(&id) {
                let waiting = pump.waiting();
                self.pour(id, Reach::Bytes(waiting));
            }
            self.close(id);
        }
        let _ = self.queue.take().into_iter().map(|order| self.obey(order)).count();
        self.say();
        self.sinks.flush(self.now());
    }
}

fn watched(id: u64) -> EpollEvent {
    EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT, id)
}

/// Where a stream goes and how; `None` for nowhere.
fn target<'a>(
    stream: Stream,
    settings: &'a ProcessSettings,
    facts: &'a ProcessFacts,
) -> Option<(&'a Path, SinkSettings)> {
    let (log, auto_path) = match stream {
        Stream::Stdout => (&settings.stdout, &facts.stdout_logfile),
        Stream::Stderr if settings.redirect_stderr => return None,
        Stream::Stderr => (&settings.stderr, &facts.stderr_logfile),
    };
    let (path, auto) = match &log.target {
        LogTarget::Auto => (Path::new(auto_path), true),
        LogTarget::File(path) => (path.as_path(), false),
        LogTarget::None | LogTarget::Syslog => return None,
    };
    let nowhere = path.as_os_str().is_empty() || path == Path::new("/dev/null");
    let (max_bytes, backups) = (log.max_bytes, log.backups);
    (!nowhere).then_some((path, SinkSettings { max_bytes, backups, auto }))
}

fn wall() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
