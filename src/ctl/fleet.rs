//! Commands about the configuration and the daemon: avail, reread, add, remove, update, version,
//! reload, shutdown, open.

use std::collections::{BTreeMap, BTreeSet};

use super::client::Failure;
use super::command::{Controller, is_fault, unreachable_how};
use super::exit;
use super::process::{identity, number, text};
use crate::api::error::row;
use crate::model::ErrorKind;
use crate::xmlrpc::Value;

impl Controller {
    pub(super) async fn avail(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_bare("avail", words)? {
            return Ok(());
        }
        let configs = match self.client.call("getAllConfigInfo", &[]).await {
            Err(failure) if is_fault(&failure, ErrorKind::ShutdownState) => {
                return self.refused("ERROR: supervisor shutting down");
            }
            outcome => outcome?,
        };
        if self.screen.json {
            return Ok(self.screen.json_line(&configs.to_json())?);
        }
        for config in configs.as_array().unwrap_or_default() {
            let is = |name, yes, no| if truth(config, name) { yes } else { no };
            self.screen.line(&format!(
                "{:<32} {:<9} {:<9} {}:{}",
                identity(config),
                is("inuse", "in use", "avail"),
                is("autostart", "auto", "manual"),
                number(config, "group_prio"),
                number(config, "process_prio"),
            ))?;
        }
        Ok(())
    }

    pub(super) async fn reread(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_bare("reread", words)? {
            return Ok(());
        }
        let changes = match self.client.call("reloadConfig", &[]).await {
            Err(failure) if is_fault(&failure, ErrorKind::ShutdownState) => {
                return self.refused("ERROR: supervisor shutting down");
            }
            Err(Failure::Fault(fault)) if fault.code == row(ErrorKind::CantReread).fault => {
                return self.refused(&format!("ERROR: {}", fault.string));
            }
            outcome => Changes::of(&outcome?),
        };
        if self.screen.json {
            let Changes { added, changed, removed } = changes;
            let json =
                serde_json::json!({ "added": added, "changed": changed, "removed": removed });
            return Ok(self.screen.json_line(&json)?);
        }
        let kinds = [
            (changes.added, "available"),
            (changes.changed, "changed"),
            (changes.removed, "disappeared"),
        ];
        let named =
            kinds.into_iter().flat_map(|(names, what)| names.into_iter().map(move |n| (n, what)));
        let lines: BTreeMap<String, &str> = named.collect();
        if lines.is_empty() {
            self.screen.line("No config updates to processes")?;
        }
        for (name, what) in lines {
            self.screen.line(&format!("{name}: {what}"))?;
        }
        Ok(())
    }

    pub(super) async fn add(&mut self, words: &[&str]) -> Result<(), Failure> {
        for name in words {
            match self.client.call("addProcessGroup", &[(*name).into()]).await {
                Ok(_) => self.screen.line(&format!("{name}: added process group"))?,
                Err(failure) if is_fault(&failure, ErrorKind::AlreadyAdded) => {
                    self.screen.line("ERROR: process group already active")?;
                }
                Err(failure) if is_fault(&failure, ErrorKind::ShutdownState) => {
                    self.refused("ERROR: shutting down")?;
                }
                Err(failure) if is_fault(&failure, ErrorKind::BadName) => {
                    self.refused(&format!("ERROR: no such process/group: {name}"))?;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    pub(super) async fn remove(&mut self, words: &[&str]) -> Result<(), Failure> {
        for name in words {
            match self.client.call("removeProcessGroup", &[(*name).into()]).await {
                Ok(_) => self.screen.line(&format!("{name}: removed process group"))?,
                Err(failure) if is_fault(&failure, ErrorKind::StillRunning) => {
                    self.refused(&format!("ERROR: process/group still running: {name}"))?;
                }
                Err(failure) if is_fault(&failure, ErrorKind::BadName) => {
                    self.refused(&format!("ERROR: no such process/group: {name}"))?;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    pub(super) async fn update(&mut self, words: &[&str]) -> Result<(), Failure> {
        let changes = match self.client.call("reloadConfig", &[]).await {
            Err(failure) if is_fault(&failure, ErrorKind::ShutdownState) => {
                return self.refused("ERROR: already shutting down");
            }
            outcome => Changes::of(&outcome?),
        };
        // Naming none, or all, means every one.
        let wanted: BTreeSet<&str> =
            if words.contains(&"all") { BTreeSet::new() } else { words.iter().copied().collect() };
        if !wanted.is_empty() {
            let active = self.client.call("getAllProcessInfo", &[]).await?;
            let active = active.as_array().unwrap_or_default().iter();
            let mut known: BTreeSet<&str> = active.map(|info| text(info, "group")).collect();
            known.extend(changes.added.iter().map(String::as_str));
            for name in wanted.difference(&known) {
                self.refused(&format!("ERROR: no such group: {name}"))?;
            }
        }
        let is_wanted = |name: &&String| wanted.is_empty() || wanted.contains(name.as_str());
        for name in changes.removed.iter().filter(is_wanted) {
            let results = self.group("stopProcessGroup", name).await?;
            self.screen.line(&format!("{name}: stopped"))?;
            let mut results = results.as_array().unwrap_or_default().iter();
            let failed = i64::from(row(ErrorKind::Failed).fault);
            if results.any(|result| number(result, "status") == failed) {
                self.refused(&format!("{name}: has problems; not removing"))?;
                continue;
            }
            self.group("removeProcessGroup", name).await?;
            self.screen.line(&format!("{name}: removed process group"))?;
        }
        for name in changes.changed.iter().filter(is_wanted) {
            self.group("stopProcessGroup", name).await?;
            self.screen.line(&format!("{name}: stopped"))?;
            self.group("removeProcessGroup", name).await?;
            self.group("addProcessGroup", name).await?;
            self.screen.line(&format!("{name}: updated process group"))?;
        }
        for name in changes.added.iter().filter(is_wanted) {
            self.group("addProcessGroup", name).await?;
            self.screen.line(&format!("{name}: added process group"))?;
        }
        Ok(())
    }

    async fn group(&self, method: &str, name: &str) -> Result<Value, Failure> {
        self.client.call(method, &[name.into()]).await
    }

    pub(super) async fn version(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_bare("version", words)? || !self.is_up().await? {
            return Ok(());
        }
        let version = self.client.call("getSupervisorVersion", &[]).await?;
        let version = version.as_str().unwrap_or_default();
        Ok(self.screen.answer(version, &serde_json::json!({ "version": version }))?)
    }

    pub(super) async fn reload(&mut self, words: &[&str]) -> Result<(), Failure> {
        let question = "Really restart the remote supervisord process y/N? ";
        if !self.is_bare("reload", words)? || !self.confirmed(question).await? {
            return Ok(());
        }
        match self.client.call("restart", &[]).await {
            Ok(_) => Ok(self.screen.line("Restarted supervisord")?),
            Err(failure) if is_fault(&failure, ErrorKind::ShutdownState) => {
                self.refused("ERROR: already shutting down")
            }
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn shutdown(&mut self, words: &[&str]) -> Result<(), Failure> {
        let question = "Really shut the remote supervisord process down y/N? ";
        if !self.is_bare("shutdown", words)? || !self.confirmed(question).await? {
            return Ok(());
        }
        match self.client.call("shutdown", &[]).await {
            Ok(_) => Ok(self.screen.line("Shut down")?),
            Err(failure) if is_fault(&failure, ErrorKind::ShutdownState) => {
                Ok(self.screen.line("ERROR: already shutting down")?)
            }
            Err(failure) => match unreachable_how(&failure) {
                Some((how, _)) => {
                    let url = self.client.url().to_owned();
                    self.refused(&format!("ERROR: {url} {how} (already shut down?)"))
                }
                None => Err(failure),
            },
        }
    }

    pub(super) async fn open(&mut self, words: &[&str]) -> Result<(), Failure> {
        let url = words.join(" ");
        let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        if !matches!(scheme.as_deref(), Some("unix" | "http" | "https")) {
            return self.refused("ERROR: url must be http:// or unix://");
        }
        self.connect(&url);
        let before = self.exit;
        let outcome = self.status(&[]).await;
        self.exit = before;
        outcome
    }

    /// Says why not, and remembers to exit with it.
    fn refused(&mut self, why: &str) -> Result<(), Failure> {
        self.exit = exit::GENERIC;
        Ok(self.screen.line(why)?)
    }
}

/// What a configuration changes, by group.
struct Changes {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

impl Changes {
    /// Reads the answer of reloadConfig: an array of one array of three arrays.
    fn of(answer: &Value) -> Self {
        let lists = answer.as_array().and_then(|outer| outer.first()?.as_array());
        let names = |at: usize| {
            let list = lists.and_then(|lists| lists.get(at)?.as_array()).unwrap_or_default();
            list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        Self { added: names(0), changed: names(1), removed: names(2) }
    }
}

/// The reference sends truth as booleans or as numbers.
fn truth(config: &Value, name: &str) -> bool {
    match config.member(name) {
        Some(Value::Bool(truth)) => *truth,
        Some(Value::Int(number)) => *number != 0,
        _ => false,
    }
}
