//! This node's name, and the other daemons that it shows and passes calls on to: `nodename` and
//! `remotes` of `[inet_http_server]`, and `[remote:NAME]`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::access::{self, Credentials};
use super::ini::{Ini, RawSection};
use super::problem::Severity;
use super::section::{Section, World};
use super::setting;

/// How long another daemon has to answer, in seconds.
const TIMEOUT_SECONDS: i64 = 5;
/// Other daemons; more are an error.
const REMOTES_MAX: usize = 256;

/// This node and the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// What this node is called; empty for the host's name.
    pub name: String,
    /// The others, in the order in which they are named.
    pub remotes: Vec<Remote>,
}

/// Another daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// What it is called here.
    pub name: String,
    /// Where it is.
    pub address: RemoteAddress,
    /// Who asks there.
    pub credentials: Option<Credentials>,
    /// How long it has to begin to answer.
    pub timeout: Duration,
    /// The certificate authorities that are believed (PEM); `None` for the system's.
    pub tls_ca: Option<PathBuf>,
}

/// Where another daemon is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteAddress {
    /// A unix socket.
    Unix(PathBuf),
    /// A host's name or address and a port, over TLS or not.
    Inet {
        /// The host, without brackets.
        host: String,
        /// The port.
        port: u16,
        /// Over TLS.
        tls: bool,
    },
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Inet { host, port, tls } => {
                let scheme = if *tls { "https" } else { "http" };
                let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
                write!(f, "{scheme}://{open}{host}{close}:{port}")
            }
        }
    }
}

/// Reads what the file says of nodes.
pub(super) fn read(world: &World<'_>, ini: &Ini) -> Nodes {
    let mut nodes = Nodes::default();
    let server = ini.sections().find(|raw| raw.name.split(':').next() == Some("inet_http_server"));
    if let Some(raw) = server {
        let mut section = Section::new(world, ini, raw);
        nodes.name = section.take("nodename", node_name).unwrap_or_default();
        nodes.remotes = section.take("remotes", listed).unwrap_or_default();
    }
    for (name, raw) in ini.of_kind("remote") {
        let listed = nodes.remotes.iter().position(|remote| remote.name == name);
        let address = listed.map(|at| nodes.remotes[at].address.clone());
        let Some(remote) = remote(world, ini, raw, name, address) else {
            continue;
        };
        match listed {
            Some(at) => nodes.remotes[at] = remote,
            None => nodes.remotes.push(remote),
        }
    }
    if let Some(raw) = server.filter(|_| nodes.remotes.len() > REMOTES_MAX) {
        let message =
            format!("names {} nodes: expected at most {REMOTES_MAX}", nodes.remotes.len());
        Section::new(world, ini, raw).error("remotes", message);
    }
    nodes
}

/// `[remote:NAME]`: a node that `remotes` names, or one of its own with `url`.
fn remote(
    world: &World<'_>,
    ini: &Ini,
    raw: &RawSection,
    name: &str,
    listed: Option<RemoteAddress>,
) -> Option<Remote> {
    let mut section = Section::new(world, ini, raw);
    let name = node_name(name).map_err(|why| section.note(Severity::Error, None, why)).ok();
    let url = section.take("url", |text| address_of(text, world));
    let credentials = access::credentials(&mut section);
    let seconds = section.integer("timeout", TIMEOUT_SECONDS, 1..=3600).unsigned_abs();
    let tls_ca =
        section.take("tls_ca", |text| world.file_path(text)).map(|path| world.absolute(&path));
    if listed.is_none() && section.raw_text("url").is_none() {
        let message = "has no url, and remotes does not name it: expected url=http://HOST:PORT";
        section.note(Severity::Error, None, message.to_owned());
    }
    section.finish();
    let timeout = Duration::from_secs(seconds);
    Some(Remote { name: name?, address: url.or(listed)?, credentials, timeout, tls_ca })
}

/// `name:host:port, ...`
fn listed(text: &str) -> Result<Vec<Remote>, String> {
    let mut remotes: Vec<Remote> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let parts = item.split_once(':').and_then(|(name, rest)| {
            let (host, port) = rest.rsplit_once(':')?;
            Some((name.trim(), host.trim(), port.trim().parse::<u16>().ok()?))
        });
        let Some((name, host, port)) = parts.filter(|(_, host, _)| !host.is_empty()) else {
            return Err(format!("{item:?} is no node: expected NAME:HOST:PORT"));
        };
        let name = node_name(name)?;
        if remotes.iter().any(|remote| remote.name == name) {
            return Err(format!("{name} is named twice"));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        remotes.push(Remote {
            name,
            address: RemoteAddress::Inet { host, port, tls: false },
            credentials: None,
            timeout: Duration::from_secs(TIMEOUT_SECONDS.unsigned_abs()),
            tls_ca: None,
        });
    }
    Ok(remotes)
}

/// `http://host:port`, `https://host:port` or `unix:///path`.
fn address_of(text: &str, world: &World<'_>) -> Result<RemoteAddress, String> {
    let wrong = || format!("{text:?}: expected http://HOST:PORT, https://HOST:PORT or unix://PATH");
    if let Some(path) = text.strip_prefix("unix://") {
        return Ok(RemoteAddress::Unix(world.absolute(Path::new(path))));
    }
    let (tls, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return Err(wrong()),
    };
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() || host.contains('/') || host.contains('@') {
        return Err(wrong());
    }
    Ok(RemoteAddress::Inet { host, port, tls })
}

/// A node's name stands in paths and on the page.
fn node_name(text: &str) -> Result<String, String> {
    let name = setting::name(text)?;
    if name.contains(['/', '?', '#', '%', ',']) {
        return Err(format!("{text:?} is no node's name: expected none of / ? # % ,"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_listed_as_name_host_and_port() {
        let nodes = listed("a:box:9001, b:[::1]:9002,").unwrap();
        let shown: Vec<_> =
            nodes.iter().map(|n| (n.name.as_str(), n.address.to_string())).collect();
        assert_eq!(shown, [("a", "http://box:9001".into()), ("b", "http://[::1]:9002".into())]);
        for wrong in ["a", "a:b", "a:b:c", "a::1", "a:x:1,a:y:2", "a/b:x:1"] {
            assert!(listed(wrong).is_err(), "{wrong}");
        }
    }
}
