//! Signals to the daemon, and the only wait for its children.

use std::io;

use nix::errno::Errno;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::model::{ExitStatus, Signal};

/// A child, ours or adopted, that has ended and was waited for: its process id may be another's
/// from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The process id it had.
    pub pid: i32,
    /// How it ended.
    pub status: ExitStatus,
}

/// What the reaper has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaped {
    /// A signal says that children may have ended. For the log: their exits follow.
    Woken(Signal),
    /// One has.
    Exit(Exit),
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
        Ok(Self { ended: signal(SignalKind::child())?, look: true })
    }

    /// The next child that ended. One at a time: until the caller has heard of it, none other is
    /// waited for, so every other process id still is whose it was. Nothing is lost if the
    /// future is dropped.
    pub async fn next(&mut self) -> Reaped {
        if self.look {
            if let Some(exit) = wait() {
                return Reaped::Exit(exit);
            }
            self.look = false;
        }
        self.ended.recv().await;
        self.look = true;
        Reaped::Woken(Signal::CHLD)
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
                return Some(Exit { pid, status: ExitStatus::Code(libc::WEXITSTATUS(status)) });
            }
            1.. => {
                let (number, core) = (libc::WTERMSIG(status), libc::WCOREDUMP(status));
                return Some(Exit { pid, status: ExitStatus::Signal { number, core } });
            }
            0 => return None,
            _ if Errno::last() == Errno::EINTR => {}
            // ECHILD: there is no child at all.
            _ => return None,
        }
    }
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
    pub async fn next(&mut self) -> Signal {
        // What ends the daemon goes first, however often the others come.
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.quit.recv() => Signal::QUIT,
            _ = self.hangup.recv() => Signal::HUP,
            _ = self.user2.recv() => Signal::USR2,
        }
    }
}
