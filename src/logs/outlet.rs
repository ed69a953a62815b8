//! Everything the log thread writes to: the sinks, and the activity log among them.

use std::sync::Arc;
use std::time::Instant;

use super::activity::{Activity, ActivitySettings};
use super::forward::Forwarders;
use super::pump::Moment;
use super::queue::Queue;
use super::sinks::Sinks;
use super::stamp;
use crate::config::setting::LogLevel;
use crate::model::WallTime;

/// The thread's clock and its targets.
pub(super) struct Outlet {
    pub sinks: Sinks,
    pub forwarders: Forwarders,
    pub activity: Activity,
    started: Instant,
}

impl Outlet {
    /// Opens the activity log.
    ///
    /// # Errors
    /// It cannot be opened; why, in words.
    pub fn open(settings: ActivitySettings, queue: Arc<Queue>) -> Result<Self, String> {
        let mut sinks = Sinks::default();
        let mut forwarders = Forwarders::new(settings.sockets.clone(), queue);
        let activity = Activity::open(settings, &mut sinks, &mut forwarders, Moment::ZERO);
        match sinks.take_reports().into_iter().next() {
            Some((_, why)) => Err(why),
            None => Ok(Self { sinks, forwarders, activity, started: Instant::now() }),
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
        self.log(level, stamp::now(), text);
    }

    /// Writes what waits, to files and as far as it can be sent.
    pub fn finish(&mut self) {
        self.say();
        for text in self.forwarders.finish() {
            self.report(LogLevel::Warn, &text);
        }
        self.say();
        self.sinks.flush(self.now());
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
