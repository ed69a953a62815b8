//! Much output and many reloads: memory stays where it was, and a follower that reads nothing
//! holds nobody up.

use std::fs;

use crate::rig::{Rig, resident, rounds, wait_for};

/// What memory may grow by, once it has seen each kind of work.
const GROWTH_BYTES_MAX: usize = 4 << 20;

/// Writes as many bytes as each line of its stdin says, in lines of 100, and says when.
const WRITER: &str = "/bin/sh -c 'line=$(printf \"%%099d\" 0); while read bytes; do \
                      yes $line | head -c $bytes; echo >>@/written; done'";

fn write(rig: &Rig, bytes: usize, times: usize) {
    rig.call("sendProcessStdin", &["p".into(), format!("{bytes}\n").into()]).unwrap();
    wait_for("the program to get through", || {
        (fs::read(rig.path("written")).ok()?.len() == times).then_some(())
    });
}

/// 200 MB as fast as they can be written here, 2 GB at full size.
#[test]
fn memory_does_not_grow_with_output() {
    let rig = Rig::running(&format!(
        "loglevel=info\n[program:p]\ncommand={WRITER}\nstartsecs=0\nstdout_logfile=@/out\n\
         stdout_logfile_maxbytes=20MB\nstdout_logfile_backups=1\n"
    ));
    write(&rig, 50_000_000, 1);
    let before = resident(rig.pid());
    for n in 0..rounds(1, 10) {
        write(&rig, 200_000_000, 2 + n);
    }
    let grown = resident(rig.pid()).saturating_sub(before);
    assert!(grown < GROWTH_BYTES_MAX, "{before} grew by {grown}");
}

/// 300 reloads that change something here, 100,000 at full size.
#[test]
fn memory_does_not_grow_with_reloads() {
    let sections = |n: usize| {
        let own = "autostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n";
        let kept = format!(
            "[program:kept]\ncommand=/bin/cat\nnumprocs=20\n\
                            process_name=%(process_num)d\n{own}"
        );
        let changed = format!("[program:p{}]\ncommand=/bin/cat {n}\n{own}", n % 7);
        format!("loglevel=warn\n{kept}{changed}")
    };
    let rig = Rig::running(&sections(0));
    let mut connection = rig.connect();
    let mut reload = |n: usize| {
        rig.configure(&sections(n));
        connection.call("reloadConfig", &[]).unwrap();
        connection.call("update", &[]).unwrap();
    };
    (1..100).for_each(&mut reload);
    let before = resident(rig.pid());
    (100..100 + rounds(300, 100_000)).for_each(&mut reload);
    let grown = resident(rig.pid()).saturating_sub(before);
    assert!(grown < GROWTH_BYTES_MAX, "{before} grew by {grown}");
}

#[test]
fn a_follower_that_reads_nothing_holds_nobody_up() {
    const BYTES: usize = 30_000_000;
    let rig = Rig::running(&format!(
        "loglevel=info\n[program:p]\ncommand={WRITER}\nstartsecs=0\nstdout_logfile=@/out\n\
         stdout_logfile_maxbytes=0\n"
    ));
    let mut follower = rig.connect();
    follower.write("GET /logtail/p HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(follower.first_line().unwrap().contains("200"));
    write(&rig, BYTES, 1);
    wait_for("all of it in the file", || {
        (fs::metadata(rig.path("out")).ok()?.len() == BYTES as u64).then_some(())
    });
}
