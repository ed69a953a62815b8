//! What happens between clone(2) and execve(2): raw system calls on memory that is the daemon's.
//!
//! The child shares the daemon's memory while the daemon's thread waits for it, so that starting
//! a program costs the same however large the daemon is. Therefore nothing here allocates, locks,
//! panics or calls a C library function with a mind of its own (setuid(3) would tell the daemon's
//! other threads to change their user, too).

use std::ffi::{c_char, c_int, c_long, c_void};
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;

/// The exit status of a child that could not become its program, as a shell's.
pub const EXIT_NOT_SPAWNED: c_int = 127;

/// Signals are 1 to 64 (signal(7)).
const SIGNAL_MAX: c_int = 64;

/// The size of the kernel's signal sets (sigprocmask(2)), which are not the C library's.
pub const SIGNAL_SET_BYTES: usize = 8;

/// Past this number, [`Descriptors::ClosedSingly`] leaves descriptors to their close-on-exec flag.
const CLOSED_SINGLY_MAX: RawFd = 65_536;

/// What the child is to do, prepared so that it only has to do it.
pub struct Plan {
    /// The file to execute.
    pub file: *const c_char,
    /// Its arguments, ended by a null pointer.
    pub arguments: *const *const c_char,
    /// Its environment, ended by a null pointer.
    pub environment: *const *const c_char,
    /// Where to go first; null to stay.
    pub directory: *const c_char,
    /// The file mode mask; `None` leaves the daemon's.
    pub umask: Option<u32>,
    /// Whom to become; `None` to stay who the daemon is.
    pub identity: Option<Identity>,
    /// Descriptors that become 0, 1 and 2. All are above 2.
    pub standard: [RawFd; 3],
    /// How the descriptors of the daemon are got rid of.
    pub descriptors: Descriptors,
    /// Where the child says what did not work.
    pub failure: Failure,
}

/// A user and its groups.
#[derive(Clone, Copy)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: *const u32,
    /// How many.
    pub groups_len: usize,
}

/// How a child comes to have no descriptors but its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptors {
    /// The child begins with the daemon's table and takes a copy of its first entries, up to this
    /// one: the cost does not grow with the number of the daemon's descriptors.
    CopiedUpTo(RawFd),
    /// The child begins with a copy and closes them one by one, for kernels without
    /// close_range(2) (before Linux 5.9).
    ClosedSingly,
}

/// What of a [`Plan`] did not work. Written by the child, read when its exec or exit lets the
/// daemon go on.
#[derive(Default)]
pub struct Failure {
    stage: AtomicI32,
    errno: AtomicI32,
}

/// The steps of a [`Plan`] that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Stage {
    /// Giving it descriptors 0 to 2 and no others.
    Descriptors = 1,
    /// setgroups(2).
    Groups,
    /// setresgid(2).
    Gid,
    /// setresuid(2).
    Uid,
    /// chdir(2).
    Directory,
    /// execve(2).
    Exec,
}

impl Failure {
    /// The step that failed and why, or `None` if the program runs.
    pub fn told(&self) -> Option<(Stage, Errno)> {
        use Stage::{Descriptors, Directory, Exec, Gid, Groups, Uid};
        let stage = self.stage.load(Ordering::Relaxed);
        [Descriptors, Groups, Gid, Uid, Directory, Exec]
            .into_iter()
            .find(|&known| known as i32 == stage)
            .map(|known| (known, Errno::from_raw(self.errno.load(Ordering::Relaxed))))
    }
}

/// The child's whole life as ours. `argument` is a `*const Plan`.
pub extern "C" fn run(argument: *mut c_void) -> c_int {
    // SAFETY: the parent passes its Plan and waits, so that it outlives this.
    let plan = unsafe { &*argument.cast::<Plan>() };
    // SAFETY: this is the child, and the plan's pointers are valid as its maker promised.
    let Err((stage, errno)) = unsafe { become_program(plan) };
    plan.failure.errno.store(errno, Ordering::Relaxed);
    plan.failure.stage.store(stage as i32, Ordering::Relaxed);
    // SAFETY: ends this process without running the daemon's exit handlers.
    unsafe { libc::_exit(EXIT_NOT_SPAWNED) }
}

/// Only returns if it failed.
///
/// # Safety
/// To be called in the child alone, with a plan whose pointers are valid.
unsafe fn become_program(plan: &Plan) -> Result<std::convert::Infallible, (Stage, i32)> {
    // SAFETY: raw system calls whose pointers are the plan's or of this frame.
    unsafe {
        // A child that was just made can always have a process group of its own.
        libc::syscall(libc::SYS_setpgid, 0, 0);
        descriptors(plan).map_err(|errno| (Stage::Descriptors, errno))?;
        signals();
        if let Some(identity) = &plan.identity {
            become_user(identity)?;
        }
        if !plan.directory.is_null() {
            let done = libc::syscall(libc::SYS_chdir, plan.directory);
            check(done).map_err(|errno| (Stage::Directory, errno))?;
        }
        if let Some(umask) = plan.umask {
            libc::syscall(libc::SYS_umask, umask);
        }
        libc::syscall(libc::SYS_execve, plan.file, plan.arguments, plan.environment);
        Err((Stage::Exec, errno()))
    }
}

/// Leaves the child with descriptors 0 to 2.
///
/// # Safety
/// As [`become_program`].
unsafe fn descriptors(plan: &Plan) -> Result<(), i32> {
    // SAFETY: no memory is passed; the numbers are this process's own.
    unsafe {
        if let Descriptors::CopiedUpTo(last) = plan.descriptors {
            check(close_range(last + 1, libc::CLOSE_RANGE_UNSHARE))?;
        }
        for (to, &from) in plan.standard.iter().enumerate() {
            check(libc::syscall(libc::SYS_dup3, from, to, 0))?;
        }
        match plan.descriptors {
            Descriptors::CopiedUpTo(_) => check(close_range(3, 0))?,
            Descriptors::ClosedSingly => {
                for descriptor in 3..CLOSED_SINGLY_MAX {
                    // Most are not open.
                    libc::syscall(libc::SYS_close, descriptor);
                }
            }
        }
    }
    Ok(())
}

/// Closes every descriptor from this one on.
pub fn close_range(first: RawFd, flags: u32) -> c_long {
    // SAFETY: no memory is passed. Who calls it answers for the descriptors.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) }
}

/// Default dispositions for every signal, also those the daemon ignores or was told to ignore,
/// and none blocked. A signal that arrived meanwhile acts now.
///
/// # Safety
/// As [`become_program`].
unsafe fn signals() {
    // The kernel's struct sigaction is at most this large; all zero, it says SIG_DFL.
    let default = [0_u64; 8];
    let none = 0_u64;
    let no_old = ptr::null_mut::<c_void>();
    // SAFETY: both are read within their sizes, and nothing is written.
    unsafe {
        for signal in 1..=SIGNAL_MAX {
            // Refused for SIGKILL and SIGSTOP, which have no other disposition.
            let new = default.as_ptr();
            libc::syscall(libc::SYS_rt_sigaction, signal, new, no_old, SIGNAL_SET_BYTES);
        }
        let new = &raw const none;
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, new, no_old, SIGNAL_SET_BYTES);
    }
}

/// Groups, group, user: in this order, as after the last there is no right to the others. Each is
/// verified.
///
/// # Safety
/// As [`become_program`].
unsafe fn become_user(identity: &Identity) -> Result<(), (Stage, i32)> {
    let Identity { uid, gid, groups, groups_len } = *identity;
    // SAFETY: the groups are the plan's; the ids are of this frame.
    unsafe {
        let done = libc::syscall(libc::SYS_setgroups, groups_len, groups);
        check(done).map_err(|errno| (Stage::Groups, errno))?;
        let done = libc::syscall(libc::SYS_setresgid, gid, gid, gid);
        check(done).map_err(|errno| (Stage::Gid, errno))?;
        let done = libc::syscall(libc::SYS_setresuid, uid, uid, uid);
        check(done).map_err(|errno| (Stage::Uid, errno))?;
        let (mut real, mut effective, mut saved) = (!gid, !gid, !gid);
        let (r, e, s) = (&raw mut real, &raw mut effective, &raw mut saved);
        libc::syscall(libc::SYS_getresgid, r, e, s);
        if (real, effective, saved) != (gid, gid, gid) {
            return Err((Stage::Gid, libc::EPERM));
        }
        (real, effective, saved) = (!uid, !uid, !uid);
        let (r, e, s) = (&raw mut real, &raw mut effective, &raw mut saved);
        libc::syscall(libc::SYS_getresuid, r, e, s);
        if (real, effective, saved) != (uid, uid, uid) {
            return Err((Stage::Uid, libc::EPERM));
        }
    }
    Ok(())
}

/// The error number of a raw system call.
fn check(done: c_long) -> Result<(), i32> {
    if done < 0 { Err(errno()) } else { Ok(()) }
}

fn errno() -> i32 {
    // SAFETY: the address of this thread's error number, which the child borrows while its owner
    // waits.
    unsafe { *libc::__errno_location() }
}
