//! `org.freedesktop.LogControl1`: the level of the daemon's own log, as systemd's tools show and
//! set it (org.freedesktop.LogControl1(5)).

use zbus::OwnedVariant;

use super::failure::Failure;
use super::interface::{Interface, Outline, properties};
use crate::api::Api;
use crate::config::setting::{LogCopy, LogLevel};

/// The interface.
pub static INTERFACE: Interface<State> = Interface {
    outline: &Outline {
        name: "org.freedesktop.LogControl1",
        methods: &[],
        signals: &[],
        properties: PROPERTIES,
    },
    getters: GETTERS,
};

/// What the properties are read from.
#[derive(Clone, Debug)]
pub struct State {
    level: LogLevel,
    target: &'static str,
    identifier: String,
}

impl State {
    /// The log as it is.
    pub fn new(api: &Api) -> Self {
        let logs = api.logs();
        // That page knows the console, the journal and the like; a file is none of them.
        let target = match logs.activity_path() {
            Some(path) if path.starts_with("/dev") => "console",
            Some(_) => "file",
            None => logs.activity_copies().iter().find_map(named).unwrap_or("null"),
        };
        Self { level: logs.level(), target, identifier: api.facts().identifier.clone() }
    }
}

properties! { PROPERTIES, GETTERS of State:
    LogLevel: String, No writable = |from| name_of(from.level).to_owned();
    LogTarget: String, No = |from| from.target.to_owned();
    SyslogIdentifier: String, Const = |from| from.identifier.clone();
}

/// What that page calls a target that is no file.
fn named(copy: &LogCopy) -> Option<&'static str> {
    match copy {
        LogCopy::File(_) => None,
        LogCopy::Syslog(_) => Some("syslog"),
        LogCopy::Journal => Some("journal"),
    }
}

/// Sets the level until the daemon ends or begins anew.
///
/// # Errors
/// `InvalidArgs` if the value is not one of syslog's levels.
pub fn set_level(api: &Api, value: OwnedVariant) -> Result<(), Failure> {
    let text =
        String::try_from(value).map_err(|_| Failure::invalid_args("LogLevel is a string (s)"))?;
    let level = level_of(&text).ok_or_else(|| {
        Failure::invalid_args(format!(
            "there is no level {text:?}: expected emerg, alert, crit, err, warning, notice, info \
             or debug"
        ))
    })?;
    api.logs().set_level(level);
    Ok(())
}

/// What syslog(3) calls a level, in lower case. It has none below debug.
fn name_of(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Critical => "crit",
        LogLevel::Error => "err",
        LogLevel::Warn => "warning",
        LogLevel::Info => "info",
        LogLevel::Debug | LogLevel::Trace | LogLevel::Blather => "debug",
    }
}

/// The level that logs no more than this one of syslog's.
fn level_of(name: &str) -> Option<LogLevel> {
    Some(match name {
        "emerg" | "alert" | "crit" => LogLevel::Critical,
        "err" => LogLevel::Error,
        "warning" | "notice" => LogLevel::Warn,
        "info" => LogLevel::Info,
        "debug" => LogLevel::Debug,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_back_as_they_were_set() {
        for name in ["crit", "err", "warning", "info", "debug"] {
            assert_eq!(level_of(name).map(name_of), Some(name));
        }
        for name in ["", "warn", "DEBUG", "7"] {
            assert_eq!(level_of(name), None);
        }
    }
}
