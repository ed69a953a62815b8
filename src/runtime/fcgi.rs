//! The listening sockets of FastCGI programs: made with the first start, shared by the processes
//! of a program, closed and removed with the last one's end.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, lchown};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use nix::sys::stat::{FchmodatFlags, Mode, fchmod, fchmodat};

use crate::config::{FcgiAddress, FcgiSocket};
use crate::model::ProcessId;

/// Every socket that a process uses.
#[derive(Debug, Default)]
pub struct FcgiSockets {
    open: HashMap<String, Open>,
}

#[derive(Debug)]
struct Open {
    socket: OwnedFd,
    file: Option<SocketFile>,
    users: HashSet<ProcessId>,
}

/// A socket's file: its path, and which file it is.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    id: (u64, u64),
}

impl FcgiSockets {
    /// The socket for a process that is to be started, and whether it was made for it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn acquire(
        &mut self,
        process: &ProcessId,
        settings: &FcgiSocket,
    ) -> io::Result<(BorrowedFd<'_>, bool)> {
        let url = &settings.url;
        let made = !self.open.contains_key(url);
        if made {
            let (socket, file) = listen_at(settings)?;
            let open = Open { socket, file, users: HashSet::new() };
            self.open.insert(url.clone(), open);
        }
        let open = self.open.get_mut(url).ok_or_else(|| io::Error::other("no socket"))?;
        open.users.insert(process.clone());
        Ok((open.socket.as_fd(), made))
    }

    /// The socket that a process has.
    #[must_use]
    pub fn socket_of(&self, process: &ProcessId) -> Option<BorrowedFd<'_>> {
        let open = self.open.values().find(|open| open.users.contains(process))?;
        Some(open.socket.as_fd())
    }

    /// Whether a process has one.
    #[must_use]
    pub fn is_used_by(&self, process: &ProcessId) -> bool {
        self.socket_of(process).is_some()
    }

    /// The process has no child any more. The URL of its socket, if nobody else has it either.
    pub fn release(&mut self, process: &ProcessId) -> Option<String> {
        let (url, open) = self.open.iter_mut().find(|(_, open)| open.users.contains(process))?;
        open.users.remove(process);
        let url = open.users.is_empty().then(|| url.clone())?;
        self.open.remove(&url);
        Some(url)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(SocketFile { path, id }) = &self.file
            && file_id(path).is_ok_and(|now| now == *id)
        {
            // It is of no use any more, and in nobody's way if it stays.
            _ = fs::remove_file(path);
        }
    }
}

fn listen_at(settings: &FcgiSocket) -> io::Result<(OwnedFd, Option<SocketFile>)> {
    let backlog = settings.backlog.and_then(|most| i32::try_from(most).ok());
    let backlog = backlog.map_or(Ok(Backlog::MAXCONN), Backlog::new)?;
    let (socket, file) = match &settings.address {
        FcgiAddress::Tcp { ip, port } => (bind_tcp(ip, *port)?, None),
        FcgiAddress::Unix { path, owner, mode } => {
            let (socket, file) = bind_unix(path, *owner, *mode)?;
            (socket, Some(file))
        }
    };
    // For a TCP socket this is the second time, which sets how many may wait.
    listen(&socket, backlog)?;
    Ok((socket, file))
}

fn bind_tcp(ip: &str, port: u16) -> io::Result<OwnedFd> {
    let ip: IpAddr = ip.parse().map_err(io::Error::other)?;
    Ok(TcpListener::bind((ip, port))?.into())
}

fn bind_unix(
    path: &Path,
    owner: Option<(u32, Option<u32>)>,
    mode: u32,
) -> io::Result<(OwnedFd, SocketFile)> {
    remove_old(path)?;
    // It blocks, as FastCGI programs expect.
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let mode = Mode::from_bits_truncate(mode);
    // On Linux the file gets the socket's mode, less the umask: never more than was asked for.
    fchmod(&socket, mode)?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    let file = SocketFile { path: path.to_owned(), id: file_id(path)? };
    let dressed = fchmodat(AT_FDCWD, path, mode, FchmodatFlags::NoFollowSymlink)
        .map_err(io::Error::from)
        .and_then(|()| match owner {
            Some((uid, gid)) => lchown(path, Some(uid), gid).map_err(|why| {
                io::Error::new(why.kind(), format!("cannot change its owner (chown): {why}"))
            }),
            None => Ok(()),
        });
    if let Err(why) = dressed {
        // Nobody will use it.
        _ = fs::remove_file(path);
        return Err(why);
    }
    Ok((socket, file))
}

/// A socket that is there is an old one; anything else is somebody's.
fn remove_old(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => {
            let why = "there is a file of that name that is no socket";
            Err(io::Error::new(io::ErrorKind::AddrInUse, why))
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(why),
    }
}

fn file_id(path: &Path) -> io::Result<(u64, u64)> {
    let found = path.symlink_metadata()?;
    Ok((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn unix(path: &Path) -> FcgiSocket {
        FcgiSocket {
            url: format!("unix://{}", path.display()),
            address: FcgiAddress::Unix { path: path.into(), owner: None, mode: 0o620 },
            backlog: Some(5),
        }
    }

    #[test]
    fn the_first_makes_it_all_share_it_and_the_last_removes_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.sock");
        let (mut sockets, settings) = (FcgiSockets::default(), unix(&path));
        let [one, two] = ["one", "two"].map(|name| ProcessId::new("web", name));
        for _ in 0..2 {
            assert!(sockets.acquire(&one, &settings).unwrap().1);
            assert_eq!(path.symlink_metadata().unwrap().permissions().mode() & 0o7777, 0o620);
            assert!(!sockets.acquire(&two, &settings).unwrap().1);
            UnixStream::connect(&path).unwrap();
            assert_eq!(sockets.release(&one), None);
            assert!(!sockets.is_used_by(&one) && sockets.is_used_by(&two));
            assert_eq!(sockets.release(&two), Some(settings.url.clone()));
            assert!(!path.exists());
            assert_eq!(sockets.release(&two), None);
        }
    }

    #[test]
    fn an_old_socket_is_replaced_and_what_is_none_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (old, file) = (directory.path().join("old"), directory.path().join("file"));
        drop(std::os::unix::net::UnixListener::bind(&old).unwrap());
        fs::write(&file, "precious").unwrap();
        let (mut sockets, web) = (FcgiSockets::default(), ProcessId::new("web", "web"));
        assert!(sockets.acquire(&web, &unix(&old)).is_ok());
        let why = sockets.acquire(&web, &unix(&file)).unwrap_err();
        assert!(why.to_string().contains("no socket"), "{why}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }

    #[test]
    fn it_may_be_a_tcp_socket() {
        let address = FcgiAddress::Tcp { ip: "127.0.0.1".to_owned(), port: 0 };
        let settings = FcgiSocket { url: "tcp://localhost:0".to_owned(), address, backlog: None };
        let mut sockets = FcgiSockets::default();
        let web = ProcessId::new("web", "web");
        let (socket, made) = sockets.acquire(&web, &settings).unwrap();
        assert!(made);
        let socket = socket.try_clone_to_owned().unwrap();
        let address = std::net::TcpListener::from(socket).local_addr().unwrap();
        std::net::TcpStream::connect(address).unwrap();
        assert!(sockets.release(&web).is_some());
    }
}
