//! A target that is no regular file: standard output, a terminal, a pipe, a socket.
//!
//! Its reader may be slow, frozen or gone. A slow one slows the programs that write to it, as if
//! they wrote to it themselves; a frozen one does so for [`PATIENCE`], then its bytes are dropped.

use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, SockType, getsockopt, send, sockopt};
use nix::unistd;

use super::pump::Moment;

/// How long a reader may take nothing at all before what waits for it is dropped.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes that may wait for a slow reader. Programs stop being read long before; this bounds the
/// activity log's lines, and past it they are dropped and counted.
const PENDING_BYTES_MAX: usize = 1 << 20;

/// What one write to a shared descriptor may hold, so that it cannot block once poll(2) has said
/// that there is room (`PIPE_BUF` of pipe(7)).
const SHARED_WRITE_BYTES: usize = 4096;

/// An open stream and what it has not yet taken.
#[derive(Debug)]
pub(super) struct StreamOutput {
    door: Door,
    pending: Vec<u8>,
    /// Since when nothing was taken although something waits.
    stuck_since: Option<Moment>,
}

#[derive(Debug)]
enum Door {
    /// A description of our own, so that `O_NONBLOCK` is nobody else's business.
    Own(File),
    /// The daemon's own standard socket (systemd's journal), shared with others.
    Socket(OwnedFd),
    /// The daemon's own standard descriptor where it cannot be opened anew, shared with others.
    Shared(OwnedFd),
}

impl StreamOutput {
    /// Of an opened, non-blocking description that is ours alone.
    pub fn own(file: File) -> Self {
        Self::new(Door::Own(file))
    }

    /// Of the standard descriptor that `path` means, for when it cannot be opened anew: it is a
    /// socket, or another user's.
    pub fn standard(path: &Path) -> Option<io::Result<Self>> {
        let stdio = standard_descriptor(path)?;
        Some(stdio.try_clone_to_owned().map(|fd| {
            let socket = getsockopt(&fd, sockopt::SockType).is_ok_and(|t: SockType| {
                matches!(t, SockType::Stream | SockType::Datagram | SockType::SeqPacket)
            });
            Self::new(if socket { Door::Socket(fd) } else { Door::Shared(fd) })
        }))
    }

    fn new(door: Door) -> Self {
        Self { door, pending: Vec::new(), stuck_since: None }
    }

    /// Whether something waits: no more should be read for this stream.
    pub fn is_blocked(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes what can be written and keeps the rest.
    ///
    /// # Errors
    /// The reader is gone, was frozen for [`PATIENCE`], or far too much waits. The caller then
    /// takes [`StreamOutput::discard`] to know how much is lost.
    pub fn write(&mut self, bytes: &[u8], now: Moment) -> io::Result<()> {
        if self.is_blocked() {
            self.pending.extend_from_slice(bytes);
            self.flush(now)?;
        } else {
            let (taken, outcome) = self.door.push(bytes);
            self.pending.extend_from_slice(bytes.get(taken..).unwrap_or_default());
            outcome?;
            self.judge(taken, now)?;
        }
        if self.pending.len() > PENDING_BYTES_MAX { Err(unread()) } else { Ok(()) }
    }

    /// Tries again to write what waits.
    ///
    /// # Errors
    /// As [`StreamOutput::write`].
    pub fn flush(&mut self, now: Moment) -> io::Result<()> {
        let (taken, outcome) = self.door.push(&self.pending);
        self.pending.drain(..taken);
        outcome?;
        self.judge(taken, now)
    }

    fn judge(&mut self, taken: usize, now: Moment) -> io::Result<()> {
        if self.pending.is_empty() {
            self.pending = Vec::new();
            self.stuck_since = None;
            return Ok(());
        }
        if taken > 0 {
            self.stuck_since = Some(now);
        }
        let since = *self.stuck_since.get_or_insert(now);
        if now.saturating_sub(since) < PATIENCE { Ok(()) } else { Err(unread()) }
    }

    /// Forgets what waits, and tells how many bytes that were.
    pub fn discard(&mut self) -> usize {
        self.stuck_since = None;
        mem::take(&mut self.pending).len()
    }
}

fn unread() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nobody reads it")
}

impl Door {
    /// Writes until it would block: how many bytes were taken, and the failure that ended it.
    fn push(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            match self.write(rest) {
                Ok(n) => taken += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return (taken, Err(error)),
            }
        }
        (taken, Ok(()))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Own(file) => file.write(bytes),
            Self::Socket(fd) => {
                let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                Ok(send(fd.as_raw_fd(), bytes, flags)?)
            }
            Self::Shared(fd) => {
                let mut asked = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
                if poll(&mut asked, PollTimeout::ZERO)? == 0 {
                    return Err(Errno::EAGAIN.into());
                }
                Ok(unistd::write(fd, bytes.chunks(SHARED_WRITE_BYTES).next().unwrap_or_default())?)
            }
        }
    }
}

fn standard_descriptor(path: &Path) -> Option<BorrowedFd<'static>> {
    // SAFETY: the standard descriptors stay open as long as the process lives.
    let standard = |fd| Some(unsafe { BorrowedFd::borrow_raw(fd) });
    match path.to_str()? {
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => standard(1),
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => standard(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn full_pipe() -> (StreamOutput, File) {
        let (reader, writer) = unistd::pipe().unwrap();
        let flags = nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK);
        nix::fcntl::fcntl(&writer, flags).unwrap();
        (StreamOutput::own(writer.into()), reader.into())
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_slow_reader_gets_every_byte() {
        let (mut stream, mut reader) = full_pipe();
        stream.write(&[b'x'; 100_000], SECOND).unwrap();
        assert!(stream.is_blocked());
        let (mut seen, mut now) = (0, SECOND);
        while seen < 100_000 {
            seen += reader.read(&mut [0; 30_000]).unwrap();
            now += PATIENCE - SECOND;
            stream.flush(now).unwrap();
        }
        assert_eq!((seen, stream.is_blocked()), (100_000, false));
    }

    #[test]
    fn a_frozen_reader_is_given_up_after_a_while() {
        let (mut stream, _reader) = full_pipe();
        stream.write(&[b'x'; 100_000], SECOND).unwrap();
        stream.flush(SECOND + PATIENCE / 2).unwrap();
        assert!(stream.flush(SECOND + PATIENCE).is_err());
        assert_eq!(stream.discard(), 100_000 - 65_536);
        assert!(!stream.is_blocked());
    }

    #[test]
    fn a_reader_that_is_gone_is_an_error_and_nothing_worse() {
        let (mut stream, reader) = full_pipe();
        drop(reader);
        assert_eq!(stream.write(b"x", SECOND).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
