//! The composition root: the only file that knows every part, and puts them together.
//!
//! In order: take over passed sockets, read the configuration, become what it says (limits, user), bind the listeners,
//! leave the terminal, take the pidfile, start the log thread; then one life after another: core,
//! driver, servers, until the supervisor has finished. A restart is the next life of the same
//! process.

mod arguments;
mod hash_password;
mod life;
mod migrate;
mod reload;
mod source;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use clap::Parser;
use nix::errno::Errno;

pub use self::arguments::{Action, Arguments, Whose};
use self::life::Lives;
use self::source::Source;
use crate::config::migrate::Ancestor;
use crate::config::setting::LogLevel;
use crate::config::{self, Loaded};
use crate::ctl;
use crate::http::Bound;
use crate::http::passed::Passed;
use crate::runtime::host::{RealFiles, RealHost};
use crate::runtime::reaper::{Reaper, Signals};
use crate::runtime::startup::{self, Notice, Pidfile, PidfileError};
use crate::runtime::systemd::{Herald, sockets};

/// Exit status of a daemon that could not start.
const CANNOT_START: u8 = 2;

/// Threads for what blocks (log reads, configuration reads): few, and gone after ten idle seconds.
const BLOCKING_THREADS_MAX: usize = 8;

/// Runs `supervisord` with this process's arguments. Returns its exit status.
#[must_use]
pub fn main() -> u8 {
    let arguments = Arguments::parse();
    match &arguments.action {
        Some(Action::Ctl { arguments }) => {
            let called = std::env::args_os().take(1);
            return ctl::main(called.chain(arguments.iter().cloned()), &RealFiles, &RealHost);
        }
        Some(Action::Check { configuration, json }) => return check(configuration, *json),
        Some(Action::Migrate { file, from, json, all }) => {
            let from = from.map(|from| match from {
                Whose::Supervisor => Ancestor::Supervisor,
                Whose::Go => Ancestor::Go,
            });
            let (json, all) = (*json, *all);
            return migrate(&migrate::Request { file: file.as_deref(), from, json, all });
        }
        Some(Action::HashPassword) => return hash_password(),
        None => {}
    }
    if arguments.version {
        return say(&mut io::stdout(), &format!("{}\n", env!("CARGO_PKG_VERSION")), 0);
    }
    match run(arguments) {
        Ok(()) => 0,
        Err(Failure { why, errno }) => {
            Herald::from_environment().failed(&why, errno, CANNOT_START);
            say(&mut io::stderr(), &format!("Error: {why}\n"), CANNOT_START)
        }
    }
}

fn say(to: &mut dyn Write, text: &str, status: u8) -> u8 {
    // Nobody may be listening.
    _ = to.write_all(text.as_bytes());
    status
}

fn check(path: &Path, json: bool) -> u8 {
    let (report, status) = config::render_report(&config::load(path, &RealFiles, &RealHost), json);
    say(&mut io::stdout(), &report, status)
}

fn migrate(request: &migrate::Request<'_>) -> u8 {
    match migrate::migrate(request) {
        Ok((report, status)) => say(&mut io::stdout(), &report, status),
        Err(why) => say(&mut io::stderr(), &format!("Error: {why}\n"), CANNOT_START),
    }
}

fn hash_password() -> u8 {
    match hash_password::hash_password() {
        Ok(hash) => say(&mut io::stdout(), &format!("{hash}\n"), 0),
        Err(why) => say(&mut io::stderr(), &format!("Error: {why}\n"), CANNOT_START),
    }
}

/// Why the daemon does not run, and what the system said, if it was the system.
struct Failure {
    why: String,
    errno: Option<Errno>,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self { why, errno: None }
    }
}

impl Failure {
    fn new(what: &str, why: &io::Error) -> Self {
        let errno = why.raw_os_error().map(Errno::from_raw).or(match why.kind() {
            // A message that was made of it hides the number.
            io::ErrorKind::AddrInUse => Some(Errno::EADDRINUSE),
            io::ErrorKind::AddrNotAvailable => Some(Errno::EADDRNOTAVAIL),
            io::ErrorKind::NotFound => Some(Errno::ENOENT),
            io::ErrorKind::PermissionDenied => Some(Errno::EACCES),
            io::ErrorKind::InvalidInput => Some(Errno::EINVAL),
            _ => None,
        });
        Self { why: format!("{what}{why}"), errno }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let passed = claim_sockets()?;
    let source = Arc::new(Source::find(arguments)?);
    let loaded = source
        .load()
        .map_err(|errors| Failure { why: errors.join("\nError: "), errno: Some(Errno::EINVAL) })?;
    let settings = &loaded.config.daemon;

    startup::settle().map_err(|why| Failure::new("cannot set up the process: ", &why))?;
    let limits = startup::raise_limits(settings.minfds, settings.minprocs)?;
    let mut standing: Vec<Notice> =
        startup::drop_privileges(settings.user.as_ref())?.into_iter().collect();
    standing.extend(limits);
    let bound = Bound::bind(&loaded.config, &passed).map_err(|why| Failure::new("", &why))?;
    let (launcher, left) = startup::daemonize(settings)
        .map_err(|why| Failure::new("cannot go to the background: ", &why))?;
    let mut launcher = Some(launcher);
    let ready = || {
        if let Some(launcher) = launcher.take() {
            launcher.ready();
        }
    };
    let result = live(&source, &passed, loaded, bound, &standing, left, ready);
    if let (Err(failure), Some(launcher)) = (&result, launcher) {
        launcher.failed(&failure.why);
    }
    result
}

/// First of all: later a descriptor of ours could have the number of one that was passed.
fn claim_sockets() -> Result<Arc<Vec<Passed>>, Failure> {
    let claimed = sockets::claim().map_err(|why| Failure::new("", &why))?;
    let passed = claimed.into_iter().map(|(name, fd)| Passed::new(name, fd));
    let passed = passed.collect::<io::Result<_>>().map_err(|why| Failure::new("", &why))?;
    Ok(Arc::new(passed))
}

/// Lives, from the moment the daemon can be found until it has ended.
fn live(
    source: &Arc<Source>,
    passed: &Arc<Vec<Passed>>,
    loaded: Loaded,
    bound: Bound,
    standing: &[Notice],
    left: Vec<Notice>,
    ready: impl FnMut(),
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .map_err(|why| Failure::new("cannot start the event loop: ", &why))?;
    runtime.block_on(async {
        let cannot = |why: io::Error| Failure::new("cannot receive signals: ", &why);
        let hands = (Reaper::new().map_err(cannot)?, Signals::new().map_err(cannot)?);
        // Whoever finds the pidfile may send a signal: from here on SIGTERM is an orderly end.
        let (pidfile, started) = write_pidfile(&loaded.config.daemon.pidfile)?;
        let herald = &Herald::from_environment();
        let lives = Lives { source, passed, herald, standing, started, left };
        let ended = lives.live(loaded, bound, hands, ready).await;
        if let Some(pidfile) = pidfile {
            pidfile.remove();
        }
        Ok(ended?)
    })
}

/// A pidfile that cannot be written is said and done without, as in the reference; one of another
/// daemon that lives is the end.
fn write_pidfile(path: &Path) -> Result<(Option<Pidfile>, Notice), Failure> {
    match Pidfile::write(path) {
        Ok(pidfile) => {
            let line = format!("supervisord started with pid {}", std::process::id());
            Ok((Some(pidfile), Notice::new(LogLevel::Info, line)))
        }
        Err(why @ PidfileError::Locked { .. }) => {
            Err(Failure { why: why.to_string(), errno: Some(Errno::EEXIST) })
        }
        Err(why @ PidfileError::Unwritable { .. }) => {
            Ok((None, Notice::new(LogLevel::Critical, why.to_string())))
        }
    }
}
