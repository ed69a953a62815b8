//! What a client may cost, and a connection that keeps within it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

/// Bytes of a request's head; a longer one is answered 431.
pub const HEAD_BYTES_MAX: usize = 32 << 10;
/// Bytes that are read ahead of a connection, and of small answers that wait to be sent; then no
/// more is read until some are dealt with.
pub const BUFFER_BYTES_MAX: usize = 64 << 10;
/// Headers of a request; more are answered 431.
pub const HEADERS_MAX: usize = 64;
/// Bytes of a request's body; a longer one is answered 413.
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// Bytes of a body that anybody may send at any time; longer ones are read a few at a time.
pub const SMALL_BODY_BYTES_MAX: usize = 64 << 10;
/// Bodies longer than that read at one time; one more waits.
pub const LARGE_BODIES_MAX: usize = 4;
/// Time for a whole body to come; a slower one is answered 408.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(60);

/// What may be different in a test.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections of one listener. When one more comes, the one that has waited longest for
    /// its next request is closed; if none waits, the new one is served and no other accepted
    /// until one ends. There is no other limit to how long a connection may wait.
    pub connections: usize,
    /// Answers that go on until their reader leaves, of all listeners together; one more is
    /// refused with 503, so that there is always room for requests that end.
    pub streams: usize,
    /// Time for a whole head to come, from its first byte; a slower one is cut off.
    pub head_time: Duration,
    /// Time without a byte taken by a client that has an answer coming; then it is cut off.
    pub stall_time: Duration,
    /// Time that requests under way get to end when the server closes.
    pub close_time: Duration,
}

/// Connections of one listener at least, however few descriptors there are, and at most: each costs
/// some 18 KB of memory, most of which are hyper's buffers, so all together 37 MB.
const CONNECTIONS_MIN: usize = 64;
const CONNECTIONS_MAX: usize = 2048;

impl Limits {
    /// Those of a process that may open so many descriptors. Clients get half of them, and streams,
    /// which often have a file open beside their connection, half of that: programs can always be
    /// started.
    #[must_use]
    pub fn for_descriptors(descriptors: usize) -> Self {
        let connections = (descriptors / 2).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX);
        Self { connections, streams: connections / 2, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            streams: 256,
            head_time: Duration::from_secs(30),
            // A person may have stopped the terminal that shows a log.
            stall_time: Duration::from_secs(600),
            close_time: Duration::from_secs(1),
        }
    }
}

const WAITING: u8 = 0;
const IN_HEAD: u8 = 1;
const BUSY: u8 = 2;

/// What is known of a connection outside its own task.
#[derive(Debug, Default)]
pub struct Connection {
    phase: AtomicU8,
    /// When it last began to wait, as a count of such moments.
    waits_since: AtomicU64,
    /// Tells its task to come to an end.
    pub close: Notify,
}

impl Connection {
    /// Whether it has no request, and since when, as a count.
    pub fn waits_since(&self) -> Option<u64> {
        let waits = self.phase.load(Ordering::Relaxed) != BUSY;
        waits.then(|| self.waits_since.load(Ordering::Relaxed))
    }

    /// It has no request from now on.
    pub fn waits(&self) {
        static MOMENTS: AtomicU64 = AtomicU64::new(0);
        self.waits_since.store(MOMENTS.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        self.phase.store(WAITING, Ordering::Relaxed);
    }
}

/// As long as this lives, its connection has a request.
#[derive(Debug)]
pub struct Busy(Arc<Connection>);

impl Busy {
    /// The connection has a request from now on.
    pub fn new(connection: Arc<Connection>) -> Self {
        connection.phase.store(BUSY, Ordering::Relaxed);
        Self(connection)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.waits();
    }
}

/// A stream that ends with an error where its client takes too long. Its timers exist only
/// while somebody is slow.
pub struct Timed<S> {
    stream: TokioIo<S>,
    connection: Arc<Connection>,
    limits: Limits,
    head: Option<Pin<Box<Sleep>>>,
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    /// Watches over a stream.
    pub fn new(stream: S, connection: Arc<Connection>, limits: Limits) -> Self {
        Self { stream: TokioIo::new(stream), connection, limits, head: None, stall: None }
    }

    fn while_writing<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stall = None;
            return progress;
        }
        let time = self.limits.stall_time;
        ready!(self.stall.get_or_insert_with(|| Box::pin(sleep(time))).as_mut().poll(cx));
        Poll::Ready(Err(too_slow("taking the answer")))
    }
}

fn too_slow(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the client is too slow in {what}"))
}

impl<S: AsyncRead + Unpin> Read for Timed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let phase = &this.connection.phase;
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buf) {
            let _ = phase.compare_exchange(WAITING, IN_HEAD, Ordering::Relaxed, Ordering::Relaxed);
            return Poll::Ready(read);
        }
        if phase.load(Ordering::Relaxed) != IN_HEAD {
            this.head = None;
            return Poll::Pending;
        }
        let time = this.limits.head_time;
        ready!(this.head.get_or_insert_with(|| Box::pin(sleep(time))).as_mut().poll(cx));
        Poll::Ready(Err(too_slow("sending its request")))
    }
}

impl<S: AsyncWrite + Unpin> Write for Timed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let progress = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.while_writing(cx, progress)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let progress = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.while_writing(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
