//! The composition root: the only file that knows every part, and puts them together.
//!
//! In order: read the configuration, become what it says (limits, user), bind the listeners,
//! leave the terminal, take the pidfile, start the log thread; then one life after another: core,
//! driver, servers, until the supervisor has finished. A restart is the next life of the same
//! process.

mod arguments;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use nix::unistd::getuid;

pub use self::arguments::{Action, Arguments};
use crate::api::Api;
use crate::config::setting::LogLevel;
use crate::config::{self, Config, ConfigError, Host, Loaded, Severity};
use crate::core::{LogNaming, Mood, Supervisor};
use crate::ctl;
use crate::http::Bound;
use crate::logs::{ActivitySettings, LogPlane, auto};
use crate::runtime::driver::{Driver, wall_clock};
use crate::runtime::host::{RealFiles, RealHost};
use crate::runtime::reaper::{Reaper, Signals};
use crate::runtime::spawn::{BaseEnvironment, Spawner};
use crate::runtime::startup::{self, Notice, Pidfile, PidfileError};

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
    let mut notices = Vec::new();
    let source = Arc::new(Source::find(arguments, &mut notices)?);
    let loaded = source.load().map_err(|errors| errors.join("\nError: "))?;
    notices.extend(remarks(&loaded));
    let settings = &loaded.config.daemon;

    startup::settle().map_err(|why| format!("cannot set up the process: {why}"))?;
    notices.extend(startup::raise_limits(settings.minfds, settings.minprocs)?);
    notices.extend(startup::drop_privileges(settings.user.as_ref())?);
    let bound = Bound::bind(&loaded.config).map_err(|why| why.to_string())?;
    let (launcher, said) = startup::daemonize(settings)
        .map_err(|why| format!("cannot go to the background: {why}"))?;
    notices.extend(said);
    let mut launcher = Some(launcher);
    let result = live(&source, loaded.config, bound, notices, || {
        if let Some(launcher) = launcher.take() {
            launcher.ready();
        }
    });
    if let (Err(why), Some(launcher)) = (&result, launcher) {
        launcher.failed(why);
    }
    result
}

/// One life after another, until one ends in a shutdown.
fn live(
    source: &Arc<Source>,
    config: Config,
    bound: Bound,
    notices: Vec<Notice>,
    mut ready: impl FnMut(),
) -> Result<(), String> {
    let (pidfile, started) = write_pidfile(&config.daemon.pidfile)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .map_err(|why| format!("cannot start the event loop: {why}"))?;
    let ended = runtime.block_on(async {
        let cannot = |why: io::Error| format!("cannot receive signals: {why}");
        let mut reaper = Reaper::new().map_err(cannot)?;
        let mut signals = Signals::new().map_err(cannot)?;
        let (mut config, mut bound) = (config, bound);
        let mut notices = notices;
        loop {
            let life = Life { source, config, bound, notices, started: &started };
            let (mood, reaped, received) = life.live(reaper, signals, &mut ready).await?;
            (reaper, signals) = (reaped, received);
            if mood == Mood::Shutdown {
                return Ok(());
            }
            let loaded = source.load().map_err(|errors| errors.join("\n"))?;
            notices = remarks(&loaded);
            config = loaded.config;
            bound = Bound::bind(&config).map_err(|why| why.to_string())?;
        }
    });
    if let Some(pidfile) = pidfile {
        pidfile.remove();
    }
    ended
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
    notices: Vec<Notice>,
    /// What came of the pidfile.
    started: &'a Notice,
}

impl Life<'_> {
    async fn live(
        self,
        reaper: Reaper,
        signals: Signals,
        ready: &mut impl FnMut(),
    ) -> Result<(Mood, Reaper, Signals), String> {
        let settings = &self.config.daemon;
        let logs = LogPlane::start(ActivitySettings::from(settings))
            .map_err(|why| format!("cannot start the log thread: {why}"))?;
        for notice in &self.notices {
            logs.log(notice.level, wall_clock(), &notice.line);
        }
        if !settings.nocleanup {
            clear_auto_logs(&settings.childlogdir, &settings.identifier, &logs);
        }
        let base = BaseEnvironment::new(std::env::vars_os(), self.config.server_url());
        let spawner =
            Spawner::new(base).map_err(|why| format!("cannot prepare to start programs: {why}"))?;
        let naming = LogNaming {
            directory: settings.childlogdir.to_string_lossy().into_owned(),
            identifier: settings.identifier.clone(),
            seed: seed(),
        };
        let core = Supervisor::new(self.config.groups.clone(), naming);
        let source = Arc::clone(self.source);
        let rehearsal = Arc::new(move || source.load().map(drop));
        let (driver, handle) = Driver::new(core, logs.clone(), spawner, reaper, signals, rehearsal);
        let source = Arc::clone(self.source);
        let reload = Arc::new(move || source.load().map(|loaded| loaded.config));
        let api = Arc::new(Api::new(handle, logs.clone(), Arc::new(self.config), reload));
        let servers =
            self.bound.serve(&api).map_err(|why| format!("cannot serve the listeners: {why}"))?;
        driver.log(self.started.level, &self.started.line);
        ready();
        let ended = driver.run().await;
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

/// Where the configuration comes from, now and after every reload.
struct Source {
    path: PathBuf,
    arguments: Arguments,
}

impl Source {
    /// The file named on the command line, or the first of the usual ones that is there.
    fn find(arguments: Arguments, notices: &mut Vec<Notice>) -> Result<Self, String> {
        let cwd = RealHost.cwd();
        if let Some(path) = &arguments.configuration {
            return Ok(Self { path: cwd.join(path), arguments });
        }
        let paths =
            config::search_paths(Path::new(&std::env::args_os().next().unwrap_or_default()));
        if getuid().is_root() {
            notices.push(Notice::new(
                LogLevel::Warn,
                "Supervisord is running as root and it is searching for its configuration file \
                 in default locations (including its current working directory); you probably \
                 want to specify a \"-c\" argument specifying an absolute path to a \
                 configuration file for improved security.",
            ));
        }
        match paths.iter().find(|path| path.exists()) {
            Some(path) => Ok(Self { path: cwd.join(path), arguments }),
            None => {
                let tried: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                Err(format!(
                    "No config file found at default paths ({}); use the -c option to specify a \
                     config file at a different path",
                    tried.join(", ")
                ))
            }
        }
    }

    /// Reads the file and lays the command line over it. Each error names its place.
    fn load(&self) -> Result<Loaded, Vec<String>> {
        let texts = |errors: Vec<ConfigError>| -> Vec<String> {
            let errors = errors.iter().filter(|problem| problem.severity == Severity::Error);
            errors.map(ToString::to_string).collect()
        };
        let mut loaded = config::load(&self.path, &RealFiles, &RealHost).map_err(texts)?;
        self.arguments
            .override_settings(&mut loaded.config.daemon, &RealHost)
            .map_err(|why| vec![why])?;
        Ok(loaded)
    }
}

/// What is to be said about a configuration that can be used.
fn remarks(loaded: &Loaded) -> Vec<Notice> {
    let included = loaded.included.iter().map(|path| {
        let line = format!("Included extra file \"{}\" during parsing", path.display());
        Notice::new(LogLevel::Info, line)
    });
    let warnings =
        loaded.warnings.iter().map(|warning| Notice::new(LogLevel::Warn, warning.to_string()));
    included.chain(warnings).collect()
}
