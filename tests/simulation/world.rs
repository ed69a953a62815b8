//! A world that exists only in memory: children, time, requests; and the invariants.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use supervisord::config::GroupSettings;
use supervisord::core::event::{SpawnFailure, SpawnFailureKind};
use supervisord::core::process::State;
use supervisord::core::transition::{KILL_WAIT, QUICK_RESTARTS_MAX};
use supervisord::core::{Command, Effect, Event, Mood, Reply, ReplyTo, Supervisor};
use supervisord::model::{ExitStatus, Instant, Now, ProcessId, Signal, SupervisorState, WallTime};

use crate::brief;
use crate::fleet;
use crate::random::Random;

/// What a failure shows of the past.
const TRACE_LINES: usize = 400;
/// A wait that takes longer than this on the world's clock will not end.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Deadlines of one moment: a stop, its kill, and the same for the others.
const DEADLINES_AT_ONCE: u32 = 5;

/// A child process of the fake world.
pub struct Child {
    pub process: ProcessId,
    /// When it ends by itself, if ever.
    pub ends_at: Option<Instant>,
    /// How it takes the stop signal.
    pub manners: Manners,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Manners {
    /// Ends soon after the stop signal.
    Polite,
    /// Ends only by SIGKILL.
    Stubborn,
    /// Is stuck in the kernel: not even SIGKILL ends it in time.
    Stuck,
}

/// What the world expects of a process, told from effects alone.
#[derive(Default)]
pub struct Expectation {
    /// Spawns in a row without RUNNING.
    pub tries: u32,
    /// When the stop signal was sent, and when SIGKILL.
    pub asked_at: Option<Instant>,
    pub killed_at: Option<Instant>,
}

pub struct World {
    pub random: Random,
    pub now: Now,
    pub core: Supervisor,
    pub children: BTreeMap<i32, Child>,
    /// Ended, but not yet waited for.
    pub zombies: VecDeque<(i32, ExitStatus)>,
    pub next_pid: i32,
    pub asked: BTreeMap<ReplyTo, (Instant, Command)>,
    pub next_reply: u64,
    pub expectations: BTreeMap<ProcessId, Expectation>,
    /// The configuration each update was given, until it is answered.
    pub updates: BTreeMap<ReplyTo, Vec<Arc<GroupSettings>>>,
    pub newest_update: Option<ReplyTo>,
    pub finished: Option<Mood>,
    pub trace: VecDeque<String>,
    pub turns: u64,
}

impl World {
    pub fn new(mut random: Random) -> Self {
        let groups = fleet::groups(&mut random);
        let core = Supervisor::new(groups, fleet::naming());
        let now = Now { monotonic: Instant::ZERO, wall: WallTime(1) };
        let mut world = Self {
            random,
            now,
            core,
            children: BTreeMap::new(),
            zombies: VecDeque::new(),
            next_pid: 100,
            asked: BTreeMap::new(),
            next_reply: 0,
            expectations: BTreeMap::new(),
            updates: BTreeMap::new(),
            newest_update: None,
            finished: None,
            trace: VecDeque::new(),
            turns: 0,
        };
        world.feed(Event::Ready);
        world
    }

    pub fn turns(&self) -> u64 {
        self.turns
    }

    pub fn trace(&self) -> String {
        self.trace.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    }

    /// Lets one thing happen.
    pub fn turn(&mut self) {
        if self.finished.is_some() {
            self.begin_anew();
            return;
        }
        match self.random.below(20) {
            0..=5 => self.command(),
            6 if self.random.once_in(40) => {
                let signal = *self.random.pick(&["TERM", "HUP", "INT", "USR2", "CHLD"]);
                let signal = Signal::parse(signal).expect("a signal");
                self.feed(Event::Signalled(signal));
            }
            7 => self.stranger_ends(),
            8..=10 => self.child_ends_by_itself(),
            11..=14 => self.reap(),
            _ => self.pass_time(),
        }
    }

    /// Ends the episode: nothing may be left waiting, and a shutdown ends.
    pub fn wind_down(&mut self) {
        let asked_at = self.now.monotonic;
        if self.finished.is_none() {
            self.feed(Event::Signalled(Signal::TERM));
        }
        while self.finished.is_none() {
            assert!(self.now.monotonic - asked_at < PATIENCE, "a shutdown does not end");
            self.reap();
            if self.finished.is_none() {
                self.pass_time();
            }
        }
        self.check_finished();
    }

    fn begin_anew(&mut self) {
        self.check_finished();
        for (pid, child) in &self.children {
            let state = self.core.process(&child.process).map(|process| process.state().clone());
            let known = matches!(state, Some(State::Unknown { .. }) | None);
            assert!(known, "child {pid} of {:?} is left behind in {state:?}", child.process);
        }
        self.children.clear();
        self.zombies.clear();
        self.expectations.clear();
        self.finished = None;
        let groups = fleet::groups(&mut self.random);
        self.core = Supervisor::new(groups, fleet::naming());
        self.feed(Event::Ready);
    }

    fn check_finished(&self) {
        assert!(self.asked.is_empty(), "never answered: {:?}", self.asked);
        assert!(self.core.deadline().is_none(), "a finished supervisor waits for something");
    }

    fn command(&mut self) {
        let process = fleet::any_process(&mut self.random);
        let group = process.group.clone();
        let wait = self.random.once_in(2);
        let signal = Signal::parse("USR1").expect("a signal");
        let command = match self.random.below(60) {
            0..=11 => Command::Start { process, wait },
            12..=23 => Command::Stop { process, wait },
            24..=31 => Command::Restart { process, wait },
            32..=34 => Command::StartGroup { group, wait },
            35..=37 => Command::StopGroup { group, wait },
            38..=39 => Command::RestartGroup { group, wait },
            40..=41 => Command::StartAll { wait },
            42 => Command::StopAll { wait },
            43..=44 => Command::Signal { process, signal },
            45 => Command::SignalGroup { group, signal },
            46 => Command::SignalAll { signal },
            47..=48 => Command::SendStdin { process, bytes: b"hello".to_vec() },
            49..=50 => Command::Reread { groups: self.edited() },
            51..=53 => Command::Update { groups: self.edited() },
            54..=56 => Command::AddGroup { group },
            57..=58 => Command::RemoveGroup { group },
            _ if self.random.once_in(30) => Command::Shutdown,
            _ if self.random.once_in(30) => Command::RestartDaemon,
            _ => return,
        };
        let reply_to = ReplyTo(self.next_reply);
        self.next_reply += 1;
        self.asked.insert(reply_to, (self.now.monotonic, command.clone()));
        if let Command::Update { groups } = &command {
            self.updates.insert(reply_to, groups.clone());
            self.newest_update = Some(reply_to);
        }
        self.feed(Event::Command { command, reply_to });
    }

    fn edited(&mut self) -> Vec<Arc<GroupSettings>> {
        let active = self.core.active_groups();
        fleet::edited(&active, &mut self.random)
    }

    fn stranger_ends(&mut self) {
        self.next_pid += 1;
        let pid = self.next_pid;
        self.feed(Event::Exited { pid, status: ExitStatus::Code(0) });
    }

    fn child_ends_by_itself(&mut self) {
        let pids: Vec<i32> = self.children.keys().copied().collect();
        if pids.is_empty() {
            return;
        }
        let pid = *self.random.pick(&pids);
        let status = ExitStatus::Code(self.random.below(3) as i32);
        self.end_child(pid, status);
    }

    fn end_child(&mut self, pid: i32, status: ExitStatus) {
        if self.children.remove(&pid).is_some() {
            self.zombies.push_back((pid, status));
        }
    }

    fn reap(&mut self) {
        if let Some((pid, status)) = self.zombies.pop_front() {
            self.feed(Event::Exited { pid, status });
        }
    }

    /// On to whatever comes next: a deadline, an end, or a moment in between.
    fn pass_time(&mut self) {
        let ends = self.children.values().filter_map(|child| child.ends_at).min();
        let next = [self.core.deadline(), ends].into_iter().flatten().min();
        let step = Duration::from_millis(self.random.below(700));
        let target = match next {
            Some(at) => at.min(self.now.monotonic + step.max(Duration::from_millis(1))),
            None => self.now.monotonic + step,
        };
        let target = if self.random.once_in(2) { next.unwrap_or(target) } else { target };
        let passed = target - self.now.monotonic;
        self.now.monotonic = self.now.monotonic + passed;
        // The wall clock jumps as it likes: nothing may depend on it.
        let jump = if self.random.once_in(50) { 86_400_000_000 } else { 0 };
        let backwards = self.random.once_in(2);
        self.now.wall.0 += if backwards { -jump } else { jump } + passed.as_micros() as i64;
        let due: Vec<i32> = self
            .children
            .iter()
            .filter(|(_, child)| child.ends_at.is_some_and(|at| at <= self.now.monotonic))
            .map(|(&pid, _)| pid)
            .collect();
        for pid in due {
            self.end_child(pid, ExitStatus::Code(0));
        }
        if self.core.deadline().is_some_and(|at| at <= self.now.monotonic) {
            // What became due in the turn itself (stopwaitsecs=0) is due at once, but not for ever.
            for _ in 0..DEADLINES_AT_ONCE {
                self.feed(Event::DeadlineReached);
                if self.core.deadline().is_none_or(|at| at > self.now.monotonic) {
                    return;
                }
            }
            panic!("deadlines do not pass: {:?}", self.core.deadline());
        }
    }

    /// One turn of the driver: the event, then every effect, answers to spawns at once.
    fn feed(&mut self, event: Event) {
        self.turns += 1;
        self.note(|| brief::event(&event));
        let before = self.core.snapshot().generation;
        self.core.handle(event, self.now);
        assert!(self.core.snapshot().generation >= before);
        let mut effects: VecDeque<Effect> = self.effects().into();
        while let Some(effect) = effects.pop_front() {
            if !matches!(effect, Effect::Log { .. }) {
                self.note(|| brief::effect(&effect));
            }
            // As in the driver: what follows from an answer is done before anything else.
            if let Some(answer) = self.perform(effect) {
                self.note(|| format!("  {answer:?}"));
                self.core.handle(answer, self.now);
                for effect in self.effects().into_iter().rev() {
                    effects.push_front(effect);
                }
            }
        }
        self.check();
    }

    fn effects(&mut self) -> Vec<Effect> {
        std::iter::from_fn(|| self.core.next_effect()).collect()
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        // Formatting a million turns costs more than making them; a failure is replayed.
        if self.turns < 2_000 && std::env::var_os("SIMULATION_SEED").is_some() || self.turns < 301 {
            if self.trace.len() == TRACE_LINES {
                self.trace.pop_front();
            }
            let at = self.now.monotonic.since_start();
            self.trace.push_back(format!("{at:?} {}", line()));
        }
    }

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Spawn { process, .. } => return Some(self.spawn(process)),
            Effect::Kill { process, pid, signal, .. } => {
                return self.kill(process, pid, signal);
            }
            Effect::Reply { to, outcome } => {
                assert!(self.asked.remove(&to).is_some(), "answered twice or unasked: {to:?}");
                if let Some(file) = self.updates.remove(&to)
                    && let Ok(reply) = outcome
                    // Of updates that waited for each other only the last one's result remains.
                    && self.newest_update == Some(to)
                {
                    assert!(matches!(reply, Reply::Changes(_)));
                    self.check_applied(&file);
                }
            }
            Effect::WriteStdin { reply_to, process, .. } => {
                assert!(
                    self.children.values().any(|child| child.process == process)
                        || self.zombies_of(&process)
                );
                assert!(self.asked.remove(&reply_to).is_some(), "answered twice or unasked");
            }
            Effect::Finished(mood) => {
                assert!(self.finished.is_none(), "finished twice");
                self.finished = Some(mood);
            }
            Effect::ProcessRemoved { process } => {
                self.expectations.remove(&process);
            }
            Effect::Ended { .. }
            | Effect::Log { .. }
            | Effect::ProcessAdded { .. }
            | Effect::ReopenLogs => {}
        }
        None
    }

    fn zombies_of(&self, process: &ProcessId) -> bool {
        let pid = self.core.process(process).and_then(|process| process.state().pid());
        self.zombies.iter().any(|&(zombie, _)| Some(zombie) == pid)
    }

    fn spawn(&mut self, process: ProcessId) -> Event {
        let found = self.core.process(&process).expect("a spawn for a process of the fleet");
        let retries = found.settings.startretries;
        let expectation = self.expectations.entry(process.clone()).or_default();
        expectation.tries += 1;
        // A request begins the count anew; the world cannot see it, so it counts by state.
        if matches!(found.state(), State::Spawning { failures: 0, .. }) {
            expectation.tries = 1;
        }
        assert!(expectation.tries <= retries + 1, "{process} is tried too often");
        assert!(found.quick_restarts() <= QUICK_RESTARTS_MAX * 200);
        let state = self.core.snapshot().state;
        assert_eq!(state, SupervisorState::Running, "{process} is started while ending");
        let twin = self.children.values().any(|child| child.process == process);
        assert!(!twin, "{process} would have two children");
        if self.random.once_in(6) {
            let kind = *self.random.pick(&[
                SpawnFailureKind::NoFile,
                SpawnFailureKind::NotExecutable,
                SpawnFailureKind::System,
            ]);
            let failure = SpawnFailure { kind, reason: "it is not to be had".into() };
            return Event::SpawnFailed { process, failure };
        }
        self.next_pid += 1;
        let pid = self.next_pid;
        let lifetime = Duration::from_millis(self.random.below(5_000));
        let manners = match self.random.below(40) {
            0 => Manners::Stuck,
            1..=10 => Manners::Stubborn,
            _ => Manners::Polite,
        };
        let child = Child {
            process: process.clone(),
            ends_at: self.random.once_in(2).then(|| self.now.monotonic + lifetime),
            manners,
        };
        self.children.insert(pid, child);
        Event::Spawned { process, pid }
    }

    fn kill(&mut self, process: ProcessId, pid: i32, signal: Signal) -> Option<Event> {
        let alive = self.children.contains_key(&pid);
        let zombie = self.zombies.iter().any(|&(zombie, _)| zombie == pid);
        assert!(alive || zombie, "{signal} would go to {pid}, which is nobody of ours");
        let expectation = self.expectations.entry(process.clone()).or_default();
        match signal {
            Signal::KILL => {
                expectation.killed_at = Some(self.now.monotonic);
            }
            Signal::TERM => {
                expectation.asked_at = Some(self.now.monotonic);
                expectation.killed_at = None;
            }
            _ => {}
        }
        if signal != Signal::KILL && self.random.once_in(100) {
            return Some(Event::SignalFailed { process, reason: "EPERM".into() });
        }
        let child = self.children.get_mut(&pid)?;
        assert_eq!(child.process, process, "a signal goes to another's child");
        let at = self.now.monotonic;
        let soon = at + Duration::from_millis(self.random.below(2_000));
        match (signal, child.manners) {
            (Signal::KILL, Manners::Stuck) => {
                let late = KILL_WAIT + Duration::from_secs(20);
                child.ends_at = Some(at + late);
            }
            (Signal::KILL, _) => child.ends_at = Some(at),
            (Signal::TERM, Manners::Polite) => child.ends_at = Some(soon),
            _ => {}
        }
        None
    }
}
