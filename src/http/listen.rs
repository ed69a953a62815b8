//! Binding the listeners.
//!
//! A unix socket is made under a name of its own, gets its mode and owner there and begins to
//! listen, and only then appears under its real name, by a hard link, which never replaces
//! anything. So whoever finds the name finds a socket that answers and has the right mode; and
//! of two daemons that start at once, one fails.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, lchown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, getsockopt, listen, socket,
};
use nix::sys::stat::{FchmodatFlags, Mode, fchmod, fchmodat};

use crate::config::{InetServer, UnixServer};

/// Connections that the kernel holds until they are accepted; it refuses or delays more.
const BACKLOG: i32 = 1024;
/// How often a dead daemon's socket is cleared away before the bind is given up: another daemon
/// that starts and dies meanwhile may leave a new one.
const STALE_SOCKETS_MAX: usize = 4;

/// Which file a path led to: its device and its inode.
pub type FileId = (u64, u64);

/// A unix socket that listens, and which file it is.
#[derive(Debug)]
pub struct BoundUnix {
    /// The socket, non-blocking.
    pub listener: UnixListener,
    /// The file it is reached by.
    pub file: FileId,
}

/// Binds a unix socket with its mode and owner. A dead daemon's socket is replaced.
///
/// # Errors
/// The path is in use by a live process, is no socket, or the system refuses.
pub fn bind_unix(settings: &UnixServer) -> io::Result<BoundUnix> {
    let path = &settings.file;
    let explain = |why: io::Error| {
        io::Error::new(why.kind(), format!("cannot listen on {}: {why}", path.display()))
    };
    let mut own_name = path.clone().into_os_string();
    own_name.push(format!(".{}", std::process::id()));
    let own_name = Temporary(own_name.into());
    let listener = listen_at(&own_name.0, settings).map_err(explain)?;
    publish(&own_name.0, path).map_err(explain)?;
    let file = file_id(path).map_err(explain)?;
    let listener = UnixListener::from(listener);
    Ok(BoundUnix { listener, file })
}

/// Binds a TCP socket. A host with several addresses is served at the first that can be had.
///
/// # Errors
/// The address is in use or not this host's; or it is not a loopback address, no password is
/// set, and nobody said that this is meant.
pub fn bind_inet(settings: &InetServer) -> io::Result<TcpListener> {
    let InetServer { host, port, .. } = settings;
    // As in the reference, "every address" means every IPv4 address.
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let shown = format!("{host}:{port}");
    let explain =
        |why: io::Error| io::Error::new(why.kind(), format!("cannot listen on {shown}: {why}"));
    let addresses: Vec<SocketAddr> = (host, *port).to_socket_addrs().map_err(explain)?.collect();
    if is_open_to_others(settings) && !addresses.iter().all(|address| address.ip().is_loopback()) {
        let why = "it is not a loopback address and no password is set; set username and \
                   password in [inet_http_server], or allow_unauthenticated=true";
        return Err(explain(io::Error::new(io::ErrorKind::PermissionDenied, why)));
    }
    let listener = TcpListener::bind(&*addresses).map_err(explain)?;
    listener.set_nonblocking(true).map_err(explain)?;
    Ok(listener)
}

/// Whether the server would let everybody in who can reach it, and nobody said that this is meant.
#[must_use]
pub fn is_open_to_others(settings: &InetServer) -> bool {
    !settings.asks_who() && !settings.allow_unauthenticated
}

/// Which file a path leads to, without following it if it is a symbolic link.
///
/// # Errors
/// The path leads nowhere.
pub fn file_id(path: &Path) -> io::Result<FileId> {
    let meta = path.symlink_metadata()?;
    Ok((meta.dev(), meta.ino()))
}

/// A name that goes when this goes.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn listen_at(path: &Path, settings: &UnixServer) -> io::Result<OwnedFd> {
    if let Err(why) = std::fs::remove_file(path)
        && why.kind() != io::ErrorKind::NotFound
    {
        return Err(why);
    }
    let fd = stream_socket()?;
    let mode = Mode::from_bits_truncate(settings.mode);
    // On Linux the file gets the socket's mode, less the umask: never more than was asked for.
    fchmod(&fd, mode)?;
    bind(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
    // What the umask took away is given back.
    fchmodat(AT_FDCWD, path, mode, FchmodatFlags::NoFollowSymlink)?;
    if let Some((uid, gid)) = settings.owner {
        lchown(path, Some(uid), Some(gid)).map_err(|why| {
            io::Error::new(why.kind(), format!("cannot give it to {uid}:{gid} (chown): {why}"))
        })?;
    }
    listen(&fd, Backlog::new(BACKLOG)?)?;
    Ok(fd)
}

fn publish(own_name: &Path, path: &Path) -> io::Result<()> {
    for _ in 0..STALE_SOCKETS_MAX {
        match std::fs::hard_link(own_name, path) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => remove_stale(path)?,
            other => return other,
        }
    }
    Err(Errno::EADDRINUSE.into())
}

/// Removes a socket that nobody listens on.
fn remove_stale(path: &Path) -> io::Result<()> {
    let in_use = |why| Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    if !path.symlink_metadata()?.file_type().is_socket() {
        return in_use("there is a file of that name that is no socket".to_owned());
    }
    let before = file_id(path)?;
    let probe = stream_socket()?;
    match connect(probe.as_raw_fd(), &UnixAddr::new(path)?) {
        Err(Errno::ECONNREFUSED) => {}
        // It went away by itself.
        Err(Errno::ENOENT) => return Ok(()),
        // EAGAIN: so many wait there that nobody else is let in.
        Ok(()) | Err(Errno::EAGAIN) => {
            let owner = getsockopt(&probe, PeerCredentials).map(|peer| peer.pid());
            return in_use(match owner {
                Ok(pid) if pid > 0 => format!("process {pid} is listening there"),
                _ => "another process is listening there".to_owned(),
            });
        }
        Err(why) => return Err(why.into()),
    }
    if file_id(path).ok() == Some(before) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

fn stream_socket() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socket(AddressFamily::Unix, SockType::Stream, flags, None)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::config::Access;

    fn settings(path: &Path, mode: u32) -> UnixServer {
        UnixServer {
            file: path.into(),
            mode,
            owner: None,
            access: Access::default(),
            fd_name: "unix".into(),
        }
    }

    #[test]
    fn a_socket_has_its_mode_and_no_other_name() {
        let directory = tempfile::tempdir().unwrap();
        for mode in [0o700, 0o777, 0o640] {
            let path = directory.path().join(format!("{mode:o}.sock"));
            let _bound = bind_unix(&settings(&path, mode)).unwrap();
            assert_eq!(path.symlink_metadata().unwrap().permissions().mode() & 0o7777, mode);
            UnixStream::connect(&path).unwrap();
        }
        assert_eq!(directory.path().read_dir().unwrap().count(), 3);
    }

    #[test]
    fn a_dead_daemons_socket_is_replaced_and_a_live_ones_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        let first = bind_unix(&settings(&path, 0o700)).unwrap();

        let why = bind_unix(&settings(&path, 0o700)).unwrap_err();
        assert_eq!(why.kind(), io::ErrorKind::AddrInUse);
        let who = format!("process {} is listening there", std::process::id());
        assert!(why.to_string().contains(&who), "{why}");
        assert_eq!(file_id(&path).unwrap(), first.file, "the live one is still there");
        UnixStream::connect(&path).unwrap();

        drop(first);
        let second = bind_unix(&settings(&path, 0o700)).unwrap();
        assert_eq!(file_id(&path).unwrap(), second.file);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "precious").unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for name in [&path, &link] {
            let why = bind_unix(&settings(name, 0o700)).unwrap_err();
            assert!(why.to_string().contains("no socket"), "{why}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn an_open_door_to_other_hosts_must_be_meant() {
        let server = |host: &str, allow| InetServer {
            host: host.to_owned(),
            port: 0,
            access: Access::default(),
            tls: None,
            allow_unauthenticated: allow,
            fd_name: "inet".into(),
        };
        for (host, allow, fine) in [
            ("127.0.0.1", false, true),
            ("localhost", false, true),
            ("", false, false),
            ("0.0.0.0", false, false),
            ("0.0.0.0", true, true),
        ] {
            assert_eq!(bind_inet(&server(host, allow)).is_ok(), fine, "{host} {allow}");
        }
    }
}
