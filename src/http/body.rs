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
    Log(Pin<Box<dyn Future<Output = (Option<Followed>, Follower)> + Send>>),
}

impl Body {
    /// A log from here on, each byte as it is written. The next piece is read when the last
    /// is on its way, so a client that does not read has one in memory.
    #[must_use]
    pub fn log(follower: Follower) -> Self {
        Self { content: Content::Log(next_piece(follower)), busy: None }
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

fn next_piece(
    mut follower: Follower,
) -> Pin<Box<dyn Future<Output = (Option<Followed>, Follower)> + Send>> {
    Box::pin(async move { (follower.next().await, follower) })
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
            Content::Log(piece) => {
                let (followed, follower) = ready!(piece.as_mut().poll(cx));
                let Some(followed) = followed else {
                    *content = Content::Whole(Bytes::new());
                    return Poll::Ready(None);
                };
                *content = Content::Log(next_piece(follower));
                match followed {
                    Followed::Bytes(bytes) => bytes.into(),
                    Followed::Truncated => Bytes::from_static(TRUNCATED),
                }
            }
        };
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Log(_) => SizeHint::default(),
        }
    }
}
