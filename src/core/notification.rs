//! What a program says of itself: the assignments of sd_notify(3).

use std::str::FromStr;
use std::time::Duration;

/// Bytes of a status text that are kept: it is one line for a person.
pub const STATUS_BYTES_MAX: usize = 512;

/// One assignment of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// `READY=1`: it is up, or done with a reload.
    Ready,
    /// `RELOADING=1`
    Reloading,
    /// `STOPPING=1`
    Stopping,
    /// `STATUS=`, one line for people, without control characters.
    Status(String),
    /// `MAINPID=`: from now on this is the process that counts.
    MainPid(i32),
    /// `WATCHDOG=1`: it is alive.
    Alive,
    /// `WATCHDOG=trigger`: it wants to be treated as if it were not.
    Hung,
    /// `WATCHDOG_USEC=`: how often it will report from now on; zero for never.
    ReportEvery(Duration),
    /// `EXTEND_TIMEOUT_USEC=`: what it is about takes so much longer, from now.
    Extend(Duration),
}

/// The assignments of one datagram that mean something here; others are passed over, as
/// sd_notify(3) asks.
#[must_use]
pub fn parse(datagram: &[u8]) -> Vec<Notification> {
    let text = String::from_utf8_lossy(datagram);
    text.lines().filter_map(|line| line.split_once('=')).filter_map(assignment).collect()
}

fn assignment((name, value): (&str, &str)) -> Option<Notification> {
    Some(match (name, value) {
        ("READY", "1") => Notification::Ready,
        ("RELOADING", "1") => Notification::Reloading,
        ("STOPPING", "1") => Notification::Stopping,
        ("WATCHDOG", "1") => Notification::Alive,
        ("WATCHDOG", "trigger") => Notification::Hung,
        ("STATUS", text) => Notification::Status(one_line(text)),
        ("MAINPID", pid) => Notification::MainPid(number(pid).filter(|&pid| pid > 1)?),
        ("WATCHDOG_USEC", micros) => {
            Notification::ReportEvery(Duration::from_micros(number(micros)?))
        }
        ("EXTEND_TIMEOUT_USEC", micros) => {
            Notification::Extend(Duration::from_micros(number(micros)?))
        }
        _ => return None,
    })
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

/// Terminals and logs show it: nothing in it may move a cursor or begin a line.
fn one_line(text: &str) -> String {
    let mut line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    if line.len() > STATUS_BYTES_MAX {
        let end = (0..=STATUS_BYTES_MAX).rev().find(|&at| line.is_char_boundary(at));
        line.truncate(end.unwrap_or(0));
    }
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_understood_and_others_passed_over() {
        let datagram = b"READY=1\nSTATUS=serving \x1b[31mred\nMAINPID=42\nFDSTORE=1\nX\n\
                         WATCHDOG=1\nWATCHDOG_USEC=2000000\nEXTEND_TIMEOUT_USEC=x\n";
        assert_eq!(
            parse(datagram),
            [
                Notification::Ready,
                Notification::Status("serving  [31mred".into()),
                Notification::MainPid(42),
                Notification::Alive,
                Notification::ReportEvery(Duration::from_secs(2)),
            ]
        );
    }

    #[test]
    fn nonsense_is_nothing() {
        for datagram in [&b""[..], b"READY", b"READY=2", b"MAINPID=0", b"MAINPID=-1", b"MAINPID=1"]
        {
            assert_eq!(parse(datagram), [], "{datagram:?}");
        }
    }

    #[test]
    fn a_long_status_is_cut_between_characters() {
        let text = format!("STATUS={}", "ä".repeat(STATUS_BYTES_MAX));
        let [Notification::Status(status)] = &parse(text.as_bytes())[..] else { panic!() };
        assert!(status.len() <= STATUS_BYTES_MAX && status.chars().all(|c| c == 'ä'));
    }
}
