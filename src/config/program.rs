//! `[program:x]`, `[group:x]` and their kin.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::setting::{Autorestart, LogSettings, StopSignal, User};
use crate::model::{GroupName, ProcessName};

/// What a group was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// `[program:x]` on its own: a group of the program's name.
    Program,
    /// `[group:x]`.
    Group,
}

/// A group of processes that are started and stopped together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// Its name.
    pub name: GroupName,
    /// What it was made from.
    pub kind: GroupKind,
    /// Lower starts first and stops last.
    pub priority: i32,
    /// Its processes: every program's, `numprocs` of each, in the file's order.
    pub processes: Vec<Arc<ProcessSettings>>,
}

/// One process: a program's settings with every expansion made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// Its name within the group.
    pub name: ProcessName,
    /// The program section it is from, without `program:`.
    pub program: Arc<str>,
    /// The command line, not yet split into words.
    pub command: String,
    /// Lower starts first and stops last, within the group.
    pub priority: i32,
    /// Start it with the daemon.
    pub autostart: bool,
    /// Start it again when it ends.
    pub autorestart: Autorestart,
    /// How long it must stay up to be RUNNING; zero means at once.
    pub startsecs: Duration,
    /// Failed starts in a row, after the first, before it is FATAL.
    pub startretries: u32,
    /// The signal that asks it to end.
    pub stopsignal: StopSignal,
    /// How long it may take before SIGKILL.
    pub stopwaitsecs: Duration,
    /// Send the stop signal to its process group.
    pub stopasgroup: bool,
    /// Send SIGKILL to its process group.
    pub killasgroup: bool,
    /// Exit codes that are expected.
    pub exitcodes: Vec<i32>,
    /// The user it runs as; `None` for the daemon's.
    pub user: Option<User>,
    /// Its working directory; `None` for the daemon's.
    pub directory: Option<PathBuf>,
    /// Its file mode mask; `None` for the daemon's.
    pub umask: Option<u32>,
    /// Send its stderr where its stdout goes.
    pub redirect_stderr: bool,
    /// Its stdout.
    pub stdout: LogSettings,
    /// Its stderr; not used if redirected.
    pub stderr: LogSettings,
    /// Set over the daemon's environment, `[supervisord]`'s and its own together.
    pub environment: Vec<(String, String)>,
    /// `SUPERVISOR_SERVER_URL`; `None` to be derived from the listeners.
    pub serverurl: Option<String>,
}
