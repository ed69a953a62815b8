//! An episode of failing writes: said when it begins, counted, and said again when it is over.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::pump::Moment;
use crate::config::setting::LogLevel;

/// After a failure bytes are dropped this long without asking the system again.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(200);

/// An episode is over when writes work again this long after its last failure; until then it is
/// one episode, so that a disk that is almost full is not reported at every line.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// What happened to a log that a person should know, with its level.
pub(super) type Reports = Vec<(LogLevel, String)>;

/// Whether a log can be written, and what was lost meanwhile.
#[derive(Debug, Default)]
pub(super) struct Episode {
    open: Option<Box<Open>>,
}

#[derive(Debug)]
struct Open {
    last_failure: Moment,
    dropped: u64,
}

impl Episode {
    /// Whether there were failures and they are not yet over.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether it is too early to try again.
    pub fn rests(&self, now: Moment) -> bool {
        let early = |o: &Open| now.saturating_sub(o.last_failure) < RETRY_AFTER;
        self.open.as_ref().is_some_and(|open| open.dropped > 0 && early(open))
    }

    /// A write failed and lost so many bytes.
    pub fn fail(
        &mut self,
        path: &Path,
        error: &io::Error,
        lost: usize,
        now: Moment,
        reports: &mut Reports,
    ) {
        let open = self.open.get_or_insert_with(|| {
            let path = path.display();
            let text = format!("cannot write to log {path}: {error}; output is dropped meanwhile");
            reports.push((LogLevel::Error, text));
            Box::new(Open { last_failure: now, dropped: 0 })
        });
        open.last_failure = now;
        open.dropped += lost as u64;
    }

    /// So many bytes more were lost without trying.
    pub fn count(&mut self, lost: usize) {
        if let Some(open) = &mut self.open {
            open.dropped += lost as u64;
        }
    }

    /// A write worked.
    pub fn recover(&mut self, path: &Path, now: Moment, reports: &mut Reports) {
        let settled = |o: &Open| now.saturating_sub(o.last_failure) >= SETTLED_AFTER;
        if self.open.as_deref().is_some_and(settled) {
            self.end(path, reports);
        }
    }

    /// It is over, one way or the other.
    pub fn end(&mut self, path: &Path, reports: &mut Reports) {
        if let Some(open) = self.open.take().filter(|open| open.dropped > 0) {
            let dropped = open.dropped;
            let text = format!("log {}: {dropped} bytes of output were dropped", path.display());
            reports.push((LogLevel::Warn, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_is_said_twice_however_often_it_fails() {
        let (mut episode, mut reports, path) = (Episode::default(), Vec::new(), Path::new("/log"));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let at = Duration::from_millis;
        episode.fail(path, &full, 100, at(1000), &mut reports);
        assert!(episode.rests(at(1100)) && !episode.rests(at(1200)));
        episode.count(10);
        episode.fail(path, &full, 1, at(1200), &mut reports);
        episode.recover(path, at(1400), &mut reports);
        episode.fail(path, &full, 1, at(1500), &mut reports);
        assert_eq!(reports.len(), 1, "{reports:?}");
        episode.recover(path, at(2600), &mut reports);
        assert_eq!(reports[1].1, "log /log: 112 bytes of output were dropped");
        episode.end(path, &mut reports);
        assert_eq!(reports.len(), 2);
    }
}
