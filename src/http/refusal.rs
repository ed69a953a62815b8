//! An answer that says why not: a status and, as JSON, `{"error": {"kind", "message"}}`.

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::json;

use super::body::{self, Body};
use super::path::BadField;
use crate::api::error;
use crate::model::{Error, ErrorKind};

/// Why a request is not answered as it wished.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    kind: String,
    message: String,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Refusal {
    /// A refusal of this status, with what is wrong.
    #[must_use]
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let kind = status.canonical_reason().unwrap_or("failed").to_ascii_uppercase();
        let kind = kind.replace([' ', '-'], "_").replace('\'', "");
        Self { status, kind, message: message.into(), header: None }
    }

    /// A refusal that says no more than its status.
    #[must_use]
    pub fn of(status: StatusCode) -> Self {
        Self::new(status, status.canonical_reason().unwrap_or_default())
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// The JSON that says it.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        json!({ "kind": self.kind, "message": self.message })
    }

    /// What is answered.
    #[must_use]
    pub fn answer(self) -> Response<Body> {
        let mut response = body::json(self.status, &json!({ "error": self.json() }));
        if let Some(header) = self.header {
            let (name, value) = *header;
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(why: Error) -> Self {
        let row = error::row(why.kind);
        let status = StatusCode::from_u16(row.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, kind: row.name.to_owned(), message: error::text(&why), header: None }
    }
}

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        Error::from(kind).into()
    }
}

impl From<StatusCode> for Refusal {
    fn from(status: StatusCode) -> Self {
        Self::of(status)
    }
}

impl From<BadField> for Refusal {
    fn from(BadField { name, value, expected }: BadField) -> Self {
        let message = format!("{name}={value:?}: expected {expected}");
        Error::new(ErrorKind::BadArguments, message).into()
    }
}
