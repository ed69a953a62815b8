//! How long things took: counts in fixed ranges, cheap enough for every turn of a loop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper ends of the ranges, in microseconds; what took longer is counted beyond them.
pub const BOUNDS_MICROS: [u64; 10] =
    [100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];

const RANGES: usize = BOUNDS_MICROS.len() + 1;

/// Counts durations. Written by one thread and read by any; a reader may see a count without its
/// sum, which the next reading makes good.
#[derive(Debug, Default)]
pub struct Histogram {
    ranges: [AtomicU64; RANGES],
    sum_micros: AtomicU64,
}

/// What a histogram stood at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// In each range of [`BOUNDS_MICROS`], and beyond them.
    pub ranges: [u64; RANGES],
    /// All durations together, in microseconds.
    pub sum_micros: u64,
}

impl Histogram {
    /// Counts one.
    pub fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let range = BOUNDS_MICROS.partition_point(|&bound| bound < micros);
        if let Some(count) = self.ranges.get(range) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What it stands at.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let ranges = std::array::from_fn(|range| {
            self.ranges.get(range).map_or(0, |count| count.load(Ordering::Relaxed))
        });
        Counts { ranges, sum_micros: self.sum_micros.load(Ordering::Relaxed) }
    }
}

impl Counts {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_in_its_range() {
        let histogram = Histogram::default();
        for micros in [0, 100, 101, 10_000_000, 10_000_001] {
            histogram.add(Duration::from_micros(micros));
        }
        let counts = histogram.counts();
        assert_eq!((counts.ranges[0], counts.ranges[1]), (2, 1));
        assert_eq!((counts.ranges[RANGES - 2], counts.ranges[RANGES - 1]), (1, 1));
        assert_eq!((counts.count(), counts.sum_micros), (5, 20_000_202));
    }
}
