//! From the text of `supervisord.conf` to typed settings; files only through a trait.

use std::path::PathBuf;
use std::sync::Arc;

pub mod daemon;
pub mod diff;
pub mod program;
pub mod setting;

pub use daemon::{Credentials, DaemonSettings, InetServer, UnixServer};
pub use diff::{Changes, changes};
pub use program::{GroupSettings, ProcessSettings};

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
    /// Every group, by priority, then in the file's order.
    pub groups: Vec<Arc<GroupSettings>>,
}
