//! The way in to the core from everywhere else: send a command, watch snapshots.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::core::{Command, Mood, Reply};
use crate::model::{Error, ErrorKind, Snapshot};

/// Commands that may wait for the driver; a sender past it waits in turn.
pub const COMMANDS_PENDING_MAX: usize = 1024;

/// Something on its way to the driver.
#[derive(Debug)]
pub enum Request {
    /// A command for the core.
    Command {
        /// What is asked.
        command: Command,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Reply, Error>>,
    },
    /// Whether the loop turns: the driver answers by itself.
    Heartbeat(oneshot::Sender<()>),
}

/// Cheap to clone; one for each face and task.
#[derive(Clone, Debug)]
pub struct CoreHandle {
    requests: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl CoreHandle {
    /// A handle and what the driver keeps of it.
    #[must_use]
    pub fn new(
        first: Arc<Snapshot>,
    ) -> (Self, mpsc::Receiver<Request>, watch::Sender<Arc<Snapshot>>) {
        let (requests, incoming) = mpsc::channel(COMMANDS_PENDING_MAX);
        let (publish, snapshots) = watch::channel(first);
        (Self { requests, snapshots }, incoming, publish)
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The command's own, or `ShutdownState` if the supervisor is gone.
    pub async fn command(&self, command: Command) -> Result<Reply, Error> {
        let (reply, answer) = oneshot::channel();
        let gone = |_| Error::from(ErrorKind::ShutdownState);
        self.requests.send(Request::Command { command, reply }).await.map_err(|_| gone(()))?;
        answer.await.map_err(|_| gone(()))?
    }

    /// Returns when the driver's loop has come round; at once if the driver is gone.
    pub async fn heartbeat(&self) {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request::Heartbeat(reply)).await.is_ok() {
            _ = answer.await;
        }
    }

    /// The fleet as the last turn left it.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// A receiver of its own, to wait for changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
}

/// What a [`Mood`] is called in a message.
impl std::fmt::Display for Mood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shutdown => "shutdown",
            Self::Restart => "restart",
        })
    }
}
