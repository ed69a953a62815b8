//! The TCP listener over TLS.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::PATIENCE;
use super::limits::Odd;
use crate::config::tls::ClientFiles;
use crate::http::accept::Report;
use crate::http::limits::Limits;
use crate::http::secure::Secure;
use crate::http::serve::serve;
use crate::tls::tests::{Authority, settings};
use crate::tls::{Client, Server};

struct Rig {
    directory: tempfile::TempDir,
    authority: Authority,
    address: std::net::SocketAddr,
    renew: watch::Sender<Server>,
    reports: Arc<Mutex<Vec<String>>>,
    _closing: watch::Sender<()>,
}

impl Rig {
    async fn new() -> Self {
        let authority = Authority::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (renew, server) = watch::channel(server(&authority, "localhost"));
        let reports = Arc::new(Mutex::new(Vec::new()));
        let seen = reports.clone();
        let report: Report = Arc::new(move |_, line| seen.lock().unwrap().push(line.to_owned()));
        let listener = Secure::new(listener, server, report.clone());
        let (_closing, closed) = watch::channel(());
        tokio::spawn(serve(listener, Arc::new(Odd::new()), Limits::default(), report, closed));
        let directory = tempfile::tempdir().unwrap();
        Self { directory, authority, address, renew, reports, _closing }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// How the answer to a request begins, from a server of this name.
    async fn ask(&self, name: &str) -> std::io::Result<String> {
        let ca = self.directory.path().join("ca.pem");
        std::fs::write(&ca, self.authority.pem()).unwrap();
        let client = Client::from_files(&ClientFiles { ca: Some(ca), identity: None }).unwrap();
        let mut stream = client.connect(name, self.connect().await).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
        read(&mut stream).await
    }
}

fn server(authority: &Authority, name: &str) -> Server {
    let (certificate, key) = authority.issue(&[name]);
    Server::new(&settings(&certificate, &key, None)).unwrap()
}

async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<String> {
    let mut said = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut said));
    read.await.expect("an end").map(|_| said)
}

#[tokio::test]
async fn requests_are_answered_over_tls_and_who_says_nothing_holds_nobody_up() {
    let rig = Rig::new().await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(rig.connect().await);
    }
    // Half a handshake is no better.
    let mut slow = rig.connect().await;
    slow.write_all(&[22, 3, 1, 2]).await.unwrap();
    let said = rig.ask("localhost").await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
}

#[tokio::test]
async fn plain_text_is_answered_in_plain_text() {
    let rig = Rig::new().await;
    let mut plain = rig.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let said = read(&mut plain).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{said}");
    assert!(body.contains("https"), "{said}");

    let mut garbage = rig.connect().await;
    garbage.write_all(b"\0\0\0").await.unwrap();
    assert_eq!(read(&mut garbage).await.unwrap_or_default(), "");
    let reports = rig.reports.lock().unwrap().clone();
    assert_eq!(
        reports,
        ["the TLS handshake with 127.0.0.1 failed: it does not speak TLS"],
        "once, however many"
    );
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_who_comes_next() {
    let rig = Rig::new().await;
    assert!(rig.ask("localhost").await.is_ok());
    rig.renew.send_replace(server(&rig.authority, "renewed.example"));
    assert!(rig.ask("renewed.example").await.is_ok());
    assert!(rig.ask("localhost").await.is_err());
}
