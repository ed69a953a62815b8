//! The server over real sockets.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::accept::{Report, UnixSocket};
use super::auth::Gate;
use super::limits::Limits;
use super::listen::bind_unix;
use super::nodes::Nodes;
use super::router::{Router, Site};
use super::serve::{Handle, serve};
use crate::api::Api;
use crate::config::{self, Access, Credentials, UnixServer};

mod limits;
mod rest;
mod routes;
mod secure;

/// Long enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server on a socket of its own.
struct Server {
    directory: tempfile::TempDir,
    reports: Arc<Mutex<Vec<String>>>,
    closing: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    fn start<H: Handle>(handler: H, limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("s.sock");
        let settings = UnixServer {
            file,
            mode: 0o700,
            owner: None,
            access: Access::default(),
            fd_name: "unix".into(),
        };
        let reports = Arc::new(Mutex::new(Vec::new()));
        let seen = reports.clone();
        let report: Report = Arc::new(move |_, line| seen.lock().unwrap().push(line.to_owned()));
        let bound = bind_unix(&settings).unwrap();
        let socket = UnixSocket::new(bound, settings, report.clone()).unwrap();
        let (closing, closed) = watch::channel(());
        let task = tokio::spawn(serve(socket, Arc::new(handler), limits, report, closed));
        Self { directory, reports, closing, task }
    }

    /// The whole site, behind a password if one is given.
    fn of(api: &Arc<Api>, password: Option<&str>) -> Self {
        let credentials = password
            .map(|password| Credentials { username: "u".into(), password: password.into() });
        let access = Access { credentials, ..Access::default() };
        let gate = Gate::unix(&access, Arc::new(|_, _| {}));
        let nodes = Arc::new(Nodes::new(&config::Nodes::default(), "box"));
        let router = Router::new(Arc::new(Site::new(api.clone(), nodes, Limits::default())), gate);
        Self::start(router, Limits::default())
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("s.sock")
    }

    async fn connect(&self) -> Client {
        Client(UnixStream::connect(self.path()).await.unwrap())
    }

    /// The answer to one request on a connection of its own.
    async fn ask(&self, request: &str) -> Answer {
        let mut client = self.connect().await;
        client.send(request).await;
        client.answer().await
    }
}

/// One connection.
struct Client(UnixStream);

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Client {
    async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    async fn receive(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 64 << 10];
        let read = tokio::time::timeout(PATIENCE, self.0.read(&mut buffer)).await;
        buffer.truncate(read.expect("something comes").unwrap_or(0));
        buffer
    }

    /// An answer of told length.
    async fn answer(&mut self) -> Answer {
        let mut bytes = Vec::new();
        loop {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                if bytes.len() >= end + 4 + length {
                    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                    return Answer { status, head, body: bytes.split_off(end + 4) };
                }
            }
            let more = self.receive().await;
            assert!(!more.is_empty(), "closed after {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend(more);
        }
    }

    /// Waits until the server closes the connection; what came before does not matter.
    async fn closed(&mut self) {
        while !self.receive().await.is_empty() {}
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

fn post(path: &str, body: &str) -> String {
    let kind = match body.chars().next() {
        Some('{' | '[') => "Content-Type: application/json\r\n",
        _ => "",
    };
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{kind}Content-Length: {length}\r\n\r\n{body}")
}

fn json_of(answer: &Answer) -> serde_json::Value {
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    serde_json::from_slice(&answer.body).unwrap()
}

fn call(method: &str) -> String {
    let body = format!("<methodCall><methodName>{method}</methodName></methodCall>");
    post("/RPC2", &body)
}
