//! The events that come with time, while somebody subscribed to them.

use crate::model::{EventSet, EventType, Instant, Notice, Now, WallTime};
use std::time::Duration;

/// The types and their periods in seconds.
const PERIODS: [(EventType, i64); 3] =
    [(EventType::Tick5, 5), (EventType::Tick60, 60), (EventType::Tick3600, 3600)];

/// When the next of each is due. What nobody wants is never due.
#[derive(Debug, Default)]
pub struct Ticks([Option<Tick>; 3]);

#[derive(Clone, Copy, Debug)]
struct Tick {
    /// The beginning of the period that was told last, in seconds since the epoch.
    last: i64,
    due: Instant,
}

impl Ticks {
    /// Takes up what is wanted now, and leaves the rest.
    pub fn arrange(&mut self, wanted: EventSet, now: Now) {
        for (slot, (kind, period)) in self.0.iter_mut().zip(PERIODS) {
            match (wanted.wants(kind), &slot) {
                (true, None) => *slot = Some(Tick::after(period, now)),
                (true, Some(_)) => {}
                (false, _) => *slot = None,
            }
        }
    }

    /// When the next is due, if ever.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.iter().flatten().map(|tick| tick.due).min()
    }

    /// Those that are due. Periods follow the wall clock, as in the reference: one that it has
    /// left, in whichever direction, is over.
    pub fn due(&mut self, now: Now) -> Vec<Notice> {
        let mut notices = Vec::new();
        for (slot, (kind, period)) in self.0.iter_mut().zip(PERIODS) {
            if let Some(tick) = slot
                && tick.due <= now.monotonic
            {
                let next = Tick::after(period, now);
                if next.last != tick.last {
                    notices.push(Notice::tick(kind, next.last));
                }
                *tick = next;
            }
        }
        notices
    }
}

impl Tick {
    fn after(period: i64, now: Now) -> Self {
        let WallTime(micros) = now.wall;
        let past = micros.rem_euclid(period * 1_000_000);
        let left = Duration::from_micros((period * 1_000_000 - past).unsigned_abs());
        Self { last: (micros - past) / 1_000_000, due: now.monotonic + left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(seconds: u64, wall: i64) -> Now {
        let monotonic = Instant::from_start(Duration::from_secs(seconds));
        Now { monotonic, wall: WallTime(wall * 1_000_000) }
    }

    #[test]
    fn a_tick_comes_with_each_period_of_the_wall_clock() {
        let mut ticks = Ticks::default();
        assert_eq!(ticks.deadline(), None);
        ticks.arrange(EventSet::of(&[EventType::Tick]), now(10, 1003));
        assert_eq!(ticks.deadline(), Some(now(12, 0).monotonic));
        assert_eq!(ticks.due(now(11, 1004)), []);
        assert_eq!(ticks.due(now(12, 1005)), [Notice::tick(EventType::Tick5, 1005)]);
        assert_eq!(ticks.deadline(), Some(now(17, 0).monotonic));
        let both = [Notice::tick(EventType::Tick5, 1020), Notice::tick(EventType::Tick60, 1020)];
        assert_eq!(ticks.due(now(27, 1020)), both);
        ticks.arrange(EventSet::of(&[EventType::Tick3600]), now(27, 1020));
        assert_eq!(ticks.deadline(), Some(now(27 + 3600 - 1020, 0).monotonic));
        ticks.arrange(EventSet::NONE, now(27, 1020));
        assert_eq!(ticks.deadline(), None);
    }

    #[test]
    fn a_clock_that_is_set_gives_one_tick_at_most() {
        let mut ticks = Ticks::default();
        ticks.arrange(EventSet::of(&[EventType::Tick5]), now(0, 1000));
        assert_eq!(ticks.due(now(5, 90_001)), [Notice::tick(EventType::Tick5, 90_000)]);
        assert_eq!(ticks.due(now(9, 90_001)), [], "it was set back a little: the same period");
        assert_eq!(ticks.deadline(), Some(now(13, 0).monotonic));
    }
}
