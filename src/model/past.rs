//! The recent past of a process, for people: its last starts and changes of state.

use super::{StateCode, WallTime};

/// Starts and changes of state that are kept of a process; older ones are forgotten.
pub const PAST_MAX: usize = 16;

/// Parts of an hour in which starts are counted: the hour is known to five minutes.
const PARTS: usize = 12;
const PART_SECONDS: i64 = 300;

/// What a process went through lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    starts: Vec<WallTime>,
    changes: Vec<(WallTime, StateCode)>,
    /// Starts in each part of the hour, by the part's number modulo [`PARTS`].
    counts: [u16; PARTS],
    /// The number of the last part in which it was started.
    part: i64,
}

impl Past {
    /// Its last starts, the latest last.
    #[must_use]
    pub fn starts(&self) -> &[WallTime] {
        &self.starts
    }

    /// The states it entered last and when, the latest last.
    #[must_use]
    pub fn changes(&self) -> &[(WallTime, StateCode)] {
        &self.changes
    }

    /// How often it was started within the hour before `now`, give or take five minutes.
    #[must_use]
    pub fn starts_in_hour(&self, now: WallTime) -> u32 {
        let now = part(now);
        let still = (self.part - PARTS as i64 + 1..=self.part).filter(|&one| one > now - 12);
        still.map(|one| u32::from(self.counts[slot(one)])).sum()
    }

    /// It is started.
    pub fn started(&mut self, now: WallTime) {
        remember(&mut self.starts, now);
        let new = part(now);
        // What was not started in between counts zero. A clock that was set back begins anew.
        if new < self.part || new - self.part >= PARTS as i64 {
            self.counts = [0; PARTS];
        } else {
            (self.part + 1..=new).for_each(|one| self.counts[slot(one)] = 0);
        }
        self.part = new;
        let count = &mut self.counts[slot(new)];
        *count = count.saturating_add(1);
    }

    /// It enters a state.
    pub fn entered(&mut self, state: StateCode, now: WallTime) {
        remember(&mut self.changes, (now, state));
    }

    /// The last change came to nothing, and is as if it had not been.
    pub fn take_back(&mut self) {
        self.changes.pop();
    }
}

fn remember<T>(list: &mut Vec<T>, new: T) {
    if list.len() >= PAST_MAX {
        list.remove(0);
    }
    // Snapshots have their own, so that it is a copy of just its size as a rule: room to grow would
    // not be used.
    list.reserve_exact(1);
    list.push(new);
}

fn part(moment: WallTime) -> i64 {
    moment.seconds().div_euclid(PART_SECONDS)
}

fn slot(part: i64) -> usize {
    part.rem_euclid(PARTS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> WallTime {
        WallTime(seconds * 1_000_000)
    }

    #[test]
    fn only_the_last_ones_are_kept() {
        let mut past = Past::default();
        for second in 1..=40 {
            past.started(at(second));
            past.entered(StateCode::Starting, at(second));
        }
        assert_eq!(past.starts().len(), PAST_MAX);
        assert_eq!(past.starts().last(), Some(&at(40)));
        assert_eq!(past.changes()[0], (at(25), StateCode::Starting));
        assert_eq!(past.starts_in_hour(at(41)), 40);
        past.take_back();
        assert_eq!(past.changes().last(), Some(&(at(39), StateCode::Starting)));
    }

    #[test]
    fn starts_are_counted_for_an_hour() {
        let mut past = Past::default();
        assert_eq!(past.starts_in_hour(at(1_000_000)), 0);
        let begin = 1_000_000 * PART_SECONDS;
        for minute in 0..120 {
            past.started(at(begin + minute * 60));
        }
        assert_eq!(past.starts_in_hour(at(begin + 119 * 60)), 60);
        assert_eq!(past.starts_in_hour(at(begin + 149 * 60)), 30);
        assert_eq!(past.starts_in_hour(at(begin + 400 * 60)), 0);
        past.started(at(begin + 400 * 60));
        assert_eq!(past.starts_in_hour(at(begin + 401 * 60)), 1);
        // The clock is set back.
        past.started(at(begin));
        assert_eq!(past.starts_in_hour(at(begin)), 1);
    }
}
