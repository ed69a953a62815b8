//! Where output goes beside a file, with the real binary: lists, the host's system log there and
//! gone, a remote one in trouble.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;

use supervisord::xmlrpc::Value;

use crate::rig::{PATIENCE, Rig, can_unshare, wait_for, wait_idle};

/// A /dev of its own, the test's directory `dev`, in which there is no system log but the test's.
const OWN_DEVICES: &str = "cd \"$1\"; shift
for name in null zero full random urandom; do : >$name; mount --bind /dev/$name $name; done
ln -s /proc/self/fd fd; ln -s /proc/self/fd/1 stdout; ln -s /proc/self/fd/2 stderr
mount --rbind . /dev; cd /; exec \"$@\"";

fn start_with_own_devices(rig: &mut Rig) -> bool {
    if !can_unshare(&["--mount"]) {
        return false;
    }
    fs::create_dir(rig.path("dev")).unwrap();
    let devices = rig.path("dev").display().to_string();
    rig.start_under(&["unshare", "--mount", "sh", "-ec", OWN_DEVICES, "sh", &devices]);
    true
}

fn system_log(rig: &Rig) -> UnixDatagram {
    let socket = UnixDatagram::bind(rig.path("dev/log")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 2000];
    let count = socket.recv(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

fn text(rig: &Rig, name: &str) -> String {
    fs::read_to_string(rig.path(name)).unwrap_or_default()
}

fn say(rig: &Rig, text: &str) {
    rig.call("sendProcessStdin", &["p".into(), text.into()]).unwrap();
}

#[test]
fn a_list_is_served_and_its_first_file_is_shown_and_read() {
    let rig = Rig::running(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_format={process}/{stream}: {message}\n\
         stdout_logfile=syslog, @/first, @/second\nredirect_stderr=true\n",
    );
    say(&rig, "one\ntw");
    say(&rig, "o\n");
    let both = "p/stdout: one\np/stdout: two\n";
    wait_for("both files", || {
        (text(&rig, "first") == both && text(&rig, "second") == both).then_some(())
    });
    assert_eq!(rig.info("p", "stdout_logfile").as_str(), rig.path("first").to_str());
    let read = rig.call("readProcessStdoutLog", &["p".into(), Value::Int(0), Value::Int(0)]);
    assert_eq!(read.unwrap().as_str(), Some(both));
    let Value::Array(settings) = rig.call("getAllConfigInfo", &[]).unwrap() else { panic!() };
    assert_eq!(settings[0].member("stdout_syslog"), Some(&true.into()));
    say(&rig, "unended");
    rig.call("stopProcess", &["p".into()]).unwrap();
    assert_eq!(text(&rig, "first"), format!("{both}p/stdout: unended\n"), "at its end");
}

#[test]
fn json_lines_hold_for_a_program_that_writes_anything() {
    let rig = Rig::running(
        "[program:p]\ncommand=/bin/sh -c 'head -c 300000 /dev/urandom; echo; echo end'\n\
         startsecs=0\nautorestart=false\nstdout_format=json\nstdout_logfile=@/out\n\
         stdout_logfile_maxbytes=0\n",
    );
    rig.wait_state("p", "EXITED");
    wait_for("its end", || text(&rig, "out").contains("\"message\":\"end\"").then_some(()));
    for line in text(&rig, "out").lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["stream"], "stdout");
        assert!(line["pid"].as_i64().unwrap() > 1 && line["message"].is_string());
    }
}

#[test]
fn without_a_system_log_programs_run_and_delivery_resumes_when_there_is_one() {
    let mut rig = Rig::new(
        "logfile=@/main.log, syslog\n[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
         stdout_logfile=syslog\nstdout_syslog=false\n\
         [program:q]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=@/q\nstdout_syslog=true\n",
    );
    if !start_with_own_devices(&mut rig) {
        return;
    }
    say(&rig, "before\n");
    rig.call("sendProcessStdin", &["q".into(), "hello\n".into()]).unwrap();
    wait_for("the file", || (text(&rig, "q") == "hello\n").then_some(()));
    rig.wait_log("cannot send to syslog: ");
    rig.wait_state("p", "RUNNING");
    let socket = system_log(&rig);
    let pid = rig.process("p");
    let (mut before, mut copied, mut own) = (false, false, false);
    while !(before && copied && own) {
        let text = receive(&socket);
        before |= text.starts_with("<133>") && text.ends_with(&format!(" p[{pid}]: before"));
        copied |= text.starts_with("<14>") && text.ends_with(" supervisord: q hello");
        own |= text.starts_with("<14>") && text.contains(" supervisord: spawned: 'p' with pid ");
    }
    rig.wait_log("syslog takes lines again");
    say(&rig, "after\n");
    while !receive(&socket).ends_with("]: after") {}
    wait_idle(rig.pid());
}

fn read_some(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = vec![0; 1 << 16];
    let count = stream.read(&mut buffer).unwrap();
    buffer.truncate(count);
    buffer
}

/// A program writes 40 MB into its file while the receiver takes nothing, dies and comes back.
#[test]
fn a_remote_system_log_in_trouble_slows_no_program() {
    const LINES: usize = 400_000;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let line = "x".repeat(99);
    let mut rig = Rig::new(&format!(
        "loglevel=info\n[program:p]\ncommand=/bin/sh -c 'read go; yes {line} | head -n {LINES}; echo done >@/done; \
         exec cat'\nstartsecs=0\nstdout_logfile_maxbytes=0\n\
         stdout_logfile=@/out, syslog AT_tcp:127.0.0.1:{}\n",
        address.port()
    ));
    // In a configuration of the rig's an @ is its directory.
    let conf = text(&rig, "conf").replace("AT_", "@");
    fs::write(rig.path("conf"), conf).unwrap();
    rig.start();
    say(&rig, "go\n");
    // It takes the connection and reads nothing.
    let (stream, _) = listener.accept().unwrap();
    wait_for("the program to get through", || rig.path("done").exists().then_some(()));
    wait_for("its file", || (text(&rig, "out").len() == LINES * 100).then_some(()));
    let dropped = || {
        let page = rig.ask("GET /metrics", "");
        let text = String::from_utf8_lossy(&page.body).into_owned();
        let line = text.lines().find(|line| {
            line.contains("process_log_dropped_bytes_total{") && line.contains("\"stdout\"")
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    let lost = dropped().expect("a count");
    assert!(lost > 0.0 && lost < LINES as f64 * 100.0, "{lost}");
    // It dies, and is back later.
    drop((stream, listener));
    rig.wait_log("cannot send to syslog @tcp:127.0.0.1:");
    let listener = wait_for("the port", || TcpListener::bind(address).ok());
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        while !all.ends_with(b" - at last") {
            let more = read_some(&mut stream);
            assert!(!more.is_empty(), "the end is missing");
            all.extend(more);
        }
    });
    rig.wait_log("takes lines again");
    // What waited is sent, and the rest is told.
    rig.wait_log("bytes) for syslog @tcp:127.0.0.1:");
    say(&rig, "at last\n");
    reader.join().unwrap();
    rig.wait_state("p", "RUNNING");
}
