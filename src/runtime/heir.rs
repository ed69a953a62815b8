//! A process that is to take its parent's place (`MAINPID=` of sd_notify(3)), as programs do that
//! put themselves in the background.

use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::readiness::{Family, parent_of};

/// A process of a program's family, held by a descriptor: its id cannot become another's unseen.
#[derive(Debug)]
pub(super) struct Heir {
    pid: i32,
    process: OwnedFd,
}

impl Heir {
    /// The process of this id, if it lives and is of the family.
    pub fn of(family: &Family<'_>, pid: i32) -> Option<Self> {
        // SAFETY: pidfd_open(2) takes two integers.
        let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let number = Errno::result(opened).ok().and_then(|number| i32::try_from(number).ok())?;
        // SAFETY: the kernel has just made it, for this process.
        let process = unsafe { OwnedFd::from_raw_fd(number) };
        let heir = Self { pid, process };
        // After it was opened, so that both are about the same process.
        (family.has(pid) && heir.lives()).then_some(heir)
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether its exit would come to this daemon: it lives, and its own parent does not.
    pub fn is_ours(&self) -> bool {
        let parent = parent_of(self.pid);
        parent.is_some_and(|parent| parent.unsigned_abs() == std::process::id()) && self.lives()
    }

    fn lives(&self) -> bool {
        let mut any = [PollFd::new(self.process.as_fd(), PollFlags::POLLIN)];
        // It can be read when it has ended (pidfd_open(2)).
        poll(&mut any, PollTimeout::ZERO) == Ok(0)
    }
}
