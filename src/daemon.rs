//! The composition root: the only file that knows every part, and puts them together.
//!
//! In order: read the configuration, become what it says (limits, user), bind the listeners,
//! leave the terminal, take the pidfile, start the log thread; then one life after another: core,
//! driver, servers, until the supervisor has finished. A restart is the next life of the same
//! process.

mod arguments;
mod source;

use std::io::{self, Write};
use std::mem;
use std::path::Path;
use std::sync::Arc;

pub use self::arguments::{Action, Arguments};
use self::source::{Source, remarks};
use crate::api::Api;
use crate::config::setting::LogLevel;
use crate::config::{self, Config, DaemonSettings, Loaded};
use crate::core::{LogNaming, Mood, Supervisor};
use crate::ctl;
use crate::dbus::Dbus;
use crate::http::Bound;
use crate::logs::{ActivitySettings, LogPlane, auto};
use crate::runtime::driver::{Driver, wall_clock};
use crate::runtime::host::{RealFiles, RealHost};
use crate::runtime::reaper::{Reaper, Signals};
use crate::runtime::spawn::{BaseEnvironment, Spawner};
use crate::runtime::startup::{self, Notice, Pidfile, PidfileError};
use clap::Parser;

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
        None => {}
    }
    if arguments.version {
        return say(&mut io::stdout(), &format!("{}\n", env!("CARGO_PKG_VERSION")), 0);
    }
    match run(arguments) {
        Ok(()) => 0,
        Err(why) => say(&mut io::stderr(), &format!("Error: {why}\n"), CANNOT_START),
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

fn run(arguments: Arguments) -> Result<(), String> {
    let source = Arc::new(Source::find(arguments)?);
    let loaded = source.load().map_err(|errors| errors.join("\nError: "))?;
    let settings = &loaded.config.daemon;

    startup::settle().map_err(|why| format!("cannot set up the process: {why}"))?;
    let limits = startup::raise_limits(settings.minfds, settings.minprocs)?;
    let mut standing: Vec<Notice> =
        startup::drop_privileges(settings.user.as_ref())?.into_iter().collect();
    standing.extend(limits);
    let bound = Bound::bind(&loaded.config).map_err(|why| why.to_string())?;
    let (launcher, left) = startup::daemonize(settings)
        .map_err(|why| format!("cannot go to the background: {why}"))?;
    let mut launcher = Some(launcher);
    let result = live(&source, loaded, bound, &standing, left, || {
        if let Some(launcher) = launcher.take() {
            launcher.ready();
        }
    });
    if let (Err(why), Some(launcher)) = (&result, launcher) {
        launcher.failed(why);
    }
    result
}

/// Lives, from the moment the daemon can be found until it has ended.
fn live(
    source: &Arc<Source>,
    loaded: Loaded,
    bound: Bound,
    standing: &[Notice],
    left: Vec<Notice>,
    ready: impl FnMut(),
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .map_err(|why| format!("cannot start the event loop: {why}"))?;
    runtime.block_on(async {
        let cannot = |why: io::Error| format!("cannot receive signals: {why}");
        let hands = (Reaper::new().map_err(cannot)?, Signals::new().map_err(cannot)?);
        // Whoever finds the pidfile may send a signal: from here on SIGTERM is an orderly end.
        let (pidfile, started) = write_pidfile(&loaded.config.daemon.pidfile)?;
        let lives = Lives { source, standing, started, left };
        let ended = lives.live(loaded, bound, hands, ready).await;
        if let Some(pidfile) = pidfile {
            pidfile.remove();
        }
        ended
    })
}

/// What one life after another has in common.
struct Lives<'a> {
    source: &'a Arc<Source>,
    /// What each says.
    standing: &'a [Notice],
    /// That it has begun, and as whom.
    started: Notice,
    /// How the terminal was left, which only the first one says.
    left: Vec<Notice>,
}

impl Lives<'_> {
    /// One life after another, until one ends in a shutdown.
    async fn live(
        mut self,
        mut loaded: Loaded,
        mut bound: Bound,
        (mut reaper, mut signals): (Reaper, Signals),
        mut ready: impl FnMut(),
    ) -> Result<(), String> {
        loop {
            let activity = activity_settings(&loaded.config.daemon);
            let logs = LogPlane::start(activity.clone())
                .map_err(|why| format!("cannot start the log thread: {why}"))?;
            say_all(&logs, self.standing);
            say_all(&logs, &remarks(&loaded));
            let mut notices = mem::take(&mut self.left);
            notices.push(self.started.clone());
            let life = Life { source: self.source, config: loaded.config, bound, logs, notices };
            let (mood, reaped, received) = life.live(reaper, signals, &mut ready).await?;
            (reaper, signals) = (reaped, received);
            if mood == Mood::Shutdown {
                return Ok(());
            }
            let next = self.source.load().and_then(|loaded| {
                let bound = Bound::bind(&loaded.config).map_err(|why| vec![why.to_string()])?;
                Ok((loaded, bound))
            });
            match next {
                Ok(next) => (loaded, bound) = next,
                Err(errors) => {
                    last_words(activity, &errors).await;
                    return Err(errors.join("\n"));
                }
            }
        }
    }
}

/// In the foreground the activity log goes to standard output too; also where the daemon stays
/// there because it must.
fn activity_settings(daemon: &DaemonSettings) -> ActivitySettings {
    let mut activity = ActivitySettings::from(daemon);
    activity.console |= startup::belongs_in_foreground() && !daemon.silent;
    activity
}

fn say_all(logs: &LogPlane, notices: &[Notice]) {
    for notice in notices {
        logs.log(notice.level, wall_clock(), &notice.line);
    }
}

/// Why there is no next life, in the log of the last one.
async fn last_words(activity: ActivitySettings, errors: &[String]) {
    if let Ok(logs) = LogPlane::start(activity) {
        for error in errors {
            logs.log(LogLevel::Critical, wall_clock(), error);
        }
        logs.shut().await;
    }
}

/// A pidfile that cannot be written is said and done without, as in the reference; one of another
/// daemon that lives is the end.
fn write_pidfile(path: &Path) -> Result<(Option<Pidfile>, Notice), String> {
    match Pidfile::write(path) {
        Ok(pidfile) => {
            let line = format!("supervisord started with pid {}", std::process::id());
            Ok((Some(pidfile), Notice::new(LogLevel::Info, line)))
        }
        Err(why @ PidfileError::Locked { .. }) => Err(why.to_string()),
        Err(why @ PidfileError::Unwritable { .. }) => {
            Ok((None, Notice::new(LogLevel::Critical, why.to_string())))
        }
    }
}

/// From the start to a shutdown or restart.
struct Life<'a> {
    source: &'a Arc<Source>,
    config: Config,
    bound: Bound,
    logs: LogPlane,
    /// To be said once the listeners answer.
    notices: Vec<Notice>,
}

impl Life<'_> {
    async fn live(
        self,
        reaper: Reaper,
        signals: Signals,
        ready: &mut impl FnMut(),
    ) -> Result<(Mood, Reaper, Signals), String> {
        let Self { source, config, bound, logs, notices } = self;
        let settings = &config.daemon;
        if !settings.nocleanup {
            clear_auto_logs(&settings.childlogdir, &settings.identifier, &logs);
        }
        let base = BaseEnvironment::new(std::env::vars_os(), config.server_url());
        let spawner =
            Spawner::new(base).map_err(|why| format!("cannot prepare to start programs: {why}"))?;
        let naming = LogNaming {
            directory: settings.childlogdir.to_string_lossy().into_owned(),
            identifier: settings.identifier.clone(),
            seed: seed(),
        };
        let core = Supervisor::new(config.groups.clone(), naming);
        let (rehearsed, reread) = (Arc::clone(source), Arc::clone(source));
        let rehearsal = Arc::new(move || rehearsed.load().map(drop));
        let (driver, handle) = Driver::new(core, logs.clone(), spawner, reaper, signals, rehearsal);
        let reload = Arc::new(move || reread.load().map(|loaded| loaded.config));
        let config = Arc::new(config);
        let api = Arc::new(Api::new(handle, logs.clone(), config.clone(), reload));
        let servers =
            bound.serve(&api).map_err(|why| format!("cannot serve the listeners: {why}"))?;
        say_all(&logs, &notices);
        ready();
        let dbus = Dbus::start(&config.dbus, &api);
        let ended = driver.run().await;
        dbus.close().await;
        servers.close().await;
        logs.shut().await;
        Ok(ended)
    }
}

fn clear_auto_logs(directory: &Path, identifier: &str, logs: &LogPlane) {
    let warn = |line: &str| logs.log(LogLevel::Warn, wall_clock(), line);
    match auto::clear_auto_logs(directory, identifier) {
        Ok(failed) => {
            for (path, why) in failed {
                warn(&format!("Failed to clean up '{}': {why}", path.display()));
            }
        }
        Err(_) => warn("Could not clear childlog dir"),
    }
}

/// Keeps the names of this daemon's AUTO logs apart from those of others.
fn seed() -> u64 {
    let wall = wall_clock().0.unsigned_abs();
    wall ^ (u64::from(std::process::id()) << 40)
}
