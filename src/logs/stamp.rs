//! Dates and times as logs have them. Most lines share their second, which is rendered once.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use super::activity::local_tm;
use crate::model::WallTime;

/// English on every host: RFC 3164.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The present.
pub(super) fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `2026-11-22 19:33:39,123`, local: the activity log's.
    Dated,
    /// `2026-11-22T18:33:39.123456Z`: RFC 3339, and so RFC 5424.
    Utc,
    /// `Nov 22 19:33:39`, local: RFC 3164.
    Classic,
}

/// Renders times of one style.
#[derive(Debug)]
pub(super) struct Clock {
    style: Style,
    second: i64,
    /// The text of that second, and behind it that of its part.
    text: String,
    whole: usize,
}

impl Clock {
    pub fn new(style: Style) -> Self {
        Self { style, second: i64::MIN, text: String::new(), whole: 0 }
    }

    /// The text of a time.
    pub fn render(&mut self, wall: WallTime) -> &str {
        if wall.seconds() != self.second {
            self.second = wall.seconds();
            self.text = match self.style {
                Style::Dated => local(self.second),
                Style::Utc => utc(self.second),
                Style::Classic => classic(self.second),
            };
            self.whole = self.text.len();
        }
        self.text.truncate(self.whole);
        let micros = wall.subsec_micros();
        let _ = match self.style {
            Style::Dated => write!(self.text, ",{:03}", micros / 1000),
            Style::Utc => write!(self.text, ".{micros:06}Z"),
            Style::Classic => Ok(()),
        };
        &self.text
    }
}

/// `2026-11-22 19:33:39` in local time.
pub(super) fn local(seconds: i64) -> String {
    let tm = local_tm(seconds);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        i64::from(tm.tm_year) + 1900,
        tm.tm_mon + 1,
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec
    )
}

fn classic(seconds: i64) -> String {
    let tm = local_tm(seconds);
    let month = usize::try_from(tm.tm_mon).ok().and_then(|month| MONTHS.get(month));
    let month = month.copied().unwrap_or("Jan");
    format!("{month} {:2} {:02}:{:02}:{:02}", tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec)
}

fn utc(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// The Gregorian date of so many days since 1970-01-01 (Hinnant, `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn universal_time_is_computed() {
        let check = |seconds, text: &str| assert_eq!(utc(seconds), text);
        check(0, "1970-01-01T00:00:00");
        check(-1, "1969-12-31T23:59:59");
        check(951_782_399, "2000-02-28T23:59:59");
        check(951_782_400, "2000-02-29T00:00:00");
        check(1_795_376_019, "2026-11-22T19:33:39");
        check(4_107_542_400, "2100-03-01T00:00:00");
    }

    #[test]
    fn a_second_is_rendered_once_and_its_parts_each() {
        let mut clock = Clock::new(Style::Utc);
        assert_eq!(clock.render(WallTime(1_795_376_019_000_007)), "2026-11-22T19:33:39.000007Z");
        assert_eq!(clock.render(WallTime(1_795_376_019_120_000)), "2026-11-22T19:33:39.120000Z");
        assert_eq!(clock.render(WallTime(1_795_376_020_000_000)), "2026-11-22T19:33:40.000000Z");
        let dated = Clock::new(Style::Dated).render(WallTime(1_795_376_019_123_999)).to_owned();
        assert_eq!(dated, local(1_795_376_019) + ",123");
        let classic = Clock::new(Style::Classic).render(WallTime(1_795_000_000_000_000)).to_owned();
        assert_eq!(classic.len(), "Nov 22 19:33:39".len());
        assert!(MONTHS.contains(&&classic[..3]), "{classic}");
    }
}
