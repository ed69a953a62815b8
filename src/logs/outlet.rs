//! Everything the log thread writes to: the sinks, and the activity log among them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::activity::{Activity, ActivitySettings};
use super::pump::Moment;
use super::sinks::Sinks;
use crate::config::setting::LogLevel;
use crate::model::WallTime;

/// The thread's clock and its targets.
pub(super) struct Outlet {
    pub sinks: Sinks,
    pub activity: Activity,
    started: Instant,
}

impl Outlet {
    /// Opens the activity log.
    ///
    /// # Errors
    /// It cannot be opened; why, in words.
    pub fn open(settings: ActivitySettings) -> Result<Self, String> {
        let mut sinks = Sinks::default();
        let activity = Activity::open(settings, &mut sinks, Moment::ZERO);
        match sinks.take_reports().into_iter().next() {
            Some((_, why)) => Err(why),
            None => Ok(Self { sinks, activity, started: Instant::now() }),
        }
    }

    /// The present.
    pub fn now(&self) -> Moment {
        self.started.elapsed()
    }

    /// Logs a line of somebody else's.
    pub fn log(&mut self, level: LogLevel, wall: WallTime, text: &str) {
        let now = self.now();
        self.activity.add(level, wall, text, &mut self.sinks, now);
    }

    /// Logs a line of the log thread's own.
    pub fn report(&mut self, level: LogLevel, text: &str) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = WallTime(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        self.log(level, wall, text);
    }

    /// Writes the activity log's lines, those that the writing itself gives rise to included.
    pub fn say(&mut self) {
        loop {
            for (level, text) in self.sinks.take_reports() {
                self.report(level, &text);
            }
            if !self.activity.has_lines() {
                return;
            }
            let now = self.now();
            self.activity.flush(&mut self.sinks, now);
        }
    }
}
