//! What the processes of a control group use.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// What is not counted here is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time of all its processes, those that ended among them.
    pub cpu: Option<Duration>,
    /// Bytes of memory, the page cache of its files among them.
    pub memory: Option<u64>,
    /// The most it had at a time, since the control group was made (Linux 5.19).
    pub memory_peak: Option<u64>,
    /// Processes and threads.
    pub tasks: Option<u64>,
    /// How many of its processes were killed for want of memory.
    pub oom_kills: Option<u64>,
}

impl Usage {
    /// What the kernel's files say; a few microseconds.
    pub fn read(directory: &Path) -> Self {
        Self {
            cpu: member(directory, "cpu.stat", "usage_usec").map(Duration::from_micros),
            memory: number(directory, "memory.current"),
            memory_peak: number(directory, "memory.peak"),
            tasks: number(directory, "pids.current"),
            oom_kills: oom_kills(directory),
        }
    }
}

impl Usage {
    /// The processor time and memory alone, which cost the least.
    pub fn processor_and_memory(directory: &Path) -> Self {
        Self {
            cpu: member(directory, "cpu.stat", "usage_usec").map(Duration::from_micros),
            memory: number(directory, "memory.current"),
            ..Self::default()
        }
    }
}

/// How many of its processes were ever killed for want of memory.
pub fn oom_kills(directory: &Path) -> Option<u64> {
    member(directory, "memory.events", "oom_kill")
}

/// A file that is one number.
fn number(directory: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(directory.join(file)).ok()?.trim().parse().ok()
}

/// A file of lines, each a name and a number.
fn member(directory: &Path, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(directory.join(file)).ok()?;
    let mut members = text.lines().filter_map(|line| line.split_once(' '));
    members.find(|(key, _)| *key == name)?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Usage::read(directory.path()), Usage::default());
        for (file, text) in [
            ("cpu.stat", "usage_usec 1500000\nuser_usec 1\n"),
            ("memory.current", "4096\n"),
            ("memory.peak", "8192\n"),
            ("pids.current", "3\n"),
            ("memory.events", "low 0\noom 9\noom_kill 2\noom_group_kill 0\n"),
        ] {
            fs::write(directory.path().join(file), text).unwrap();
        }
        let expected = Usage {
            cpu: Some(Duration::from_millis(1500)),
            memory: Some(4096),
            memory_peak: Some(8192),
            tasks: Some(3),
            oom_kills: Some(2),
        };
        assert_eq!(Usage::read(directory.path()), expected);
    }
}
