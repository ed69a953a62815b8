//! The daemon's side of its children: their pipes, their sockets, their control groups.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use nix::errno::Errno;

use super::cgroup::{Cgroups, Prepared};
use super::driver::wall_clock;
use super::fcgi::FcgiSockets;
use super::heir::Heir;
use super::readiness::{Family, NotifySockets};
use super::replies::Replies;
use super::spawn::{Grants, Spawner};
use super::stdin::{StdinError, StdinWriter};
use crate::config::setting::LogLevel;
use crate::config::{ProcessKind, ProcessSettings};
use crate::core::Event;
use crate::core::event::{SpawnFailure, SpawnFailureKind};
use crate::core::notification::Notification;
use crate::logs::{LogPlane, Stream};
use crate::model::{ProcessFacts, ProcessId, Signal};

/// Pipes that may wait to be closed, which takes as long as the rest of what an end of a child
/// asks for; but descriptors are few.
const CLOSED_MAX: usize = 512;

/// Pipes that are closed before somebody else has a turn: a fraction of a millisecond.
const CLOSED_AT_ONCE: usize = 64;

/// Everything that is kept of children while they live.
pub(super) struct Children {
    spawner: Spawner,
    logs: LogPlane,
    stdins: HashMap<ProcessId, StdinWriter>,
    /// Pipes of children that have ended, to be closed when there is nothing else to do.
    closed: Vec<StdinWriter>,
    sockets: NotifySockets,
    /// What event listeners say.
    replies: Replies,
    /// What FastCGI programs listen on.
    fcgi: FcgiSockets,
    heirs: HashMap<ProcessId, Heir>,
    /// Those whose child named a stranger for its heir, which is told once.
    reproached: HashSet<ProcessId>,
    cgroups: Option<Cgroups>,
}

/// What children have to tell beside their exits.
pub(super) enum Tidings {
    /// It has said something on its notify socket.
    Said(ProcessId),
    /// It is a listener, and has said something on its standard output.
    Replied(ProcessId),
    /// Its control group is empty.
    Emptied(ProcessId),
}

impl Children {
    /// None yet. Without control groups, a process is its child and process group.
    pub fn new(spawner: Spawner, logs: LogPlane, cgroups: Option<Cgroups>) -> Self {
        Self {
            spawner,
            logs,
            stdins: HashMap::new(),
            closed: Vec::new(),
            sockets: NotifySockets::default(),
            replies: Replies::default(),
            fcgi: FcgiSockets::default(),
            heirs: HashMap::new(),
            reproached: HashSet::new(),
            cgroups,
        }
    }

    /// Starts a child. The core hears of it before of any other event, so no child is reaped
    /// before its process id is known.
    pub fn spawn(
        &mut self,
        process: &ProcessId,
        settings: &Arc<ProcessSettings>,
        facts: &Arc<ProcessFacts>,
    ) -> Event {
        match self.try_to_spawn(process, settings, facts) {
            Ok(pid) => Event::Spawned { process: process.clone(), pid },
            Err(failure) => Event::SpawnFailed { process: process.clone(), failure },
        }
    }

    fn try_to_spawn(
        &mut self,
        process: &ProcessId,
        settings: &Arc<ProcessSettings>,
        facts: &Arc<ProcessFacts>,
    ) -> Result<i32, SpawnFailure> {
        let prepared = self.prepare(process, settings);
        if let ProcessKind::FastCgi(socket) = &settings.kind {
            let made = self.fcgi.acquire(process, socket).map(|(_, made)| made);
            let url = &socket.url;
            match made {
                Ok(true) => self.log(LogLevel::Info, &format!("Creating socket {url}")),
                Ok(false) => {}
                Err(why) => {
                    return Err(SpawnFailure {
                        kind: SpawnFailureKind::System,
                        reason: format!(
                            "cannot make the socket {url} of '{}': {why}",
                            process.name
                        ),
                    });
                }
            }
        }
        let notify_socket = if settings.notify {
            let opened = self.sockets.open(process, settings.user.as_deref());
            Some(opened.map_err(|why| SpawnFailure {
                kind: SpawnFailureKind::System,
                reason: format!("cannot make the notify socket of '{}': {why}", process.name),
            })?)
        } else {
            None
        };
        let grants = Grants {
            place: prepared.as_ref().map(Prepared::place),
            notify_socket,
            input: self.fcgi.socket_of(process),
        };
        let spawned = self.spawner.spawn(process, settings, grants);
        if spawned.is_err() {
            self.sockets.close(process);
            self.release_socket(process);
        }
        let child = spawned?;
        let pid = child.pid;
        match &settings.kind {
            ProcessKind::Listener => {
                self.logs.open_feed(process, pid, settings, facts);
                if let Err(why) = self.replies.open(process, child.stdout) {
                    let line = format!("cannot read stdout of {process}: {why}; it is closed");
                    self.log(LogLevel::Error, &line);
                }
            }
            ProcessKind::Program | ProcessKind::FastCgi(_) => {
                self.logs.attach(process, pid, Stream::Stdout, child.stdout, settings, facts);
            }
        }
        if let Some(stderr) = child.stderr {
            self.logs.attach(process, pid, Stream::Stderr, stderr, settings, facts);
        }
        if !matches!(settings.kind, ProcessKind::FastCgi(_)) {
            self.stdins.insert(process.clone(), StdinWriter::new(child.stdin));
        }
        Ok(child.pid)
    }

    /// Its control group, ready for the child. Where none can be had, it runs without: that it
    /// runs counts more.
    fn prepare(&mut self, process: &ProcessId, settings: &ProcessSettings) -> Option<Prepared> {
        match self.cgroups.as_mut()?.prepare(process, settings) {
            Ok(prepared) => {
                for warning in &prepared.warnings {
                    self.log(LogLevel::Warn, &format!("{process}: {warning}"));
                }
                Some(prepared)
            }
            Err(why) => {
                let line = format!(
                    "cannot make the control group of {process}: {why}; it is started in the \
                     daemon's own"
                );
                self.log(LogLevel::Error, &line);
                None
            }
        }
    }

    /// Writes to a child's standard input; `None` if it has no child.
    pub fn write_stdin(
        &mut self,
        process: &ProcessId,
        bytes: &[u8],
    ) -> Option<Result<(), StdinError>> {
        if self.fcgi.is_used_by(process) {
            // As in the reference: its standard input is no pipe.
            return Some(Err(StdinError::Closed));
        }
        Some(self.stdins.get_mut(process)?.write(bytes))
    }

    /// Writes an event to a listener's standard input; false if it cannot arrive.
    pub fn deliver(&mut self, process: &ProcessId, event: &str) -> bool {
        let stdin = self.stdins.get_mut(process);
        stdin.is_some_and(|stdin| stdin.deliver(event.as_bytes()).is_ok())
    }

    /// What a listener has said and nobody has taken yet; `last` if it has ended. It goes into its
    /// log, too.
    pub fn replied(&mut self, process: &ProcessId, last: bool) -> Option<Event> {
        let replies = &mut self.replies;
        let said = if last { replies.take_last(process) } else { replies.take(process) };
        let bytes = said.filter(|bytes| !bytes.is_empty())?;
        self.logs.feed(process, bytes.clone());
        Some(Event::ListenerSaid { process: process.clone(), bytes })
    }

    fn release_socket(&mut self, process: &ProcessId) {
        if let Some(url) = self.fcgi.release(process) {
            self.log(LogLevel::Info, &format!("Closing socket {url}"));
        }
    }

    /// Signals everything that is left in a control group; its being empty is told at once, or as
    /// tidings.
    pub fn empty(&mut self, process: &ProcessId, signal: Signal) -> Option<Event> {
        let emptied = Event::Emptied { process: process.clone() };
        let Some(cgroups) = self.cgroups.as_mut().filter(|all| all.is_populated(process)) else {
            return Some(emptied);
        };
        let signalled = cgroups.signal(process, signal);
        let watched = cgroups.watch(process);
        if let Err(why) = signalled {
            let line = format!("cannot signal everything that is left of {process}: {why}");
            self.log(LogLevel::Error, &line);
        }
        // Nobody would tell when it is empty: better not to wait for ever.
        let why = watched.err()?;
        let line = format!("cannot see whether anything is left of {process}: {why}");
        self.log(LogLevel::Error, &line);
        Some(emptied)
    }

    /// Kills everything that is left in a control group.
    pub fn sweep(&self, process: &ProcessId) {
        if let Some(cgroups) = self.cgroups.as_ref().filter(|all| all.is_populated(process))
            && let Err(why) = cgroups.signal(process, Signal::KILL)
        {
            self.log(LogLevel::Error, &format!("cannot kill what is left of {process}: {why}"));
        }
    }

    /// The child was waited for: its pipes are emptied and closed, its socket is gone.
    pub fn ended(&mut self, process: &ProcessId) {
        if self.closed.len() >= CLOSED_MAX {
            self.closed.clear();
        }
        self.closed.extend(self.stdins.remove(process));
        self.sockets.close(process);
        self.replies.close(process);
        self.release_socket(process);
        self.heirs.remove(process);
        self.reproached.remove(process);
        self.logs.ended(process);
    }

    /// Whether there are pipes left to close.
    pub fn has_closed(&self) -> bool {
        !self.closed.is_empty()
    }

    /// Closes some of the pipes that are left to close.
    pub fn close_some(&mut self) {
        let rest = self.closed.len().saturating_sub(CLOSED_AT_ONCE);
        self.closed.truncate(rest);
    }

    /// The process left the fleet; whatever is left in its control group is killed.
    pub fn removed(&mut self, process: &ProcessId) {
        self.stdins.remove(process);
        self.sockets.close(process);
        self.replies.close(process);
        self.release_socket(process);
        self.heirs.remove(process);
        self.reproached.remove(process);
        self.logs.forget(process);
        if let Some(cgroups) = &mut self.cgroups {
            cgroups.remove(process);
        }
    }

    /// Waits until children have something to tell. Can be cancelled.
    pub async fn tidings(&mut self) -> Tidings {
        let emptied = async {
            match &mut self.cgroups {
                Some(cgroups) => cgroups.emptied().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            process = self.replies.woken() => Tidings::Replied(process),
            process = self.sockets.woken() => Tidings::Said(process),
            process = emptied => Tidings::Emptied(process),
        }
    }

    /// What a process has said that the core should hear, now.
    pub fn said(&mut self, process: &ProcessId, family: &Family<'_>) -> Vec<Notification> {
        let mut said = self.sockets.take(process, family);
        said.retain(|what| match *what {
            Notification::MainPid(pid) if pid == family.child => false,
            Notification::MainPid(pid) => match Heir::of(family, pid) {
                // Its exit will come to this daemon.
                Some(heir) if heir.is_ours() => true,
                Some(heir) => {
                    self.heirs.insert(process.clone(), heir);
                    false
                }
                None => {
                    if self.reproached.insert(process.clone()) {
                        let child = family.child;
                        let line = format!(
                            "{process} (pid {child}) says MAINPID={pid}, which is no process of \
                             its own"
                        );
                        self.logs.log(LogLevel::Warn, wall_clock(), &line);
                    }
                    false
                }
            },
            _ => true,
        });
        said
    }

    /// The process that takes the place of a child that has just ended, if it named one.
    pub fn heir(&mut self, process: &ProcessId) -> Option<i32> {
        self.heirs.remove(process).filter(Heir::is_ours).map(|heir| heir.pid())
    }

    /// Whether want of memory was what killed something of a process.
    pub fn is_out_of_memory(&self, process: &ProcessId) -> bool {
        self.cgroups.as_ref().is_some_and(|cgroups| cgroups.is_out_of_memory(process))
    }

    /// The life is over: nobody stays behind.
    pub fn end(&mut self) {
        let Some(cgroups) = &self.cgroups else { return };
        for (name, killed) in cgroups.kill_leftovers(|_| false) {
            let line = match killed {
                Ok(()) => format!("killed what was left in the control group {name}"),
                Err(why) => format!("cannot kill what is left in the control group {name}: {why}"),
            };
            self.log(LogLevel::Warn, &line);
        }
    }

    fn log(&self, level: LogLevel, line: &str) {
        self.logs.log(level, wall_clock(), line);
    }
}

/// Sends a signal to a child that has not been waited for, so its process id is still its own.
pub(super) fn kill(pid: i32, signal: Signal, group: bool) -> Result<(), Errno> {
    let whom = if group { -pid } else { pid };
    // SAFETY: kill(2) takes two integers.
    let sent = unsafe { libc::kill(whom, signal.number()) };
    match Errno::result(sent) {
        // It has ended by itself; its exit is on its way.
        Ok(_) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno),
    }
}
