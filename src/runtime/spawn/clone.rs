//! A child process on borrowed memory: clone(2) with `CLONE_VM` and `CLONE_VFORK`.

use std::ffi::c_void;
use std::io;
use std::ptr;

use nix::errno::Errno;

use super::child::{self, Descriptors, Plan, SIGNAL_SET_BYTES};

/// The child's stack until it is the program; past it, it dies of the guard page below.
const STACK_BYTES: usize = 64 * 1024;

/// One page or more, on every kernel.
const GUARD_BYTES: usize = 64 * 1024;

/// The stack that one child after the other uses. Never moved nor shared.
#[derive(Debug)]
pub struct Stack {
    base: *mut c_void,
}

// SAFETY: the mapping belongs to this value alone, whichever thread has it.
unsafe impl Send for Stack {}

impl Stack {
    /// Reserves it.
    ///
    /// # Errors
    /// No memory.
    pub fn new() -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        let (length, nobody) = (GUARD_BYTES + STACK_BYTES, libc::PROT_NONE);
        // SAFETY: a new mapping, of which nothing else can know.
        let base = unsafe { libc::mmap(ptr::null_mut(), length, nobody, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Self { base };
        // SAFETY: within the mapping above.
        let opened = unsafe {
            let usable = base.byte_add(GUARD_BYTES);
            libc::mprotect(usable, STACK_BYTES, libc::PROT_READ | libc::PROT_WRITE)
        };
        if opened < 0 { Err(io::Error::last_os_error()) } else { Ok(stack) }
    }

    /// Makes a child that carries out `plan` and waits until it has become its program or ended.
    ///
    /// # Errors
    /// There is no child: the system's limit of processes or memory is reached.
    ///
    /// # Safety
    /// The plan's pointers are valid.
    pub unsafe fn start(&mut self, plan: &Plan) -> Result<i32, Errno> {
        let mut flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        if let Descriptors::CopiedUpTo(_) = plan.descriptors {
            flags |= libc::CLONE_FILES;
        }
        // A handler of the daemon's must not run in the child, where it would act on the
        // daemon's memory.
        let blocked = block_signals();
        // SAFETY: the child runs on this stack, of which its Rust frames use little, while this
        // thread waits; it only reads the plan, and writes atomics.
        let pid = unsafe {
            let top = self.base.byte_add(GUARD_BYTES + STACK_BYTES);
            libc::clone(child::run, top, flags, ptr::from_ref(plan).cast_mut().cast())
        };
        let made = Errno::result(pid);
        restore_signals(blocked);
        made
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the whole mapping, which no child uses: start waits for each.
        unsafe { libc::munmap(self.base, GUARD_BYTES + STACK_BYTES) };
    }
}

/// Blocks every signal and returns what was blocked before.
fn block_signals() -> u64 {
    let (all, mut before) = (u64::MAX, 0_u64);
    let (how, size) = (libc::SIG_SETMASK, SIGNAL_SET_BYTES);
    // SAFETY: both sets are of the size that is passed.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const all, &raw mut before, size);
    }
    before
}

/// Blocks what [`block_signals`] found blocked, and nothing else.
fn restore_signals(before: u64) {
    let (how, none) = (libc::SIG_SETMASK, ptr::null_mut::<c_void>());
    // SAFETY: the set is of the size that is passed.
    unsafe {
        let new = &raw const before;
        libc::syscall(libc::SYS_rt_sigprocmask, how, new, none, SIGNAL_SET_BYTES);
    }
}
