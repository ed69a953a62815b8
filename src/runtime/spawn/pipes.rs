//! The pipes between the daemon and a child.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::Result;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{pipe2, write};

/// Past this, a child's last words are cut: they must fit into an empty pipe.
const LAST_WORDS_BYTES_MAX: usize = 4096;

/// One pipe. Both ends are closed on exec; the daemon's does not block.
pub struct Pipe {
    /// The daemon's end.
    pub ours: OwnedFd,
    /// The child's end.
    pub childs: OwnedFd,
}

/// All of one child's pipes.
pub struct Pipes {
    /// To its stdin.
    pub stdin: Pipe,
    /// From its stdout.
    pub stdout: Pipe,
    /// From its stderr, unless that goes with its stdout.
    pub stderr: Option<Pipe>,
}

impl Pipes {
    /// Makes them.
    ///
    /// # Errors
    /// `EMFILE` or `ENFILE`: the limit of open files is reached.
    pub fn new(redirect_stderr: bool) -> Result<Self> {
        let (childs, ours) = pipe2(OFlag::O_CLOEXEC)?;
        let stdin = Pipe { ours, childs };
        let (ours, childs) = pipe2(OFlag::O_CLOEXEC)?;
        let stdout = Pipe { ours, childs };
        let stderr = if redirect_stderr {
            None
        } else {
            let (ours, childs) = pipe2(OFlag::O_CLOEXEC)?;
            Some(Pipe { ours, childs })
        };
        let pipes = Self { stdin, stdout, stderr };
        for pipe in [&pipes.stdin, &pipes.stdout].into_iter().chain(&pipes.stderr) {
            fcntl(&pipe.ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(pipes)
    }

    /// What becomes the child's descriptors 0, 1 and 2.
    pub fn standard(&self) -> [BorrowedFd<'_>; 3] {
        let stderr = self.stderr.as_ref().unwrap_or(&self.stdout);
        [self.stdin.childs.as_fd(), self.stdout.childs.as_fd(), stderr.childs.as_fd()]
    }

    /// Says on the child's stderr why it did not become its program, in the reference's words.
    pub fn last_words(&self, why: &str) {
        let mut words = format!("supervisor: {why}").into_bytes();
        let end = b"\nsupervisor: child process was not spawned\n";
        words.truncate(LAST_WORDS_BYTES_MAX - end.len());
        words.extend_from_slice(end);
        let [_, _, stderr] = self.standard();
        // An empty pipe of ours takes them at once. They are only words: if not, the exit status
        // still tells.
        _ = write(stderr, &words);
    }
}
