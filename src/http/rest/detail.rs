//! `/program/detail/{node}/{name}`: how a process is configured, for people who look into it.

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value as Json, json};

use super::{Answered, Rest};
use crate::api::process;
use crate::config::limits::INFINITY;
use crate::config::setting::{LogSettings, LogTarget};
use crate::config::{Config, Limits, ProcessSettings};
use crate::http::body;
use crate::http::nodes::{self, Whose};
use crate::http::path::encode;
use crate::http::request::Call;
use crate::model::{Error, ErrorKind, ProcessId};

impl Rest {
    /// How a process is configured. Of its environment the names alone: values may be secret.
    pub async fn detail(&self, call: &Call) -> Answered {
        let name = call.capture("name");
        if let Whose::Remote(remote) = self.whose(call)? {
            let path = format!("/program/detail/{}", encode(name));
            return nodes::pass_on(&remote, &Method::GET, &path, None, Bytes::new()).await;
        }
        let info = process::named(&call.api.snapshot(), name)?;
        let config = call.api.config();
        let settings =
            settings_of(&config, &info.id).ok_or_else(|| Error::new(ErrorKind::BadName, name))?;
        let files = [&info.facts.stdout_logfile, &info.facts.stderr_logfile].map(Option::clone);
        let sizes = tokio::task::spawn_blocking(move || {
            files.map(|path| path?.metadata().ok().map(|meta| meta.len()))
        });
        let [out, err] = sizes.await.unwrap_or_default();
        let logs = json!({
            "stdout": log(&settings.stdout, &info.facts.stdout_text(), out),
            "stderr": log(&settings.stderr, &info.facts.stderr_text(), err),
        });
        Ok(body::json(StatusCode::OK, &told(settings, &logs)))
    }
}

/// The settings of a process in the configuration last read.
pub fn settings_of<'a>(config: &'a Config, id: &ProcessId) -> Option<&'a ProcessSettings> {
    let group = config.groups.iter().find(|group| group.name == id.group)?;
    group.processes.iter().find(|process| process.name == id.name).map(|process| &**process)
}

fn told(settings: &ProcessSettings, logs: &Json) -> Json {
    let path =
        |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let mut names: Vec<&str> = settings.environment.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    json!({
        "command": &*settings.command,
        "directory": path(&settings.directory),
        "user": settings.user.as_ref().map(|user| user.name.clone().unwrap_or_else(|| user.uid.to_string())),
        "umask": settings.umask.map(|umask| format!("{umask:03o}")),
        "priority": settings.priority,
        "autostart": settings.autostart,
        "autorestart": settings.autorestart.name(),
        "startsecs": settings.startsecs.as_secs(),
        "startretries": settings.startretries,
        "stopsignal": settings.stopsignal.to_string(),
        "stopwaitsecs": settings.stopwaitsecs.as_secs(),
        "exitcodes": &*settings.exitcodes,
        "notify": settings.notify,
        "watchdogsecs": settings.watchdogsecs.as_secs(),
        "environment": names,
        "config": { "file": &*settings.place.file, "line": settings.place.line },
        "conf_file": path(&settings.conf_file),
        "logs": logs,
        "limits": limits(&settings.limits),
    })
}

/// A log; nothing if it is kept in no file.
fn log(settings: &LogSettings, path: &str, size: Option<u64>) -> Json {
    if path.is_empty() || settings.target == LogTarget::None {
        return Json::Null;
    }
    json!({
        "path": path,
        "size": size,
        "maxbytes": settings.max_bytes,
        "backups": settings.backups,
    })
}

/// The limits that are set, by their keys; one that is none at all as `infinity`.
fn limits(limits: &Limits) -> Json {
    let number = |value: u64| if value == INFINITY { json!("infinity") } else { json!(value) };
    let groups = [
        ("memory_max", limits.memory_max.map(number)),
        ("memory_high", limits.memory_high.map(number)),
        ("cpu_weight", limits.cpu_weight.map(|weight| json!(weight))),
        ("tasks_max", limits.tasks_max.map(number)),
        ("nice", limits.nice.map(|nice| json!(nice))),
        ("oom_score_adj", limits.oom_score_adj.map(|score| json!(score))),
    ];
    let set = groups.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let resources = limits.resources.iter().map(|limit| {
        (limit.resource.key().to_owned(), json!([number(limit.soft), number(limit.hard)]))
    });
    Json::Object(set.chain(resources).collect::<Map<_, _>>())
}
