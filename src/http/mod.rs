//! The HTTP server: unix and TCP listeners alike, one site behind both.
//!
//! Invariants: every route stands behind its listener's [`auth::Gate`]; no client can make the
//! daemon use more than [`limits`] say, or wait for it.

use std::io;
use std::net::TcpListener as StdTcpListener;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::config::setting::LogLevel;
use crate::config::{Config, InetServer, UnixServer};

pub mod accept;
pub mod auth;
pub mod body;
pub mod limits;
pub mod listen;
pub mod path;
pub mod router;
pub mod rpc;
pub mod serve;

use accept::{Report, UnixSocket};
use auth::Gate;
use limits::Limits;
use listen::{BoundUnix, bind_inet, bind_unix};
use router::{Router, Site};

/// Listeners that are bound but not yet served: this works before the runtime, and before the
/// daemon leaves its terminal, where a person can still see why it does not.
#[derive(Default)]
pub struct Bound {
    inet: Option<(InetServer, StdTcpListener)>,
    unix: Option<(UnixServer, BoundUnix)>,
}

/// The servers at work.
pub struct Servers {
    tasks: JoinSet<()>,
    closing: watch::Sender<()>,
}

impl Bound {
    /// Binds what the configuration asks for: first TCP, then unix.
    ///
    /// # Errors
    /// The first listener that cannot be bound, and why.
    pub fn bind(config: &Config) -> io::Result<Self> {
        let mut bound = Self::default();
        if let Some(settings) = &config.inet {
            bound.inet = Some((settings.clone(), bind_inet(settings)?));
        }
        if let Some(settings) = &config.unix {
            bound.unix = Some((settings.clone(), bind_unix(settings)?));
        }
        Ok(bound)
    }

    /// Begins to serve. To be called within the runtime.
    ///
    /// # Errors
    /// The runtime cannot watch a descriptor.
    pub fn serve(self, api: &Arc<Api>) -> io::Result<Servers> {
        let (closing, closed) = watch::channel(());
        let mut servers = Servers { tasks: JoinSet::new(), closing };
        let site = Arc::new(Site::new(api.clone()));
        let log = api.clone();
        let report: Report = Arc::new(move |level, line| log.log_line(level, line));
        let limits = Limits::default();
        if let Some((settings, listener)) = self.inet {
            announce(&report, "inet_http_server", settings.credentials.is_some());
            let own_name = nix::unistd::gethostname().unwrap_or_default();
            let own_name = own_name.to_string_lossy();
            let short = own_name.split('.').next().unwrap_or_default();
            let names = [settings.host.as_str(), &own_name, short];
            let gate = Gate::inet(settings.credentials.as_ref(), &names);
            let router = Arc::new(Router::new(site.clone(), gate));
            let listener = TcpListener::from_std(listener)?;
            let closed = closed.clone();
            servers.tasks.spawn(serve::serve(listener, router, limits, report.clone(), closed));
        }
        if let Some((settings, bound)) = self.unix {
            announce(&report, "unix_http_server", settings.credentials.is_some());
            let gate = Gate::unix(settings.credentials.as_ref());
            let router = Arc::new(Router::new(site, gate));
            let listener = UnixSocket::new(bound, settings, report.clone())?;
            servers.tasks.spawn(serve::serve(listener, router, limits, report, closed));
        }
        Ok(servers)
    }
}

impl Servers {
    /// Takes no more connections, removes the unix socket, and lets requests under way end, for
    /// at most [`Limits::close_time`].
    pub async fn close(mut self) {
        let _ = self.closing.send(());
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The reference's lines for a server that begins.
fn announce(report: &Report, section: &str, has_password: bool) {
    report(LogLevel::Info, "RPC interface 'supervisor' initialized");
    if !has_password {
        let line = format!("Server '{section}' running without any HTTP authentication checking");
        report(LogLevel::Critical, &line);
    }
}

#[cfg(test)]
mod tests;
