//! Start and end of the daemon itself.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the daemon itself")]

use std::fs;
use std::process::Stdio;

use crate::rig::{Rig, call, is_alive, send, wait_for};

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

#[test]
fn a_second_daemon_fails_says_why_and_removes_nothing() {
    let rig = Rig::running(CAT);
    let output = rig.command(&["-n"]).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("sock"), "{said}");
    assert!(rig.path("sock").exists() && rig.path("pid").exists());
    assert_eq!(rig.state("cat"), "RUNNING");
}

#[test]
fn a_stale_socket_and_pidfile_are_in_nobodys_way() {
    let mut rig = Rig::running(CAT);
    rig.signal(libc::SIGKILL);
    rig.ended();
    assert!(rig.path("sock").exists() && rig.path("pid").exists());
    rig.start();
    assert_eq!(rig.state("cat"), "RUNNING");
}

#[test]
fn a_shutdown_ends_whatever_arrives_meanwhile() {
    let slow = "[program:slow]\ncommand=/bin/sh -c 'trap \"\" TERM; echo up >@/up; exec cat'\n\
                startsecs=0\nstopwaitsecs=2\n";
    let mut rig = Rig::running(slow);
    wait_for("the program", || rig.path("up").exists().then_some(()));
    let pid = rig.process("slow");
    rig.signal(libc::SIGTERM);
    rig.wait_log("received SIGTERM");
    for _ in 0..50 {
        for signal in [libc::SIGHUP, libc::SIGUSR2, libc::SIGTERM, libc::SIGINT] {
            rig.signal(signal);
        }
    }
    let fault = rig.call("startProcess", &["slow".into()]).unwrap_err();
    assert_eq!(fault.code, 6);
    assert_eq!(rig.ended(), Some(0));
    assert!(!is_alive(pid));
    assert!(!rig.path("sock").exists() && !rig.path("pid").exists(), "something is left behind");
}

#[test]
fn the_terminal_is_given_back_when_the_daemon_answers() {
    let rig = Rig::new(CAT);
    let status = rig.command(&[]).status().unwrap();
    assert_eq!(status.code(), Some(0));
    // No waiting: it answers already.
    call(&rig.path("sock"), "supervisor.getState", &[]).unwrap().unwrap();
    let pid: i32 = fs::read_to_string(rig.path("pid")).unwrap().trim().parse().unwrap();
    send(pid, libc::SIGTERM);
    wait_for("its end", || (!is_alive(pid)).then_some(()));
}

#[test]
fn a_daemon_that_cannot_start_says_why_and_ends_with_2() {
    let rig = Rig::new("[program:x]\n");
    let output = rig.command(&[]).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("[program:x]") && said.contains("command"), "{said}");
}

#[test]
fn under_a_service_manager_it_stays_in_the_foreground() {
    let rig = Rig::new(CAT);
    let mut daemon = rig.command(&[]).env("NOTIFY_SOCKET", "@nowhere").spawn().unwrap();
    let pid = i32::try_from(daemon.id()).unwrap();
    wait_for("its pidfile", || {
        (fs::read_to_string(rig.path("pid")).ok()?.trim() == pid.to_string()).then_some(())
    });
    send(pid, libc::SIGTERM);
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

#[test]
fn supervisorctl_is_the_same_program_under_ctl() {
    let rig = Rig::running(CAT);
    let ours = rig.ctl(&["pid", "cat"]);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_supervisord"))
        .args(["ctl", "-c"])
        .arg(rig.path("conf"))
        .args(["pid", "cat"])
        .output()
        .unwrap();
    assert_eq!(output.stdout, ours.stdout);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), rig.process("cat").to_string());
}
