//! The daemon in namespaces of its own: as process 1, with process ids that come back at once,
//! with a disk that is full. Only root can make them; for others these tests say so and pass.

use std::fs;
use std::path::PathBuf;

use supervisord::xmlrpc::Value;

use crate::rig::{Rig, can_unshare, children, descriptors, is_alive, rounds, wait_for};

/// A process namespace, its own /proc, and the daemon in it as process 1.
const AS_PROCESS_1: [&str; 4] = ["unshare", "--pid", "--fork", "--mount-proc"];

fn state_letter(pid: i32) -> Option<char> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    line.rsplit(") ").next()?.chars().next()
}

/// 500 programs end, each with its own code and with an orphan left behind that ends otherwise;
/// 10,000 at full size.
#[test]
fn as_process_1_it_knows_every_code_and_leaves_no_zombie() {
    const PROGRAMS: usize = 50;
    if !can_unshare(&AS_PROCESS_1[1..]) {
        return;
    }
    // The orphan ends before its parent or after it, as chance will have it.
    let command = "/bin/sh -c '(exit 99) & exit %(process_num)d'";
    let mut rig = Rig::new(&format!(
        "[program:p]\ncommand={command}\nnumprocs={PROGRAMS}\nprocess_name=%(process_num)d\n\
         startsecs=0\nautostart=false\nautorestart=false\nstdout_logfile=NONE\n\
         stderr_logfile=NONE\n"
    ));
    rig.start_under(&AS_PROCESS_1);
    assert_eq!(rig.call("getPID", &[]).unwrap(), Value::Int(1));
    let mut connection = rig.connect();
    for _ in 0..rounds(10, 200) {
        connection.call("startAllProcesses", &[]).unwrap();
        let statuses = wait_for("all to have ended", || {
            let Ok(Value::Array(all)) = connection.call("getAllProcessInfo", &[]) else {
                panic!("a list")
            };
            let member = |info: &Value, name: &str| info.member(name).unwrap().clone();
            let ended = |info: &Value| member(info, "statename").as_str() == Some("EXITED");
            let told = |info: &Value| {
                (member(info, "name").as_str().unwrap().to_owned(), member(info, "exitstatus"))
            };
            all.iter().all(ended).then(|| all.iter().map(told).collect::<Vec<_>>())
        });
        for (name, status) in statuses {
            assert_eq!(status, Value::Int(name.parse().unwrap()), "{name}");
        }
    }
    wait_for("no zombie", || children(rig.pid()).is_empty().then_some(()));
}

/// The next process id is always the lowest that is free, so that whose process has just been
/// waited for has a stranger in its place. Eight programs end by themselves while they are told to,
/// 100 times here, 2,000 at full size; no stranger ever gets a signal.
#[test]
fn a_process_id_that_came_back_is_nobody_of_ours() {
    if !can_unshare(&AS_PROCESS_1[1..]) {
        return;
    }
    // 300 is the kernel's own bound for process ids that come back. The strangers are not the
    // daemon's children: it is only the second process here, and they are the first one's.
    // So many live at a time that none but the last id to come back is free.
    let around = "last=/proc/sys/kernel/ns_last_pid; echo 300 >$last || exit 1; \
                  strangers() { while [ ! -e $0/end ]; do pids=; for n in 1 2 3 4 5 6 7 8 9 0; do \
                  echo 300 >$last; sleep 0.1 & pids=\"$pids $!\"; done; \
                  for pid in $pids; do wait $pid || echo $? >>$0/killed; done; \
                  echo >>$0/lived; done; }; \
                  \"$@\" & daemon=$!; for n in 1 2 3 4 5 6; do strangers & done; \
                  wait $daemon; echo >$0/end; wait";
    let own = "[program:p]\ncommand=/bin/sleep 0.00%(process_num)d\nnumprocs=8\n\
               process_name=%(process_num)d\nstartsecs=0\nautostart=false\nautorestart=false\n\
               stdout_logfile=NONE\nstderr_logfile=NONE\n";
    let mut rig = Rig::new(own);
    let directory = rig.path("");
    let shell = ["/bin/sh", "-c", around, directory.to_str().unwrap()];
    rig.start_under(&[&AS_PROCESS_1[..], &shell].concat());
    let mut connection = rig.connect();
    for _ in 0..rounds(100, 2000) {
        connection.call("startProcessGroup", &["p".into(), Value::Bool(false)]).unwrap();
        // Each has ended, or is about to.
        connection.call("stopProcessGroup", &["p".into()]).unwrap();
    }
    assert!(!rig.path("killed").exists(), "a stranger got a signal");
    let log = rig.log();
    assert!(!log.contains("SIGKILL"), "a signal did not reach whom it was meant for");
    assert!(log.contains("with signal SIGTERM"), "nobody was told to end");
    let lived = fs::read(rig.path("lived")).unwrap().len();
    assert!(lived > 20, "only {lived} times ten strangers came by");
    let pids = log.lines().filter_map(|line| line.rsplit_once("with pid ")?.1.parse::<u32>().ok());
    assert!(pids.max().is_some_and(|pid| pid < 1000), "the process ids did not come back");
}

/// A file system of 1 MiB fills up: the program runs on, what is lost is counted, and the log goes
/// on once there is room.
#[test]
fn a_disk_that_fills_up_stops_nobody_and_the_log_resumes() {
    const WRITTEN: usize = 3 << 20;
    if !can_unshare(&["--mount"]) {
        return;
    }
    let command = format!(
        "/bin/sh -c 'head -c {WRITTEN} /dev/zero | tr \"\\\\0\" x; echo >@/through; exec cat'"
    );
    let mut rig = Rig::new(&format!(
        "[program:p]\ncommand={command}\nstartsecs=0\nstdout_logfile=@/disk/out\n\
         stdout_logfile_maxbytes=0\n[program:other]\ncommand=/bin/cat\nstartsecs=0\n"
    ));
    fs::create_dir(rig.path("disk")).unwrap();
    let mount = "mount -t tmpfs -o size=1m none $0/disk && head -c 300000 /dev/zero >$0/disk/filler \
                 && exec \"$@\"";
    let directory = rig.path("");
    let shell = ["/bin/sh", "-c", mount, directory.to_str().unwrap()];
    rig.start_under(&[&["unshare", "--mount"][..], &shell].concat());
    // How the daemon sees it.
    let disk = PathBuf::from(format!("/proc/{}/root{}", rig.pid(), rig.path("disk").display()));

    wait_for("the program to get through", || rig.path("through").exists().then_some(()));
    rig.wait_log("No space left");
    let (pid, other) = (rig.process("p"), rig.process("other"));
    fs::remove_file(disk.join("filler")).unwrap();
    let log = disk.join("out");
    let kept = fs::metadata(&log).unwrap().len();
    assert!(kept < 1 << 20, "{kept} bytes on a file system of 1 MiB");
    wait_for("the log to go on", || {
        rig.call("sendProcessStdin", &["p".into(), "later\n".into()]).unwrap();
        let found = fs::read(&log).unwrap().ends_with(b"later\n");
        (found && rig.log().contains("bytes of output were dropped")).then_some(())
    });
    let told = rig.log();
    let line = told.lines().find(|line| line.contains("were dropped")).unwrap();
    let dropped = line.split_whitespace().filter_map(|word| word.parse::<usize>().ok()).max();
    let least = WRITTEN - (1 << 20);
    assert!(dropped.is_some_and(|dropped| (least..WRITTEN + 4096).contains(&dropped)), "{line}");
    assert!(is_alive(pid) && is_alive(other));
    assert_eq!((rig.process("p"), rig.process("other")), (pid, other), "one was restarted");
    assert!(descriptors(rig.pid()) < 40 && state_letter(rig.pid()) != Some('Z'));
}
