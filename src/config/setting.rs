//! The types a value can have, and how each is read.
//!
//! A reader takes the text of a value after expansion and answers with a sentence that says what
//! is wrong and what is expected. The accepted spellings are the reference's.

use std::path::PathBuf;

use crate::model::Signal;

pub use super::target::{FormatField, FormatPart, LogCopy, LogFormat, SyslogAddress, SystemLog};

/// The log of a stream of a program: what is shown of it and can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// A file of the daemon's own naming in `childlogdir`.
    Auto,
    /// Nowhere.
    None,
    /// This file. `/dev/stdout`, `/dev/stderr` and `/dev/null` are among them.
    File(PathBuf),
}

/// One stream's capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The log that is shown and can be read: the first file of the list.
    pub target: LogTarget,
    /// Everything else that gets it, files with the same rotation.
    pub copies: Vec<LogCopy>,
    /// How its lines are written.
    pub format: LogFormat,
    /// Rotate when the file has reached this many bytes; 0 means never.
    pub max_bytes: u64,
    /// How many rotated files to keep; 0 truncates.
    pub backups: u32,
    /// How many bytes between communication markers to keep; 0 means no capture.
    pub capture_max_bytes: u64,
    /// Whether output is announced as `PROCESS_LOG` events.
    pub events_enabled: bool,
    /// Whether a copy goes to the system log in Supervisor's form.
    pub syslog: bool,
    /// What lines say of themselves in system logs and the journal.
    pub system: SystemLog,
}

impl LogSettings {
    /// This target and the defaults.
    #[must_use]
    pub fn new(target: LogTarget) -> Self {
        Self {
            target,
            copies: Vec::new(),
            format: LogFormat::Raw,
            max_bytes: 50 << 20,
            backups: 10,
            capture_max_bytes: 0,
            events_enabled: false,
            syslog: false,
            system: SystemLog::default(),
        }
    }

    /// Whether a system log gets it, in whatever form.
    #[must_use]
    pub fn has_syslog(&self) -> bool {
        self.syslog || self.copies.iter().any(|copy| matches!(copy, LogCopy::Syslog(_)))
    }
}

/// When a program that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autorestart {
    /// Never.
    Never,
    /// When its exit code is not among `exitcodes`.
    Unexpected,
    /// Always.
    Always,
}

impl Autorestart {
    /// How it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "false",
            Self::Unexpected => "unexpected",
            Self::Always => "true",
        }
    }
}

/// A user and what initgroups(3) would give it, looked up once, when the file is read.
#[derive(Clone, Debug, Eq)]
pub struct User {
    /// Its name, if the user database has one.
    pub name: Option<String>,
    /// Its user id.
    pub uid: u32,
    /// Its primary group id.
    pub gid: u32,
    /// All its group ids, the primary one among them.
    pub groups: Vec<u32>,
    /// Its home directory, if the user database has one.
    pub home: Option<PathBuf>,
}

/// Users are the same if their ids are: who else joined a group or moved house is no change of
/// the configuration, and an update does not restart programs for it.
impl PartialEq for User {
    fn eq(&self, other: &Self) -> bool {
        (self.uid, self.gid) == (other.uid, other.gid)
    }
}

/// The first signal of a stop.
pub type StopSignal = Signal;

/// Levels of the activity log, as the reference names and orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// `blat` in the file, `BLAT` on a line.
    Blather,
    /// `trac` on a line.
    Trace,
    /// Details for a developer.
    Debug,
    /// The default.
    Info,
    /// Something a person should look at.
    Warn,
    /// Something did not work.
    Error,
    /// The daemon itself is in trouble.
    Critical,
}

impl LogLevel {
    /// Every level, in the order of the enum.
    pub const ALL: [Self; 7] = [
        Self::Blather,
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Critical,
    ];
}

/// Modes and masks have no more bits than these.
const MODE_MAX: u32 = 0o7777;

/// `true`, `yes`, `on`, `1` and their opposites, whatever the case.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["true", "yes", "on", "1"].iter().any(is) {
        Ok(true)
    } else if ["false", "no", "off", "0"].iter().any(is) {
        Ok(false)
    } else {
        Err(format!("{text:?} is not a boolean: expected true or false"))
    }
}

/// A whole number as Python's `int` takes it: `-1`, ` 10 `, `1_000`. What is too large for 64
/// bits becomes the largest.
pub(super) fn integer(text: &str) -> Result<i64, String> {
    python_integer(text, 10)
        .ok_or_else(|| format!("{text:?} is not a number: expected a whole number"))
}

fn python_integer(text: &str, radix: u32) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = match radix {
        8 => digits.strip_prefix("0o").or_else(|| digits.strip_prefix("0O")).unwrap_or(digits),
        _ => digits,
    };
    let mut number: i64 = 0;
    for group in digits.split('_') {
        if group.is_empty() {
            return None;
        }
        for c in group.chars() {
            let digit = i64::from(c.to_digit(radix)?);
            number = number.saturating_mul(i64::from(radix)).saturating_add(digit);
        }
    }
    Some(if negative { -number } else { number })
}

/// Bytes, or `KB`, `MB`, `GB` of 1024 each. Less than nothing is nothing, as in the reference.
///
/// # Errors
/// In words: it is not a size.
pub fn byte_size(text: &str) -> Result<u64, String> {
    let lower = text.to_lowercase();
    let (digits, unit) = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)]
        .iter()
        .find_map(|&(suffix, unit)| Some((lower.strip_suffix(suffix)?, unit)))
        .unwrap_or((&lower, 1));
    let size = python_integer(digits, 10)
        .ok_or_else(|| format!("{text:?} is not a size: expected bytes, or KB, MB or GB"))?;
    Ok(size.max(0).unsigned_abs().saturating_mul(unit))
}

/// A file mode or mask, in octal.
///
/// # Errors
/// In words: it is none.
pub fn octal(text: &str) -> Result<u32, String> {
    python_integer(text, 8)
        .and_then(|number| u32::try_from(number).ok())
        .filter(|&number| number <= MODE_MAX)
        .ok_or_else(|| format!("{text:?} is not an octal mode: expected digits 0 to 7, up to 7777"))
}

/// `0,2`; nothing at all means that no exit code is expected.
pub(super) fn exit_codes(text: &str) -> Result<Vec<i32>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let code = |part: &str| {
        python_integer(part, 10)
            .and_then(|number| i32::try_from(number).ok())
            .filter(|code| (0..=255).contains(code))
            .ok_or_else(|| {
                format!("{part:?} is not an exit code: expected numbers from 0 to 255, with commas")
            })
    };
    text.split(',').map(code).collect()
}

/// `true`, `false` or `unexpected`.
pub(super) fn autorestart(text: &str) -> Result<Autorestart, String> {
    match (text.to_lowercase().as_str(), boolean(text)) {
        ("unexpected", _) => Ok(Autorestart::Unexpected),
        (_, Ok(true)) => Ok(Autorestart::Always),
        (_, Ok(false)) => Ok(Autorestart::Never),
        _ => Err(format!("{text:?} is not known: expected true, false or unexpected")),
    }
}

/// `TERM`, `SIGTERM` or `15`.
pub(super) fn signal(text: &str) -> Result<Signal, String> {
    Signal::parse(text).filter(|signal| signal.number() != 0).ok_or_else(|| {
        format!("{text:?} is not a signal: expected a name such as TERM, or a number")
    })
}

/// The level's name, whatever the case.
///
/// # Errors
/// In words: there is no such level.
pub fn log_level(text: &str) -> Result<LogLevel, String> {
    Ok(match text.to_lowercase().as_str() {
        "critical" => LogLevel::Critical,
        "error" => LogLevel::Error,
        "warn" => LogLevel::Warn,
        "info" => LogLevel::Info,
        "debug" => LogLevel::Debug,
        "trace" => LogLevel::Trace,
        "blather" => LogLevel::Blather,
        _ => {
            return Err(format!(
                "{text:?} is not a level: expected critical, error, warn, info, debug, trace or \
                 blather"
            ));
        }
    })
}

/// `a, b`; nothing at all is an empty list.
pub(super) fn list(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split(',').map(str::trim).collect() }
}

/// `9001`, `*:9001`, `host:9001`, `[::1]:9001`: the host, empty for every address, and the port.
pub(super) fn inet_address(text: &str) -> Result<(String, u16), String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let port = python_integer(port, 10)
        .and_then(|port| u16::try_from(port).ok())
        .filter(|&port| port > 0)
        .ok_or_else(|| format!("{text:?} has no port: expected host:port, port from 1 to 65535"))?;
    let host = host.trim().to_lowercase();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    Ok((if bare == "*" { String::new() } else { bare.to_owned() }, port))
}

/// The name of a process or group, without what would break namespecs, events and URLs.
pub(super) fn name(text: &str) -> Result<&str, String> {
    let text = text.trim();
    match text.chars().find(|c| " :/".contains(*c)) {
        Some(c) => Err(format!("{text:?} is not a name: expected one without {c:?}")),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: PartialEq + std::fmt::Debug>(
        read: impl Fn(&str) -> Result<T, String>,
        good: &[(&str, T)],
        bad: &[&str],
    ) {
        for (text, expected) in good {
            assert_eq!(read(text).as_ref(), Ok(expected), "{text:?}");
        }
        for text in bad {
            let message = read(text).unwrap_err();
            assert!(message.contains("expected"), "{text:?}: {message}");
        }
    }

    #[test]
    fn numbers() {
        let good = [("0", 0), ("-1", -1), (" 10 ", 10), ("+5", 5), ("1_000", 1000), ("007", 7)];
        check(integer, &good, &["", "-", "1.5", "1s", "0x10", "_1", "1__0", "1_"]);
        check(integer, &[("99999999999999999999", i64::MAX)], &[]);
        let good = [("022", 0o22), ("22", 0o22), ("0o22", 0o22), ("7777", 0o7777), ("0", 0)];
        check(octal, &good, &["", "8", "rw", "-1", "10000", "0x1"]);
        let good = [
            ("0", 0),
            ("1024", 1024),
            ("1KB", 1024),
            ("50 mb", 50 << 20),
            ("2Gb", 2 << 30),
            ("-1", 0),
            ("99999999999GB", u64::MAX),
        ];
        check(byte_size, &good, &["", "MB", "1.5MB", "50M", "1TB"]);
        let good = [("0", vec![0]), ("0, 2,255", vec![0, 2, 255]), ("", vec![])];
        check(exit_codes, &good, &["256", "-1", "0,", "a"]);
    }

    #[test]
    fn words() {
        let good = [("true", true), ("YES", true), ("1", true), ("Off", false), ("0", false)];
        check(boolean, &good, &["", "2", "t", "true ", "unexpected"]);
        let good = [
            ("unexpected", Autorestart::Unexpected),
            ("TRUE", Autorestart::Always),
            ("no", Autorestart::Never),
        ];
        check(autorestart, &good, &["", "always"]);
        check(log_level, &[("WARN", LogLevel::Warn)], &["", "warning", "notice"]);
        check(signal, &[("quit", Signal::parse("QUIT").unwrap())], &["", "NOPE", "0"]);
    }

    #[test]
    fn addresses() {
        let address = |host: &str, port| (host.to_owned(), port);
        let good = [
            ("9001", address("", 9001)),
            ("*:9001", address("", 9001)),
            (":9001", address("", 9001)),
            ("LocalHost:80", address("localhost", 80)),
            ("[::1]:80", address("::1", 80)),
        ];
        check(inet_address, &good, &["", "localhost", "x:", "x:0", "x:65536", "x:http"]);
    }

    #[test]
    fn names_are_guarded() {
        assert_eq!(name(" web_1 "), Ok("web_1"));
        for text in ["a b", "a:b", "a/b"] {
            assert!(name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_user_is_known_by_its_ids() {
        let user = |uid, groups: &[u32]| User {
            name: Some("x".into()),
            uid,
            gid: 1,
            groups: groups.to_vec(),
            home: None,
        };
        assert_eq!(user(1, &[1]), user(1, &[1, 2]));
        assert_ne!(user(1, &[1]), user(2, &[1]));
    }
}
