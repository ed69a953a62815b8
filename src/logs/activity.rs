//! The daemon's own log: its lines' form, and where they go.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::stat::fstat;

use super::counts::StreamCounts;
use super::forward::{Destination, Envelope, Forwarder, Forwarders, Owner, SystemSockets};
use super::pump::Moment;
use super::sink::SinkSettings;
use super::sinks::{SinkId, Sinks};
use super::stamp::{Clock, Style};
use crate::config::DaemonSettings;
use crate::config::setting::{LogCopy, LogLevel, SystemLog};
use crate::model::WallTime;

/// Lines are gathered up to this many bytes before they are written in one piece.
const BATCH_BYTES_MAX: usize = 64 << 10;

/// Room that is kept for them; what a burst took beyond it is given back when it is written.
const BATCH_BYTES_KEPT: usize = 4 << 10;

/// What of `[supervisord]` the log plane needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivitySettings {
    /// The activity log; `None` for none.
    pub logfile: Option<PathBuf>,
    /// Rotate it at this many bytes; 0 means never.
    pub max_bytes: u64,
    /// How many rotated files to keep.
    pub backups: u32,
    /// The least level that is logged. From `debug` down the programs' output is logged too.
    pub level: LogLevel,
    /// Whether every line goes to standard output as well.
    pub console: Console,
    /// Remove terminal escapes from the programs' output.
    pub strip_ansi: bool,
    /// Everything else that gets it.
    pub copies: Vec<LogCopy>,
    /// What its lines say of themselves in system logs.
    pub system: SystemLog,
    /// Where the host's own logs listen, for programs too.
    pub sockets: SystemSockets,
}

/// What standard output is to the activity log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// Nothing: no line goes there.
    Off,
    /// A terminal or a file: lines as in the log's file.
    Plain,
    /// The journal: it has a clock of its own, and wants the priority before a line
    /// (sd-daemon(3)).
    Journal,
}

impl Console {
    /// What it is in this process: systemd says which stream is the journal's
    /// (`JOURNAL_STREAM`, systemd.exec(5)).
    #[must_use]
    pub fn standard_output() -> Self {
        let told = std::env::var("JOURNAL_STREAM").unwrap_or_default();
        let found =
            fstat(std::io::stdout()).map(|found| format!("{}:{}", found.st_dev, found.st_ino));
        if found.is_ok_and(|found| found == told) { Self::Journal } else { Self::Plain }
    }
}

impl From<&DaemonSettings> for ActivitySettings {
    fn from(daemon: &DaemonSettings) -> Self {
        Self {
            logfile: daemon.logfile.clone(),
            max_bytes: daemon.logfile_max_bytes,
            backups: daemon.logfile_backups,
            level: daemon.loglevel,
            console: if daemon.nodaemon && !daemon.silent {
                Console::standard_output()
            } else {
                Console::Off
            },
            strip_ansi: daemon.strip_ansi,
            copies: daemon.log_copies.clone(),
            system: daemon.system_log.clone(),
            sockets: SystemSockets::default(),
        }
    }
}

/// The activity log as the log thread holds it.
pub(super) struct Activity {
    level: LogLevel,
    path: Option<PathBuf>,
    /// One for each form that is asked for.
    outputs: Vec<Outputs>,
    /// Where its lines are sent, and how.
    posts: Vec<(Arc<Forwarder>, Envelope)>,
    clock: Clock,
    /// What is counted of it.
    pub counts: Arc<StreamCounts>,
}

/// Where lines of one form go.
struct Outputs {
    form: Form,
    sinks: Vec<SinkId>,
    batch: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Date, time, level and text, as the reference has it.
    Dated,
    /// Priority and text.
    Journal,
}

impl Activity {
    /// Opens its targets.
    pub fn open(
        settings: ActivitySettings,
        sinks: &mut Sinks,
        forwarders: &mut Forwarders,
        now: Moment,
    ) -> Self {
        let form = match settings.console {
            Console::Off => None,
            // It would have every line twice.
            Console::Journal if settings.copies.contains(&LogCopy::Journal) => None,
            Console::Plain => Some(Form::Dated),
            Console::Journal => Some(Form::Journal),
        };
        let console = form.map(|form| {
            let plain = SinkSettings { max_bytes: 0, backups: 0, auto: false };
            (form, sinks.acquire(Path::new("/dev/stdout").into(), plain, now))
        });
        let (max_bytes, backups) = (settings.max_bytes, settings.backups);
        let rotated = SinkSettings { max_bytes, backups, auto: false };
        let copies = settings.copies.iter().filter_map(|copy| match copy {
            LogCopy::File(path) => Some(path.as_path()),
            LogCopy::Syslog(_) | LogCopy::Journal => None,
        });
        let files: Vec<_> = settings.logfile.as_deref().into_iter().chain(copies).collect();
        let files =
            files.into_iter().map(|path| (Form::Dated, sinks.acquire(path.into(), rotated, now)));
        let mut outputs: Vec<Outputs> = Vec::new();
        for (form, sink) in console.into_iter().chain(files.collect::<Vec<_>>()) {
            match outputs.iter_mut().find(|output| output.form == form) {
                Some(output) => output.sinks.push(sink),
                None => outputs.push(Outputs { form, sinks: vec![sink], batch: String::new() }),
            }
        }
        let destinations = settings.copies.iter().filter_map(Destination::of);
        let posts = destinations.map(|destination| {
            let envelope = Envelope::of_the_daemon(&destination, &settings.system);
            (forwarders.to(destination), envelope)
        });
        Self {
            level: settings.level,
            posts: posts.collect(),
            path: settings.logfile,
            outputs,
            clock: Clock::new(Style::Dated),
            counts: Arc::default(),
        }
    }

    /// Its file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether lines of this level are logged.
    pub fn logs(&self, level: LogLevel) -> bool {
        level >= self.level
    }

    /// Sets the least level that is logged.
    pub fn set_level(&mut self, level: LogLevel) {
        self.level = level;
    }

    /// To how many targets a line goes.
    pub fn output_count(&self) -> usize {
        self.outputs.iter().map(|output| output.sinks.len()).sum()
    }

    /// Adds a line; it is in the file after the next [`Activity::flush`].
    pub fn add(
        &mut self,
        level: LogLevel,
        wall: WallTime,
        text: &str,
        sinks: &mut Sinks,
        now: Moment,
    ) {
        if !self.logs(level) {
            return;
        }
        let (date, tag) = (self.clock.render(wall), tag(level));
        for output in &mut self.outputs {
            let _ = match output.form {
                Form::Dated => writeln!(output.batch, "{date} {tag} {text}"),
                Form::Journal => writeln!(output.batch, "<{}>{text}", priority(level)),
            };
            // A file is rotated after the line that fills it, as in the reference.
            let room = output.sinks.iter().map(|&id| sinks.room(id)).min().unwrap_or(u64::MAX);
            if output.batch.len() >= BATCH_BYTES_MAX || output.batch.len() as u64 >= room {
                output.flush(sinks, now, &self.counts);
            }
        }
        if !self.posts.is_empty() {
            let owner = Owner::Main(Arc::clone(&self.counts));
            for line in text.split('\n') {
                for (forwarder, envelope) in &mut self.posts {
                    let record = envelope.seal_as(priority(level), wall, line.as_bytes());
                    forwarder.post(record, line.len() + 1, &owner);
                }
            }
        }
    }

    /// Whether something waits for [`Activity::flush`].
    pub fn has_lines(&self) -> bool {
        self.outputs.iter().any(|output| !output.batch.is_empty())
    }

    /// Writes what was added.
    pub fn flush(&mut self, sinks: &mut Sinks, now: Moment) {
        for output in &mut self.outputs {
            output.flush(sinks, now, &self.counts);
            output.batch.shrink_to(BATCH_BYTES_KEPT);
        }
    }
}

impl Outputs {
    fn flush(&mut self, sinks: &mut Sinks, now: Moment, counts: &StreamCounts) {
        if !self.batch.is_empty() {
            for &id in &self.sinks {
                sinks.write(id, self.batch.as_bytes(), now, counts);
            }
            self.batch.clear();
        }
    }
}

/// A level as syslog(3) counts.
fn priority(level: LogLevel) -> u8 {
    match level {
        LogLevel::Critical => 2,
        LogLevel::Error => 3,
        LogLevel::Warn => 4,
        LogLevel::Info => 6,
        LogLevel::Debug | LogLevel::Trace | LogLevel::Blather => 7,
    }
}

/// A level's name on a line.
fn tag(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Critical => "CRIT",
        LogLevel::Error => "ERRO",
        LogLevel::Warn => "WARN",
        LogLevel::Info => "INFO",
        LogLevel::Debug => "DEBG",
        LogLevel::Trace => "TRAC",
        LogLevel::Blather => "BLAT",
    }
}

/// Broken-down local time (localtime_r(3)) of so many seconds since the epoch.
#[must_use]
pub fn local_tm(seconds: i64) -> libc::tm {
    // SAFETY: all bytes zero is a valid `tm`: numbers and a null pointer.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    #[allow(deprecated, reason = "musl's will be 64 bits wide on every machine; here they are")]
    let seconds: libc::time_t = seconds;
    // SAFETY: both pointers are to live values of the right type.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut tm) };
    tm
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    const NOW: Moment = Duration::ZERO;

    fn settings(logfile: PathBuf, max_bytes: u64) -> ActivitySettings {
        ActivitySettings {
            logfile: Some(logfile),
            max_bytes,
            backups: 2,
            level: LogLevel::Info,
            console: Console::Off,
            strip_ansi: false,
            copies: Vec::new(),
            system: SystemLog::default(),
            sockets: SystemSockets::default(),
        }
    }

    fn open(settings: ActivitySettings, sinks: &mut Sinks) -> Activity {
        let queue = Arc::new(super::super::queue::Queue::new().unwrap());
        let mut forwarders = Forwarders::new(settings.sockets.clone(), queue);
        Activity::open(settings, sinks, &mut forwarders, NOW)
    }

    #[test]
    fn lines_have_the_reference_form() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("supervisord.log");
        let mut sinks = Sinks::default();
        let mut activity = open(settings(log.clone(), 0), &mut sinks);
        let wall = WallTime(1_795_376_019_123_999);
        activity.add(LogLevel::Info, wall, "supervisord started with pid 1", &mut sinks, NOW);
        activity.add(LogLevel::Debug, wall, "not logged", &mut sinks, NOW);
        activity.add(LogLevel::Critical, WallTime(wall.0 + 1001), "two", &mut sinks, NOW);
        activity.flush(&mut sinks, NOW);
        let expected = format!(
            "{0},123 INFO supervisord started with pid 1\n{0},125 CRIT two\n",
            super::super::stamp::local(1_795_376_019)
        );
        assert_eq!(fs::read_to_string(log).unwrap(), expected);
    }

    #[test]
    fn the_journal_gets_each_line_once() {
        let outputs = |copies: Vec<LogCopy>| {
            let console = Console::Journal;
            let settings =
                ActivitySettings { logfile: None, console, copies, ..settings("".into(), 0) };
            open(settings, &mut Sinks::default()).output_count()
        };
        assert_eq!([outputs(vec![]), outputs(vec![LogCopy::Journal])], [1, 0]);
    }

    #[test]
    fn it_is_rotated_after_the_line_that_fills_it_even_within_a_batch() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("supervisord.log");
        let mut sinks = Sinks::default();
        // A line with a text of 4 bytes has 34 bytes.
        let mut activity = open(settings(log.clone(), 68), &mut sinks);
        for n in 0..5 {
            let text = format!("no {n}");
            activity.add(LogLevel::Info, WallTime::NEVER, &text, &mut sinks, NOW);
        }
        activity.flush(&mut sinks, NOW);
        let texts = |n: u32| {
            let path = if n == 0 { log.clone() } else { super::super::rotate::numbered(&log, n) };
            let content = fs::read_to_string(path).unwrap();
            content.lines().map(|l| l[29..].to_owned()).collect::<Vec<_>>().join(",")
        };
        assert_eq!([texts(2), texts(1), texts(0)], ["no 0,no 1", "no 2,no 3", "no 4"]);
    }
}
