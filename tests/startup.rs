//! Start-up changes the process it happens in, so each of these runs in one of its own: this
//! program again, with one of the `part_` tests.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "spawn/fixture.rs"]
#[allow(dead_code, reason = "these tests need less of it than others")]
mod fixture;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixture::{Ended, finish, program, spawner, user_nobody};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, getpid, getppid, getsid};
use supervisord::config::DaemonSettings;
use supervisord::config::setting::{LogLevel, SystemLog};
use supervisord::model::ProcessId;
use supervisord::runtime::spawn::Grants;
use supervisord::runtime::startup::{Notice, daemonize, drop_privileges, raise_limits, settle};

/// Where a part leaves its results.
const RESULT: &str = "TEST_RESULT";

/// Runs one of the parts to its end.
fn run(part: &str, environment: &[(&str, &Path)]) -> Ended {
    let this = std::env::current_exe().unwrap();
    let command =
        format!("'{}' --exact {part} --ignored --nocapture --test-threads=1", this.display());
    let mut settings = program(&command);
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.display().to_string()))
        .collect();
    settings.environment = Arc::new(environment);
    finish(spawner().spawn(&ProcessId::new("g", "p"), &settings, Grants::default()).unwrap())
}

#[track_caller]
fn succeed(part: &str) {
    let ended = run(part, &[]);
    assert_eq!(ended.status, "Exited 0", "{}{}", ended.stdout, ended.stderr);
}

fn daemon(directory: Option<PathBuf>) -> DaemonSettings {
    DaemonSettings {
        logfile: None,
        log_copies: Vec::new(),
        system_log: SystemLog::default(),
        logfile_max_bytes: 0,
        logfile_backups: 0,
        loglevel: LogLevel::Info,
        pidfile: "/nope".into(),
        umask: 0o027,
        nodaemon: false,
        silent: false,
        minfds: 1024,
        minprocs: 200,
        nocleanup: false,
        childlogdir: "/nope".into(),
        user: None,
        directory,
        identifier: "supervisor".to_owned(),
        strip_ansi: false,
    }
}

#[test]
fn what_a_careless_parent_left_is_settled() {
    succeed("part_settle");
}

#[test]
#[ignore = "a part"]
fn part_settle() {
    // SAFETY: this process is the test's own.
    unsafe {
        signal(Signal::SIGCHLD, SigHandler::SigIgn).unwrap();
        signal(Signal::SIGPIPE, SigHandler::SigDfl).unwrap();
    }
    SigSet::all().thread_set_mask().unwrap();
    settle().unwrap();
    assert_eq!(SigSet::thread_get_mask().unwrap(), SigSet::empty());
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    let ignored = u64::from_str_radix(ignored, 16).unwrap();
    let ignores = |signal: Signal| ignored & 1 << (signal as i32 - 1) != 0;
    assert!(ignores(Signal::SIGPIPE) && !ignores(Signal::SIGCHLD), "{ignored:x}");
    assert!(nix::sys::prctl::get_child_subreaper().unwrap());
}

#[test]
fn limits_are_raised_where_they_are_too_low() {
    succeed("part_limits");
}

#[test]
#[ignore = "a part"]
fn part_limits() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 100, hard).unwrap();
    assert_eq!(raise_limits(90, 1).unwrap(), []);
    let line = "Increased RLIMIT_NOFILE limit to 110".to_owned();
    assert_eq!(raise_limits(110, 1).unwrap(), [Notice { level: LogLevel::Info, line }]);
    assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (110, hard));
    if Uid::current().is_root() {
        drop_privileges(Some(&user_nobody(&[]))).unwrap();
    }
    setrlimit(Resource::RLIMIT_NOFILE, 110, 120).unwrap();
    let refused = raise_limits(130, 1).unwrap_err();
    let start = "The minimum number of file descriptors required to run this process is 130 as per";
    assert!(refused.starts_with(start), "{refused}");
    assert!(refused.contains("will only allow you to open 120 file descriptors."), "{refused}");
    setrlimit(Resource::RLIMIT_NPROC, 110, 120).unwrap();
    assert!(raise_limits(1, 130).unwrap_err().contains("only allow you to open 120 processes."));
}

#[test]
fn privileges_are_dropped_for_good() {
    if !Uid::current().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    succeed("part_privileges");
}

#[test]
#[ignore = "a part"]
fn part_privileges() {
    let as_root = drop_privileges(None).unwrap().unwrap();
    assert_eq!(as_root.level, LogLevel::Critical);
    assert!(
        as_root.line.starts_with("Supervisor is running as root.  Privileges were not dropped")
    );
    let dropped = drop_privileges(Some(&user_nobody(&[65534, 4321]))).unwrap().unwrap();
    assert_eq!(dropped.line, "Set uid to user 65534 succeeded");
    let status = fs::read_to_string("/proc/self/status").unwrap();
    for line in ["Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534"] {
        assert!(status.contains(line), "{status}");
    }
    assert!(status.contains("Groups:\t4321 65534"), "{status}");
    assert!(nix::unistd::setuid(Uid::from_raw(0)).is_err());
    // Who it is already is no change; another is refused.
    drop_privileges(Some(&user_nobody(&[]))).unwrap();
    assert_eq!(drop_privileges(None).unwrap(), None);
    let mut other = user_nobody(&[]);
    other.uid = 1;
    let refused = drop_privileges(Some(&other)).unwrap_err();
    assert_eq!(refused, "Can't drop privilege as nonroot user");
    // A child of another user says so, as the reference's does.
    let mut settings = program("true");
    settings.user = Some(other.into());
    let ended =
        finish(spawner().spawn(&ProcessId::new("g", "p"), &settings, Grants::default()).unwrap());
    let said = "supervisor: couldn't setuid to 1: Can't drop privilege as nonroot user\n";
    assert!(ended.stderr.starts_with(said), "{}", ended.stderr);
    assert_eq!(ended.status, "Exited 127");
}

#[test]
fn a_daemon_leaves_its_terminal_and_its_launcher_waits_until_it_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    let result = path.join("result");
    let ended = run("part_daemonize", &[(RESULT, &result)]);
    assert_eq!(ended.status, "Exited 0", "{}{}", ended.stdout, ended.stderr);
    // Written before the launcher ended.
    let result = fs::read_to_string(result).unwrap();
    let expected = format!(
        "cwd {0}\numask 0027\nsession of its own true\nleader false\n\
         stdio [\"/dev/null\", \"/dev/null\", \"/dev/null\"]\n\
         notices [\"daemonizing the supervisord process\", \"set current directory: '{0}'\"]\n",
        path.display()
    );
    assert_eq!(result, expected);
}

#[test]
#[ignore = "a part"]
fn part_daemonize() {
    let result = PathBuf::from(std::env::var_os(RESULT).unwrap());
    let session = getsid(None).unwrap();
    let directory = result.parent().map(Path::to_path_buf);
    let (launcher, notices) = daemonize(&daemon(directory)).unwrap();
    let mask = umask(Mode::empty());
    let stdio: Vec<_> =
        (0..3).map(|n| fs::read_link(format!("/proc/self/fd/{n}")).unwrap()).collect();
    let lines: Vec<_> = notices.into_iter().map(|notice| notice.line).collect();
    let mut file = fs::File::create(result).unwrap();
    writeln!(file, "cwd {}", std::env::current_dir().unwrap().display()).unwrap();
    writeln!(file, "umask {:04o}", mask.bits()).unwrap();
    writeln!(file, "session of its own {}", getsid(None).unwrap() != session).unwrap();
    writeln!(file, "leader {}", getsid(None).unwrap() == getpid()).unwrap();
    writeln!(file, "stdio {stdio:?}").unwrap();
    writeln!(file, "notices {lines:?}").unwrap();
    launcher.ready();
    std::process::exit(0);
}

#[test]
fn a_daemon_that_cannot_start_tells_its_launcher() {
    let ended = run("part_failed", &[]);
    assert_eq!(ended.status, "Exited 2", "{}", ended.stdout);
    assert!(ended.stderr.ends_with("Error: no listener for you\n"), "{}", ended.stderr);
    let ended = run("part_died", &[]);
    assert_eq!(ended.status, "Exited 2", "{}", ended.stdout);
    assert!(ended.stderr.contains("Error: it ended while it started"), "{}", ended.stderr);
}

#[test]
#[ignore = "a part"]
fn part_failed() {
    let (launcher, notices) = daemonize(&daemon(Some("/nope".into()))).unwrap();
    assert_eq!(notices[1].level, LogLevel::Critical);
    assert_eq!(notices[1].line, "can't chdir into '/nope': ENOENT: No such file or directory");
    launcher.failed("no listener for you");
    std::process::exit(0);
}

#[test]
#[ignore = "a part"]
fn part_died() {
    let _launcher = daemonize(&daemon(None)).unwrap();
    std::process::exit(0);
}

#[test]
fn under_a_service_manager_and_with_nodaemon_it_stays() {
    let path = Path::new("/nope");
    let ended = run("part_stays", &[("NOTIFY_SOCKET", path)]);
    assert_eq!(ended.status, "Exited 0", "{}{}", ended.stdout, ended.stderr);
}

#[test]
#[ignore = "a part"]
fn part_stays() {
    let (this, parent) = (getpid(), getppid());
    let (launcher, notices) = daemonize(&daemon(None)).unwrap();
    assert_eq!((getpid(), getppid(), notices.len()), (this, parent, 0));
    launcher.ready();
    // It takes a daemon's mask even so.
    assert_eq!(umask(Mode::from_bits_truncate(0o022)).bits(), 0o027);
    let mut settings = daemon(Some("/nope".into()));
    settings.nodaemon = true;
    let (_, notices) = daemonize(&settings).unwrap();
    assert_eq!((getpid(), notices.len()), (this, 0));
    assert_eq!(umask(Mode::empty()).bits(), 0o022);
}
