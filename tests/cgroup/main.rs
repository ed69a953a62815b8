//! Control groups for real: processes that escape everything else, and their end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod delegated;
#[path = "../spawn/fixture.rs"]
#[allow(dead_code, reason = "these tests need less of it than others")]
mod fixture;
mod rig;

use std::fs;
use std::sync::Arc;

use fixture::{finish, program};
use nix::sys::signal::{Signal as Sent, kill, killpg};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use rig::{directory, emptied, inside, members, read_lines, start, wait_for};
use supervisord::model::{ProcessId, Signal};
use supervisord::runtime::cgroup::{Cgroups, Usage};

/// Two that left the process group, one of them the session and its parent as well.
const ESCAPES: &str = "sh -c 'setsid sh -c \"(sleep 1000; :) & echo up; exec sleep 1000\" & setsid sleep 1000 & wait'";

/// Thirty that start others as fast as they can.
const FORKS: &str = "sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; \
     do (echo up; while :; do (:); done) & done; wait'";

/// Thirty of which each ends as soon as another has taken its place.
const HOPS: &str = "perl -e '$| = 1; for (1..29) { fork or last } print \"up\\n\"; \
                    while (1) { (fork // 0) and exit }'";

fn web() -> ProcessId {
    ProcessId::new("web", "1")
}

fn wait(pid: i32) {
    waitpid(Pid::from_raw(pid), None).unwrap();
}

#[tokio::test]
async fn what_left_its_group_and_session_is_killed() {
    if !inside("what_left_its_group_and_session_is_killed", true) {
        return;
    }
    for by_file in [true, false] {
        let cgroups = Cgroups::take_over().unwrap();
        let mut cgroups = if by_file { cgroups } else { cgroups.without_kill_file() };
        let child = start(&mut cgroups, &web(), ESCAPES);
        read_lines(&child.stdout, 1);
        wait_for(|| members(&directory(&web())) >= 5);
        // What a supervisor without control groups can do.
        killpg(Pid::from_raw(child.pid), Sent::SIGKILL).unwrap();
        wait(child.pid);
        assert!(cgroups.is_populated(&web()));
        cgroups.watch(&web()).unwrap();
        cgroups.signal(&web(), Signal::KILL).unwrap();
        assert_eq!(emptied(&mut cgroups).await, web());
        assert_eq!(members(&directory(&web())), 0);
        assert!(!cgroups.is_populated(&web()));
        cgroups.remove(&web());
        assert!(!directory(&web()).exists());
        // Nobody is there to be signalled.
        cgroups.signal(&web(), Signal::KILL).unwrap();
        cgroups.signal(&web(), Signal::TERM).unwrap();
    }
}

#[tokio::test]
async fn a_fork_bomb_is_killed_completely() {
    if !inside("a_fork_bomb_is_killed_completely", true) {
        return;
    }
    for (by_file, bomb) in [(true, FORKS), (false, FORKS), (true, HOPS), (false, HOPS)] {
        let cgroups = Cgroups::take_over().unwrap();
        let mut cgroups = if by_file { cgroups } else { cgroups.without_kill_file() };
        let child = start(&mut cgroups, &web(), bomb);
        read_lines(&child.stdout, 30);
        cgroups.watch(&web()).unwrap();
        cgroups.signal(&web(), Signal::KILL).unwrap();
        assert_eq!(emptied(&mut cgroups).await, web());
        wait(child.pid);
        assert_eq!(members(&directory(&web())), 0);
        // It is not left frozen: whoever comes next can run.
        let again = start(&mut cgroups, &web(), "echo again");
        assert_eq!(finish(again).stdout, "again\n");
    }
}

#[tokio::test]
async fn a_signal_reaches_every_member() {
    if !inside("a_signal_reaches_every_member", true) {
        return;
    }
    let mut cgroups = Cgroups::take_over().unwrap();
    let child = start(&mut cgroups, &web(), ESCAPES);
    read_lines(&child.stdout, 1);
    wait_for(|| members(&directory(&web())) >= 5);
    cgroups.watch(&web()).unwrap();
    cgroups.signal(&web(), Signal::TERM).unwrap();
    assert_eq!(emptied(&mut cgroups).await, web());
    wait(child.pid);
}

#[tokio::test]
async fn a_child_is_in_its_control_group_before_it_is_its_program() {
    if !inside("a_child_is_in_its_control_group_before_it_is_its_program", true) {
        return;
    }
    let mut cgroups = Cgroups::take_over().unwrap();
    for name in ["1", "memory.max", "_", "ä b", "x/../y"] {
        let process = ProcessId::new("g", name);
        let child = start(&mut cgroups, &process, "cat /proc/self/cgroup");
        let line = format!("0::{}\n", cgroups.path_of(&process));
        let told = finish(child).stdout;
        assert!(told.contains(&line), "{line} in {told}");
        assert!(directory(&process).is_dir());
    }
    assert!(!cgroups.is_populated(&ProcessId::new("g", "1")));
    let usage = cgroups.usage(&ProcessId::new("g", "1"));
    assert!(usage.cpu.is_some_and(|cpu| !cpu.is_zero()), "{usage:?}");
    assert_eq!(cgroups.usage(&ProcessId::new("g", "none")), Usage::default());
}

#[tokio::test]
async fn the_end_of_the_last_is_told_once() {
    if !inside("the_end_of_the_last_is_told_once", true) {
        return;
    }
    let mut cgroups = Cgroups::take_over().unwrap();
    let (one, two) = (web(), ProcessId::new("web", "2"));
    let (first, second) = (start(&mut cgroups, &one, "cat"), start(&mut cgroups, &two, "cat"));
    cgroups.watch(&one).unwrap();
    cgroups.watch(&two).unwrap();
    // Nobody has ended, and whoever waits can be sent away.
    let nobody = tokio::select! {
        biased;
        _ = cgroups.emptied() => false,
        () = tokio::task::yield_now() => true,
    };
    assert!(nobody);
    // Cat ends with its stdin. It is no zombie's business whether somebody is alive.
    drop(second.stdin);
    assert_eq!(emptied(&mut cgroups).await, two);
    kill(Pid::from_raw(first.pid), Sent::SIGKILL).unwrap();
    assert_eq!(emptied(&mut cgroups).await, one);
    // One that is empty already, and one that never was.
    cgroups.watch(&one).unwrap();
    assert_eq!(emptied(&mut cgroups).await, one);
    cgroups.watch(&ProcessId::new("web", "3")).unwrap();
    assert_eq!(emptied(&mut cgroups).await, ProcessId::new("web", "3"));
    cgroups.watch(&two).unwrap();
    cgroups.unwatch(&two);
    cgroups.watch(&one).unwrap();
    assert_eq!(emptied(&mut cgroups).await, one);
    wait(first.pid);
    wait(second.pid);
}

#[tokio::test]
async fn removal_kills_what_is_left() {
    if !inside("removal_kills_what_is_left", true) {
        return;
    }
    let mut cgroups = Cgroups::take_over().unwrap();
    let child = start(&mut cgroups, &web(), ESCAPES);
    read_lines(&child.stdout, 1);
    // A program may have control groups of its own.
    let nested = directory(&web()).join("nested/deep");
    fs::create_dir_all(&nested).unwrap();
    cgroups.watch(&web()).unwrap();
    cgroups.remove(&web());
    let gone = async {
        while directory(&web()).exists() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        process = cgroups.emptied() => panic!("told of {process}, which was removed"),
        () = gone => {}
        () = tokio::time::sleep(rig::PATIENCE) => panic!("it is still there"),
    }
    wait(child.pid);
    // A start that comes in between keeps it.
    let child = start(&mut cgroups, &web(), "cat");
    cgroups.remove(&web());
    let settings = program("cat");
    assert!(cgroups.prepare(&web(), &settings).is_ok());
    wait(child.pid);
    cgroups.watch(&web()).unwrap();
    assert_eq!(emptied(&mut cgroups).await, web());
    assert!(directory(&web()).is_dir());
}

#[tokio::test]
async fn a_new_life_finds_what_the_last_one_left() {
    if !inside("a_new_life_finds_what_the_last_one_left", true) {
        return;
    }
    let mut cgroups = Cgroups::take_over().unwrap();
    let told = Cgroups::take_over().unwrap_err();
    assert!(told.contains("another daemon has it"), "{told}");
    let (kept, lost, empty) = (web(), ProcessId::new("a", "b"), ProcessId::new("a", "c"));
    let (first, second) = (start(&mut cgroups, &kept, "cat"), start(&mut cgroups, &lost, "cat"));
    finish(start(&mut cgroups, &empty, "true"));
    let path = cgroups.path().to_owned();
    drop(cgroups);

    let mut cgroups = Cgroups::take_over().unwrap();
    assert_eq!(cgroups.path(), path);
    assert!(!directory(&empty).exists());
    assert!(cgroups.prepare(&kept, &program("cat")).unwrap().leftovers);
    let killed = cgroups.kill_leftovers(|name| name == kept.cgroup_name());
    assert_eq!(killed.len(), 1);
    assert!(killed[0].0 == lost.cgroup_name() && killed[0].1.is_ok(), "{killed:?}");
    cgroups.watch(&lost).unwrap();
    assert_eq!(emptied(&mut cgroups).await, lost);
    wait(second.pid);
    assert!(cgroups.is_populated(&kept));
    // It ends with its stdin.
    finish(first);
}

#[tokio::test]
async fn a_limit_that_cannot_be_had_is_told_once() {
    if !inside("a_limit_that_cannot_be_had_is_told_once", true) {
        return;
    }
    let mut cgroups = Cgroups::take_over().unwrap();
    let mut settings = program("true");
    Arc::make_mut(&mut settings.limits).memory_max = Some(64 << 20);
    let first = cgroups.prepare(&web(), &settings).unwrap();
    let limit = fs::read_to_string(directory(&web()).join("memory.max"));
    match limit {
        Ok(limit) => assert_eq!((limit.as_str(), first.warnings.len()), ("67108864\n", 0)),
        Err(_) => assert!(first.warnings[0].starts_with("memory_max has no effect: ")),
    }
    assert!(cgroups.prepare(&web(), &settings).unwrap().warnings.is_empty());
    assert!(!cgroups.is_out_of_memory(&web()));
}

#[tokio::test]
async fn what_is_not_delegated_is_not_touched() {
    if !inside("what_is_not_delegated_is_not_touched", false) {
        return;
    }
    let told = Cgroups::take_over().unwrap_err();
    assert!(told.contains("is not delegated to this daemon: expected Delegate=yes"), "{told}");
    let process = ProcessId::new("", "");
    let own = directory(&process).parent().unwrap().to_owned();
    let entries = fs::read_dir(&own).unwrap().map(Result::unwrap);
    assert_eq!(entries.filter(|entry| entry.file_type().unwrap().is_dir()).count(), 0);
    assert_eq!(members(&own), 1);
}
