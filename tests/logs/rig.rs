//! A log plane with a directory of its own, and lines whose loss would show.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use supervisord::config::ProcessSettings;
use supervisord::config::setting::{LogLevel, LogSettings, LogTarget, SystemLog};
use supervisord::logs::{ActivitySettings, Console, LogId, LogPlane, Stream, SystemSockets};
use supervisord::model::{ProcessFacts, ProcessId};

/// What the child of every pipe is said to be.
pub const PID: i32 = 42;

/// A log plane of its own in a directory of its own.
pub struct Rig {
    pub dir: tempfile::TempDir,
    pub plane: LogPlane,
    pub runtime: tokio::runtime::Runtime,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut ActivitySettings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut activity = ActivitySettings {
            logfile: Some(dir.path().join("main.log")),
            max_bytes: 0,
            backups: 0,
            level: LogLevel::Info,
            console: Console::Off,
            strip_ansi: false,
            copies: Vec::new(),
            system: SystemLog::default(),
            sockets: SystemSockets::default(),
        };
        change(&mut activity);
        let plane = LogPlane::start(activity).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { dir, plane, runtime }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Attaches stdout of a program of this name to `target`; its writing end comes back.
    pub fn program(&self, name: &str, target: LogTarget, max_bytes: u64, backups: u32) -> File {
        let (reader, writer) = pipe();
        let (id, settings, facts) = self.process(name, target, max_bytes, backups);
        self.plane.attach(&id, PID, Stream::Stdout, reader, &settings, &facts);
        writer
    }

    /// Attaches stdout of a program of this name, with these settings.
    pub fn logged(&self, name: &str, log: LogSettings) -> File {
        let (reader, writer) = pipe();
        let (id, settings, facts) = self.process_with(name, log);
        self.plane.attach(&id, PID, Stream::Stdout, reader, &settings, &facts);
        writer
    }

    pub fn process(
        &self,
        name: &str,
        target: LogTarget,
        max_bytes: u64,
        backups: u32,
    ) -> (ProcessId, Arc<ProcessSettings>, Arc<ProcessFacts>) {
        self.process_with(name, LogSettings { max_bytes, backups, ..LogSettings::new(target) })
    }

    fn process_with(
        &self,
        name: &str,
        log: LogSettings,
    ) -> (ProcessId, Arc<ProcessSettings>, Arc<ProcessFacts>) {
        let auto = self.path(&format!("{name}-stdout---test-x.log"));
        let kept = match &log.target {
            LogTarget::Auto => Some(auto.as_path().into()),
            LogTarget::File(path) => Some(path.as_path().into()),
            LogTarget::None => None,
        };
        let settings = ProcessSettings {
            stdout: log.into(),
            stderr: LogSettings::new(LogTarget::None).into(),
            ..ProcessSettings::new(name, "true")
        };
        let facts = ProcessFacts {
            command: "true".into(),
            stdout_logfile: kept,
            ..ProcessFacts::default()
        };
        (ProcessId::new(name, name), Arc::new(settings), Arc::new(facts))
    }

    pub fn file(&self, name: &str) -> LogTarget {
        LogTarget::File(self.path(name))
    }

    pub fn sync(&self, name: &str) {
        self.runtime.block_on(self.plane.sync(stdout(name)));
    }

    pub fn main_log(&self) -> String {
        self.runtime.block_on(self.plane.sync(LogId::Main));
        self.read("main.log")
    }

    /// Everything the plane has is in files when this returns.
    pub fn shut(&self) {
        self.runtime.block_on(self.plane.shut());
    }
}

pub fn stdout(name: &str) -> LogId {
    LogId::Process(ProcessId::new(name, name), Stream::Stdout)
}

pub fn pipe() -> (OwnedFd, File) {
    let (reader, writer) = nix::unistd::pipe().unwrap();
    (reader, writer.into())
}

/// Writes numbered lines of various lengths in pieces that end anywhere; how many there were.
pub fn write_lines(mut writer: File, enough: impl Fn(usize) -> bool) -> usize {
    let (mut text, mut n) = (Vec::new(), 0);
    while !enough(n) {
        writeln!(text, "{n} {}", "x".repeat(n % 97)).unwrap();
        n += 1;
        if text.len() > 30_000 {
            let cut = text.len() - n % 50;
            writer.write_all(&text[..cut]).unwrap();
            text.drain(..cut);
        }
    }
    writer.write_all(&text).unwrap();
    n
}

/// Every one of `count` lines is whole in exactly one of the texts.
pub fn assert_exactly_once(texts: &[String], count: usize) {
    let mut seen = vec![0; count];
    for line in texts.iter().flat_map(|text| text.lines()) {
        let (n, filler) = line.split_once(' ').unwrap_or_else(|| panic!("torn line {line:?}"));
        let n: usize = n.parse().unwrap();
        assert_eq!(filler.len(), n % 97, "line {n} is torn");
        seen[n] += 1;
    }
    assert_eq!(seen.iter().position(|&times| times != 1), None, "a line not exactly once");
}
