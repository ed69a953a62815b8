//! What of a stream becomes events: what stands between markers, and, if asked for, all of it.

use std::sync::Arc;

use super::Stream;
use super::capture::{Capture, Piece};
use super::notices::Notices;
use crate::config::setting::LogSettings;
use crate::model::{Channel, EventType, Notice, ProcessId};

/// The ears at one stream of one child.
#[derive(Debug)]
pub(super) struct Ears {
    process: ProcessId,
    pid: i32,
    channel: Channel,
    capture: Option<Capture>,
    /// Whether output is announced.
    announces: bool,
    notices: Arc<Notices>,
}

impl Ears {
    /// What these settings ask for; `None` if that is nothing.
    pub fn new(
        process: &ProcessId,
        pid: i32,
        stream: Stream,
        settings: &LogSettings,
        notices: &Arc<Notices>,
    ) -> Option<Self> {
        let max = settings.capture_max_bytes;
        let capture = (max > 0).then(|| Capture::new(max));
        let announces = settings.events_enabled;
        (capture.is_some() || announces).then(|| Self {
            process: process.clone(),
            pid,
            channel: match stream {
                Stream::Stdout => Channel::Stdout,
                Stream::Stderr => Channel::Stderr,
            },
            capture,
            announces,
            notices: Arc::clone(notices),
        })
    }

    /// Whether anybody would hear of what comes, so that it should be read at once.
    pub fn are_heard(&self) -> bool {
        let wanted = self.notices.wanted();
        let (log, communication) = self.kinds();
        self.announces && wanted.wants(log) || self.capture.is_some() && wanted.wants(communication)
    }

    /// Takes in what was read; `plain` gets what goes into the log. Says how many communications
    /// have ended.
    pub fn take(&mut self, bytes: &[u8], plain: &mut dyn FnMut(&[u8])) -> usize {
        self.with(
            |capture, each| match capture {
                Some(capture) => capture.take(bytes, each),
                None => each(Piece::Plain(bytes)),
            },
            plain,
        )
    }

    /// Nothing more comes: what was held back goes into the log.
    pub fn finish(&mut self, plain: &mut dyn FnMut(&[u8])) {
        self.with(
            |capture, each| {
                if let Some(capture) = capture {
                    capture.finish(each);
                }
            },
            plain,
        );
    }

    fn with(
        &mut self,
        act: impl FnOnce(&mut Option<Capture>, &mut dyn FnMut(Piece<'_>)),
        plain: &mut dyn FnMut(&[u8]),
    ) -> usize {
        let wanted = self.notices.wanted();
        let (log, communication) = self.kinds();
        let announces = self.announces && wanted.wants(log);
        let Self { process, pid, channel, capture, notices, .. } = self;
        let mut ended = 0;
        act(capture, &mut |piece| match piece {
            Piece::Plain(bytes) | Piece::Captured(bytes) => {
                // As in the reference, what is captured is announced, too.
                if announces {
                    notices.push(Notice::log(process, *pid, *channel, bytes));
                }
                if let Piece::Plain(bytes) = piece {
                    plain(bytes);
                }
            }
            Piece::Communication(bytes) => {
                ended += 1;
                if wanted.wants(communication) {
                    notices.push(Notice::communication(process, *pid, *channel, &bytes));
                }
            }
        });
        ended
    }

    fn kinds(&self) -> (EventType, EventType) {
        match self.channel {
            Channel::Stdout => (EventType::ProcessLogStdout, EventType::ProcessCommunicationStdout),
            Channel::Stderr => (EventType::ProcessLogStderr, EventType::ProcessCommunicationStderr),
        }
    }
}
