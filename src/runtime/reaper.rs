//! Signals to the daemon, and the only wait for its children.

use std::collections::VecDeque;
use std::io;

use nix::errno::Errno;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::model::{ExitStatus, Signal};

/// Children that are looked for before others; more than that are found among all.
const EXPECTED_MAX: usize = 16_384;

/// So many of them are looked at one by one: processors end them side by side.
const LOOK_AHEAD: usize = 8;

/// Stands for any child, in waitpid(2).
const ANY: i32 = -1;

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
    /// Children that were told to end, in that order.
    expected: VecDeque<i32>,
}

impl Reaper {
    /// Begins to listen for children that end; those that have are told, too. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// The signal cannot be listened for.
    pub fn new() -> io::Result<Self> {
        let ended = signal(SignalKind::child())?;
        Ok(Self { ended, look: true, expected: VecDeque::new() })
    }

    /// Looks for this child before any other, for it was told to stop and will probably end next.
    ///
    /// The system goes through all children, oldest first, for one that has ended (20 microseconds
    /// for a thousand); when all are stopped, youngest first, that is nearly all of them each time.
    pub fn expect(&mut self, pid: i32) {
        if self.expected.len() < EXPECTED_MAX {
            self.expected.push_back(pid);
        }
    }

    /// The next child that ended. One at a time: until the caller has heard of it, none other is
    /// waited for, so every other process id still is whose it was. Nothing is lost if the
    /// future is dropped.
    pub async fn next(&mut self) -> Reaped {
        if self.look {
            if let Some(exit) = self.look() {
                return Reaped::Exit(exit);
            }
            self.look = false;
        }
        self.ended.recv().await;
        self.look = true;
        Reaped::Woken(Signal::CHLD)
    }

    /// One child that has ended, if there is one.
    fn look(&mut self) -> Option<Exit> {
        let mut at = 0;
        while at < LOOK_AHEAD
            && let Some(&pid) = self.expected.get(at)
        {
            match wait(pid) {
                Found::Nothing => at += 1,
                Found::Exit(exit) => {
                    self.expected.remove(at);
                    return Some(exit);
                }
                // Told already.
                Found::Nobody => {
                    self.expected.remove(at);
                }
            }
        }
        match wait(ANY) {
            Found::Exit(exit) => Some(exit),
            Found::Nothing | Found::Nobody => None,
        }
    }
}

/// What waitpid(2) found.
enum Found {
    Exit(Exit),
    /// None has ended.
    Nothing,
    /// There is no such child.
    Nobody,
}

/// Looks for an end of this child, or of any if `pid` is [`ANY`].
fn wait(pid: i32) -> Found {
    loop {
        let mut status = 0;
        // SAFETY: the status is an integer of this frame. (nix's waitpid fails on a death by a
        // real-time signal, after it has taken the exit.)
        let pid = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        match pid {
            1.. if libc::WIFEXITED(status) => {
                let status = ExitStatus::Code(libc::WEXITSTATUS(status));
                return Found::Exit(Exit { pid, status });
            }
            1.. => {
                let (number, core) = (libc::WTERMSIG(status), libc::WCOREDUMP(status));
                return Found::Exit(Exit { pid, status: ExitStatus::Signal { number, core } });
            }
            0 => return Found::Nothing,
            _ if Errno::last() == Errno::EINTR => {}
            // ECHILD.
            _ => return Found::Nobody,
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
