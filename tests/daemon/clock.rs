//! A clock on the wall that is set, as by a person or after a suspend: no timer heeds it.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the daemon itself")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use supervisord::xmlrpc::Value;

use crate::rig::{PATIENCE, Rig, wait_for};

const DAY: i64 = 86_400;

/// The daemon's clock on the wall is moved by what the file `offset` says.
fn running(sections: &str) -> Rig {
    let mut rig = Rig::new(sections);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/daemon/clock.c");
    let library = rig.path("clock.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    assert!(compiler.status().unwrap().success(), "no library");
    let mut command = rig.command(&["-n"]);
    command.env("LD_PRELOAD", library).env("CLOCK_OFFSET", rig.path("offset"));
    rig.start_by(command);
    rig
}

/// Sets the clock, and waits until the daemon tells the new time.
fn set(rig: &Rig, seconds: i64) {
    // Never half a number.
    fs::write(rig.path("offset.new"), seconds.to_string()).unwrap();
    fs::rename(rig.path("offset.new"), rig.path("offset")).unwrap();
    let real = std::time::UNIX_EPOCH.elapsed().unwrap();
    let real = i64::try_from(real.as_secs()).unwrap();
    let told = rig.info("p", "now").as_int().unwrap();
    let patience = i64::try_from(PATIENCE.as_secs()).unwrap();
    assert!((told - real - seconds).abs() <= patience, "the clock was not set: {told}");
}

#[test]
fn a_clock_that_is_set_neither_hurries_nor_hangs_a_timer() {
    // The time it takes to count as started, and the time it gets to end.
    const SECONDS: Duration = Duration::from_secs(2);
    let stubborn = "/bin/sh -c 'trap \"\" TERM; echo >@/up; while :; do read x; done'";
    let rig = running(&format!(
        "[program:p]\ncommand={stubborn}\nautostart=false\nstartsecs=2\nstopwaitsecs=2\n\
         [program:fails]\ncommand=/bin/false\nautostart=false\nstartsecs=1\nstartretries=2\n"
    ));
    for jump in [DAY, -DAY] {
        set(&rig, 0);
        let begun = Instant::now();
        rig.call("startProcess", &["p".into(), Value::Bool(false)]).unwrap();
        set(&rig, jump);
        rig.wait_state("p", "RUNNING");
        assert!(begun.elapsed() >= SECONDS, "the start was hurried by {jump} s");

        wait_for("its trap", || rig.path("up").exists().then_some(()));
        let begun = Instant::now();
        rig.call("stopProcess", &["p".into(), Value::Bool(false)]).unwrap();
        set(&rig, 0);
        rig.wait_state("p", "STOPPED");
        assert!(begun.elapsed() >= SECONDS, "the kill was hurried by {} s", -jump);
        fs::remove_file(rig.path("up")).unwrap();

        // It is tried again after one second and after two.
        let begun = Instant::now();
        rig.call("startProcess", &["fails".into(), Value::Bool(false)]).unwrap();
        rig.wait_state("fails", "BACKOFF");
        set(&rig, jump);
        rig.wait_state("fails", "FATAL");
        assert!(begun.elapsed() >= Duration::from_secs(3), "a retry was hurried by {jump} s");
    }
}
