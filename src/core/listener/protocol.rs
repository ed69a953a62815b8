//! What one event listener says, and what it means: `READY`, `RESULT`, and everything else.
//!
//! As in the reference (Supervisor's manual, "Event Listener Notification Protocol"), a listener
//! that says what it should not is UNKNOWN until its process is started again.

use std::sync::Arc;

use super::Queued;

/// What a listener says when it can take an event.
const READY: &[u8] = b"READY\n";

/// Bytes before the length in a result line. That they are `RESULT ` is not looked at, as in the
/// reference.
const RESULT_HEAD_BYTES: usize = b"RESULT ".len();

/// The result of an event that was dealt with.
const OK: &[u8] = b"OK";

/// Bytes of a result line; one without an end is a bad one, so that a listener that says nothing
/// but noise costs no memory.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// Where a listener stands.
#[derive(Clone, Debug)]
pub enum ListenerState {
    /// It has yet to say that it is ready.
    Acknowledged,
    /// It waits for an event.
    Ready,
    /// It deals with an event.
    Busy {
        /// The event.
        event: Arc<Queued>,
        /// How much of its answer has come.
        answer: Answer,
    },
    /// It did not keep to the protocol and is sent nothing more.
    Unknown,
    /// It has closed its standard input and is sent nothing more.
    Deaf,
}

/// How much of an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not even the line with its length.
    None,
    /// So many bytes of so many.
    Partial {
        /// As many as it has.
        length: usize,
        /// As many as have come.
        come: usize,
        /// Whether they are those of `OK` so far.
        ok: bool,
    },
}

/// What something that a listener said came to.
#[derive(Clone, Debug)]
pub enum Said {
    /// It is ready.
    Ready,
    /// It has dealt with its event.
    Processed,
    /// It did not want its event, which is another's now.
    Rejected(Arc<Queued>),
    /// This is no result line; its event is another's now.
    BadLine(Vec<u8>, Arc<Queued>),
    /// It spoke out of turn, in this state.
    OutOfTurn(&'static str),
}

/// One process of a pool.
#[derive(Debug)]
pub struct Listener {
    /// Where it stands.
    pub state: ListenerState,
    /// What it said that is not a whole word yet.
    heard: Vec<u8>,
}

impl ListenerState {
    /// Its name in the reference's log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Ready => "READY",
            Self::Busy { .. } => "BUSY",
            Self::Unknown | Self::Deaf => "UNKNOWN",
        }
    }
}

impl Default for Listener {
    fn default() -> Self {
        Self { state: ListenerState::Acknowledged, heard: Vec::new() }
    }
}

impl Listener {
    /// Takes in what it said; what is not whole yet is kept.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut said = Vec::new();
        self.heard.extend_from_slice(bytes);
        while let Some(next) = self.next() {
            said.extend(next);
        }
        said
    }

    /// The next step, which may have nothing to tell; `None` when more must come.
    fn next(&mut self) -> Option<Option<Said>> {
        let empty_answer = self.is_answered();
        let heard = &mut self.heard;
        match &mut self.state {
            ListenerState::Unknown | ListenerState::Deaf => {
                heard.clear();
                None
            }
            _ if heard.is_empty() && !empty_answer => None,
            ListenerState::Acknowledged if heard.len() < READY.len() => None,
            ListenerState::Acknowledged if heard.starts_with(READY) => {
                heard.drain(..READY.len());
                self.state = ListenerState::Ready;
                Some(Some(Said::Ready))
            }
            ListenerState::Acknowledged | ListenerState::Ready => {
                let state = self.state.name();
                self.state = ListenerState::Unknown;
                Some(Some(Said::OutOfTurn(state)))
            }
            ListenerState::Busy { answer: Answer::None, .. } => self.result_line(),
            ListenerState::Busy { answer: Answer::Partial { length, come, ok }, .. } => {
                let taken = heard.len().min(*length - *come);
                let expected = OK.get(*come..).unwrap_or_default();
                *ok &= expected.starts_with(heard.get(..taken).unwrap_or_default());
                heard.drain(..taken);
                *come += taken;
                if *come < *length { None } else { Some(Some(self.answered())) }
            }
        }
    }

    /// Whether an answer is whole that has no bytes at all.
    fn is_answered(&self) -> bool {
        matches!(self.state, ListenerState::Busy { answer: Answer::Partial { length: 0, .. }, .. })
    }

    fn result_line(&mut self) -> Option<Option<Said>> {
        let ListenerState::Busy { event, answer } = &mut self.state else {
            return None;
        };
        let end = self.heard.iter().position(|&byte| byte == b'\n');
        if end.is_none() && self.heard.len() < LINE_BYTES_MAX {
            return None;
        }
        let line: Vec<u8> = self.heard.drain(..end.unwrap_or(LINE_BYTES_MAX)).collect();
        if end.is_some() {
            self.heard.remove(0);
        }
        match result_length(&line) {
            Some(length) if end.is_some() => {
                *answer = Answer::Partial { length, come: 0, ok: true };
                Some(None)
            }
            _ => {
                let event = Arc::clone(event);
                self.state = ListenerState::Unknown;
                Some(Some(Said::BadLine(line, event)))
            }
        }
    }

    fn answered(&mut self) -> Said {
        match std::mem::replace(&mut self.state, ListenerState::Acknowledged) {
            ListenerState::Busy { answer: Answer::Partial { length, ok: true, .. }, .. }
                if length == OK.len() =>
            {
                Said::Processed
            }
            ListenerState::Busy { event, .. } => Said::Rejected(event),
            _ => Said::Processed,
        }
    }

    /// Its process is gone: the event that it had is another's.
    pub fn leave(&mut self) -> Option<Arc<Queued>> {
        match std::mem::take(self).state {
            ListenerState::Busy { event, .. } => Some(event),
            _ => None,
        }
    }
}

/// The length that a result line announces.
fn result_length(line: &[u8]) -> Option<usize> {
    let length = std::str::from_utf8(line.get(RESULT_HEAD_BYTES..)?).ok()?;
    length.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Notice;

    fn busy() -> Listener {
        let event =
            Arc::new(Queued { serial: 1, pool_serial: 1, notice: Notice::running().into() });
        let state = ListenerState::Busy { event, answer: Answer::None };
        Listener { state, ..Listener::default() }
    }

    fn told(listener: &mut Listener, bytes: &[u8]) -> Vec<String> {
        let said = listener.hear(bytes).into_iter().map(|said| match said {
            Said::Ready => "ready".to_owned(),
            Said::Processed => "ok".to_owned(),
            Said::Rejected(_) => "rejected".to_owned(),
            Said::BadLine(line, _) => format!("bad {}", String::from_utf8_lossy(&line)),
            Said::OutOfTurn(state) => format!("out of turn in {state}"),
        });
        said.chain([listener.state.name().to_owned()]).collect()
    }

    #[test]
    fn each_word_means_what_it_does_in_each_state() {
        let check = |mut listener: Listener, bytes: &[u8], expected: &[&str]| {
            assert_eq!(
                told(&mut listener, bytes),
                expected,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        };
        check(Listener::default(), b"READY\n", &["ready", "READY"]);
        check(Listener::default(), b"READ", &["ACKNOWLEDGED"]);
        check(Listener::default(), b"ready\n", &["out of turn in ACKNOWLEDGED", "UNKNOWN"]);
        check(Listener::default(), b"READY\nx", &["ready", "out of turn in READY", "UNKNOWN"]);
        check(busy(), b"RESULT 2\nOK", &["ok", "ACKNOWLEDGED"]);
        check(busy(), b"RESULT 2\nOKREADY\n", &["ok", "ready", "READY"]);
        check(busy(), b"RESULT  2 \nOK", &["ok", "ACKNOWLEDGED"]);
        check(busy(), b"whatis 2\nOK", &["ok", "ACKNOWLEDGED"]);
        check(busy(), b"RESULT 4\nFAILREADY\n", &["rejected", "ready", "READY"]);
        check(busy(), b"RESULT 3\nOK\n", &["rejected", "ACKNOWLEDGED"]);
        check(busy(), b"RESULT 0\n", &["rejected", "ACKNOWLEDGED"]);
        check(busy(), b"RESULT 2\nO", &["BUSY"]);
        check(busy(), b"RESULT -1\nx", &["bad RESULT -1", "UNKNOWN"]);
        check(busy(), b"RESULT two\nOK", &["bad RESULT two", "UNKNOWN"]);
        check(busy(), b"OK\n", &["bad OK", "UNKNOWN"]);
        check(busy(), b"\n", &["bad ", "UNKNOWN"]);
        check(busy(), &[b'x'; LINE_BYTES_MAX - 1], &["BUSY"]);
        let endless = "x".repeat(LINE_BYTES_MAX);
        check(busy(), endless.as_bytes(), &[&format!("bad {endless}"), "UNKNOWN"]);
    }

    #[test]
    fn words_may_come_in_pieces_of_any_size() {
        for size in 1..20 {
            let mut listener = busy();
            let bytes = b"RESULT 4\nFAILREADY\n";
            let mut all: Vec<String> = Vec::new();
            for piece in bytes.chunks(size) {
                let mut said = told(&mut listener, piece);
                said.pop();
                all.extend(said);
            }
            assert_eq!(all, ["rejected", "ready"], "in pieces of {size}");
        }
    }
}
