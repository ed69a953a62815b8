//! Many programs, many times.
//!
//! `FULL_SIZE=1` runs these at the sizes of docs/failures.md; every run takes what a small machine
//! can afford.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the daemon itself")]

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, setrlimit};
use supervisord::xmlrpc::Value;

use crate::rig::{
    Connection, Rig, children, descriptors, is_alive, rounds, send, wait_for, wait_idle,
};

/// Descriptors of the daemon for the most programs here: three each, and some to spare.
const MINFDS: usize = 18_000;

/// What a busy machine may take away from a moment that is measured: the shortest of so many
/// counts, which no load can change.
const ATTEMPTS: usize = 5;

/// A daemon with this many processes `p:0`, `p:1`, ... of one program.
fn many(count: usize, command: &str, more: &str) -> String {
    format!(
        "loglevel=info\nminfds={MINFDS}\n[program:p]\ncommand={command}\nnumprocs={count}\n\
         process_name=%(process_num)d\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
         {more}\n"
    )
}

fn one(command: &str, more: &str) -> String {
    format!("[program:p]\ncommand={command}\nstartsecs=0\n{more}\n")
}

/// A member of each process's information, in the order of the configuration.
fn all(connection: &mut Connection, member: &str) -> Vec<Value> {
    let Ok(Value::Array(all)) = connection.call("getAllProcessInfo", &[]) else { panic!("a list") };
    all.iter().map(|info| info.member(member).expect("a member").clone()).collect()
}

fn wait_all(connection: &mut Connection, count: usize, state: &str) {
    wait_for(&format!("{count} to be {state}"), || {
        let states = all(connection, "statename");
        let there = states.iter().filter(|found| found.as_str() == Some(state)).count();
        (there == count).then_some(())
    });
}

/// select(2) ends at 1,024 descriptors; these take three times their number: 600 here, 2,000 at full
/// size.
#[test]
fn many_programs_run_side_by_side() {
    let count = rounds(600, 2000);
    let rig = Rig::running(&many(count, "/bin/cat", ""));
    let mut connection = rig.connect();
    wait_all(&mut connection, count, "RUNNING");
    assert!(descriptors(rig.pid()) > 3 * count);
    rig.call("sendProcessStdin", &["p:599".into(), "heard\n".into()]).unwrap();
    connection.call("stopAllProcesses", &[Value::Bool(true)]).unwrap();
    assert!(children(rig.pid()).is_empty(), "one was not waited for");
}

/// Too few descriptors for all: those that get none say so, and everybody else goes on.
#[test]
fn a_lack_of_descriptors_is_told_and_ends_nobody() {
    const COUNT: usize = 200;
    const LIMIT: u64 = 128;
    let text = many(COUNT, "/bin/cat", "startretries=0").replace("18000", "64");
    let mut rig = Rig::new(&text);
    let mut command = rig.command(&["-n"]);
    let limit = || setrlimit(Resource::RLIMIT_NOFILE, LIMIT, LIMIT).map_err(Into::into);
    // SAFETY: the closure makes one system call.
    unsafe { command.pre_exec(limit) };
    rig.start_by(command);
    // A few descriptors for a caller come back when a program stops.
    rig.wait_log("too many open files");
    let told = rig.log();
    assert!(told.lines().any(|line| line.contains("FATAL")), "{told}");
    let status = wait_for("everybody's turn", || {
        let status = String::from_utf8(rig.ctl(&["status"]).stdout).unwrap();
        (!status.contains("STARTING")).then_some(status)
    });
    let all_in = |state: &str| -> Vec<&str> {
        let lines = status.lines().filter(|line| line.contains(state));
        lines.map(|line| line.split_whitespace().next().unwrap()).collect()
    };
    let (running, fatal) = (all_in("RUNNING"), all_in("FATAL"));
    assert!(running.len() > 10 && running.len() + fatal.len() == COUNT, "{status}");
    // Some descriptors are given back, and who is asked takes them. Its making takes more of them
    // for a moment than it keeps.
    for name in &running[..3] {
        rig.call("stopProcess", &[(*name).into()]).unwrap();
    }
    let name = *fatal.last().expect("one without descriptors");
    wait_for("a start", || rig.call("startProcess", &[name.into()]).ok());
    assert_eq!(rig.state(name), "RUNNING");
}

/// A limit that is known beforehand to be too low is told before anything starts.
#[test]
fn too_low_a_limit_is_told_at_the_start() {
    if nix::unistd::Uid::effective().is_root() {
        println!("root raises the limit; tests/startup.rs shows the rest");
    }
    let rig =
        Rig::new(&one("/bin/cat", "").replace("[program:p]", "minfds=2000000000\n[program:p]"));
    let output = rig.command(&["-n"]).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("2000000000") && said.contains("file descriptors"), "{said}");
}

/// 300 rounds here, 10,000 at full size.
#[test]
fn restarts_and_tails_leave_no_descriptor_behind() {
    let rig = Rig::running(&one("/bin/sh -c 'echo up; exec cat'", "stdout_logfile=@/out"));
    let mut connection = rig.connect();
    let once = |connection: &mut Connection| {
        connection.call("stopProcess", &["p".into()]).unwrap();
        connection.call("startProcess", &["p".into()]).unwrap();
        let tail = ["p".into(), Value::Int(0), Value::Int(100)];
        connection.call("tailProcessStdoutLog", &tail).unwrap();
        // A follower that leaves without a word.
        let mut follower = rig.connect();
        follower.write("GET /logtail/p HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert!(follower.first_line().unwrap().contains("200"));
    };
    for _ in 0..20 {
        once(&mut connection);
    }
    let settled = |most: usize| {
        wait_for("flat descriptors", || {
            let open = descriptors(rig.pid());
            (open <= most).then_some(open)
        })
    };
    wait_idle(rig.pid());
    let before = settled(usize::MAX);
    for _ in 0..rounds(300, 10_000) {
        once(&mut connection);
    }
    settled(before);
}

/// A client that leaves, a rotation and a spawn, whose descriptors get each other's numbers: 300
/// times here, 100,000 at full size. Then the daemon rests, and has none too many.
#[test]
fn reused_descriptors_never_keep_the_daemon_busy() {
    let more = "autostart=false\nautorestart=false\nstdout_logfile=@/out\n\
                stdout_logfile_maxbytes=1\nstdout_logfile_backups=1";
    let rig = Rig::running(&one("/bin/echo enough for a rotation", more));
    let mut connection = rig.connect();
    wait_idle(rig.pid());
    let before = descriptors(rig.pid());
    for _ in 0..rounds(300, 100_000) {
        let mut leaver = rig.connect();
        leaver.send("getAllProcessInfo", &[]);
        // Once the last one has ended.
        while connection.call("startProcess", &["p".into()]).is_err() {}
        drop(leaver);
    }
    assert!(rig.path("out.1").exists(), "nothing was rotated");
    wait_idle(rig.pid());
    assert!(descriptors(rig.pid()) <= before, "{before} became {}", descriptors(rig.pid()));
}

/// A stop right after a start, which other supervisors lose between fork and exec: 500 times
/// here, 10,000 at full size.
#[test]
fn a_start_and_a_stop_at_once_never_run_into_the_time_limit() {
    let rig = Rig::running(&one("/bin/sleep 1000", "autostart=false\nstopwaitsecs=60"));
    let mut connection = rig.connect();
    for _ in 0..rounds(500, 10_000) {
        let begun = Instant::now();
        connection.call("startProcess", &["p".into(), Value::Bool(false)]).unwrap();
        connection.call("stopProcess", &["p".into()]).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(60), "a SIGTERM was lost");
    }
    assert!(!rig.log().contains("SIGKILL"));
}

/// 500 here, 5,000 at full size.
#[test]
fn many_that_end_together_each_keep_their_own_status() {
    let count = rounds(500, 5000);
    let command = "/bin/sh -c 'read x <@/go; exit $((%(process_num)d %% 256))'";
    let mut rig = Rig::new(&many(count, command, "autorestart=false"));
    nix::unistd::mkfifo(&rig.path("go"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let gate = OpenOptions::new().read(true).write(true).open(rig.path("go")).unwrap();
    rig.start();
    let mut connection = rig.connect();
    wait_all(&mut connection, count, "RUNNING");
    for pid in all(&mut connection, "pid") {
        let stdin = format!("/proc/{}/fd/0", pid.as_int().unwrap());
        wait_for("each at the gate", || {
            fs::read_link(&stdin).is_ok_and(|file| file == rig.path("go")).then_some(())
        });
    }
    // End of file for every one of them.
    drop(gate);
    wait_all(&mut connection, count, "EXITED");
    let names = all(&mut connection, "name").into_iter();
    for (name, status) in names.zip(all(&mut connection, "exitstatus")) {
        let n: i64 = name.as_str().unwrap().parse().unwrap();
        assert_eq!(status, Value::Int(n % 256), "{name:?}");
    }
    assert!(children(rig.pid()).is_empty(), "one was not waited for");
}

/// 500 programs are all stopped and all started in under two seconds (half a second on two free cores
/// with a release build). On a machine that has other work to do, in no more than three times what
/// it then takes to make and end as many without a supervisor.
#[test]
fn a_restart_of_five_hundred_takes_less_than_two_seconds() {
    const COUNT: usize = 500;
    let rig = Rig::running(&many(COUNT, "/bin/cat", ""));
    let mut connection = rig.connect();
    wait_all(&mut connection, COUNT, "RUNNING");
    let mut took = Vec::new();
    for _ in 0..ATTEMPTS {
        let before = all(&mut connection, "pid");
        let begun = Instant::now();
        connection.call("stopAllProcesses", &[]).unwrap();
        connection.call("startAllProcesses", &[]).unwrap();
        let ours = begun.elapsed();
        let after = all(&mut connection, "pid");
        assert!(before.iter().all(|pid| !after.contains(pid)), "one was not restarted");
        if ours < Duration::from_secs(2) {
            return;
        }
        let bare = without_a_supervisor(COUNT);
        if ours < 3 * bare {
            return;
        }
        took.push((ours, bare));
    }
    panic!("it took, and would take without a supervisor: {took:?}");
}

fn without_a_supervisor(count: usize) -> Duration {
    let begun = Instant::now();
    let start = || Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap();
    let mut children: Vec<_> = (0..count).map(|_| start()).collect();
    children.iter_mut().for_each(|child| child.kill().unwrap());
    for mut child in children {
        child.wait().unwrap();
    }
    begun.elapsed()
}

/// The log tells when each signal was sent: all within 100 ms, though the first to get its own
/// does not end.
#[test]
fn a_slow_one_delays_no_others_signal() {
    const COUNT: usize = 200;
    let slow = "[program:a_slow]\ncommand=/bin/sh -c 'trap \"\" TERM; echo >@/up; exec cat'\n\
                startsecs=0\nstopwaitsecs=3600\n";
    let text = many(COUNT, "/bin/cat", slow).replace("loglevel=info", "loglevel=debug");
    let rig = Rig::running(&text);
    wait_for("the slow one", || rig.path("up").exists().then_some(()));
    let mut connection = rig.connect();
    let mut shortest = i64::MAX;
    for attempt in 1..=ATTEMPTS {
        wait_all(&mut connection, COUNT + 1, "RUNNING");
        connection.call("stopAllProcesses", &[Value::Bool(false)]).unwrap();
        wait_all(&mut connection, COUNT, "STOPPED");
        assert_eq!(rig.state("a_slow"), "STOPPING");
        let log = rig.log();
        let lines = log.lines().filter(|line| line.contains("with signal SIGTERM"));
        let times: Vec<i64> = lines.map(milliseconds).collect();
        assert_eq!(times.len(), attempt * (COUNT + 1), "not everybody was signalled");
        let times = &times[(attempt - 1) * (COUNT + 1)..];
        shortest = shortest.min(times[COUNT] - times[0]);
        if shortest <= 100 {
            break;
        }
        send(rig.process("a_slow"), libc::SIGKILL);
        rig.wait_state("a_slow", "STOPPED");
        connection.call("startAllProcesses", &[]).unwrap();
    }
    let slow = rig.process("a_slow");
    assert!(is_alive(slow), "it was not slow");
    send(slow, libc::SIGKILL);
    assert!(shortest <= 100, "{shortest} ms at best");
}

/// The time of day of a line of the activity log.
fn milliseconds(line: &str) -> i64 {
    let number = |from: usize, to: usize| line[from..to].parse::<i64>().expect("a time");
    ((number(11, 13) * 60 + number(14, 16)) * 60 + number(17, 19)) * 1000 + number(20, 23)
}
