//! Lines on their way to system logs and the journal.
//!
//! Each destination has a thread of its own, begun with its first line: it resolves names, connects
//! and may be held up as long as the other side likes, and neither the log thread nor a program
//! waits for it. What waits for it is bounded (`mailbox.rs`); what is lost is counted and said.
//! With nothing to send the thread sleeps without a timeout, whether the other side is there or not.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

pub(super) use envelope::Envelope;
pub(super) use mailbox::Owner;

use super::queue::Queue;
use crate::config::setting::{LogCopy, SyslogAddress};
use mailbox::Mailbox;

mod envelope;
mod journal;
mod line;
mod mailbox;
mod sender;

/// How long what waits may take to be sent when nobody sends any more.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(1);

/// Where the host's own logs listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemSockets {
    /// The system log's, as syslog(3) has it.
    pub syslog: PathBuf,
    /// The journal's, for its native protocol.
    pub journal: PathBuf,
}

impl Default for SystemSockets {
    fn default() -> Self {
        Self { syslog: "/dev/log".into(), journal: "/run/systemd/journal/socket".into() }
    }
}

/// Where lines can go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Destination {
    Syslog(SyslogAddress),
    Journal,
}

impl Destination {
    /// The one that a copy of a log goes to; a file is none.
    pub fn of(copy: &LogCopy) -> Option<Self> {
        match copy {
            LogCopy::File(_) => None,
            LogCopy::Syslog(address) => Some(Self::Syslog(address.clone())),
            LogCopy::Journal => Some(Self::Journal),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syslog(address) => address.fmt(f),
            Self::Journal => f.write_str("the journal"),
        }
    }
}

/// The way to one destination. With its last user it ends, once it has sent what waits.
#[derive(Debug)]
pub(super) struct Forwarder(Arc<Mailbox>);

impl Forwarder {
    /// Sends `record`, which holds so many bytes of the owner's; never waits.
    pub fn post(&self, record: Vec<u8>, bytes: usize, owner: &Owner) {
        self.0.post(record, bytes, owner);
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.0.close(CLOSE_TIME_MAX);
    }
}

/// Every destination in use.
pub(super) struct Forwarders {
    sockets: SystemSockets,
    queue: Arc<Queue>,
    open: HashMap<Destination, Weak<Forwarder>>,
    /// Of those that nobody uses any more and that still send, too.
    mailboxes: Vec<Weak<Mailbox>>,
}

impl Forwarders {
    /// None yet; they report through `queue`.
    pub fn new(sockets: SystemSockets, queue: Arc<Queue>) -> Self {
        Self { sockets, queue, open: HashMap::new(), mailboxes: Vec::new() }
    }

    /// The way to a destination, shared by all who send there.
    pub fn to(&mut self, destination: Destination) -> Arc<Forwarder> {
        if let Some(open) = self.open.get(&destination).and_then(Weak::upgrade) {
            return open;
        }
        self.open.retain(|_, forwarder| forwarder.strong_count() > 0);
        let line = line::Line::new(destination.clone(), self.sockets.clone());
        let mailbox = Mailbox::new(destination.clone(), line, self.queue.clone());
        self.mailboxes.retain(|mailbox| mailbox.strong_count() > 0);
        self.mailboxes.push(Arc::downgrade(&mailbox));
        let forwarder = Arc::new(Forwarder(mailbox));
        self.open.insert(destination, Arc::downgrade(&forwarder));
        forwarder
    }

    /// Waits until everything is sent, for [`CLOSE_TIME_MAX`] at most; what was lost, in words.
    pub fn finish(&mut self) -> Vec<String> {
        let open: Vec<_> = self.mailboxes.drain(..).filter_map(|weak| weak.upgrade()).collect();
        for mailbox in &open {
            mailbox.close(CLOSE_TIME_MAX);
        }
        let until = Instant::now() + CLOSE_TIME_MAX;
        open.iter().filter_map(|mailbox| mailbox.end(until)).collect()
    }
}
