//! `org.supervisord.Supervisor1.Process`: one process.

use zbus::{Fd, ObjectPath};

use super::answer::{Bytes, done, nothing};
use super::interface::{Interface, Outline, methods, properties};
use super::manager::{open, pid_of, read, tail, timestamp};
use super::path;
use crate::api::describe::describe;
use crate::api::operations::{
    ClearProcessLogs, RestartProcess, SendProcessStdin, SignalProcess, StartProcess, StopProcess,
};
use crate::api::process::ProcessReport;
use crate::api::spec::Text;
use crate::model::{ExitStatus, ProcessInfo};

/// The interface.
pub static INTERFACE: Interface<ProcessReport> = Interface {
    outline: &Outline {
        name: "org.supervisord.Supervisor1.Process",
        methods: METHODS,
        signals: &[],
        properties: PROPERTIES,
    },
    getters: GETTERS,
};

properties! { PROPERTIES, GETTERS of ProcessReport:
    Name: String, Const = |from| from.info.id.name.to_string();
    Group: String, Const = |from| from.info.id.group.to_string();
    GroupPath: ObjectPath<'static>, Const = |from| path::group(&from.info.id.group);
    State: i32, Yes = |from| from.info.state.number();
    StateName: String, Yes = |from| from.info.state.name().to_owned();
    PID: u32, Yes = |from| pid_of(from.info.pid);
    ExitStatus: i32, Yes = |from| from.info.exit.map_or(0, ExitStatus::code);
    StartTimestamp: u64, Yes = |from| timestamp(from.info.start);
    StopTimestamp: u64, Yes = |from| timestamp(from.info.stop);
    SpawnError: String, Yes = |from| from.info.spawn_error.to_string();
    StdoutLogfile: String, Yes = |from| from.info.facts.stdout_text().into_owned();
    StderrLogfile: String, Yes = |from| from.info.facts.stderr_text().into_owned();
    StatusText: String, Yes = |from| from.info.status_text.to_string();
    NRestarts: u32, Yes = |from| restarts(&from.info);
    Command: String, Yes = |from| from.info.facts.command.to_string();
    ControlGroup: String, Yes = |from| from.info.facts.control_group.clone();
    Description: String, No = |from| describe(&from.info, from.now);
}

methods! { METHODS:
    Start(wait: bool) -> (success: bool) ManageProcesses [StartProcess] =
        |call| done(call.ask(StartProcess { name: call.own_name()?, wait }).await);
    Stop(wait: bool) -> (success: bool) ManageProcesses [StopProcess] =
        |call| done(call.ask(StopProcess { name: call.own_name()?, wait }).await);
    Restart(wait: bool) -> (success: bool) ManageProcesses [RestartProcess] =
        |call| done(call.ask(RestartProcess { name: call.own_name()?, wait }).await);
    Signal(signal: String) -> () ManageProcesses [SignalProcess] = |call| {
        let name = call.own_name()?;
        nothing(call.ask(SignalProcess { name, signal: Text(signal) }).await)
    };
    SendStdin(chars: Vec<u8>) -> () ManageProcesses [SendProcessStdin] =
        |call| nothing(call.ask(SendProcessStdin { name: call.own_name()?, chars }).await);
    ReadLog(channel: String, offset: i64, length: i64) -> (data: Bytes)
        ReadLogs [ReadProcessStdoutLog, ReadProcessStderrLog] =
        |call| read(&call, call.own_name()?, &channel, offset, length).await;
    TailLog(channel: String, offset: i64, length: i64)
        -> (data: Bytes, offset: i64, overflow: bool)
        ReadLogs [TailProcessStdoutLog, TailProcessStderrLog] =
        |call| tail(&call, call.own_name()?, &channel, offset, length).await;
    OpenLog(channel: String) -> (log: Fd<'static>) ReadLogs [] =
        |call| open(&call, &call.own_name()?, &channel).await;
    ClearLogs() -> () ManageProcesses [ClearProcessLogs] =
        |call| nothing(call.ask(ClearProcessLogs { name: call.own_name()? }).await);
}

/// The first start is none.
fn restarts(process: &ProcessInfo) -> u32 {
    u32::try_from(process.starts.saturating_sub(1)).unwrap_or(u32::MAX)
}
