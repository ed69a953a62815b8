//! Where the bytes of one pipe go: straight to files, and as whole lines to whoever needs lines.

use std::mem;
use std::path::Path;
use std::sync::Arc;

use super::counts::{ProcessCounts, StreamCounts};
use super::format::{Format, Source};
use super::forward::{Destination, Envelope, Forwarder, Forwarders, Owner};
use super::lines::Lines;
use super::pump::Moment;
use super::sink::SinkSettings;
use super::sinks::{SinkId, Sinks};
use super::stamp;
use crate::config::setting::{LogCopy, LogFormat, LogSettings, SyslogAddress};

/// Formatted lines are written to files in pieces of about so many bytes.
const BATCH_BYTES: usize = 64 << 10;

/// The targets of one pipe.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// It gets every byte as it came.
    straight: Option<SinkId>,
    /// So do these. Most routes have none of them.
    more: Box<[SinkId]>,
    /// Where no target needs lines there is nothing that looks for them.
    lines: Option<Box<ByLine>>,
}

/// The targets that need whole lines.
#[derive(Debug)]
struct ByLine {
    lines: Lines,
    format: Format,
    files: Vec<SinkId>,
    posts: Vec<Post>,
    owner: Owner,
    /// Formatted lines that wait for the end of the read.
    batch: Vec<u8>,
    line: Vec<u8>,
}

#[derive(Debug)]
struct Post {
    forwarder: Arc<Forwarder>,
    envelope: Envelope,
    /// The journal has fields for what a format adds.
    plain: bool,
}

impl Route {
    /// To the log that is shown, if there is one, and all its copies.
    pub fn new(
        source: &Source,
        log: &LogSettings,
        shown: Option<(Arc<Path>, SinkSettings)>,
        counts: &Arc<ProcessCounts>,
        sinks: &mut Sinks,
        forwarders: &mut Forwarders,
        now: Moment,
    ) -> Self {
        let settings = SinkSettings { max_bytes: log.max_bytes, backups: log.backups, auto: false };
        let copies = log.copies.iter().filter_map(|copy| match copy {
            LogCopy::File(path) => Some((Arc::from(path.as_path()), settings)),
            LogCopy::Syslog(_) | LogCopy::Journal => None,
        });
        let files = shown.into_iter().chain(copies);
        let mut files = files.map(|(path, settings)| sinks.acquire(path, settings, now));
        let (straight, more, files): (_, Box<[_]>, Vec<_>) = if log.format == LogFormat::Raw {
            (files.next(), files.collect(), Vec::new())
        } else {
            (None, Box::default(), files.collect())
        };
        let posts = posts(source, log, forwarders);
        let lines = (!files.is_empty() || !posts.is_empty()).then(|| {
            let owner = Owner::Process(counts.clone(), source.stream);
            let format = Format::new(&log.format, source);
            let (lines, batch, line) = (Lines::default(), Vec::new(), Vec::new());
            Box::new(ByLine { lines, format, files, posts, owner, batch, line })
        });
        Self { straight, more, lines }
    }

    fn straight(&self) -> impl Iterator<Item = SinkId> {
        self.straight.into_iter().chain(self.more.iter().copied())
    }

    /// Whether a slow reader of one of the files should be waited for.
    pub fn is_blocked(&self, sinks: &Sinks) -> bool {
        let files = self.lines.iter().flat_map(|lines| &lines.files);
        sinks.any_blocked() && self.straight().chain(files.copied()).any(|id| sinks.is_blocked(id))
    }

    /// Passes bytes on, which are counted here.
    pub fn write(&mut self, bytes: &[u8], sinks: &mut Sinks, now: Moment, counts: &StreamCounts) {
        for sink in self.straight() {
            sinks.write(sink, bytes, now, counts);
        }
        if let Some(by_line) = &mut self.lines {
            by_line.pass(Some(bytes), |sink, batch| sinks.write(sink, batch, now, counts));
        }
    }

    /// No end will come of the line that was begun.
    pub fn end_line(&mut self, sinks: &mut Sinks, now: Moment, counts: &StreamCounts) {
        if let Some(by_line) = &mut self.lines {
            by_line.pass(None, |sink, batch| sinks.write(sink, batch, now, counts));
        }
    }

    /// Ends it; what is written afterwards goes nowhere.
    pub fn release(&mut self, sinks: &mut Sinks, now: Moment, counts: &StreamCounts) {
        self.end_line(sinks, now, counts);
        let files = self.lines.take().map(|lines| lines.files).unwrap_or_default();
        let straight = self.straight.take().into_iter().chain(mem::take(&mut self.more));
        for sink in straight.chain(files) {
            sinks.release(sink);
        }
    }
}

impl ByLine {
    /// Takes bytes, or the end of them; gives what files get.
    fn pass(&mut self, bytes: Option<&[u8]>, mut write: impl FnMut(SinkId, &[u8])) {
        let Self { lines, format, files, posts, owner, batch, line: written } = self;
        let wall = stamp::now();
        let each = |line: &[u8]| {
            written.clear();
            format.render(wall, line, written);
            for post in &mut *posts {
                let text = if post.plain { line } else { written.as_slice() };
                let record = post.envelope.seal(wall, text);
                post.forwarder.post(record, line.len() + 1, owner);
            }
            if !files.is_empty() {
                batch.extend_from_slice(written);
                batch.push(b'\n');
                if batch.len() >= BATCH_BYTES {
                    files.iter().for_each(|&file| write(file, batch));
                    batch.clear();
                }
            }
        };
        match bytes {
            Some(bytes) => lines.feed(bytes, each),
            None => lines.finish(each),
        }
        if !batch.is_empty() {
            files.iter().for_each(|&file| write(file, batch));
            batch.clear();
        }
        // A thousand quiet programs should not keep room for their longest lines.
        batch.shrink_to(BATCH_BYTES / 16);
        written.shrink_to(BATCH_BYTES / 16);
    }
}

fn posts(source: &Source, log: &LogSettings, forwarders: &mut Forwarders) -> Vec<Post> {
    let destinations = log.copies.iter().filter_map(Destination::of);
    let mut posts: Vec<_> = destinations
        .map(|destination| Post {
            envelope: Envelope::new(&destination, source, &log.system),
            plain: destination == Destination::Journal,
            forwarder: forwarders.to(destination),
        })
        .collect();
    if log.syslog {
        let envelope = Envelope::in_the_daemons_name(source, &log.system);
        let forwarder = forwarders.to(Destination::Syslog(SyslogAddress::Local));
        posts.push(Post { envelope, plain: false, forwarder });
    }
    posts
}

/// The ways to wherever the lines of a log are sent.
pub(super) fn forwarders(log: &LogSettings, forwarders: &mut Forwarders) -> Vec<Arc<Forwarder>> {
    let local = log.syslog.then_some(Destination::Syslog(SyslogAddress::Local));
    let copies = log.copies.iter().filter_map(Destination::of);
    copies.chain(local).map(|destination| forwarders.to(destination)).collect()
}
