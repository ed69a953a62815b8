//! Writes to a child's standard input.
//!
//! What the pipe takes at once is written at once. Only what it does not take is kept, and only
//! then is there a task and an entry with the event loop: a fleet whose programs are not written
//! to costs one descriptor each and nothing else.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::unistd::write;
use tokio::net::unix::pipe::Sender;
use tokio::task::AbortHandle;

use crate::model;

/// Bytes that may wait for one program to read them; a write that would go past it is refused
/// whole.
pub const STDIN_PENDING_BYTES_MAX: usize = 4 << 20;

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdinError {
    /// Nobody will ever read it: the program has closed its standard input.
    Closed,
    /// [`STDIN_PENDING_BYTES_MAX`] is reached: the program does not read.
    Full,
}

/// The reference answers a closed one with `NO_FILE`; it knows no limit.
impl From<StdinError> for model::ErrorKind {
    fn from(error: StdinError) -> Self {
        match error {
            StdinError::Closed => Self::NoFile,
            StdinError::Full => Self::Failed,
        }
    }
}

/// The daemon's end of a child's standard input. Dropping it closes the pipe; what is pending
/// is lost.
#[derive(Debug)]
pub struct StdinWriter {
    shared: Arc<Shared>,
    drain: Option<AbortHandle>,
}

#[derive(Debug)]
struct Shared {
    pipe: OwnedFd,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// What the program has not read yet. While it is not empty, a task writes it.
    Open(VecDeque<u8>),
    Closed,
}

impl StdinWriter {
    /// Takes a pipe that does not block.
    #[must_use]
    pub fn new(pipe: OwnedFd) -> Self {
        let state = Mutex::new(State::Open(VecDeque::new()));
        Self { shared: Arc::new(Shared { pipe, state }), drain: None }
    }

    /// Writes `bytes` now, or as soon as the program has read what is before them. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// See [`StdinError`]. Nothing was taken.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StdinError> {
        self.write_up_to(STDIN_PENDING_BYTES_MAX, bytes)
    }

    /// Writes an event to its listener. It has read the one before, so there is room for this one
    /// however large it is.
    ///
    /// # Errors
    /// As [`StdinWriter::write`].
    pub fn deliver(&mut self, event: &[u8]) -> Result<(), StdinError> {
        self.write_up_to(STDIN_PENDING_BYTES_MAX.max(event.len()), event)
    }

    fn write_up_to(&mut self, most: usize, bytes: &[u8]) -> Result<(), StdinError> {
        let mut state = self.shared.lock();
        let State::Open(pending) = &mut *state else {
            return Err(StdinError::Closed);
        };
        if pending.len() + bytes.len() > most {
            return Err(StdinError::Full);
        }
        let idle = pending.is_empty();
        pending.extend(bytes);
        if idle {
            if write_some(pending, |bytes| Ok(write(&self.shared.pipe, bytes)?)).is_err() {
                *state = State::Closed;
                return Err(StdinError::Closed);
            }
            if !pending.is_empty() {
                self.drain = Some(tokio::spawn(drain(Arc::clone(&self.shared))).abort_handle());
            }
        }
        Ok(())
    }
}

impl Drop for StdinWriter {
    fn drop(&mut self) {
        if let Some(drain) = &self.drain {
            drain.abort();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is pending as the program reads it.
async fn drain(shared: Arc<Shared>) {
    // A descriptor of its own, so that the event loop never knows one twice.
    let Ok(pipe) = shared.pipe.try_clone().and_then(Sender::from_owned_fd) else {
        // No descriptor or watch is to be had: what is pending cannot be delivered.
        *shared.lock() = State::Closed;
        return;
    };
    while pipe.writable().await.is_ok() {
        let mut state = shared.lock();
        let State::Open(pending) = &mut *state else {
            return;
        };
        match write_some(pending, |bytes| pipe.try_write(bytes)) {
            Err(_) => *state = State::Closed,
            Ok(()) if pending.is_empty() => {}
            Ok(()) => continue,
        }
        return;
    }
}

/// Writes until there is nothing left, not even the memory, or the pipe is full.
fn write_some(
    pending: &mut VecDeque<u8>,
    write: impl Fn(&[u8]) -> io::Result<usize>,
) -> io::Result<()> {
    loop {
        let (front, _) = pending.as_slices();
        if front.is_empty() {
            *pending = VecDeque::new();
            return Ok(());
        }
        match write(front) {
            Ok(written) => drop(pending.drain(..written)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use nix::fcntl::OFlag;

    use super::*;

    fn writer() -> (StdinWriter, std::fs::File) {
        let (theirs, ours) = nix::unistd::pipe2(OFlag::O_NONBLOCK).unwrap();
        (StdinWriter::new(ours), theirs.into())
    }

    /// Reads in another thread, as another process would.
    fn read_all(theirs: std::fs::File) -> std::thread::JoinHandle<Vec<u8>> {
        nix::fcntl::fcntl(&theirs, nix::fcntl::FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        std::thread::spawn(move || {
            let (mut theirs, mut bytes) = (theirs, Vec::new());
            theirs.read_to_end(&mut bytes).unwrap();
            bytes
        })
    }

    fn is_idle(writer: &StdinWriter) -> bool {
        matches!(&*writer.shared.lock(), State::Open(pending) if pending.capacity() == 0)
    }

    #[tokio::test]
    async fn what_fits_is_written_without_a_task() {
        let (mut writer, theirs) = writer();
        writer.write(b"one ").unwrap();
        writer.write(b"").unwrap();
        writer.write("zw\u{f6}lf".as_bytes()).unwrap();
        assert!(writer.drain.is_none());
        drop(writer);
        assert_eq!(read_all(theirs).join().unwrap(), "one zw\u{f6}lf".as_bytes());
    }

    #[tokio::test]
    async fn what_does_not_fit_follows_in_order_as_it_is_read() {
        let (mut writer, theirs) = writer();
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
        writer.write(&bytes).unwrap();
        writer.write(b"end").unwrap();
        let reader = read_all(theirs);
        while !is_idle(&writer) {
            tokio::task::yield_now().await;
        }
        // A second time, with a task of its own.
        writer.write(&bytes).unwrap();
        while !is_idle(&writer) {
            tokio::task::yield_now().await;
        }
        drop(writer);
        let read = reader.join().unwrap();
        assert!(read == [bytes.as_slice(), b"end", &bytes].concat());
    }

    #[tokio::test]
    async fn a_program_that_does_not_read_is_full_at_the_limit() {
        let (mut writer, _theirs) = writer();
        assert_eq!(writer.write(&vec![0; STDIN_PENDING_BYTES_MAX + 1]), Err(StdinError::Full));
        writer.write(&vec![0; STDIN_PENDING_BYTES_MAX]).unwrap();
        assert_eq!(writer.write(&vec![0; STDIN_PENDING_BYTES_MAX]), Err(StdinError::Full));
        // Some of it went into the pipe.
        writer.write(&[0; 4096]).unwrap();
        let (mut writer, _theirs) = self::writer();
        writer.deliver(&vec![0; STDIN_PENDING_BYTES_MAX + 1]).unwrap();
        assert_eq!(writer.deliver(&vec![0; STDIN_PENDING_BYTES_MAX + 1]), Err(StdinError::Full));
    }

    #[tokio::test]
    async fn a_closed_standard_input_is_told() {
        let (mut writer, theirs) = writer();
        writer.write(&vec![0; 1_000_000]).unwrap();
        drop(theirs);
        while !matches!(&*writer.shared.lock(), State::Closed) {
            tokio::task::yield_now().await;
        }
        assert_eq!(writer.write(b"x"), Err(StdinError::Closed));
        let (mut writer, theirs) = self::writer();
        drop(theirs);
        assert_eq!(writer.write(b"x"), Err(StdinError::Closed));
    }

    #[tokio::test]
    async fn dropping_it_closes_the_pipe_whatever_is_pending() {
        let (mut writer, theirs) = writer();
        writer.write(&vec![0; 1_000_000]).unwrap();
        tokio::task::yield_now().await;
        drop(writer);
        tokio::task::yield_now().await;
        assert!(read_all(theirs).join().unwrap().len() < 1_000_000);
    }
}
