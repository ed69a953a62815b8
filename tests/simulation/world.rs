//! A world that exists only in memory: children, time, requests; and the invariants.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use supervisord::config::GroupSettings;
use supervisord::core::state::State;
use supervisord::core::{Command, Effect, Event, Mood, Reply, ReplyTo, Supervisor};
use supervisord::model::{ExitStatus, Instant, Notice, Now, ProcessId, Signal, WallTime};

use crate::brief;
use crate::children::{Child, Leftover};
use crate::fleet;
use crate::listeners::Face;
use crate::random::Random;

/// What a failure shows of the past.
const TRACE_LINES: usize = 400;
/// A wait that takes longer than this on the world's clock will not end.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Deadlines of one moment: a stop, its kill, and the same for the others.
const DEADLINES_AT_ONCE: u32 = 5;

/// What the world expects of a process, told from effects alone.
#[derive(Default)]
pub struct Expectation {
    /// Spawns in a row without RUNNING.
    pub tries: u32,
    /// When the stop signal was sent, and when SIGKILL.
    pub asked_at: Option<Instant>,
    pub killed_at: Option<Instant>,
    /// Until when the child has asked for more time.
    pub extended_to: Instant,
}

pub struct World {
    pub random: Random,
    pub now: Now,
    pub core: Supervisor,
    pub children: BTreeMap<i32, Child>,
    /// Ended, but not yet waited for.
    pub zombies: VecDeque<(i32, ExitStatus)>,
    /// What is left in control groups.
    pub leftovers: BTreeMap<ProcessId, Leftover>,
    pub next_pid: i32,
    pub asked: BTreeMap<ReplyTo, (Instant, Command)>,
    pub next_reply: u64,
    pub expectations: BTreeMap<ProcessId, Expectation>,
    /// How listeners that have a child stand, as they see it.
    pub faces: BTreeMap<ProcessId, Face>,
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
        let core = Supervisor::new(groups, fleet::naming(&mut random));
        let now = Now { monotonic: Instant::ZERO, wall: WallTime(1) };
        let mut world = Self {
            random,
            now,
            core,
            children: BTreeMap::new(),
            zombies: VecDeque::new(),
            leftovers: BTreeMap::new(),
            next_pid: 100,
            asked: BTreeMap::new(),
            next_reply: 0,
            expectations: BTreeMap::new(),
            faces: BTreeMap::new(),
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
        match self.random.below(24) {
            20..=23 => self.listener_speaks(),
            0..=5 => self.command(),
            6 if self.random.once_in(40) => {
                let signal = *self.random.pick(&["TERM", "HUP", "INT", "USR2", "CHLD"]);
                let signal = Signal::parse(signal).expect("a signal");
                self.feed(Event::Signalled(signal));
            }
            7 => self.stranger_ends(),
            8..=9 => self.child_ends_by_itself(),
            10..=11 => self.child_notifies(),
            12..=14 => self.reap(),
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
            let waited = self.now.monotonic - asked_at;
            assert!(waited < PATIENCE, "a shutdown does not end: {:?}", self.not_at_rest());
            self.reap();
            if self.finished.is_none() {
                self.pass_time();
            }
        }
        self.check_finished();
    }

    fn not_at_rest(&self) -> Vec<(&ProcessId, &State)> {
        let ids = self.core.snapshot().processes.keys();
        let found = ids.filter_map(|id| Some((id, self.core.process(id)?)));
        let moving = found.filter(|(_, process)| !process.is_at_rest());
        moving.map(|(id, process)| (id, process.state())).collect()
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
        self.leftovers.clear();
        self.expectations.clear();
        self.faces.clear();
        self.finished = None;
        let groups = fleet::groups(&mut self.random);
        self.core = Supervisor::new(groups, fleet::naming(&mut self.random));
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
        let command = match self.random.below(62) {
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
            59 => Command::SendEvent { notice: Notice::remote("kind", "data") },
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

    /// On to whatever comes next: a deadline, an end, or a moment in between.
    fn pass_time(&mut self) {
        let ends = self.children.values().filter_map(|child| child.ends_at).min();
        let left = self.leftovers.values().filter_map(|left| left.ends_at).min();
        let next = [self.core.deadline(), ends, left].into_iter().flatten().min();
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
        self.end_leftovers();
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
    pub fn feed(&mut self, event: Event) {
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
            Effect::Empty { process, signal } => return self.empty(process, signal),
            Effect::Deliver { process, envelope } => return self.deliver(process, &envelope),
            Effect::Sweep { process } => {
                let twin = self.children.values().any(|child| child.process == process);
                assert!(!twin, "{process} is swept while its child lives");
                if let Some(left) = self.leftovers.get_mut(&process) {
                    left.killed = true;
                    left.ends_at = Some(self.now.monotonic);
                }
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
                self.faces.remove(&process);
                self.leftovers.remove(&process);
            }
            Effect::Ended { process, .. } => drop(self.faces.remove(&process)),
            Effect::Log { .. }
            | Effect::Subscribed(_)
            | Effect::ProcessAdded { .. }
            | Effect::ReopenLogs => {}
        }
        None
    }
}
