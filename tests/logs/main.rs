//! The log plane from outside: pipes go in, files come out, whatever happens to the files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod rig;
mod targets;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rig::{Rig, assert_exactly_once, stdout, write_lines};
use supervisord::config::setting::{LogLevel, LogTarget};
use supervisord::logs::{Followed, LogId, Stream};
use supervisord::model::{ProcessId, WallTime};

#[test]
fn every_line_exactly_once_while_the_file_is_moved_and_removed() {
    const TIMES: usize = 5;
    let rig = Rig::new();
    let (log, done) = (rig.path("p.log"), Arc::new(AtomicBool::new(false)));
    let writer = rig.program("p", rig.file("p.log"), 0, 0);
    rig.sync("p");
    let rogue = thread::spawn({
        let (log, done) = (log.clone(), done.clone());
        move || {
            // Open for good, so that what was in a removed file can still be counted.
            let mut files = Vec::new();
            while files.len() < 2 * TIMES {
                let Ok(file) = File::open(&log) else { continue };
                while file.metadata().unwrap().len() == 0 {
                    thread::yield_now();
                }
                if files.len() % 2 == 0 {
                    fs::rename(&log, log.with_extension("moved")).unwrap();
                } else {
                    fs::remove_file(&log).unwrap();
                }
                files.push(file);
            }
            done.store(true, Ordering::Relaxed);
            files
        }
    });
    let count = write_lines(writer, |_| done.load(Ordering::Relaxed));
    let mut files = rogue.join().unwrap();
    rig.shut();
    files.extend(File::open(&log));
    let texts: Vec<_> = files.into_iter().map(|f| std::io::read_to_string(f).unwrap()).collect();
    assert_exactly_once(&texts, count);
}

#[test]
fn a_truncation_from_outside_leaves_no_hole_and_loses_nothing_written_later() {
    let rig = Rig::new();
    let mut writer = rig.program("p", rig.file("p.log"), 0, 0);
    writer.write_all(&[b'x'; 50_000]).unwrap();
    rig.sync("p");
    OpenOptions::new().write(true).open(rig.path("p.log")).unwrap().set_len(0).unwrap();
    writer.write_all(b"after\n").unwrap();
    rig.sync("p");
    assert_eq!(rig.read("p.log"), "after\n");
}

#[test]
fn rotation_keeps_every_line_whole_and_in_order_and_shares_a_file() {
    const LINES: usize = 100_000;
    let rig = Rig::new();
    let first = rig.program("a", rig.file("p.log"), 300_000, 100);
    let second = rig.program("b", rig.file("p.log"), 300_000, 100);
    write_lines(first, |n| n == LINES);
    rig.sync("a");
    drop(second);
    rig.shut();
    let name = |n: usize| {
        if n == 0 { "p.log".into() } else { format!("p.log.{n}") }
    };
    let count = (1..).find(|&n| !rig.path(&name(n)).exists()).unwrap();
    let texts: Vec<_> = (0..count).rev().map(|n| rig.read(&name(n))).collect();
    assert!(texts.len() > 10, "{}", texts.len());
    let sizes: Vec<_> = texts.iter().map(String::len).collect();
    assert!(sizes[..count - 1].iter().all(|s| (300_000..500_000).contains(s)), "{sizes:?}");
    assert_exactly_once(&texts, LINES);
    let numbers = texts.iter().flat_map(|text| text.lines());
    assert!(
        numbers.map(|line| line.split(' ').next().unwrap().parse::<usize>().unwrap()).is_sorted()
    );
}

#[test]
fn a_file_that_ends_exactly_at_the_limit_is_rolled() {
    let rig = Rig::new();
    let mut kept = rig.program("a", rig.file("a.log"), 100, 1);
    let mut truncated = rig.program("b", rig.file("b.log"), 100, 0);
    for writer in [&mut kept, &mut truncated] {
        writer.write_all(&[b'x'; 100]).unwrap();
    }
    rig.sync("a");
    rig.sync("b");
    assert_eq!((rig.read("a.log").len(), rig.read("a.log.1").len()), (0, 100));
    assert_eq!((rig.read("b.log").len(), rig.path("b.log.1").exists()), (0, false));
}

#[test]
fn a_rotation_waits_for_the_end_of_a_line_that_has_begun() {
    let rig = Rig::new();
    let mut writer = rig.program("p", rig.file("p.log"), 10, 9);
    for piece in ["aaaa\nbbbbbbb", "cc\ndd\n", "eeee\nff", "fff", "no line at all", "x"] {
        writer.write_all(piece.as_bytes()).unwrap();
        rig.sync("p");
    }
    let files = ["p.log.3", "p.log.2", "p.log.1", "p.log"].map(|name| rig.read(name));
    assert_eq!(files, ["aaaa\nbbbbbbbcc\n", "dd\neeee\nfffff", "no line at all", "x"]);
}

#[test]
fn a_disk_that_cannot_be_written_stops_nobody_and_what_is_lost_is_said() {
    let rig = Rig::new();
    let mut writer = rig.program("p", rig.file("missing/p.log"), 0, 0);
    writer.write_all(&vec![b'x'; 10 << 20]).unwrap();
    rig.sync("p");
    let why = format!("cannot write to log {}: No such file", rig.path("missing/p.log").display());
    assert!(rig.main_log().contains(&why), "{}", rig.main_log());
    fs::create_dir(rig.path("missing")).unwrap();
    // The episode is over when writing has worked for a while.
    while !rig.main_log().contains("bytes of output were dropped") {
        writer.write_all(b"later\n").unwrap();
        rig.sync("p");
        thread::sleep(Duration::from_millis(20));
    }
    let kept = rig.read("missing/p.log");
    assert!(kept.starts_with("later\n"), "{}", kept.len());
    let line = rig.main_log().lines().find(|l| l.contains("were dropped")).unwrap().to_owned();
    let dropped: usize =
        line.split(": ").last().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((10 << 20..11 << 20).contains(&dropped), "{line}");
    assert_eq!(rig.main_log().matches("cannot write").count(), 1);
}

#[test]
fn a_full_device_stops_nobody() {
    let rig = Rig::new();
    symlink("/dev/full", rig.path("full.log")).unwrap();
    let mut writer = rig.program("p", rig.file("full.log"), 0, 0);
    writer.write_all(&vec![b'x'; 1 << 20]).unwrap();
    rig.sync("p");
    assert!(rig.main_log().contains("No space left"), "{}", rig.main_log());
}

#[test]
fn a_slow_reader_of_a_stream_gets_every_byte_and_disturbs_nobody() {
    const LINES: usize = 20_000;
    let rig = Rig::new();
    let fifo = rig.path("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let both = OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    let reader = File::open(&fifo).unwrap();
    drop(both);
    let slow = rig.program("slow", rig.file("fifo"), 0, 0);
    rig.sync("slow");
    let writer = thread::spawn(move || write_lines(slow, |n| n == LINES));
    let mut other = rig.program("other", rig.file("other.log"), 0, 0);
    other.write_all(b"undisturbed\n").unwrap();
    rig.sync("other");
    assert_eq!(rig.read("other.log"), "undisturbed\n");
    let text = std::io::read_to_string(reader);
    writer.join().unwrap();
    assert_exactly_once(&[text.unwrap()], LINES);
}

#[test]
fn a_grandchild_that_keeps_the_pipe_is_read_on_and_delays_nothing() {
    let rig = Rig::new();
    let mut child = rig.program("p", rig.file("p.log"), 0, 0);
    let mut grandchild = child.try_clone().unwrap();
    child.write_all(b"child\n").unwrap();
    drop(child);
    rig.plane.ended(&ProcessId::new("p", "p"));
    rig.sync("p");
    assert_eq!(rig.read("p.log"), "child\n");
    let mut next = rig.program("p", rig.file("p.log"), 0, 0);
    next.write_all(b"next\n").unwrap();
    rig.sync("p");
    grandchild.write_all(b"grandchild\n").unwrap();
    rig.sync("p");
    assert_eq!(rig.read("p.log"), "child\nnext\ngrandchild\n");
}

#[test]
fn escapes_are_removed_also_across_writes() {
    let rig = Rig::with(|activity| activity.strip_ansi = true);
    let mut writer = rig.program("p", rig.file("p.log"), 0, 0);
    for piece in ["\x1b[3", "1mred\x1b", "[0m\n", "\x1b"] {
        writer.write_all(piece.as_bytes()).unwrap();
        rig.sync("p");
    }
    drop(writer);
    rig.shut();
    assert_eq!(rig.read("p.log"), "red\n\x1b");
}

#[test]
fn auto_logs_are_private_and_there_when_somebody_reads_them() {
    let rig = Rig::new();
    let (id, settings, facts) = rig.process("p", LogTarget::Auto, 0, 0);
    rig.plane.prepare(&id, &settings, &facts);
    let path = facts.stdout_logfile.as_deref().unwrap();
    rig.main_log();
    assert!(!path.exists(), "an idle program costs a file");
    rig.sync("p");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(supervisord::logs::auto::clear_auto_logs(rig.dir.path(), "test").unwrap().is_empty());
    assert!(path.exists(), "the log of a living daemon was removed");
    rig.shut();
    supervisord::logs::auto::clear_auto_logs(rig.dir.path(), "test").unwrap();
    assert!(!path.exists());

    symlink("/etc/passwd", path).unwrap();
    let rig2 = Rig::new();
    rig2.plane.prepare(&id, &settings, &facts);
    rig2.sync("p");
    assert!(rig2.main_log().contains("cannot write to log"), "a link was followed");
}

#[test]
fn clear_empties_a_log_in_use_or_not_and_leaves_the_rotated_one() {
    let rig = Rig::new();
    let mut writer = rig.program("p", rig.file("p.log"), 10, 1);
    writer.write_all(b"0123456789").unwrap();
    rig.sync("p");
    let clear = |which| rig.runtime.block_on(rig.plane.clear(which));
    writer.write_all(b"abc").unwrap();
    clear(stdout("p")).unwrap();
    assert_eq!((rig.read("p.log"), rig.read("p.log.1").len()), (String::new(), 10));
    writer.write_all(b"def").unwrap();
    drop(writer);
    rig.plane.ended(&ProcessId::new("p", "p"));
    rig.sync("p");
    assert_eq!(rig.read("p.log"), "def");
    clear(stdout("p")).unwrap();
    assert_eq!(rig.read("p.log"), "");
    rig.plane.log(LogLevel::Info, WallTime(0), "before");
    clear(LogId::Main).unwrap();
    rig.plane.log(LogLevel::Info, WallTime(0), "after");
    assert_eq!(rig.main_log().lines().count(), 1);
    assert!(clear(stdout("nobody")).is_ok());
}

#[test]
fn reopening_creates_what_was_moved_away() {
    let rig = Rig::new();
    let _writer = rig.program("p", rig.file("p.log"), 0, 0);
    rig.sync("p");
    for name in ["p.log", "main.log"] {
        fs::rename(rig.path(name), rig.path(&format!("{name}.old"))).unwrap();
    }
    rig.plane.reopen();
    rig.sync("p");
    assert!(rig.path("p.log").exists() && rig.path("main.log").exists());
    let main = rig.read("main.log");
    assert!(main.ends_with(" INFO supervisord logreopen\n"), "{main:?}");
}

#[test]
fn a_follower_sees_every_byte_through_rotations() {
    let rig = Rig::new();
    let mut writer = rig.program("p", rig.file("p.log"), 1000, 3);
    let seen = rig.runtime.block_on(async {
        let mut follower = rig.plane.follow(stdout("p")).await.unwrap();
        let mut seen = Vec::new();
        for n in 0..35 {
            let line = format!("{n:0>100}\n");
            writer.write_all(line.as_bytes()).unwrap();
            while seen.len() < 101 * (n + 1) {
                match follower.next().await.unwrap() {
                    Followed::Bytes(bytes) => seen.extend(bytes),
                    Followed::Truncated => panic!("nobody truncated it"),
                }
            }
        }
        rig.plane.clear(stdout("p")).await.unwrap();
        assert_eq!(follower.next().await, Some(Followed::Truncated));
        rig.plane.shut().await;
        assert_eq!(follower.next().await, None);
        seen
    });
    let expected: String = (0..35).map(|n| format!("{n:0>100}\n")).collect();
    assert_eq!(String::from_utf8(seen).unwrap(), expected);
    assert!(rig.path("p.log.2").exists());
}

#[test]
fn the_output_is_in_the_activity_log_at_debug() {
    let rig = Rig::with(|activity| activity.level = LogLevel::Debug);
    let mut writer = rig.program("p", LogTarget::None, 0, 0);
    writer.write_all(b"hello\n").unwrap();
    rig.sync("p");
    assert!(rig.main_log().contains(" DEBG 'p' stdout output:\nhello\n\n"), "{}", rig.main_log());
}

#[test]
fn an_idle_plane_is_not_woken() {
    let rig = Rig::new();
    let mut writers: Vec<_> =
        (0..50).map(|n| rig.program(&format!("p{n}"), rig.file("p.log"), 0, 0)).collect();
    // Chatty for a moment, so that a clock ran.
    for writer in &mut writers {
        (0..5).for_each(|_| writer.write_all(b"x\n").unwrap());
    }
    rig.sync("p0");
    // Other tests' log threads are counted too, but they are over sooner or later.
    let switches = || -> u64 {
        let tasks = fs::read_dir("/proc/self/task").unwrap().map(|t| t.unwrap().path());
        tasks
            .filter_map(|task| fs::read_to_string(task.join("status")).ok())
            .filter(|status| status.starts_with("Name:\tlogs\n"))
            .flat_map(|status| {
                let lines: Vec<_> = status.lines().map(str::to_owned).collect();
                lines.into_iter().filter(|line| line.contains("ctxt_switches"))
            })
            .map(|line| line.split_whitespace().last().unwrap().parse::<u64>().unwrap())
            .sum()
    };
    let quiet = (0..50).any(|_| {
        let before = switches();
        thread::sleep(Duration::from_millis(300));
        switches() == before
    });
    assert!(quiet, "it wakes although nothing happens");
}

#[test]
fn descriptors_do_not_leak() {
    let rig = Rig::new();
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let cycle = || {
        for n in 0..100 {
            let mut writer = rig.program("p", rig.file(&format!("{n}.log")), 10, 1);
            writer.write_all(b"0123456789").unwrap();
            drop(writer);
            rig.plane.ended(&ProcessId::new("p", "p"));
        }
        rig.sync("p");
    };
    cycle();
    let before = open();
    (0..10).for_each(|_| cycle());
    // Other tests of this process come and go.
    assert!(open() < before + 500, "{before} became {}", open());
}

#[test]
fn what_a_program_wrote_is_counted_with_what_became_of_it() {
    let rig = Rig::new();
    let mut writer = rig.program("p", rig.file("p.log"), 1000, 1);
    let id = ProcessId::new("p", "p");
    for _ in 0..3 {
        writer.write_all(&[&[b'x'; 999][..], b"\n"].concat()).unwrap();
        rig.sync("p");
    }
    let counts = rig.plane.counts().process(&id).unwrap();
    let stdout = counts.of(Stream::Stdout);
    assert_eq!((stdout.bytes(), stdout.dropped(), stdout.rotations()), (3000, 0, 3));
    assert_eq!(counts.of(Stream::Stderr).bytes(), 0);

    let mut lost = rig.program("lost", LogTarget::File("/dev/full".into()), 0, 0);
    lost.write_all(b"gone\n").unwrap();
    rig.sync("lost");
    let counts = rig.plane.counts().process(&ProcessId::new("lost", "lost")).unwrap();
    assert_eq!(counts.of(Stream::Stdout).dropped(), 5);
    rig.plane.forget(&id);
    rig.sync("lost");
    assert!(rig.plane.counts().process(&id).is_none());
    assert_eq!(rig.plane.lines_dropped(), 0);
}
