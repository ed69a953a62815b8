//! Clients that are hostile, many, or cut off from their socket.

use std::fs;
use std::time::{Duration, Instant};

use crate::rig::{Connection, Rig, call, open_many_files, resident, rounds, wait_for};

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

/// What any number of clients may cost.
const GROWTH_BYTES_MAX: usize = 32 << 20;

/// 2,000 here, 10,000 at full size, or as many as this process may have open.
#[test]
fn thousands_of_connections_cost_little_and_leave_others_served() {
    let count = (open_many_files() - 200).min(rounds(2000, 10_000));
    let rig = Rig::running(CAT);
    let before = resident(rig.pid());
    // Half a head each: more than so many wait for the rest, which never comes.
    let crowd: Vec<Connection> = (0..count)
        .map(|_| {
            let mut client = rig.connect();
            // It may have been closed in favour of a later one.
            _ = client.write("POST /RPC2 HTTP/1.1\r\nX-Slow: ");
            client
        })
        .collect();
    assert_eq!(rig.state("cat"), "RUNNING");
    let grown = resident(rig.pid()).saturating_sub(before);
    assert!(grown < GROWTH_BYTES_MAX, "{before} grew by {grown}");
    drop(crowd);
    assert_eq!(rig.state("cat"), "RUNNING");
}

#[test]
fn endless_and_absurd_requests_are_refused_at_little_cost() {
    let rig = Rig::running(CAT);
    let before = resident(rig.pid());
    let post = "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n";
    let refused = |request: &str, status: &str| {
        let mut client = rig.connect();
        client.write(request).unwrap();
        let line = client.first_line().unwrap();
        assert!(line.contains(status), "{line:?}");
    };
    refused(&format!("{post}Content-Length: {}\r\n\r\n", 10_u64 << 30), "413");
    let deep = "<value><array><data>".repeat(100_000);
    let deep = format!("<methodCall><methodName>m</methodName><params><param>{deep}");
    refused(&format!("{post}Content-Length: {}\r\n\r\n{deep}", deep.len()), "400");

    // A body without an end, for as long as it is taken.
    let mut client = rig.connect();
    client.write(&format!("{post}Transfer-Encoding: chunked\r\n\r\n")).unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let taken = (0..10_000).take_while(|_| client.write(&chunk).is_ok()).count();
    assert!(taken < 1000, "{taken} times 64 KiB were taken");

    let grown = resident(rig.pid()).saturating_sub(before);
    assert!(grown < GROWTH_BYTES_MAX, "{before} grew by {grown}");
    assert_eq!(rig.state("cat"), "RUNNING");
}

#[test]
fn a_control_socket_that_is_removed_is_back_within_five_seconds() {
    let rig = Rig::running(CAT);
    let pid = rig.process("cat");
    for _ in 0..3 {
        fs::remove_file(rig.path("sock")).unwrap();
        let begun = Instant::now();
        wait_for("an answer", || call(&rig.path("sock"), "supervisor.getState", &[]).ok()).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    }
    assert_eq!(rig.process("cat"), pid);
}
