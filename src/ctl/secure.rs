//! Requests to a daemon that listens over TLS, each on a connection of its own.

use std::io;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::http::uri::Authority;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::config::tls::ClientFiles;
use crate::tls;

/// What `https` means if no port is named.
const PORT: u16 = 443;

/// A host and port over TLS. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint {
    authority: String,
    files: ClientFiles,
    /// Made when it is first needed: the system's authorities take a while to read.
    client: Arc<OnceLock<tls::Client>>,
}

impl Endpoint {
    /// `HOST:PORT`. Does not connect.
    #[must_use]
    pub fn new(authority: &str, files: &ClientFiles) -> Self {
        let (authority, files) = (authority.to_owned(), files.clone());
        Self { authority, files, client: Arc::default() }
    }

    /// `HOST:PORT`, as it was given.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends a request whose URI is a path.
    ///
    /// # Errors
    /// The daemon cannot be reached, or is not who it should be.
    pub async fn request(&self, request: Request<Full<Bytes>>) -> io::Result<Response<Incoming>> {
        let stream = self.connect().await?;
        let (mut sender, driving) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with the answer.
        tokio::spawn(driving);
        sender.send_request(request).await.map_err(broken)
    }

    async fn connect(&self) -> io::Result<tls::ClientStream<TcpStream>> {
        let authority: Authority = self.authority.parse().map_err(io::Error::other)?;
        let host = authority.host().trim_matches(['[', ']']);
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let client = tls::Client::from_files(&self.files).map_err(io::Error::other)?;
                self.client.get_or_init(|| client)
            }
        };
        let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(PORT))).await?;
        stream.set_nodelay(true)?;
        client.connect(host, stream).await.map_err(|why| match tls::client::advice(&why) {
            Some(advice) => io::Error::other(advice),
            None => why,
        })
    }
}

/// The error at the bottom of hyper's, or its own words: a server that does not like the client's
/// certificate says so only when it is asked.
#[allow(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn broken(error: hyper::Error) -> io::Error {
    if let Some(advice) = tls::client::advice(&error) {
        return io::Error::other(advice);
    }
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    io::Error::other(cause.to_string())
}
