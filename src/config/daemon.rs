//! `[supervisord]`, `[unix_http_server]`, `[inet_http_server]`.

use std::path::PathBuf;

use super::setting::{LogLevel, User};

/// `[supervisord]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonSettings {
    /// The activity log; `None` for `NONE`. May be `/dev/stdout` and the like.
    pub logfile: Option<PathBuf>,
    /// Rotate the activity log at this many bytes; 0 means never.
    pub logfile_max_bytes: u64,
    /// How many rotated activity logs to keep.
    pub logfile_backups: u32,
    /// The least level that is logged.
    pub loglevel: LogLevel,
    /// Where the daemon's process id is written.
    pub pidfile: PathBuf,
    /// The daemon's own file mode mask.
    pub umask: u32,
    /// Stay in the foreground.
    pub nodaemon: bool,
    /// Do not log to standard output in the foreground.
    pub silent: bool,
    /// Descriptors the daemon must be able to open.
    pub minfds: u64,
    /// Processes the daemon must be able to have.
    pub minprocs: u64,
    /// Keep the AUTO logs of earlier runs.
    pub nocleanup: bool,
    /// Where AUTO logs are.
    pub childlogdir: PathBuf,
    /// The user the daemon becomes.
    pub user: Option<User>,
    /// Where the daemon goes when it daemonizes.
    pub directory: Option<PathBuf>,
    /// What the daemon is called.
    pub identifier: String,
    /// Remove terminal escapes from captured output.
    pub strip_ansi: bool,
}

/// The credentials of a listener. `None` in a server's settings means that it asks for none.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// Plain, or `{SHA}` and a lowercase hex digest.
    pub password: String,
}

/// Never shows the password.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// `[unix_http_server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixServer {
    /// The socket's path.
    pub file: PathBuf,
    /// Its mode.
    pub mode: u32,
    /// Its owner; `None` leaves the daemon's.
    pub owner: Option<(u32, u32)>,
    /// Who may come in.
    pub credentials: Option<Credentials>,
}

/// `[inet_http_server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InetServer {
    /// The address to bind; empty means every address of this host.
    pub host: String,
    /// The port to bind.
    pub port: u16,
    /// Who may come in.
    pub credentials: Option<Credentials>,
    /// Serve without credentials on an address other than loopback.
    pub allow_unauthenticated: bool,
}
