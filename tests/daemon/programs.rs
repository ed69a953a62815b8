//! Programs: their exits, their stops, many at once.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use supervisord::xmlrpc::Value;

use crate::rig::{Rig, children, is_alive, send, wait_for};

fn program(name: &str, command: &str, more: &str) -> String {
    format!("[program:{name}]\ncommand={command}\nstartsecs=0\n{more}\n")
}

#[test]
fn a_grandchild_that_keeps_the_pipe_delays_nothing_and_loses_nothing() {
    // The grandchild writes only when told, long after its parent has gone.
    let command = "/bin/sh -c 'mkfifo @/go; (read x <@/go; echo late) & echo early; exit 0'";
    let rig = Rig::running(&program("parent", command, "autorestart=false\nstdout_logfile=@/out"));
    rig.wait_state("parent", "EXITED");
    fs::write(rig.path("go"), "now\n").unwrap();
    wait_for("what the grandchild says", || {
        (fs::read_to_string(rig.path("out")).ok()? == "early\nlate\n").then_some(())
    });
}

#[test]
fn one_exit_does_not_cut_short_anothers_time_to_stop() {
    let patient = "/bin/sh -c 'trap \"read x <@/go; exit 0\" TERM; echo up; mkfifo @/go; while :; do read x; done'";
    let rig = Rig::running(&(program("quick", "/bin/cat", "") + &program("patient", patient, "")));
    rig.wait_state("patient", "RUNNING");
    wait_for("the pipe", || rig.path("go").exists().then_some(()));
    let pid = rig.process("patient");
    rig.call("stopAllProcesses", &[Value::Bool(false)]).unwrap();
    rig.wait_state("quick", "STOPPED");
    assert!(is_alive(pid), "it was not given its time");
    fs::write(rig.path("go"), "\n").unwrap();
    rig.wait_state("patient", "STOPPED");
    assert_eq!(rig.info("patient", "exitstatus"), Value::Int(0), "it was killed");
}

#[test]
fn a_killed_program_is_replaced_at_once() {
    let rig = Rig::running(&program("p", "/bin/cat", "autorestart=true"));
    let first = rig.process("p");
    send(first, libc::SIGKILL);
    wait_for("its replacement", || {
        let next = rig.process("p");
        (next != 0 && next != first).then_some(())
    });
}

#[test]
fn what_ends_at_once_again_and_again_is_slowed_down() {
    let rig = Rig::running(&program("p", "/bin/false", "autorestart=true"));
    rig.wait_log("at most once in that time");
    let starts = rig.log().matches("spawned: 'p'").count();
    assert!(starts <= 7, "{starts} starts before it was noticed");
}

#[test]
fn all_of_one_priority_are_signalled_together() {
    // None of them ends before all have been told.
    let command = "/bin/sh -c 'trap \"echo told >@/told.%(process_num)d; read x <@/go; exit\" TERM; \
                   echo up >@/up.%(process_num)d; while :; do read x; done'";
    let many = format!(
        "[program:p]\ncommand={command}\nnumprocs=10\nprocess_name=%(process_num)d\nstartsecs=0\n"
    );
    let mut rig = Rig::new(&many);
    nix::unistd::mkfifo(&rig.path("go"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    rig.start();
    let all = |what: &str| {
        wait_for(what, || (0..10).all(|n| rig.path(&format!("{what}.{n}")).exists()).then_some(()));
    };
    all("up");
    rig.call("stopAllProcesses", &[Value::Bool(false)]).unwrap();
    all("told");
    // Open for both, so that neither side ever finds the other gone.
    let mut go = OpenOptions::new().read(true).write(true).open(rig.path("go")).unwrap();
    go.write_all(&[b'\n'; 10]).unwrap();
    for n in 0..10 {
        rig.wait_state(&format!("p:{n}"), "STOPPED");
    }
}

#[test]
fn a_child_finds_nothing_of_the_daemons() {
    let command = "/bin/sh -c 'ls /proc/self/fd; env; echo done'";
    let rig = Rig::new(&program("p", command, "autorestart=false\nstdout_logfile=@/out"));
    let mut daemon = rig.command(&["-n"]);
    daemon.env("NOTIFY_SOCKET", "/nonexistent").env("LISTEN_FDS", "0").env("WATCHDOG_USEC", "1");
    let mut child = daemon.spawn().unwrap();
    let said = wait_for("what it says", || {
        let said = fs::read_to_string(rig.path("out")).ok()?;
        said.ends_with("done\n").then_some(said)
    });
    send(i32::try_from(child.id()).unwrap(), libc::SIGTERM);
    child.wait().unwrap();
    for ours in ["NOTIFY_SOCKET", "LISTEN_FDS", "WATCHDOG_USEC"] {
        assert!(!said.contains(ours), "{ours} reached the child:\n{said}");
    }
    // 3 is ls's own, for the directory.
    assert!(said.starts_with("0\n1\n2\n3\n") && !said.contains("\n4\n"), "{said}");
}

/// Parent and child ignore SIGTERM; `sh -c` is between them and the daemon.
#[test]
fn a_family_that_does_not_want_to_end_is_gone_in_time() {
    let command = "/bin/sh -c 'trap \"\" TERM; sleep 1000 & echo >@/up; wait; sleep 1000; :'";
    let rig = Rig::running(&program("p", command, "stopwaitsecs=1\nkillasgroup=true"));
    wait_for("the family", || rig.path("up").exists().then_some(()));
    let parent = rig.process("p");
    let child = wait_for("the child", || children(parent).first().copied());
    let begun = Instant::now();
    rig.call("stopProcess", &["p".into()]).unwrap();
    // One second is stopwaitsecs; a busy machine gets some more.
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(10), "{took:?}");
    wait_for("the child's end", || (!is_alive(child)).then_some(()));
    assert!(!is_alive(parent));
}
