//! What a child is held to, as the kernel tells it.

use std::fs;
use std::sync::Arc;

use nix::unistd::Uid;
use supervisord::config::limits::{INFINITY, Limits, Resource, ResourceLimit};

use super::fixture::{finish, program, spawn, user_nobody};

fn limit(resource: Resource, soft: u64, hard: u64) -> ResourceLimit {
    ResourceLimit { resource, soft, hard }
}

/// The columns of a line of /proc/self/limits: its soft and its hard limit.
fn line<'a>(limits: &'a str, name: &str) -> Vec<&'a str> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().take(2).collect()
}

fn oom_score_adj() -> String {
    fs::read_to_string("/proc/self/oom_score_adj").unwrap()
}

#[test]
fn a_child_has_its_limits_and_we_keep_ours() {
    let ours = (fs::read_to_string("/proc/self/limits").unwrap(), oom_score_adj());
    let mut settings = program(
        "sh -c 'cat /proc/self/limits; cat /proc/self/oom_score_adj; cut -d \" \" -f 19 /proc/self/stat'",
    );
    settings.limits = Arc::new(Limits {
        // What anybody may set: no hard limit is raised, nothing is made more important.
        resources: vec![
            limit(Resource::Core, 0, 0),
            limit(Resource::Cpu, 1000, INFINITY),
            limit(Resource::Fsize, 1 << 20, INFINITY),
            limit(Resource::Nofile, 20, 40),
        ],
        nice: Some(7),
        oom_score_adj: Some(321),
        ..Limits::default()
    });
    let ended = finish(spawn(&settings));
    assert_eq!(ended.status, "Exited 0", "{}", ended.stderr);
    assert_eq!(line(&ended.stdout, "Max core file size"), ["0", "0"]);
    assert_eq!(line(&ended.stdout, "Max cpu time"), ["1000", "unlimited"]);
    assert_eq!(line(&ended.stdout, "Max file size"), ["1048576", "unlimited"]);
    assert_eq!(line(&ended.stdout, "Max open files"), ["20", "40"]);
    assert!(ended.stdout.ends_with("\n321\n7\n"), "{}", ended.stdout);
    // The child was on our memory when it set them.
    assert_eq!((fs::read_to_string("/proc/self/limits").unwrap(), oom_score_adj()), ours);
}

#[test]
fn every_resource_is_the_kernels_of_that_name() {
    // In the order of Resource, as /proc/self/limits calls them.
    let names = [
        (Resource::As, "Max address space"),
        (Resource::Core, "Max core file size"),
        (Resource::Cpu, "Max cpu time"),
        (Resource::Data, "Max data size"),
        (Resource::Fsize, "Max file size"),
        (Resource::Locks, "Max file locks"),
        (Resource::Memlock, "Max locked memory"),
        (Resource::Msgqueue, "Max msgqueue size"),
        (Resource::Nice, "Max nice priority"),
        (Resource::Nofile, "Max open files"),
        (Resource::Nproc, "Max processes"),
        (Resource::Rss, "Max resident set"),
        (Resource::Rtprio, "Max realtime priority"),
        (Resource::Rttime, "Max realtime timeout"),
        (Resource::Sigpending, "Max pending signals"),
        (Resource::Stack, "Max stack size"),
    ];
    let before = fs::read_to_string("/proc/self/limits").unwrap();
    for (resource, name) in names {
        // The hard limit as it is, so that anybody may; a soft one nobody else has.
        let hard = match line(&before, name)[1] {
            "unlimited" => INFINITY,
            number => number.parse().unwrap(),
        };
        let soft = hard.min(8_000_000_000 + resource as u64);
        let mut settings = program("cat /proc/self/limits");
        Arc::make_mut(&mut settings.limits).resources = vec![limit(resource, soft, hard)];
        let ended = finish(spawn(&settings));
        assert_eq!(line(&ended.stdout, name)[0], soft.to_string(), "{name}: {}", ended.stdout);
    }
}

#[test]
fn limits_come_before_the_user() {
    if !Uid::current().is_root() {
        println!("skipped: only root may become another user");
        return;
    }
    let mut settings = program("nice");
    settings.user = Some(user_nobody(&[]).into());
    Arc::make_mut(&mut settings.limits).nice = Some(-5);
    let ended = finish(spawn(&settings));
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("-5\n", ""));
}

#[test]
fn a_hard_limit_is_raised_where_that_is_allowed() {
    /// capabilities(7).
    const CAP_SYS_RESOURCE: u32 = 24;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let caps = status.lines().find_map(|line| line.strip_prefix("CapEff:\t")).unwrap();
    let may = u64::from_str_radix(caps, 16).unwrap() >> CAP_SYS_RESOURCE & 1 == 1;
    let mut settings = program("cat /proc/self/limits");
    Arc::make_mut(&mut settings.limits).resources =
        vec![limit(Resource::Msgqueue, 900_000_000, 900_000_001)];
    let ended = finish(spawn(&settings));
    if may {
        assert_eq!(line(&ended.stdout, "Max msgqueue size"), ["900000000", "900000001"]);
    } else {
        assert_eq!(ended.status, "Exited 127");
        let why = "couldn't set limit_msgqueue to 900000000:900000001: EPERM\n";
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
}

#[test]
fn a_limit_that_cannot_be_set_is_named() {
    let check = |limits: Limits, expected: &str| {
        let mut settings = program("cat");
        settings.limits = limits.into();
        let ended = finish(spawn(&settings));
        assert_eq!(ended.status, "Exited 127");
        let not_spawned = "supervisor: child process was not spawned\n";
        assert_eq!(ended.stderr, format!("supervisor: couldn't set {expected}\n{not_spawned}"));
    };
    // The kernel refuses these to root, too.
    let resources = vec![limit(Resource::Core, 0, INFINITY), limit(Resource::Nofile, 10, INFINITY)];
    let limits = Limits { resources, ..Limits::default() };
    check(limits, "limit_nofile to 10:infinity: EPERM");
    let limits = Limits { oom_score_adj: Some(1001), ..Limits::default() };
    check(limits, "oom_score_adj to 1001: EINVAL");
}
