//! Event listeners: no event is lost but those that are counted, and none of them holds anybody
//! up, whatever it does.

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use crate::rig::{Rig, rounds, wait_for, wait_idle};

/// Writes what it hears into `@/NAME.heard`, one line each: serial, pool serial, type, and the
/// length of the text. With `@/hold` there it keeps each event until that is gone. What it says
/// to the first event can be given.
const LISTENER: &str = r"
import os, sys, time
heard, first = open('@/%s.heard' % sys.argv[1], 'a'), sys.argv[2:]
os.write(1, b'READY\n')
while True:
    line = sys.stdin.buffer.readline()
    if not line:
        break
    head = dict(word.split(':', 1) for word in line.decode().split())
    text = sys.stdin.buffer.read(int(head['len']))
    print(head['serial'], head['poolserial'], head['eventname'], len(text), file=heard, flush=True)
    while os.path.exists('@/hold'):
        time.sleep(0.01)
    os.write(1, first.pop(0).encode() if first else b'RESULT 2\nOKREADY\n')
";

/// A rig with the listener's script and these sections.
fn rig(sections: &str) -> Rig {
    let rig = Rig::new(sections);
    let script = LISTENER.replace('@', &rig.path("").display().to_string());
    fs::write(rig.path("ear.py"), script).unwrap();
    rig
}

fn running(sections: &str) -> Rig {
    let mut rig = rig(sections);
    rig.start();
    rig
}

fn listener(name: &str, events: &str, more: &str) -> String {
    format!(
        "[eventlistener:{name}]\ncommand=python3 @/ear.py {name}\nevents={events}\nstartsecs=0\n\
         stdout_logfile=NONE\n{more}\n"
    )
}

fn heard(rig: &Rig, name: &str) -> Vec<String> {
    let text = fs::read_to_string(rig.path(&format!("{name}.heard"))).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wait_heard(rig: &Rig, name: &str, count: usize) -> Vec<String> {
    wait_for(&format!("{count} events"), || {
        Some(heard(rig, name)).filter(|heard| heard.len() >= count)
    })
}

#[test]
fn a_listener_that_sleeps_loses_only_what_is_counted_and_said() {
    let rig = running(&listener("ear", "REMOTE_COMMUNICATION", ""));
    rig.wait_log("ear: ACKNOWLEDGED -> READY");
    fs::write(rig.path("hold"), "").unwrap();
    let mut connection = rig.connect();
    let mut send = || {
        connection.call("sendRemoteCommEvent", &["kind".into(), "data".into()]).unwrap();
    };
    send();
    wait_heard(&rig, "ear", 1);
    (1..1000).for_each(|_| send());
    // One is with the listener, ten wait.
    let dropped = 1000 - 1 - 10;
    wait_for("the log to tell of each", || {
        let log = rig.log();
        let lines = log.matches("ERRO pool ear event buffer overflowed, discarding event ").count();
        (lines == dropped).then_some(())
    });
    let metrics = rig.ask("GET /metrics", "");
    let told = format!("supervisord_events_dropped_total{{group=\"ear\"}} {dropped}");
    let text = String::from_utf8_lossy(&metrics.body);
    assert!(text.contains(&told), "{text}");
    fs::remove_file(rig.path("hold")).unwrap();
    let heard = wait_heard(&rig, "ear", 11);
    let mut expected = vec!["0 0 REMOTE_COMMUNICATION 14".to_owned()];
    expected.extend((990..1000).map(|n| format!("{n} {n} REMOTE_COMMUNICATION 14")));
    assert_eq!(heard, expected);
}

#[test]
fn a_garbage_reply_is_logged_and_its_event_goes_to_the_next() {
    let more = "numprocs=2\nprocess_name=ear%(process_num)d\n";
    let sections = listener("ear", "REMOTE_COMMUNICATION", more)
        .replace("ear.py ear", "ear.py ear%(process_num)d \"what?\"");
    let rig = rig(&sections);
    let script = fs::read_to_string(rig.path("ear.py")).unwrap();
    fs::write(
        rig.path("ear.py"),
        script.replace(".encode() if first", ".encode() + b'\\n' if first"),
    )
    .unwrap();
    let mut rig = rig;
    rig.start();
    for name in ["ear0", "ear1"] {
        rig.wait_log(&format!("{name}: ACKNOWLEDGED -> READY"));
    }
    rig.call("sendRemoteCommEvent", &["kind".into(), "data".into()]).unwrap();
    for name in ["ear0", "ear1"] {
        rig.wait_log(&format!("WARN {name}: bad result line: 'what?'"));
        rig.wait_log(&format!("{name}: has entered the UNKNOWN state"));
        assert_eq!(heard(&rig, name), ["0 0 REMOTE_COMMUNICATION 14"]);
    }
    // Both have had it and refused it in vain: it waits for one that keeps to the protocol.
    fs::write(rig.path("ear.py"), script.replace("sys.argv[2:]", "[]")).unwrap();
    rig.call("restartProcess", &["ear:ear1".into()]).unwrap();
    rig.wait_log("DEBG ear1: event was processed");
    assert_eq!(heard(&rig, "ear1"), ["0 0 REMOTE_COMMUNICATION 14"; 2]);
}

#[test]
fn a_listener_that_broke_the_protocol_is_usable_again_after_a_restart() {
    let sections = "[eventlistener:ear]\nevents=REMOTE_COMMUNICATION\nstartsecs=0\n\
                    command=/bin/sh -c 'echo READY; read head; echo \"$head\" >>@/heard; \
                    if test -e @/good; then printf \"RESULT 2\\\\nOK\"; else echo what; fi; exec cat'\n";
    let rig = running(sections);
    rig.wait_log("ear: ACKNOWLEDGED -> READY");
    rig.call("sendRemoteCommEvent", &["kind".into(), "data".into()]).unwrap();
    rig.wait_log("WARN ear: bad result line: 'what'");
    rig.wait_log("ear: has entered the UNKNOWN state and will no longer receive events");
    fs::write(rig.path("good"), "").unwrap();
    rig.call("restartProcess", &["ear".into()]).unwrap();
    rig.wait_log("DEBG ear: event was processed");
    let heard = fs::read_to_string(rig.path("heard")).unwrap();
    let heads: Vec<&str> = heard.lines().collect();
    assert_eq!(heads.len(), 2, "{heads:?}");
    assert_eq!(heads[0], heads[1], "the same event");
}

#[test]
fn a_listener_that_reads_nothing_holds_nobody_up() {
    let sections = "[eventlistener:ear]\nevents=REMOTE_COMMUNICATION\nstartsecs=0\n\
                    command=/bin/sh -c 'echo READY; sleep 3600'\nstopasgroup=true\n\
                    [program:p]\ncommand=/bin/cat\nstartsecs=0\n";
    let rig = running(sections);
    rig.wait_log("ear: ACKNOWLEDGED -> READY");
    // It is sent one of them, which is far more than its pipe holds.
    let much = "x".repeat(500_000);
    let begun = Instant::now();
    for _ in 0..10 {
        rig.call("sendRemoteCommEvent", &["kind".into(), much.as_str().into()]).unwrap();
        rig.call("stopProcess", &["p".into()]).unwrap();
        rig.call("startProcess", &["p".into()]).unwrap();
    }
    assert!(begun.elapsed().as_secs() < 20, "it took {:?}", begun.elapsed());
    rig.wait_state("p", "RUNNING");
}

#[test]
fn a_large_event_arrives_whole() {
    let rig = running(&listener("ear", "REMOTE_COMMUNICATION", ""));
    let much = "x".repeat(700_000);
    for _ in 0..3 {
        rig.call("sendRemoteCommEvent", &["kind".into(), much.as_str().into()]).unwrap();
    }
    let heard = wait_heard(&rig, "ear", 3);
    assert!(heard.iter().all(|line| line.ends_with(" 700010")), "{heard:?}");
}

#[test]
fn every_event_of_a_flood_comes_in_order() {
    let count = rounds(5_000, 100_000);
    let sections = "loglevel=info\n".to_owned()
        + &listener("ear", "PROCESS_COMMUNICATION", "buffer_size=200000\n")
        + &format!(
            "[program:p]\ncommand=python3 @/flood.py {count}\nautostart=false\nstartsecs=0\n\
             autorestart=false\nstdout_capture_maxbytes=1MB\nstdout_logfile=@/out\n"
        );
    let rig = rig(&sections);
    let flood = "import sys\nfor n in range(int(sys.argv[1])):\n    \
                 print(f'plain {n}\\n<!--XSUPERVISOR:BEGIN-->{n}<!--XSUPERVISOR:END-->', end='')\n";
    fs::write(rig.path("flood.py"), flood).unwrap();
    let mut rig = rig;
    rig.start();
    wait_for("a listener", || rig.path("ear.heard").exists().then_some(()));
    let begun = Instant::now();
    rig.call("startProcess", &["p".into()]).unwrap();
    let heard = wait_heard(&rig, "ear", count);
    println!("{count} events in {:?}", begun.elapsed());
    assert_eq!(heard.len(), count);
    for (n, line) in heard.iter().enumerate() {
        assert!(line.starts_with(&format!("{n} {n} PROCESS_COMMUNICATION_STDOUT ")), "{n}: {line}");
    }
    rig.wait_state("p", "EXITED");
    let plain = (0..count).fold(String::new(), |mut text, n| {
        _ = writeln!(text, "plain {n}");
        text
    });
    wait_for("the log", || (fs::read_to_string(rig.path("out")).ok()? == plain).then_some(()));
}

#[test]
fn listeners_wake_nobody_while_nothing_happens() {
    // One that has closed its output is as quiet as any.
    let mute = "[eventlistener:mute]\nevents=PROCESS_STATE_EXITED\nstartsecs=0\n\
                command=/bin/sh -c 'echo READY; exec cat >&-'\n";
    let rig =
        running(&(listener("ear", "PROCESS_STATE,REMOTE_COMMUNICATION,PROCESS_LOG", "") + mute));
    rig.wait_log("ear: ACKNOWLEDGED -> READY");
    rig.wait_log("mute: ACKNOWLEDGED -> READY");
    wait_idle(rig.pid());
    rig.call("stopProcess", &["ear".into()]).unwrap();
    wait_idle(rig.pid());
}

#[test]
fn whoever_never_stops_talking_holds_nobody_up() {
    // A listener that knows no protocol, and a program whose every byte is an event.
    let sections = "[eventlistener:ear]\nevents=PROCESS_LOG\nstartsecs=0\ncommand=/usr/bin/yes\n\
                    stdout_logfile=@/ear\nstdout_logfile_maxbytes=1MB\nstdout_logfile_backups=0\n\
                    [program:flood]\ncommand=/usr/bin/yes\nstartsecs=0\nstdout_events_enabled=true\n\
                    stdout_logfile=@/out\nstdout_logfile_maxbytes=1MB\nstdout_logfile_backups=0\n\
                    [program:p]\ncommand=/bin/cat\nstartsecs=1\n";
    let rig = running(&("loglevel=warn\n".to_owned() + sections));
    rig.wait_log("ear: has entered the UNKNOWN state");
    rig.wait_log("pool ear event buffer overflowed");
    let begun = Instant::now();
    for _ in 0..3 {
        rig.call("stopProcess", &["p".into()]).unwrap();
        rig.call("startProcess", &["p".into()]).unwrap();
    }
    assert!(begun.elapsed().as_secs() < 20, "it took {:?}", begun.elapsed());
    rig.call("stopProcess", &["ear".into()]).unwrap();
    rig.call("stopProcess", &["flood".into()]).unwrap();
}

#[test]
fn a_socket_that_cannot_be_made_is_told_and_stops_nobody_else() {
    let rig = running(
        "[fcgi-program:web]\ncommand=/bin/cat\nsocket=unix://@/none/web.sock\nstartretries=0\n\
         [program:p]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    rig.wait_state("web", "FATAL");
    rig.wait_state("p", "RUNNING");
    let why = rig.info("web", "spawnerr");
    let why = why.as_str().unwrap();
    assert!(why.starts_with("cannot make the socket unix://"), "{why}");
    assert!(why.ends_with("web.sock of 'web': No such file or directory (os error 2)"), "{why}");
}
