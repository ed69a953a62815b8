//! Tells when a control group has lost its last process: the kernel says so by a change of
//! `cgroup.events`, which inotify(7) sees.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::tree;
use crate::model::ProcessId;

/// One inotify instance for all.
#[derive(Debug)]
pub struct Watches {
    inotify: AsyncFd<Instance>,
    watched: HashMap<WatchDescriptor, (ProcessId, PathBuf)>,
    awaited: HashMap<ProcessId, Awaited>,
    /// Those found empty, in order. One that is no longer awaited as such is passed over.
    empty: VecDeque<ProcessId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Populated(WatchDescriptor),
    Empty,
}

#[derive(Debug)]
struct Instance(Inotify);

impl AsRawFd for Instance {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Watches {
    /// Watches nothing yet. Must be called within a tokio runtime.
    pub fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let instance = Instance(inotify);
        // SAFETY: the descriptor is the instance's own, always the same, open while it lives.
        let inotify = unsafe { AsyncFd::register_with_interest(instance, Interest::READABLE)? };
        Ok(Self {
            inotify,
            watched: HashMap::new(),
            awaited: HashMap::new(),
            empty: VecDeque::new(),
        })
    }

    /// Tells of this control group once, when it is empty.
    pub fn watch(&mut self, process: &ProcessId, directory: PathBuf) -> io::Result<()> {
        self.forget(process);
        let Instance(inotify) = self.inotify.get_ref();
        match inotify.add_watch(&directory.join("cgroup.events"), AddWatchFlags::IN_MODIFY) {
            Ok(watch) => {
                self.watched.insert(watch, (process.clone(), directory));
                self.awaited.insert(process.clone(), Awaited::Populated(watch));
                // It may have been empty before the watch.
                self.look_at(watch);
                Ok(())
            }
            Err(Errno::ENOENT | Errno::ENODEV) => {
                self.found_empty(process.clone());
                Ok(())
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Tells no more of it.
    pub fn forget(&mut self, process: &ProcessId) {
        if let Some(Awaited::Populated(watch)) = self.awaited.remove(process) {
            self.unwatch(watch);
        }
    }

    /// Waits for one that is empty. Can be cancelled: what was read is kept.
    pub async fn emptied(&mut self) -> ProcessId {
        loop {
            while let Some(process) = self.empty.pop_front() {
                if self.awaited.get(&process) == Some(&Awaited::Empty) {
                    self.awaited.remove(&process);
                    return process;
                }
            }
            let Ok(mut ready) = self.inotify.readable().await else {
                // The runtime is going down, and so is whoever waits for this.
                return std::future::pending().await;
            };
            let Ok(events) = ready.get_inner().0.read_events() else {
                ready.clear_ready();
                continue;
            };
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    // Something was lost: any of them may be empty.
                    for watch in self.watched.keys().copied().collect::<Vec<_>>() {
                        self.look_at(watch);
                    }
                } else {
                    self.look_at(event.wd);
                }
            }
        }
    }

    fn look_at(&mut self, watch: WatchDescriptor) {
        let Some((process, directory)) = self.watched.get(&watch) else {
            return;
        };
        if !tree::is_populated(directory) {
            let process = process.clone();
            self.unwatch(watch);
            self.found_empty(process);
        }
    }

    fn found_empty(&mut self, process: ProcessId) {
        self.awaited.insert(process.clone(), Awaited::Empty);
        self.empty.push_back(process);
    }

    fn unwatch(&mut self, watch: WatchDescriptor) {
        self.watched.remove(&watch);
        // Fails if its directory is gone, and the watch with it.
        _ = self.inotify.get_ref().0.rm_watch(watch);
    }
}
