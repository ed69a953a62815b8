//! What a child finds in its environment.

use std::collections::BTreeMap;
use std::ffi::{CString, NulError, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::command::PATH_DEFAULT;
use crate::config::ProcessSettings;
use crate::model::ProcessId;

/// Meant for the daemon alone (sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3),
/// systemd.exec(5)): programs would take them for their own.
const DAEMON_ONLY: [&str; 9] = [
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "SYSTEMD_EXEC_PID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
];

/// What every child has in common: the daemon's own environment and the way back to it.
#[derive(Clone, Debug)]
pub struct BaseEnvironment {
    variables: BTreeMap<OsString, OsString>,
    server_url: Option<String>,
}

impl BaseEnvironment {
    /// The daemon's environment without what is meant for it alone. `server_url` is where a
    /// program reaches the daemon, unless its own settings say otherwise; `None` without
    /// listeners.
    pub fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        server_url: Option<String>,
    ) -> Self {
        let mut variables: BTreeMap<_, _> = variables.into_iter().collect();
        for name in DAEMON_ONLY {
            variables.remove(OsStr::new(name));
        }
        variables.insert("SUPERVISOR_ENABLED".into(), "1".into());
        Self { variables, server_url }
    }

    /// The `PATH` that finds the command: the program's, the daemon's unless empty, the default.
    #[must_use]
    pub fn path<'a>(&'a self, settings: &'a ProcessSettings) -> &'a str {
        let own = settings.environment.iter().rev().find(|(name, _)| name == "PATH");
        let daemons = || self.variables.get(OsStr::new("PATH")).and_then(|path| path.to_str());
        match own {
            Some((_, path)) => path,
            None => daemons().filter(|path| !path.is_empty()).unwrap_or(PATH_DEFAULT),
        }
    }

    /// The environment of one process, as execve(2) takes it, with a notify socket of its own if
    /// it has one. The program's own settings win over everything.
    ///
    /// # Errors
    /// A name or value holds a NUL byte.
    pub fn block(
        &self,
        process: &ProcessId,
        settings: &ProcessSettings,
        notify_socket: Option<&Path>,
    ) -> Result<Vec<CString>, NulError> {
        let report_every = settings.watchdogsecs.as_micros().to_string();
        let mut block: BTreeMap<&OsStr, &OsStr> =
            self.variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        let server_url = settings.serverurl.as_ref().or(self.server_url.as_ref());
        if let Some(url) = server_url.filter(|url| !url.is_empty()) {
            block.insert(OsStr::new("SUPERVISOR_SERVER_URL"), OsStr::new(url));
        }
        block.insert(OsStr::new("SUPERVISOR_PROCESS_NAME"), OsStr::new(process.name.as_str()));
        block.insert(OsStr::new("SUPERVISOR_GROUP_NAME"), OsStr::new(process.group.as_str()));
        if let Some(user) = &settings.user {
            // What the user database does not know is unset, rather than left the daemon's.
            let name = user.name.as_ref().map(OsStr::new);
            let home = user.home.as_ref().map(|home| home.as_os_str());
            for (variable, value) in [("HOME", home), ("USER", name), ("LOGNAME", name)] {
                match value {
                    Some(value) => block.insert(OsStr::new(variable), value),
                    None => block.remove(OsStr::new(variable)),
                };
            }
        }
        if let Some(path) = notify_socket {
            block.insert(OsStr::new("NOTIFY_SOCKET"), path.as_os_str());
            if !settings.watchdogsecs.is_zero() {
                // Without WATCHDOG_PID, which nobody can know yet, it is for whoever reads it.
                block.insert(OsStr::new("WATCHDOG_USEC"), OsStr::new(&report_every));
            }
        }
        for (name, value) in &*settings.environment {
            block.insert(OsStr::new(name), OsStr::new(value));
        }
        let entry = |(name, value): (&OsStr, &OsStr)| {
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())
        };
        block.into_iter().map(entry).collect()
    }
}
