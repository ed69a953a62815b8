//! One other daemon, and how it is asked.

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::VIA;
use crate::config;
use crate::config::RemoteAddress;
use crate::config::tls::ClientFiles;
use crate::tls::client::{Client, advice};

/// Bytes of a list of another daemon's; a longer one is an error.
const LIST_BYTES_MAX: usize = 64 << 20;

/// Another daemon.
pub struct Remote {
    settings: config::Remote,
    /// What this node is called, which marks what it passes on.
    own_name: HeaderValue,
    authorization: Option<HeaderValue>,
    /// Once somebody has asked it over TLS.
    tls: OnceCell<Client>,
}

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Connection for S {}

impl Remote {
    /// Another daemon, for a node of this name. Does not connect.
    #[must_use]
    pub fn new(settings: config::Remote, own_name: &str) -> Self {
        let authorization = settings.credentials.as_ref().and_then(|credentials| {
            let plain = format!("{}:{}", credentials.username, credentials.password);
            let mut value =
                HeaderValue::from_str(&format!("Basic {}", BASE64.encode(plain))).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        let own_name = HeaderValue::from_str(own_name);
        let own_name = own_name.unwrap_or(HeaderValue::from_static("a node"));
        Self { settings, own_name, authorization, tls: OnceCell::new() }
    }

    /// What it is called here.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// How long it has to begin to answer.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// Sends a request; the answer's body may go on for ever.
    ///
    /// # Errors
    /// In words: it cannot be reached or does not begin to answer in time.
    pub async fn ask(
        &self,
        path: &str,
        mut request: Request<Bytes>,
        time: Duration,
    ) -> Result<Response<Incoming>, String> {
        *request.uri_mut() = path.parse().map_err(|why| format!("cannot ask for {path}: {why}"))?;
        let headers = request.headers_mut();
        headers.insert(VIA, self.own_name.clone());
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let host = match &self.settings.address {
            RemoteAddress::Unix(_) => "localhost".to_owned(),
            RemoteAddress::Inet { host, port, .. } if host.contains(':') => {
                format!("[{host}]:{port}")
            }
            RemoteAddress::Inet { host, port, .. } => format!("{host}:{port}"),
        };
        if let Ok(host) = HeaderValue::from_str(&host) {
            headers.insert(HOST, host);
        }
        let asked = async {
            let connection = timeout(self.settings.timeout, self.connect());
            let connection = connection.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut));
            let connection = connection.flatten().map_err(|why| self.cannot_reach(&why))?;
            let (mut sender, driving) = http1::handshake(TokioIo::new(connection))
                .await
                .map_err(|why| format!("it does not speak HTTP: {why}"))?;
            // It ends with the answer's body, or with whoever reads it.
            tokio::spawn(driving);
            let answer = sender.send_request(request.map(Full::new)).await;
            answer.map_err(|why| format!("it does not answer: {why}"))
        };
        timeout(time, asked)
            .await
            .map_err(|_| format!("no answer within {} s", time.as_secs_f64()))?
    }

    /// What it answers to a GET, as JSON.
    ///
    /// # Errors
    /// In words: it does not answer, not in time, not with 200, or not with JSON.
    pub async fn json(&self, path: &str) -> Result<Json, String> {
        let time = self.settings.timeout;
        let whole = async {
            let answer = self.ask(path, Request::new(Bytes::new()), time).await?;
            let status = answer.status();
            if status != StatusCode::OK {
                return Err(match status {
                    StatusCode::UNAUTHORIZED => {
                        format!("it asks for a password: see [remote:{}]", self.name())
                    }
                    _ => format!("it answers {status}"),
                });
            }
            let body = Limited::new(answer.into_body(), LIST_BYTES_MAX).collect().await;
            let body = body.map_err(|why| format!("cannot read its answer: {why}"))?.to_bytes();
            serde_json::from_slice(&body).map_err(|why| format!("its answer is no JSON: {why}"))
        };
        timeout(time, whole)
            .await
            .map_err(|_| format!("no whole answer within {} s", time.as_secs_f64()))?
    }

    fn cannot_reach(&self, why: &io::Error) -> String {
        let address = &self.settings.address;
        match why.kind() {
            io::ErrorKind::TimedOut => {
                format!("cannot reach {address}: it does not take connections")
            }
            _ => match advice(why) {
                Some(advice) => format!("cannot reach {address}: {why}; {advice}"),
                None => format!("cannot reach {address}: {why}"),
            },
        }
    }

    /// Reads whose certificates are believed, once.
    async fn believe(&self) -> io::Result<Client> {
        let files = ClientFiles { ca: self.settings.tls_ca.clone(), identity: None };
        let read = tokio::task::spawn_blocking(move || Client::from_files(&files)).await;
        read.map_err(io::Error::other)?.map_err(io::Error::other)
    }

    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        match &self.settings.address {
            RemoteAddress::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            RemoteAddress::Inet { host, port, tls } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                if !tls {
                    return Ok(Box::new(stream));
                }
                let client = self.tls.get_or_try_init(|| self.believe()).await?;
                Ok(Box::new(client.connect(host, stream).await?))
            }
        }
    }
}
