//! The way to the daemon: XML-RPC calls and followed logs, over a unix socket or TCP.

use std::fmt;
use std::io;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyperlocal::UnixConnector;

use super::secure;
use crate::config::tls::ClientFiles;
use crate::xmlrpc::{self, Fault, Value};

/// Bytes of an answer; a longer one is an error. A whole log may be asked for.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// Why a call came to nothing.
#[derive(Debug)]
pub enum Failure {
    /// The daemon refused.
    Fault(Fault),
    /// Nobody could be reached.
    Unreachable {
        /// Where.
        url: String,
        /// Why, as far as it is known.
        error: io::Error,
    },
    /// The server answered something other than 200.
    Status(StatusCode),
    /// The answer, or what was asked for, makes no sense; in words.
    Nonsense(String),
    /// Standard output or input is gone.
    Terminal(io::Error),
    /// A person pressed Ctrl-C.
    Interrupted,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Terminal(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => f.write_str(&python_fault(fault)),
            Self::Unreachable { url, error } => match error.kind() {
                io::ErrorKind::PermissionDenied => {
                    write!(f, "cannot reach {url}: {error}; try as root, or as the socket's owner")
                }
                _ => write!(f, "cannot reach {url}: {error}"),
            },
            Self::Status(status) => write!(f, "the server answered {status}"),
            Self::Nonsense(reason) => f.write_str(reason),
            Self::Terminal(error) => write!(f, "cannot use standard input and output: {error}"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// A fault as the reference prints it, which scripts know.
#[must_use]
pub fn python_fault(fault: &Fault) -> String {
    format!("<Fault {}: {}>", fault.code, super::render::python_quoted(&fault.string))
}

/// A way to one daemon. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    url: String,
    endpoint: Endpoint,
    authorization: Option<String>,
}

#[derive(Clone)]
enum Endpoint {
    Unix(legacy::Client<UnixConnector, Full<Bytes>>, PathBuf),
    Tcp(legacy::Client<HttpConnector, Full<Bytes>>, String),
    Tls(secure::Endpoint),
    /// A URL of a kind that nobody serves; said at the first call, as in the reference.
    Unknown,
}

impl Client {
    /// A client of the daemon at `url` (`unix:///path`, `http://host:port`, or
    /// `https://host:port`, for which `tls` is). Does not connect.
    #[must_use]
    pub fn new(
        url: &str,
        username: Option<&str>,
        password: Option<&str>,
        tls: &ClientFiles,
    ) -> Self {
        // Every call has its own connection: the daemon may have been restarted since the last.
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_max_idle_per_host(0);
        let endpoint = if let Some(path) = url.strip_prefix("unix://") {
            Endpoint::Unix(builder.build(UnixConnector), PathBuf::from(path))
        } else if let Some(rest) = url.strip_prefix("http://") {
            // As in the reference, what follows the host is not looked at.
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            Endpoint::Tcp(builder.build(HttpConnector::new()), authority.to_owned())
        } else if let Some(rest) = url.strip_prefix("https://") {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            Endpoint::Tls(secure::Endpoint::new(authority, tls))
        } else {
            Endpoint::Unknown
        };
        let authorization = username.zip(password).map(|(username, password)| {
            format!("Basic {}", BASE64.encode(format!("{username}:{password}")))
        });
        Self { url: url.to_owned(), endpoint, authorization }
    }

    /// The URL it was made for.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls `supervisor.METHOD`.
    ///
    /// # Errors
    /// If nobody answers, or not with a value.
    pub async fn call(&self, method: &str, params: &[Value]) -> Result<Value, Failure> {
        let body = xmlrpc::encode_call(&format!("supervisor.{method}"), params);
        let response = self.request(Method::POST, "/RPC2", body).await?;
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let body = body
            .collect()
            .await
            .map_err(|error| Failure::Nonsense(format!("cannot read the answer: {error}")))?;
        xmlrpc::decode_response(&body.to_bytes())
            .map_err(|error| Failure::Nonsense(error.to_string()))?
            .map_err(Failure::Fault)
    }

    /// The body of a GET, which may never end.
    ///
    /// # Errors
    /// If nobody answers, or not with 200.
    pub async fn follow(&self, path: &str) -> Result<Incoming, Failure> {
        Ok(self.request(Method::GET, path, Vec::new()).await?.into_body())
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, Failure> {
        let response = match &self.endpoint {
            Endpoint::Unix(client, socket) => {
                let uri = hyperlocal::Uri::new(socket, path).into();
                client.request(self.build(method, uri, "localhost", body)?).await
            }
            Endpoint::Tcp(client, authority) => {
                let cannot = |error| Failure::Nonsense(format!("cannot use {}: {error}", self.url));
                let uri = format!("http://{authority}{path}").parse().map_err(cannot)?;
                client.request(self.build(method, uri, authority, body)?).await
            }
            Endpoint::Tls(endpoint) => {
                let cannot = |error| Failure::Nonsense(format!("cannot use {}: {error}", self.url));
                let uri = path.parse().map_err(cannot)?;
                let request = self.build(method, uri, endpoint.authority(), body)?;
                return match endpoint.request(request).await {
                    Ok(response) if response.status() == StatusCode::OK => Ok(response),
                    Ok(response) => Err(Failure::Status(response.status())),
                    Err(error) => Err(Failure::Unreachable { url: self.url.clone(), error }),
                };
            }
            Endpoint::Unknown => {
                let reason = format!("Unknown protocol for serverurl {}", self.url);
                return Err(Failure::Nonsense(reason));
            }
        };
        match response {
            Ok(response) if response.status() == StatusCode::OK => Ok(response),
            Ok(response) => Err(Failure::Status(response.status())),
            Err(error) => {
                Err(Failure::Unreachable { url: self.url.clone(), error: root_cause(&error) })
            }
        }
    }

    fn build(
        &self,
        method: Method,
        uri: Uri,
        host: &str,
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(HOST, host)
            .header(CONTENT_TYPE, "text/xml");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request
            .body(Full::from(body))
            .map_err(|error| Failure::Nonsense(format!("cannot make a request: {error}")))
    }
}

/// The operating system's error at the bottom of hyper's, or its own words.
fn root_cause(error: &legacy::Error) -> io::Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::other(cause.to_string()),
    }
}

/// One segment of a path: everything but letters, digits and `-._~:` is percent-encoded.
#[must_use]
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                segment.push(byte.into());
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment() {
        assert_eq!(path_segment("group:na-me_1.x"), "group:na-me_1.x");
        assert_eq!(path_segment("a/../b?é"), "a%2F..%2Fb%3F%C3%A9");
    }

    #[test]
    fn credentials_need_both_halves() {
        let header = |user, password| {
            Client::new("unix:///x", user, password, &ClientFiles::default()).authorization
        };
        assert_eq!(header(Some("u"), Some("p:q")).as_deref(), Some("Basic dTpwOnE="));
        assert_eq!(header(Some("u"), None), None);
        assert_eq!(header(None, Some("p")), None);
    }
}
