//! Waits for a socket to appear, by inotify(7): nothing wakes the daemon while there is none.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A wait for sockets.
pub struct Appearance {
    inotify: AsyncFd<Instance>,
    sockets: Vec<PathBuf>,
    /// Directories on the way to them, each with the name that is to appear in it.
    watched: Vec<(WatchDescriptor, OsString)>,
}

struct Instance(Inotify);

impl AsRawFd for Instance {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Appearance {
    /// A wait for these sockets. To be called within the runtime.
    ///
    /// # Errors
    /// The system has no inotify instance left.
    pub fn new(sockets: Vec<PathBuf>) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let instance = Instance(inotify);
        // SAFETY: the descriptor is the instance's own, always the same, open while it lives.
        let inotify = unsafe { AsyncFd::register_with_interest(instance, Interest::READABLE)? };
        Ok(Self { inotify, sockets, watched: Vec::new() })
    }

    /// Begins to watch. Call it before the look whether they are there, so that none appears
    /// unseen between the two.
    pub fn watch(&mut self) {
        self.unwatch();
        let flags = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF;
        let Instance(inotify) = self.inotify.get_ref();
        for socket in &self.sockets {
            let mut awaited: &Path = socket;
            while let (Some(directory), Some(name)) = (awaited.parent(), awaited.file_name()) {
                if let Ok(watch) = inotify.add_watch(directory, flags) {
                    self.watched.push((watch, name.to_owned()));
                    break;
                }
                awaited = directory;
            }
        }
    }

    /// Watches nothing: a bus was found.
    pub fn unwatch(&mut self) {
        let Instance(inotify) = self.inotify.get_ref();
        for (watch, _) in self.watched.drain(..) {
            _ = inotify.rm_watch(watch);
        }
        while inotify.read_events().is_ok() {}
    }

    /// Returns when one of them may have appeared, or something on the way to it has changed.
    pub async fn happened(&self) {
        loop {
            // An error means that it is not known: then the caller had better look.
            let Ok(mut ready) = self.inotify.readable().await else {
                return;
            };
            let mut concerns = false;
            while let Ok(events) = self.inotify.get_ref().0.read_events() {
                concerns |= events.iter().any(|event| {
                    event.name.as_ref().is_none_or(|name| {
                        self.watched.iter().any(|(at, awaited)| *at == event.wd && awaited == name)
                    })
                });
            }
            ready.clear_ready();
            if concerns {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_socket_is_seen_wherever_its_directory_begins_to_be() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("run/dbus/socket");
        let mut appearance = Appearance::new(vec![socket.clone()]).unwrap();
        let in_time = async |appearance: &mut Appearance| {
            tokio::time::timeout(Duration::from_secs(10), appearance.happened())
                .await
                .expect("it was seen");
        };
        appearance.watch();
        // Not on the way.
        std::fs::write(directory.path().join("other"), "").unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), appearance.happened());
        assert!(early.await.is_err());
        std::fs::create_dir(directory.path().join("run")).unwrap();
        in_time(&mut appearance).await;
        appearance.watch();
        std::fs::create_dir(directory.path().join("run/dbus")).unwrap();
        in_time(&mut appearance).await;
        appearance.watch();
        std::fs::write(&socket, "").unwrap();
        in_time(&mut appearance).await;
    }
}
