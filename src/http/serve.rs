//! The loop of one listener: accept, serve each connection in a task of its own, count.
//!
//! Whatever happens in a connection's task, a panic too, ends that connection and nothing else.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::accept::{Accept, Report};
use super::body::Body;
use super::limits::{
    BUFFER_BYTES_MAX, Busy, Connection, HEAD_BYTES_MAX, HEADERS_MAX, Limits, Timed,
};
use super::memory;
use super::meters::Open;
use super::peer::Peer;
use crate::config::setting::LogLevel;

/// How long nothing is accepted after the system had no descriptor or memory for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// So many connections are a crowd: when it has gone, so does the memory it took.
const CROWD: usize = 256;

/// What answers requests.
pub trait Handle: Send + Sync + 'static {
    /// The answer to a request of this peer's.
    fn handle(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// Counts a connection, for as long as what it gives lives.
    fn connected(&self) -> Option<Open> {
        None
    }
}

/// Serves a listener until something is sent to `closing`, or its sender is gone; then it takes no more
/// connections, and lets requests under way end for a while.
pub async fn serve<A: Accept, H: Handle>(
    mut listener: A,
    handler: Arc<H>,
    limits: Limits,
    report: Report,
    mut closing: watch::Receiver<()>,
) {
    let mut connections = Connections::default();
    loop {
        let has_room = connections.tasks.len() <= limits.connections;
        tokio::select! {
            _ = closing.changed() => break,
            Some(ended) = connections.tasks.join_next_with_id(), if !connections.tasks.is_empty() => {
                connections.ended(ended, &report);
            }
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, peer)) => {
                    if connections.tasks.len() >= limits.connections {
                        connections.close_longest_waiting();
                    }
                    connections.start(stream, peer, handler.clone(), limits);
                }
                Err(why) if is_of_one_connection(&why) => {}
                Err(why) => {
                    report(LogLevel::Error, &format!("cannot accept a connection: {why}"));
                    connections.close_longest_waiting();
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    for connection in connections.by_task.values() {
        connection.close.notify_one();
    }
    let all_ended = async {
        while let Some(ended) = connections.tasks.join_next_with_id().await {
            connections.ended(ended, &report);
        }
    };
    // What has not ended by then ends with its task.
    let _ = timeout(limits.close_time, all_ended).await;
}

#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    by_task: HashMap<Id, Arc<Connection>>,
    /// The most there were since memory was last given back.
    peak: usize,
}

impl Connections {
    fn start<H: Handle, S>(&mut self, stream: S, peer: Peer, handler: Arc<H>, limits: Limits)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let connection = Arc::new(Connection::default());
        connection.waits();
        let stream = Timed::new(stream, connection.clone(), limits);
        let served = serve_connection(stream, peer, connection.clone(), handler);
        let task = self.tasks.spawn(served);
        self.by_task.insert(task.id(), connection);
        self.peak = self.peak.max(self.by_task.len());
    }

    fn close_longest_waiting(&self) {
        let waiting = self.by_task.values().filter_map(|c| Some((c.waits_since()?, c)));
        if let Some((_, connection)) = waiting.min_by_key(|(since, _)| *since) {
            connection.close.notify_one();
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>, report: &Report) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(why) => {
                let id = why.id();
                if let Ok(panic) = why.try_into_panic() {
                    let said = panic.downcast_ref::<&str>().copied();
                    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
                    let said = said.unwrap_or("no message");
                    report(LogLevel::Error, &format!("a connection's task panicked: {said}"));
                }
                id
            }
        };
        self.by_task.remove(&id);
        if self.peak >= CROWD && self.by_task.len() < self.peak / 4 {
            self.peak = self.by_task.len();
            memory::give_back();
        }
    }
}

async fn serve_connection<S, H: Handle>(
    stream: Timed<S>,
    peer: Peer,
    connection: Arc<Connection>,
    handler: Arc<H>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let _counted = handler.connected();
    let service = service_fn(|request| {
        let busy = Busy::new(connection.clone());
        let (handler, peer) = (&handler, &peer);
        async move {
            // Hyper keeps room for the whole of what answers, also while nothing is asked: some
            // kilobytes for each idle connection, if it were not for this box.
            let mut response = Box::pin(handler.handle(request, peer)).await;
            response.body_mut().keep(busy);
            Ok::<_, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        // `Timed` watches over the head at less cost.
        .header_read_timeout(None)
        .serve_connection(stream, service);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        // How a client ends its connection is its own business.
        _ = &mut served => return,
        () = connection.close.notified() => {}
    }
    if connection.waits_since().is_none() {
        served.as_mut().graceful_shutdown();
        let _ = served.await;
    }
}

/// Errors of accept(2) that are about the connection and not about this process.
fn is_of_one_connection(why: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(why.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
