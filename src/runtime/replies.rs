//! What event listeners say on their standard output, read by the supervisor itself.
//!
//! It is read when there is something, and before the exit of a listener is acted upon, so that
//! an answer given with the last breath counts. What a grandchild says later is nobody's.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::unistd::read;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::model::ProcessId;

/// Bytes that one listener may say in a turn; the rest waits for the next.
const TURN_BYTES_MAX: usize = 64 << 10;

/// Bytes that are read of a listener that has ended: more than a pipe holds.
const LAST_BYTES_MAX: usize = 2 << 20;

/// The pipes from every listener that runs.
#[derive(Debug)]
pub struct Replies {
    open: HashMap<ProcessId, Reply>,
    woken: (mpsc::UnboundedSender<ProcessId>, mpsc::UnboundedReceiver<ProcessId>),
}

#[derive(Debug)]
struct Reply {
    pipe: Arc<AsyncFd<OwnedFd>>,
    /// Tells when there is something to read.
    watch: AbortHandle,
}

impl Default for Replies {
    fn default() -> Self {
        Self { open: HashMap::new(), woken: mpsc::unbounded_channel() }
    }
}

impl Replies {
    /// Takes the reading end of a listener's pipe, which does not block. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// The event loop cannot watch it.
    pub fn open(&mut self, process: &ProcessId, pipe: OwnedFd) -> io::Result<()> {
        // SAFETY: the descriptor is the pipe's own, always the same, open while it lives.
        let pipe = unsafe { AsyncFd::register_with_interest(pipe, Interest::READABLE)? };
        let pipe = Arc::new(pipe);
        let watch = tokio::spawn(watch(pipe.clone(), process.clone(), self.woken.0.clone()));
        self.open.insert(process.clone(), Reply { pipe, watch: watch.abort_handle() });
        Ok(())
    }

    /// The listener has no child any more.
    pub fn close(&mut self, process: &ProcessId) {
        self.open.remove(process);
    }

    /// Waits until a listener has said something, which [`Self::take`] gives. Can be cancelled.
    pub async fn woken(&mut self) -> ProcessId {
        match self.woken.1.recv().await {
            Some(process) => process,
            // Not while this holds a sender.
            None => std::future::pending().await,
        }
    }

    /// What a listener has said and nobody has taken yet, without waiting.
    pub fn take(&mut self, process: &ProcessId) -> Option<Vec<u8>> {
        self.read(process, TURN_BYTES_MAX)
    }

    /// The same for a listener that has ended: whatever there is.
    pub fn take_last(&mut self, process: &ProcessId) -> Option<Vec<u8>> {
        self.read(process, LAST_BYTES_MAX)
    }

    fn read(&mut self, process: &ProcessId, most: usize) -> Option<Vec<u8>> {
        let reply = self.open.get(process)?;
        let mut said = Vec::new();
        let mut chunk = [0; 4096];
        while said.len() < most {
            match read(reply.pipe.get_ref(), &mut chunk) {
                Ok(0) => {
                    // It has closed its standard output; nothing more can come.
                    self.close(process);
                    return Some(said);
                }
                Ok(count) => {
                    said.extend_from_slice(chunk.get(..count).unwrap_or_default());
                }
                Err(Errno::EINTR) => {}
                Err(_) => return Some(said),
            }
        }
        // There may be more, of which nobody would tell.
        _ = self.woken.0.send(process.clone());
        Some(said)
    }
}

/// Says each time that there is something new to read.
async fn watch(
    pipe: Arc<AsyncFd<OwnedFd>>,
    process: ProcessId,
    woken: mpsc::UnboundedSender<ProcessId>,
) {
    while let Ok(mut ready) = pipe.readable().await {
        // One that nobody can write to any more is readable for ever.
        let closed = ready.ready().is_read_closed();
        // Before it is read: what comes later is told again.
        ready.clear_ready();
        if woken.send(process.clone()).is_err() || closed {
            return;
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

#[cfg(test)]
mod tests {
    use nix::fcntl::OFlag;
    use nix::unistd::{pipe2, write};

    use super::*;

    #[tokio::test]
    async fn what_is_said_is_told_and_taken_once() {
        let (ours, theirs) = pipe2(OFlag::O_NONBLOCK).unwrap();
        let (mut replies, ear) = (Replies::default(), ProcessId::new("ear", "ear"));
        replies.open(&ear, ours).unwrap();
        for text in ["READY\n", "RESULT 2\nOK"] {
            write(&theirs, text.as_bytes()).unwrap();
            assert_eq!(replies.woken().await, ear);
            assert_eq!(replies.take(&ear), Some(text.as_bytes().to_vec()));
        }
        assert_eq!(replies.take(&ear), Some(Vec::new()));
        let much = vec![b'x'; TURN_BYTES_MAX];
        // A pipe holds that much, and a little was not taken.
        let written = write(&theirs, &much).unwrap();
        let mut taken = 0;
        while taken < written {
            replies.woken().await;
            taken += replies.take(&ear).unwrap().len();
        }
        write(&theirs, b"last").unwrap();
        drop(theirs);
        assert_eq!(replies.take_last(&ear), Some(b"last".to_vec()));
        assert_eq!(replies.take_last(&ear), Some(Vec::new()));
        assert_eq!(replies.take(&ear), None, "it is closed");
    }
}
