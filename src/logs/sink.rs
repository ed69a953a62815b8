//! Where bytes go: one file (or stream) by its path, whatever happens to it meanwhile.
//!
//! Before each write the path is looked at. A file that was renamed or removed is created anew, so
//! whatever is written after the rename is in the new one; one that was truncated is appended to
//! from its new end (`O_APPEND`), never leaving a hole. A write that fails drops its bytes; they
//! are counted, and the episode is reported once when it begins and once, with the count, when it
//! is over.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::pump::Moment;
use super::rotate;
use super::stream::StreamOutput;
use crate::config::setting::LogLevel;

/// After a failure bytes are dropped this long without asking the system again.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(200);

/// An episode is over when writes work again this long after its last failure; until then it is
/// one episode, so that a disk that is almost full is not reported at every line.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// What happened to a log that a person should know, with its level.
pub(super) type Reports = Vec<(LogLevel, String)>;

/// When a file is rotated and how it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SinkSettings {
    /// Bytes that make a file be rotated after a write; 0 means never.
    pub max_bytes: u64,
    /// Rotated files that are kept; 0 truncates.
    pub backups: u32,
    /// A file of the daemon's own naming: private, never behind a link, locked while in use.
    pub auto: bool,
}

/// One target of any number of pumps.
#[derive(Debug)]
pub(super) struct Sink {
    path: Arc<Path>,
    settings: SinkSettings,
    output: Output,
    trouble: Option<Trouble>,
    /// The size that rotates; beyond `max_bytes` after a rotation that failed.
    rotate_at: u64,
    /// Told of every change, while somebody follows.
    changes: Option<watch::Sender<()>>,
}

#[derive(Debug)]
enum Output {
    Closed,
    File(LogFile),
    Stream(StreamOutput),
}

#[derive(Debug)]
struct LogFile {
    file: File,
    device: u64,
    inode: u64,
    size: u64,
}

/// An episode of dropped bytes.
#[derive(Debug)]
struct Trouble {
    last_failure: Moment,
    dropped: u64,
}

impl Sink {
    /// Opens `path`; if that cannot be done, it is reported and tried again when bytes come.
    pub fn open(
        path: Arc<Path>,
        settings: SinkSettings,
        changes: Option<watch::Sender<()>>,
        now: Moment,
        reports: &mut Reports,
    ) -> Self {
        let mut sink = Self {
            path,
            settings,
            output: Output::Closed,
            trouble: None,
            rotate_at: settings.max_bytes,
            changes,
        };
        if let Err(error) = sink.settle() {
            sink.fail(&error, 0, now, reports);
        }
        sink
    }

    /// Uses these settings from the next write on.
    pub fn set(&mut self, settings: SinkSettings) {
        if self.settings != settings {
            self.settings = settings;
            self.rotate_at = settings.max_bytes;
        }
    }

    /// Whom to tell of changes.
    pub fn announce(&mut self, changes: watch::Sender<()>) {
        self.changes = Some(changes);
    }

    /// Writes all of `bytes`, or counts what is lost. Rotates after the write if it is due, so
    /// that `bytes` are never torn by a rotation.
    pub fn write(&mut self, bytes: &[u8], now: Moment, reports: &mut Reports) {
        if self.rests(now) {
            self.drop_bytes(bytes.len());
            return;
        }
        let (taken, outcome) = match self.settle() {
            Ok(()) => self.put(bytes, now),
            Err(error) => (0, Err(error)),
        };
        match outcome {
            Ok(()) => self.recover(now, reports),
            Err(error) => {
                let lost = match &mut self.output {
                    Output::Stream(stream) => stream.discard(),
                    _ => bytes.len() - taken,
                };
                self.fail(&error, lost, now, reports);
            }
        }
        self.rotate_if_due(reports);
        self.tell();
    }

    /// Bytes until the next rotation.
    pub fn room(&self) -> u64 {
        match &self.output {
            Output::File(file) if self.rotate_at > 0 => self.rotate_at.saturating_sub(file.size),
            _ => u64::MAX,
        }
    }

    /// Whether a slow reader should be waited for before more is read for this sink.
    pub fn is_blocked(&self) -> bool {
        matches!(&self.output, Output::Stream(stream) if stream.is_blocked())
    }

    /// Tries again to write what waits for a slow reader.
    pub fn flush(&mut self, now: Moment, reports: &mut Reports) {
        if let Output::Stream(stream) = &mut self.output
            && let Err(error) = stream.flush(now)
        {
            let lost = stream.discard();
            self.fail(&error, lost, now, reports);
        }
    }

    /// Empties the file.
    ///
    /// # Errors
    /// It cannot be opened or truncated. A stream is left alone, without error.
    pub fn clear(&mut self) -> io::Result<()> {
        self.settle()?;
        if let Output::File(log) = &mut self.output {
            log.file.set_len(0)?;
            log.size = 0;
        }
        self.rotate_at = self.settings.max_bytes;
        self.tell();
        Ok(())
    }

    /// Opens the path anew. If that fails, what was open stays so.
    pub fn reopen(&mut self, now: Moment, reports: &mut Reports) {
        if let Output::Stream(_) = self.output {
            return;
        }
        match open(&self.path, self.settings.auto) {
            Ok(output) => self.output = output,
            Err(error) => self.fail(&error, 0, now, reports),
        }
        self.tell();
    }

    /// At the end: what was lost and not yet said.
    pub fn finish(&mut self, reports: &mut Reports) {
        if let Output::Stream(stream) = &mut self.output {
            let lost = stream.discard();
            self.drop_bytes(lost);
        }
        self.end_episode(reports);
    }

    /// Makes `output` the file that the path names now.
    fn settle(&mut self) -> io::Result<()> {
        match &mut self.output {
            Output::Stream(_) => Ok(()),
            Output::Closed => {
                self.output = open(&self.path, self.settings.auto)?;
                Ok(())
            }
            Output::File(log) => {
                match self.path.metadata() {
                    Ok(found) if (found.dev(), found.ino()) == (log.device, log.inode) => {
                        log.size = found.size();
                        return Ok(());
                    }
                    _ => {}
                }
                // Renamed or removed. Where no new file can be had, the old one still serves.
                if let Ok(output) = open(&self.path, self.settings.auto) {
                    self.output = output;
                }
                Ok(())
            }
        }
    }

    /// How many bytes were written, and what ended it.
    fn put(&mut self, bytes: &[u8], now: Moment) -> (usize, io::Result<()>) {
        let log = match &mut self.output {
            Output::File(log) => log,
            Output::Stream(stream) => {
                let outcome = stream.write(bytes, now);
                // In trouble there is no patience: only what is taken at once is not lost.
                let outcome = match outcome {
                    Ok(()) if self.trouble.is_some() && stream.is_blocked() => {
                        Err(io::ErrorKind::TimedOut.into())
                    }
                    other => other,
                };
                return (0, outcome);
            }
            Output::Closed => return (0, Err(io::ErrorKind::NotFound.into())),
        };
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            match log.file.write(rest) {
                Ok(0) => return (taken, Err(io::ErrorKind::WriteZero.into())),
                Ok(n) => {
                    taken += n;
                    log.size += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (taken, Err(error)),
            }
        }
        (taken, Ok(()))
    }

    fn rotate_if_due(&mut self, reports: &mut Reports) {
        if self.room() > 0 {
            return;
        }
        let Output::File(log) = &mut self.output else {
            return;
        };
        let outcome = if self.settings.backups == 0 {
            log.file.set_len(0).map(|()| log.size = 0)
        } else {
            rotate::shift(&self.path, self.settings.backups)
                .and_then(|()| open(&self.path, self.settings.auto))
                .map(|output| self.output = output)
        };
        if let Err(error) = outcome {
            // Everything goes on into the current file, which may be `.1` by now.
            if self.rotate_at == self.settings.max_bytes {
                reports.push((
                    LogLevel::Error,
                    format!("cannot rotate log {}: {error}; it grows on", self.path.display()),
                ));
            }
            let size = if let Output::File(log) = &self.output { log.size } else { 0 };
            self.rotate_at = size.saturating_add(self.settings.max_bytes);
        } else {
            self.rotate_at = self.settings.max_bytes;
        }
    }

    fn rests(&self, now: Moment) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| {
            trouble.dropped > 0 && now.saturating_sub(trouble.last_failure) < RETRY_AFTER
        })
    }

    fn fail(&mut self, error: &io::Error, lost: usize, now: Moment, reports: &mut Reports) {
        if self.trouble.is_none() {
            let path = self.path.display();
            reports.push((
                LogLevel::Error,
                format!("cannot write to log {path}: {error}; output is dropped until it works"),
            ));
        }
        let trouble = self.trouble.get_or_insert(Trouble { last_failure: now, dropped: 0 });
        trouble.last_failure = now;
        self.drop_bytes(lost);
    }

    fn drop_bytes(&mut self, count: usize) {
        if let Some(trouble) = &mut self.trouble {
            trouble.dropped += count as u64;
        }
    }

    fn recover(&mut self, now: Moment, reports: &mut Reports) {
        let over = |t: &Trouble| now.saturating_sub(t.last_failure) >= SETTLED_AFTER;
        if self.trouble.as_ref().is_some_and(over) {
            self.end_episode(reports);
        }
    }

    fn end_episode(&mut self, reports: &mut Reports) {
        if let Some(trouble) = self.trouble.take().filter(|trouble| trouble.dropped > 0) {
            let (path, dropped) = (self.path.display(), trouble.dropped);
            reports.push((LogLevel::Warn, format!("log {path}: {dropped} bytes were dropped")));
        }
    }

    fn tell(&self) {
        if let Some(changes) = &self.changes {
            changes.send_replace(());
        }
    }
}

/// Opens a log for appending, creating it.
///
/// AUTO logs are in a directory that others may write to: they are created for the owner alone,
/// never followed through a link, and hold a shared lock that tells other daemons to leave them.
fn open(path: &Path, auto: bool) -> io::Result<Output> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    if auto {
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) => {
            return match StreamOutput::standard(path) {
                Some(stream) => stream.map(Output::Stream),
                None => Err(error),
            };
        }
    };
    let found = file.metadata()?;
    let device = path.starts_with("/dev") || path.starts_with("/proc");
    if device || !found.is_file() {
        return Ok(Output::Stream(StreamOutput::own(file)));
    }
    if auto {
        // Advisory; where the file system has no locks, the log still works.
        let _ = file.try_lock_shared();
    }
    Ok(Output::File(LogFile { device: found.dev(), inode: found.ino(), size: found.size(), file }))
}
