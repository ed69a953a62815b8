//! From the text of `supervisord.conf` to typed settings; files and host only through traits.
//!
//! A reading goes text -> sections ([`ini`]) -> typed values ([`section`], [`setting`],
//! [`expand`]) -> settings ([`daemon`], [`server`], [`access`], [`program`], [`kind`], [`output`],
//! [`target`], [`limits`], [`group`]). What is wrong is noted
//! with its place and reading goes on, so that one run tells everything ([`problem`]). What a file
//! that was written for another supervisor means here is told by [`migrate`].
//!
//! **Invariant:** the same text, files and host give the same settings; nothing is started,
//! created or changed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub mod access;
pub mod ctl;
pub mod daemon;
pub mod dbus;
pub mod diff;
mod environment;
mod expand;
mod glob;
mod group;
mod ini;
pub mod kind;
pub mod limits;
mod load;
pub mod migrate;
pub mod node;
mod output;
pub mod problem;
pub mod program;
pub mod reference;
pub mod report;
mod section;
pub mod server;
pub mod setting;
mod target;
pub mod tls;

pub use access::{Access, Account, AllowedPeer, Credentials, Peers};
pub use ctl::CtlSettings;
pub use daemon::DaemonSettings;
pub use dbus::DbusSettings;
pub use diff::{Changes, changes};
pub use kind::{FcgiAddress, FcgiSocket, GroupKind, PoolSettings, ProcessKind};
pub use limits::Limits;
pub use load::{load, load_ctl, search_paths};
pub use node::{Nodes, Remote, RemoteAddress};
pub use problem::{ConfigError, Severity};
pub use program::{GroupSettings, ProcessSettings};
pub use report::render_report;
pub use server::{InetServer, UNIX_FD_NAME, UnixServer};
pub use tls::TlsSettings;

/// A configuration to begin with: every section and key, commented.
pub const SAMPLE: &str = include_str!("sample.conf");

/// A whole configuration, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// `[supervisord]`.
    pub daemon: DaemonSettings,
    /// `[unix_http_server]`.
    pub unix: Option<UnixServer>,
    /// `[inet_http_server]`.
    pub inet: Option<InetServer>,
    /// This node and the others.
    pub nodes: Nodes,
    /// `[dbus]`.
    pub dbus: DbusSettings,
    /// Every group, by priority, then name.
    pub groups: Vec<Arc<GroupSettings>>,
}

impl Config {
    /// Where programs find the daemon, unless they set a `serverurl`: the unix listener if there
    /// is one, else the inet one, else nowhere.
    #[must_use]
    pub fn server_url(&self) -> Option<String> {
        if let Some(unix) = &self.unix {
            return Some(format!("unix://{}", unix.file.display()));
        }
        let inet = self.inet.as_ref()?;
        let host = match inet.host.as_str() {
            "" => "localhost".to_owned(),
            host if host.contains(':') => format!("[{host}]"),
            host => host.to_owned(),
        };
        let scheme = if inet.tls.is_some() { "https" } else { "http" };
        Some(format!("{scheme}://{host}:{}", inet.port))
    }
}

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What is odd about it, though it can be used.
    pub warnings: Vec<ConfigError>,
    /// The included files, in the order they were read.
    pub included: Vec<PathBuf>,
}

/// The only door to files.
pub trait Files {
    /// The whole file.
    ///
    /// # Errors
    /// As the system says; also if the file is beyond all reason large.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The names of what is in a directory, in any order.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;
    /// Whether something is there.
    fn exists(&self, path: &Path) -> bool;
    /// Whether it is a directory, or a link to one.
    fn is_dir(&self, path: &Path) -> bool;
    /// The permission bits of a file, or of what a link leads to; `None` if they are not known.
    fn mode(&self, path: &Path) -> Option<u32>;
}

/// The only door to the rest of the host.
pub trait Host {
    /// The daemon's environment.
    fn env(&self) -> Vec<(String, String)>;
    /// A user by name or id.
    ///
    /// # Errors
    /// In words: there is none, or the user database cannot be asked.
    fn user(&self, name: &str) -> Result<setting::User, String>;
    /// The id of a group by name or id.
    ///
    /// # Errors
    /// In words: there is none, or the group database cannot be asked.
    fn group(&self, name: &str) -> Result<u32, String>;
    /// An address of a host, in numbers; IPv4 if it has one, and any for no name.
    ///
    /// # Errors
    /// In words: there is no such host, or the name service cannot be asked.
    fn address(&self, host: &str) -> Result<String, String>;
    /// What the host is called (uname(2), node name).
    fn hostname(&self) -> String;
    /// The directory that relative paths start from.
    fn cwd(&self) -> PathBuf;
    /// Where temporary files go.
    fn tmpdir(&self) -> PathBuf;
    /// Who the daemon is now.
    fn uid(&self) -> u32;
    /// Whether a certificate, its key and the like can be used.
    ///
    /// # Errors
    /// Which one cannot, and in words, why.
    fn check_tls(&self, settings: &TlsSettings) -> Result<(), (tls::TlsPart, String)>;
}

#[cfg(test)]
mod tests;
