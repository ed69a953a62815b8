//! Connections over TLS. The handshake is made in the connection's own task, when it is first
//! read or written: a client that says nothing holds nobody up.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_rustls::server::TlsStream;

use super::accept::{Accept, Report};
use super::peer::Peer;
use crate::config::setting::LogLevel;
use crate::tls::Server;

/// Time for a handshake, from the connection on; past it, the connection is closed.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// A failed handshake is logged if none was for this long; others are counted.
const QUIET_TIME: Duration = Duration::from_secs(60);
/// What every TLS connection begins with: a handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;
/// Bytes of a request in plain text that are looked at before it is answered.
const PLAIN_BYTES_MAX: usize = 4096;
/// The answer to it.
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\
    Content-Type: text/plain;charset=utf-8\r\nContent-Length: 41\r\n\r\n\
    This port speaks HTTPS: use an https URL\n";

/// A TCP listener whose connections are over TLS.
pub struct Secure {
    listener: TcpListener,
    /// The certificates may be renewed.
    server: watch::Receiver<Server>,
    failures: Arc<Failures>,
}

/// Handshakes that failed.
struct Failures {
    report: Report,
    /// When one was last logged, and how many were not since.
    last: Mutex<(Option<Instant>, u64)>,
}

/// A connection over TLS, or on its way to one.
pub struct SecureStream(State);

enum State {
    Opening(Pin<Box<dyn Future<Output = io::Result<TlsStream<TcpStream>>> + Send>>),
    Open(Box<TlsStream<TcpStream>>),
    /// The handshake has failed.
    Closed,
}

impl Secure {
    /// The connections of a listener over TLS.
    #[must_use]
    pub fn new(listener: TcpListener, server: watch::Receiver<Server>, report: Report) -> Self {
        let failures = Arc::new(Failures { report, last: Mutex::new((None, 0)) });
        Self { listener, server, failures }
    }
}

impl Accept for Secure {
    type Stream = SecureStream;

    async fn accept(&mut self) -> io::Result<(SecureStream, Peer)> {
        let (stream, address) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        let (server, failures) = (self.server.borrow().clone(), self.failures.clone());
        let opening = async move {
            let shaken = timeout(HANDSHAKE_TIME_MAX, open(server, stream)).await;
            let shaken = shaken.map_err(|_| io::Error::from(io::ErrorKind::TimedOut)).flatten();
            shaken.inspect_err(|why| failures.told(address, why))
        };
        Ok((SecureStream(State::Opening(Box::pin(opening))), Peer::Inet(address)))
    }
}

/// A handshake with whoever begins one; who speaks plain HTTP is told so.
async fn open(server: Server, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if first == [HANDSHAKE] {
        return server.accept(stream).await;
    }
    if first[0].is_ascii_uppercase() {
        // What was not read when the connection is closed would take the answer with it.
        let mut request = [0; PLAIN_BYTES_MAX];
        _ = stream.try_read(&mut request);
        stream.write_all(PLAIN_ANSWER).await?;
        stream.shutdown().await?;
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it does not speak TLS"))
}

impl Failures {
    fn told(&self, address: SocketAddr, why: &io::Error) {
        // Somebody who looks whether the port is open.
        if why.kind() == io::ErrorKind::UnexpectedEof {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if last.0.is_some_and(|last| now.duration_since(last) < QUIET_TIME) {
            last.1 += 1;
            return;
        }
        let others = std::mem::take(&mut last.1);
        last.0 = Some(now);
        drop(last);
        let others = match others {
            0 => String::new(),
            others => format!("; so did {others} others before it"),
        };
        let peer = Peer::Inet(address);
        let line = format!("the TLS handshake with {peer} failed: {why}{others}");
        (self.report)(LogLevel::Info, &line);
    }
}

impl SecureStream {
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Pin<&mut TlsStream<TcpStream>>>> {
        if let State::Opening(opening) = &mut self.0 {
            self.0 = match ready!(opening.as_mut().poll(cx)) {
                Ok(stream) => State::Open(Box::new(stream)),
                Err(why) => {
                    self.0 = State::Closed;
                    return Poll::Ready(Err(why));
                }
            };
        }
        Poll::Ready(match &mut self.0 {
            State::Open(stream) => Ok(Pin::new(stream)),
            State::Opening(_) | State::Closed => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl AsyncRead for SecureStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.get_mut().poll_open(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for SecureStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().poll_open(cx))?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().poll_open(cx))?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            State::Open(stream) => Pin::new(stream).poll_flush(cx),
            // Nothing was written yet.
            State::Opening(_) | State::Closed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            State::Open(stream) => Pin::new(stream).poll_shutdown(cx),
            State::Opening(_) | State::Closed => Poll::Ready(Ok(())),
        }
    }
}
