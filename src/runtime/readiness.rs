//! The notify sockets of programs that say how they are (`notify`, sd_notify(3)).
//!
//! Each has one of its own, which only its user can reach, made anew at each start: so nothing of
//! an earlier child is taken for its successor's. Who sends is told by the kernel, and whoever is
//! not of the program's own processes is not heard. The socket of a child is read before its exit
//! is acted upon, so its last word counts.

mod sender;

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::unistd::{geteuid, mkdtemp};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

pub use self::sender::Family;
pub(super) use self::sender::parent_of;
use crate::config::setting::User;
use crate::core::notification::{Notification, parse};
use crate::model::ProcessId;

/// Bytes of a notification, as many as systemd takes; a longer one is passed over.
const DATAGRAM_BYTES_MAX: usize = 4096;

/// Datagrams that one program may have read in a turn; the rest waits for the next.
const DATAGRAMS_IN_A_ROW_MAX: usize = 32;

/// Descriptors that are taken from a datagram, to be closed: whoever sends `BARRIER=1` waits for
/// that. The kernel closes those beyond.
const DESCRIPTORS_MAX: usize = 4;

/// Every notify socket.
#[derive(Debug)]
pub struct NotifySockets {
    /// Where they are; made when the first is.
    directory: Option<Directory>,
    open: HashMap<ProcessId, Socket>,
    made: u64,
    woken: (mpsc::UnboundedSender<ProcessId>, mpsc::UnboundedReceiver<ProcessId>),
}

/// Goes with what is in it.
#[derive(Debug)]
struct Directory(PathBuf);

#[derive(Debug)]
struct Socket {
    path: PathBuf,
    socket: Arc<AsyncFd<UnixDatagram>>,
    /// Tells when there is something to read.
    watch: AbortHandle,
}

impl Default for NotifySockets {
    fn default() -> Self {
        let woken = mpsc::unbounded_channel();
        Self { directory: None, open: HashMap::new(), made: 0, woken }
    }
}

impl NotifySockets {
    /// A new socket for a process, which `user` (the daemon's own, if none) can send to. Replaces
    /// the one it had. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// There is no directory for it, or no descriptor.
    pub fn open(&mut self, process: &ProcessId, user: Option<&User>) -> io::Result<&Path> {
        self.close(process);
        let directory = match &self.directory {
            Some(Directory(path)) => path.clone(),
            None => self.directory.insert(Directory::new()?).0.clone(),
        };
        self.made += 1;
        let path = directory.join(self.made.to_string());
        let socket = UnixDatagram::bind(&path)?;
        // Until here nobody but the daemon's user could have reached it.
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        if let Some(user) = user
            && geteuid().is_root()
        {
            chown(&path, Some(user.uid), Some(user.gid))?;
        }
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        // SAFETY: the descriptor is the socket's own, always the same, open while it lives.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE)? };
        let socket = Arc::new(socket);
        let watch = tokio::spawn(watch(socket.clone(), process.clone(), self.woken.0.clone()));
        let socket = Socket { path, socket, watch: watch.abort_handle() };
        Ok(&self.open.entry(process.clone()).insert_entry(socket).into_mut().path)
    }

    /// The process has no child any more that could say something.
    pub fn close(&mut self, process: &ProcessId) {
        self.open.remove(process);
    }

    /// Waits until a program has said something, which [`Self::take`] gives. Can be cancelled.
    pub async fn woken(&mut self) -> ProcessId {
        match self.woken.1.recv().await {
            Some(process) => process,
            // Not while this holds a sender.
            None => std::future::pending().await,
        }
    }

    /// What a program has said and nobody has taken yet, without waiting. Only its own family is
    /// heard.
    pub fn take(&self, process: &ProcessId, family: &Family<'_>) -> Vec<Notification> {
        let Some(socket) = self.open.get(process) else {
            return Vec::new();
        };
        let mut said = Vec::new();
        for _ in 0..DATAGRAMS_IN_A_ROW_MAX {
            match receive(socket.socket.get_ref()) {
                Ok(Some((sender, text))) if family.has(sender) => said.extend(parse(&text)),
                Ok(_) => {}
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return said,
            }
        }
        // There may be more, of which nobody would tell.
        _ = self.woken.0.send(process.clone());
        said
    }
}

/// Says each time that there is something new to read.
async fn watch(
    socket: Arc<AsyncFd<UnixDatagram>>,
    process: ProcessId,
    woken: mpsc::UnboundedSender<ProcessId>,
) {
    while let Ok(mut ready) = socket.readable().await {
        // Before it is read: what comes later is told again.
        ready.clear_ready();
        if woken.send(process.clone()).is_err() {
            return;
        }
    }
}

/// One datagram and the process that sent it; `None` if it is too long, or nobody's.
fn receive(socket: &UnixDatagram) -> io::Result<Option<(i32, Vec<u8>)>> {
    let mut bytes = vec![0; DATAGRAM_BYTES_MAX];
    let mut room = nix::cmsg_space!(libc::ucred, [libc::c_int; DESCRIPTORS_MAX]);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut room), flags)?;
    let mut sender = None;
    // Where the kernel had more to tell than there is room for, it tells nothing.
    for told in message.cmsgs().into_iter().flatten() {
        match told {
            ControlMessageOwned::ScmCredentials(credentials) => sender = Some(credentials.pid()),
            ControlMessageOwned::ScmRights(descriptors) => {
                for descriptor in descriptors {
                    // SAFETY: the kernel has just made it, for this process.
                    drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
                }
            }
            _ => {}
        }
    }
    let whole = !message.flags.contains(MsgFlags::MSG_TRUNC);
    let length = message.bytes;
    bytes.truncate(length);
    Ok(sender.filter(|_| whole).map(|sender| (sender, bytes)))
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.watch.abort();
        // It may be gone already; nobody else makes one of that name.
        _ = fs::remove_file(&self.path);
    }
}

impl Directory {
    /// A directory that everybody can pass through and nobody look into, where the service manager
    /// says, or where such things are.
    fn new() -> io::Result<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let within = variable("RUNTIME_DIRECTORY")
            // There may be several, separated by colons.
            .and_then(|list| std::env::split_paths(&list).next())
            .or_else(|| geteuid().is_root().then(|| "/run".into()))
            .or_else(|| variable("XDG_RUNTIME_DIR").map(Into::into));
        let candidates = within.into_iter().chain([std::env::temp_dir()]);
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for within in candidates {
            match mkdtemp(&within.join("supervisord-notify-XXXXXX")) {
                Ok(path) => {
                    let made = Self(path);
                    fs::set_permissions(&made.0, Permissions::from_mode(0o711))?;
                    return Ok(made);
                }
                Err(errno) => last = errno.into(),
            }
        }
        Err(last)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left in /run or /tmp is in nobody's way.
        _ = fs::remove_dir_all(&self.0);
    }
}
