//! Signals to every process of a control group.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, poll};

use super::tree;
use crate::model::Signal;

/// Rounds of signals to members that appear while others are signalled; past it that is an error.
const ROUNDS_MAX: u32 = 1000;

/// How long a freeze may take; past it members are killed while some may still run. It takes
/// microseconds, unless one of them is in an uninterruptible wait.
const FREEZE_MILLISECONDS_MAX: u8 = 50;

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

    /// Kills one by one, while none of them can run. What is frozen can be killed, and is in no
    /// fork(2), whose child would appear when its parent has been killed.
    pub fn freeze_and_kill(&self) -> io::Result<()> {
        let file = self.directory.join("cgroup.freeze");
        // Before Linux 5.2 there is none: then they have to be outrun.
        if fs::write(&file, "1").is_ok() {
            self.wait_until_frozen();
        }
        let killed = self.signal_each(Signal::KILL);
        _ = fs::write(&file, "0");
        killed
    }

    /// Signals one by one until nobody new appears. A child of a fork(2) that is under way just
    /// then can be missed: what may miss nobody is killed.
    pub fn signal_each(&self, signal: Signal) -> io::Result<()> {
        let members = || {
            let mut all = Vec::new();
            for directory in tree::with_nested(self.directory) {
                all.extend(tree::pids(&directory)?);
            }
            Ok(all)
        };
        until_nobody_new(members, |pid| self.signal_one(pid, signal))
    }

    /// The kernel announces it by a change of `cgroup.events`.
    fn wait_until_frozen(&self) {
        let Ok(mut events) = fs::File::open(self.directory.join("cgroup.events")) else {
            return;
        };
        let begun = Instant::now();
        loop {
            let (mut text, at) = (String::new(), io::SeekFrom::Start(0));
            let read = events.seek(at).and_then(|_| events.read_to_string(&mut text));
            if read.is_err() || text.lines().any(|line| line == "frozen 1") {
                return;
            }
            let waited = begun.elapsed().as_millis();
            let left = u128::from(FREEZE_MILLISECONDS_MAX).saturating_sub(waited);
            let mut changed = [PollFd::new(events.as_fd(), PollFlags::POLLPRI)];
            if left == 0 || poll(&mut changed, left as u8).is_err() {
                return;
            }
        }
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

/// Calls `signal` for everyone whom `members` tells, once each, until it tells nobody new. The
/// last failure is told, when all others have their signal.
fn until_nobody_new(
    mut members: impl FnMut() -> io::Result<Vec<i32>>,
    mut signal: impl FnMut(i32) -> io::Result<()>,
) -> io::Result<()> {
    let (mut told, mut failed) = (HashSet::new(), None);
    for _ in 0..ROUNDS_MAX {
        let new: Vec<i32> = members()?.into_iter().filter(|&pid| told.insert(pid)).collect();
        if new.is_empty() {
            return failed.map_or(Ok(()), Err);
        }
        for pid in new {
            failed = signal(pid).err().or(failed);
        }
    }
    Err(io::Error::other("its processes start others faster than they can be signalled"))
}

fn last_error() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signals those that appear round by round; tells who got a signal, and the outcome.
    fn signalled(rounds: &[&[i32]], refuses: i32) -> (Vec<i32>, Result<(), String>) {
        let (mut rounds, mut got) = (rounds.iter(), Vec::new());
        let members = || Ok(rounds.next().map(|pids| pids.to_vec()).unwrap_or_default());
        let outcome = until_nobody_new(members, |pid| {
            got.push(pid);
            if pid == refuses { Err(io::Error::other("refused")) } else { Ok(()) }
        });
        (got, outcome.map_err(|error| error.to_string()))
    }

    #[test]
    fn everyone_is_signalled_once_and_whoever_appears_meanwhile_too() {
        assert_eq!(signalled(&[], 0), (vec![], Ok(())));
        let rounds: [&[i32]; 4] = [&[1, 2], &[2, 3], &[3], &[4]];
        // After a round with nobody new there is no other.
        assert_eq!(signalled(&rounds, 0), (vec![1, 2, 3], Ok(())));
    }

    #[test]
    fn one_that_cannot_be_signalled_does_not_protect_the_others() {
        let rounds: [&[i32]; 2] = [&[1, 2, 3], &[4]];
        assert_eq!(signalled(&rounds, 2), (vec![1, 2, 3, 4], Err("refused".to_owned())));
    }

    #[test]
    fn an_endless_chase_is_given_up() {
        let mut next = 0;
        let members = || {
            next += 1;
            Ok(vec![next])
        };
        assert!(until_nobody_new(members, |_| Ok(())).is_err());
    }
}
