//! System logs, the journal and formats: real sockets on the other side, in every mood.

use std::fs::{self, File};
use std::io::{ErrorKind, IoSliceMut, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use supervisord::config::setting::{
    FormatField, FormatPart, LogCopy, LogFormat, LogSettings, LogTarget, SyslogAddress, SystemLog,
};
use supervisord::logs::{LogId, Stream};
use supervisord::model::{ProcessId, WallTime};

use crate::rig::{PID, Rig, stdout};

/// Nothing a test waits for takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A rig whose host's own logs are sockets in a directory of the test's.
fn rig(directory: &Path) -> Rig {
    Rig::with(|activity| {
        activity.sockets.syslog = directory.join("log");
        activity.sockets.journal = directory.join("journal");
    })
}

fn to(copies: Vec<LogCopy>) -> LogSettings {
    LogSettings { copies, ..LogSettings::new(LogTarget::None) }
}

fn local() -> LogCopy {
    LogCopy::Syslog(SyslogAddress::Local)
}

fn tcp(port: u16) -> LogCopy {
    LogCopy::Syslog(SyslogAddress::Tcp("127.0.0.1".into(), port))
}

fn wait_for<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = fact() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn datagrams(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UnixDatagram) -> String {
    let mut buffer = vec![0; 1 << 20];
    let count = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

/// Messages of RFC 6587, each with its count before it.
fn counted(mut bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(space) = bytes.iter().position(|&byte| byte == b' ') {
        let count: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let Some(message) = bytes.get(space + 1..space + 1 + count) else { break };
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        bytes = &bytes[space + 1 + count..];
    }
    messages
}

/// The line within a message of RFC 5424.
fn line_of(message: &str) -> &str {
    message.splitn(8, ' ').nth(7).unwrap()
}

/// Everything that comes over a connection until the other side closes it, or dies.
fn rest_of(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => bytes,
    }
}

#[test]
fn every_target_of_a_list_gets_everything() {
    let directory = tempfile::tempdir().unwrap();
    let syslog = datagrams(&directory.path().join("log"));
    let journal = datagrams(&directory.path().join("journal"));
    let rig = rig(directory.path());
    let LogTarget::File(second) = rig.file("second.log") else { unreachable!() };
    let copies = vec![local(), LogCopy::File(second), LogCopy::Journal];
    let log =
        LogSettings { max_bytes: 8, backups: 1, copies, ..LogSettings::new(rig.file("first.log")) };
    let mut writer = rig.logged("p", log);
    writer.write_all(b"one \xff\ntwo").unwrap();
    rig.sync("p");
    assert_eq!(fs::read(rig.path("second.log")).unwrap(), b"one \xff\ntwo", "as it comes");
    writer.write_all(b" and\n").unwrap();
    drop(writer);
    for line in ["one \u{fffd}", "two and"] {
        let mut raw = vec![0; 1000];
        let count = syslog.recv(&mut raw).unwrap();
        let text = String::from_utf8_lossy(&raw[..count]).into_owned();
        assert!(
            text.starts_with("<133>") && text.ends_with(&format!(" p[{PID}]: {line}")),
            "{text}"
        );
        let fields = receive(&journal);
        assert!(fields.starts_with("SYSLOG_IDENTIFIER=p\nSYSLOG_PID=42\n"), "{fields}");
        assert!(fields.ends_with(&format!("\nPRIORITY=6\nMESSAGE={line}\n")), "{fields}");
    }
    rig.shut();
    // Both files are rotated by the same settings, each for itself.
    for name in ["first.log", "second.log"] {
        let text = fs::read(rig.path(&format!("{name}.1"))).unwrap();
        let text = [text, fs::read(rig.path(name)).unwrap()].concat();
        assert_eq!(text, b"one \xff\ntwo and\n", "{name}");
    }
}

#[test]
fn supervisors_copy_to_the_system_log_has_its_form() {
    let directory = tempfile::tempdir().unwrap();
    let syslog = datagrams(&directory.path().join("log"));
    let rig = rig(directory.path());
    let log = LogSettings { syslog: true, ..LogSettings::new(rig.file("p.log")) };
    let mut writer = rig.logged("p", log);
    writer.write_all(b"hello\n").unwrap();
    let text = receive(&syslog);
    assert!(text.starts_with("<14>") && text.ends_with(" supervisord: p hello"), "{text}");
    rig.sync("p");
    assert_eq!(rig.read("p.log"), "hello\n");
}

#[test]
fn without_a_system_log_nothing_waits_and_delivery_begins_when_there_is_one() {
    const LINES: usize = 1000;
    let directory = tempfile::tempdir().unwrap();
    let rig = rig(directory.path());
    let mut log = to(vec![local()]);
    log.target = rig.file("p.log");
    let mut writer = rig.logged("p", log);
    let write = |writer: &mut File, lines: std::ops::Range<usize>| {
        let text: String = lines.map(|n| format!("line {n}\n")).collect();
        writer.write_all(text.as_bytes()).unwrap();
    };
    write(&mut writer, 0..LINES);
    wait_for("the report", || rig.main_log().contains("cannot send to syslog: ").then_some(()));
    assert_eq!(rig.read("p.log").lines().count(), LINES, "the file has them");
    let syslog = datagrams(&directory.path().join("log"));
    for n in 0..LINES {
        assert!(receive(&syslog).ends_with(&format!(" p[{PID}]: line {n}")));
    }
    // It goes away and comes back as another socket.
    drop(syslog);
    fs::remove_file(directory.path().join("log")).unwrap();
    write(&mut writer, LINES..LINES + 1);
    let reports = || rig.main_log().matches("cannot send to syslog: ").count();
    wait_for("the second report", || (reports() == 2).then_some(()));
    let syslog = datagrams(&directory.path().join("log"));
    assert!(receive(&syslog).ends_with(&format!(": line {LINES}")));
    wait_for("its end", || {
        (rig.main_log().matches("INFO syslog takes lines again\n").count() == 2).then_some(())
    });
    assert_eq!(
        rig.plane.counts().process(&ProcessId::new("p", "p")).unwrap().of(Stream::Stdout).dropped(),
        0
    );
}

#[test]
fn a_system_log_that_wants_a_connection_gets_one() {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join("log")).unwrap();
    let rig = rig(directory.path());
    let mut writer = rig.logged("p", to(vec![local()]));
    writer.write_all(b"one\n\ntwo\0\n").unwrap();
    drop(writer);
    let (mut stream, _) = listener.accept().unwrap();
    rig.shut();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let lines: Vec<_> =
        text.split_terminator('\0').map(|m| m.split_once("]: ").unwrap().1).collect();
    assert_eq!(lines, ["one", "", "two#000"]);
}

#[test]
fn a_remote_log_gets_datagrams() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let rig = Rig::new();
    let mut log = to(vec![LogCopy::Syslog(SyslogAddress::Udp("localhost".into(), port))]);
    log.system = SystemLog { facility: Some(3), tag: Some("me".into()), priority: Some(4) };
    let mut writer = rig.logged("p", log);
    writer.write_all(b"hello there\n").unwrap();
    let mut buffer = [0; 1000];
    let count = socket.recv(&mut buffer).unwrap();
    let text = std::str::from_utf8(&buffer[..count]).unwrap();
    let parts: Vec<_> = text.splitn(8, ' ').collect();
    assert_eq!([parts[0], parts[3], parts[4]], ["<28>1", "me", "42"], "{text}");
    assert_eq!(parts[5..], ["stdout", "-", "hello there"], "{text}");
}

#[test]
fn a_remote_log_that_dies_and_comes_back_has_every_line() {
    const LINES: usize = 3000;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let rig = Rig::new();
    let mut writer = rig.logged("p", to(vec![tcp(address.port())]));
    let mut write = |lines: std::ops::Range<usize>| {
        let text: String = lines.map(|n| format!("{n} {}\n", "x".repeat(n % 97))).collect();
        writer.write_all(text.as_bytes()).unwrap();
    };
    write(0..LINES);
    let (mut first, _) = listener.accept().unwrap();
    first.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut had = Vec::new();
    while counted(&had).len() < LINES {
        let mut buffer = [0; 65536];
        let count = first.read(&mut buffer).unwrap();
        had.extend_from_slice(&buffer[..count]);
    }
    drop((first, listener));
    write(LINES..LINES * 2);
    wait_for("the report", || rig.main_log().contains("cannot send to syslog @tcp:").then_some(()));
    write(LINES * 2..LINES * 3);
    let listener = wait_for("the port", || TcpListener::bind(address).ok());
    let (second, _) = listener.accept().unwrap();
    let reader = thread::spawn(move || rest_of(second));
    wait_for("its end", || rig.main_log().contains("takes lines again").then_some(()));
    rig.shut();
    let second = reader.join().unwrap();
    let messages = [counted(&had), counted(&second)].concat();
    let numbers: Vec<usize> = messages
        .iter()
        .map(|message| line_of(message).split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers, (0..LINES * 3).collect::<Vec<_>>(), "each once, in order");
}

#[test]
fn what_a_remote_log_did_not_acknowledge_is_sent_again() {
    const LINES: usize = 20_000;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    nix::sys::socket::setsockopt(&listener, nix::sys::socket::sockopt::RcvBuf, &4096).unwrap();
    let rig = Rig::new();
    let mut writer = rig.logged("p", to(vec![tcp(listener.local_addr().unwrap().port())]));
    let text: String = (0..LINES).map(|n| format!("{n}\n")).collect();
    writer.write_all(text.as_bytes()).unwrap();
    let (first, _) = listener.accept().unwrap();
    // Much more than its own buffer holds waits in the sender's when it dies.
    wait_for("the sender to be stuck", || {
        let mut held: libc::c_int = 0;
        // SAFETY: FIONREAD writes one int to the pointer, which is to a live one.
        unsafe { libc::ioctl(first.as_raw_fd(), libc::FIONREAD, &raw mut held) };
        (held > 1000).then_some(())
    });
    drop(first);
    let (second, _) = listener.accept().unwrap();
    let reader = thread::spawn(move || rest_of(second));
    wait_for("its end", || rig.main_log().contains("takes lines again").then_some(()));
    rig.shut();
    let messages = counted(&reader.join().unwrap());
    let numbers: Vec<usize> = messages.iter().map(|m| line_of(m).parse().unwrap()).collect();
    assert!(numbers[0] < 500, "lost is what the dead one had taken: {}", numbers[0]);
    assert_eq!(numbers, (numbers[0]..LINES).collect::<Vec<_>>(), "each once, in order");
}

#[test]
fn a_remote_log_that_hangs_holds_nobody_up_and_what_it_misses_is_counted() {
    const LINES: u64 = 200_000;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let rig = Rig::new();
    let mut log = to(vec![tcp(listener.local_addr().unwrap().port())]);
    log.target = rig.file("p.log");
    let writer = rig.logged("p", log);
    let (stream, _) = wait_for("a connection", || {
        (&writer).write_all(b"first\n").unwrap();
        rig.sync("p");
        listener.accept().ok()
    });
    // It reads nothing; the program and its file go on.
    let line = [&[b'x'; 99][..], b"\n"].concat();
    for _ in 1..LINES / 100 {
        (&writer).write_all(&line.repeat(100)).unwrap();
    }
    rig.sync("p");
    let written = rig.read("p.log").lines().count() as u64;
    assert!(written >= LINES - 100, "{written}");
    let dropped = || {
        rig.plane.counts().process(&ProcessId::new("p", "p")).unwrap().of(Stream::Stdout).dropped()
    };
    assert!(dropped() > 0, "more than can wait");
    let reader = thread::spawn(move || rest_of(stream));
    wait_for("the loss to be told", || {
        rig.main_log().contains("bytes) for syslog @tcp:").then_some(())
    });
    rig.shut();
    let came = counted(&reader.join().unwrap()).len() as u64;
    let told: u64 = rig
        .read("main.log")
        .lines()
        .filter(|line| line.contains("bytes) for syslog @tcp:"))
        .map(|line| line.split(' ').nth(3).unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(came + told, written, "what came and what was told to be lost");
    assert_eq!(dropped(), told * 100);
}

#[test]
fn the_journal_takes_large_messages_as_sealed_files() {
    let directory = tempfile::tempdir().unwrap();
    let journal = datagrams(&directory.path().join("journal"));
    let rig = rig(directory.path());
    let mut log = to(vec![LogCopy::Journal]);
    log.system.priority = Some(3);
    let writer = rig.logged("p", log);
    // Broken bytes become three each, and the datagram is too small then.
    let feeder = thread::spawn(move || {
        for size in [10, 300_000] {
            (&writer).write_all(&vec![0xff; size]).unwrap();
            (&writer).write_all(b"\n").unwrap();
        }
    });
    assert!(
        receive(&journal).ends_with(&format!("PRIORITY=3\nMESSAGE={}\n", "\u{fffd}".repeat(10)))
    );
    let mut characters = 0;
    while characters < 300_000 {
        let text = receive_large(&journal);
        characters += text.split_once("\nMESSAGE=").unwrap().1.trim_end().chars().count();
    }
    assert_eq!(characters, 300_000);
    feeder.join().unwrap();
}

/// A message, from the datagram itself or from the file that came with it.
fn receive_large(socket: &UnixDatagram) -> String {
    let mut buffer = vec![0; 1 << 20];
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let flags = MsgFlags::empty();
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags).unwrap();
    let file = message.cmsgs().unwrap().find_map(|control| match control {
        // SAFETY: the descriptor has just come and is nobody else's.
        ControlMessageOwned::ScmRights(files) => Some(unsafe { File::from_raw_fd(files[0]) }),
        _ => None,
    });
    let count = message.bytes;
    let Some(file) = file else {
        return String::from_utf8(buffer[..count].to_vec()).unwrap();
    };
    assert_eq!(count, 0);
    let seals = nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_GET_SEALS).unwrap();
    assert_eq!(
        seals,
        libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE
    );
    // It was written to its end.
    let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn formatted_lines_are_whole_however_they_are_written() {
    let rig = Rig::new();
    let template = LogFormat::Template(vec![
        FormatPart::Field(FormatField::Process),
        FormatPart::Text("> ".into()),
        FormatPart::Field(FormatField::Message),
    ]);
    let log = |name: &str, format| LogSettings { format, ..LogSettings::new(rig.file(name)) };
    let mut plain = rig.logged("p", log("p.log", template));
    let mut json = rig.logged("j", log("j.log", LogFormat::Json));
    for piece in ["one\ntw", "o\n\nä", "\n"] {
        for byte in piece.bytes() {
            plain.write_all(&[byte]).unwrap();
            json.write_all(&[byte]).unwrap();
            rig.sync("p");
        }
    }
    plain.write_all(b"last").unwrap();
    rig.sync("p");
    assert_eq!(rig.read("p.log"), "p> one\np> two\np> \np> \u{e4}\n");
    // Its child ends; a grandchild still has the pipe.
    rig.plane.ended(&ProcessId::new("p", "p"));
    rig.sync("p");
    plain.write_all(b" words\n").unwrap();
    rig.sync("p");
    assert!(rig.read("p.log").ends_with("p> last\np>  words\n"));
    json.write_all(b"at the end").unwrap();
    drop(json);
    rig.shut();
    let text = rig.read("j.log");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["one", "two", "", "ä", "at the end"]);
    assert_eq!((&lines[0]["pid"], &lines[0]["process"]), (&PID.into(), &"j".into()));
}

#[test]
fn the_activity_log_goes_to_system_logs_too() {
    let directory = tempfile::tempdir().unwrap();
    let syslog = datagrams(&directory.path().join("log"));
    let journal = datagrams(&directory.path().join("journal"));
    let rig = Rig::with(|activity| {
        activity.logfile = None;
        activity.copies = vec![local(), LogCopy::Journal];
        activity.sockets.syslog = directory.path().join("log");
        activity.sockets.journal = directory.path().join("journal");
    });
    let level = supervisord::config::setting::LogLevel::Warn;
    rig.plane.log(level, WallTime::NEVER, "look out");
    let text = receive(&syslog);
    assert!(text.starts_with("<12>") && text.ends_with(" supervisord: look out"), "{text}");
    assert_eq!(receive(&journal), "SYSLOG_IDENTIFIER=supervisord\nPRIORITY=4\nMESSAGE=look out\n");
    rig.runtime.block_on(rig.plane.clear(LogId::Main)).unwrap();
    assert!(rig.runtime.block_on(rig.plane.follow(LogId::Main)).is_none(), "there is no file");
    assert!(rig.runtime.block_on(rig.plane.follow(stdout("p"))).is_none());
}
