//! What an answer is made of.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};

use super::limits::Busy;
use crate::logs::{Followed, Follower};

/// What a follower of a log is sent where the file was truncated.
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

/// The body of an answer.
pub struct Body {
    content: Content,
    /// Its connection has a request until it is sent.
    busy: Option<Busy>,
}

enum Content {
    Whole(Bytes),
    Pieces(Box<dyn Pieces>),
}

/// Where the pieces of an answer come from that goes on until its source or its reader ends. The
/// next piece is asked for when the last is on its way, so a client that does not read has one in
/// memory.
pub trait Source: Send + 'static {
    /// Waits for the next piece, which is not empty; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// A source whose type nobody needs to know.
trait Pieces: Send {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;
}

/// The piece that is being waited for; `None` after the last one.
struct Piece<S>(Option<Next<S>>);

/// The next piece, and the source itself on its way back.
type Next<S> = Pin<Box<dyn Future<Output = (Option<Bytes>, S)> + Send>>;

impl Body {
    /// What a source gives, each piece as it comes.
    pub fn stream(source: impl Source) -> Self {
        let first = Box::pin(next(source));
        Self { content: Content::Pieces(Box::new(Piece(Some(first)))), busy: None }
    }

    /// A log from here on, each byte as it is written.
    #[must_use]
    pub fn log(follower: Follower) -> Self {
        Self::stream(follower)
    }

    /// Keeps the connection's mark until the body is sent.
    pub fn keep(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }
}

impl<B: Into<Bytes>> From<B> for Body {
    fn from(bytes: B) -> Self {
        Self { content: Content::Whole(bytes.into()), busy: None }
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

/// An answer that says no more than its status.
#[must_use]
pub fn status_only(status: StatusCode) -> Response<Body> {
    let text = status.canonical_reason().unwrap_or_default();
    answer(status, "text/plain;charset=utf-8", format!("{} {text}\n", status.as_u16()).into())
}

async fn next<S: Source>(mut source: S) -> (Option<Bytes>, S) {
    (source.next().await, source)
}

impl<S: Source> Pieces for Piece<S> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(waited_for) = &mut self.0 else { return Poll::Ready(None) };
        let (piece, source) = ready!(waited_for.as_mut().poll(cx));
        self.0 = match piece {
            Some(_) => Some(Box::pin(next(source))),
            None => None,
        };
        Poll::Ready(piece)
    }
}

impl Source for Follower {
    async fn next(&mut self) -> Option<Bytes> {
        Some(match Self::next(self).await? {
            Followed::Bytes(bytes) => bytes.into(),
            Followed::Truncated => Bytes::from_static(TRUNCATED),
        })
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let content = &mut self.get_mut().content;
        let bytes = match content {
            Content::Whole(bytes) => std::mem::take(bytes),
            Content::Pieces(pieces) => ready!(pieces.poll_next(cx)).unwrap_or_default(),
        };
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pieces(_) => SizeHint::default(),
        }
    }
}
