//! What /proc tells of processor time and memory (proc(5)).

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use super::NodeUsage;

/// What some processes used together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Processor time, that of children they waited for among it.
    pub cpu: Duration,
    /// Bytes of memory that are resident.
    pub memory: u64,
}

/// What the node's counters stand at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    busy: u64,
    all: u64,
    memory_total: u64,
    memory_used: u64,
}

/// One line of /proc/PID/stat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    group: i32,
    ticks: u64,
    resident_pages: u64,
}

impl Node {
    /// Reads /proc/stat and /proc/meminfo; blocks. What cannot be read is zero.
    #[must_use]
    pub fn read() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        Self::parse(&text("/proc/stat"), &text("/proc/meminfo"))
    }

    /// What was used since an earlier reading.
    #[must_use]
    pub fn usage_since(&self, earlier: &Self) -> NodeUsage {
        let all = self.all.saturating_sub(earlier.all);
        // Some kernels count a waiting processor back.
        let busy = self.busy.saturating_sub(earlier.busy).min(all);
        let cpu_percent = if all == 0 { 0.0 } else { busy as f32 / all as f32 * 100.0 };
        let Self { memory_total, memory_used, .. } = *self;
        NodeUsage { cpu_percent, memory_total, memory_used }
    }

    fn parse(stat: &str, meminfo: &str) -> Self {
        let first = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or("");
        // user nice system idle iowait irq softirq steal; what follows is contained in user.
        let times = first.split_ascii_whitespace().take(8).map(|word| word.parse().unwrap_or(0));
        let times: Vec<u64> = times.collect();
        let all = times.iter().sum();
        let idle: u64 = times.iter().skip(3).take(2).sum();
        let kib = |name: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|rest| rest.split_ascii_whitespace().next());
            number.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) * 1024
        };
        let memory_total = kib("MemTotal:");
        let memory_used = memory_total.saturating_sub(kib("MemAvailable:"));
        Self { busy: all - idle, all, memory_total, memory_used }
    }
}

/// What the process groups that these processes are in use, by process; one pass over all
/// processes. Blocks.
#[must_use]
pub fn process_groups(pids: &HashSet<i32>) -> HashMap<i32, Totals> {
    let mut group_of: HashMap<i32, i32> = HashMap::with_capacity(pids.len());
    let mut groups: HashMap<i32, Totals> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // It may have ended meanwhile.
        let text = fs::read(entry.path().join("stat")).unwrap_or_default();
        let Some(stat) = Stat::parse(&String::from_utf8_lossy(&text)) else { continue };
        if pids.contains(&pid) {
            group_of.insert(pid, stat.group);
        }
        let group = groups.entry(stat.group).or_default();
        let Totals { cpu, memory } = stat.totals();
        group.cpu += cpu;
        group.memory += memory;
    }
    group_of.into_iter().filter_map(|(pid, group)| Some((pid, *groups.get(&group)?))).collect()
}

/// What one process uses; `None` if it has ended. Blocks.
#[must_use]
pub fn process(pid: u32) -> Option<Totals> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    Some(Stat::parse(&String::from_utf8_lossy(&text))?.totals())
}

/// How many descriptors a process has open; `None` if it has ended or is somebody else's. Blocks.
#[must_use]
pub fn descriptors(pid: u32) -> Option<u64> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64)
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name before stands in brackets and may hold anything, brackets too.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The first of them is field 3 of proc_pid_stat(5).
        let field = |number: usize| fields.get(number - 3);
        let number = |at| field(at)?.parse::<u64>().ok();
        let ticks = (14..=17).map(|at| number(at).unwrap_or(0)).sum();
        Some(Self { group: field(5)?.parse().ok()?, ticks, resident_pages: number(24)? })
    }

    fn totals(self) -> Totals {
        let per_second = system_setting(libc::_SC_CLK_TCK, 100);
        let micros = self.ticks.saturating_mul(1_000_000) / per_second;
        let page = system_setting(libc::_SC_PAGESIZE, 4096);
        Totals {
            cpu: Duration::from_micros(micros),
            memory: self.resident_pages.saturating_mul(page),
        }
    }
}

fn system_setting(name: libc::c_int, otherwise: u64) -> u64 {
    // SAFETY: sysconf(3) takes a number.
    let value = unsafe { libc::sysconf(name) };
    u64::try_from(value).ok().filter(|&value| value > 0).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_is_no_trap() {
        let line =
            "42 (a) b (c) S 1 40 40 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 99 1000 7 1844";
        let stat = Stat { group: 40, ticks: 100, resident_pages: 7 };
        assert_eq!(Stat::parse(line), Some(stat));
        assert_eq!(Stat::parse("42 (a"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn a_node_is_read() {
        let meminfo = "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  400 kB\n";
        let before = Node::parse("cpu  10 0 10 70 10 0 0 0 5 0\ncpu0 1\n", meminfo);
        let after = Node::parse("cpu  40 0 20 120 20 0 0 0 9 0\n", meminfo);
        let used = after.usage_since(&before);
        assert_eq!(used.memory_total, 1_024_000);
        assert_eq!(used.memory_used, 614_400);
        assert_eq!(used.cpu_percent, 40.0);
        assert_eq!(after.usage_since(&after).cpu_percent, 0.0);
        assert_eq!(Node::parse("", ""), Node::default());
    }

    #[test]
    fn one_process_is_read() {
        let own = std::process::id();
        assert!(process(own).is_some_and(|used| used.memory > 0));
        assert!(descriptors(own).is_some_and(|count| count > 2));
        assert_eq!(process(u32::MAX), None);
        assert_eq!(descriptors(u32::MAX), None);
    }
}
