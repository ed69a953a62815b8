//! The one wait for children, with real ones; and the daemon's signals.
//!
//! A reaper takes every child of the process, so that these tests go one after the other.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "spawn/fixture.rs"]
#[allow(dead_code, reason = "these tests need less of it than others")]
mod fixture;

use std::collections::HashMap;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use fixture::{program, spawner};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getpid};
use supervisord::model::{ExitStatus, ProcessId, Signal};
use supervisord::runtime::reaper::{Reaped, Reaper, Signals};
use supervisord::runtime::spawn::{Grants, Spawner};
use supervisord::runtime::startup;
use tokio::time::timeout;

fn one_at_a_time() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test's future to its end, alone.
fn alone<T>(test: impl Future<Output = T>) -> T {
    let _lock = one_at_a_time();
    // Before tokio takes the signals over.
    static SETTLED: Once = Once::new();
    SETTLED.call_once(|| startup::settle().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(test);
    let left = waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT);
    assert_eq!(left, Err(Errno::ECHILD), "a child is left");
    result
}

fn start(spawner: &mut Spawner, command: &str) -> (i32, [OwnedFd; 2]) {
    let mut settings = program(command);
    settings.redirect_stderr = true;
    let child = spawner.spawn(&ProcessId::new("g", "p"), &settings, Grants::default()).unwrap();
    (child.pid, [child.stdin, child.stdout])
}

fn send(pid: i32, signal: i32) {
    // SAFETY: no memory is passed. (nix knows no real-time signals.)
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0, "{}", Errno::last());
}

/// No exit takes so long to be told; a lost one would never be.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// Waits for so many exits, by process id.
async fn exits(reaper: &mut Reaper, count: usize) -> HashMap<i32, ExitStatus> {
    let mut exits = HashMap::new();
    while exits.len() < count {
        match timeout(LOST_AFTER, reaper.next()).await.expect("an exit is lost") {
            Reaped::Woken(signal) => assert_eq!(signal, Signal::CHLD),
            Reaped::Exit(exit) => {
                assert_eq!(exits.insert(exit.pid, exit.status), None, "{} ended twice", exit.pid);
            }
        }
    }
    exits
}

#[test]
fn children_that_end_together_are_all_told_with_their_own_status() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    // Two descriptors each.
    let count = usize::try_from(hard / 2 - 100).unwrap().min(2000);
    alone(async {
        let mut reaper = Reaper::new().unwrap();
        let mut spawner = spawner();
        let children: Vec<_> = (0..count)
            .map(|n| {
                let (pid, pipes) =
                    start(&mut spawner, &format!("sh -c 'read x; exit {}'", n % 256));
                (pid, n % 256, pipes)
            })
            .collect();
        let expected: HashMap<i32, ExitStatus> = children
            .iter()
            .map(|(pid, code, _)| (*pid, ExitStatus::Code(i32::try_from(*code).unwrap())))
            .collect();
        drop(children);
        // All have ended before the first is waited for: 2,000 exits, and one signal perhaps.
        for pid in expected.keys() {
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            waitid(Id::Pid(Pid::from_raw(*pid)), flags).unwrap();
        }
        assert_eq!(exits(&mut reaper, count).await, expected);
    });
}

#[test]
fn a_signal_right_after_each_start_ends_each() {
    alone(async {
        let mut reaper = Reaper::new().unwrap();
        let mut spawner = spawner();
        let pids: Vec<i32> = (0..1000)
            .map(|_| {
                let (pid, _) = start(&mut spawner, "sleep 100");
                send(pid, libc::SIGTERM);
                pid
            })
            .collect();
        let term = ExitStatus::Signal { number: libc::SIGTERM, core: false };
        let expected = pids.into_iter().map(|pid| (pid, term)).collect();
        assert_eq!(exits(&mut reaper, 1000).await, expected);
    });
}

#[test]
fn who_is_expected_goes_first_and_nobody_waits_for_it() {
    alone(async {
        let mut reaper = Reaper::new().unwrap();
        let mut spawner = spawner();
        let mut children: Vec<_> = (0..20).map(|_| start(&mut spawner, "cat")).collect();
        let pids: Vec<i32> = children.iter().map(|(pid, _)| *pid).collect();
        // More than are looked at one by one, and one that is no child.
        reaper.expect(1);
        for pid in &pids[..10] {
            reaper.expect(*pid);
            reaper.expect(*pid);
        }
        let zero = |pids: &[i32]| pids.iter().map(|&pid| (pid, ExitStatus::Code(0))).collect();
        drop(children.split_off(10));
        assert_eq!(exits(&mut reaper, 10).await, zero(&pids[10..]), "who is not expected");
        children.truncate(8);
        assert_eq!(exits(&mut reaper, 2).await, zero(&pids[8..10]), "who is far behind");
        drop(children);
        assert_eq!(exits(&mut reaper, 8).await, zero(&pids[..8]));
    });
}

#[test]
fn orphans_are_adopted_and_real_time_signals_understood() {
    alone(async {
        let mut reaper = Reaper::new().unwrap();
        let parent = "sh -c 'exec 3<&0; (read x <&3; exit 5) & exit 4'";
        let (pid, [stdin, _]) = start(&mut spawner(), parent);
        let first = exits(&mut reaper, 1).await;
        assert_eq!(first, HashMap::from([(pid, ExitStatus::Code(4))]));
        drop(stdin);
        let orphan = exits(&mut reaper, 1).await;
        assert_eq!(orphan.values().collect::<Vec<_>>(), [&ExitStatus::Code(5)]);
        assert!(!orphan.contains_key(&pid));

        let (pid, _) = start(&mut spawner(), "sleep 100");
        send(pid, 40);
        let status = ExitStatus::Signal { number: 40, core: false };
        assert_eq!(exits(&mut reaper, 1).await, HashMap::from([(pid, status)]));
    });
}

#[test]
fn a_future_that_is_dropped_loses_nothing() {
    alone(async {
        let mut reaper = Reaper::new().unwrap();
        for _ in 0..50 {
            let (pid, pipes) = start(&mut spawner(), "cat");
            drop(pipes);
            let exit = loop {
                tokio::select! {
                    biased;
                    reaped = reaper.next() => if let Reaped::Exit(exit) = reaped { break exit },
                    () = tokio::task::yield_now() => {}
                }
            };
            assert_eq!(exit.pid, pid);
        }
    });
}

#[test]
fn children_that_ended_before_the_reaper_began_are_told() {
    alone(async {
        let (pid, [stdin, stdout]) = start(&mut spawner(), "sh -c 'exit 9'");
        drop(stdin);
        let stdout = tokio::net::unix::pipe::Receiver::from_owned_fd(stdout).unwrap();
        // End of file: it is about to end.
        stdout.readable().await.unwrap();
        let mut reaper = Reaper::new().unwrap();
        let expected = HashMap::from([(pid, ExitStatus::Code(9))]);
        assert_eq!(exits(&mut reaper, 1).await, expected);
    });
}

#[test]
fn signals_are_told_apart_and_shutdown_goes_first() {
    alone(async {
        let mut signals = Signals::new().unwrap();
        let this = getpid().as_raw();
        for signal in [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP, Signal::USR2] {
            send(this, signal.number());
            assert_eq!(signals.next().await, signal);
        }
    });
}

/// Runs by itself as process 1 of a new pid namespace; see the next test.
#[test]
#[ignore = "a part of the next test"]
fn part_of_the_next_test_as_process_1() {
    assert_eq!(getpid().as_raw(), 1);
    alone(async {
        let mut reaper = Reaper::new().unwrap();
        let mut spawner = spawner();
        // Each leaves three orphans behind.
        let script = "sh -c 'exec 3<&0; for n in 1 2 3; do (read x <&3; exit 7) & done; exit 6'";
        let children: Vec<_> = (0..50).map(|_| start(&mut spawner, script)).collect();
        let parents: Vec<i32> = children.iter().map(|(pid, _)| *pid).collect();
        drop(children);
        let exits = exits(&mut reaper, 200).await;
        for (pid, status) in exits {
            let expected = if parents.contains(&pid) { 6 } else { 7 };
            assert_eq!(status, ExitStatus::Code(expected), "{pid}");
        }
    });
    println!("process 1 is done");
}

#[test]
fn as_process_1_no_exit_status_is_lost_and_no_zombie_left() {
    if !nix::unistd::Uid::effective().is_root() {
        println!("skipped: only root can make a pid namespace");
        return;
    }
    let _lock = one_at_a_time();
    let this = std::env::current_exe().unwrap();
    let command = format!(
        "unshare --pid --fork '{}' --exact part_of_the_next_test_as_process_1 --ignored --nocapture",
        this.display()
    );
    let (pid, [_stdin, stdout]) = start(&mut spawner(), &command);
    nix::fcntl::fcntl(&stdout, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::empty())).unwrap();
    let mut said = String::new();
    std::fs::File::from(stdout).read_to_string(&mut said).unwrap();
    nix::sys::wait::waitpid(Pid::from_raw(pid), None).unwrap();
    if said.contains("unshare failed") {
        println!("skipped: no pid namespace here: {said}");
        return;
    }
    assert!(said.contains("process 1 is done"), "{said}");
}
