//! Where connections come from: a TCP listener, or a unix socket that comes back when somebody
//! removes it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;
use std::sync::Arc;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::listen::{BoundUnix, FileId, bind_unix, file_id};
use super::peer::Peer;
use crate::config::UnixServer;
use crate::config::setting::LogLevel;

/// Where a server tells what a person should know: the activity log.
pub type Report = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// Something that connections come from.
pub trait Accept: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next one, and tells who is at its other end. May be dropped and called again
    /// at any time.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = Self::accept(self).await?;
        // An answer is one write: it should leave at once.
        stream.set_nodelay(true)?;
        Ok((stream, Peer::Inet(address)))
    }
}

/// A unix socket that somebody else made, whose file is their business.
impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Peer)> {
        Self::accept(self).await.and_then(|(stream, _)| with_peer(stream))
    }
}

/// What the kernel does not tell is of this connection alone, which ends.
fn with_peer(stream: UnixStream) -> io::Result<(UnixStream, Peer)> {
    let peer = Peer::of_unix(&stream)
        .map_err(|why| io::Error::new(io::ErrorKind::ConnectionAborted, why))?;
    Ok((stream, peer))
}

/// A listening unix socket of our own. Its file goes with it, if it is still this socket's.
pub struct UnixSocket {
    settings: UnixServer,
    listener: UnixListener,
    file: FileId,
    /// `None` where the system has no inotify instance left: then a loss goes unseen.
    watch: Option<Watch>,
    /// Whether it was said that the file is gone, and whether that it cannot be had back.
    said: (bool, bool),
    report: Report,
}

impl UnixSocket {
    /// Takes over a bound socket; to be called within the runtime.
    ///
    /// # Errors
    /// The runtime cannot watch the descriptor.
    pub fn new(bound: BoundUnix, settings: UnixServer, report: Report) -> io::Result<Self> {
        let BoundUnix { listener, file } = bound;
        let listener = UnixListener::from_std(listener)?;
        let mut watch = Watch::new().ok();
        if let Some(watch) = &mut watch {
            watch.look_at(&settings.file);
        }
        Ok(Self { settings, listener, file, watch, said: (false, false), report })
    }

    fn is_in_place(&self) -> bool {
        file_id(&self.settings.file).ok() == Some(self.file)
    }

    /// Binds anew as soon as that is possible: at once, or when the directory is back, or when
    /// the other socket in this one's place is gone.
    async fn come_back(&mut self) {
        let path = self.settings.file.display().to_string();
        if !std::mem::replace(&mut self.said.0, true) {
            (self.report)(LogLevel::Warn, &format!("{path} was removed, binding it again"));
        }
        loop {
            // Before the bind, so that no change is missed between the two.
            if let Some(watch) = &mut self.watch {
                watch.look_at(&self.settings.file);
            }
            let why = match self.bind_again() {
                Ok(()) => break,
                Err(why) => why,
            };
            if !std::mem::replace(&mut self.said.1, true) {
                (self.report)(LogLevel::Error, &why.to_string());
            }
            changed(self.watch.as_ref()).await;
        }
        self.said = (false, false);
        (self.report)(LogLevel::Info, &format!("listening on {path} again"));
    }

    fn bind_again(&mut self) -> io::Result<()> {
        let BoundUnix { listener, file } = bind_unix(&self.settings)?;
        (self.listener, self.file) = (UnixListener::from_std(listener)?, file);
        if let Some(watch) = &mut self.watch {
            watch.look_at(&self.settings.file);
        }
        Ok(())
    }
}

impl Accept for UnixSocket {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Peer)> {
        loop {
            if !self.is_in_place() {
                self.come_back().await;
            }
            tokio::select! {
                accepted = self.listener.accept() => {
                    return accepted.and_then(|(stream, _)| with_peer(stream));
                }
                () = changed(self.watch.as_ref()) => {}
            }
        }
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if self.is_in_place() {
            let _ = std::fs::remove_file(&self.settings.file);
        }
    }
}

async fn changed(watch: Option<&Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// One file or directory that is watched (inotify(7)).
///
/// It is the socket itself and not its directory, which may be as busy as /tmp.
struct Watch {
    inotify: AsyncFd<Instance>,
    at: Option<WatchDescriptor>,
}

struct Instance(Inotify);

impl AsRawFd for Instance {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Watch {
    fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let instance = Instance(inotify);
        // SAFETY: the descriptor is the instance's own, always the same, open while it lives.
        let inotify = unsafe { AsyncFd::register_with_interest(instance, Interest::READABLE)? };
        Ok(Self { inotify, at: None })
    }

    /// Watches this path, or the nearest directory on the way to it that exists.
    fn look_at(&mut self, path: &Path) {
        // The loss of one of its names is a change of a file's attributes.
        let flags = AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_DONT_FOLLOW;
        let Instance(inotify) = self.inotify.get_ref();
        if let Some(old) = self.at.take() {
            let _ = inotify.rm_watch(old);
        }
        self.at = path.ancestors().find_map(|at| inotify.add_watch(at, flags).ok());
    }

    /// Returns when something about it has changed, or may have.
    async fn changed(&self) {
        // An error means that it is not known: then the caller had better look.
        let Ok(mut ready) = self.inotify.readable().await else {
            return;
        };
        while self.inotify.get_ref().0.read_events().is_ok() {}
        ready.clear_ready();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Access;

    fn open(path: &Path) -> UnixSocket {
        let settings = UnixServer {
            file: path.into(),
            mode: 0o700,
            owner: None,
            access: Access::default(),
            fd_name: "unix".into(),
        };
        let bound = bind_unix(&settings).unwrap();
        UnixSocket::new(bound, settings, Arc::new(|_, _| {})).unwrap()
    }

    /// Accepts for ever, and tells where a client gets in.
    async fn reach(path: &Path) {
        let in_time = tokio::time::timeout(Duration::from_secs(5), async {
            while UnixStream::connect(path).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        in_time.await.expect("reachable again");
    }

    #[tokio::test]
    async fn a_removed_socket_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/s.sock");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        let mut socket = open(&path);
        let server = tokio::spawn(async move { while socket.accept().await.is_ok() {} });
        reach(&path).await;

        std::fs::remove_file(&path).unwrap();
        reach(&path).await;

        std::fs::rename(&path, directory.path().join("elsewhere")).unwrap();
        reach(&path).await;

        // Its directory too: there is nothing to do until somebody makes it again.
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        tokio::task::yield_now().await;
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        reach(&path).await;

        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
        assert!(!path.exists(), "it is removed at the end");
    }

    #[tokio::test]
    async fn another_daemons_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        let socket = open(&path);
        std::fs::remove_file(&path).unwrap();
        let other = open(&path);
        drop(socket);
        assert!(other.is_in_place());
    }
}
