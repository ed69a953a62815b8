//! Starting real programs: what a child finds, what it costs, how it ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "spawn/fixture.rs"]
mod fixture;
#[path = "spawn/limits.rs"]
mod limits;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::hint::black_box;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fixture::{finish, program, spawn, spawner, user_nobody};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::{Pid, Uid, getpgid, getsid};
use supervisord::core::event::SpawnFailureKind;
use supervisord::model::ProcessId;
use supervisord::runtime::spawn::{BaseEnvironment, Grants, Spawner};

#[test]
fn a_child_has_descriptors_0_to_2_and_no_others() {
    // One that would be inherited, as one from a careless parent of the daemon's.
    let leaked = fs::File::open("/dev/null").unwrap();
    nix::fcntl::fcntl(&leaked, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    for redirect_stderr in [false, true] {
        let mut settings = program("sh -c 'exec ls -l /proc/self/fd'");
        settings.redirect_stderr = redirect_stderr;
        let ended = finish(spawn(&settings));
        let targets: Vec<_> = ended.stdout.lines().filter(|line| line.contains(" -> ")).collect();
        // ls itself opens the directory it lists.
        assert_eq!(targets.len(), 4, "{}", ended.stdout);
        let target = |n: usize| targets[n].rsplit(" -> ").next().unwrap();
        assert!((0..3).all(|n| target(n).starts_with("pipe:")), "{}", ended.stdout);
        assert_eq!(target(1) == target(2), redirect_stderr, "{}", ended.stdout);
        assert!(target(3).starts_with("/proc/"), "{}", ended.stdout);
    }
}

#[test]
fn old_kernels_without_close_range_give_the_same_descriptors() {
    let leaked = fs::File::open("/dev/null").unwrap();
    nix::fcntl::fcntl(&leaked, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let mut spawner = spawner().without_close_range();
    let settings = program("ls /proc/self/fd");
    let child = spawner.spawn(&ProcessId::new("g", "p"), &settings, Grants::default()).unwrap();
    assert_eq!(finish(child).stdout, "0\n1\n2\n3\n");
}

#[test]
fn a_child_begins_with_default_signals_and_none_blocked() {
    // SAFETY: SIGUSR1 is of no use to this test program.
    let before = unsafe { signal(Signal::SIGUSR1, SigHandler::SigIgn) }.unwrap();
    let ended = finish(spawn(&program("cat /proc/self/status")));
    // SAFETY: restores what was.
    unsafe { signal(Signal::SIGUSR1, before) }.unwrap();
    for set in ["SigBlk", "SigIgn", "SigCgt", "SigPnd"] {
        let line = format!("{set}:\t0000000000000000");
        assert!(ended.stdout.contains(&line), "{line} in\n{}", ended.stdout);
    }
}

#[test]
fn a_child_has_a_process_group_of_its_own_in_our_session() {
    let child = spawn(&program("cat"));
    let pid = Pid::from_raw(child.pid);
    assert_eq!(getpgid(Some(pid)).unwrap(), pid);
    assert_eq!(getsid(Some(pid)).unwrap(), getsid(None).unwrap());
    // End of its stdin ends it.
    assert_eq!(finish(child).status, "Exited 0");
}

#[test]
fn a_childs_environment_is_exactly_what_was_set() {
    let daemons = [("PATH", "/bin"), ("A", "daemon"), ("B", "daemon"), ("NOTIFY_SOCKET", "/n")];
    let daemons = daemons.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let base = BaseEnvironment::new(daemons, Some("unix:///s".to_owned()));
    let mut spawner = Spawner::new(base).unwrap();
    let mut settings = program("env");
    settings.environment = vec![("B".into(), "own é".into())].into();
    let ended =
        finish(spawner.spawn(&ProcessId::new("g", "p"), &settings, Grants::default()).unwrap());
    let lines: BTreeSet<&str> = ended.stdout.lines().collect();
    let expected = [
        "A=daemon",
        "B=own é",
        "PATH=/bin",
        "SUPERVISOR_ENABLED=1",
        "SUPERVISOR_GROUP_NAME=g",
        "SUPERVISOR_PROCESS_NAME=p",
        "SUPERVISOR_SERVER_URL=unix:///s",
    ];
    assert_eq!(lines, BTreeSet::from(expected));
}

#[test]
fn the_path_is_the_programs_then_the_daemons_then_the_default() {
    let check = |daemons: &[(&str, &str)], own: &[(&str, &str)], path: &str| {
        let daemons = daemons.iter().map(|(name, value)| (name.into(), value.into()));
        let mut settings = program("cat");
        let own = own.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        settings.environment = Arc::new(own.collect());
        assert_eq!(BaseEnvironment::new(daemons, None).path(&settings), path);
    };
    check(&[("PATH", "/d")], &[("PATH", "/o")], "/o");
    check(&[("PATH", "/d")], &[("PATH", "")], "");
    check(&[("PATH", "/d")], &[("A", "/o")], "/d");
    check(&[("PATH", "")], &[], "/bin:/usr/bin:/usr/local/bin");
    check(&[], &[], "/bin:/usr/bin:/usr/local/bin");
}

#[test]
fn home_and_name_follow_the_user_but_settings_win() {
    let daemons = [("HOME", "/root"), ("USER", "root"), ("LOGNAME", "root")];
    let daemons = daemons.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let base = BaseEnvironment::new(daemons, None);
    let mut settings = program("cat");
    settings.environment = vec![("USER".into(), "own".into())].into();
    let mut user = user_nobody(&[]);
    user.home = None;
    settings.user = Some(user.into());
    let block = base.block(&ProcessId::new("g", "p"), &settings, None).unwrap();
    let has = |entry: &std::ffi::CStr| block.iter().any(|found| found.as_c_str() == entry);
    assert!(has(c"LOGNAME=nobody") && has(c"USER=own"), "{block:?}");
    assert!(!block.iter().any(|found| found.to_bytes().starts_with(b"HOME=")), "{block:?}");
}

#[test]
fn directory_and_umask_are_the_childs_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    let mut settings = program("sh -c 'pwd; umask'");
    settings.directory = Some(path.clone());
    settings.umask = Some(0o137);
    let here = std::env::current_dir().unwrap();
    assert_eq!(finish(spawn(&settings)).stdout, format!("{}\n0137\n", path.display()));
    assert_eq!(std::env::current_dir().unwrap(), here);
}

#[test]
fn a_child_becomes_its_user_with_its_groups() {
    if !Uid::current().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    let mut settings = program("sh -c 'grep -E \"^(Uid|Gid|Groups):\" /proc/self/status; env'");
    // Beyond 16 bits, which the older calls of 32-bit systems would cut off.
    let mut user = user_nobody(&[65534, 4321, 70_003]);
    (user.uid, user.gid) = (70_001, 70_002);
    settings.user = Some(user.into());
    let ended = finish(spawn(&settings));
    for line in [
        "Uid:\t70001\t70001\t70001\t70001\n",
        "Gid:\t70002\t70002\t70002\t70002\n",
        "Groups:\t4321 65534 70003 \n",
        "HOME=/nonexistent\n",
        "USER=nobody\n",
        "LOGNAME=nobody\n",
    ] {
        assert!(ended.stdout.contains(line), "{line} in\n{}", ended.stdout);
    }
    // This thread is who it was.
    assert!(Uid::effective().is_root());
}

#[test]
fn a_child_that_cannot_become_its_program_says_why_and_ends_with_127() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script");
    fs::write(&script, "no interpreter line\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, mode).unwrap();
    let script = script.to_str().unwrap();
    let not_spawned = "supervisor: child process was not spawned\n";

    let mut settings = program(&format!("'{script}' 1"));
    let ended = finish(spawn(&settings));
    assert_eq!(ended.status, "Exited 127");
    let exec = format!("supervisor: couldn't exec {script}: ENOEXEC\n{not_spawned}");
    assert_eq!((ended.stdout.as_str(), ended.stderr), ("", exec.clone()));

    settings.redirect_stderr = true;
    assert_eq!(finish(spawn(&settings)).stdout, exec);

    let mut settings = program("cat");
    settings.directory = Some(PathBuf::from("/nope"));
    let ended = finish(spawn(&settings));
    assert_eq!(ended.status, "Exited 127");
    let chdir = format!("supervisor: couldn't chdir to /nope: ENOENT\n{not_spawned}");
    assert_eq!(ended.stderr, chdir);

    let longest = "x".repeat(100_000);
    settings.directory = Some(PathBuf::from(format!("/{longest}")));
    let ended = finish(spawn(&settings));
    assert!(ended.stderr.ends_with(not_spawned) && ended.stderr.len() <= 4096);
}

#[test]
fn a_control_group_that_cannot_be_joined_is_told() {
    // Open, but not for writing.
    let place = fs::File::open("/dev/null").unwrap();
    let place = Some(std::os::fd::AsFd::as_fd(&place));
    let child = spawner()
        .spawn(&ProcessId::new("g", "p"), &program("cat"), Grants { place, ..Grants::default() })
        .unwrap();
    let ended = finish(child);
    assert_eq!(ended.status, "Exited 127");
    let why = "supervisor: couldn't join its control group: EBADF\n";
    assert!(ended.stderr.starts_with(why), "{}", ended.stderr);
}

#[test]
fn what_is_no_program_is_no_child() {
    let failure = spawner()
        .spawn(&ProcessId::new("g", "p"), &program("/nope"), Grants::default())
        .unwrap_err();
    assert_eq!(failure.kind, SpawnFailureKind::NoFile);
    assert_eq!(failure.reason, "can't find command '/nope'");
    let mut settings = program("cat");
    settings.environment = vec![("A".into(), "b\0c".into())].into();
    let failure =
        spawner().spawn(&ProcessId::new("g", "p"), &settings, Grants::default()).unwrap_err();
    assert_eq!(failure.kind, SpawnFailureKind::NotExecutable);
    assert_eq!(failure.reason, "cannot start 'p': its settings hold a NUL byte");
}

#[test]
fn a_pipe_ends_with_its_child() {
    // A spawner that kept an end of the pipe would withhold the end of file.
    let mut spawner = spawner();
    let ended = finish(
        spawner.spawn(&ProcessId::new("g", "p"), &program("echo hi"), Grants::default()).unwrap(),
    );
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("hi\n", ""));
}

#[test]
fn a_signal_right_after_the_start_is_never_lost() {
    let mut spawner = spawner();
    for _ in 0..1000 {
        let child = spawner
            .spawn(&ProcessId::new("g", "p"), &program("sleep 10"), Grants::default())
            .unwrap();
        kill(Pid::from_raw(child.pid), Signal::SIGTERM).unwrap();
        assert_eq!(finish(child).status, "Signaled SIGTERM");
    }
}

/// The shortest time of a spawn: what else the machine does only makes it longer.
fn shortest_spawn(spawner: &mut Spawner) -> Duration {
    let settings = program("true");
    let times = (0..101).map(|_| {
        let start = Instant::now();
        let child = spawner.spawn(&ProcessId::new("g", "p"), &settings, Grants::default()).unwrap();
        let time = start.elapsed();
        finish(child);
        time
    });
    times.min().unwrap()
}

#[test]
fn a_spawn_shares_the_daemons_memory_and_copies_none() {
    const PAGE: usize = 4096;
    let mut spawner = spawner();
    let mut heap = vec![0_u8; 100 << 20];
    let touch = |heap: &mut [u8]| {
        heap.iter_mut().step_by(PAGE).for_each(|byte| *byte = byte.wrapping_add(1));
        black_box(heap);
    };
    touch(&mut heap);
    let faults = || getrusage(UsageWho::RUSAGE_SELF).unwrap().minor_page_faults();
    let before = faults();
    let child =
        spawner.spawn(&ProcessId::new("g", "p"), &program("cat"), Grants::default()).unwrap();
    // After fork(2) each of these pages would be marked and copied at its next write.
    touch(&mut heap);
    let copied = faults() - before;
    finish(child);
    let pages = heap.len() / PAGE;
    assert!(copied < pages as i64 / 10, "{copied} faults for {pages} pages");
}

#[test]
fn a_spawn_costs_the_same_with_many_descriptors() {
    let mut spawner = spawner();
    let few = shortest_spawn(&mut spawner);
    let null = OwnedFd::from(fs::File::open("/dev/null").unwrap());
    // Other tests of this process need some, too.
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let many: Vec<_> = (0..10_000.min(soft / 2)).map_while(|_| null.try_clone().ok()).collect();
    let with_many = shortest_spawn(&mut spawner);
    let last = many.last().map(AsRawFd::as_raw_fd);
    println!("spawn: {few:?}, with {last:?} descriptors {with_many:?}");
    // With a copied table it would be threefold.
    assert!(with_many < few * 3, "{few:?} became {with_many:?} with {last:?} descriptors");
}
