//! Operations on the daemon itself and its configuration.

use std::borrow::Cow;
use std::sync::Arc;

use super::Api;
use super::operations::{
    AddProcessGroup, GetAllConfigInfo, GetApiVersion, GetIdentification, GetPid, GetState,
    GetSupervisorVersion, ReloadConfig, RemoveProcessGroup, Restart, SendRemoteCommEvent, Shutdown,
    Update,
};
use super::process::structure;
use super::spec::Text;
use crate::config::setting::LogTarget;
use crate::config::{Config, GroupSettings, ProcessSettings};
use crate::core::{Command, Reply};
use crate::model::{Error, ErrorKind, Notice, ProcessId, Snapshot, SupervisorState};
use crate::xmlrpc::Value;

/// The version of the interface: what Supervisor's own client insists on.
pub const API_VERSION: &str = "3.0";
/// The version of Supervisor that clients may take this daemon for. They use it to learn what
/// they can ask, so it is the reference's and not this package's own.
pub const SUPERVISOR_VERSION: &str = "4.3.0";

/// The daemon's own state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State(pub SupervisorState);

/// The settings of every process of a configuration, and the fleet they are compared with.
pub struct ConfigReport {
    config: Arc<Config>,
    snapshot: Arc<Snapshot>,
}

/// `supervisor.getAPIVersion`
pub async fn api_version(_: &Api, _: GetApiVersion) -> Result<String, Error> {
    Ok(API_VERSION.to_owned())
}

/// `supervisor.getSupervisorVersion`
pub async fn supervisor_version(_: &Api, _: GetSupervisorVersion) -> Result<String, Error> {
    Ok(SUPERVISOR_VERSION.to_owned())
}

/// `supervisor.getIdentification`
pub async fn identification(api: &Api, _: GetIdentification) -> Result<String, Error> {
    Ok(api.facts.identifier.clone())
}

/// `supervisor.getState`
pub async fn state(api: &Api, _: GetState) -> Result<State, Error> {
    Ok(State(api.snapshot().state))
}

/// `supervisor.getPID`
pub async fn pid(api: &Api, _: GetPid) -> Result<i64, Error> {
    Ok(api.facts.pid.into())
}

/// `supervisor.shutdown`
pub async fn shutdown(api: &Api, _: Shutdown) -> Result<Reply, Error> {
    api.core.command(Command::Shutdown).await
}

/// `supervisor.restart`. With a configuration that has errors everything would be stopped for
/// nothing: `CantReread`, and it runs on.
pub async fn restart(api: &Api, _: Restart) -> Result<Reply, Error> {
    read(api).await?;
    api.core.command(Command::RestartDaemon).await
}

/// `supervisor.reloadConfig`
pub async fn reload_config(api: &Api, _: ReloadConfig) -> Result<Reply, Error> {
    let _reloading = Reloading::begin(api);
    let groups = reload(api).await?;
    api.core.command(Command::Reread { groups }).await
}

/// `supervisor.update`
pub async fn update(api: &Api, _: Update) -> Result<Reply, Error> {
    let _reloading = Reloading::begin(api);
    let groups = reload(api).await?;
    api.core.command(Command::Update { groups }).await
}

/// `supervisor.addProcessGroup`
pub async fn add_group(api: &Api, request: AddProcessGroup) -> Result<Reply, Error> {
    api.core.command(Command::AddGroup { group: request.name.0.into() }).await
}

/// `supervisor.removeProcessGroup`
pub async fn remove_group(api: &Api, request: RemoveProcessGroup) -> Result<Reply, Error> {
    api.core.command(Command::RemoveGroup { group: request.name.0.into() }).await
}

/// `supervisor.sendRemoteCommEvent`
pub async fn send_event(api: &Api, request: SendRemoteCommEvent) -> Result<bool, Error> {
    let SendRemoteCommEvent { kind: Text(kind), data: Text(data) } = request;
    let notice = Notice::remote(&kind, &data);
    api.core.command(Command::SendEvent { notice }).await.map(|_| true)
}

/// `supervisor.getAllConfigInfo`
pub async fn all_config_info(api: &Api, _: GetAllConfigInfo) -> Result<ConfigReport, Error> {
    Ok(ConfigReport { config: api.last_read().1, snapshot: api.snapshot() })
}

/// The configuration is being read anew, and applied, as long as this lives.
struct Reloading<'a>(&'a Api);

impl<'a> Reloading<'a> {
    fn begin(api: &'a Api) -> Self {
        api.reloads.send_modify(|reloads| {
            reloads.begun += 1;
            reloads.active += 1;
        });
        Self(api)
    }
}

impl Drop for Reloading<'_> {
    fn drop(&mut self) {
        self.0.reloads.send_modify(|reloads| reloads.active -= 1);
    }
}

/// Reads the file on a thread of its own, so that a slow disk stalls nobody else. A file with
/// errors changes nothing.
async fn reload(api: &Api) -> Result<Vec<Arc<GroupSettings>>, Error> {
    let config = read(api).await?;
    api.remember(config.clone());
    Ok(config.groups.clone())
}

/// Reads the configuration file on a thread that may block.
async fn read(api: &Api) -> Result<Arc<Config>, Error> {
    let reload = api.reload.clone();
    let loaded = tokio::task::spawn_blocking(move || reload()).await;
    let loaded = loaded.map_err(|panic| Error::new(ErrorKind::Failed, panic.to_string()))?;
    loaded.map(Arc::new).map_err(|errors| Error::new(ErrorKind::CantReread, errors.join("\n")))
}

impl From<State> for Value {
    fn from(State(state): State) -> Self {
        structure([("statecode", state.number().into()), ("statename", state.name().into())])
    }
}

impl From<ConfigReport> for Value {
    fn from(ConfigReport { config, snapshot }: ConfigReport) -> Self {
        let groups = config.groups.iter();
        let mut processes: Vec<(&GroupSettings, &ProcessSettings)> = groups
            .flat_map(|group| group.processes.iter().map(move |process| (&**group, &**process)))
            .collect();
        processes.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        Self::Array(processes.into_iter().map(|(g, p)| settings(g, p, &snapshot)).collect())
    }
}

/// The members in the reference's order; what is not set is `none`.
fn settings(group: &GroupSettings, process: &ProcessSettings, snapshot: &Snapshot) -> Value {
    let running = snapshot.process(&ProcessId::new(group.name.clone(), process.name.clone()));
    let log = |target: &LogTarget, in_use: Option<Cow<'_, str>>| match (target, in_use) {
        (LogTarget::File(path), _) => path.to_string_lossy().into_owned(),
        (LogTarget::None, _) => "none".to_owned(),
        (LogTarget::Auto, Some(path)) if !path.is_empty() => path.into_owned(),
        (LogTarget::Auto, _) => "auto".to_owned(),
    };
    let text = |text: Option<String>| Value::String(text.unwrap_or_else(|| "none".to_owned()));
    let exit_codes = process.exitcodes.iter().map(|&code| code.into()).collect();
    let uid = process.user.as_ref().map_or_else(|| "none".into(), |user| int(user.uid.into()));
    let directory = process.directory.as_ref().map(|path| path.to_string_lossy().into_owned());
    let (out, err) = (&process.stdout, &process.stderr);
    structure([
        ("autostart", process.autostart.into()),
        ("directory", text(directory)),
        ("uid", uid),
        ("command", (&*process.command).into()),
        ("exitcodes", Value::Array(exit_codes)),
        ("group", group.name.as_str().into()),
        ("group_prio", group.priority.into()),
        ("inuse", snapshot.groups.contains_key(&group.name).into()),
        ("killasgroup", process.killasgroup.into()),
        ("name", process.name.as_str().into()),
        ("process_prio", process.priority.into()),
        ("redirect_stderr", process.redirect_stderr.into()),
        ("startretries", int(process.startretries.into())),
        ("startsecs", int(process.startsecs.as_secs())),
        ("stdout_capture_maxbytes", int(out.capture_max_bytes)),
        ("stdout_events_enabled", out.events_enabled.into()),
        ("stdout_logfile", log(&out.target, running.map(|p| p.facts.stdout_text())).into()),
        ("stdout_logfile_backups", int(out.backups.into())),
        ("stdout_logfile_maxbytes", int(out.max_bytes)),
        ("stdout_syslog", out.has_syslog().into()),
        ("stopsignal", process.stopsignal.number().into()),
        ("stopwaitsecs", int(process.stopwaitsecs.as_secs())),
        ("stderr_capture_maxbytes", int(err.capture_max_bytes)),
        ("stderr_events_enabled", err.events_enabled.into()),
        ("stderr_logfile", log(&err.target, running.map(|p| p.facts.stderr_text())).into()),
        ("stderr_logfile_backups", int(err.backups.into())),
        ("stderr_logfile_maxbytes", int(err.max_bytes)),
        ("stderr_syslog", err.has_syslog().into()),
        ("serverurl", text(process.serverurl.clone())),
    ])
}

fn int(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}
