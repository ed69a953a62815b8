//! One life after another: core, driver and servers, from a start to a shutdown or restart.

use std::io;
use std::mem;
use std::path::Path;
use std::sync::Arc;

use super::Source;
use super::reload::{Reloads, reload_on_signal};
use super::source::remarks;
use crate::api::Api;
use crate::config::setting::LogLevel;
use crate::config::{Config, DaemonSettings, Loaded};
use crate::core::{LogNaming, Mood, Supervisor};
use crate::dbus::Dbus;
use crate::http::passed::Passed;
use crate::http::thread::Server;
use crate::http::{self, Bound};
use crate::logs::{ActivitySettings, Console, LogPlane, auto};
use crate::runtime::cgroup::Cgroups;
use crate::runtime::driver::{Driver, wall_clock};
use crate::runtime::reaper::{Reaper, Signals};
use crate::runtime::spawn::{BaseEnvironment, Spawner};
use crate::runtime::startup::{self, Notice};
use crate::runtime::systemd::Herald;

/// What every life has in common.
pub(super) struct Lives<'a> {
    pub source: &'a Arc<Source>,
    /// The sockets of the service manager, which stay the same.
    pub passed: &'a Arc<Vec<Passed>>,
    pub herald: &'a Herald,
    /// What each says.
    pub standing: &'a [Notice],
    /// That it has begun, and as whom.
    pub started: Notice,
    /// How the terminal was left, which only the first one says.
    pub left: Vec<Notice>,
}

impl Lives<'_> {
    /// One life after another, until one ends in a shutdown. `ready` is called when the listeners
    /// answer.
    pub async fn live(
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
            let life = Life { common: &self, config: loaded.config, bound, logs, notices };
            let (mood, reaped, received) = life.live(reaper, signals, &mut ready).await?;
            (reaper, signals) = (reaped, received);
            if mood == Mood::Shutdown {
                return Ok(());
            }
            match self.next() {
                Ok(next) => (loaded, bound) = next,
                Err(errors) => {
                    last_words(activity, &errors).await;
                    return Err(errors.join("\n"));
                }
            }
        }
    }

    fn next(&self) -> Result<(Loaded, Bound), Vec<String>> {
        let loaded = self.source.load()?;
        let bound =
            Bound::bind(&loaded.config, self.passed).map_err(|why| vec![why.to_string()])?;
        Ok((loaded, bound))
    }
}

/// In the foreground the activity log goes to standard output too; also where the daemon stays
/// there because it must.
fn activity_settings(daemon: &DaemonSettings) -> ActivitySettings {
    let mut activity = ActivitySettings::from(daemon);
    if startup::belongs_in_foreground() && !daemon.silent {
        activity.console = Console::standard_output();
    }
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

/// From the start to a shutdown or restart.
struct Life<'a> {
    common: &'a Lives<'a>,
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
        let Self { common, config, bound, logs, notices } = self;
        let Lives { source, passed, herald, .. } = *common;
        let settings = &config.daemon;
        if !settings.nocleanup {
            clear_auto_logs(&settings.childlogdir, &settings.identifier, &logs);
        }
        let base = BaseEnvironment::new(std::env::vars_os(), http::server_url(&config, passed));
        let spawner =
            Spawner::new(base).map_err(|why| format!("cannot prepare to start programs: {why}"))?;
        let (cgroups, remark) = take_over_cgroups(&logs);
        let naming = LogNaming {
            directory: settings.childlogdir.to_string_lossy().into_owned(),
            identifier: settings.identifier.clone(),
            seed: seed(),
            control_group: cgroups.as_ref().map(|all| all.path().to_owned()),
        };
        let reloads =
            Reloads::new().map_err(|why: io::Error| format!("cannot receive signals: {why}"))?;
        let core = Supervisor::new(config.groups.clone(), naming);
        let (rehearsed, reread) = (Arc::clone(source), Arc::clone(source));
        let sockets = Arc::clone(passed);
        let rehearsal = Arc::new(move || {
            let loaded = rehearsed.load()?;
            http::passed::assign(&sockets, &loaded.config).map(drop)
        });
        let (driver, handle) =
            Driver::new(core, logs.clone(), spawner, cgroups, reaper, signals, rehearsal);
        let reload = Arc::new(move || reread.load().map(|loaded| loaded.config));
        let config = Arc::new(config);
        let api = Arc::new(Api::new(handle.clone(), logs.clone(), config.clone(), reload));
        let server = Server::start(bound, api.clone()).await;
        let server = server.map_err(|why| format!("cannot serve the listeners: {why}"))?;
        say_all(&logs, &notices);
        ready();
        let dbus = Dbus::start(&config.dbus, &api);
        let attending = tokio::spawn(herald.clone().attend(handle.clone(), logs.clone(), remark));
        let reloading =
            tokio::spawn(reload_on_signal(reloads, api, handle, herald.clone(), logs.clone()));
        // It runs when the driver first waits, or lets others have their turn.
        let open = server.opener();
        tokio::spawn(async move { open() });
        let ended = driver.run().await;
        reloading.abort();
        // It ends with the driver, and has the last word.
        _ = attending.await;
        dbus.close().await;
        server.close().await;
        logs.shut().await;
        Ok(ended)
    }
}

/// A control group for every program, where one was delegated; else what is to be said of that to
/// people who run this as a service.
fn take_over_cgroups(logs: &LogPlane) -> (Option<Cgroups>, Option<String>) {
    let say = |line: &str| logs.log(LogLevel::Info, wall_clock(), line);
    match Cgroups::take_over() {
        Ok(cgroups) => {
            say(&format!("programs have control groups of their own in {}", cgroups.path()));
            (Some(cgroups), None)
        }
        // Not under systemd, where nobody expects them.
        Err(_) if std::env::var_os("INVOCATION_ID").is_none() => (None, None),
        Err(why) => {
            say(&format!("programs are stopped by process group: {why}"));
            (None, Some(format!("no control groups: {why}")))
        }
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
