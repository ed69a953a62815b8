//! No page of another site acts through a browser.
//!
//! A browser sends requests for whatever page it shows. Those are told by the marks that
//! browsers set and pages cannot remove (Origin, Sec-Fetch-Site), by the media types that need no
//! leave (Fetch standard, "simple requests"), and a name that was rebound to this host by its
//! Host. Programs send none of these marks and are let through.

use std::net::IpAddr;

use hyper::header::{
    ACCEPT_LANGUAGE, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERER, TRANSFER_ENCODING, USER_AGENT,
};
use hyper::{Method, Response, StatusCode};

use super::Refused;
use crate::config::Access;
use crate::http::body::Body;

/// Who makes the browser send a request, as seen from the site that is asked.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What a page of an allowed origin may send.
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT");
const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, last-event-id, range");
/// What it may read of an answer, beside the body.
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("content-disposition, content-range, etag, retry-after");
/// Seconds for which a browser may remember that.
const ALLOWED_SECONDS: HeaderValue = HeaderValue::from_static("600");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// Stands for any name in `allow_hosts`.
const ANY_HOST: &str = "*";

/// What browsers may do at one listener.
pub struct Browsers {
    /// The names by which they may call; `None` for any.
    hosts: Option<Vec<String>>,
    /// The origins whose pages may call.
    origins: Vec<String>,
}

/// What the body of a request must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// XML-RPC, whatever a program calls it.
    Xml,
    /// JSON, by its name.
    Json,
}

impl Browsers {
    /// Those of a listener that is known by these names. Without a password a browser must call
    /// by one of them; it does not send a password to a name that was rebound.
    #[must_use]
    pub fn new(access: &Access, names: Option<&[String]>) -> Self {
        let own = names.filter(|_| !access.asks_for_password());
        let asked = own.is_some() || !access.hosts.is_empty();
        let any = access.hosts.iter().any(|host| host == ANY_HOST);
        let hosts = (asked && !any).then(|| {
            let own = names.unwrap_or_default().iter().filter(|name| !name.is_empty());
            let own = own.map(String::as_str).chain(["localhost"]).map(str::to_ascii_lowercase);
            own.chain(access.hosts.iter().cloned()).collect()
        });
        Self { hosts, origins: access.origins.clone() }
    }

    /// Whether a request is no other site's.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn admit(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refused> {
        let reads = *method == Method::GET || *method == Method::HEAD;
        if !reads && self.is_cross_site(headers) {
            return Err(Refused::CrossSite);
        }
        if self.is_rebound(headers) { Err(Refused::Rebound) } else { Ok(()) }
    }

    /// Whether answers depend on the origin that asks.
    #[must_use]
    pub fn share(&self) -> bool {
        !self.origins.is_empty()
    }

    /// The origin whose page asks, if its pages may read the answer.
    #[must_use]
    pub fn allowed_origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        if self.origins.is_empty() {
            return None;
        }
        let origin = headers.get(ORIGIN)?;
        self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then_some(origin)
    }

    /// The answer to a browser that asks whether a page of an allowed origin may send something
    /// (Fetch standard, "CORS-preflight request"). It asks without credentials.
    #[must_use]
    pub fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
        if *method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        self.allowed_origin(headers)?;
        let mut response = Response::new(Body::from(""));
        *response.status_mut() = StatusCode::NO_CONTENT;
        let told = response.headers_mut();
        told.insert(ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        told.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        told.insert(ACCESS_CONTROL_MAX_AGE, ALLOWED_SECONDS);
        Some(response)
    }

    /// A request that a browser made for a page of another site. An `Origin` must be this host's
    /// own, as the request names it, or one that is allowed.
    fn is_cross_site(&self, headers: &HeaderMap) -> bool {
        if self.allowed_origin(headers).is_some() {
            return false;
        }
        let fetched = text(headers, &SEC_FETCH_SITE).is_some_and(|site| {
            !site.eq_ignore_ascii_case("same-origin") && !site.eq_ignore_ascii_case("none")
        });
        let own = |origin: &HeaderValue| {
            let origin = origin.to_str().ok()?.split_once("://")?.1;
            Some(origin.eq_ignore_ascii_case(text(headers, &HOST)?))
        };
        fetched || headers.get(ORIGIN).is_some_and(|origin| own(origin) != Some(true))
    }

    /// A browser that calls this host by a name of another's.
    fn is_rebound(&self, headers: &HeaderMap) -> bool {
        let Some(hosts) = &self.hosts else {
            return false;
        };
        let Some(host) = text(headers, &HOST) else {
            return false;
        };
        let name = host_name(host).trim_end_matches('.').to_ascii_lowercase();
        let known = name.parse::<IpAddr>().is_ok() || hosts.contains(&name);
        !known && is_browser(headers)
    }
}

/// Lets a page of this origin read an answer.
pub fn share(origin: &HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
}

impl Media {
    /// Whether the body of a request may be read as this. Programs call XML-RPC many things, or
    /// nothing (`curl -d` calls it a form); a browser calls it by its name, because it would send
    /// other kinds without asking.
    ///
    /// # Errors
    /// It may not.
    pub fn admit(self, headers: &HeaderMap) -> Result<(), Refused> {
        let sent = headers.get(CONTENT_TYPE);
        let essence = sent.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = essence.split(';').next().unwrap_or_default().trim();
        let is = |known: &str| essence.eq_ignore_ascii_case(known);
        let fine = match self {
            Self::Xml => is("text/xml") || is("application/xml") || !is_browser(headers),
            Self::Json => is("application/json") || sent.is_none() && !has_body(headers),
        };
        if fine { Ok(()) } else { Err(Refused::Media(self)) }
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Xml => "text/xml",
            Self::Json => "application/json",
        }
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0")
}

/// Browsers hide none of these; programs may send one of them, at the price of being told that
/// the name they call this host by is not among its names.
fn is_browser(headers: &HeaderMap) -> bool {
    let marks = [ORIGIN, REFERER, ACCEPT_LANGUAGE, SEC_FETCH_SITE];
    marks.iter().any(|mark| headers.contains_key(mark))
        || text(headers, &USER_AGENT).is_some_and(|agent| agent.starts_with("Mozilla/"))
}

/// `localhost` of `localhost:9001`, `::1` of `[::1]:9001`.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
