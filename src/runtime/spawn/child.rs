//! What happens between clone(2) and execve(2): raw system calls on memory that is the daemon's.
//!
//! The child shares the daemon's memory while the daemon's thread waits for it, so that starting
//! a program costs the same however large the daemon is. Therefore nothing here allocates, locks,
//! panics or calls a C library function with a mind of its own (setuid(3) would tell the daemon's
//! other threads to change their user, too).

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
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

/// Where a process says how soon it may be killed for memory (proc_pid_oom_score_adj(5)).
const OOM_SCORE_ADJ: &CStr = c"/proc/self/oom_score_adj";

/// What the child is to do, prepared so that it only has to do it.
pub struct Plan {
    /// The `cgroup.procs` of the control group to join; `None` to stay in the daemon's.
    pub place: Option<RawFd>,
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
    /// What `/proc/self/oom_score_adj` is told, a decimal number; `None` leaves the daemon's.
    pub oom_score_adj: Option<Text>,
    /// Limits to set.
    pub limits: *const Limit,
    /// How many.
    pub limits_len: usize,
    /// The nice value; `None` leaves the daemon's.
    pub nice: Option<c_int>,
    /// Whom to become; `None` to stay who the daemon is.
    pub identity: Option<Identity>,
    /// Descriptors that become 0, 1 and 2. All are above 2.
    pub standard: [RawFd; 3],
    /// How the descriptors of the daemon are got rid of.
    pub descriptors: Descriptors,
    /// Where the child says what did not work.
    pub failure: Failure,
}

/// Bytes of somebody else's.
#[derive(Clone, Copy)]
pub struct Text {
    /// The first.
    pub bytes: *const u8,
    /// How many.
    pub len: usize,
}

/// A limit as prlimit(2) takes it.
#[derive(Clone, Copy)]
pub struct Limit {
    /// `RLIMIT_NOFILE` and its like.
    pub resource: c_int,
    /// Both limits. The kernel's form, the same on every architecture.
    pub limit: libc::rlimit64,
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

/// What a child can say about its failure.
type Failed = (Stage, i32);

/// The steps of a [`Plan`] that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Joining its control group.
    Cgroup,
    /// Giving it descriptors 0 to 2 and no others.
    Descriptors,
    /// Writing /proc/self/oom_score_adj.
    OomScoreAdj,
    /// setpriority(2).
    Nice,
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
    /// prlimit(2), of the limit with this index.
    Limit(usize),
}

/// The steps that happen once, by the number that stands for them; 0 is none. Greater numbers
/// are those of limits.
const STAGES: [Stage; 9] = [
    Stage::Cgroup,
    Stage::Descriptors,
    Stage::OomScoreAdj,
    Stage::Nice,
    Stage::Groups,
    Stage::Gid,
    Stage::Uid,
    Stage::Directory,
    Stage::Exec,
];

impl Failure {
    /// The step that failed and why, or `None` if the program runs.
    pub fn told(&self) -> Option<(Stage, Errno)> {
        let number = usize::try_from(self.stage.load(Ordering::Relaxed)).ok()?;
        let index = number.checked_sub(1)?;
        let beyond = || Stage::Limit(index - STAGES.len());
        let stage = STAGES.get(index).copied().unwrap_or_else(beyond);
        Some((stage, Errno::from_raw(self.errno.load(Ordering::Relaxed))))
    }

    /// Takes note of it, in the child.
    fn tell(&self, (stage, errno): Failed) {
        let index = match stage {
            // There are fewer than RLIM_NLIMITS.
            Stage::Limit(index) => STAGES.len() + index,
            single => STAGES.iter().position(|&known| known == single).unwrap_or_default(),
        };
        self.errno.store(errno, Ordering::Relaxed);
        self.stage.store(index as i32 + 1, Ordering::Relaxed);
    }
}

/// The child's whole life as ours. `argument` is a `*const Plan`.
pub extern "C" fn run(argument: *mut c_void) -> c_int {
    // SAFETY: the parent passes its Plan and waits, so that it outlives this.
    let plan = unsafe { &*argument.cast::<Plan>() };
    // SAFETY: this is the child, and the plan's pointers are valid as its maker promised.
    let Err(failed) = unsafe { become_program(plan) };
    plan.failure.tell(failed);
    // SAFETY: ends this process without running the daemon's exit handlers.
    unsafe { libc::_exit(EXIT_NOT_SPAWNED) }
}

/// Only returns if it failed.
///
/// # Safety
/// To be called in the child alone, with a plan whose pointers are valid.
unsafe fn become_program(plan: &Plan) -> Result<std::convert::Infallible, Failed> {
    // SAFETY: raw system calls whose pointers are the plan's or of this frame.
    unsafe {
        // First, so that nothing of it happens outside, and while the descriptor is there.
        if let Some(procs) = plan.place {
            // 0 is whoever writes it.
            let done = libc::syscall(libc::SYS_write, procs, c"0".as_ptr(), 1);
            check(done).map_err(|errno| (Stage::Cgroup, errno))?;
        }
        // A child that was just made can always have a process group of its own.
        libc::syscall(libc::SYS_setpgid, 0, 0);
        descriptors(plan).map_err(|errno| (Stage::Descriptors, errno))?;
        signals();
        // While it still has the daemon's rights.
        limits(plan)?;
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

/// The process's place among others. A descriptor is needed before the limit of descriptors is
/// set; `limit_nice` can be what allows a lower nice value.
///
/// # Safety
/// As [`become_program`].
unsafe fn limits(plan: &Plan) -> Result<(), Failed> {
    // SAFETY: the text and the limits are the plan's; no old limit is asked for.
    unsafe {
        if let Some(Text { bytes, len }) = plan.oom_score_adj {
            let (at, flags) = (libc::AT_FDCWD, libc::O_WRONLY | libc::O_CLOEXEC);
            let file = libc::syscall(libc::SYS_openat, at, OOM_SCORE_ADJ.as_ptr(), flags, 0);
            check(file).map_err(|errno| (Stage::OomScoreAdj, errno))?;
            let done = libc::syscall(libc::SYS_write, file, bytes, len);
            check(done).map_err(|errno| (Stage::OomScoreAdj, errno))?;
            libc::syscall(libc::SYS_close, file);
        }
        for index in 0..plan.limits_len {
            let limit = plan.limits.add(index);
            let (resource, new) = ((*limit).resource, &raw const (*limit).limit);
            let no_old = ptr::null_mut::<libc::rlimit64>();
            let done = libc::syscall(libc::SYS_prlimit64, 0, resource, new, no_old);
            check(done).map_err(|errno| (Stage::Limit(index), errno))?;
        }
        if let Some(nice) = plan.nice {
            let done = libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice);
            check(done).map_err(|errno| (Stage::Nice, errno))?;
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

/// The calls that change who a process is. Two architectures have older calls of the same names
/// that take 16 bits only.
#[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
mod identity_calls {
    pub use libc::{SYS_getresgid, SYS_getresuid, SYS_setgroups, SYS_setresgid, SYS_setresuid};
}
#[cfg(any(target_arch = "x86", target_arch = "arm"))]
mod identity_calls {
    pub use libc::{
        SYS_getresgid32 as SYS_getresgid, SYS_getresuid32 as SYS_getresuid,
        SYS_setgroups32 as SYS_setgroups, SYS_setresgid32 as SYS_setresgid,
        SYS_setresuid32 as SYS_setresuid,
    };
}

/// Groups, group, user: in this order, as after the last there is no right to the others. Each is
/// verified.
///
/// # Safety
/// As [`become_program`].
unsafe fn become_user(identity: &Identity) -> Result<(), Failed> {
    let Identity { uid, gid, groups, groups_len } = *identity;
    // SAFETY: the groups are the plan's; the ids are of this frame.
    unsafe {
        let done = libc::syscall(identity_calls::SYS_setgroups, groups_len, groups);
        check(done).map_err(|errno| (Stage::Groups, errno))?;
        let done = libc::syscall(identity_calls::SYS_setresgid, gid, gid, gid);
        check(done).map_err(|errno| (Stage::Gid, errno))?;
        let done = libc::syscall(identity_calls::SYS_setresuid, uid, uid, uid);
        check(done).map_err(|errno| (Stage::Uid, errno))?;
        let (mut real, mut effective, mut saved) = (!gid, !gid, !gid);
        let (r, e, s) = (&raw mut real, &raw mut effective, &raw mut saved);
        libc::syscall(identity_calls::SYS_getresgid, r, e, s);
        if (real, effective, saved) != (gid, gid, gid) {
            return Err((Stage::Gid, libc::EPERM));
        }
        (real, effective, saved) = (!uid, !uid, !uid);
        let (r, e, s) = (&raw mut real, &raw mut effective, &raw mut saved);
        libc::syscall(identity_calls::SYS_getresuid, r, e, s);
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
