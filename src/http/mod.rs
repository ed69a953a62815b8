//! The HTTP server: unix and TCP listeners alike, one site behind both.
//!
//! Invariants: every route stands behind its listener's [`auth::Gate`]; no client can make the
//! daemon use more than [`limits`] say, or wait for it.

use std::io;
use std::net::TcpListener as StdTcpListener;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::sync::Arc;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::config::setting::LogLevel;
use crate::config::{self, Config, InetServer, UnixServer};

pub mod accept;
pub mod auth;
pub mod body;
pub mod events;
pub mod health;
pub mod limits;
pub mod listen;
mod memory;
pub mod meters;
pub mod metrics;
pub mod nodes;
pub mod openapi;
pub mod passed;
pub mod path;
pub mod peer;
pub mod refusal;
mod renewal;
pub mod request;
pub mod rest;
pub mod router;
pub mod routes;
pub mod rpc;
pub mod secure;
pub mod serve;
pub mod thread;
pub mod web;

use accept::{Report, UnixSocket};
use auth::Gate;
use limits::Limits;
use listen::{BoundUnix, bind_inet, bind_unix};
use nodes::Nodes;
use passed::{Address, Passed};
use renewal::Renewal;
use router::{Router, Site};
use secure::Secure;

/// Listeners that are bound but not yet served: this works before the runtime, and before the
/// daemon leaves its terminal, where a person can still see why it does not.
#[derive(Default)]
pub struct Bound {
    inet: Option<(InetServer, Vec<StdTcpListener>)>,
    unix: Option<UnixListeners>,
    nodes: config::Nodes,
}

struct UnixListeners {
    settings: UnixServer,
    /// Bound here, as configured.
    own: Option<BoundUnix>,
    /// Passed by a service manager: never removed nor bound again.
    passed: Vec<StdUnixListener>,
    /// What people should know of it.
    remark: Option<(LogLevel, String)>,
}

/// The servers at work.
pub struct Servers {
    tasks: JoinSet<()>,
    closing: watch::Sender<()>,
    /// What asks other nodes, while somebody looks; it ends with this.
    watching: JoinSet<()>,
}

impl Bound {
    /// Takes the sockets that were `passed`, and binds what the configuration asks for beyond
    /// them: first TCP, then unix.
    ///
    /// # Errors
    /// The first listener that cannot be had, and why; or every passed socket that is not one of
    /// the configuration's.
    pub fn bind(config: &Config, passed: &[Passed]) -> io::Result<Self> {
        let disagree =
            |errors: Vec<String>| io::Error::new(io::ErrorKind::InvalidInput, errors.join("; "));
        let assigned = passed::assign(passed, config).map_err(disagree)?;
        let mut bound = Self { nodes: config.nodes.clone(), ..Self::default() };
        if let Some(settings) = &config.inet {
            let listeners = if assigned.inet.is_empty() {
                vec![bind_inet(settings)?]
            } else {
                assigned
                    .inet
                    .iter()
                    .map(|socket| socket.inet_listener())
                    .collect::<Result<_, _>>()?
            };
            bound.inet = Some((settings.clone(), listeners));
        }
        bound.unix = UnixListeners::bind(config.unix.as_ref(), &assigned.unix)?;
        Ok(bound)
    }

    /// Begins to serve. To be called within the runtime.
    ///
    /// # Errors
    /// The runtime cannot watch a descriptor.
    pub fn serve(self, api: &Arc<Api>) -> io::Result<Servers> {
        let (closing, closed) = watch::channel(());
        let mut tasks = JoinSet::new();
        let host = nix::unistd::gethostname().unwrap_or_default();
        let nodes = Arc::new(Nodes::new(&self.nodes, &host.to_string_lossy()));
        let limits = Limits::for_descriptors(descriptors());
        let site = Arc::new(Site::new(api.clone(), nodes, limits));
        let watching = site.watch_nodes();
        let log = api.clone();
        let report: Report = Arc::new(move |level, line| log.log_line(level, line));
        let mut renewal = Renewal::new(api.clone());
        if let Some((settings, listeners)) = self.inet {
            announce(&report, "inet_http_server", settings.asks_who());
            let own_name = host.to_string_lossy();
            let short = own_name.split('.').next().unwrap_or_default();
            let names = [settings.host.as_str(), &own_name, short];
            let tls = settings.tls.is_some();
            let gate = Gate::inet(&settings.access, &names, tls, report.clone());
            let secure = renewal.inet(gate.clone(), &settings, are_loopback(&listeners))?;
            let router = Arc::new(Router::new(site.clone(), gate));
            for listener in listeners {
                let listener = TcpListener::from_std(listener)?;
                let (router, report) = (router.clone(), report.clone());
                match secure.clone() {
                    Some(server) => {
                        let listener = Secure::new(listener, server, report.clone());
                        tasks.spawn(serve::serve(listener, router, limits, report, closed.clone()));
                    }
                    None => {
                        tasks.spawn(serve::serve(listener, router, limits, report, closed.clone()));
                    }
                }
            }
        }
        if let Some(UnixListeners { settings, own, passed, remark }) = self.unix {
            if let Some((level, remark)) = remark {
                report(level, &remark);
            }
            let asks = settings.access.asks_for_password() || settings.access.peers.is_some();
            announce(&report, "unix_http_server", asks);
            let gate = Gate::unix(&settings.access, report.clone());
            renewal.unix(gate.clone(), settings.access.clone());
            let router = Arc::new(Router::new(site, gate));
            for listener in passed {
                let listener = UnixListener::from_std(listener)?;
                let (router, report) = (router.clone(), report.clone());
                tasks.spawn(serve::serve(listener, router, limits, report, closed.clone()));
            }
            if let Some(bound) = own {
                let listener = UnixSocket::new(bound, settings, report.clone())?;
                tasks.spawn(serve::serve(listener, router, limits, report, closed.clone()));
            }
        }
        tasks.spawn(renewal.attend(closed));
        Ok(Servers { tasks, closing, watching })
    }
}

impl UnixListeners {
    /// The sockets that were passed, and beside them one where the configuration wants it, unless
    /// one of them is there: clients look where the configuration says.
    fn bind(settings: Option<&UnixServer>, sockets: &[&Passed]) -> io::Result<Option<Self>> {
        let passed =
            sockets.iter().map(|socket| socket.unix_listener()).collect::<Result<Vec<_>, _>>()?;
        let all = |list: &[&Passed]| {
            list.iter().map(|socket| socket.address().to_string()).collect::<Vec<_>>().join(", ")
        };
        let Some(settings) = settings else {
            let remark = format!(
                "the configuration has no [unix_http_server]: only root may use the socket that the \
                 service manager passed, {}",
                all(sockets)
            );
            let settings = passed::roots();
            let (own, remark) = (None, Some((LogLevel::Warn, remark)));
            return Ok((!passed.is_empty()).then_some(Self { settings, own, passed, remark }));
        };
        let (mut own, mut remark) = (None, None);
        if !sockets.iter().any(|socket| socket.is_at(&settings.file)) {
            let passed_at = all(sockets);
            match bind_unix(settings) {
                Err(why) if passed.is_empty() => return Err(why),
                Err(why) => {
                    let line = format!("{why}; the socket that was passed is at {passed_at}");
                    remark = Some((LogLevel::Warn, line));
                }
                Ok(bound) => {
                    own = Some(bound);
                    let at = settings.file.display();
                    let line = format!("listening on {at} and on what was passed, {passed_at}");
                    remark = (!passed.is_empty()).then_some((LogLevel::Info, line));
                }
            }
        }
        Ok(Some(Self { settings: settings.clone(), own, passed, remark }))
    }
}

/// Where programs find the daemon: as configured, but through a unix socket that it was passed if
/// the configuration has a server for that.
#[must_use]
pub fn server_url(config: &Config, passed: &[Passed]) -> Option<String> {
    let assigned = passed::assign(passed, config).unwrap_or_default();
    let unix = assigned.unix.iter().find_map(|socket| match socket.address() {
        Address::Unix(Some(path)) => Some(format!("unix://{}", path.display())),
        Address::Unix(None) | Address::Inet(_) => None,
    });
    let configured = config.server_url();
    if config.unix.is_some() { unix.or(configured) } else { configured.or(unix) }
}

impl Servers {
    /// Takes no more connections, removes the unix socket, and lets requests under way end, for
    /// at most [`Limits::close_time`].
    pub async fn close(mut self) {
        self.watching.abort_all();
        let _ = self.closing.send(());
        while self.tasks.join_next().await.is_some() {}
    }
}

/// How many descriptors this process may have.
fn descriptors() -> usize {
    use nix::sys::resource::{Resource, getrlimit};
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Whether only this host reaches them.
fn are_loopback(listeners: &[StdTcpListener]) -> bool {
    let is =
        |listener: &StdTcpListener| listener.local_addr().is_ok_and(|at| at.ip().is_loopback());
    listeners.iter().all(is)
}

/// The reference's lines for a server that begins.
fn announce(report: &Report, section: &str, asks_who: bool) {
    report(LogLevel::Info, "RPC interface 'supervisor' initialized");
    if !asks_who {
        report(LogLevel::Critical, &unasked(section));
    }
}

fn unasked(section: &str) -> String {
    format!("Server '{section}' running without any HTTP authentication checking")
}

#[cfg(test)]
mod tests;
