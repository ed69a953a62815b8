//! Where bytes go: one file (or stream) by its path, whatever happens to it meanwhile.
//!
//! Before each write the open file is looked at: if it was removed, a new one is created, and what
//! is written later is in that. A rename shows in the path only, which is looked at less often;
//! until then the renamed file gets the bytes, so none is lost. A truncated file is appended to
//! from its new end (`O_APPEND`), never leaving a hole. A write that fails drops its bytes; they
//! are counted, and the episode is reported once when it begins and once, with the count, when it
//! is over.

use std::fs::Metadata;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::episode::{Episode, Reports};
use super::follow::FileId;
use super::output::{Output, open};
use super::pump::Moment;
use super::rotate;
use crate::config::setting::LogLevel;

/// How often a busy log's path is looked at, to see that its file was renamed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

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
    /// The last byte written was not the end of a line.
    mid_line: bool,
    episode: Episode,
    /// The size that rotates; beyond `max_bytes` after a rotation that failed.
    rotate_at: u64,
    /// Told of every change, while somebody follows.
    changes: Option<watch::Sender<FileId>>,
    tally: Tally,
}

/// What a sink did since it was last asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Bytes that could not be written.
    pub dropped: u64,
    /// Rotations for the size.
    pub rotations: u64,
}

impl Sink {
    /// Opens `path`; if that cannot be done, it is reported and tried again when bytes come. An
    /// AUTO log, which nobody can have a use for before, is created when it is first written or
    /// read: a thousand idle programs cost no file.
    pub fn open(
        path: Arc<Path>,
        settings: SinkSettings,
        changes: Option<watch::Sender<FileId>>,
        now: Moment,
        reports: &mut Reports,
    ) -> Self {
        let mut sink = Self {
            path,
            settings,
            output: Output::Closed,
            mid_line: false,
            episode: Episode::default(),
            rotate_at: settings.max_bytes,
            changes,
            tally: Tally::default(),
        };
        if !settings.auto {
            sink.create(now, reports);
        }
        sink
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that the file exists, if it can be had.
    pub fn create(&mut self, now: Moment, reports: &mut Reports) {
        if matches!(self.output, Output::Closed)
            && let Err(error) = self.settle()
        {
            self.episode.fail(&self.path, &error, 0, now, reports);
        }
    }

    /// Uses these settings from the next write on.
    pub fn set(&mut self, settings: SinkSettings) {
        if self.settings != settings {
            self.settings = settings;
            self.rotate_at = settings.max_bytes;
        }
    }

    /// Whom to tell of changes.
    pub fn announce(&mut self, changes: watch::Sender<FileId>) {
        self.changes = Some(changes);
    }

    /// Writes all of `bytes`, or counts what is lost. No line is torn by a rename from outside if
    /// its end is among `bytes`, nor by a rotation if its end is among the next ones.
    pub fn write(&mut self, bytes: &[u8], now: Moment, reports: &mut Reports) {
        if self.episode.rests(now) {
            self.episode.count(bytes.len());
            self.tally.dropped += bytes.len() as u64;
            return;
        }
        let mut rest = bytes;
        match self.put_by_lines(&mut rest, now, reports) {
            Ok(()) => self.episode.recover(&self.path, now, reports),
            Err(error) => {
                let waited = match &mut self.output {
                    Output::Stream(stream) => stream.discard(),
                    _ => 0,
                };
                let lost = rest.len() + waited;
                self.tally.dropped += lost as u64;
                self.episode.fail(&self.path, &error, lost, now, reports);
            }
        }
        self.tell();
    }

    /// What it did since this was last asked.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
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
            // Told with the next write: whose bytes they were is not known here.
            self.tally.dropped += lost as u64;
            self.episode.fail(&self.path, &error, lost, now, reports);
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
            self.mid_line = false;
        }
        self.rotate_at = self.settings.max_bytes;
        self.tell();
        Ok(())
    }

    /// Opens the path anew, creating it. If that fails, what was open stays so.
    pub fn reopen(&mut self, now: Moment, reports: &mut Reports) {
        match self.output {
            Output::Stream(_) => return,
            // Not begun yet, and not before it has a use.
            Output::Closed if self.settings.auto => return,
            Output::Closed | Output::File(_) => {}
        }
        match open(&self.path, self.settings.auto) {
            // The next write finishes its line in the old file.
            Ok(_) if self.mid_line => {}
            Ok(output) => self.output = output,
            Err(error) => self.episode.fail(&self.path, &error, 0, now, reports),
        }
        self.tell();
    }

    /// At the end: what was lost and not yet said.
    pub fn finish(&mut self, reports: &mut Reports) {
        if let Output::Stream(stream) = &mut self.output {
            let lost = stream.discard();
            self.episode.count(lost);
        }
        self.episode.end(&self.path, reports);
    }

    /// Writes `rest`, leaving in it what could not be written.
    fn put_by_lines(
        &mut self,
        rest: &mut &[u8],
        now: Moment,
        reports: &mut Reports,
    ) -> io::Result<()> {
        if self.is_replaced(now) {
            if self.mid_line {
                let line = rest.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                self.put(rest, line, now)?;
            }
            self.settle()?;
        }
        if self.mid_line && self.room() == 0 {
            let line = rest.iter().position(|&byte| byte == b'\n');
            self.put(rest, line.map_or(rest.len(), |end| end + 1), now)?;
            self.rotate_if_due(reports);
        }
        let room = usize::try_from(self.room()).unwrap_or(usize::MAX);
        if rest.len() >= room {
            let lines = rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            if lines >= room.max(1) {
                self.put(rest, lines, now)?;
                self.rotate_if_due(reports);
            } else if lines > 0 {
                // The limit is within the last line, whose end will come: it is waited for.
                return self.put(rest, rest.len(), now);
            }
        }
        self.put(rest, rest.len(), now)?;
        self.rotate_if_due(reports);
        Ok(())
    }

    /// Writes the first `count` bytes of `rest` and takes them off.
    fn put(&mut self, rest: &mut &[u8], count: usize, now: Moment) -> io::Result<()> {
        let Some((mut bytes, after)) = rest.split_at_checked(count) else {
            return Ok(());
        };
        let last = bytes.last().copied();
        match &mut self.output {
            Output::Closed => return Err(io::ErrorKind::NotFound.into()),
            Output::Stream(stream) => {
                // What it does not take at once waits in it.
                *rest = after;
                stream.write(bytes, now)?;
                if self.episode.is_open() && stream.is_blocked() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            Output::File(log) => {
                while !bytes.is_empty() {
                    let written = match log.file.write(bytes) {
                        Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                        Ok(written) => written,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                        Err(error) => return Err(error),
                    };
                    log.size += written as u64;
                    bytes = bytes.get(written..).unwrap_or_default();
                    *rest = rest.get(written..).unwrap_or_default();
                }
            }
        }
        self.mid_line = last.map_or(self.mid_line, |byte| byte != b'\n');
        Ok(())
    }

    /// Whether the path names another file than the open one, or none.
    fn is_replaced(&mut self, now: Moment) -> bool {
        let log = match &mut self.output {
            Output::Stream(_) => return false,
            Output::Closed => return true,
            Output::File(log) => log,
        };
        match log.look() {
            Ok((0, _)) => return true,
            Ok((_, size)) => log.size = size,
            Err(_) => {}
        }
        if now < log.look_at {
            return false;
        }
        log.look_at = now + LOOK_EVERY;
        let same = |found: Metadata| (found.dev(), found.ino()) == (log.device, log.inode);
        !self.path.metadata().is_ok_and(same)
    }

    /// Makes the open file the one that the path names; where no new one can be had, an old one
    /// still serves.
    fn settle(&mut self) -> io::Result<()> {
        match (open(&self.path, self.settings.auto), &self.output) {
            (Err(error), Output::Closed) => return Err(error),
            (Err(_), _) => {}
            (Ok(output), _) => {
                self.output = output;
                self.mid_line = false;
            }
        }
        Ok(())
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
                .map(|output| {
                    self.output = output;
                    self.mid_line = false;
                })
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
            self.tally.rotations += 1;
            self.rotate_at = self.settings.max_bytes;
        }
    }

    fn tell(&self) {
        if let Some(changes) = &self.changes {
            changes.send_replace(match &self.output {
                Output::File(log) => FileId { device: log.device, inode: log.inode },
                Output::Closed | Output::Stream(_) => FileId::UNKNOWN,
            });
        }
    }
}
