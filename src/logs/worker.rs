//! The log thread: does what it is told, and in between what the pipes and the clock ask for.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::signal::SigSet;

use super::activity::ActivitySettings;
use super::ansi::Stripper;
use super::counts::{Counts, ProcessCounts};
use super::ears::Ears;
use super::feed::Feed;
use super::format::Source;
use super::forward::Forwarder;
use super::notices::Notices;
use super::outlet::Outlet;
use super::pump::Pump;
use super::pumps::{PumpId, Pumps, Reach};
use super::queue::{Attachment, Order, Queue};
use super::route::{self, Route};
use super::sink::SinkSettings;
use super::sinks::SinkId;
use super::{LogId, Stream};
use crate::config::ProcessSettings;
use crate::config::setting::{LogLevel, LogSettings, LogTarget};
use crate::model::{ProcessFacts, ProcessId};

pub(super) struct Worker {
    queue: Arc<Queue>,
    pumps: Pumps,
    outlet: Outlet,
    processes: HashMap<ProcessId, Box<Known>>,
    strip_ansi: bool,
    counts: Counts,
    notices: Arc<Notices>,
}

/// A process of the fleet.
struct Known {
    settings: Arc<ProcessSettings>,
    facts: Arc<ProcessFacts>,
    /// Its pumps, one that a grandchild of an earlier child keeps open among them.
    pumps: Vec<PumpId>,
    /// Its AUTO logs, held open so that their locks tell other daemons to leave them.
    held: [Option<SinkId>; 2],
    /// Where its standard output goes, if it is an event listener that runs.
    feed: Option<Box<Feed>>,
    /// The ways to where its lines are sent, held open from one child to the next.
    forwarders: Vec<Arc<Forwarder>>,
}

impl Worker {
    /// Opens the activity log.
    ///
    /// # Errors
    /// That cannot be done, or the system has no descriptor left.
    pub fn new(
        queue: Arc<Queue>,
        settings: ActivitySettings,
        counts: Counts,
        notices: Arc<Notices>,
    ) -> io::Result<Self> {
        let strip_ansi = settings.strip_ansi;
        let pumps = Pumps::new(queue.bell())?;
        let mut outlet = Outlet::open(settings, queue.clone()).map_err(io::Error::other)?;
        outlet.activity.counts = Arc::clone(counts.main());
        Ok(Self { queue, pumps, outlet, processes: HashMap::new(), strip_ansi, counts, notices })
    }

    /// The thread's life.
    pub fn run(mut self) {
        // Signals are another thread's business.
        let _ = SigSet::all().thread_block();
        loop {
            let gathers = self.queue.is_gathering();
            if self.pumps.sleep(&mut self.outlet, gathers) || gathers {
                for order in self.queue.take() {
                    if let Order::Shut { reply } = order {
                        self.finish();
                        // Whoever waits for the end finds the files closed and their locks gone.
                        drop(self);
                        if let Some(reply) = reply {
                            let _ = reply.send(());
                        }
                        return;
                    }
                    self.obey(order);
                }
            }
            self.outlet.say();
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Line { level, wall, text } => {
                self.outlet.log(level, wall, &text);
            }
            Order::Level(level) => self.outlet.activity.set_level(level),
            Order::LinesDropped(count) => {
                let text =
                    format!("{count} lines of this log were dropped: it is too slow for them");
                self.outlet.report(LogLevel::Warn, &text);
            }
            Order::Prepare { process, settings, facts } => self.know(&process, settings, facts),
            Order::Attach(attachment) => self.attach(attachment),
            Order::Feed { process, pid, settings, facts } => {
                self.open_feed(&process, pid, &settings, &facts);
            }
            Order::Fed { process, bytes } => {
                let feed = self.processes.get_mut(&process).and_then(|known| known.feed.as_mut());
                if let Some(feed) = feed {
                    feed.take(&process, &bytes, &mut self.outlet);
                }
            }
            Order::Ended(process) => {
                self.close_feed(&process);
                for id in self.pumps_of(&process) {
                    self.pumps.pour(id, Reach::End, &mut self.outlet);
                    self.pumps.end_line(id, &mut self.outlet);
                }
            }
            Order::Forget(process) => {
                self.close_feed(&process);
                self.counts.leave(&process);
                for sink in
                    self.processes.remove(&process).into_iter().flat_map(|k| k.held).flatten()
                {
                    self.outlet.sinks.release(sink);
                }
            }
            Order::Reopen => {
                self.outlet.report(LogLevel::Info, "supervisord logreopen");
                self.outlet.say();
                self.outlet.sinks.reopen(self.outlet.now());
            }
            Order::Sync { which, reply } => {
                self.sync(&which);
                let _ = reply.send(());
            }
            Order::Settle { reply } => {
                // Whatever ended before this was asked has been drained: orders keep their order.
                self.outlet.say();
                let _ = reply.send(());
            }
            Order::Clear { which, reply } => {
                let outcome = self.clear(&which);
                let _ = reply.send(outcome);
            }
            Order::Follow { which, reply } => {
                let file = |path: &PathBuf| path.metadata().map_or(true, |found| found.is_file());
                let path = self.path_of(&which).filter(file);
                let _ = reply.send(path.map(|path| self.outlet.sinks.follow(path)));
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
        let now = self.outlet.now();
        let known = self.processes.entry(process.clone()).or_insert_with(|| {
            Box::new(Known {
                settings: settings.clone(),
                facts: facts.clone(),
                pumps: Vec::new(),
                held: [None; 2],
                feed: None,
                forwarders: Vec::new(),
            })
        });
        let before = known.held;
        known.held = [Stream::Stdout, Stream::Stderr].map(|stream| {
            let (path, sink) = target(stream, &settings, &facts).filter(|(_, sink)| sink.auto)?;
            Some(self.outlet.sinks.acquire(path, sink, now))
        });
        for sink in before.into_iter().flatten() {
            self.outlet.sinks.release(sink);
        }
        let ways = &mut self.outlet.forwarders;
        let both = [Stream::Stdout, Stream::Stderr].map(|stream| log_of(stream, &settings));
        known.forwarders = both.iter().flat_map(|log| route::forwarders(log, ways)).collect();
        known.settings = settings;
        known.facts = facts;
    }

    fn attach(&mut self, attachment: Attachment) {
        let Attachment { process, pid, stream, pipe, settings, facts } = attachment;
        self.know_anew(&process, &settings, &facts);
        let counts = self.counts.join(&process);
        let stripper = self.strip_ansi.then(Stripper::default);
        let ears = Ears::new(&process, pid, stream, log_of(stream, &settings), &self.notices);
        let outcome = Pump::new(process.clone(), stream, pipe, stripper, counts.clone())
            .and_then(|pump| self.pumps.add(pump.with(ears)));
        let id = match outcome {
            Ok(id) => id,
            Err(error) => {
                let text = format!("cannot read {stream} of {process}: {error}; it is closed");
                self.outlet.report(LogLevel::Error, &text);
                return;
            }
        };
        if let Some(known) = self.processes.get_mut(&process) {
            known.pumps.retain(|&id| self.pumps.pump(id).is_some());
            // One or two, and for as long as the child lives.
            known.pumps.reserve_exact(1);
            known.pumps.push(id);
        }
        let route = self.route(process, pid, stream, &settings, &facts, &counts);
        self.pumps.lead(id, route);
    }

    /// Where a stream of a child that was just started goes.
    fn route(
        &mut self,
        process: ProcessId,
        pid: i32,
        stream: Stream,
        settings: &Arc<ProcessSettings>,
        facts: &ProcessFacts,
        counts: &Arc<ProcessCounts>,
    ) -> Route {
        let now = self.outlet.now();
        let shown = target(stream, settings, facts);
        let log = log_of(stream, settings);
        let source = Source { process, program: settings.program.clone(), pid, stream };
        let Outlet { sinks, forwarders, .. } = &mut self.outlet;
        Route::new(&source, log, shown, counts, sinks, forwarders, now)
    }

    /// Knows a process with these settings, if it did not.
    fn know_anew(
        &mut self,
        process: &ProcessId,
        settings: &Arc<ProcessSettings>,
        facts: &Arc<ProcessFacts>,
    ) {
        let same = |k: &Known| Arc::ptr_eq(&k.settings, settings) && Arc::ptr_eq(&k.facts, facts);
        if !self.processes.get(process).is_some_and(|known| same(known)) {
            self.know(process, settings.clone(), facts.clone());
        }
    }

    fn open_feed(
        &mut self,
        process: &ProcessId,
        pid: i32,
        settings: &Arc<ProcessSettings>,
        facts: &Arc<ProcessFacts>,
    ) {
        self.close_feed(process);
        self.know_anew(process, settings, facts);
        let counts = self.counts.join(process);
        let route = self.route(process.clone(), pid, Stream::Stdout, settings, facts, &counts);
        let stripper = self.strip_ansi.then(Stripper::default);
        if let Some(known) = self.processes.get_mut(process) {
            known.feed = Some(Box::new(Feed { route, stripper, counts }));
        }
    }

    fn close_feed(&mut self, process: &ProcessId) {
        if let Some(feed) = self.processes.get_mut(process).and_then(|known| known.feed.take()) {
            feed.finish(&mut self.outlet);
        }
    }

    fn pumps_of(&self, process: &ProcessId) -> Vec<PumpId> {
        self.processes.get(process).map(|known| known.pumps.clone()).unwrap_or_default()
    }

    fn sync(&mut self, which: &LogId) {
        if let LogId::Process(process, stream) = which {
            for id in self.pumps_of(process) {
                if self.pumps.pump(id).is_some_and(|pump| pump.stream == *stream) {
                    self.pumps.pour(id, Reach::Held, &mut self.outlet);
                }
            }
            if let Some(path) = self.path_of(which) {
                let now = self.outlet.now();
                self.outlet.sinks.create(&path, now);
            }
        }
        self.outlet.say();
    }

    fn clear(&mut self, which: &LogId) -> io::Result<()> {
        if *which == LogId::Main {
            for _ in 0..self.outlet.activity.output_count() {
                self.outlet.report(LogLevel::Info, "reopening log file");
            }
        }
        self.sync(which);
        self.path_of(which).map_or(Ok(()), |path| self.outlet.sinks.clear(&path))
    }

    fn path_of(&self, which: &LogId) -> Option<PathBuf> {
        match which {
            LogId::Main => self.outlet.activity.path().map(Path::to_owned),
            LogId::Process(process, stream) => {
                let known = self.processes.get(process)?;
                let (path, _) = target(*stream, &known.settings, &known.facts)?;
                Some(path.to_path_buf())
            }
        }
    }

    fn finish(&mut self) {
        self.queue.close();
        self.pumps.finish(&mut self.outlet);
        for order in self.queue.take() {
            self.obey(order);
        }
        self.outlet.finish();
    }
}

fn log_of(stream: Stream, settings: &ProcessSettings) -> &LogSettings {
    match stream {
        Stream::Stdout => &settings.stdout,
        Stream::Stderr => &settings.stderr,
    }
}

/// Where a stream is kept to be read, and how; `None` for nowhere.
fn target(
    stream: Stream,
    settings: &ProcessSettings,
    facts: &ProcessFacts,
) -> Option<(Arc<Path>, SinkSettings)> {
    let log = log_of(stream, settings);
    let path = match stream {
        Stream::Stdout => facts.stdout_logfile.as_ref(),
        Stream::Stderr => facts.stderr_logfile.as_ref(),
    };
    let path = path.filter(|path| ***path != *Path::new("/dev/null"))?;
    let (max_bytes, backups, auto) = (log.max_bytes, log.backups, log.target == LogTarget::Auto);
    Some((Arc::clone(path), SinkSettings { max_bytes, backups, auto }))
}
