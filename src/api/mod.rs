//! The operations, once: what every face (XML-RPC, HTTP, D-Bus, command line) offers.
//!
//! A face builds a request struct of [`operations`] and hands it to [`Api::call`], or hands a
//! method's name and untyped values to [`Api::dispatch`]. Whether an operation may run at this
//! moment is decided in one place, [`Api::admit`].
//!
//! Invariant: reading never waits for the supervision: it is answered from the last snapshot.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::config::Config;
use crate::config::setting::LogLevel;
use crate::logs::LogPlane;
use crate::model::{Error, ErrorKind, Role, Snapshot, SupervisorState, WallTime};
use crate::runtime::handle::CoreHandle;
use crate::runtime::meters::LoopMeters;
use crate::runtime::usage::Meter;
use crate::xmlrpc::Value;
use tokio::sync::watch;

pub mod caller;
pub mod changes;
pub mod daemon;
pub mod describe;
pub mod error;
pub mod log;
pub mod meters;
pub mod operations;
pub mod process;
pub mod report;
pub mod spec;
pub mod system;

pub use crate::core::Reply;
pub use crate::core::event::ProcessStatus;
pub use crate::runtime::usage;
pub use caller::Caller;
pub use meters::OperationMeters;
pub use spec::{Access, Args, Argument, Param, Spec, Type};

/// Something that can be asked of the daemon: a request with its answer.
pub trait Operation: Sized + Send {
    /// What comes back.
    type Reply: Into<Value> + Send;

    /// What it is called and takes, for every face.
    const SPEC: &'static Spec;

    /// Reads the request from untyped values.
    ///
    /// # Errors
    /// `IncorrectParameters` where a value is not of its parameter's type.
    fn decode(args: &mut Args) -> Result<Self, Error>;

    /// Does it.
    fn run(self, api: &Api) -> impl Future<Output = Result<Self::Reply, Error>> + Send;
}

/// An untyped answer on its way.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, Error>> + Send + 'a>>;

/// Reads the configuration file anew; blocks. `Err` holds every error, each with its place.
pub type Reload = Arc<dyn Fn() -> Result<Config, Vec<String>> + Send + Sync>;

/// What of the daemon itself may be asked for.
#[derive(Clone, Debug)]
pub struct DaemonFacts {
    /// Its process id.
    pub pid: u32,
    /// What it is called.
    pub identifier: String,
    /// The configuration file it was started with.
    pub config_file: PathBuf,
    /// When it began, or began anew.
    pub started: WallTime,
}

/// How often the configuration was read anew to be looked at or applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reloads {
    /// So often that was begun.
    pub begun: u64,
    /// So many are under way.
    pub active: u32,
}

/// Every operation's way to the rest of the daemon, for somebody of a role. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
    role: Role,
}

/// What all faces share.
pub struct Shared {
    core: CoreHandle,
    logs: LogPlane,
    facts: Arc<DaemonFacts>,
    reload: Reload,
    reloads: watch::Sender<Reloads>,
    /// The configuration last read, and how many were read before it.
    last_read: Mutex<(u64, Arc<Config>)>,
    meters: OperationMeters,
}

/// What the answers of all operations that only look depend on: the same moment, the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    generation: u64,
    reloads: u64,
    second: i64,
}

impl Api {
    /// An API over a running core and log plane. `config` is what the daemon started with. To be
    /// called by the process that serves, which is the one whose id is told. Whoever asks through it
    /// may do everything: see [`Api::for_role`].
    #[must_use]
    pub fn new(core: CoreHandle, logs: LogPlane, config: Arc<Config>, reload: Reload) -> Self {
        let facts = Arc::new(DaemonFacts {
            pid: std::process::id(),
            identifier: config.daemon.identifier.clone(),
            config_file: config.path.clone(),
            started: wall_clock(),
        });
        let (reloads, _) = watch::channel(Reloads::default());
        let last_read = Mutex::new((0, config));
        let meters = OperationMeters::default();
        let shared = Arc::new(Shared { core, logs, facts, reload, reloads, last_read, meters });
        Self { shared, role: Role::Admin }
    }

    /// The same for somebody of this role.
    #[must_use]
    pub fn for_role(&self, role: Role) -> Self {
        Self { shared: Arc::clone(&self.shared), role }
    }

    /// The role of whoever asks.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Runs an operation.
    ///
    /// # Errors
    /// The operation's own, `AccessDenied` and `ShutdownState`.
    pub async fn call<O: Operation>(&self, operation: O) -> Result<O::Reply, Error> {
        let begun = Instant::now();
        let outcome = async {
            self.admit(O::SPEC)?;
            operation.run(self).await
        };
        let outcome = outcome.await;
        self.meters.count(O::SPEC, begun, outcome.is_ok());
        outcome
    }

    /// Runs the operation of this name, an alias's too, on untyped values.
    ///
    /// # Errors
    /// The operation's own, `UnknownMethod`, `IncorrectParameters`, `AccessDenied`
    /// and `ShutdownState`.
    pub async fn dispatch(&self, method: &str, values: Vec<Value>) -> Result<Value, Error> {
        let entry = operations::find(method).ok_or(ErrorKind::UnknownMethod)?;
        let begun = Instant::now();
        let outcome = (entry.run)(self, values).await;
        self.meters.count(entry.spec, begun, outcome.is_ok());
        outcome
    }

    /// Whether whoever asks may have this operation run, and at this moment: while everything is
    /// being stopped, only those of `system.*` and the sending of events may.
    ///
    /// # Errors
    /// `AccessDenied`, `ShutdownState`.
    pub fn admit(&self, spec: &Spec) -> Result<(), Error> {
        self.allow(spec.access)?;
        let stopping = self.core.snapshot().state < SupervisorState::Running;
        if stopping && !spec.while_stopping() {
            return Err(ErrorKind::ShutdownState.into());
        }
        Ok(())
    }

    /// Whether whoever asks may do things of this kind.
    ///
    /// # Errors
    /// `AccessDenied`, with the role that may.
    pub fn allow(&self, access: Access) -> Result<(), Error> {
        let needed = access.role();
        if self.role < needed {
            let why = format!("{} may not: this needs the role {needed}", self.role);
            return Err(Error::new(ErrorKind::AccessDenied, why));
        }
        Ok(())
    }

    /// What was counted of every operation.
    #[must_use]
    pub fn meters(&self) -> &OperationMeters {
        &self.meters
    }

    /// What the supervision loop counts of itself.
    #[must_use]
    pub fn loop_meters(&self) -> &LoopMeters {
        self.core.meters()
    }

    /// Requests that wait for the supervision loop.
    #[must_use]
    pub fn requests_waiting(&self) -> usize {
        self.core.waiting()
    }

    /// What programs and the node use.
    #[must_use]
    pub fn usage(&self) -> &Arc<Meter> {
        self.core.usage()
    }

    /// Whether the supervision has ended, and nothing more will come of anything.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.core.is_over()
    }

    /// Returns when the supervision loop has come round.
    pub async fn heartbeat(&self) {
        self.core.heartbeat().await;
    }

    /// The present moment, to keep answers by.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment {
            generation: self.core.snapshot().generation,
            reloads: self.last_read().0,
            second: wall_clock().seconds(),
        }
    }

    /// The fleet as it is.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.core.snapshot()
    }

    /// A receiver of its own, to wait for changes of the fleet.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.core.watch()
    }

    /// A receiver of its own, to wait for the configuration to be read anew.
    #[must_use]
    pub fn watch_reloads(&self) -> watch::Receiver<Reloads> {
        self.reloads.subscribe()
    }

    /// What of the daemon itself may be asked for.
    #[must_use]
    pub fn facts(&self) -> &Arc<DaemonFacts> {
        &self.facts
    }

    /// The configuration last read.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.last_read().1
    }

    /// The log plane, for faces that follow a log.
    #[must_use]
    pub fn logs(&self) -> &LogPlane {
        &self.logs
    }

    /// Writes a line to the activity log.
    pub fn log_line(&self, level: LogLevel, line: &str) {
        self.logs.log(level, wall_clock(), line);
    }

    /// Writes a line to the activity log that only `loglevel=trace` shows, made only then.
    pub fn trace(&self, line: impl FnOnce() -> String) {
        if self.logs.level() <= LogLevel::Trace {
            self.log_line(LogLevel::Trace, &line());
        }
    }

    /// The configuration that was read last, whether or not it was applied.
    #[must_use]
    pub fn last_config(&self) -> Arc<Config> {
        self.last_read().1
    }

    fn last_read(&self) -> (u64, Arc<Config>) {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, config: Arc<Config>) {
        let mut last = self.last_read.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (last.0 + 1, config);
    }
}

impl std::ops::Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// The wall clock. Only reports to people depend on it.
#[must_use]
pub fn wall_clock() -> WallTime {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    WallTime(since_epoch.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
pub(crate) mod tests;
