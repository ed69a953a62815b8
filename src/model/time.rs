//! Time as an argument: the core reads no clock, it is told.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on the monotonic clock, counted from the driver's start. Steps of the wall clock do
/// not move it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The driver's start.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment this long after the driver's start.
    #[must_use]
    pub const fn from_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Time since the driver's start.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

impl Sub for Instant {
    type Output = Duration;
    /// Zero if `rhs` is later.
    fn sub(self, rhs: Self) -> Duration {
        self.0.saturating_sub(rhs.0)
    }
}

/// A moment on the wall clock, in microseconds since the epoch. For people only: nothing is
/// timed by it. Zero means "never".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(pub i64);

impl WallTime {
    /// "It has not happened": the reference reports 0.
    pub const NEVER: Self = Self(0);

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Seconds since the epoch, with what is past the whole second.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        // Exact to the microsecond until the year 2255.
        self.0 as f64 / 1e6
    }

    /// Microseconds past the whole second.
    #[must_use]
    pub const fn subsec_micros(self) -> i64 {
        self.0.rem_euclid(1_000_000)
    }
}

impl Add<Duration> for WallTime {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// The present, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For every decision.
    pub monotonic: Instant,
    /// For every report to a person.
    pub wall: WallTime,
}
