//! Signals to the daemon, and the only wait for its children.

use std::io;

use nix::errno::Errno;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::model::{ExitStatus, Signal};

/// Exits told in one go; what is beyond is told in the next, after whatever else waits its turn.
pub const EXITS_PER_TURN_MAX: usize = 256;

/// A child, ours or adopted, that has ended and was waited for: its process id may be another's
/// from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The process id it had.
    pub pid: i32,
    /// How it ended.
    pub status: ExitStatus,
}

/// Waits for every child. There must be one in the process, and nothing else that waits.
#[derive(Debug)]
pub struct Reaper {
    ended: Stream,
    /// Whether children may have ended since the last look. Several that end together may send
    /// one signal only, so it takes a look until there is none.
    look: bool,
}

impl Reaper {
    /// Begins to listen for children that end; those that have are told, too. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// The signal cannot be listened for.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            ended: signal(SignalKind::child())?,
            look: true,
        })
    }

    /// The next children that ended: one at least, [`EXITS_PER_TURN_MAX`] at most. Nothing is
    /// lost if the future is dropped.
    pub async fn next(&mut self) -> Vec<Exit> {
        loop {
            if self.look {
                let exits: Vec<Exit> = std::iter::from_fn(wait).take(EXITS_PER_TURN_MAX).collect();
                self.look = exits.len() == EXITS_PER_TURN_MAX;
                if !exits.is_empty() {
                    return exits;
                }
            }
            self.ended.recv().await;
            self.look = true;
        }
    }
}

/// One child that has ended, if there is one.
fn wait() -> Option<Exit> {
    loop {
        let mut status = 0;
        // SAFETY: the status is an integer of this frame. (nix's waitpid fails on a death by a
        // real-time signal, after it has taken the exit.)
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        match pid {
            1.. if libc::WIFEXITED(status) => {
                return Some(Exit {
                    pid,
                    status: ExitStatus::Code(libc::WEXITSTATUS(status)),
                });
            }
            1.. => {
                let (number, core) = (libc::WTERMSIG(status), libc::WCOREDUMP(status));
                return Some(Exit {
                    pid,
                    status: ExitStatus::Signal { number, core },
                });
            }
            0 => return None,
            _ if Errno::last() == Errno::EINTR => {}
            // ECHILD: there is no child at all.
            _ => return None,
        }
    }
}

/// What a signal asks of the daemon, as the reference understands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalRequest {
    /// TERM, INT or QUIT: stop everything and end.
    Shutdown(Signal),
    /// HUP: stop everything and begin anew from the configuration file.
    Restart,
    /// USR2: close and reopen the log files.
    ReopenLogs,
}

/// Signals from people and service managers.
#[derive(Debug)]
pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    quit: Stream,
    hangup: Stream,
    user2: Stream,
}

impl Signals {
    /// Takes the signals over; until now they ended the process. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// A signal cannot be listened for.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    /// The next signal. Several of one kind that arrive together are one. Nothing is lost if the
    /// future is dropped.
    pub async fn next(&mut self) -> SignalRequest {
        let shutdown = |kind: SignalKind| {
            SignalRequest::Shutdown(Signal::from_number_lossy(kind.as_raw_value()))
        };
        // What ends the daemon goes first, however often the others come.
        tokio::select! {
            biased;
            _ = self.terminate.recv() => shutdown(SignalKind::terminate()),
            _ = self.interrupt.recv() => shutdown(SignalKind::interrupt()),
            _ = self.quit.recv() => shutdown(SignalKind::quit()),
            _ = self.hangup.recv() => SignalRequest::Restart,
            _ = self.user2.recv() => SignalRequest::ReopenLogs,
        }
    }
}
