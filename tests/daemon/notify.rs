//! Programs that say how they are: readiness, words, watchdog, heirs, and who is not heard.

use std::fs;

use supervisord::xmlrpc::Value;

use crate::rig::{Rig, is_alive, wait_for};

/// Sends one datagram to `NOTIFY_SOCKET`.
const SEND: &str = r#"import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ['NOTIFY_SOCKET'])
s.send(sys.argv[1].replace('|', '\n').encode())
"#;

/// A program: a shell script that can `say` things.
fn rig(script: &str, keys: &str) -> Rig {
    let rig = Rig::new(&format!(
        "[program:x]\ncommand=/bin/sh @/script\nnotify=true\nstartsecs=30\n{keys}\n"
    ));
    fs::write(rig.path("send.py"), SEND).unwrap();
    let directory = rig.path("").display().to_string();
    let say = format!("cd {directory}\nsay() {{ python3 {directory}/send.py \"$1\"; }}\n");
    fs::write(rig.path("script"), say + script).unwrap();
    rig
}

fn exists(rig: &Rig, name: &str) {
    wait_for(name, || rig.path(name).exists().then_some(()));
}

#[test]
fn a_program_is_running_when_it_says_so() {
    let mut rig =
        rig("touch begun\nwhile [ ! -e go ]; do sleep 0.05; done\nsay READY=1\nexec cat", "");
    rig.start();
    exists(&rig, "begun");
    assert_eq!(rig.state("x"), "STARTING");
    fs::write(rig.path("go"), "").unwrap();
    rig.wait_state("x", "RUNNING");
    rig.wait_log("process has said that it is ready");
}

#[test]
fn who_waits_for_the_start_waits_for_readiness() {
    let mut rig = rig("sleep 0.3\ntouch ready\nsay READY=1\nexec cat", "autostart=false");
    rig.start();
    rig.call("startProcess", &["x".into(), Value::Bool(true)]).unwrap();
    assert!(rig.path("ready").exists());
    assert_eq!(rig.state("x"), "RUNNING");
}

#[test]
fn one_that_is_not_ready_in_time_is_given_up() {
    let mut rig = rig("exec cat", "startsecs=1\nstartretries=0\nautostart=false");
    rig.start();
    let fault = rig.call("startProcess", &["x".into()]).unwrap_err();
    assert_eq!(fault.code, 50, "{fault:?}");
    assert_eq!(rig.state("x"), "FATAL");
    let why = rig.info("x", "spawnerr");
    assert_eq!(why.as_str(), Some("Not ready within 1 seconds (startsecs)"));
}

#[test]
fn its_words_stand_in_its_status() {
    let mut rig = rig("say 'READY=1|STATUS=serving 3 clients'\nexec cat", "");
    rig.start();
    rig.wait_state("x", "RUNNING");
    let status = wait_for("its words", || {
        let output = rig.ctl(&["status", "x"]);
        let text = String::from_utf8(output.stdout).unwrap();
        text.contains("serving").then_some(text)
    });
    assert!(status.trim_end().ends_with("; serving 3 clients"), "{status}");
}

#[test]
fn one_that_stops_reporting_is_aborted_and_started_again() {
    // The second one takes back that it must report: on a busy machine it might be late, too.
    let script = "echo $WATCHDOG_USEC >usec\nsay READY=1\nsay WATCHDOG=1\n\
                  [ -e once ] || { touch once; exec sleep 1000; }\n\
                  say WATCHDOG_USEC=0\ntouch again\nexec cat";
    let mut rig = rig(script, "watchdogsecs=2");
    rig.start();
    exists(&rig, "again");
    assert_eq!(fs::read_to_string(rig.path("usec")).unwrap().trim(), "2000000");
    rig.wait_log("ending it with SIGABRT");
    rig.wait_log("exited: x (terminated by SIGABRT");
    rig.wait_state("x", "RUNNING");
}

#[test]
fn a_stranger_is_not_heard() {
    let mut rig = rig("echo $NOTIFY_SOCKET >socket.tmp\nmv socket.tmp socket\nexec cat", "");
    rig.start();
    exists(&rig, "socket");
    let path = fs::read_to_string(rig.path("socket")).unwrap();
    let stranger = std::os::unix::net::UnixDatagram::unbound().unwrap();
    stranger.send_to(b"READY=1\nSTATUS=forged", path.trim()).unwrap();
    // What comes after it was heard is proof that it was passed over.
    rig.signal(libc::SIGUSR2);
    rig.wait_log("received SIGUSR2");
    assert_eq!(rig.state("x"), "STARTING");
    assert_eq!(rig.info("x", "description").as_str(), Some(""));
}

#[test]
fn a_program_in_the_background_is_followed() {
    let script = "sh -c 'echo $$ >heir.tmp; mv heir.tmp heir; exec sleep 1000' &\n\
                  while [ ! -e heir ]; do sleep 0.02; done\n\
                  say \"MAINPID=$(cat heir)|READY=1\"\nexit 0";
    let mut rig = rig(script, "autorestart=false");
    rig.start();
    rig.wait_state("x", "RUNNING");
    let heir: i32 = fs::read_to_string(rig.path("heir")).unwrap().trim().parse().unwrap();
    wait_for("the heir to count", || (rig.process("x") == heir).then_some(()));
    assert!(is_alive(heir));
    rig.call("stopProcess", &["x".into()]).unwrap();
    assert!(!is_alive(heir));
    assert_eq!(rig.state("x"), "STOPPED");
}

#[test]
fn a_process_of_another_cannot_be_named() {
    let mut rig = rig("say \"MAINPID=$PPID|READY=1\"\nexec cat", "");
    rig.start();
    rig.wait_state("x", "RUNNING");
    rig.wait_log("which is no process of its own");
    assert_ne!(rig.process("x"), rig.pid());
}

#[test]
fn a_barrier_is_answered() {
    let script = r#"cat >barrier.py <<'END'
import array, os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ['NOTIFY_SOCKET'])
r, w = os.pipe()
fds = array.array('i', [w])
s.sendmsg([b'BARRIER=1'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
os.close(w)
os.read(r, 1)
open('passed', 'w')
END
python3 barrier.py
exec cat"#;
    let mut rig = rig(script, "");
    rig.start();
    exists(&rig, "passed");
}

#[test]
fn nothing_is_left_of_the_sockets() {
    let mut rig = rig("echo $NOTIFY_SOCKET >socket.tmp\nmv socket.tmp socket\nexec cat", "");
    rig.start();
    exists(&rig, "socket");
    let path = fs::read_to_string(rig.path("socket")).unwrap();
    let path = std::path::Path::new(path.trim()).to_owned();
    assert!(path.exists());
    rig.signal(libc::SIGTERM);
    assert_eq!(rig.ended(), Some(0));
    assert!(!path.exists() && !path.parent().unwrap().exists());
}
