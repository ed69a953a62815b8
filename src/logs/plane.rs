//! The handle of the log plane: tells its thread what to do, and waits only where it says so.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::activity::ActivitySettings;
use super::counts::Counts;
use super::follow::Follower;
use super::notices::Notices;
use super::queue::{Attachment, Order, Queue};
use super::worker::Worker;
use super::{LogId, Stream};
use crate::config::ProcessSettings;
use crate::config::setting::LogLevel;
use crate::model::{EventSet, Notice, ProcessFacts, ProcessId, WallTime};

/// How long whoever stopped a program waits at most for its last output to be in its file.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(1);

/// Cheap to clone. Methods never block; the `async` ones wait for the log thread's answer. The
/// thread ends with [`LogPlane::shut`], or when the last handle is gone.
#[derive(Clone)]
pub struct LogPlane {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue>,
    /// A [`LogLevel`], by its place in [`LogLevel::ALL`].
    level: AtomicU8,
    activity_path: Option<Box<Path>>,
    counts: Counts,
    notices: Arc<Notices>,
}

impl LogPlane {
    /// Opens the activity log and starts the thread.
    ///
    /// Call it after daemonizing (threads do not survive a fork) and after the switch to the
    /// daemon's user.
    ///
    /// # Errors
    /// The activity log cannot be opened, or the system has no descriptor or thread left.
    pub fn start(activity: ActivitySettings) -> io::Result<Self> {
        let queue = Arc::new(Queue::new()?);
        let (counts, notices) = (Counts::default(), Arc::new(Notices::default()));
        let shared = Shared {
            counts: counts.clone(),
            notices: notices.clone(),
            queue: queue.clone(),
            level: AtomicU8::new(activity.level as u8),
            activity_path: activity.logfile.as_deref().map(Into::into),
        };
        let worker = Worker::new(queue, activity, counts, notices)?;
        std::thread::Builder::new().name("logs".into()).spawn(move || worker.run())?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Writes a line to the activity log if its level is logged. Lines are dropped and counted
    /// when too many wait for the disk; the count is logged.
    pub fn log(&self, level: LogLevel, wall: WallTime, line: &str) {
        if level >= self.level() {
            self.tell(Order::Line { level, wall, text: line.to_owned() });
        }
    }

    /// The least level that is logged.
    #[must_use]
    pub fn level(&self) -> LogLevel {
        let place = usize::from(self.shared.level.load(Ordering::Relaxed));
        LogLevel::ALL.get(place).copied().unwrap_or(LogLevel::Info)
    }

    /// Sets the least level that is logged, for as long as the log thread lives.
    pub fn set_level(&self, level: LogLevel) {
        self.shared.level.store(level as u8, Ordering::Relaxed);
        self.tell(Order::Level(level));
    }

    /// Where the activity log is; `None` if there is none.
    #[must_use]
    pub fn activity_path(&self) -> Option<&Path> {
        self.shared.activity_path.as_deref()
    }

    /// What was counted of every stream.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Activity lines that were dropped because too many waited for the disk.
    #[must_use]
    pub fn lines_dropped(&self) -> u64 {
        self.shared.queue.lines_dropped()
    }

    /// Orders and activity lines that wait for the log thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.queue.len()
    }

    /// A process joined the fleet: its AUTO logs are created, so that they can be read before its
    /// first start. Configured files are created at the first start, as in the reference.
    pub fn prepare(
        &self,
        process: &ProcessId,
        settings: &Arc<ProcessSettings>,
        facts: &Arc<ProcessFacts>,
    ) {
        self.tell(Order::Prepare {
            process: process.clone(),
            settings: settings.clone(),
            facts: facts.clone(),
        });
    }

    /// Takes the reading end of the pipe of this child and logs what comes out of it until end of file.
    pub fn attach(
        &self,
        process: &ProcessId,
        pid: i32,
        stream: Stream,
        pipe: OwnedFd,
        settings: &Arc<ProcessSettings>,
        facts: &Arc<ProcessFacts>,
    ) {
        self.tell(Order::Attach(Attachment {
            process: process.clone(),
            pid,
            stream,
            pipe,
            settings: settings.clone(),
            facts: facts.clone(),
        }));
    }

    /// An event listener's child was started, whose output the caller reads and hands on.
    pub fn open_feed(
        &self,
        process: &ProcessId,
        pid: i32,
        settings: &Arc<ProcessSettings>,
        facts: &Arc<ProcessFacts>,
    ) {
        self.tell(Order::Feed {
            process: process.clone(),
            pid,
            settings: settings.clone(),
            facts: facts.clone(),
        });
    }

    /// An event listener has printed this. What is too much for the disk is dropped and counted.
    pub fn feed(&self, process: &ProcessId, bytes: Vec<u8>) {
        let count = bytes.len() as u64;
        if !self.shared.queue.push(Order::Fed { process: process.clone(), bytes }) {
            self.shared.counts.join(process).of(Stream::Stdout).wrote(count, 0);
        }
    }

    /// From now on these events are wanted.
    pub fn subscribe(&self, wanted: EventSet) {
        self.shared.notices.want(wanted);
    }

    /// Waits for the next event that programs' output is. Can be cancelled.
    pub async fn told(&self) -> Notice {
        self.shared.notices.next().await
    }

    /// Events of programs' output that were dropped since this was last asked, because the
    /// supervisor was too slow for them.
    #[must_use]
    pub fn take_notices_dropped(&self) -> u64 {
        self.shared.notices.take_dropped()
    }

    /// The child was waited for: what its pipes hold is taken at once. A pipe that a grandchild
    /// keeps open is read on, and delays nothing.
    pub fn ended(&self, process: &ProcessId) {
        self.tell(Order::Ended(process.clone()));
    }

    /// The process left the fleet.
    pub fn forget(&self, process: &ProcessId) {
        self.tell(Order::Forget(process.clone()));
    }

    /// Opens every log anew: for `SIGUSR2`, after somebody rotated them.
    pub fn reopen(&self) {
        self.tell(Order::Reopen);
    }

    /// Returns when everything written to the log's pipe (or logged) before this call is in its
    /// file.
    pub async fn sync(&self, which: LogId) {
        self.ask(|reply| Order::Sync { which, reply }).await;
    }

    /// Returns when the last output of every child that was told [`LogPlane::ended`] before, and
    /// what was logged before, is in its file. A disk that does not answer holds nobody up for
    /// longer than [`SETTLE_TIME_MAX`].
    pub async fn settled(&self) {
        let settled = self.ask(|reply| Order::Settle { reply });
        let _ = tokio::time::timeout(SETTLE_TIME_MAX, settled).await;
    }

    /// Empties a log. Rotated files are left alone; a log that has no file is a success.
    ///
    /// # Errors
    /// The file cannot be opened or truncated, or the log thread has ended.
    pub async fn clear(&self, which: LogId) -> io::Result<()> {
        let gone = || Err(io::Error::other("cannot clear a log: the log thread has ended"));
        self.ask(|reply| Order::Clear { which, reply }).await.unwrap_or_else(gone)
    }

    /// A live view of a log from its last 1,024 bytes on; `None` if it is kept in no file.
    pub async fn follow(&self, which: LogId) -> Option<Follower> {
        let subscription = self.ask(|reply| Order::Follow { which, reply }).await??;
        Some(Follower::new(subscription))
    }

    /// Takes what the pipes hold, writes what waits, and ends the thread. What is logged later is
    /// lost.
    pub async fn shut(&self) {
        self.ask(|reply| Order::Shut { reply: Some(reply) }).await;
    }

    fn tell(&self, order: Order) {
        self.shared.queue.push(order);
    }

    /// `None` if the thread has ended.
    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.tell(order(reply));
        answer.await.ok()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.push(Order::Shut { reply: None });
    }
}

impl fmt::Debug for LogPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogPlane")
            .field("activity", &self.shared.activity_path)
            .finish_non_exhaustive()
    }
}
