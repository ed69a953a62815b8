//! What every answer tells a browser, so that no other site can use it.

use hyper::Response;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use super::Gate;
use super::browser::share;
use crate::http::body::Body;

/// Headers that an answer is given at most, so that their table grows once.
const HEADERS_ADDED: usize = 12;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const ORIGIN_NAME: HeaderValue = HeaderValue::from_static("origin");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// A day: it holds for every port of the host, others than ours, too.
const TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=86400");

/// What the answer to one request will get.
pub struct Dress {
    origin: Option<HeaderValue>,
    /// Another origin may get another answer.
    varies: bool,
    tls: bool,
}

impl Gate {
    /// What the answer to a request with these headers will get. To be asked for before the
    /// request is used up, and put on whatever is answered.
    #[must_use]
    pub fn dress(&self, headers: &HeaderMap) -> Dress {
        let browsers = &self.rules().browsers;
        Dress {
            origin: browsers.allowed_origin(headers).cloned(),
            varies: browsers.share(),
            tls: self.0.tls,
        }
    }
}

impl Dress {
    /// Puts it on. An answer keeps its own content security policy and cache control.
    pub fn put_on(&self, response: &mut Response<Body>) {
        let headers = response.headers_mut();
        headers.reserve(HEADERS_ADDED);
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(REFERRER_POLICY, NO_REFERRER);
        headers.insert(X_FRAME_OPTIONS, DENY);
        headers.insert(RESOURCE_POLICY, SAME_ORIGIN);
        headers.insert(OPENER_POLICY, SAME_ORIGIN);
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(NOTHING);
        headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
        if self.tls {
            headers.insert(STRICT_TRANSPORT_SECURITY, TRANSPORT);
        }
        if self.varies {
            headers.append(VARY, ORIGIN_NAME);
        }
        if let Some(origin) = &self.origin {
            share(origin, headers);
        }
    }
}
