//! The server's own thread: however many clients there are and whatever they do, the supervision
//! loop has a thread to itself and is never behind them in a queue.

use std::io;
use std::sync::{Arc, mpsc};

use tokio::sync::oneshot;

use super::Bound;
use crate::api::Api;

/// Threads for what blocks (log reads, configuration reads): few, and gone after ten idle seconds.
const BLOCKING_THREADS_MAX: usize = 8;

/// The servers on their thread.
pub struct Server {
    open: mpsc::Sender<()>,
    close: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Server {
    /// Makes ready to serve. Connections wait until [`Self::opener`] is used.
    ///
    /// # Errors
    /// The system has no thread or descriptor left.
    pub async fn start(bound: Bound, api: Arc<Api>) -> io::Result<Self> {
        let (close, closing) = oneshot::channel();
        let (begun, beginning) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (open, opened) = mpsc::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .build()?;
        let serving = async move {
            let servers = match bound.serve(&api) {
                Ok(servers) => servers,
                Err(why) => {
                    // Whoever started it is waiting for this.
                    _ = begun.send(Err(why));
                    return;
                }
            };
            _ = begun.send(Ok(()));
            // Nothing runs on this thread before. An error is that it is to close at once.
            _ = opened.recv();
            // An error is that nobody will ever ask it to close: then it is time, too.
            _ = closing.await;
            servers.close().await;
        };
        std::thread::Builder::new().name("http".into()).spawn(move || {
            runtime.block_on(serving);
            // What a client or a disk still holds up holds up nobody here.
            runtime.shutdown_background();
            _ = end.send(());
        })?;
        let gone = |_| Err(io::Error::other("the server's thread has ended"));
        beginning.await.unwrap_or_else(gone)?;
        Ok(Self { open, close, ended })
    }

    /// What lets the connections in. To be used once the supervision has begun: whoever gets an
    /// answer finds that the programs are being started.
    pub fn opener(&self) -> impl FnOnce() + Send + use<> {
        let open = self.open.clone();
        // It fails where the server has ended meanwhile.
        move || _ = open.send(())
    }

    /// Takes no more connections, removes the unix socket, and lets requests under way end, for
    /// at most [`super::limits::Limits::close_time`].
    pub async fn close(self) {
        drop(self.open);
        _ = self.close.send(());
        _ = self.ended.await;
    }
}
