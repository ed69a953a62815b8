//! Sockets that a service manager passed, and which server of the configuration each is for.
//!
//! A name decides: `unix`, `inet`, or what the server's `fd_name` says. A socket without a name of
//! its own (systemd gives it that of its unit) goes to the server whose address it has. A socket
//! that is nobody's is an error: somebody believes that it is served.
//!
//! Packages enable a unix socket for whatever configuration they find. One that has no
//! `[unix_http_server]` is served to root and the daemon's own user, who may do everything anyhow.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::sys::socket::{SockType, getsockopt, sockopt};

use super::listen::{file_id, is_open_to_others};
use crate::config::{Access, AllowedPeer, Config, InetServer, Peers, UNIX_FD_NAME, UnixServer};
use crate::model::Role;

/// A listening stream socket that was passed to this process.
#[derive(Debug)]
pub struct Passed {
    name: String,
    address: Address,
    fd: OwnedFd,
}

/// Where a passed socket listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A unix socket; `None` if no file leads to it.
    Unix(Option<PathBuf>),
    /// A TCP socket.
    Inet(SocketAddr),
}

/// The passed sockets of a configuration's servers.
#[derive(Debug, Default)]
pub struct Assigned<'a> {
    /// Those of `[unix_http_server]`.
    pub unix: Vec<&'a Passed>,
    /// Those of `[inet_http_server]`.
    pub inet: Vec<&'a Passed>,
}

impl Passed {
    /// Looks at a descriptor of this name.
    ///
    /// # Errors
    /// It is no listening stream socket of the unix or internet families.
    pub fn new(name: String, fd: OwnedFd) -> io::Result<Self> {
        let number = fd.as_raw_fd();
        let explain = |why: &dyn fmt::Display| {
            let text = format!(
                "descriptor {number} ({name}), passed by the service manager, is {why}: expected a \
                 listening socket, as ListenStream= with Accept=no makes it"
            );
            io::Error::new(io::ErrorKind::InvalidInput, text)
        };
        let kind = getsockopt(&fd, sockopt::SockType).map_err(|_| explain(&"no socket"))?;
        if kind != SockType::Stream {
            return Err(explain(&format_args!("a {kind:?} socket")));
        }
        if !getsockopt(&fd, sockopt::AcceptConn)? {
            return Err(explain(&"a connection"));
        }
        let address = if let Ok(address) = TcpListener::from(fd.try_clone()?).local_addr() {
            Address::Inet(address)
        } else if let Ok(address) = UnixListener::from(fd.try_clone()?).local_addr() {
            Address::Unix(address.as_pathname().map(Into::into))
        } else {
            return Err(explain(&"a socket of another family"));
        };
        Ok(Self { name, address, fd })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// A listener on it. It stays passed: the next life of the daemon finds it again.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn unix_listener(&self) -> io::Result<UnixListener> {
        let listener = UnixListener::from(self.fd.try_clone()?);
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// As [`Self::unix_listener`].
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn inet_listener(&self) -> io::Result<TcpListener> {
        let listener = TcpListener::from(self.fd.try_clone()?);
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Whether this file leads to it, whatever links are on the way.
    #[must_use]
    pub fn is_at(&self, file: &Path) -> bool {
        let Address::Unix(Some(own)) = &self.address else {
            return false;
        };
        own == file || file_id(file).is_ok_and(|there| file_id(own).is_ok_and(|here| here == there))
    }

    /// Whether its name says nothing of what it is for: none was set, and the service manager
    /// filled in its unit's (systemd.socket(5), `FileDescriptorName=`).
    fn is_unnamed(&self) -> bool {
        matches!(self.name.as_str(), "" | "unknown") || self.name.ends_with(".socket")
    }

    fn is_for_unix(&self, server: &UnixServer) -> bool {
        self.name == server.fd_name || self.is_unnamed() && self.is_at(&server.file)
    }

    /// Whether it is the unix socket of a configuration that says nothing of one.
    fn is_roots(&self, config: &Config) -> bool {
        config.unix.is_none() && (self.name == UNIX_FD_NAME || self.is_unnamed())
    }

    fn is_for_inet(&self, server: &InetServer) -> bool {
        let same_port = |found: &SocketAddr| {
            let host = found.ip();
            let anywhere = server.host.is_empty() && host.is_unspecified();
            let named = server.host.parse().map_or(
                server.host == "localhost" && host.is_loopback(),
                |configured: std::net::IpAddr| configured == host,
            );
            found.port() == server.port && (anywhere || named)
        };
        self.name == server.fd_name
            || self.is_unnamed()
                && matches!(&self.address, Address::Inet(found) if same_port(found))
    }

    fn kind(&self) -> &'static str {
        match self.address {
            Address::Unix(_) => "a unix socket",
            Address::Inet(_) => "a TCP socket",
        }
    }
}

impl AsFd for Passed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the socket '{}' at {}", self.name, self.address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(Some(path)) => write!(f, "{}", path.display()),
            Self::Unix(None) => f.write_str("an abstract or unnamed address"),
            Self::Inet(address) => write!(f, "{address}"),
        }
    }
}

/// Which server each passed socket is for.
///
/// # Errors
/// Every disagreement between the sockets and the configuration.
pub fn assign<'a>(passed: &'a [Passed], config: &Config) -> Result<Assigned<'a>, Vec<String>> {
    let (mut assigned, mut errors) = (Assigned::default(), Vec::new());
    for socket in passed {
        let unix = config.unix.as_ref().filter(|server| socket.is_for_unix(server));
        let inet = config.inet.as_ref().filter(|server| socket.is_for_inet(server));
        match (unix, inet, &socket.address) {
            (Some(_), None, Address::Unix(_)) => assigned.unix.push(socket),
            (None, Some(server), Address::Inet(address)) => {
                if is_open_to_others(server) && !address.ip().is_loopback() {
                    errors.push(format!(
                        "{socket} can be reached by others, and no password is \
                         set: set username and password in [inet_http_server], or \
                         allow_unauthenticated=true"
                    ));
                }
                assigned.inet.push(socket);
            }
            (Some(server), None, Address::Inet(_)) => {
                errors.push(wrong_kind(socket, "unix_http_server", &server.fd_name));
            }
            (None, Some(server), Address::Unix(_)) => {
                errors.push(wrong_kind(socket, "inet_http_server", &server.fd_name));
            }
            (Some(_), Some(_), _) => errors
                .push(format!("{socket} is claimed by both servers: their fd_name must differ")),
            (None, None, Address::Unix(_)) if socket.is_roots(config) => assigned.unix.push(socket),
            (None, None, _) => errors.push(nobodys(socket, config)),
        }
    }
    if errors.is_empty() { Ok(assigned) } else { Err(errors) }
}

/// The server of a passed unix socket where there is no `[unix_http_server]`.
#[must_use]
pub fn roots() -> UnixServer {
    let own = nix::unistd::geteuid().as_raw();
    let peer = |id, name: &str| AllowedPeer { id, name: name.into(), role: Role::Admin };
    let mut users = vec![peer(0, "root")];
    if own != 0 {
        users.push(peer(own, "the daemon's user"));
    }
    UnixServer {
        file: PathBuf::new(),
        mode: 0o700,
        owner: None,
        access: Access { peers: Some(Peers { users, groups: Vec::new() }), ..Access::default() },
        fd_name: UNIX_FD_NAME.to_owned(),
    }
}

fn wrong_kind(socket: &Passed, section: &str, name: &str) -> String {
    format!(
        "{socket}, passed by the service manager, is {}, but its name is that of [{section}] \
         (fd_name={name}): change FileDescriptorName= of its unit, or fd_name",
        socket.kind()
    )
}

fn nobodys(socket: &Passed, config: &Config) -> String {
    let (section, server) = match socket.address {
        Address::Unix(_) => (
            "unix_http_server",
            config
                .unix
                .as_ref()
                .map(|unix| (unix.fd_name.clone(), unix.file.display().to_string())),
        ),
        Address::Inet(_) => (
            "inet_http_server",
            config
                .inet
                .as_ref()
                .map(|inet| (inet.fd_name.clone(), format!("{}:{}", inet.host, inet.port))),
        ),
    };
    match server {
        None => format!(
            "{socket} is passed by the service manager, but {} has no [{section}]: add the \
             section, or disable the socket's unit",
            config.path.display()
        ),
        Some((name, at)) => format!(
            "{socket} is passed by the service manager, but [{section}] is at {at} (fd_name={name}): \
             make the addresses the same, or set FileDescriptorName={name} in the socket's unit"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::config;
    use crate::runtime::host::{RealFiles, RealHost};

    fn config(text: &str) -> (tempfile::TempDir, Config) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("supervisord.conf");
        let here = directory.path().display().to_string();
        std::fs::write(&path, text.replace('@', &here)).unwrap();
        let loaded = config::load(&path, &RealFiles, &RealHost).unwrap();
        (directory, loaded.config)
    }

    fn unix(name: &str, directory: &tempfile::TempDir, file: &str) -> Passed {
        let listener = UnixListener::bind(directory.path().join(file)).unwrap();
        Passed::new(name.into(), listener.into()).unwrap()
    }

    fn inet(name: &str, address: &str) -> Passed {
        Passed::new(name.into(), TcpListener::bind(address).unwrap().into()).unwrap()
    }

    const BOTH: &str = "[supervisord]\n[unix_http_server]\nfile=@/s\n[inet_http_server]\n\
                        port=127.0.0.1:9001\n";

    #[test]
    fn a_name_decides_wherever_the_socket_is() {
        let (directory, config) = config(BOTH);
        let passed = [
            unix("unix", &directory, "elsewhere"),
            inet("inet", "127.0.0.1:0"),
            unix("unix", &directory, "second"),
        ];
        let assigned = assign(&passed, &config).unwrap();
        assert_eq!((assigned.unix.len(), assigned.inet.len()), (2, 1));
    }

    #[test]
    fn an_fd_name_replaces_the_usual_one() {
        let text = "[supervisord]\n[unix_http_server]\nfile=@/s\nfd_name=control\n";
        let (directory, config) = config(text);
        let passed = [unix("control", &directory, "x")];
        assert_eq!(assign(&passed, &config).unwrap().unix.len(), 1);
        let usual = [unix("unix", &directory, "y")];
        let errors = assign(&usual, &config).unwrap_err();
        assert!(errors[0].contains("fd_name=control"), "{errors:?}");
    }

    #[test]
    fn without_a_name_the_address_decides() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (directory, config) = config(&BOTH.replace("127.0.0.1:9001", &free.to_string()));
        for name in ["", "unknown", "supervisord.socket"] {
            let passed = [unix(name, &directory, "s"), inet(name, &free.to_string())];
            let assigned = assign(&passed, &config).unwrap();
            assert_eq!((assigned.unix.len(), assigned.inet.len()), (1, 1), "{name:?}");
            std::fs::remove_file(directory.path().join("s")).unwrap();
        }
        std::os::unix::fs::symlink(".", directory.path().join("link")).unwrap();
        let passed = [unix("", &directory, "link/s")];
        assert_eq!(assign(&passed, &config).unwrap().unix.len(), 1, "whatever links lead there");
        let elsewhere = [unix("", &directory, "t"), inet("", "127.0.0.1:0")];
        assert_eq!(assign(&elsewhere, &config).unwrap_err().len(), 2, "each is told of");
    }

    #[test]
    fn what_disagrees_is_an_error_that_says_what_to_do() {
        let (directory, alone) = config("[supervisord]\n[unix_http_server]\nfile=@/s\n");
        let check = |passed: Passed, config: &Config, says: &str| {
            let errors = assign(&[passed], config).unwrap_err();
            assert!(errors.len() == 1 && errors[0].contains(says), "{errors:?}");
        };
        check(inet("inet", "127.0.0.1:0"), &alone, "has no [inet_http_server]");
        check(inet("unix", "127.0.0.1:0"), &alone, "is a TCP socket");
        let (_other, both) = config(BOTH);
        check(unix("inet", &directory, "u"), &both, "is a unix socket");
        check(inet("inet", "0.0.0.0:0"), &both, "no password");
    }

    #[test]
    fn a_unix_socket_needs_no_section_unless_its_name_asks_for_one() {
        let (directory, config) = config("[supervisord]\n");
        for (name, served) in [("unix", 1), ("", 1), ("supervisord.socket", 1), ("control", 0)] {
            let passed = [unix(name, &directory, &format!("s{name}"))];
            let found = assign(&passed, &config).map_or(0, |assigned| assigned.unix.len());
            assert_eq!(found, served, "{name:?}");
        }
    }

    #[test]
    fn what_does_not_listen_is_refused() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        for (fd, says) in [
            (OwnedFd::from(file), "no socket"),
            (datagrams.into(), "Datagram"),
            (connection.into(), "a connection"),
        ] {
            let why = Passed::new("x".into(), fd).unwrap_err();
            assert!(why.to_string().contains(says), "{why}");
        }
    }
}
