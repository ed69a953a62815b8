//! From settings to a process: signals, user, limits, the terminal left behind.
//!
//! All of it happens while the process has one thread: a change of user or a fork would not take
//! the others along.

mod daemonize;
mod limits;
mod pidfile;

use std::io;

use nix::sys::prctl;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{Gid, Uid, getresgid, getresuid, getuid, setgroups, setresgid, setresuid};

pub use self::daemonize::{Launcher, belongs_in_foreground, daemonize};
pub use self::limits::raise_limits;
pub use self::pidfile::{Pidfile, PidfileError};
use crate::config::setting::{LogLevel, User};

/// A line for the activity log, which is opened only after the start-up that has something to
/// say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its level.
    pub level: LogLevel,
    /// Its text, in the reference's words.
    pub line: String,
}

impl Notice {
    /// A line.
    pub fn new(level: LogLevel, line: impl Into<String>) -> Self {
        Self { level, line: line.into() }
    }
}

/// Allocations from this size on are mappings of their own (mallopt(3)).
#[cfg(target_env = "gnu")]
const MMAP_THRESHOLD_BYTES: libc::c_int = 128 << 10;

/// Makes the process independent of what its parent left it: no signal blocked, SIGPIPE ignored
/// so that a closed pipe or socket is an error to handle, SIGCHLD not ignored so that children
/// can be waited for. And orphans among the descendants become its children, so that none is out
/// of sight.
///
/// # Errors
/// The kernel is older than Linux 3.4.
pub fn settle() -> io::Result<()> {
    // SAFETY: neither sets a handler of ours.
    unsafe {
        signal(Signal::SIGPIPE, SigHandler::SigIgn)?;
        signal(Signal::SIGCHLD, SigHandler::SigDfl)?;
    }
    #[cfg(target_env = "gnu")]
    // SAFETY: takes two integers. Failing, it changes nothing.
    unsafe {
        // Large buffers go back to the system at once, whatever was freed before them.
        libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
        // Two threads share one heap: what one has freed the other can use.
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
    SigSet::empty().thread_set_mask()?;
    prctl::set_child_subreaper(true)?;
    Ok(())
}

/// Becomes `user`: groups, group, user, in this order, and verified. Who is that user already
/// stays as it is; so does everyone without a `user`, and root is warned.
///
/// # Errors
/// The reference's sentence; the daemon must not go on.
pub fn drop_privileges(user: Option<&User>) -> Result<Option<Notice>, String> {
    let Some(user) = user else {
        return Ok(getuid().is_root().then(|| Notice::new(LogLevel::Critical, RUNNING_AS_ROOT)));
    };
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    if getuid() != uid {
        if !getuid().is_root() {
            return Err("Can't drop privilege as nonroot user".to_owned());
        }
        let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
        setgroups(&groups).map_err(|_| "Could not set groups of effective user")?;
        setresgid(gid, gid, gid).map_err(|_| "Could not set group id of effective user")?;
        setresuid(uid, uid, uid).map_err(|errno| format!("cannot become user {uid}: {errno}"))?;
        let is_user = getresuid()
            .is_ok_and(|now| (now.real, now.effective, now.saved) == (uid, uid, uid))
            && getresgid().is_ok_and(|now| (now.real, now.effective, now.saved) == (gid, gid, gid));
        if !is_user {
            return Err(format!("cannot become user {uid}: the system did as if it could"));
        }
    }
    Ok(Some(Notice::new(LogLevel::Info, format!("Set uid to user {uid} succeeded"))))
}

/// The reference's line.
const RUNNING_AS_ROOT: &str = "Supervisor is running as root.  Privileges were not dropped \
     because no user is specified in the config file.  If you intend to run as root, you can set \
     user=root in the config file to avoid this message.";
