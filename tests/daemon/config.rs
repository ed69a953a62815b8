//! Configurations: a bad one never touches what runs.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the daemon itself")]

use std::process::Stdio;

use crate::rig::{Rig, is_alive};

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

#[test]
fn a_hangup_with_a_bad_configuration_changes_nothing() {
    let rig = Rig::running(CAT);
    let pid = rig.process("cat");
    rig.configure("[program:cat]\ncommand=/bin/cat\nnumprocs=many\n[program:dog]\n");
    rig.signal(libc::SIGHUP);
    rig.wait_log("not restarted");
    let log = rig.log();
    assert!(log.contains("numprocs") && log.contains("program:dog"), "not every error is told");
    assert!(is_alive(pid) && rig.process("cat") == pid);
}

#[test]
fn a_reload_of_a_bad_configuration_names_every_place() {
    let rig = Rig::running(CAT);
    rig.configure("[program:cat]\ncommand=/bin/cat\nnumprocs=many\n[program:dog]\n");
    let fault = rig.call("reloadConfig", &[]).unwrap_err();
    assert_eq!(fault.code, 92);
    assert!(fault.string.contains("numprocs") && fault.string.contains("dog"), "{}", fault.string);
    assert_eq!(rig.state("cat"), "RUNNING");
}

#[test]
fn a_hangup_starts_anew_from_the_file() {
    let rig = Rig::running(CAT);
    let pid = rig.process("cat");
    rig.configure("[program:dog]\ncommand=/bin/cat\nstartsecs=0\n");
    rig.signal(libc::SIGHUP);
    rig.wait_log("spawned: 'dog'");
    rig.wait_state("dog", "RUNNING");
    assert!(!is_alive(pid), "the old program outlived the restart");
}

#[test]
fn an_update_touches_only_what_changed() {
    let two = |command: &str| format!("{CAT}[program:dog]\ncommand={command}\nstartsecs=0\n");
    let rig = Rig::running(&two("/bin/cat"));
    let (cat, dog) = (rig.process("cat"), rig.process("dog"));
    rig.configure(&two("/bin/cat -u"));
    rig.call("update", &[]).unwrap();
    rig.wait_state("dog", "RUNNING");
    assert_eq!(rig.process("cat"), cat);
    assert_ne!(rig.process("dog"), dog);
}

#[test]
fn check_reports_every_error_and_its_place() {
    let rig = Rig::new("[program:a]\n[program:b]\ncommand=/bin/cat\nstopsignal=LOUD\n");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_supervisord"))
        .arg("check")
        .arg(rig.path("conf"))
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("conf:10: [program:a]") && said.contains("LOUD"), "{said}");
}

#[test]
fn a_restart_with_a_bad_configuration_is_refused() {
    let rig = Rig::running(CAT);
    let pid = rig.process("cat");
    rig.configure("[program:cat]\ncommand=/bin/cat\nnumprocs=many\n");
    let fault = rig.call("restart", &[]).unwrap_err();
    assert!(fault.code == 92 && fault.string.contains("numprocs"), "{}", fault.string);
    assert!(is_alive(pid) && rig.process("cat") == pid);
}
