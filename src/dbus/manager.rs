//! `org.supervisord.Supervisor1.Manager`: the daemon and everything in it.

use std::sync::Arc;

use zbus::{Fd, ObjectPath};

use super::answer::{Bytes, Statuses, changes, done, nothing, statuses};
use super::call::Call;
use super::failure::Failure;
use super::interface::{Interface, Outline, methods, properties, signals};
use super::path;
use crate::api::DaemonFacts;
use crate::api::daemon::API_VERSION;
use crate::api::log::{self, LogTail, LogText, Stream};
use crate::api::operations::{
    AddProcessGroup, ClearAllProcessLogs, ClearLog, ClearProcessLogs, ReadLog,
    ReadProcessStderrLog, ReadProcessStdoutLog, ReloadConfig, RemoveProcessGroup, Restart,
    RestartProcess, RestartProcessGroup, SendProcessStdin, SendRemoteCommEvent, Shutdown,
    SignalAllProcesses, SignalProcess, SignalProcessGroup, StartAllProcesses, StartProcess,
    StartProcessGroup, StopAllProcesses, StopProcess, StopProcessGroup, TailProcessStderrLog,
    TailProcessStdoutLog, Update,
};
use crate::api::spec::Text;
use crate::model::{Error, ErrorKind, ProcessInfo, Snapshot, StateCode, SupervisorState, WallTime};

/// A process as `ListProcesses` tells it: group, name, state, pid, object.
type Listed = (String, String, String, u32, ObjectPath<'static>);

/// The interface.
pub static INTERFACE: Interface<State> = Interface {
    outline: &Outline {
        name: "org.supervisord.Supervisor1.Manager",
        methods: METHODS,
        signals: SIGNALS,
        properties: PROPERTIES,
    },
    getters: GETTERS,
};

/// What the properties are read from.
#[derive(Clone, Debug)]
pub struct State {
    facts: Arc<DaemonFacts>,
    state: SupervisorState,
    processes: usize,
    running: usize,
}

impl State {
    /// The daemon at the moment of a snapshot in which so many processes run.
    pub fn new(facts: &Arc<DaemonFacts>, snapshot: &Snapshot, running: usize) -> Self {
        let processes = snapshot.processes.len();
        Self { facts: facts.clone(), state: snapshot.state, processes, running }
    }
}

/// How many processes are RUNNING.
pub fn count_running(snapshot: &Snapshot) -> usize {
    snapshot.processes.values().filter(|process| process.state == StateCode::Running).count()
}

properties! { PROPERTIES, GETTERS of State:
    Version: String, Const = |_from| env!("CARGO_PKG_VERSION").to_owned();
    APIVersion: String, Const = |_from| API_VERSION.to_owned();
    Identifier: String, Const = |from| from.facts.identifier.clone();
    State: i32, Yes = |from| from.state.number();
    StateName: String, Yes = |from| from.state.name().to_owned();
    PID: u32, Const = |from| from.facts.pid;
    ConfigFile: String, Const = |from| from.facts.config_file.to_string_lossy().into_owned();
    NProcesses: u32, Yes = |from| count(from.processes);
    NRunning: u32, Yes = |from| count(from.running);
    StartTimestamp: u64, Const = |from| timestamp(from.facts.started);
}

signals! { SIGNALS:
    ProcessStateChanged(process: ObjectPath<'static>, from: String, to: String);
    ProcessAdded(process: ObjectPath<'static>);
    ProcessRemoved(process: ObjectPath<'static>);
    GroupAdded(group: String);
    GroupRemoved(group: String);
    Reloading(active: bool);
    Event(r#type: String, payload: String);
}

methods! { METHODS:
    ListProcesses() -> (processes: Vec<Listed>) Look [GetAllProcessInfo] =
        |call| Ok((list(&call.api().snapshot()),));
    GetProcess(name: String) -> (process: ObjectPath<'static>) Look [GetProcessInfo] =
        |call| Ok((path::process(&call.named(&name)?.id),));
    GetProcessByPID(pid: u32) -> (process: ObjectPath<'static>) Look [] =
        |call| Ok((of_pid(&call.api().snapshot(), pid)?,));

    StartProcess(name: String, wait: bool) -> (success: bool) ManageProcesses [StartProcess] =
        |call| done(call.ask(StartProcess { name: call.full_name(&name)?, wait }).await);
    StopProcess(name: String, wait: bool) -> (success: bool) ManageProcesses [StopProcess] =
        |call| done(call.ask(StopProcess { name: call.full_name(&name)?, wait }).await);
    RestartProcess(name: String, wait: bool) -> (success: bool) ManageProcesses [RestartProcess] =
        |call| done(call.ask(RestartProcess { name: call.full_name(&name)?, wait }).await);
    SignalProcess(name: String, signal: String) -> () ManageProcesses [SignalProcess] = |call| {
        let name = call.full_name(&name)?;
        nothing(call.ask(SignalProcess { name, signal: Text(signal) }).await)
    };
    SendProcessStdin(name: String, chars: Vec<u8>) -> () ManageProcesses [SendProcessStdin] =
        |call| nothing(call.ask(SendProcessStdin { name: call.full_name(&name)?, chars }).await);

    StartGroup(name: String, wait: bool) -> (statuses: Statuses)
        ManageProcesses [StartProcessGroup] =
        |call| statuses(call.ask(StartProcessGroup { name: Text(name), wait }).await);
    StopGroup(name: String, wait: bool) -> (statuses: Statuses)
        ManageProcesses [StopProcessGroup] =
        |call| statuses(call.ask(StopProcessGroup { name: Text(name), wait }).await);
    RestartGroup(name: String, wait: bool) -> (statuses: Statuses)
        ManageProcesses [RestartProcessGroup] =
        |call| statuses(call.ask(RestartProcessGroup { name: Text(name), wait }).await);
    SignalGroup(name: String, signal: String) -> (statuses: Statuses)
        ManageProcesses [SignalProcessGroup] = |call| {
            let request = SignalProcessGroup { name: Text(name), signal: Text(signal) };
            statuses(call.ask(request).await)
        };

    StartAll(wait: bool) -> (statuses: Statuses) ManageProcesses [StartAllProcesses] =
        |call| statuses(call.ask(StartAllProcesses { wait }).await);
    StopAll(wait: bool) -> (statuses: Statuses) ManageProcesses [StopAllProcesses] =
        |call| statuses(call.ask(StopAllProcesses { wait }).await);
    RestartAll(wait: bool) -> (statuses: Statuses)
        ManageProcesses [StopAllProcesses, StartAllProcesses] = |call| {
            // As `supervisorctl restart all`: first everything stops, in its order.
            call.ask(StopAllProcesses { wait: true }).await?;
            statuses(call.ask(StartAllProcesses { wait }).await)
        };
    SignalAll(signal: String) -> (statuses: Statuses) ManageProcesses [SignalAllProcesses] =
        |call| statuses(call.ask(SignalAllProcesses { signal: Text(signal) }).await);

    ReloadConfig() -> (added: Vec<String>, changed: Vec<String>, removed: Vec<String>)
        ManageDaemon [ReloadConfig] = |call| changes(call.ask(ReloadConfig {}).await);
    Update() -> (added: Vec<String>, changed: Vec<String>, removed: Vec<String>)
        ManageDaemon [Update] = |call| changes(call.ask(Update {}).await);
    AddGroup(name: String) -> () ManageDaemon [AddProcessGroup] =
        |call| nothing(call.ask(AddProcessGroup { name: Text(name) }).await);
    RemoveGroup(name: String) -> () ManageDaemon [RemoveProcessGroup] =
        |call| nothing(call.ask(RemoveProcessGroup { name: Text(name) }).await);

    ReadLog(offset: i64, length: i64) -> (data: Bytes) ReadLogs [ReadLog] =
        |call| text(call.ask(ReadLog { offset, length }).await);
    ReadProcessLog(name: String, channel: String, offset: i64, length: i64) -> (data: Bytes)
        ReadLogs [ReadProcessStdoutLog, ReadProcessStderrLog] =
        |call| read(&call, call.full_name(&name)?, &channel, offset, length).await;
    TailProcessLog(name: String, channel: String, offset: i64, length: i64)
        -> (data: Bytes, offset: i64, overflow: bool)
        ReadLogs [TailProcessStdoutLog, TailProcessStderrLog] =
        |call| tail(&call, call.full_name(&name)?, &channel, offset, length).await;
    OpenProcessLog(name: String, channel: String) -> (log: Fd<'static>) ReadLogs [] =
        |call| open(&call, &call.full_name(&name)?, &channel).await;
    ClearLog() -> () ManageDaemon [ClearLog] = |call| nothing(call.ask(ClearLog {}).await);
    ClearProcessLogs(name: String) -> () ManageProcesses [ClearProcessLogs] =
        |call| nothing(call.ask(ClearProcessLogs { name: call.full_name(&name)? }).await);
    ClearAllProcessLogs() -> (statuses: Statuses) ManageProcesses [ClearAllProcessLogs] =
        |call| statuses(call.ask(ClearAllProcessLogs {}).await.map(|cleared| cleared.0));

    SendRemoteCommEvent(r#type: String, data: String) -> ()
        ManageProcesses [SendRemoteCommEvent] = |call| {
            let request = SendRemoteCommEvent { kind: Text(r#type), data: Text(data) };
            nothing(call.ask(request).await)
        };
    Subscribe() -> () Look [] = |call| call.subscribe().await;
    Unsubscribe() -> () Look [] = |call| call.unsubscribe().await;

    Shutdown() -> () ManageDaemon [Shutdown] = |call| nothing(call.ask(Shutdown {}).await);
    Restart() -> () ManageDaemon [Restart] = |call| nothing(call.ask(Restart {}).await);
}

/// A piece of a log of a process.
pub async fn read(
    call: &Call,
    name: String,
    channel: &str,
    offset: i64,
    length: i64,
) -> Result<(Bytes,), Failure> {
    text(match stream(channel)? {
        Stream::Stdout => call.ask(ReadProcessStdoutLog { name, offset, length }).await,
        Stream::Stderr => call.ask(ReadProcessStderrLog { name, offset, length }).await,
    })
}

/// The end of a log of a process.
pub async fn tail(
    call: &Call,
    name: String,
    channel: &str,
    offset: i64,
    length: i64,
) -> Result<(Bytes, i64, bool), Failure> {
    let LogTail { data, offset, overflow } = match stream(channel)? {
        Stream::Stdout => call.ask(TailProcessStdoutLog { name, offset, length }).await?,
        Stream::Stderr => call.ask(TailProcessStderrLog { name, offset, length }).await?,
    };
    Ok((Bytes(data), i64::try_from(offset).unwrap_or(i64::MAX), overflow))
}

/// A log of a process as a descriptor to read from.
pub async fn open(call: &Call, name: &str, channel: &str) -> Result<(Fd<'static>,), Failure> {
    let log = log::open(call.api(), name, stream(channel)?).await?;
    Ok((Fd::Owned(log),))
}

fn stream(channel: &str) -> Result<Stream, Failure> {
    match channel {
        "stdout" => Ok(Stream::Stdout),
        "stderr" => Ok(Stream::Stderr),
        _ => {
            let text =
                format!("there is no channel {channel:?}: expected \"stdout\" or \"stderr\"");
            Err(Error::new(ErrorKind::BadArguments, text).into())
        }
    }
}

fn text(read: Result<LogText, Failure>) -> Result<(Bytes,), Failure> {
    read.map(|LogText(bytes)| (Bytes(bytes),))
}

fn list(snapshot: &Snapshot) -> Vec<Listed> {
    let listed = |process: &ProcessInfo| {
        let ProcessInfo { id, state, pid, .. } = process;
        let (group, name) = (id.group.to_string(), id.name.to_string());
        (group, name, state.name().to_owned(), pid_of(*pid), path::process(id))
    };
    snapshot.processes.values().map(|process| listed(process)).collect()
}

fn of_pid(snapshot: &Snapshot, pid: u32) -> Result<ObjectPath<'static>, Failure> {
    let found = snapshot.processes.values().find(|process| pid != 0 && pid_of(process.pid) == pid);
    let found = found.ok_or_else(|| {
        Error::new(ErrorKind::BadName, format!("no process of this daemon has the pid {pid}"))
    })?;
    Ok(path::process(&found.id))
}

/// A process id as it is told; 0 stands for none.
pub fn pid_of(pid: i32) -> u32 {
    u32::try_from(pid).unwrap_or(0)
}

/// Microseconds since the epoch; 0 stands for never.
pub fn timestamp(moment: WallTime) -> u64 {
    u64::try_from(moment.0).unwrap_or(0)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
