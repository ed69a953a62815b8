//! The sentence about a process that `supervisorctl status` shows.

use std::time::Duration;

use crate::logs::local_tm;
use crate::model::{ProcessInfo, StateCode, WallTime};

const SECONDS_PER_DAY: u64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `pid 12, uptime 0:00:05`, `Nov 22 07:33 PM` (the end, in local time), `Not started`, or why
/// it does not run. Empty in between. What a program that notifies says of itself stands behind it,
/// `pid 12, uptime 0:00:05; serving 3 clients`.
#[must_use]
pub fn describe(process: &ProcessInfo, now: WallTime) -> String {
    let text = plainly(process, now);
    match &*process.status_text {
        "" => text,
        own if text.is_empty() => own.to_owned(),
        own => format!("{text}; {own}"),
    }
}

fn plainly(process: &ProcessInfo, now: WallTime) -> String {
    match process.state {
        StateCode::Running => {
            // Zero if the clock was set back.
            let seconds = now.seconds().saturating_sub(process.start.seconds());
            let up = Duration::from_secs(seconds.try_into().unwrap_or(0));
            format!("pid {}, uptime {}", process.pid, uptime(up))
        }
        StateCode::Fatal | StateCode::Backoff if process.spawn_error.is_empty() => {
            format!("unknown error (try \"tail {}\")", process.id.name)
        }
        StateCode::Fatal | StateCode::Backoff => process.spawn_error.to_string(),
        StateCode::Stopped | StateCode::Exited if process.start == WallTime::NEVER => {
            "Not started".to_owned()
        }
        StateCode::Stopped | StateCode::Exited => local_minute(process.stop),
        StateCode::Starting | StateCode::Stopping | StateCode::Unknown => String::new(),
    }
}

/// As Python prints a `timedelta` of whole seconds: `0:00:05`, `1 day, 2:03:04`.
fn uptime(up: Duration) -> String {
    let (days, seconds) = (up.as_secs() / SECONDS_PER_DAY, up.as_secs() % SECONDS_PER_DAY);
    let clock = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match days {
        0 => clock,
        1 => format!("1 day, {clock}"),
        _ => format!("{days} days, {clock}"),
    }
}

/// `Nov 22 07:33 PM`, in the daemon's time zone, English whatever the locale.
fn local_minute(moment: WallTime) -> String {
    let tm = local_tm(moment.seconds());
    let month = usize::try_from(tm.tm_mon).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"");
    let (hour, half) = (tm.tm_hour, if tm.tm_hour < 12 { "AM" } else { "PM" });
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!("{month} {:02} {hour:02}:{:02} {half}", tm.tm_mday, tm.tm_min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::fake::process;

    #[test]
    fn what_a_program_says_of_itself_stands_behind() {
        let said = |state, text: &str| {
            let mut process = process("web", state);
            (process.pid, process.start, process.status_text) =
                (7, WallTime(1_000_000), text.into());
            describe(&process, WallTime(6_000_000))
        };
        assert_eq!(said(StateCode::Running, ""), "pid 7, uptime 0:00:05");
        assert_eq!(said(StateCode::Running, "3 clients"), "pid 7, uptime 0:00:05; 3 clients");
        assert_eq!(said(StateCode::Starting, "2 of 7"), "2 of 7");
    }

    #[test]
    fn uptime_is_told_as_python_does() {
        let check = |seconds, text: &str| assert_eq!(uptime(Duration::from_secs(seconds)), text);
        check(0, "0:00:00");
        check(5, "0:00:05");
        check(3 * 3600 + 25 * 60 + 45, "3:25:45");
        check(86_399, "23:59:59");
        check(86_400, "1 day, 0:00:00");
        check(100 * 86_400 + 3661, "100 days, 1:01:01");
    }

    #[test]
    fn every_state_has_its_sentence() {
        let second = |seconds: i64| WallTime(seconds * 1_000_000);
        let check = |state, start, error: &str, wanted: &str| {
            let mut process = process("g:a", state);
            process.pid = 7;
            process.start = second(start);
            process.spawn_error = error.into();
            assert_eq!(describe(&process, second(105)), wanted, "{state}");
        };
        check(StateCode::Running, 100, "", "pid 7, uptime 0:00:05");
        check(StateCode::Running, 200, "", "pid 7, uptime 0:00:00");
        check(StateCode::Fatal, 100, "no such file", "no such file");
        check(StateCode::Fatal, 100, "", "unknown error (try \"tail a\")");
        check(StateCode::Backoff, 100, "it died", "it died");
        check(StateCode::Stopped, 0, "", "Not started");
        check(StateCode::Starting, 100, "", "");
        check(StateCode::Stopping, 100, "", "");
        check(StateCode::Unknown, 100, "", "");
    }

    #[test]
    fn an_end_is_told_to_the_minute() {
        let mut process = process("a", StateCode::Exited);
        process.start = WallTime(1);
        process.stop = WallTime(1_700_000_000_000_000);
        let text = describe(&process, WallTime(0));
        // The hour depends on the time zone; the date is a day away from any month's end.
        assert!(text.starts_with("Nov 1"), "{text}");
        assert!(text.ends_with("AM") || text.ends_with("PM"), "{text}");
        assert_eq!(text.len(), "Nov 14 10:13 PM".len(), "{text}");
    }
}
