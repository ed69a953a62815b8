//! Starts one child: pipes, environment, and a program in a process of its own.
//!
//! clone(2) with shared memory, as vfork(2) does: the cost does not grow with the daemon, neither
//! with its memory nor with its descriptors. What a child does before it is its program is in
//! `child.rs`.
//!
//! A start waits until the kernel has opened the program's file: one on a file system that does
//! not answer holds the daemon up, as it does for every supervisor that wants to know whether the
//! exec worked.

pub mod child;
mod clone;
pub mod command;
pub mod environment;
mod failure;
mod limits;
mod pipes;

use std::ffi::{CString, NulError, c_char};
use std::fs::File;
use std::io;
use std::iter;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{dup3, getuid};

use self::child::{Descriptors, Failure, Identity, Plan, Stage, Text};
use self::clone::Stack;
pub use self::command::Resolved;
pub use self::environment::BaseEnvironment;
use self::failure::last_words;
use self::pipes::Pipes;
use crate::config::ProcessSettings;
use crate::core::event::{SpawnFailure, SpawnFailureKind};
use crate::model::ProcessId;

/// A child that was started, with our ends of its pipes (not blocking, closed on exec).
#[derive(Debug)]
pub struct Child {
    /// Its process id, which is its process group's too. Nobody but the reaper waits for it.
    pub pid: i32,
    /// Where its stdin is written.
    pub stdin: OwnedFd,
    /// Where its stdout is read.
    pub stdout: OwnedFd,
    /// Where its stderr is read; `None` if that goes with its stdout.
    pub stderr: Option<OwnedFd>,
}

/// What a child gets of the daemon beyond what its settings say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grants<'a> {
    /// The `cgroup.procs` of the control group that it joins before anything else.
    pub place: Option<BorrowedFd<'a>>,
    /// Where it tells how it is (sd_notify(3)).
    pub notify_socket: Option<&'a Path>,
    /// What its standard input is, instead of a pipe.
    pub input: Option<BorrowedFd<'a>>,
}

/// Starts children. To be made early: its descriptors should have low numbers.
#[derive(Debug)]
pub struct Spawner {
    base: BaseEnvironment,
    stack: Stack,
    null: File,
    /// Where a child finds its ends of the pipes: copying the daemon's descriptors up to here is
    /// cheap. Between spawns they are /dev/null, as an end kept here would hold a pipe open.
    slots: [OwnedFd; 3],
    descriptors: Descriptors,
}

impl Spawner {
    /// Reserves what every spawn needs.
    ///
    /// # Errors
    /// No memory or descriptors, or no /dev/null.
    pub fn new(base: BaseEnvironment) -> io::Result<Self> {
        let null = File::options().read(true).write(true).open("/dev/null")?;
        let slot = || null.try_clone().map(OwnedFd::from);
        let slots = [slot()?, slot()?, slot()?];
        let last = slots.iter().map(AsRawFd::as_raw_fd).max().unwrap_or_default();
        let descriptors = Descriptors::CopiedUpTo(last);
        let spawner = Self { base, stack: Stack::new()?, null, slots, descriptors };
        // Closes nothing: no descriptor has this number.
        let has_close_range = child::close_range(RawFd::MAX, 0) == 0;
        Ok(if has_close_range { spawner } else { spawner.without_close_range() })
    }

    /// The same on a kernel before Linux 5.9.
    #[must_use]
    pub fn without_close_range(self) -> Self {
        Self { descriptors: Descriptors::ClosedSingly, ..self }
    }

    /// Whether the program's command line can be executed, as far as can be told before trying.
    ///
    /// # Errors
    /// As [`command::resolve`].
    pub fn resolve(&self, settings: &ProcessSettings) -> Result<Resolved, SpawnFailure> {
        command::resolve(&settings.command, self.base.path(settings))
    }

    /// Starts a child. When this returns it has become its program, or has ended with
    /// [`child::EXIT_NOT_SPAWNED`] because that did not work; then its stderr says why, as the
    /// reference's would.
    ///
    /// # Errors
    /// There is no child: the command cannot be executed, or the system refused a pipe or a
    /// process.
    pub fn spawn(
        &mut self,
        process: &ProcessId,
        settings: &ProcessSettings,
        grants: Grants<'_>,
    ) -> Result<Child, SpawnFailure> {
        let name = &process.name;
        let system = |reason| SpawnFailure { kind: SpawnFailureKind::System, reason };
        let resolved = self.resolve(settings)?;
        let words = Words::new(&self.base, process, settings, grants, &resolved).map_err(|_| {
            let reason = format!("cannot start '{name}': its settings hold a NUL byte");
            SpawnFailure { kind: SpawnFailureKind::NotExecutable, reason }
        })?;
        let pipes = Pipes::new(settings.redirect_stderr).map_err(|errno| {
            system(match errno {
                Errno::EMFILE => format!("too many open files to spawn '{name}'"),
                _ => format!("unknown error making dispatchers for '{name}': {errno:?}"),
            })
        })?;
        let (pid, failed) = self.start(&words, settings, grants, &pipes).map_err(|errno| {
            system(match errno {
                Errno::EAGAIN => {
                    format!("Too many processes in process table to spawn '{name}'")
                }
                _ => format!("unknown error during fork for '{name}': {errno:?}"),
            })
        })?;
        if let Some((stage, errno)) = failed {
            pipes.last_words(&last_words(stage, errno, settings, &resolved));
        }
        let Pipes { stdin, stdout, stderr } = pipes;
        let stderr = stderr.map(|pipe| pipe.ours);
        Ok(Child { pid, stdin: stdin.ours, stdout: stdout.ours, stderr })
    }

    /// The child's process id, and why it did not become its program.
    fn start(
        &mut self,
        words: &Words,
        settings: &ProcessSettings,
        grants: Grants<'_>,
        pipes: &Pipes,
    ) -> nix::Result<(i32, Option<(Stage, Errno)>)> {
        // As the reference: who is that user already stays as it is.
        let user = settings.user.as_ref().filter(|user| user.uid != getuid().as_raw());
        let (arguments, environment) = (pointers(&words.arguments), pointers(&words.environment));
        let limits = limits::for_child(&settings.limits);
        let oom_score_adj = words.oom_score_adj.as_ref();
        let plan = Plan {
            place: grants.place.map(|procs| procs.as_raw_fd()),
            oom_score_adj: oom_score_adj.map(|text| Text { bytes: text.as_ptr(), len: text.len() }),
            limits: limits.as_ptr(),
            limits_len: limits.len(),
            nice: settings.limits.nice,
            file: words.file.as_ptr(),
            arguments: arguments.as_ptr(),
            environment: environment.as_ptr(),
            directory: words.directory.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
            umask: settings.umask,
            identity: user.map(|user| Identity {
                uid: user.uid,
                gid: user.gid,
                groups: user.groups.as_ptr(),
                groups_len: user.groups.len(),
            }),
            standard: self.slots.each_ref().map(AsRawFd::as_raw_fd),
            descriptors: self.descriptors,
            failure: Failure::default(),
        };
        let mut standard = pipes.standard();
        if let Some(input) = grants.input {
            standard[0] = input;
        }
        for (end, slot) in standard.into_iter().zip(&mut self.slots) {
            dup3(end, slot, OFlag::O_CLOEXEC)?;
        }
        // SAFETY: everything the plan points at outlives this function.
        let pid = unsafe { self.stack.start(&plan) };
        for slot in &mut self.slots {
            dup3(&self.null, slot, OFlag::O_CLOEXEC)?;
        }
        Ok((pid?, plan.failure.told()))
    }
}

/// What the system calls of a child take, in their form.
struct Words {
    file: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: Option<CString>,
    oom_score_adj: Option<String>,
}

impl Words {
    fn new(
        base: &BaseEnvironment,
        process: &ProcessId,
        settings: &ProcessSettings,
        grants: Grants<'_>,
        resolved: &Resolved,
    ) -> Result<Self, NulError> {
        let directory = settings.directory.as_ref();
        Ok(Self {
            file: CString::new(resolved.file.as_os_str().as_bytes())?,
            arguments: resolved
                .arguments
                .iter()
                .map(|argument| CString::new(argument.as_bytes()))
                .collect::<Result<_, _>>()?,
            environment: base.block(process, settings, grants.notify_socket)?,
            directory: directory
                .map(|path| CString::new(path.as_os_str().as_bytes()))
                .transpose()?,
            oom_score_adj: settings.limits.oom_score_adj.map(|score| score.to_string()),
        })
    }
}

/// As execve(2) takes a list: pointers, ended by a null one.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain(iter::once(ptr::null())).collect()
}
