//! `supervisord hash-password`: makes of a password what the configuration may hold in its place.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::read;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::http::auth::password;

/// Bytes of a password; a longer one is refused.
const PASSWORD_BYTES_MAX: usize = 1024;
const SALT_BYTES: usize = 16;

/// Asks for a password, twice on a terminal, and answers with its hash.
///
/// # Errors
/// In words: there is none, or not the same twice.
pub(super) fn hash_password() -> Result<String, String> {
    let password = if io::stdin().is_terminal() { ask_twice()? } else { first_line()? };
    if password.is_empty() {
        return Err("the password is empty".to_owned());
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(format!("the password is longer than {PASSWORD_BYTES_MAX} bytes"));
    }
    let mut salt = [0; SALT_BYTES];
    let random = SystemRandom::new().fill(&mut salt);
    random.map_err(|_| "the system gives no random numbers".to_owned())?;
    password::hash(&password, &salt).map_err(|why| format!("cannot hash the password: {why}"))
}

/// What a program writes, up to a line feed.
fn first_line() -> Result<Vec<u8>, String> {
    let mut input = Vec::new();
    let limit = u64::try_from(PASSWORD_BYTES_MAX).unwrap_or(u64::MAX) + 2;
    let read = io::stdin().take(limit).read_to_end(&mut input);
    read.map_err(|why| format!("cannot read the password: {why}"))?;
    Ok(line(&input).to_vec())
}

fn line(input: &[u8]) -> &[u8] {
    let line = input.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn ask_twice() -> Result<Vec<u8>, String> {
    let cannot = |why: io::Error| format!("cannot read the password: {why}");
    // Hidden before the question is there: somebody may type as soon as it is.
    let hidden = Hidden::new().map_err(cannot)?;
    let first = hidden.ask("Password: ").map_err(cannot)?;
    let second = hidden.ask("The same again: ").map_err(cannot)?;
    if first == second { Ok(first) } else { Err("the two are not the same".to_owned()) }
}

/// A terminal that does not show what is typed, until this is dropped. What would end or stop
/// this process waits until then.
struct Hidden {
    before: Termios,
    held: SigSet,
    signals: SignalFd,
}

impl Hidden {
    fn new() -> io::Result<Self> {
        let held =
            [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGTSTP];
        let held: SigSet = held.into_iter().collect();
        let signals = SignalFd::with_flags(&held, SfdFlags::SFD_CLOEXEC)?;
        let before = tcgetattr(io::stdin())?;
        held.thread_block()?;
        let hidden = Self { before, held, signals };
        let mut silent = hidden.before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &silent)?;
        Ok(hidden)
    }

    fn ask(&self, question: &str) -> io::Result<Vec<u8>> {
        let mut terminal = io::stderr();
        terminal.write_all(question.as_bytes())?;
        let typed = self.line();
        terminal.write_all(b"\n")?;
        typed
    }

    /// A line that is not shown while it is typed.
    fn line(&self) -> io::Result<Vec<u8>> {
        let mut typed = Vec::new();
        loop {
            let stdin = io::stdin();
            let mut ready = [
                PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            poll(&mut ready, PollTimeout::NONE)?;
            if ready[1].any().unwrap_or(false) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let mut piece = [0; PASSWORD_BYTES_MAX + 2];
            let count = read(stdin, &mut piece)?;
            typed.extend(piece.iter().take(count));
            if count == 0 || typed.contains(&b'\n') || typed.len() > PASSWORD_BYTES_MAX {
                return Ok(line(&typed).to_vec());
            }
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &self.before);
        // Now what was held back does what it does.
        _ = self.held.thread_unblock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_it_ends() {
        for (input, wanted) in
            [("p q\n", "p q"), ("p\r\nx", "p"), ("p", "p"), ("\n", ""), ("", ""), (" p ", " p ")]
        {
            assert_eq!(line(input.as_bytes()), wanted.as_bytes(), "{input:?}");
        }
    }
}
