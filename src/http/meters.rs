//! What the HTTP server counts: connections, streams and answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;

/// Classes of status: 1xx to 5xx.
const CLASSES: usize = 5;

/// Counts for all listeners together.
#[derive(Debug, Default)]
pub struct Meters {
    connections: AtomicU64,
    accepted: AtomicU64,
    streams: AtomicU64,
    answers: [AtomicU64; CLASSES],
}

/// Something that is open; it is counted as closed when this is dropped.
#[derive(Debug)]
pub struct Open {
    meters: Arc<Meters>,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Connection,
    Stream,
}

impl Meters {
    /// A connection was accepted; it is open as long as this lives.
    #[must_use]
    pub fn connection(self: &Arc<Self>) -> Open {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open(What::Connection)
    }

    /// An answer that goes on until its reader leaves, such as `/events` or a followed log, has
    /// begun; it is open as long as this lives.
    #[must_use]
    pub fn stream(self: &Arc<Self>) -> Open {
        self.open(What::Stream)
    }

    /// A request was answered with this status.
    pub fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100);
        if let Some(count) = self.answers.get(class.wrapping_sub(1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Connections that were ever accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Streams that are open.
    #[must_use]
    pub fn streams(&self) -> u64 {
        self.streams.load(Ordering::Relaxed)
    }

    /// Requests answered so far, by the class of their status: `2xx`.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        let counts = self.answers.iter().map(|count| count.load(Ordering::Relaxed));
        classes.into_iter().zip(counts)
    }

    fn open(self: &Arc<Self>, what: What) -> Open {
        self.gauge(what).fetch_add(1, Ordering::Relaxed);
        Open { meters: Arc::clone(self), what }
    }

    fn gauge(&self, what: What) -> &AtomicU64 {
        match what {
            What::Connection => &self.connections,
            What::Stream => &self.streams,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.meters.gauge(self.what).fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_is_not_counted_as_open() {
        let meters = Arc::new(Meters::default());
        let (one, two) = (meters.connection(), meters.connection());
        let stream = meters.stream();
        assert_eq!((meters.connections(), meters.streams()), (2, 1));
        drop((one, stream));
        assert_eq!((meters.connections(), meters.accepted(), meters.streams()), (1, 2, 0));
        drop(two);
        for status in [200, 204, 404, 500, 999] {
            meters.answered(StatusCode::from_u16(status).unwrap());
        }
        let answers: Vec<_> = meters.answers().collect();
        assert_eq!(answers, [("1xx", 0), ("2xx", 2), ("3xx", 0), ("4xx", 1), ("5xx", 1)]);
    }
}
