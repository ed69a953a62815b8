//! A process as JSON: the object that every JSON route and the events tell of it.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

use super::describe::describe;
use crate::model::past::Past;
use crate::model::{Cause, ExitStatus, ProcessInfo, Signal, StateCode, WallTime};

/// One process at one moment. The first members are ochinchina's, with times in whole seconds;
/// the others are ours, with times in seconds and fractions.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    node: &'a str,
    name: &'a str,
    group: &'a str,
    description: String,
    start: i64,
    stop: i64,
    now: i64,
    state: i32,
    statename: &'static str,
    spawnerr: &'a str,
    exitstatus: i32,
    logfile: Cow<'a, str>,
    stdout_logfile: Cow<'a, str>,
    stderr_logfile: Cow<'a, str>,
    pid: i32,
    id: String,
    command: &'a str,
    priority: i32,
    changed: f64,
    reason: String,
    exit: Option<Exit>,
    tries: u32,
    retries: u32,
    retry_at: f64,
    restarts: u64,
    restarts_last_hour: u32,
    #[serde(serialize_with = "starts")]
    starts: &'a Past,
    #[serde(serialize_with = "changes")]
    history: &'a Past,
    status_text: &'a str,
    control_group: &'a str,
}

/// How a child ended.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Exit {
    Code { code: i32 },
    Signal { signal: String, core: bool },
}

impl<'a> Report<'a> {
    /// What is told of `process`, which runs on `node`.
    #[must_use]
    pub fn new(process: &'a ProcessInfo, node: &'a str, now: WallTime) -> Self {
        let facts = &*process.facts;
        Self {
            node,
            name: &process.id.name,
            group: &process.id.group,
            description: describe(process, now),
            start: process.start.seconds(),
            stop: process.stop.seconds(),
            now: now.seconds(),
            state: process.state.number(),
            statename: process.state.name(),
            spawnerr: &process.spawn_error,
            exitstatus: process.exit.map_or(0, ExitStatus::code),
            logfile: facts.stdout_text(),
            stdout_logfile: facts.stdout_text(),
            stderr_logfile: facts.stderr_text(),
            pid: process.pid,
            id: process.id.to_string(),
            command: &facts.command,
            priority: facts.priority,
            changed: process.changed.as_secs_f64(),
            reason: reason(process),
            exit: process.last_exit.map(Exit::from),
            tries: process.tries,
            retries: facts.retries,
            retry_at: process.retry_at.as_secs_f64(),
            restarts: process.starts.saturating_sub(1),
            restarts_last_hour: restarts_last_hour(process, now),
            starts: &process.past,
            history: &process.past,
            status_text: &process.status_text,
            control_group: &facts.control_group,
        }
    }

    /// As a value that more can be added to.
    #[must_use]
    pub fn into_value(self) -> serde_json::Value {
        // Cannot fail: every key is text.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Code(code) => Self::Code { code },
            ExitStatus::Signal { number, core } => {
                Self::Signal { signal: Signal::from_number_lossy(number).to_string(), core }
            }
        }
    }
}

/// Why a process is in its state, in words and without the time: `exited at once with status 1,
/// try 3 of 4`.
#[must_use]
pub fn reason(process: &ProcessInfo) -> String {
    match process.state {
        StateCode::Starting => match process.tries {
            0 | 1 => "starting".to_owned(),
            tries => format!("starting, try {tries} of {}", tries_max(process)),
        },
        StateCode::Running => "running".to_owned(),
        StateCode::Stopping => match &process.cause {
            Cause::Killed { signal, after } => {
                format!("stopping: did not stop on {} within {}", bare(*signal), seconds(after))
            }
            Cause::NotReady(_) | Cause::Silent(_) => format!("stopping: {}", why(process)),
            _ => "stopping".to_owned(),
        },
        StateCode::Backoff => {
            format!("{}, try {} of {}", why(process), process.tries, tries_max(process))
        }
        StateCode::Fatal => match process.tries {
            0 => why(process),
            1 => format!("{}, gave up after 1 try", why(process)),
            tries => format!("{}, gave up after {tries} tries", why(process)),
        },
        StateCode::Stopped | StateCode::Exited | StateCode::Unknown => why(process),
    }
}

fn tries_max(process: &ProcessInfo) -> u32 {
    process.facts.retries.saturating_add(1)
}

fn why(process: &ProcessInfo) -> String {
    match &process.cause {
        Cause::New => "never started".to_owned(),
        Cause::Requested => "stopped by request".to_owned(),
        Cause::Killed { signal, after } => {
            format!("killed after {}: did not stop on {}", seconds(after), bare(*signal))
        }
        Cause::Ended => ended(process),
        Cause::OutOfMemory => "out of memory".to_owned(),
        Cause::NotSpawned { missing: true, .. } => match program(&process.facts.command) {
            "" => "not found".to_owned(),
            program => format!("not found: {program}"),
        },
        Cause::NotSpawned { missing: false, why } => format!("cannot start: {why}"),
        Cause::NotReady(limit) => format!("not ready within {}", seconds(limit)),
        Cause::Silent(limit) => format!("stopped reporting for {}", seconds(limit)),
        Cause::Unkillable(wait) => format!("still there {} after SIGKILL", seconds(wait)),
        Cause::Unreachable(why) => format!("cannot be signalled: {why}"),
    }
}

/// It ended by itself, or by a signal that was not the daemon's.
fn ended(process: &ProcessInfo) -> String {
    let at_once = matches!(process.state, StateCode::Backoff | StateCode::Fatal);
    let how = match process.last_exit {
        Some(ExitStatus::Code(code)) if at_once => {
            return format!("exited at once with status {code}");
        }
        Some(ExitStatus::Code(code)) => return format!("exited with status {code}"),
        Some(ExitStatus::Signal { number, core }) => {
            let dumped = if core { " (core dumped)" } else { "" };
            format!("killed by {}{dumped}", Signal::from_number_lossy(number))
        }
        None => return "ended".to_owned(),
    };
    if at_once { format!("{how} at once") } else { how }
}

/// The first word of a command line, as it is written.
fn program(command: &str) -> &str {
    command.split_whitespace().next().unwrap_or_default()
}

/// A signal as `stopsignal` has it: `TERM`.
fn bare(signal: Signal) -> String {
    let name = signal.to_string();
    name.strip_prefix("SIG").map_or(name.clone(), str::to_owned)
}

fn seconds(time: &std::time::Duration) -> String {
    let tenths = (time.as_secs_f64() * 10.0).round() / 10.0;
    format!("{tenths} s")
}

/// The first start since the process was added is none.
fn restarts_last_hour(process: &ProcessInfo, now: WallTime) -> u32 {
    let started = process.past.starts_in_hour(now);
    if process.starts == u64::from(started) { started.saturating_sub(1) } else { started }
}

fn starts<S: Serializer>(past: &&Past, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(past.starts().iter().map(|start| start.as_secs_f64()))
}

fn changes<S: Serializer>(past: &&Past, serializer: S) -> Result<S::Ok, S::Error> {
    let mut all = serializer.serialize_seq(Some(past.changes().len()))?;
    for (at, state) in past.changes() {
        all.serialize_element(&(at.as_secs_f64(), state.name()))?;
    }
    all.end()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::api::tests::fake::{facts, process};
    use crate::model::ProcessFacts;

    const TEN: Duration = Duration::from_secs(10);

    fn of(state: StateCode, cause: Cause, exit: Option<ExitStatus>, tries: u32) -> ProcessInfo {
        let facts =
            ProcessFacts { command: "/usr/bin/web -p 80".into(), retries: 3, ..facts("", "") };
        let facts = Arc::new(facts);
        ProcessInfo { cause, last_exit: exit, tries, facts, ..process("web", state) }
    }

    #[test]
    fn a_reason_is_told_in_words() {
        let check = |state, cause: Cause, exit, tries, expected: &str| {
            assert_eq!(reason(&of(state, cause, exit, tries)), expected);
        };
        let code = |code| Some(ExitStatus::Code(code));
        let killed = |number, core| Some(ExitStatus::Signal { number, core });
        let missing = Cause::NotSpawned { missing: true, why: "can't find command".into() };
        let refused = Cause::NotSpawned { missing: false, why: "couldn't chdir".into() };
        let term = Cause::Killed { signal: Signal::TERM, after: TEN };
        use StateCode::*;
        check(Stopped, Cause::New, None, 0, "never started");
        check(Stopped, Cause::Requested, code(0), 0, "stopped by request");
        check(
            Stopped,
            term.clone(),
            killed(9, false),
            0,
            "killed after 10 s: did not stop on TERM",
        );
        check(Starting, Cause::New, None, 1, "starting");
        check(Starting, Cause::Ended, None, 2, "starting, try 2 of 4");
        check(Running, Cause::Requested, None, 1, "running");
        check(Stopping, Cause::Requested, None, 0, "stopping");
        check(Stopping, term, None, 0, "stopping: did not stop on TERM within 10 s");
        check(Stopping, Cause::NotReady(TEN), None, 0, "stopping: not ready within 10 s");
        let silent = Cause::Silent(Duration::from_millis(1500));
        check(Stopping, silent.clone(), None, 0, "stopping: stopped reporting for 1.5 s");
        check(Backoff, Cause::Ended, code(1), 3, "exited at once with status 1, try 3 of 4");
        check(
            Backoff,
            Cause::Ended,
            killed(11, true),
            1,
            "killed by SIGSEGV (core dumped) at once, try 1 of 4",
        );
        check(Backoff, missing.clone(), None, 1, "not found: /usr/bin/web, try 1 of 4");
        check(Backoff, refused, None, 1, "cannot start: couldn't chdir, try 1 of 4");
        check(Fatal, missing, None, 4, "not found: /usr/bin/web, gave up after 4 tries");
        check(Fatal, Cause::Ended, code(1), 1, "exited at once with status 1, gave up after 1 try");
        check(Exited, Cause::Ended, code(0), 0, "exited with status 0");
        check(Exited, Cause::Ended, killed(9, false), 0, "killed by SIGKILL");
        check(Exited, Cause::OutOfMemory, killed(9, false), 0, "out of memory");
        check(Exited, silent, killed(6, true), 0, "stopped reporting for 1.5 s");
        check(Unknown, Cause::Unkillable(TEN), None, 0, "still there 10 s after SIGKILL");
        let unreachable = Cause::Unreachable("Operation not permitted".into());
        check(Unknown, unreachable, None, 0, "cannot be signalled: Operation not permitted");
    }

    #[test]
    fn a_process_is_told_whole() {
        let mut web = of(StateCode::Backoff, Cause::Ended, Some(ExitStatus::Code(1)), 1);
        web.starts = 2;
        web.start = WallTime(1_000_000_000_250_000);
        web.changed = WallTime(1_000_000_001_500_000);
        web.retry_at = WallTime(1_000_000_002_500_000);
        let past = Arc::make_mut(&mut web.past);
        past.started(WallTime(999_999_999_000_000));
        past.started(web.start);
        past.entered(StateCode::Backoff, web.changed);
        let told = Report::new(&web, "here", WallTime(1_000_000_002_000_000)).into_value();
        let expected = serde_json::json!({
            "node": "here", "name": "web", "group": "web", "description":
            "unknown error (try \"tail web\")", "start": 1_000_000_000, "stop": 0,
            "now": 1_000_000_002, "state": 30, "statename": "BACKOFF", "spawnerr": "",
            "exitstatus": 0, "logfile": "", "stdout_logfile": "", "stderr_logfile": "", "pid": 0,
            "id": "web", "command": "/usr/bin/web -p 80", "priority": 999,
            "changed": 1_000_000_001.5, "reason": "exited at once with status 1, try 1 of 4",
            "exit": {"code": 1}, "tries": 1, "retries": 3, "retry_at": 1_000_000_002.5,
            "restarts": 1, "restarts_last_hour": 1, "starts": [999_999_999.0, 1_000_000_000.25],
            "history": [[1_000_000_001.5, "BACKOFF"]], "status_text": "", "control_group": "",
        });
        assert_eq!(told, expected);
        let segv = ExitStatus::Signal { number: libc::SIGSEGV, core: true };
        let exit = serde_json::to_value(Exit::from(segv)).unwrap();
        assert_eq!(exit, serde_json::json!({"signal": "SIGSEGV", "core": true}));
    }
}
