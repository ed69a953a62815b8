//! The last ten minutes of what was used, for plots; compact, since there may be ten thousand
//! programs.

use std::collections::{BTreeMap, VecDeque};

use super::Sample;
use crate::model::{ProcessId, WallTime};

/// Points that are kept of each program: ten minutes, at one in five seconds. Past it the oldest
/// is forgotten.
pub const POINTS_MAX: usize = 120;

/// The time that the history covers, in microseconds.
const SPAN_MICROS: i64 = 600 * 1_000_000;

/// Points of the node and of every program.
#[derive(Debug, Default)]
pub struct History {
    /// When the samples were taken, the first of them of number `first`.
    times: VecDeque<WallTime>,
    first: u32,
    node: VecDeque<(f32, f32)>,
    processes: BTreeMap<ProcessId, VecDeque<Packed>>,
}

/// One point, in twelve bytes.
#[derive(Clone, Copy, Debug)]
struct Packed {
    /// The number of its sample.
    number: u32,
    /// Tenths of a percent of one processor; 6,553 % at most.
    cpu: u16,
    /// 4 TiB at most.
    memory_kib: u32,
}

/// What was used at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The moment.
    pub at: WallTime,
    /// Of one processor.
    pub cpu_percent: f32,
    /// Bytes, a multiple of 1,024.
    pub memory: u64,
}

impl History {
    /// Adds a sample, unless it is there already.
    pub fn add(&mut self, sample: &Sample) {
        if self.times.back() == Some(&sample.at) {
            return;
        }
        // A clock that was set back begins anew.
        if self.times.back().is_some_and(|&last| last > sample.at) {
            *self = Self::default();
        }
        let old = |&at: &WallTime| sample.at.0 - at.0 > SPAN_MICROS;
        while self.times.len() >= POINTS_MAX || self.times.front().is_some_and(old) {
            self.times.pop_front();
            self.node.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        let number = self.first.wrapping_add(self.times.len() as u32);
        self.times.push_back(sample.at);
        self.node.push_back((sample.node.cpu_percent, sample.node.memory_percent()));
        for (id, used) in &sample.processes {
            let point = Packed {
                number,
                // Saturates.
                cpu: (used.cpu_percent * 10.0).round() as u16,
                memory_kib: u32::try_from(used.memory / 1024).unwrap_or(u32::MAX),
            };
            self.processes.entry(id.clone()).or_default().push_back(point);
        }
        let count = self.times.len() as u32;
        let first = self.first;
        self.processes.retain(|_, points| {
            let gone = |point: &Packed| point.number.wrapping_sub(first) >= count;
            while points.front().is_some_and(gone) {
                points.pop_front();
            }
            !points.is_empty()
        });
    }

    /// The points of a program, the oldest first.
    pub fn of(&self, process: &ProcessId) -> impl Iterator<Item = Point> {
        let points = self.processes.get(process).into_iter().flatten();
        points.filter_map(|point| self.unpack(point))
    }

    /// Every program that has points, with them.
    pub fn processes(&self) -> impl Iterator<Item = (&ProcessId, impl Iterator<Item = Point>)> {
        self.processes.iter().map(|(id, points)| (id, points.iter().filter_map(|p| self.unpack(p))))
    }

    /// How many points there are of all programs together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.processes.values().map(VecDeque::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// The node: when, its processors' and its memory's share in use, in percent.
    pub fn node(&self) -> impl Iterator<Item = (WallTime, f32, f32)> {
        self.times.iter().zip(&self.node).map(|(&at, &(cpu, memory))| (at, cpu, memory))
    }

    fn unpack(&self, point: &Packed) -> Option<Point> {
        let at = *self.times.get(point.number.wrapping_sub(self.first) as usize)?;
        let cpu_percent = f32::from(point.cpu) / 10.0;
        Some(Point { at, cpu_percent, memory: u64::from(point.memory_kib) * 1024 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::usage::ProcessUsage;

    fn at(seconds: i64) -> WallTime {
        WallTime(seconds * 1_000_000)
    }

    fn sample(seconds: i64, names: &[&str]) -> Sample {
        let used = ProcessUsage { cpu_percent: 12.34, memory: 5_000_000, ..Default::default() };
        let processes = names.iter().map(|&name| (ProcessId::new(name, name), used));
        Sample { at: at(seconds), processes: processes.collect(), ..Sample::default() }
    }

    #[test]
    fn ten_minutes_are_kept() {
        let (a, b) = (ProcessId::new("a", "a"), ProcessId::new("b", "b"));
        let mut history = History::default();
        history.add(&sample(0, &["a", "b"]));
        history.add(&sample(0, &["a"]));
        let point = Point { at: at(0), cpu_percent: 12.3, memory: 4_999_168 };
        assert_eq!(history.of(&a).collect::<Vec<_>>(), [point]);
        for tick in 1..=200 {
            history.add(&sample(tick * 5, &["a"]));
        }
        assert_eq!((history.of(&a).count(), history.of(&b).count()), (POINTS_MAX, 0));
        assert_eq!(history.len(), POINTS_MAX);
        assert_eq!(history.node().count(), POINTS_MAX);
        assert_eq!(history.of(&a).last().map(|point| point.at), Some(at(1000)));
        // Nobody watched for long.
        history.add(&sample(5000, &["b"]));
        assert_eq!((history.of(&a).count(), history.of(&b).count()), (0, 1));
        history.add(&sample(4000, &["a"]));
        assert_eq!((history.of(&a).count(), history.of(&b).count()), (1, 0), "set back");
        assert!(!history.is_empty());
    }
}
