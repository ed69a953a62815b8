//! What a client may cost.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use tokio::sync::{Semaphore, oneshot};

use super::{PATIENCE, Server, get, post};
use crate::api::tests::fake::{Fake, process};
use crate::http::body::Body;
use crate::http::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, HEADERS_MAX, Limits};
use crate::http::peer::Peer;
use crate::http::refusal::Refusal;
use crate::http::serve::Handle;
use crate::model::StateCode;

/// Answers by path: `/panic`, `/wait` (until it is let go), `/large`, anything else at once.
pub(super) struct Odd(Semaphore);

impl Odd {
    pub(super) fn new() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Handle for Odd {
    async fn handle(&self, request: Request<Incoming>, _: &Peer) -> Response<Body> {
        match request.uri().path() {
            "/panic" => panic!("as the test wants it"),
            "/wait" => drop(self.0.acquire().await),
            "/large" => return Response::new(vec![0; 64 << 20].into()),
            _ => {}
        }
        Refusal::of(StatusCode::OK).answer()
    }
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_nothing_else() {
    let server = Server::start(Odd::new(), Limits::default());
    let mut other = server.connect().await;
    other.send(&get("/")).await;
    assert_eq!(other.answer().await.status, 200);

    let mut client = server.connect().await;
    client.send(&get("/panic")).await;
    client.closed().await;

    other.send(&get("/")).await;
    assert_eq!(other.answer().await.status, 200);
    assert_eq!(server.ask(&get("/")).await.status, 200);
    let reports = server.reports.lock().unwrap();
    assert_eq!(*reports, ["a connection's task panicked: as the test wants it"]);
}

#[tokio::test]
async fn heads_and_bodies_have_a_size() {
    let fake = Fake::new(&[process("cat", StateCode::Running)]);
    let server = Server::of(&fake.api, None);
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
    assert_eq!(server.ask(&long).await.status, 431);
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(HEADERS_MAX + 1));
    assert_eq!(server.ask(&many).await.status, 431);
    let told = format!("POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n", 10_u64 << 30);
    assert_eq!(server.ask(&told).await.status, 413);
    let absurd = format!("POST /RPC2 HTTP/1.1\r\nContent-Length: {}0\r\n\r\n", u64::MAX);
    assert_eq!(server.ask(&absurd).await.status, 400);

    let mut client = server.connect().await;
    client.send("POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..=BODY_BYTES_MAX / 0x10000 {
        client.send(&chunk).await;
    }
    assert_eq!(client.answer().await.status, 413);

    let mut client = server.connect().await;
    let body = "<methodCall><methodName>supervisor.getState</methodName></methodCall>";
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    client.send("POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    client.send(&chunks).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_slow_head_is_cut_off_and_an_idle_connection_is_not() {
    let limits = Limits { head_time: Duration::from_millis(50), ..Limits::default() };
    let server = Server::start(Odd::new(), limits);
    let mut idle = server.connect().await;
    let mut kept = server.connect().await;
    kept.send(&get("/")).await;
    assert_eq!(kept.answer().await.status, 200);
    let mut slow = server.connect().await;
    slow.send("GET / HT").await;
    slow.closed().await;
    for client in [&mut idle, &mut kept] {
        client.send(&get("/")).await;
        assert_eq!(client.answer().await.status, 200);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let limits = Limits { stall_time: Duration::from_millis(50), ..Limits::default() };
    let server = Server::start(Odd::new(), limits);
    let mut client = server.connect().await;
    client.send(&get("/large")).await;
    // The server gives up while nothing is read; then what is in between comes, and the end.
    let closed = async {
        while client.0.try_write(b" ").is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("the server closes");
}

#[tokio::test]
async fn the_longest_waiting_connection_gives_way() {
    let limits = Limits { connections: 3, ..Limits::default() };
    let server = Server::start(Odd::new(), limits);
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect().await;
        client.send(&get("/")).await;
        client.answer().await;
        clients.push(client);
    }
    // The first is no longer the one that has waited longest.
    clients[0].send(&get("/")).await;
    clients[0].answer().await;
    assert_eq!(server.ask(&get("/")).await.status, 200, "one more gets in");
    clients[1].closed().await;
    clients[0].send(&get("/")).await;
    assert_eq!(clients[0].answer().await.status, 200);
}

#[tokio::test]
async fn where_all_are_busy_the_next_waits_its_turn() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let server = Server::start(Odd::new(), limits);
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut client = server.connect().await;
        client.send(&get("/wait")).await;
        busy.push(client);
    }
    // Both are being served by now or soon; the third is answered when one has left.
    let (answered, answer) = oneshot::channel();
    let mut third = server.connect().await;
    tokio::spawn(async move {
        third.send(&get("/")).await;
        let _ = answered.send(third.answer().await.status);
    });
    busy.clear();
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    assert_eq!(answer.expect("its turn comes"), Ok(200));
}

#[tokio::test]
async fn many_connections_leave_others_served() {
    let limits = Limits { connections: 16, ..Limits::default() };
    let server = Server::start(Odd::new(), limits);
    let mut crowd = Vec::new();
    for _ in 0..200 {
        let mut client = server.connect().await;
        client.send("GET / HT").await;
        crowd.push(client);
    }
    assert_eq!(server.ask(&get("/")).await.status, 200);
}

#[tokio::test]
async fn closing_lets_a_request_end_and_keeps_nobody_waiting() {
    let server = Server::start(Odd::new(), Limits::default());
    let mut idle = server.connect().await;
    let mut busy = server.connect().await;
    let body = "<methodCall>";
    busy.send(&post("/", body)).await;
    assert_eq!(busy.answer().await.status, 200);
    busy.send(&get("/wait")).await;
    tokio::task::yield_now().await;
    let path = server.path();
    server.closing.send(()).unwrap();
    idle.closed().await;
    tokio::time::timeout(PATIENCE, server.task).await.expect("it ends").unwrap();
    busy.closed().await;
    assert!(!path.exists(), "the socket is removed");
}
