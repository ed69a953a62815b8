//! The thread that sends what waits for one destination, however often it has to try.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::{Failure, Line};
use super::mailbox::{Letter, Mailbox};
use crate::config::setting::LogLevel;

/// The first rest after a failure; each is twice as long as the one before.
const REST_MIN: Duration = Duration::from_millis(200);

/// The longest rest for a socket of this host, which is cheap to look for.
const REST_LOCAL_MAX: Duration = Duration::from_secs(5);

/// The longest rest for another host.
const REST_REMOTE_MAX: Duration = Duration::from_secs(30);

/// A line that could not be sent for so long is dropped, and nothing is tried until another comes:
/// a daemon that has nothing to do is not woken by a destination that is gone.
const WAIT_TIME_MAX: Duration = Duration::from_secs(300);

/// How long a destination may take nothing before that is said.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lines between two looks at what has arrived.
const LOOK_EVERY: usize = 64;

pub(super) struct Sender {
    mailbox: Arc<Mailbox>,
    line: Line,
    /// What was sent and perhaps did not arrive.
    sent: VecDeque<Letter>,
    sent_bytes: usize,
    outage: Outage,
    /// It could not be reached, and there is no later to wait for.
    hopeless: bool,
}

/// Whether the destination can be reached.
#[derive(Debug, Default)]
struct Outage {
    /// Since when nothing was taken.
    since: Option<Instant>,
    said: bool,
    rest: Duration,
    /// When it is tried again.
    until: Option<Instant>,
}

impl Sender {
    pub fn new(mailbox: Arc<Mailbox>, line: Line) -> Self {
        let (sent, outage) = (VecDeque::new(), Outage::default());
        Self { mailbox, line, sent, sent_bytes: 0, outage, hopeless: false }
    }

    /// The thread's life.
    pub fn run(mut self) {
        while let Some(mut letters) = self.mailbox.take() {
            if let Err(failure) = self.line.look() {
                self.failed(failure, &mut letters);
            }
            if !self.send(&mut letters) {
                letters.iter().for_each(|letter| self.mailbox.lose(letter));
                break;
            }
            self.forget_what_arrived();
            if self.mailbox.is_empty() {
                self.say_what_was_lost();
            }
        }
        drop(self.line);
        self.mailbox.ended();
    }

    /// Sends everything, from the front. False if there is no time left for it.
    fn send(&mut self, letters: &mut VecDeque<Letter>) -> bool {
        while let Some(letter) = letters.front() {
            let rested = self.outage.until.is_none_or(|until| self.mailbox.rest(until));
            if self.hopeless || !rested {
                return false;
            }
            match self.line.send(&letter.record) {
                Ok(()) => {
                    self.mailbox.sent(letter);
                    self.sent.extend(letters.pop_front().inspect(|letter| {
                        self.sent_bytes += letter.record.len();
                    }));
                    self.recovered();
                    if self.sent.len().is_multiple_of(LOOK_EVERY) {
                        self.forget_what_arrived();
                    }
                }
                Err(failure) => self.failed(failure, letters),
            }
        }
        true
    }

    fn failed(&mut self, failure: Failure, letters: &mut VecDeque<Letter>) {
        match failure {
            Failure::TooLarge => {
                if let Some(letter) = letters.pop_front() {
                    self.mailbox.lose(&letter);
                }
                return;
            }
            Failure::Slow => {
                let since = *self.outage.since.get_or_insert_with(Instant::now);
                if since.elapsed() >= PATIENCE {
                    self.begin(&io::Error::new(io::ErrorKind::TimedOut, "it takes nothing"));
                }
                // Trying was waiting already.
                self.outage.until = Some(Instant::now());
            }
            Failure::Broken(error, before) => {
                self.take_back(before, letters);
                self.begin(&error);
                self.hopeless = self.mailbox.is_closed();
                let longest = if self.line.is_remote() { REST_REMOTE_MAX } else { REST_LOCAL_MAX };
                self.outage.rest = (self.outage.rest * 2).clamp(REST_MIN, longest);
                self.outage.until = Some(Instant::now() + self.outage.rest);
            }
        }
        while let Some(letter) = letters.front()
            && letter.posted.elapsed() >= WAIT_TIME_MAX
        {
            self.mailbox.lose(letter);
            letters.pop_front();
        }
    }

    /// Puts what did not arrive before the rest.
    fn take_back(&mut self, mut bytes: usize, letters: &mut VecDeque<Letter>) {
        while bytes > 0
            && let Some(letter) = self.sent.pop_back()
        {
            bytes = bytes.saturating_sub(letter.record.len());
            self.mailbox.returned(&letter);
            letters.push_front(letter);
        }
        self.sent.clear();
        self.sent_bytes = 0;
    }

    /// Keeps of what was sent only what may have to be sent again.
    fn forget_what_arrived(&mut self) {
        let on_its_way = self.line.unacknowledged();
        while let Some(letter) = self.sent.front()
            && self.sent_bytes - letter.record.len() >= on_its_way
        {
            self.sent_bytes -= letter.record.len();
            self.sent.pop_front();
        }
    }

    fn begin(&mut self, error: &io::Error) {
        self.outage.since.get_or_insert_with(Instant::now);
        if !self.outage.said {
            self.outage.said = true;
            let destination = &self.mailbox.destination;
            let text = format!("cannot send to {destination}: {error}; its lines wait");
            self.mailbox.say(LogLevel::Error, text);
        }
    }

    fn recovered(&mut self) {
        if self.outage.since.is_some() {
            if self.outage.said {
                let text = format!("{} takes lines again", self.mailbox.destination);
                self.mailbox.say(LogLevel::Info, text);
            }
            self.outage = Outage::default();
        }
    }

    fn say_what_was_lost(&self) {
        if let Some(text) = self.mailbox.take_lost().told(&self.mailbox.destination) {
            self.mailbox.say(LogLevel::Warn, text);
        }
    }
}
