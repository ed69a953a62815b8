//! Which of the two a configuration was written for.

use std::fmt;

use super::keys;
use super::rule::PROGRAMS;
use crate::config::ini::{Ini, Origin, RawSection};

/// Where a configuration comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ancestor {
    /// Supervisor, in Python.
    Supervisor,
    /// ochinchina/supervisord, in Go.
    Go,
}

impl Ancestor {
    /// As `--from` names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Go => "go",
        }
    }
}

impl fmt::Display for Ancestor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supervisor => "Supervisor (Python)",
            Self::Go => "ochinchina/supervisord (Go)",
        })
    }
}

/// Whose it is, and why; `said` decides where somebody knows.
pub(super) fn recognise(ini: &Ini, said: Option<Ancestor>) -> (Ancestor, String) {
    if let Some(said) = said {
        return (said, format!("--from={} says so", said.word()));
    }
    if let Some(sign) = ini.sections().find_map(gos) {
        return (Ancestor::Go, format!("only it has {sign}"));
    }
    let python = |raw: &RawSection| {
        let kinds = ["rpcinterface:", "ctlplugin:", "fcgi-program:"];
        let ours = kinds.iter().any(|kind| raw.name.starts_with(kind));
        ours.then(|| format!("[{}] in {}", raw.name, place(&raw.origin)))
    };
    if let Some(sign) = ini.sections().find_map(python) {
        return (Ancestor::Supervisor, format!("only it has {sign}"));
    }
    if ini.section("supervisord").is_none() && ini.sections().next().is_some() {
        let reason = "it has no [supervisord] section, which Supervisor requires";
        return (Ancestor::Go, reason.to_owned());
    }
    let reason = "nothing in it is of ochinchina/supervisord (Go) alone";
    (Ancestor::Supervisor, reason.to_owned())
}

/// What in a section only ochinchina/supervisord has.
fn gos(raw: &RawSection) -> Option<String> {
    let kind = raw.name.split(':').next().unwrap_or_default();
    if raw.name == "program-default" {
        return Some(format!("[program-default] in {}", place(&raw.origin)));
    }
    let program = PROGRAMS.contains(&kind);
    raw.entries.iter().find_map(|entry| {
        let key = entry.key.as_str();
        let own = (program && keys::GO_ONLY.contains(&key))
            || (kind == "inet_http_server" && ["nodename", "remotes"].contains(&key));
        let form = program && is_gos_form(key, &entry.value);
        let what = if own { key.to_owned() } else { format!("such a value of {key}") };
        (own || form).then(|| format!("{what} in {}", place(&entry.origin)))
    })
}

/// Whether only ochinchina/supervisord takes such a value of a program's key.
fn is_gos_form(key: &str, value: &str) -> bool {
    match key {
        "stopsignal" => value.split_whitespace().nth(1).is_some(),
        "user" => value.contains(':'),
        "stdout_logfile" | "stderr_logfile" => value
            .split(',')
            .map(str::trim)
            .any(|item| item == "memory" || (item.starts_with("syslog") && item.contains('@'))),
        _ => false,
    }
}

fn place(origin: &Origin) -> String {
    format!("{}:{}", origin.source.path.display(), origin.line)
}
