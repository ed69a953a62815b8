//! The daemon in a control group that was delegated to it: nothing survives a stop.

#[path = "../cgroup/delegated.rs"]
mod delegated;

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use delegated::Delegated;

use crate::rig::{Rig, is_alive, wait_for};

/// Leaves a process behind that no process group and no session leads to, and that heeds no
/// SIGTERM.
const ESCAPES: &str = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\n\
    setsid sh -c \"trap '' TERM HUP; echo \\$\\$ >escaped.tmp; mv escaped.tmp escaped; \
    while :; do sleep 1000; done\" &\nexec cat\n";

const PROGRAM: &str = "[program:x]\ncommand=/bin/sh @/script\nstartsecs=0\nstopwaitsecs=1\n";

/// A daemon inside of a delegated control group, and that; `None`, with the reason printed, where
/// there can be none.
fn started(test: &str) -> Option<(Rig, Delegated)> {
    let delegated = match Delegated::new(&format!("daemon-{test}")) {
        Ok(delegated) => delegated,
        Err(why) => {
            println!("skipped: {why}");
            return None;
        }
    };
    delegated.mark();
    let mut rig = Rig::new(PROGRAM);
    fs::write(rig.path("script"), ESCAPES).unwrap();
    let procs = fs::File::options().write(true).open(delegated.0.join("cgroup.procs")).unwrap();
    let mut command = rig.command(&["-n"]);
    // SAFETY: write(2) alone, of one static byte, to a descriptor of this test.
    unsafe {
        command.pre_exec(move || match libc::write(procs.as_raw_fd(), c"0".as_ptr().cast(), 1) {
            1 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    rig.start_by(command);
    rig.wait_log("programs have control groups of their own");
    Some((rig, delegated))
}

/// The process that was left behind, once it is there.
fn escaped(rig: &Rig) -> i32 {
    let text = wait_for("the escaped process", || fs::read_to_string(rig.path("escaped")).ok());
    text.trim().parse().unwrap()
}

fn members(delegated: &Delegated) -> usize {
    let list = fs::read_to_string(delegated.0.join("x:x/cgroup.procs"));
    list.map_or(0, |list| list.lines().count())
}

#[test]
fn a_stop_leaves_nothing_behind_and_ends_in_time() {
    let Some((rig, delegated)) = started("stop") else { return };
    let survivor = escaped(&rig);
    assert!(members(&delegated) >= 2);
    let begun = Instant::now();
    rig.call("stopProcess", &["x".into()]).unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "it has the time of the stop");
    assert!(!is_alive(survivor), "it survived");
    assert_eq!((members(&delegated), rig.state("x").as_str()), (0, "STOPPED"));
}

#[test]
fn a_shutdown_leaves_nothing_behind_either() {
    let Some((mut rig, delegated)) = started("shutdown") else { return };
    let survivor = escaped(&rig);
    // Its end on its own account is no stop: its children are its own business.
    crate::rig::send(rig.process("x"), libc::SIGKILL);
    rig.wait_log("exited: x");
    assert!(is_alive(survivor));
    rig.signal(libc::SIGTERM);
    assert_eq!(rig.ended(), Some(0));
    wait_for("the end of it", || (!is_alive(survivor)).then_some(()));
    assert_eq!(members(&delegated), 0);
}

#[test]
fn an_update_that_removes_a_program_removes_its_control_group() {
    let Some((rig, delegated)) = started("update") else { return };
    escaped(&rig);
    rig.configure("");
    rig.call("update", &[]).unwrap();
    wait_for("its removal", || (!delegated.0.join("x:x").exists()).then_some(()));
}
