//! Operations on processes and groups: commands to the core, and what is read of its snapshot.

use std::sync::Arc;

use super::Api;
use super::describe::describe;
use super::error;
use super::operations::{
    GetAllProcessInfo, GetProcessInfo, RestartProcess, RestartProcessGroup, SendProcessStdin,
    SignalAllProcesses, SignalProcess, SignalProcessGroup, StartAllProcesses, StartProcess,
    StartProcessGroup, StopAllProcesses, StopProcess, StopProcessGroup,
};
use crate::core::event::{Changes, ProcessStatus};
use crate::core::{Command, Reply};
use crate::model::{
    Error, ErrorKind, ExitStatus, ProcessId, ProcessInfo, Signal, Snapshot, Target, WallTime,
};
use crate::xmlrpc::Value;

/// One process at one moment, as it is told outside.
#[derive(Clone, Debug)]
pub struct ProcessReport {
    /// The process.
    pub info: Arc<ProcessInfo>,
    /// The moment.
    pub now: WallTime,
}

/// What became of each process of a bulk operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(pub Vec<ProcessStatus>);

/// `supervisor.startProcess`
pub async fn start(api: &Api, request: StartProcess) -> Result<Reply, Error> {
    let wait = request.wait;
    let command = match Target::parse(&request.name) {
        Target::Process(process) => Command::Start { process, wait },
        Target::Group(group) => Command::StartGroup { group, wait },
    };
    command_on(api, &request.name, command).await
}

/// `supervisor.startProcessGroup`
pub async fn start_group(api: &Api, request: StartProcessGroup) -> Result<Reply, Error> {
    let name = request.name.0;
    let group = name.as_str().into();
    command_on(api, &name, Command::StartGroup { group, wait: request.wait }).await
}

/// `supervisor.startAllProcesses`
pub async fn start_all(api: &Api, request: StartAllProcesses) -> Result<Reply, Error> {
    command(api, Command::StartAll { wait: request.wait }).await
}

/// `supervisor.stopProcess`
pub async fn stop(api: &Api, request: StopProcess) -> Result<Reply, Error> {
    let wait = request.wait;
    let command = match Target::parse(&request.name) {
        Target::Process(process) => Command::Stop { process, wait },
        Target::Group(group) => Command::StopGroup { group, wait },
    };
    command_on(api, &request.name, command).await
}

/// `supervisor.stopProcessGroup`
pub async fn stop_group(api: &Api, request: StopProcessGroup) -> Result<Reply, Error> {
    let name = request.name.0;
    let group = name.as_str().into();
    command_on(api, &name, Command::StopGroup { group, wait: request.wait }).await
}

/// `supervisor.stopAllProcesses`
pub async fn stop_all(api: &Api, request: StopAllProcesses) -> Result<Reply, Error> {
    command(api, Command::StopAll { wait: request.wait }).await
}

/// `supervisor.restartProcess`
pub async fn restart(api: &Api, request: RestartProcess) -> Result<Reply, Error> {
    let wait = request.wait;
    let command = match Target::parse(&request.name) {
        Target::Process(process) => Command::Restart { process, wait },
        Target::Group(group) => Command::RestartGroup { group, wait },
    };
    command_on(api, &request.name, command).await
}

/// `supervisor.restartProcessGroup`
pub async fn restart_group(api: &Api, request: RestartProcessGroup) -> Result<Reply, Error> {
    let name = request.name.0;
    let group = name.as_str().into();
    command_on(api, &name, Command::RestartGroup { group, wait: request.wait }).await
}

/// `supervisor.signalProcess`. As in the reference, the name is looked at first, then the
/// signal, then the process's state.
pub async fn signal(api: &Api, request: SignalProcess) -> Result<Reply, Error> {
    let name = request.name;
    let process = match Target::parse(&name) {
        Target::Process(process) => process,
        Target::Group(group) => {
            let group = GroupToSignal { group: group.as_str(), as_written: &name };
            return group.signal(api, &request.signal.0).await;
        }
    };
    if api.snapshot().process(&process).is_none() {
        return Err(Error::new(ErrorKind::BadName, name));
    }
    let signal = parse_signal(&request.signal.0)?;
    command_on(api, &name, Command::Signal { process, signal }).await
}

/// `supervisor.signalProcessGroup`
pub async fn signal_group(api: &Api, request: SignalProcessGroup) -> Result<Reply, Error> {
    let name = request.name.0;
    GroupToSignal { group: &name, as_written: &name }.signal(api, &request.signal.0).await
}

/// `supervisor.signalAllProcesses`
pub async fn signal_all(api: &Api, request: SignalAllProcesses) -> Result<Reply, Error> {
    match parse_signal(&request.signal.0) {
        Ok(signal) => api.core.command(Command::SignalAll { signal }).await,
        Err(bad) => Ok(each_signallable(&api.snapshot(), |_| true, &bad)),
    }
}

/// `supervisor.sendProcessStdin`
pub async fn send_stdin(api: &Api, request: SendProcessStdin) -> Result<Reply, Error> {
    let process = named(&api.snapshot(), &request.name)?.id.clone();
    let sent = api.core.command(Command::SendStdin { process, bytes: request.chars }).await;
    sent.map_err(|why| match why.kind {
        ErrorKind::Failed | ErrorKind::ShutdownState => why,
        kind => Error::new(kind, request.name),
    })
}

/// `supervisor.getProcessInfo`
pub async fn info(api: &Api, request: GetProcessInfo) -> Result<ProcessReport, Error> {
    let info = named(&api.snapshot(), &request.name)?;
    Ok(ProcessReport { info, now: super::wall_clock() })
}

/// `supervisor.getAllProcessInfo`
pub async fn all_info(api: &Api, _: GetAllProcessInfo) -> Result<Vec<ProcessReport>, Error> {
    let now = super::wall_clock();
    let snapshot = api.snapshot();
    Ok(snapshot.processes.values().map(|info| ProcessReport { info: info.clone(), now }).collect())
}

/// The process of this namespec. A group is not a process.
///
/// # Errors
/// `BadName`, with the name as it was written.
pub fn named(snapshot: &Snapshot, name: &str) -> Result<Arc<ProcessInfo>, Error> {
    match Target::parse(name) {
        Target::Process(id) => snapshot.process(&id).cloned(),
        Target::Group(_) => None,
    }
    .ok_or_else(|| Error::new(ErrorKind::BadName, name))
}

/// Every process in the order of groups' priorities, then their own.
pub fn by_priority(snapshot: &Snapshot) -> Vec<&Arc<ProcessInfo>> {
    let mut all: Vec<_> = snapshot.processes.values().collect();
    // Stable: of one priority, groups stay together, in the order of their names.
    all.sort_by_key(|process| process.facts.priority);
    all.sort_by(|a, b| a.id.group.cmp(&b.id.group));
    all.sort_by_key(|process| snapshot.groups.get(&process.id.group).map(|g| g.priority));
    all
}

/// Sends a command. Whoever waits until a program has stopped, or has failed to start, finds in
/// its log everything that it had to say.
async fn command(api: &Api, command: Command) -> Result<Reply, Error> {
    let waits = matches!(
        command,
        Command::Start { wait: true, .. }
            | Command::StartGroup { wait: true, .. }
            | Command::StartAll { wait: true }
            | Command::Stop { wait: true, .. }
            | Command::StopGroup { wait: true, .. }
            | Command::StopAll { wait: true }
            | Command::Restart { wait: true, .. }
            | Command::RestartGroup { wait: true, .. }
    );
    let outcome = api.core.command(command).await;
    if waits {
        api.logs.settled().await;
    }
    outcome
}

/// Faults about a name show it as the caller wrote it (`cat:cat`); others keep the core's words.
async fn command_on(api: &Api, name: &str, command: Command) -> Result<Reply, Error> {
    self::command(api, command).await.map_err(|why| match why.kind {
        ErrorKind::BadName
        | ErrorKind::AlreadyStarted
        | ErrorKind::NotRunning
        | ErrorKind::SpawnError
        | ErrorKind::AbnormalTermination => Error::new(why.kind, name),
        _ => why,
    })
}

fn parse_signal(text: &str) -> Result<Signal, Error> {
    Signal::parse(text).ok_or_else(|| Error::new(ErrorKind::BadSignal, text))
}

/// A group and how the caller named it.
struct GroupToSignal<'a> {
    group: &'a str,
    as_written: &'a str,
}

impl GroupToSignal<'_> {
    async fn signal(self, api: &Api, signal: &str) -> Result<Reply, Error> {
        let group = self.group.into();
        let snapshot = api.snapshot();
        if !snapshot.groups.contains_key(&group) {
            return Err(Error::new(ErrorKind::BadName, self.as_written));
        }
        match parse_signal(signal) {
            Ok(signal) => {
                command_on(api, self.as_written, Command::SignalGroup { group, signal }).await
            }
            Err(bad) => Ok(each_signallable(&snapshot, |id| id.group == group, &bad)),
        }
    }
}

/// A bad signal is told for every process that it would have been sent to.
fn each_signallable(
    snapshot: &Snapshot,
    chosen: impl Fn(&ProcessId) -> bool,
    bad: &Error,
) -> Reply {
    let processes = by_priority(snapshot).into_iter();
    let statuses = processes
        .filter(|process| chosen(&process.id) && process.state.is_signallable())
        .map(|process| ProcessStatus { id: process.id.clone(), result: Err(bad.clone()) })
        .collect();
    Reply::Statuses(statuses)
}

/// The members in the reference's order.
impl From<ProcessReport> for Value {
    fn from(report: ProcessReport) -> Self {
        let ProcessReport { info, now } = report;
        let description = describe(&info, now);
        let ProcessInfo { id, state, pid, start, stop, exit, spawn_error, facts, .. } = &*info;
        let exit_status = exit.map_or(0, ExitStatus::code);
        structure([
            ("name", id.name.as_str().into()),
            ("group", id.group.as_str().into()),
            ("start", start.seconds().into()),
            ("stop", stop.seconds().into()),
            ("now", now.seconds().into()),
            ("state", state.number().into()),
            ("statename", state.name().into()),
            ("spawnerr", (&**spawn_error).into()),
            ("exitstatus", exit_status.into()),
            ("logfile", (&*facts.stdout_text()).into()),
            ("stdout_logfile", (&*facts.stdout_text()).into()),
            ("stderr_logfile", (&*facts.stderr_text()).into()),
            ("pid", (*pid).into()),
            ("description", description.into()),
        ])
    }
}

impl From<Vec<ProcessReport>> for Value {
    fn from(reports: Vec<ProcessReport>) -> Self {
        Self::Array(reports.into_iter().map(Into::into).collect())
    }
}

impl From<Statuses> for Value {
    fn from(statuses: Statuses) -> Self {
        Self::Array(statuses.0.into_iter().map(status).collect())
    }
}

impl From<Reply> for Value {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Done => Self::Bool(true),
            Reply::Statuses(statuses) => Statuses(statuses).into(),
            Reply::Changes(Changes { added, changed, removed }) => {
                let lists = [added, changed, removed].map(|groups| {
                    Self::Array(groups.iter().map(|group| group.as_str().into()).collect())
                });
                Self::Array(vec![Self::Array(lists.into())])
            }
        }
    }
}

fn status(ProcessStatus { id, result }: ProcessStatus) -> Value {
    let (kind, description) = match result {
        Ok(()) => (ErrorKind::Success, "OK".to_owned()),
        Err(why) => (why.kind, error::text(&why)),
    };
    structure([
        ("name", id.name.as_str().into()),
        ("group", id.group.as_str().into()),
        ("status", error::row(kind).fault.into()),
        ("description", description.into()),
    ])
}

/// A struct of these members, in this order.
pub fn structure<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Struct(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
