//! Crowds of clients: they cost a bounded amount of memory, and neither the supervision nor other
//! clients wait behind them.

use std::time::{Duration, Instant};

use crate::rig::{Connection, Rig, open_many_files, resident, wait_for};

/// What any number of idle clients may cost: the limit of connections times hyper's buffers.
const GROWTH_BYTES_MAX: usize = 64 << 20;

/// The delay that 99 of 100 requests to the supervision stay under.
const DELAY: &str = "0.01";

/// Requests of one look at the delay.
const REQUESTS: usize = 200;

const PROGRAMS: &str = "minfds=8192\n[program:cat]\ncommand=/bin/cat\nstartsecs=0\n\
                        [program:talk]\ncommand=/bin/sh -c 'while echo word; do sleep 0.05; done'\n\
                        startsecs=0\n";

/// How many waits for the supervision took less than [`DELAY`], and how many there were.
fn delays(rig: &Rig) -> (u64, u64) {
    let metrics = rig.ask("GET /metrics", "");
    let text = String::from_utf8(metrics.body).unwrap();
    let bucket = |le: &str| {
        let name = format!("supervisord_loop_delay_seconds_bucket{{le=\"{le}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    };
    (bucket(DELAY), bucket("+Inf"))
}

/// Asks the supervision for something, again and again, until 99 of 100 waits in a row were short.
/// On a machine that is busy with other tests some looks see those and not the crowd.
fn supervision_is_prompt(rig: &Rig) {
    let mut connection = rig.connect();
    wait_for("99 of 100 requests to be taken up in time", || {
        let (short, all) = delays(rig);
        for _ in 0..REQUESTS {
            connection.call("signalProcess", &["cat".into(), "0".into()]).unwrap();
        }
        let after = delays(rig);
        let (short, all) = (after.0 - short, after.1 - all);
        assert!(all >= REQUESTS as u64, "{all} waits were counted");
        (short * 100 >= all * 99).then_some(())
    });
}

fn get(rig: &Rig, path: &str) -> Connection {
    let mut client = rig.connect();
    // It may be closed already in favour of a later one.
    _ = client.write(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    client
}

/// 10,000, or as many as this process may have open.
#[test]
fn idle_connections_cost_little_and_delay_nobody() {
    let count = (open_many_files() - 200).min(10_000);
    let rig = Rig::running(PROGRAMS);
    let before = resident(rig.pid());
    let crowd: Vec<Connection> = (0..count).map(|_| get(&rig, "/api/getState")).collect();
    let begun = Instant::now();
    assert_eq!(rig.state("cat"), "RUNNING");
    assert!(begun.elapsed() < Duration::from_secs(5), "others wait {:?}", begun.elapsed());
    supervision_is_prompt(&rig);
    let grown = resident(rig.pid()).saturating_sub(before);
    assert!(grown < GROWTH_BYTES_MAX, "{before} grew by {grown}");
    drop(crowd);
    // What they took is given back.
    wait_for("memory to be given back", || {
        (resident(rig.pid()).saturating_sub(before) < GROWTH_BYTES_MAX / 4).then_some(())
    });
}

/// A thousand of them.
#[test]
fn followers_of_a_log_delay_nobody_and_one_too_many_is_told() {
    let count = 1000;
    open_many_files();
    let rig = Rig::running(PROGRAMS);
    rig.wait_state("talk", "RUNNING");
    wait_for("a log to follow", || std::fs::metadata(log_of(&rig)).ok());
    let mut crowd: Vec<Connection> = (0..count).map(|_| get(&rig, "/logtail/talk")).collect();
    for client in &mut crowd {
        assert!(client.first_line().unwrap().contains("200"));
    }
    supervision_is_prompt(&rig);
    assert_eq!(rig.ask("GET /program/info/cat", "").status, 200, "others are served");
    // Streams beyond the limit are refused; what ends is answered.
    let mut more: Vec<Connection> = (count..1100).map(|_| get(&rig, "/logtail/talk")).collect();
    // Once the last of them was answered there is no room: then one more does not wait for ever.
    let lines = more.iter_mut().map(|client| client.first_line().unwrap());
    assert!(lines.filter(|line| line.contains("503")).count() > 0);
    let refused = rig.ask("GET /logtail/talk", "");
    assert_eq!(refused.status, 503, "{}", refused.head);
    assert!(refused.head.contains("retry-after"), "{}", refused.head);
    assert_eq!(rig.ask("GET /program/info/cat", "").status, 200);
    drop((crowd, more));
    wait_for("room for one more", || {
        let mut client = get(&rig, "/logtail/talk");
        client.first_line().unwrap().contains("200").then_some(())
    });
}

fn log_of(rig: &Rig) -> String {
    rig.info("talk", "stdout_logfile").as_str().unwrap().to_owned()
}
