//! The daemon under a service manager, played by the test: sockets passed, notifications heard.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the daemon itself")]

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::rig::{PATIENCE, Rig, call, send, wait_for};

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

/// The first passed descriptor (sd_listen_fds(3)).
const FIRST: RawFd = 3;

/// What the daemon tells the service manager.
struct Manager(UnixDatagram);

impl Manager {
    fn new(rig: &Rig) -> Self {
        let socket = UnixDatagram::bind(rig.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// The next datagram, as lines.
    fn next(&self) -> Vec<String> {
        let mut bytes = vec![0; 65_536];
        let length = self.0.recv(&mut bytes).expect("a notification");
        let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The first datagram with a line that begins so.
    fn hear(&self, line: &str) -> Vec<String> {
        loop {
            let lines = self.next();
            if lines.iter().any(|found| found.starts_with(line)) {
                return lines;
            }
        }
    }
}

/// A daemon that ends with the test.
pub struct Daemon(Child);

impl Daemon {
    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    fn ended(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        send(self.pid(), libc::SIGCONT);
        send(self.pid(), libc::SIGTERM);
        _ = self.0.wait();
    }
}

/// The daemon as a service manager starts it: not told to stay in the foreground.
fn notified(rig: &Rig) -> Command {
    let mut command = rig.command(&[]);
    command.env("NOTIFY_SOCKET", rig.path("notify"));
    command
}

/// Passes descriptors, as systemd does: from 3 on, and `LISTEN_PID` is the daemon's own.
pub fn passing(mut command: Command, sockets: &[(&str, OwnedFd)]) -> Daemon {
    let names: Vec<&str> = sockets.iter().map(|(name, _)| *name).collect();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "export LISTEN_PID=$$; exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell.env("LISTEN_FDS", sockets.len().to_string()).env("LISTEN_FDNAMES", names.join(":"));
    let numbers: Vec<RawFd> = sockets.iter().map(|(_, fd)| fd.as_raw_fd()).collect();
    // SAFETY: dup2(2) alone, on descriptors of this test; nothing is allocated.
    unsafe {
        shell.pre_exec(move || {
            // Out of the way of one another first.
            for (at, number) in numbers.iter().enumerate() {
                libc::dup2(*number, 200 + at as RawFd);
            }
            for at in 0..numbers.len() as RawFd {
                libc::dup2(200 + at, FIRST + at);
                libc::close(200 + at);
            }
            Ok(())
        });
    }
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.stdin(Stdio::null());
    Daemon(shell.spawn().unwrap())
}

fn said(daemon: &mut Daemon) -> String {
    let mut text = String::new();
    daemon.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn readiness_comes_when_the_listeners_answer_and_the_end_is_told() {
    let rig = Rig::new(CAT);
    let manager = Manager::new(&rig);
    let mut daemon = Daemon(notified(&rig).spawn().unwrap());
    let ready = manager.next();
    assert!(ready.contains(&"READY=1".to_owned()), "{ready:?}");
    assert!(ready.contains(&format!("MAINPID={}", daemon.pid())), "{ready:?}");
    // No waiting: it answers already.
    call(&rig.path("sock"), "supervisor.getState", &[]).unwrap().unwrap();
    let running = "STATUS=1 of 1 programs running";
    if !ready.contains(&running.to_owned()) {
        manager.hear(running);
    }

    send(daemon.pid(), libc::SIGTERM);
    let stopping = manager.hear("STOPPING=1");
    assert!(stopping.iter().any(|line| line.starts_with("EXTEND_TIMEOUT_USEC=")), "{stopping:?}");
    assert!(stopping.iter().any(|line| line.starts_with("STATUS=shutting down")), "{stopping:?}");
    assert_eq!(daemon.ended(), Some(0));
}

#[test]
fn what_is_wrong_with_the_fleet_is_in_the_status() {
    let sections = "[program:broken]\ncommand=/bin/false\nstartretries=0\n[program:cat]\n\
                    command=/bin/cat\nstartsecs=0\n";
    let rig = Rig::new(sections);
    let manager = Manager::new(&rig);
    let _daemon = Daemon(notified(&rig).spawn().unwrap());
    manager.hear("STATUS=1 of 2 programs running, 1 fatal: broken");
}

#[test]
fn a_reload_applies_what_changed_and_nothing_else() {
    let rig = Rig::new(CAT);
    let manager = Manager::new(&rig);
    let daemon = Daemon(notified(&rig).spawn().unwrap());
    manager.hear("STATUS=1 of 1");
    let pid = rig.process("cat");

    rig.configure(&format!("{CAT}[program:new]\ncommand=/bin/cat\nstartsecs=0\n"));
    send(daemon.pid(), libc::SIGUSR1);
    let reloading = manager.hear("RELOADING=1");
    assert!(
        reloading.iter().any(|line| line.starts_with("MONOTONIC_USEC=")),
        "in the same datagram: {reloading:?}"
    );
    manager.hear("READY=1");
    assert_eq!(rig.state("new"), "RUNNING");
    assert_eq!(rig.process("cat"), pid, "it was not touched");
    rig.wait_log("reloaded: added new");

    rig.configure("[program:cat]\nautostart=perhaps\n");
    send(daemon.pid(), libc::SIGUSR1);
    let ready = manager.hear("READY=1");
    assert!(ready.iter().any(|line| line.contains("the last reload failed")), "{ready:?}");
    rig.wait_log("autostart");
    assert_eq!(rig.process("cat"), pid, "everything runs on");
}

#[test]
fn a_restart_is_told_as_a_reload() {
    let rig = Rig::new(CAT);
    let manager = Manager::new(&rig);
    let daemon = Daemon(notified(&rig).spawn().unwrap());
    manager.hear("READY=1");
    send(daemon.pid(), libc::SIGHUP);
    let reloading = manager.hear("RELOADING=1");
    assert!(reloading.iter().any(|line| line.starts_with("MONOTONIC_USEC=")), "{reloading:?}");
    manager.hear("READY=1");
}

#[test]
fn a_start_that_fails_tells_why() {
    let rig = Rig::new("[program:x]\n");
    let manager = Manager::new(&rig);
    let mut daemon = Daemon(notified(&rig).spawn().unwrap());
    let failed = manager.hear("STATUS=");
    assert!(failed[0].contains("[program:x]"), "{failed:?}");
    assert!(failed.contains(&format!("ERRNO={}", libc::EINVAL)), "{failed:?}");
    assert!(failed.contains(&"EXIT_STATUS=2".to_owned()), "{failed:?}");
    assert_eq!(daemon.ended(), Some(2));
}

#[test]
fn time_is_asked_for_while_a_program_takes_its_own() {
    let slow = "[program:slow]\ncommand=/bin/sh -c 'trap \"\" TERM; echo up >@/up; exec cat'\n\
                startsecs=0\nstopwaitsecs=7\n";
    let rig = Rig::new(slow);
    let manager = Manager::new(&rig);
    let mut daemon = Daemon(notified(&rig).spawn().unwrap());
    wait_for("the program", || rig.path("up").exists().then_some(()));
    send(daemon.pid(), libc::SIGTERM);
    manager.hear("STOPPING=1");
    let again = manager.hear("EXTEND_TIMEOUT_USEC=");
    assert!(again.iter().any(|line| line.contains("1 program left: slow")), "{again:?}");
    assert_eq!(daemon.ended(), Some(0));
}

#[test]
fn the_watchdog_hears_from_the_loop_and_not_from_a_stopped_one() {
    let rig = Rig::new(CAT);
    let manager = Manager::new(&rig);
    let mut command = notified(&rig);
    command.env("WATCHDOG_USEC", "200000");
    let daemon = Daemon(command.spawn().unwrap());
    for _ in 0..3 {
        manager.hear("WATCHDOG=1");
    }
    send(daemon.pid(), libc::SIGSTOP);
    let stopped = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).unwrap();
        stat.contains(") T ").then_some(())
    };
    wait_for("the daemon to stand still", stopped);
    manager.0.set_nonblocking(true).unwrap();
    while manager.0.recv(&mut [0; 1024]).is_ok() {}
    manager.0.set_nonblocking(false).unwrap();
    manager.0.set_read_timeout(Some(std::time::Duration::from_millis(600))).unwrap();
    assert!(manager.0.recv(&mut [0; 1024]).is_err(), "a stopped daemon says that it lives");
}

#[test]
fn a_watchdog_meant_for_another_process_is_not_fed() {
    let rig = Rig::new(CAT);
    let manager = Manager::new(&rig);
    let mut command = notified(&rig);
    command.env("WATCHDOG_USEC", "50000").env("WATCHDOG_PID", "1");
    let daemon = Daemon(command.spawn().unwrap());
    manager.hear("STATUS=1 of 1");
    send(daemon.pid(), libc::SIGTERM);
    loop {
        let lines = manager.next();
        assert!(!lines.contains(&"WATCHDOG=1".to_owned()));
        if lines.contains(&"STOPPING=1".to_owned()) {
            break;
        }
    }
}

#[test]
fn passed_sockets_are_served_and_outlive_the_daemon() {
    let rig = Rig::new(CAT);
    let path = rig.path("passed.sock");
    let unix = UnixListener::bind(&path).unwrap();
    let second = UnixListener::bind(rig.path("second.sock")).unwrap();
    let pass = || {
        [("unix", unix.try_clone().unwrap().into()), ("unix", second.try_clone().unwrap().into())]
    };
    let mut daemon = passing(rig.command(&["-n"]), &pass());
    // Nothing needs to wait for the daemon: the socket was there before it.
    call(&path, "supervisor.getState", &[]).unwrap().unwrap();
    call(&rig.path("second.sock"), "supervisor.getState", &[]).unwrap().unwrap();
    // Clients that look where the configuration says find the daemon, too.
    call(&rig.path("sock"), "supervisor.getState", &[]).unwrap().unwrap();
    rig.wait_log("and on what was passed");

    send(daemon.pid(), libc::SIGHUP);
    wait_for("the restart", || {
        (rig.log().matches("supervisord started").count() == 2).then_some(())
    });
    call(&path, "supervisor.getState", &[]).unwrap().unwrap();

    send(daemon.pid(), libc::SIGTERM);
    assert_eq!(daemon.ended(), Some(0));
    assert!(path.exists(), "it is the service manager's");
    // What comes in between is answered by the next one.
    let waiting = UnixStream::connect(&path).unwrap();
    let _next = passing(rig.command(&["-n"]), &pass());
    call(&path, "supervisor.getState", &[]).unwrap().unwrap();
    drop(waiting);
}

#[test]
fn a_passed_socket_at_the_configured_place_is_the_only_one() {
    let rig = Rig::new(CAT);
    // Another way to the same place, as /var/run is to /run.
    std::os::unix::fs::symlink(".", rig.path("link")).unwrap();
    let unix = UnixListener::bind(rig.path("link").join("sock")).unwrap();
    let inode = || fs::symlink_metadata(rig.path("sock")).unwrap().ino();
    let passed = inode();
    let mut daemon = passing(rig.command(&["-n"]), &[("unix", unix.into())]);
    call(&rig.path("sock"), "supervisor.getState", &[]).unwrap().unwrap();
    assert_eq!(inode(), passed, "used as it is");
    send(daemon.pid(), libc::SIGTERM);
    assert_eq!(daemon.ended(), Some(0));
    assert_eq!(inode(), passed, "and not removed");
}

#[test]
fn a_configured_place_that_cannot_be_had_does_not_matter_where_a_socket_was_passed() {
    let rig = Rig::new(CAT);
    fs::write(rig.path("sock"), "a file").unwrap();
    let path = rig.path("passed.sock");
    let unix = UnixListener::bind(&path).unwrap();
    let _daemon = passing(rig.command(&["-n"]), &[("unix", unix.into())]);
    call(&path, "supervisor.getState", &[]).unwrap().unwrap();
    rig.wait_log("no socket; the socket that was passed is at");
    assert_eq!(fs::read_to_string(rig.path("sock")).unwrap(), "a file");
}

#[test]
fn a_passed_unix_socket_that_the_configuration_says_nothing_of_is_roots() {
    let rig = Rig::new("");
    let (directory, path) = (rig.path(""), rig.path("passed.sock"));
    let text = format!(
        "[supervisord]\nlogfile={0}/main.log\npidfile={0}/pid\nchildlogdir={0}\n{CAT}",
        directory.display()
    );
    fs::write(rig.path("conf"), text).unwrap();
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&directory, mode).unwrap();
    let unix = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let _daemon = passing(rig.command(&["-n"]), &[("unix", unix.into())]);
    call(&path, "supervisor.getState", &[]).unwrap().unwrap();
    rig.wait_log("only root may use the socket");
    if nix::unistd::geteuid().is_root() {
        let script = format!(
            "import socket; s = socket.socket(socket.AF_UNIX); s.connect('{}'); \
             s.send(b'GET /program/list HTTP/1.0\\r\\n\\r\\n'); print(s.recv(99))",
            path.display()
        );
        let mut stranger = Command::new("python3");
        stranger.args(["-c", &script]).uid(65534).gid(65534);
        let answer = stranger.output().unwrap();
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert!(text.contains(" 401 ") || text.contains(" 403 "), "{text}");
    }
}

#[test]
fn programs_find_the_socket_that_was_passed_and_nothing_of_the_managers() {
    let rig = Rig::new(
        "[program:env]\ncommand=/bin/sh -c 'env >@/env.tmp; ls -l /proc/self/fd >>@/env.tmp; mv @/env.tmp @/env; exec cat'\n",
    );
    let manager = Manager::new(&rig);
    let path = rig.path("passed.sock");
    let unix = UnixListener::bind(&path).unwrap();
    let mut command = notified(&rig);
    command.env("WATCHDOG_USEC", "30000000");
    let _daemon = passing(command, &[("unix", unix.into())]);
    manager.hear("READY=1");
    let text = wait_for("the program's environment", || fs::read_to_string(rig.path("env")).ok());
    assert!(text.contains(&format!("SUPERVISOR_SERVER_URL=unix://{}", path.display())), "{text}");
    for name in ["NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_"] {
        assert!(!text.contains(name), "{name} reached the program: {text}");
    }
    assert_eq!(text.matches("socket:").count(), 0, "a socket reached the program: {text}");
}

#[test]
fn sockets_and_configuration_that_disagree_are_an_error() {
    let rig = Rig::new(CAT);
    let inet = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut daemon = passing(rig.command(&["-n"]), &[("inet", inet.into())]);
    assert_eq!(daemon.ended(), Some(2));
    let text = said(&mut daemon);
    assert!(text.contains("has no [inet_http_server]"), "{text}");
    assert!(!rig.path("sock").exists() && !rig.path("pid").exists());
}

#[test]
fn a_passed_tcp_socket_is_served_where_it_is() {
    let rig = Rig::new(&format!("[inet_http_server]\nport=127.0.0.1:1\n{CAT}"));
    let inet = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = inet.local_addr().unwrap().port();
    let _daemon = passing(rig.command(&["-n"]), &[("inet", inet.into())]);
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1."), "{answer}");
    call(&rig.path("sock"), "supervisor.getState", &[]).unwrap().unwrap();
}

#[test]
fn to_the_journal_a_line_has_its_priority_and_no_date() {
    let rig = Rig::new(CAT);
    let (mut journal, stdout) = UnixStream::pair().unwrap();
    let found = nix::sys::stat::fstat(&stdout).unwrap();
    let stream = format!("{}:{}", found.st_dev, found.st_ino);
    let mut command = rig.command(&["-n"]);
    command.env("JOURNAL_STREAM", stream).stdout(OwnedFd::from(stdout));
    let mut daemon = Daemon(command.spawn().unwrap());
    // The command holds the other end open.
    drop(command);
    rig.wait_log("spawned: 'cat'");
    send(daemon.pid(), libc::SIGTERM);
    assert_eq!(daemon.ended(), Some(0));
    let mut text = String::new();
    journal.read_to_string(&mut text).unwrap();
    assert!(text.contains("\n<6>spawned: 'cat' with pid "), "{text}");
    assert!(text.contains("\n<4>received SIGTERM"), "{text}");
    assert!(rig.log().contains(" INFO spawned: 'cat' with pid "), "the file is as ever");
}
