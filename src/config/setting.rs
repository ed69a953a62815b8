//! The types a value can have.

use std::path::PathBuf;

use crate::model::Signal;

/// Where a stream of a program goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// A file of the daemon's own naming in `childlogdir`.
    Auto,
    /// Nowhere.
    None,
    /// This file. `/dev/stdout`, `/dev/stderr` and `/dev/null` are among them.
    File(PathBuf),
    /// The system log.
    Syslog,
}

/// One stream's capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Where it goes.
    pub target: LogTarget,
    /// Rotate when the file has reached this many bytes; 0 means never.
    pub max_bytes: u64,
    /// How many rotated files to keep; 0 truncates.
    pub backups: u32,
    /// How many bytes between communication markers to keep; 0 means no capture.
    pub capture_max_bytes: u64,
    /// Whether output is announced as `PROCESS_LOG` events.
    pub events_enabled: bool,
    /// Whether a copy goes to the system log.
    pub syslog: bool,
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

/// A user and what initgroups(3) would give it, looked up once, when the file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
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
