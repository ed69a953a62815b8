//! Lines from standard input, waited for without polling and without a thread.
//!
//! The shell, its questions and `fg` read the same stream one after the other, so what one has
//! read too much is kept here for the next.

use std::io;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::read;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Bytes of a line; a longer one is handed out in pieces of this size.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Standard input.
#[derive(Debug)]
pub struct Input {
    stdin: io::Stdin,
    read: Vec<u8>,
    ended: bool,
}

impl Default for Input {
    fn default() -> Self {
        Self { stdin: io::stdin(), read: Vec::new(), ended: false }
    }
}

impl Input {
    /// The next line without its line feed, or `None` at the end. May be dropped while it waits:
    /// nothing is lost.
    ///
    /// # Errors
    /// If standard input cannot be read.
    pub async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.read.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Ok(Some(text(line.strip_suffix(b"\n").unwrap_or(&line))));
            }
            if self.ended || self.read.len() >= LINE_BYTES_MAX {
                let rest = std::mem::take(&mut self.read);
                return Ok((!rest.is_empty()).then(|| text(&rest)));
            }
            self.readable().await?;
            let mut piece = [0; 4096];
            match read(&self.stdin, &mut piece) {
                Ok(0) => self.ended = true,
                Ok(count) => self.read.extend(piece.iter().take(count)),
                Err(nix::Error::EINTR | nix::Error::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A line that is not shown while it is typed.
    ///
    /// # Errors
    /// If standard input cannot be read.
    pub async fn secret(&mut self) -> io::Result<Option<String>> {
        let _hidden = Hidden::new();
        self.line().await
    }

    /// Waits until a read would not block. The descriptor is left in blocking mode: it is shared
    /// with whoever started us.
    async fn readable(&self) -> io::Result<()> {
        // SAFETY: the descriptor of standard input outlives the registration: nothing closes it.
        let registered =
            unsafe { AsyncFd::register_with_interest(io::stdin(), Interest::READABLE) };
        let ready = match registered.map_err(|error| error.into_parts().1) {
            Ok(ready) => ready,
            // A regular file cannot be waited for (epoll_ctl(2)), and need not be.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => return Ok(()),
            Err(error) => return Err(error),
        };
        loop {
            let mut guard = ready.readable().await?;
            let mut now = [PollFd::new(self.stdin.as_fd(), PollFlags::POLLIN)];
            if poll(&mut now, PollTimeout::ZERO)? > 0 {
                return Ok(());
            }
            guard.clear_ready();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden {
    before: Option<Termios>,
}

impl Hidden {
    fn new() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_flags.remove(LocalFlags::ECHO);
            let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &silent);
        }
        Self { before }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, before);
        }
    }
}
