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
    rig.wait_state("cat", "RUNNING");
    let pid = rig.process("cat");
    rig.configure("[program:cat]\ncommand=/bin/cat\nnumprocs=many\n");
    let fault = rig.call("restart", &[]).unwrap_err();
    assert!(fault.code == 92 && fault.string.contains("numprocs"), "{}", fault.string);
    assert!(is_alive(pid) && rig.process("cat") == pid);
}

/// For each key: what a program is after an update to a file without it is what a daemon makes of
/// that file that never saw another.
#[test]
fn a_key_that_is_removed_is_gone_as_if_it_had_never_been_there() {
    const KEYS: [&str; 17] = [
        "numprocs=2\nprocess_name=%(program_name)s%(process_num)d",
        "directory=/tmp",
        "umask=027",
        "priority=5",
        "autostart=false",
        "startsecs=3",
        "startretries=9",
        "autorestart=true",
        "exitcodes=7",
        "stopsignal=INT",
        "stopwaitsecs=4",
        "stopasgroup=true",
        "redirect_stderr=true",
        "stdout_logfile=@/out",
        "stdout_logfile_maxbytes=1MB",
        "stdout_logfile_backups=3",
        "environment=A=\"b\"",
    ];
    let program = |without: Option<usize>| {
        let keys = KEYS.iter().enumerate().filter(|(n, _)| Some(*n) != without);
        let keys: String = keys.map(|(_, key)| format!("{key}\n")).collect();
        format!("[program:p]\ncommand=/bin/cat\n{keys}")
    };
    let config = |rig: &Rig| {
        let said = format!("{:?}", rig.call("getAllConfigInfo", &[]).unwrap());
        let said = said.replace(rig.path("").to_str().unwrap(), "@");
        // Eight letters of an AUTO log's name are by chance.
        let mut parts = said.split("---supervisor-");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |told, part| told + &part[8..])
    };
    let names = |rig: &Rig| {
        let said = String::from_utf8(rig.ctl(&["avail"]).stdout).unwrap();
        let status = String::from_utf8(rig.ctl(&["status"]).stdout).unwrap();
        let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
        (said, status.lines().map(first).collect::<Vec<_>>())
    };
    let differs = |rig: &Rig| {
        let changes = format!("{:?}", rig.call("reloadConfig", &[]).unwrap());
        changes.contains("\"p\"")
    };
    let updated = Rig::running(&program(None));
    for (n, key) in KEYS.iter().enumerate() {
        updated.configure(&program(None));
        updated.call("update", &[]).unwrap();
        updated.configure(&program(Some(n)));
        assert!(differs(&updated), "{key} makes no difference");
        updated.call("update", &[]).unwrap();
        let fresh = Rig::running(&program(Some(n)));
        assert_eq!(config(&updated), config(&fresh), "{key}");
        assert_eq!(names(&updated), names(&fresh), "{key}");
        // What nobody is told of is compared all the same.
        assert!(!differs(&updated), "{key} was not removed");
    }
}
