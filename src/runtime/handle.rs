//! The way in to the core from everywhere else: send a command, watch snapshots.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};

use super::meters::LoopMeters;
use super::usage::Meter;
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
        /// Since when it waits.
        since: Instant,
    },
    /// Whether the loop turns: the driver answers by itself.
    Heartbeat(oneshot::Sender<()>),
}

/// Cheap to clone; one for each face and task.
#[derive(Clone, Debug)]
pub struct CoreHandle {
    requests: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    meters: Arc<LoopMeters>,
    usage: Arc<Meter>,
}

impl CoreHandle {
    /// A handle and what the driver keeps of it.
    #[must_use]
    pub fn new(
        first: Arc<Snapshot>,
    ) -> (Self, mpsc::Receiver<Request>, watch::Sender<Arc<Snapshot>>) {
        let (requests, incoming) = mpsc::channel(COMMANDS_PENDING_MAX);
        let (publish, snapshots) = watch::channel(first);
        let (meters, usage) = (Arc::default(), Arc::new(Meter::new(None)));
        (Self { requests, snapshots, meters, usage }, incoming, publish)
    }

    /// The same with this meter of what programs use.
    #[must_use]
    pub fn measuring(self, usage: Meter) -> Self {
        Self { usage: Arc::new(usage), ..self }
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The command's own, or `ShutdownState` if the supervisor is gone.
    pub async fn command(&self, command: Command) -> Result<Reply, Error> {
        let (reply, answer) = oneshot::channel();
        let gone = |_| Error::from(ErrorKind::ShutdownState);
        let request = Request::Command { command, reply, since: Instant::now() };
        self.requests.send(request).await.map_err(|_| gone(()))?;
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

    /// What the loop counts of itself.
    #[must_use]
    pub fn meters(&self) -> &Arc<LoopMeters> {
        &self.meters
    }

    /// What programs and the node use.
    #[must_use]
    pub fn usage(&self) -> &Arc<Meter> {
        &self.usage
    }

    /// Whether the driver is gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.requests.is_closed()
    }

    /// Requests that wait for the loop.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.requests.max_capacity() - self.requests.capacity()
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
