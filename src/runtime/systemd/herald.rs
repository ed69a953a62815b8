//! Tells the service manager how things stand (sd_notify(3)): readiness, reloads, the end, the
//! state of the fleet in words, and that the supervision is alive.
//!
//! Signs of life come from the driver's own loop, so one that is stuck is seen. What is said is
//! said by a thread that may wait: a service manager that does not read holds up nobody.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::status::sentence;
use crate::config::setting::LogLevel;
use crate::logs::LogPlane;
use crate::model::{Snapshot, SupervisorState};
use crate::runtime::driver::wall_clock;
use crate::runtime::handle::CoreHandle;

/// The state of the fleet is told this often at most: each time it is looked at as a whole.
const STATUS_EVERY: Duration = Duration::from_millis(250);

/// How often more time is asked for while programs take theirs to stop.
const EXTEND_EVERY: Duration = Duration::from_secs(5);

/// How much time is asked for: a few of the above, as this process may be kept waiting too.
const EXTEND_BY: Duration = Duration::from_secs(20);

/// The one who speaks to the service manager; mute without one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Herald {
    /// Whether somebody listens (`NOTIFY_SOCKET`).
    heard: bool,
    /// How often the service manager wants a sign of life (`WATCHDOG_USEC`).
    watchdog: Option<Duration>,
    /// Whether it was said that nothing can be said.
    complained: Arc<AtomicBool>,
}

/// Two signs of life are sent in the time in which one is due, as sd_watchdog_enabled(3) advises.
const SIGNS_IN_TIME: u32 = 2;

impl Herald {
    /// As this process's environment has it.
    #[must_use]
    pub fn from_environment() -> Self {
        let heard = std::env::var_os("NOTIFY_SOCKET").is_some_and(|path| !path.is_empty());
        let watchdog = sd_notify::watchdog_enabled().filter(|every| heard && !every.is_zero());
        Self { heard, watchdog, complained: Arc::default() }
    }

    /// Attends one life of the supervisor: to be called when the listeners answer, which it tells
    /// first of all. Ends with the driver. The `remark` goes with every status.
    pub async fn attend(self, core: CoreHandle, logs: LogPlane, remark: Option<String>) {
        if !self.heard {
            return;
        }
        let mut snapshots = core.watch();
        let remark = remark.map(|text| format!("; {}", one_line(&text))).unwrap_or_default();
        let mut told = sentence(&snapshots.borrow_and_update()) + &remark;
        let pid = NotifyState::MainPid(std::process::id());
        self.say(&[pid, NotifyState::Ready, NotifyState::Status(&told)], &logs).await;
        let mut pulse = Pulse::new(self.watchdog);
        let mut may_tell_at = Instant::now() + STATUS_EVERY;
        loop {
            let changed = tokio::select! {
                changed = snapshots.changed() => changed,
                () = pulse.due() => {
                    core.heartbeat().await;
                    self.say(&[NotifyState::Watchdog], &logs).await;
                    continue;
                }
            };
            let state = snapshots.borrow().state;
            if changed.is_err() || state < SupervisorState::Running {
                break;
            }
            // What changes in quick succession is told once.
            tokio::select! {
                () = sleep_until(may_tell_at) => {}
                () = ending(&mut snapshots) => break,
            }
            may_tell_at = Instant::now() + STATUS_EVERY;
            let text = sentence(&snapshots.borrow_and_update()) + &remark;
            if text != told {
                self.say(&[NotifyState::Status(&text)], &logs).await;
                told = text;
            }
        }
        self.attend_end(&core, &mut snapshots, &mut pulse, &logs).await;
    }

    /// Everything is being stopped: says so, and asks for time while that is under way.
    async fn attend_end(
        &self,
        core: &CoreHandle,
        snapshots: &mut watch::Receiver<Arc<Snapshot>>,
        pulse: &mut Pulse,
        logs: &LogPlane,
    ) {
        let mut told = sentence(&snapshots.borrow_and_update());
        let about = if snapshots.borrow().state == SupervisorState::Restarting {
            reloading()
        } else {
            vec![NotifyState::Stopping]
        };
        let mut states = about;
        states.extend([NotifyState::Status(&told), more_time()]);
        self.say(&states, logs).await;
        let mut extend_at = Instant::now() + EXTEND_EVERY;
        loop {
            let may_tell_at = Instant::now() + STATUS_EVERY;
            tokio::select! {
                changed = snapshots.changed() => if changed.is_err() {
                    return;
                },
                () = pulse.due() => {
                    core.heartbeat().await;
                    self.say(&[NotifyState::Watchdog], logs).await;
                    continue;
                }
                () = sleep_until(extend_at) => {
                    // Time is asked for in the name of the supervision, not of this task.
                    core.heartbeat().await;
                    self.say(&[NotifyState::Status(&told), more_time()], logs).await;
                    extend_at = Instant::now() + EXTEND_EVERY;
                    continue;
                }
            }
            let snapshot = snapshots.borrow_and_update().clone();
            let text = sentence(&snapshot);
            if text != told {
                self.say(&[NotifyState::Status(&text)], logs).await;
                told = text;
            }
            tokio::select! {
                () = sleep_until(may_tell_at) => {}
                () = gone(snapshots) => return,
            }
            if snapshots.borrow().generation != snapshot.generation {
                snapshots.mark_changed();
            }
        }
    }

    /// The configuration is being read anew; [`Self::reloaded`] must follow.
    pub async fn reloading(&self, logs: &LogPlane) {
        self.say(&reloading(), logs).await;
    }

    /// A reload is over; with why nothing came of it, if nothing did.
    pub async fn reloaded(&self, core: &CoreHandle, failure: Option<&str>, logs: &LogPlane) {
        let state = sentence(&core.snapshot());
        let text = match failure {
            Some(why) => format!("{state}; the last reload failed: {}", one_line(why)),
            None => state,
        };
        self.say(&[NotifyState::Ready, NotifyState::Status(&text)], logs).await;
    }

    /// The daemon cannot start, or cannot go on. Waits until it is said.
    pub fn failed(&self, why: &str, errno: Option<Errno>, exit_status: u8) {
        if !self.heard {
            return;
        }
        let (why, status) = (one_line(why), format!("EXIT_STATUS={exit_status}"));
        let mut states = vec![NotifyState::Status(&why)];
        states.extend(errno.map(|errno| NotifyState::Errno((errno as i32).unsigned_abs())));
        states.push(NotifyState::Custom(&status));
        // The daemon ends, and its exit status says the same.
        _ = sd_notify::notify(&states);
    }

    async fn say(&self, states: &[NotifyState<'_>], logs: &LogPlane) {
        if !self.heard {
            return;
        }
        let text: String = states.iter().map(|state| format!("{state}\n")).collect();
        let said = tokio::task::spawn_blocking(move || {
            sd_notify::notify(&[NotifyState::Custom(text.trim_end())])
        });
        let outcome = said.await.unwrap_or_else(|why| Err(io::Error::other(why)));
        if let Err(why) = outcome
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            let line = format!("cannot tell the service manager (NOTIFY_SOCKET) anything: {why}");
            logs.log(LogLevel::Warn, wall_clock(), &line);
        }
    }
}

fn more_time() -> NotifyState<'static> {
    NotifyState::ExtendTimeoutUsec(micros(EXTEND_BY))
}

/// Since systemd 253 a reload must say when it began, in the same datagram.
fn reloading() -> Vec<NotifyState<'static>> {
    let now = NotifyState::monotonic_usec_now();
    [NotifyState::Reloading].into_iter().chain(now).collect()
}

/// A line feed would begin another assignment.
fn one_line(text: &str) -> String {
    text.split_terminator('\n').collect::<Vec<_>>().join("; ")
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

async fn ending(snapshots: &mut watch::Receiver<Arc<Snapshot>>) {
    // An error means that the driver is gone.
    _ = snapshots.wait_for(|snapshot| snapshot.state < SupervisorState::Running).await;
}

/// Returns when the driver is gone. What changes until then is taken for seen.
async fn gone(snapshots: &mut watch::Receiver<Arc<Snapshot>>) {
    while snapshots.changed().await.is_ok() {}
}

/// When the next sign of life is due.
struct Pulse {
    every: Option<Duration>,
    next: Instant,
}

impl Pulse {
    fn new(watchdog: Option<Duration>) -> Self {
        let every = watchdog.map(|watchdog| watchdog / SIGNS_IN_TIME);
        Self { every, next: Instant::now() + every.unwrap_or_default() }
    }

    /// Returns when it is; never without a watchdog.
    async fn due(&mut self) {
        match self.every {
            Some(every) => {
                sleep_until(self.next).await;
                self.next = Instant::now() + every;
            }
            None => std::future::pending().await,
        }
    }
}
