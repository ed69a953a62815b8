//! Commands about processes: status, pid, start, stop, restart, signal, clear.

use super::client::Failure;
use super::command::{Controller, failure_of, is_fault};
use super::exit;
use crate::model::{ErrorKind, ProcessId, StateCode, Target};
use crate::xmlrpc::Value;

/// What is done to a process, a group or all of them: the methods and the words.
struct Action<'a> {
    one: &'static str,
    group: &'static str,
    all: &'static str,
    /// A parameter beside the name.
    with: Option<&'a str>,
    done: &'static str,
    /// The failure that is none: starting what runs, stopping what does not.
    harmless: Option<ErrorKind>,
    /// The exit code for a group that is not there.
    no_group: u8,
}

const START: Action<'_> = Action {
    one: "startProcess",
    group: "startProcessGroup",
    all: "startAllProcesses",
    with: None,
    done: "started",
    harmless: Some(ErrorKind::AlreadyStarted),
    no_group: exit::INVALID,
};

const STOP: Action<'_> = Action {
    one: "stopProcess",
    group: "stopProcessGroup",
    all: "stopAllProcesses",
    with: None,
    done: "stopped",
    harmless: Some(ErrorKind::NotRunning),
    no_group: exit::GENERIC,
};

impl Controller {
    pub(super) async fn status(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            self.exit = exit::STATUS_UNKNOWN;
            return Ok(());
        }
        let all = self.client.call("getAllProcessInfo", &[]).await?;
        let all = all.as_array().unwrap_or_default();
        let mut shown = Vec::new();
        if words.is_empty() || words.contains(&"all") {
            shown.extend(all);
        } else {
            for word in words {
                let target = Target::parse(word);
                let before = shown.len();
                shown.extend(all.iter().filter(|info| is_of(&target, &identity(info))));
                if shown.len() == before {
                    self.exit = exit::STATUS_UNKNOWN;
                    let message = match target {
                        Target::Group(group) => format!("{group}: ERROR (no such group)"),
                        Target::Process(_) => format!("{word}: ERROR (no such process)"),
                    };
                    self.screen.line(&message)?;
                }
            }
        }
        if shown.iter().any(|info| is_at_rest(info)) {
            self.exit = exit::STATUS_NOT_RUNNING;
        }
        if self.screen.json {
            return Ok(self.screen.json_line(&shown.into_iter().map(Value::to_json).collect())?);
        }
        let line = |info: &&Value| {
            let [state, description] = ["statename", "description"].map(|name| text(info, name));
            (identity(info).to_string(), state.to_owned(), description.to_owned())
        };
        Ok(self.screen.statuses(&shown.iter().map(line).collect::<Vec<_>>())?)
    }

    pub(super) async fn pid(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            return Ok(());
        }
        if words.is_empty() {
            let pid = self.client.call("getPID", &[]).await?.as_int().unwrap_or_default();
            let json = serde_json::json!({ "pid": pid });
            return Ok(self.screen.answer(&pid.to_string(), &json)?);
        }
        let mut found = Vec::new();
        if words.contains(&"all") {
            let all = self.client.call("getAllProcessInfo", &[]).await?;
            for info in all.as_array().unwrap_or_default() {
                found.push(self.show_pid(info)?);
            }
        } else {
            for word in words {
                match self.client.call("getProcessInfo", &[(*word).into()]).await {
                    Ok(info) => {
                        found.push(self.show_pid(&info)?);
                        if number(&info, "pid") == 0 {
                            self.exit = exit::NOT_RUNNING;
                        }
                    }
                    Err(failure) if is_fault(&failure, ErrorKind::BadName) => {
                        self.exit = exit::GENERIC;
                        self.screen.line(&format!("No such process {word}"))?;
                    }
                    Err(failure) => return Err(failure),
                }
            }
        }
        if self.screen.json {
            self.screen.json_line(&found.into())?;
        }
        Ok(())
    }

    /// Prints a process's pid, or returns it for JSON.
    fn show_pid(&mut self, info: &Value) -> Result<serde_json::Value, Failure> {
        let pid = number(info, "pid");
        if !self.screen.json {
            self.screen.line(&pid.to_string())?;
        }
        Ok(serde_json::json!({ "name": identity(info).to_string(), "pid": pid }))
    }

    pub(super) async fn start(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            return Ok(());
        }
        if words.is_empty() {
            return self.misused("start", "Error: start requires a process name", exit::INVALID);
        }
        self.act(&START, words).await
    }

    pub(super) async fn stop(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            return Ok(());
        }
        if words.is_empty() {
            return self.misused("stop", "Error: stop requires a process name", exit::GENERIC);
        }
        self.act(&STOP, words).await
    }

    pub(super) async fn restart(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            return Ok(());
        }
        if words.is_empty() {
            let wrong = "Error: restart requires a process name";
            return self.misused("restart", wrong, exit::GENERIC);
        }
        self.stop(words).await?;
        self.start(words).await
    }

    pub(super) async fn signal(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            return Ok(());
        }
        let [signal, names @ ..] = words else {
            return self.misused_signal();
        };
        if names.is_empty() {
            return self.misused_signal();
        }
        let action = Action {
            one: "signalProcess",
            group: "signalProcessGroup",
            all: "signalAllProcesses",
            with: Some(signal),
            done: "signalled",
            harmless: None,
            no_group: exit::GENERIC,
        };
        self.act(&action, names).await
    }

    fn misused_signal(&mut self) -> Result<(), Failure> {
        let wrong = "Error: signal requires a signal name and a process name";
        self.misused("signal", wrong, exit::GENERIC)
    }

    pub(super) async fn clear(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            return Ok(());
        }
        if words.is_empty() {
            return self.misused("clear", "Error: clear requires a process name", exit::GENERIC);
        }
        if words.contains(&"all") {
            let results = self.client.call("clearAllProcessLogs", &[]).await?;
            return self.report_all(&results, "cleared", None);
        }
        for word in words {
            let name = Target::parse(word).to_string();
            match self.client.call("clearProcessLogs", &[(*word).into()]).await {
                Ok(_) => self.screen.line(&format!("{name}: cleared"))?,
                Err(Failure::Fault(fault)) => {
                    self.report(&name, fault.code.into(), &fault.string, "cleared", None)?;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Does it to each of `names`, or once to all; every outcome is a line.
    async fn act(&mut self, action: &Action<'_>, names: &[&str]) -> Result<(), Failure> {
        let params = |name: Option<&str>| -> Vec<Value> {
            name.into_iter().chain(action.with).map(Value::from).collect()
        };
        if names.contains(&"all") {
            let results = self.client.call(action.all, &params(None)).await?;
            return self.report_all(&results, action.done, action.harmless);
        }
        for name in names {
            match Target::parse(name) {
                Target::Group(group) => {
                    match self.client.call(action.group, &params(Some(&group))).await {
                        Ok(results) => self.report_all(&results, action.done, action.harmless)?,
                        Err(failure) if is_fault(&failure, ErrorKind::BadName) => {
                            self.exit = action.no_group;
                            self.screen.line(&format!("{group}: ERROR (no such group)"))?;
                        }
                        Err(failure) => return Err(failure),
                    }
                }
                Target::Process(process) => {
                    let process = process.to_string();
                    match self.client.call(action.one, &params(Some(name))).await {
                        Ok(_) => self.screen.line(&format!("{process}: {}", action.done))?,
                        Err(Failure::Fault(fault)) => {
                            let (code, why) = (fault.code.into(), &fault.string);
                            self.report(&process, code, why, action.done, action.harmless)?;
                        }
                        Err(failure) => return Err(failure),
                    }
                }
            }
        }
        Ok(())
    }

    fn report_all(
        &mut self,
        results: &Value,
        done: &str,
        harmless: Option<ErrorKind>,
    ) -> Result<(), Failure> {
        for result in results.as_array().unwrap_or_default() {
            let (name, why) = (identity(result).to_string(), text(result, "description"));
            self.report(&name, number(result, "status"), why, done, harmless)?;
        }
        Ok(())
    }

    /// One outcome as a line and, if it is worse than harmless, as the exit code.
    fn report(
        &mut self,
        name: &str,
        code: i64,
        description: &str,
        done: &str,
        harmless: Option<ErrorKind>,
    ) -> Result<(), Failure> {
        let failure = failure_of(code);
        let kind = failure.map(|row| row.kind);
        if kind == Some(ErrorKind::Success) {
            return Ok(self.screen.line(&format!("{name}: {done}"))?);
        }
        if kind.is_none() || kind != harmless {
            let code = failure.and_then(|row| u8::try_from(row.exit).ok());
            self.exit = code.unwrap_or(exit::GENERIC);
        }
        let reason = match kind {
            Some(ErrorKind::BadName) => "no such process",
            Some(ErrorKind::BadSignal) => "bad signal name",
            Some(ErrorKind::NoFile) => "no such file",
            Some(ErrorKind::NotExecutable) => "file is not executable",
            Some(ErrorKind::AlreadyStarted) => "already started",
            Some(ErrorKind::NotRunning) => "not running",
            Some(ErrorKind::SpawnError) => "spawn error",
            Some(ErrorKind::AbnormalTermination) => "abnormal termination",
            Some(ErrorKind::Failed) if done == "cleared" => "failed",
            Some(ErrorKind::Failed) => return Ok(self.screen.line(description)?),
            // Here the reference breaks off with an error of its own.
            _ => description,
        };
        Ok(self.screen.line(&format!("{name}: ERROR ({reason})"))?)
    }
}

/// The group and name of a process's struct.
pub(super) fn identity(info: &Value) -> ProcessId {
    ProcessId::new(text(info, "group"), text(info, "name"))
}

/// A string of a struct, empty if it has none of that name.
pub(super) fn text<'a>(info: &'a Value, name: &str) -> &'a str {
    info.member(name).and_then(Value::as_str).unwrap_or_default()
}

/// An integer of a struct, 0 if it has none of that name.
pub(super) fn number(info: &Value, name: &str) -> i64 {
    info.member(name).and_then(Value::as_int).unwrap_or_default()
}

/// Whether a process's struct says that it runs.
pub(super) fn is_running(info: &Value) -> bool {
    number(info, "state") == i64::from(StateCode::Running.number())
}

fn is_at_rest(info: &Value) -> bool {
    let state = number(info, "state");
    StateCode::ALL.iter().any(|code| i64::from(code.number()) == state && code.is_stopped())
}

fn is_of(target: &Target, id: &ProcessId) -> bool {
    match target {
        Target::Process(process) => process == id,
        Target::Group(group) => *group == id.group,
    }
}
