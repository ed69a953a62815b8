//! What a handler sees of a request: who asks, for what, and its body.

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::limits::{BODY_BYTES_MAX, BODY_TIME_MAX, LARGE_BODIES_MAX, SMALL_BODY_BYTES_MAX};
use super::path::{Captures, Fields};
use super::refusal::Refusal;
use super::routes::RouteSpec;
use crate::api::{Api, Caller};

/// A request that has come in.
pub struct Call {
    /// Which route it is for.
    pub spec: &'static RouteSpec,
    /// What stands in the places of its pattern.
    pub captures: Captures,
    /// The fields of its query.
    pub query: Fields,
    /// Its head.
    pub head: Parts,
    /// Who asks.
    pub caller: Caller,
    /// The operations, as far as whoever asks may have them run.
    pub api: Api,
}

impl Call {
    /// What stands in a place of the pattern; empty if there is no such place.
    #[must_use]
    pub fn capture(&self, name: &str) -> &str {
        self.captures.get(name).unwrap_or_default()
    }

    /// Whether an answer may be packed with gzip.
    #[must_use]
    pub fn accepts_gzip(&self) -> bool {
        let accepted = self.header("accept-encoding").unwrap_or_default();
        accepted.split(',').any(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
            matches!(name.trim(), "gzip" | "*") && !refused
        })
    }

    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        text(&self.head.headers, name)
    }
}

/// A header's text.
#[must_use]
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Reads bodies, a few of the large ones at a time.
pub struct Bodies {
    large: Semaphore,
}

impl Default for Bodies {
    fn default() -> Self {
        Self { large: Semaphore::new(LARGE_BODIES_MAX) }
    }
}

impl Bodies {
    /// The whole body of a request that must have one.
    ///
    /// # Errors
    /// It has none, is too long or too slow.
    pub async fn required(&self, headers: &HeaderMap, body: Incoming) -> Result<Bytes, Refusal> {
        let told = [CONTENT_LENGTH, TRANSFER_ENCODING];
        if !told.iter().any(|name| headers.contains_key(name)) {
            return Err(StatusCode::LENGTH_REQUIRED.into());
        }
        self.read(body).await
    }

    /// The whole body of a request, empty if it has none.
    ///
    /// # Errors
    /// It is too long or too slow.
    pub async fn read(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let too_long = || {
            let why = format!("the body is longer than {BODY_BYTES_MAX} bytes");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
        };
        // A chunked body may turn out to be of any size.
        let bytes = body
            .size_hint()
            .exact()
            .map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if bytes > BODY_BYTES_MAX && bytes != usize::MAX {
            return Err(too_long());
        }
        let large = bytes > SMALL_BODY_BYTES_MAX;
        let _turn = if large { self.large.acquire().await.ok() } else { None };
        let whole = Limited::new(body, BODY_BYTES_MAX).collect();
        match timeout(BODY_TIME_MAX, whole).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(why)) if why.is::<LengthLimitError>() => Err(too_long()),
            Ok(Err(_)) => Err(StatusCode::BAD_REQUEST.into()),
            Err(_) => Err(StatusCode::REQUEST_TIMEOUT.into()),
        }
    }
}
