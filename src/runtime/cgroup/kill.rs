//! Signals to every process of a control group.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use super::tree;
use crate::model::Signal;

/// Rounds of signals to members that appear while others are signalled. A member that was killed
/// starts no other, so that every round but the last takes some away from what can grow.
const ROUNDS_MAX: u32 = 1000;

/// The processes of one control group and of those below it.
pub struct Members<'a> {
    /// Where it is in the file system.
    pub directory: &'a Path,
    /// What /proc/PID/cgroup calls it.
    pub path: &'a str,
}

impl Members<'_> {
    /// Kills all, also those that are being born. The kernel does it (Linux 5.14), or else we.
    pub fn kill(&self) -> io::Result<()> {
        match fs::write(self.directory.join("cgroup.kill"), "1") {
            Ok(()) => Ok(()),
            // Before Linux 5.14 the file is not there; threaded control groups refuse.
            Err(_) if self.directory.exists() => self.freeze_and_kill(),
            // Where nothing is, nobody is alive.
            Err(_) => Ok(()),
        }
    }

    /// Kills one by one, while none of those that are left can run and start others. What is
    /// frozen can be killed.
    pub fn freeze_and_kill(&self) -> io::Result<()> {
        let file = self.directory.join("cgroup.freeze");
        // Before Linux 5.2 there is none: then they have to be outrun.
        _ = fs::write(&file, "1");
        let killed = self.signal_each(Signal::KILL);
        _ = fs::write(&file, "0");
        killed
    }

    /// Signals one by one until a round finds nobody new.
    pub fn signal_each(&self, signal: Signal) -> io::Result<()> {
        let (mut told, mut failed) = (HashSet::new(), None);
        for _ in 0..ROUNDS_MAX {
            let mut any_new = false;
            for directory in tree::with_nested(self.directory) {
                for pid in tree::pids(&directory)? {
                    if told.insert(pid) {
                        any_new = true;
                        failed = self.signal_one(pid, signal).err().or(failed);
                    }
                }
            }
            if !any_new {
                return failed.map_or(Ok(()), Err);
            }
        }
        Err(io::Error::other("its processes start others faster than they can be signalled"))
    }

    /// Signals a process if it is still a member: its number could be a stranger's by now.
    fn signal_one(&self, pid: i32, signal: Signal) -> io::Result<()> {
        // SAFETY: pidfd_open(2) takes two integers.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        // Before Linux 5.3 there is none, and a stranger's process cannot be told for sure.
        let pidfd = (descriptor >= 0).then(|| {
            // SAFETY: a new descriptor, which nobody else has.
            unsafe { OwnedFd::from_raw_fd(descriptor as i32) }
        });
        if pidfd.is_none() && last_error() == libc::ESRCH || !self.has(pid) {
            return Ok(());
        }
        // Whoever had this number a moment ago was a member. If that is not whom the descriptor
        // stands for, that one has ended, and is not found.
        let no_info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: pidfd_send_signal(2) without a siginfo_t, and kill(2), take integers.
        let sent = unsafe {
            match &pidfd {
                Some(pidfd) => {
                    let (pidfd, number) = (pidfd.as_raw_fd(), signal.number());
                    libc::syscall(libc::SYS_pidfd_send_signal, pidfd, number, no_info, 0)
                }
                None => libc::c_long::from(libc::kill(pid, signal.number())),
            }
        };
        match sent {
            0.. => Ok(()),
            _ if last_error() == libc::ESRCH => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Whether the process with this number is in the control group or below it.
    fn has(&self, pid: i32) -> bool {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let path = text.lines().find_map(|line| line.strip_prefix("0::"));
        let below = path.and_then(|path| path.strip_prefix(self.path));
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn last_error() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or_default()
}
