//! What an answer is made of.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};

use super::limits::Busy;
use super::meters::Open;
use crate::logs::{Followed, Follower};

/// What a follower of a log is sent where the file was truncated.
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

/// The body of an answer.
pub struct Body {
    content: Content,
    /// Its connection has a request until it is sent.
    busy: Option<Busy>,
    /// It is counted among the streams until it ends.
    stream: Option<Open>,
}

enum Content {
    Whole(Bytes),
    Pieces(Box<dyn Pieces>, Length),
}

/// How much there will be, where that is known.
#[derive(Clone, Copy)]
enum Length {
    Known(u64),
    Unknown,
}

/// Bytes that are made one piece at a time, the next when the last is on its way: a client that
/// does not read has one in memory.
trait Pieces: Send {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>>;
}

/// Pieces that a function makes, each from what it left of the last.
struct Unfolded<N, F> {
    next: N,
    making: Option<Pin<Box<F>>>,
}

impl<S, N, F> Pieces for Unfolded<N, F>
where
    N: FnMut(S) -> F + Send,
    F: Future<Output = io::Result<Option<(Bytes, S)>>> + Send,
{
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let Some(making) = &mut self.making else {
            return Poll::Ready(Ok(None));
        };
        let made = ready!(making.as_mut().poll(cx));
        self.making = None;
        Poll::Ready(made.map(|made| {
            made.map(|(piece, state)| {
                self.making = Some(Box::pin((self.next)(state)));
                piece
            })
        }))
    }
}

impl Body {
    /// A log from here on, each byte as it is written.
    #[must_use]
    pub fn log(follower: Follower) -> Self {
        Self::pieces(follower, |mut follower: Follower| async move {
            let piece = match follower.next().await {
                Some(Followed::Bytes(bytes)) => bytes.into(),
                Some(Followed::Truncated) => Bytes::from_static(TRUNCATED),
                None => return Ok(None),
            };
            Ok(Some((piece, follower)))
        })
    }

    /// Pieces that a function makes from a state, until it makes none. One that fails ends the
    /// connection, so that the client knows that something is missing.
    pub fn pieces<S, N, F>(first: S, mut next: N) -> Self
    where
        S: 'static,
        N: FnMut(S) -> F + Send + 'static,
        F: Future<Output = io::Result<Option<(Bytes, S)>>> + Send + 'static,
    {
        let making = Some(Box::pin(next(first)));
        let pieces = Box::new(Unfolded { next, making });
        Self { content: Content::Pieces(pieces, Length::Unknown), busy: None, stream: None }
    }

    /// The same, where it is known that they are so many bytes.
    #[must_use]
    pub fn of_length(mut self, bytes: u64) -> Self {
        if let Content::Pieces(_, length) = &mut self.content {
            *length = Length::Known(bytes);
        }
        self
    }

    /// Counts it as a stream until it ends.
    pub fn count(&mut self, stream: Open) {
        self.stream = Some(stream);
    }

    /// Keeps the connection's mark until the body is sent.
    pub fn keep(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }
}

impl<B: Into<Bytes>> From<B> for Body {
    fn from(bytes: B) -> Self {
        Self { content: Content::Whole(bytes.into()), busy: None, stream: None }
    }
}

/// An answer with a body of this media type.
pub fn answer(status: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// An answer in JSON.
pub fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    // Fails only where a map's key is no string; the answer is then as empty as it is wrong.
    let text = serde_json::to_vec(value).unwrap_or_default();
    answer(status, "application/json", text.into())
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.get_mut().content {
            Content::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Content::Pieces(pieces, _) => Poll::Ready(
                ready!(pieces.poll_piece(cx)).map(|piece| piece.map(Frame::data)).transpose(),
            ),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pieces(_, Length::Known(bytes)) => SizeHint::with_exact(*bytes),
            Content::Pieces(_, Length::Unknown) => SizeHint::default(),
        }
    }
}
