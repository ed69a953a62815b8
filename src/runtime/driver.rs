//! The loop: one event, one turn of the core, its effects on the world.
//!
//! The order within a turn is *decide, publish, act*: a caller who has its reply can always read
//! what it asked for. The arms of `select!` only name what happened; nothing acts in them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use nix::errno::Errno;
use tokio::sync::{mpsc, oneshot, watch};

use super::cgroup::Cgroups;
use super::children::{Children, Tidings, kill};
use super::handle::{CoreHandle, Request};
use super::meters::LoopMeters;
use super::readiness::Family;
use super::reaper::{Exit, Reaped, Reaper, Signals};
use super::spawn::Spawner;
use super::usage::Meter;
use crate::config::ProcessKind;
use crate::config::setting::LogLevel;
use crate::core::notification::Notification;
use crate::core::{Effect, Event, Mood, Reply, ReplyTo, Supervisor};
use crate::logs::LogPlane;
use crate::model::{
    Error, ErrorKind, ExitStatus, Instant, Notice, Now, ProcessId, Signal, Snapshot, StateCode,
    SupervisorState, WallTime,
};

/// Turns in a row before the connections get theirs, however much there is to do.
const TURNS_IN_A_ROW_MAX: u32 = 16;

/// Spawns in a row before the connections get their turn: some 5 ms.
const SPAWNS_IN_A_ROW_MAX: u32 = 16;

/// A listener that says more than this at once does not keep to its protocol: others go first.
const REPLY_BYTES_USUAL: usize = 4096;

/// What came of a rehearsal: everything that is wrong with the configuration, if anything is.
pub type Outcome = Result<(), Vec<String>>;

/// Checks the configuration before everything is stopped for it; blocks.
pub type Rehearsal = Arc<dyn Fn() -> Outcome + Send + Sync>;

/// Turns the world into events and effects into the world. Holds the only clock.
pub struct Driver {
    core: Supervisor,
    started: tokio::time::Instant,
    requests: mpsc::Receiver<Request>,
    publish: watch::Sender<Arc<Snapshot>>,
    published: u64,
    /// Something was published, and nobody has had a turn to look at it.
    has_news: bool,
    replies: HashMap<ReplyTo, oneshot::Sender<Result<Reply, Error>>>,
    replies_made: u64,
    logs: LogPlane,
    children: Children,
    reaper: Reaper,
    signals: Signals,
    rehearsal: Rehearsal,
    rehearsed: (mpsc::Sender<Outcome>, mpsc::Receiver<Outcome>),
    turns_in_a_row: u32,
    /// The last to have a turn was a listener that says much.
    listener_talks: bool,
    meters: Arc<LoopMeters>,
}

/// What woke the loop.
enum Wake {
    Happened(Event),
    /// A deadline that was due then.
    Due(tokio::time::Instant),
    Exited(Exit),
    Said(ProcessId),
    Replied(ProcessId),
    Told(Notice),
    Asked(Request),
    Restart,
    Rehearsed(Outcome),
    /// Nothing happened: there is time to tidy up.
    Idle,
}

impl Driver {
    /// A driver and the handle to it. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(
        core: Supervisor,
        logs: LogPlane,
        spawner: Spawner,
        cgroups: Option<Cgroups>,
        reaper: Reaper,
        signals: Signals,
        rehearsal: Rehearsal,
    ) -> (Self, CoreHandle) {
        let first = Arc::new(core.snapshot().clone());
        let published = first.generation;
        let (handle, requests, publish) = CoreHandle::new(first);
        let handle = handle.measuring(Meter::new(cgroups.as_ref().map(|all| all.root().into())));
        let driver = Self {
            core,
            started: tokio::time::Instant::now(),
            requests,
            publish,
            published,
            has_news: false,
            replies: HashMap::new(),
            replies_made: 0,
            children: Children::new(spawner, logs.clone(), cgroups),
            logs,
            reaper,
            signals,
            rehearsal,
            rehearsed: mpsc::channel(1),
            turns_in_a_row: 0,
            listener_talks: false,
            meters: Arc::clone(handle.meters()),
        };
        (driver, handle)
    }

    /// Writes to the activity log, in order with the core's own lines.
    pub fn log(&self, level: LogLevel, line: &str) {
        self.logs.log(level, self.now().wall, line);
    }

    /// Starts what starts by itself, and runs until the supervisor has finished. The signals and
    /// the reaper come back, for the next life.
    pub async fn run(mut self) -> (Mood, Reaper, Signals) {
        let mut finished = self.turn(Event::Ready).await;
        while finished.is_none() {
            let wake = self.next_wake().await;
            let taken_up = std::time::Instant::now();
            let turns = !matches!(wake, Wake::Idle);
            finished = match wake {
                Wake::Happened(event) => self.turn(event).await,
                Wake::Exited(exit) => self.exited(exit).await,
                Wake::Said(process) => self.hear(&process).await,
                Wake::Replied(process) => self.replied(&process, false).await,
                Wake::Told(notice) => self.told(notice).await,
                Wake::Due(at) => {
                    self.meters.taken_up(at.into_std());
                    self.turn(Event::DeadlineReached).await
                }
                Wake::Asked(Request::Command { command, reply, since }) => {
                    self.meters.taken_up(since);
                    let reply_to = ReplyTo(self.replies_made);
                    self.replies_made += 1;
                    self.replies.insert(reply_to, reply);
                    self.turn(Event::Command { command, reply_to }).await
                }
                Wake::Asked(Request::Heartbeat(reply)) => {
                    // Whoever asked may have gone away.
                    _ = reply.send(());
                    None
                }
                Wake::Idle => {
                    // Whoever waits for an answer goes first.
                    tokio::task::yield_now().await;
                    self.children.close_some();
                    None
                }
                Wake::Restart => {
                    self.rehearse();
                    None
                }
                Wake::Rehearsed(Ok(())) => self.turn(hangup()).await,
                Wake::Rehearsed(Err(errors)) => {
                    self.refuse_restart(&errors);
                    None
                }
            };
            if turns {
                self.meters.turn.add(taken_up.elapsed());
            }
        }
        self.children.end();
        (finished.unwrap_or(Mood::Shutdown), self.reaper, self.signals)
    }

    /// Everything that can wake the supervisor. What ends it goes first, so that a shutdown ends
    /// whatever arrives meanwhile.
    async fn next_wake(&mut self) -> Wake {
        self.turns_in_a_row += 1;
        // Whoever tells of changes sees each state, not only the last of several.
        if std::mem::take(&mut self.has_news) || self.turns_in_a_row >= TURNS_IN_A_ROW_MAX {
            self.turns_in_a_row = 0;
            tokio::task::yield_now().await;
        }
        let deadline = self.core.deadline().map(|at| self.started + at.since_start());
        let running = self.core.snapshot().state == SupervisorState::Running;
        let listener_talks = std::mem::take(&mut self.listener_talks);
        let (has_closed, children) = (self.children.has_closed(), &mut self.children);
        tokio::select! {
            biased;
            signal = self.signals.next() => match signal.number() {
                libc::SIGHUP if running => Wake::Restart,
                _ => Wake::Happened(Event::Signalled(signal)),
            },
            reaped = self.reaper.next() => Wake::Happened(match reaped {
                Reaped::Woken(signal) => Event::Signalled(signal),
                Reaped::Exit(exit) => return Wake::Exited(exit),
            }),
            tidings = async {
                if listener_talks {
                    // One that never stops talking: whoever else is waiting goes first.
                    tokio::task::yield_now().await;
                }
                children.tidings().await
            } => match tidings {
                Tidings::Said(process) => Wake::Said(process),
                Tidings::Replied(process) => Wake::Replied(process),
                Tidings::Emptied(process) => Wake::Happened(Event::Emptied { process }),
            },
            at = async {
                match deadline {
                    Some(at) => {
                        tokio::time::sleep_until(at).await;
                        at
                    }
                    None => std::future::pending().await,
                }
            } => Wake::Due(at),
            Some(outcome) = self.rehearsed.1.recv() => Wake::Rehearsed(outcome),
            Some(request) = self.requests.recv() => Wake::Asked(request),
            // After those who wait: programs may print without end.
            notice = self.logs.told() => Wake::Told(notice),
            () = std::future::ready(()), if has_closed => Wake::Idle,
        }
    }

    /// A child has ended: what it said before comes first, and if it named a process to take its
    /// place, that one does.
    async fn exited(&mut self, exit: Exit) -> Option<Mood> {
        if let Some(process) = self.core.process_of(exit.pid) {
            let (id, notifies) = (process.id.clone(), process.settings.notify);
            if process.settings.kind == ProcessKind::Listener {
                self.replied(&id, true).await;
            }
            if notifies {
                self.hear(&id).await;
                if let Some(heir) = self.children.heir(&id) {
                    let what = Notification::MainPid(heir);
                    self.turn(Event::Notified { process: id.clone(), pid: exit.pid, what }).await;
                }
            }
            let killed = ExitStatus::Signal { number: libc::SIGKILL, core: false };
            if exit.status == killed && self.children.is_out_of_memory(&id) {
                let line = format!("{id} (pid {}) was killed for want of memory", exit.pid);
                self.log(LogLevel::Warn, &line);
                self.turn(Event::OutOfMemory { process: id }).await;
            }
        }
        self.turn(Event::Exited { pid: exit.pid, status: exit.status }).await
    }

    /// Takes in what a listener has said.
    async fn replied(&mut self, id: &ProcessId, last: bool) -> Option<Mood> {
        let said = self.children.replied(id, last)?;
        if let Event::ListenerSaid { bytes, .. } = &said {
            self.listener_talks = bytes.len() >= REPLY_BYTES_USUAL;
        }
        self.turn(said).await
    }

    /// Takes in an event that a program's output is.
    async fn told(&mut self, notice: Notice) -> Option<Mood> {
        let dropped = self.logs.take_notices_dropped();
        if dropped > 0 {
            let line =
                format!("{dropped} events of programs' output were dropped: too many waited");
            self.log(LogLevel::Error, &line);
        }
        self.turn(Event::Told(notice)).await
    }

    /// Takes in what a program has said of itself.
    async fn hear(&mut self, id: &ProcessId) -> Option<Mood> {
        let process = self.core.process(id)?;
        let (pid, facts) = (process.state().pid()?, Arc::clone(&process.facts));
        let family = Family { child: pid, control_group: &facts.control_group };
        let mut finished = None;
        for what in self.children.said(id, &family) {
            let event = Event::Notified { process: id.clone(), pid, what };
            finished = finished.or(self.turn(event).await);
        }
        finished
    }

    /// One turn: the core decides, everybody can see it, it is done. What follows from a spawn is
    /// done before the next one, so that the log tells things in the order they happened.
    async fn turn(&mut self, event: Event) -> Option<Mood> {
        let mut effects = VecDeque::from(self.decide(event));
        let mut finished = None;
        let mut spawned = 0;
        while let Some(effect) = effects.pop_front() {
            let answer = match effect {
                Effect::Finished(mood) => {
                    finished = Some(mood);
                    None
                }
                Effect::Spawn { process, settings, facts } => {
                    spawned += 1;
                    Some(self.children.spawn(&process, &settings, &facts))
                }
                Effect::Kill { process, pid, signal, group } => {
                    if self.core.code_of(&process) == Some(StateCode::Stopping) {
                        self.reaper.expect(pid);
                    }
                    let failed = |errno: Errno| errno.desc().to_owned();
                    kill(pid, signal, group)
                        .err()
                        .map(|errno| Event::SignalFailed { process, reason: failed(errno) })
                }
                Effect::Empty { process, signal } => self.children.empty(&process, signal),
                Effect::Deliver { process, envelope } => {
                    let delivered = self.children.deliver(&process, &envelope);
                    (!delivered).then_some(Event::Undelivered { process })
                }
                other => {
                    self.perform(other);
                    None
                }
            };
            if let Some(answer) = answer {
                for effect in self.decide(answer).into_iter().rev() {
                    effects.push_front(effect);
                }
            }
            if spawned == SPAWNS_IN_A_ROW_MAX {
                spawned = 0;
                tokio::task::yield_now().await;
            }
        }
        finished
    }

    /// Lets the core decide, and shows the outcome before anything comes of it.
    fn decide(&mut self, event: Event) -> Vec<Effect> {
        let now = self.now();
        self.core.handle(event, now);
        let snapshot = self.core.snapshot();
        if snapshot.generation != self.published {
            self.published = snapshot.generation;
            self.has_news = true;
            self.publish.send_replace(Arc::new(snapshot.clone()));
        }
        std::iter::from_fn(|| self.core.next_effect()).collect()
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Ended { process, .. } => self.children.ended(&process),
            Effect::WriteStdin { process, bytes, reply_to } => {
                let written = match self.children.write_stdin(&process, &bytes) {
                    Some(written) => written.map_err(ErrorKind::from),
                    None => Err(ErrorKind::NotRunning),
                };
                let outcome = written
                    .map(|()| Reply::Done)
                    .map_err(|kind| Error::new(kind, process.to_string()));
                self.reply(reply_to, outcome);
            }
            Effect::Reply { to, outcome } => self.reply(to, outcome),
            Effect::Log { level, line } => self.log(level, &line),
            Effect::ProcessAdded { process, settings, facts } => {
                self.logs.prepare(&process, &settings, &facts);
            }
            Effect::ProcessRemoved { process } => self.children.removed(&process),
            Effect::Sweep { process } => self.children.sweep(&process),
            Effect::ReopenLogs => self.logs.reopen(),
            Effect::Subscribed(wanted) => self.logs.subscribe(wanted),
            // These are the turn's own.
            Effect::Spawn { .. }
            | Effect::Kill { .. }
            | Effect::Empty { .. }
            | Effect::Deliver { .. }
            | Effect::Finished(_) => {}
        }
    }

    fn reply(&mut self, to: ReplyTo, outcome: Result<Reply, Error>) {
        if let Some(reply) = self.replies.remove(&to) {
            // Whoever asked may have gone away.
            _ = reply.send(outcome);
        }
    }

    /// A restart with a configuration that is wrong would stop everything for nothing.
    fn rehearse(&mut self) {
        let rehearsal = Arc::clone(&self.rehearsal);
        let outcome = self.rehearsed.0.clone();
        tokio::spawn(async move {
            let result = tokio::task::spawn_blocking(move || rehearsal()).await;
            let gone = |_| Err(vec!["cannot check the configuration".to_owned()]);
            // Fails only when the driver has finished meanwhile.
            _ = outcome.send(result.unwrap_or_else(gone)).await;
        });
    }

    fn refuse_restart(&mut self, errors: &[String]) {
        self.log(LogLevel::Warn, "received SIGHUP indicating restart request");
        for error in errors {
            self.log(LogLevel::Error, error);
        }
        let line = "the configuration has errors: not restarted, everything runs on as it was";
        self.log(LogLevel::Error, line);
    }

    fn now(&self) -> Now {
        Now { monotonic: Instant::from_start(self.started.elapsed()), wall: wall_clock() }
    }
}

fn hangup() -> Event {
    Event::Signalled(Signal::HUP)
}

/// The time of day. A clock before 1970 reads as zero.
pub fn wall_clock() -> WallTime {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}
