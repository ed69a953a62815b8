//! What programs and the node use: processor time and memory.
//!
//! Nothing here runs by itself. Whoever wants to know asks for a [`Sample`], which is taken on a
//! thread that may block, and at most once in [`SAMPLE_EVERY_MIN`] however many ask. A program
//! with a control group is asked of that; for the others one pass over /proc sums by process
//! group.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::cgroup::Usage as GroupUsage;
use super::driver::wall_clock;
use crate::model::{ProcessId, Snapshot, WallTime};

pub mod history;
pub mod proc;

use history::History;
use proc::{Node, Totals};

/// Whoever asks sooner after the last sample than this is given that one.
pub const SAMPLE_EVERY_MIN: Duration = Duration::from_secs(1);

/// A share of processor time is told over at least this long, where nothing was measured before.
const FIRST_LOOK: Duration = Duration::from_millis(200);

/// What came before this long ago says nothing of the present share of processor time.
const FRESH_FOR: Duration = Duration::from_secs(30);

/// Samples what programs use, when asked.
#[derive(Debug)]
pub struct Meter {
    /// The directory that the control groups of programs are in; `None` if they have none.
    control_groups: Option<PathBuf>,
    /// Whoever holds it takes the next sample.
    turn: tokio::sync::Mutex<()>,
    last: Mutex<Option<Last>>,
    history: Mutex<History>,
}

#[derive(Clone, Debug)]
struct Last {
    at: Instant,
    node: Node,
    sample: Arc<Sample>,
}

/// What the node and each running program used at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The moment.
    pub at: WallTime,
    /// The node.
    pub node: NodeUsage,
    /// Programs that have a child.
    pub processes: BTreeMap<ProcessId, ProcessUsage>,
}

/// What a node uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NodeUsage {
    /// Of all its processors together since the sample before, 0 to 100.
    pub cpu_percent: f32,
    /// Bytes of memory it has.
    pub memory_total: u64,
    /// Bytes that programs could not have.
    pub memory_used: u64,
}

/// What a program uses, with everything it started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// Its child.
    pub pid: i32,
    /// Processor time since its control group was made, or its child was started.
    pub cpu: Duration,
    /// Of one processor since the sample before: with several it can be above 100.
    pub cpu_percent: f32,
    /// Bytes of memory; with a control group its files' page cache is among them.
    pub memory: u64,
}

impl NodeUsage {
    /// The share of memory that is used, 0 to 100.
    #[must_use]
    pub fn memory_percent(&self) -> f32 {
        if self.memory_total == 0 {
            return 0.0;
        }
        (self.memory_used as f64 / self.memory_total as f64 * 100.0) as f32
    }
}

impl Meter {
    /// A meter of programs whose control groups, if they have some, are in this directory.
    #[must_use]
    pub fn new(control_groups: Option<PathBuf>) -> Self {
        Self {
            control_groups,
            turn: tokio::sync::Mutex::default(),
            last: Mutex::default(),
            history: Mutex::default(),
        }
    }

    /// What is used now, by the programs of this snapshot.
    pub async fn sample(&self, snapshot: &Arc<Snapshot>) -> Arc<Sample> {
        let _turn = self.turn.lock().await;
        let before = self.last();
        if let Some(last) = &before
            && last.at.elapsed() < SAMPLE_EVERY_MIN
        {
            return Arc::clone(&last.sample);
        }
        let (snapshot, directory) = (Arc::clone(snapshot), self.control_groups.clone());
        let taken = tokio::task::spawn_blocking(move || {
            take(&snapshot, directory.as_deref(), before.as_ref())
        })
        .await;
        match taken {
            Ok(last) => {
                let sample = Arc::clone(&last.sample);
                *lock(&self.last) = Some(last);
                sample
            }
            // The runtime is going down.
            Err(_) => Arc::default(),
        }
    }

    /// What the node uses now. Where nothing was measured lately, that takes a moment.
    pub async fn node(&self) -> NodeUsage {
        if let Some(last) = self.last().filter(|last| last.at.elapsed() < FRESH_FOR) {
            let now = tokio::task::spawn_blocking(Node::read).await.unwrap_or_default();
            let (share, soon) = (now.usage_since(&last.node), SAMPLE_EVERY_MIN);
            return if last.at.elapsed() < soon { last.sample.node } else { share };
        }
        let looked = tokio::task::spawn_blocking(|| {
            let first = Node::read();
            std::thread::sleep(FIRST_LOOK);
            Node::read().usage_since(&first)
        });
        looked.await.unwrap_or_default()
    }

    /// Keeps the last sample as a point of the history.
    pub fn record(&self) {
        if let Some(last) = self.last() {
            lock(&self.history).add(&last.sample);
        }
    }

    /// What was recorded in the last ten minutes.
    pub fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    fn last(&self) -> Option<Last> {
        lock(&self.last).clone()
    }
}

/// Reads everything; blocks.
fn take(snapshot: &Snapshot, directory: Option<&Path>, before: Option<&Last>) -> Last {
    let at = Instant::now();
    let node = Node::read();
    let totals = totals(snapshot, directory);
    let past = before.filter(|last| at - last.at < FRESH_FOR);
    let elapsed = past.map_or(Duration::ZERO, |last| at - last.at).as_secs_f64();
    let processes = totals.into_iter().map(|(id, (pid, Totals { cpu, memory }))| {
        let earlier = past.and_then(|last| last.sample.processes.get(&id));
        // Less than before is that of another child.
        let used = earlier.map_or(Duration::ZERO, |past| cpu.checked_sub(past.cpu).unwrap_or(cpu));
        let share = if elapsed > 0.0 { used.as_secs_f64() / elapsed * 100.0 } else { 0.0 };
        (id, ProcessUsage { pid, cpu, cpu_percent: share as f32, memory })
    });
    let sample = Sample {
        at: wall_clock(),
        node: past.map_or_else(|| node.usage_since(&node), |last| node.usage_since(&last.node)),
        processes: processes.collect(),
    };
    Last { at, node, sample: Arc::new(sample) }
}

/// Processor time and memory of every program that has a child.
fn totals(
    snapshot: &Snapshot,
    control_groups: Option<&Path>,
) -> BTreeMap<ProcessId, (i32, Totals)> {
    let alive = || snapshot.processes.iter().filter(|(_, process)| process.pid > 0);
    let mut found: BTreeMap<ProcessId, (i32, Totals)> = BTreeMap::new();
    let mut missing = HashSet::new();
    let mut partial = HashSet::new();
    for (id, process) in alive() {
        let group = control_groups
            .filter(|_| !process.facts.control_group.is_empty())
            .map(|directory| GroupUsage::processor_and_memory(&directory.join(id.cgroup_name())));
        match group {
            Some(GroupUsage { cpu: Some(cpu), memory, .. }) => {
                if memory.is_none() {
                    partial.insert(process.pid);
                    missing.insert(process.pid);
                }
                let memory = memory.unwrap_or_default();
                found.insert(id.clone(), (process.pid, Totals { cpu, memory }));
            }
            _ => {
                missing.insert(process.pid);
            }
        }
    }
    if missing.is_empty() {
        return found;
    }
    let groups = proc::process_groups(&missing);
    for (id, process) in alive().filter(|(_, process)| missing.contains(&process.pid)) {
        let Some(&summed) = groups.get(&process.pid) else { continue };
        let entry = found.entry(id.clone()).or_insert((process.pid, summed));
        if partial.contains(&process.pid) {
            entry.1.memory = summed.memory;
        }
    }
    found
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_types, reason = "no reaper runs in these tests")]

    use std::process::{Child, Command, Stdio};

    use imbl::OrdMap;

    use super::*;
    use crate::model::{ProcessFacts, ProcessInfo, StateCode, SupervisorState};

    /// A child in a process group of its own, as the daemon's are; it dies with the test.
    struct Program(Child);

    impl Program {
        fn new(script: &str) -> Self {
            use std::os::unix::process::CommandExt;
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdin(Stdio::piped()).process_group(0);
            Self(command.spawn().unwrap())
        }
    }

    impl Drop for Program {
        fn drop(&mut self) {
            // SAFETY: kill(2) takes two integers; the child was not yet waited for.
            unsafe { libc::kill(-(self.0.id() as i32), libc::SIGKILL) };
            _ = self.0.wait();
        }
    }

    fn snapshot(pid: i32, control_group: &str) -> Arc<Snapshot> {
        let facts = ProcessFacts { control_group: control_group.into(), ..Default::default() };
        let id = ProcessId::new("web", "web");
        let process = ProcessInfo {
            pid,
            ..ProcessInfo::new(id.clone(), StateCode::Running, Arc::new(facts))
        };
        let processes = [(id, Arc::new(process))].into_iter().collect();
        let state = SupervisorState::Running;
        Arc::new(Snapshot { generation: 1, state, processes, groups: OrdMap::new() })
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn a_program_is_measured_with_what_it_started() {
        // The child of the child burns, and the shell waits for it.
        let program = Program::new("sh -c 'while :; do :; done' & wait");
        let pid = program.0.id() as i32;
        let meter = Meter::new(None);
        let fleet = snapshot(pid, "");
        let id = ProcessId::new("web", "web");
        runtime().block_on(async {
            let mut sample = meter.sample(&fleet).await;
            assert!(sample.node.memory_total > sample.node.memory_used);
            let deadline = Instant::now() + Duration::from_secs(30);
            while sample.processes.get(&id).is_none_or(|used| used.cpu_percent == 0.0) {
                assert!(Instant::now() < deadline, "it burns nothing: {sample:?}");
                let again = meter.sample(&fleet).await;
                if Arc::ptr_eq(&again, &sample) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                sample = again;
            }
            let used = sample.processes[&id];
            assert!(used.memory > 4096 && used.cpu > Duration::ZERO, "{used:?}");
            meter.record();
            let points = meter.history().of(&id).count();
            assert_eq!(points, 1);
            let none = meter.sample(&snapshot(0, "")).await;
            assert!(Arc::ptr_eq(&none, &sample), "one sample a second serves all");
        });
    }

    #[test]
    fn a_control_group_is_asked_first_and_proc_for_what_it_does_not_count() {
        let program = Program::new("read line");
        let pid = program.0.id() as i32;
        let directory = tempfile::tempdir().unwrap();
        let group = directory.path().join(ProcessId::new("web", "web").cgroup_name());
        std::fs::create_dir(&group).unwrap();
        std::fs::write(group.join("cpu.stat"), "usage_usec 1500000\n").unwrap();
        let fleet = snapshot(pid, "/service/web:web");
        let of = || totals(&fleet, Some(directory.path())).into_values().next().unwrap().1;
        let without_controller = of();
        assert_eq!(without_controller.cpu, Duration::from_millis(1500));
        assert!(without_controller.memory > 4096, "{without_controller:?}");
        std::fs::write(group.join("memory.current"), "77\n").unwrap();
        assert_eq!(of().memory, 77);
        std::fs::remove_dir_all(&group).unwrap();
        assert!(of().memory > 4096, "started without one");
    }

    #[test]
    fn a_node_is_measured_without_anything_before() {
        let used = runtime().block_on(Meter::new(None).node());
        assert!(used.memory_total > used.memory_used && used.memory_used > 0, "{used:?}");
        assert!((0.0..=100.0).contains(&used.cpu_percent), "{used:?}");
        assert!((0.0..=100.0).contains(&used.memory_percent()));
    }
}
