//! SIGUSR1: the configuration is read anew and what changed is applied, as `supervisor.update`
//! does. SIGHUP cannot mean that: to Supervisor's users it is a restart.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::api::{Api, operations};
use crate::config::Changes;
use crate::config::setting::LogLevel;
use crate::core::Reply;
use crate::logs::LogPlane;
use crate::runtime::handle::CoreHandle;
use crate::runtime::systemd::Herald;

/// Requests to reload, as signals.
pub(super) struct Reloads(Signal);

impl Reloads {
    /// Takes the signal over; until now it ended the process.
    ///
    /// # Errors
    /// It cannot be listened for.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::user_defined1())?))
    }
}

/// Reloads at every signal; one that comes during a reload makes another.
pub(super) async fn reload_on_signal(
    mut requests: Reloads,
    api: Arc<Api>,
    core: CoreHandle,
    herald: Herald,
    logs: LogPlane,
) {
    while requests.0.recv().await.is_some() {
        herald.reloading(&logs).await;
        api.log_line(LogLevel::Warn, "received SIGUSR1 indicating reload request");
        let failure = match api.call(operations::Update {}).await {
            Ok(reply) => {
                api.log_line(LogLevel::Info, &format!("reloaded: {}", in_words(&reply)));
                None
            }
            Err(error) => {
                let why = if error.detail.is_empty() { error.to_string() } else { error.detail };
                for line in why.lines() {
                    api.log_line(LogLevel::Error, line);
                }
                let line = "the configuration was not applied, everything runs on as it was";
                api.log_line(LogLevel::Error, line);
                Some(why)
            }
        };
        herald.reloaded(&core, failure.as_deref(), &logs).await;
    }
}

fn in_words(reply: &Reply) -> String {
    let Reply::Changes(Changes { added, changed, removed }) = reply else {
        return "done".to_owned();
    };
    let kinds = [("added", added), ("changed", changed), ("removed", removed)];
    let told = kinds.iter().filter(|(_, groups)| !groups.is_empty()).map(|(what, groups)| {
        let names: Vec<String> = groups.iter().map(ToString::to_string).collect();
        format!("{what} {}", names.join(", "))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "nothing has changed".to_owned() } else { told.join("; ") }
}
