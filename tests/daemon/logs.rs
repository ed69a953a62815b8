//! Logs that cannot be written never stop a program.

use std::fs;

use crate::rig::{Rig, wait_for};

#[test]
fn a_log_that_cannot_be_written_stops_nobody() {
    let sections = "[program:bad]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=@/none/out\n\
                    [program:good]\ncommand=/bin/sh -c 'echo fine; exec cat'\nstartsecs=0\n\
                    stdout_logfile=@/out\n";
    let rig = Rig::new(sections);
    fs::create_dir(rig.path("none")).unwrap();
    let mut rig = rig;
    rig.start();
    fs::remove_dir_all(rig.path("none")).unwrap();
    rig.call("stopProcess", &["bad".into()]).unwrap();
    rig.call("startProcess", &["bad".into()]).unwrap();
    rig.call("sendProcessStdin", &["bad".into(), "lost\n".into()]).unwrap();
    rig.wait_log("none/out");
    rig.wait_state("bad", "RUNNING");
    wait_for("the good one's output", || {
        (fs::read_to_string(rig.path("out")).ok()? == "fine\n").then_some(())
    });
}

#[test]
fn a_full_disk_stops_nobody_and_is_told() {
    let rig = Rig::running(
        "[program:p]\ncommand=/bin/sh -c 'yes | head -c 10000000; echo done >@/done; exec cat'\n\
         startsecs=0\nstdout_logfile=/dev/full\nstdout_logfile_maxbytes=0\n",
    );
    wait_for("the program to get through", || rig.path("done").exists().then_some(()));
    rig.wait_state("p", "RUNNING");
    rig.wait_log("/dev/full");
}

#[test]
fn a_moved_log_is_begun_anew_on_request() {
    let rig = Rig::running("[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=@/out\n");
    let say = |text: &str| {
        rig.call("sendProcessStdin", &["p".into(), text.into()]).unwrap();
    };
    say("one\n");
    wait_for("the first line", || (fs::read(rig.path("out")).ok()? == b"one\n").then_some(()));
    fs::rename(rig.path("out"), rig.path("old")).unwrap();
    rig.signal(libc::SIGUSR2);
    wait_for("a new file", || rig.path("out").exists().then_some(()));
    say("two\n");
    wait_for("the second line", || (fs::read(rig.path("out")).ok()? == b"two\n").then_some(()));
    assert_eq!(fs::read(rig.path("old")).unwrap(), b"one\n");
}

/// Rounds of stopping a program and looking at its log at once.
const ROUNDS: usize = 40;

#[test]
fn whoever_stopped_a_program_finds_its_last_words_in_its_log() {
    // A neighbour that writes without end keeps the log thread busy; the last words fill a pipe.
    let rig = Rig::running(
        "[program:busy]\ncommand=/usr/bin/yes\nstartsecs=0\nstdout_logfile=@/busy\n\
         stdout_logfile_maxbytes=1MB\nstdout_logfile_backups=0\n\
         [program:p]\ncommand=/bin/sh @/last-words\nautostart=false\nstartsecs=0\n\
         stdout_logfile=@/out\nstdout_logfile_maxbytes=0\n",
    );
    let script = "trap 'kill $!; head -c 50000 /dev/zero | tr \\\\0 x; echo; exit 0' TERM\n\
                  sleep 1000 & echo ready; wait\n";
    fs::write(rig.path("last-words"), script).unwrap();
    let round = ["ready\n", &"x".repeat(50_000), "\n"].concat();
    let said = || fs::read_to_string(rig.path("out")).unwrap_or_default();
    for n in 0..ROUNDS {
        rig.call("startProcess", &["p".into()]).unwrap();
        let before = round.len() * n + "ready\n".len();
        wait_for("the program to be ready", || (said().len() == before).then_some(()));
        match n % 4 {
            0 => rig.call("stopProcess", &["p".into()]),
            1 => rig.call("stopProcessGroup", &["p".into()]),
            2 => rig.call("stopProcess", &["p:*".into()]),
            _ => rig.call("stopAllProcesses", &[]),
        }
        .unwrap();
        assert!(said() == round.repeat(n + 1), "round {n}: {} bytes", said().len());
        if n % 4 == 3 {
            rig.call("startProcess", &["busy".into()]).unwrap();
        }
    }
}
