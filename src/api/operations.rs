//! The table of operations. To offer a new one, add a row here and write the function it names.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::process::{ProcessReport, Statuses};
use super::spec::{Access, Args, Argument, Param, Spec, Text, Type};
use super::{Answer, Api, Operation, daemon, log, process, system};
use crate::core::Reply;
use crate::model::Error;
use crate::xmlrpc::Value;

/// A row of the table, with its types erased.
pub struct Entry {
    /// What it is called and takes.
    pub spec: &'static Spec,
    /// Runs it on untyped values.
    pub run: for<'a> fn(&'a Api, Vec<Value>) -> Answer<'a>,
}

impl Entry {
    const fn of<O: Operation>() -> Self {
        Self { spec: O::SPEC, run: run::<O> }
    }
}

/// The number of values is looked at before anything else, their types last: so does the
/// reference.
fn run<O: Operation>(api: &Api, values: Vec<Value>) -> Answer<'_> {
    Box::pin(async move {
        let mut args = Args::new(O::SPEC, values)?;
        api.admit(O::SPEC)?;
        O::decode(&mut args)?.run(api).await.map(Into::into)
    })
}

/// The operation of this name, an alias's too.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    static INDEX: LazyLock<HashMap<&str, &Entry>> = LazyLock::new(|| names().collect());
    INDEX.get(name).copied()
}

/// Every name, aliases too, with its operation.
pub fn names() -> impl Iterator<Item = (&'static str, &'static Entry)> {
    OPERATIONS.iter().flat_map(|entry| {
        let aliases = entry.spec.aliases.iter().copied();
        std::iter::once(entry.spec.name).chain(aliases).map(move |name| (name, entry))
    })
}

/// Each row: its help; the request's type, its XML-RPC name and aliases; access, parameters with
/// defaults, the answer's type on the wire and in Rust; the function that does it.
macro_rules! operations {
    ($(
        $(#[doc = $help:literal])+
        $name:ident $method:literal $(| $alias:literal)*
        $access:ident ($($param:ident: $type:ty $(= $default:literal)?),*)
        -> $returns:ident $reply:ty = $run:path;
    )*) => {
        $(
            $(#[doc = $help])+
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name {
                $(
                    #[doc = concat!("Parameter `", stringify!($param), "`.")]
                    pub $param: $type,
                )*
            }

            impl Operation for $name {
                type Reply = $reply;

                const SPEC: &'static Spec = &Spec {
                    name: $method,
                    aliases: &[$($alias),*],
                    params: &[$(Param {
                        name: stringify!($param),
                        kind: <$type as Argument>::TYPE,
                        default: operations!(@default $($default)?),
                    }),*],
                    returns: Type::$returns,
                    access: Access::$access,
                    help: concat!($($help, "\n"),+),
                };

                #[allow(unused_variables)]
                fn decode(args: &mut Args) -> Result<Self, Error> {
                    Ok(Self { $($param: operations!(@take args $($default)?)),* })
                }

                fn run(self, api: &Api) -> impl Future<Output = Result<$reply, Error>> + Send {
                    $run(api, self)
                }
            }
        )*

        /// Every operation.
        pub static OPERATIONS: &[Entry] = &[$(Entry::of::<$name>()),*];
    };
    (@default) => { None };
    (@default $default:literal) => { Some(stringify!($default)) };
    (@take $args:ident) => { $args.take()? };
    (@take $args:ident $default:literal) => { $args.take_or($default)? };
}

operations! {
    /// The version of this interface; clients of Supervisor look for 3.0.
    GetApiVersion "supervisor.getAPIVersion" | "supervisor.getVersion"
        Look () -> String String = daemon::api_version;

    /// The version of Supervisor whose behaviour this daemon offers.
    GetSupervisorVersion "supervisor.getSupervisorVersion"
        Look () -> String String = daemon::supervisor_version;

    /// The daemon's `identifier`, as configured.
    GetIdentification "supervisor.getIdentification"
        Look () -> String String = daemon::identification;

    /// The daemon's own state, as a number (`statecode`) and a name (`statename`).
    GetState "supervisor.getState"
        Look () -> Struct daemon::State = daemon::state;

    /// The daemon's process id.
    GetPid "supervisor.getPID"
        Look () -> Int i64 = daemon::pid;

    /// A piece of the activity log. With `offset` >= 0, `length` bytes from there, or all to the
    /// end for 0; with `offset` < 0, and `length` 0, the last -`offset` bytes.
    ReadLog "supervisor.readLog" | "supervisor.readMainLog"
        ReadLogs (offset: i64, length: i64) -> String log::LogText = log::read_main;

    /// Empties the activity log.
    ClearLog "supervisor.clearLog"
        ManageDaemon () -> Boolean bool = log::clear_main;

    /// Stops every process, then ends the daemon. Answers at once.
    Shutdown "supervisor.shutdown"
        ManageDaemon () -> Boolean Reply = daemon::shutdown;

    /// Stops every process, then begins anew with the configuration as it is then.
    Restart "supervisor.restart"
        ManageDaemon () -> Boolean Reply = daemon::restart;

    /// Reads the configuration file anew, changing nothing yet. Answers `[[added, changed,
    /// removed]]`, three arrays of group names, relative to what is active.
    ReloadConfig "supervisor.reloadConfig"
        ManageDaemon () -> Array Reply = daemon::reload_config;

    /// Reads the configuration file anew and applies it: groups that are gone are stopped and
    /// removed, changed ones stopped and replaced, new ones added; the rest is not touched.
    /// Answers as `supervisor.reloadConfig`.
    Update "supervisor.update"
        ManageDaemon () -> Array Reply = daemon::update;

    /// Activates a group of the configuration last read.
    AddProcessGroup "supervisor.addProcessGroup"
        ManageDaemon (name: Text) -> Boolean Reply = daemon::add_group;

    /// Deactivates a group none of whose processes run.
    RemoveProcessGroup "supervisor.removeProcessGroup"
        ManageDaemon (name: Text) -> Boolean Reply = daemon::remove_group;

    /// The settings of every process of the configuration last read, sorted by name.
    GetAllConfigInfo "supervisor.getAllConfigInfo"
        Look () -> Array daemon::ConfigReport = daemon::all_config_info;

    /// Starts a process; or a group's, named `group:*`, answering as
    /// `supervisor.startProcessGroup`. With `wait`, answers when it is RUNNING.
    StartProcess "supervisor.startProcess"
        ManageProcesses (name: String, wait: bool = true) -> Boolean Reply = process::start;

    /// Starts every process of a group that does not run. Answers one struct (`name`, `group`,
    /// `status`, `description`) for each, in the order of completion.
    StartProcessGroup "supervisor.startProcessGroup"
        ManageProcesses (name: Text, wait: bool = true) -> Array Reply = process::start_group;

    /// Starts every process that does not run. Answers as `supervisor.startProcessGroup`.
    StartAllProcesses "supervisor.startAllProcesses"
        ManageProcesses (wait: bool = true) -> Array Reply = process::start_all;

    /// Stops a process; or a group's, named `group:*`, answering as
    /// `supervisor.stopProcessGroup`. With `wait`, answers when it has ended.
    StopProcess "supervisor.stopProcess"
        ManageProcesses (name: String, wait: bool = true) -> Boolean Reply = process::stop;

    /// Stops every process of a group. Answers as `supervisor.startProcessGroup`.
    StopProcessGroup "supervisor.stopProcessGroup"
        ManageProcesses (name: Text, wait: bool = true) -> Array Reply = process::stop_group;

    /// Stops every process. Answers as `supervisor.startProcessGroup`.
    StopAllProcesses "supervisor.stopAllProcesses"
        ManageProcesses (wait: bool = true) -> Array Reply = process::stop_all;

    /// Stops a process, if it runs, and starts it; or a group's, named `group:*`, answering as
    /// `supervisor.restartProcessGroup`. With `wait`, answers when it is RUNNING.
    RestartProcess "supervisor.restartProcess"
        ManageProcesses (name: String, wait: bool = true) -> Boolean Reply = process::restart;

    /// Stops every process of a group and starts them. Answers as
    /// `supervisor.startProcessGroup`.
    RestartProcessGroup "supervisor.restartProcessGroup"
        ManageProcesses (name: Text, wait: bool = true) -> Array Reply = process::restart_group;

    /// Sends a signal, by name (`HUP`, `SIGHUP`) or number, to a process; or to a group's,
    /// named `group:*`, answering as `supervisor.signalProcessGroup`.
    SignalProcess "supervisor.signalProcess"
        ManageProcesses (name: String, signal: Text) -> Boolean Reply = process::signal;

    /// Sends a signal to every process of a group that has a child. Answers as
    /// `supervisor.startProcessGroup`.
    SignalProcessGroup "supervisor.signalProcessGroup"
        ManageProcesses (name: Text, signal: Text) -> Array Reply = process::signal_group;

    /// Sends a signal to every process that has a child. Answers as
    /// `supervisor.startProcessGroup`.
    SignalAllProcesses "supervisor.signalAllProcesses"
        ManageProcesses (signal: Text) -> Array Reply = process::signal_all;

    /// Writes to a process's standard input: a string as UTF-8, base64 as it is.
    SendProcessStdin "supervisor.sendProcessStdin"
        ManageProcesses (name: String, chars: Vec<u8>) -> Boolean Reply = process::send_stdin;

    /// Sends a REMOTE_COMMUNICATION event to the event listeners.
    SendRemoteCommEvent "supervisor.sendRemoteCommEvent"
        ManageProcesses (kind: Text, data: Text) -> Boolean bool = daemon::send_event;

    /// All about one process.
    GetProcessInfo "supervisor.getProcessInfo"
        Look (name: String) -> Struct ProcessReport = process::info;

    /// All about every process, sorted by group, then name.
    GetAllProcessInfo "supervisor.getAllProcessInfo"
        Look () -> Array Vec<ProcessReport> = process::all_info;

    /// A piece of a process's stdout log; `offset` and `length` as in `supervisor.readLog`.
    ReadProcessStdoutLog "supervisor.readProcessStdoutLog" | "supervisor.readProcessLog"
        ReadLogs (name: String, offset: i64, length: i64) -> String log::LogText = log::read_stdout;

    /// A piece of a process's stderr log; `offset` and `length` as in `supervisor.readLog`.
    ReadProcessStderrLog "supervisor.readProcessStderrLog"
        ReadLogs (name: String, offset: i64, length: i64) -> String log::LogText = log::read_stderr;

    /// The end of a process's stdout log: `[bytes, offset, overflow]`. If the log has grown
    /// beyond `offset` + `length`, its last `length` bytes and `overflow` true; the offset
    /// answered is the log's size.
    TailProcessStdoutLog "supervisor.tailProcessStdoutLog" | "supervisor.tailProcessLog"
        ReadLogs (name: String, offset: i64, length: i64) -> Array log::LogTail = log::tail_stdout;

    /// The end of a process's stderr log, as `supervisor.tailProcessStdoutLog`.
    TailProcessStderrLog "supervisor.tailProcessStderrLog"
        ReadLogs (name: String, offset: i64, length: i64) -> Array log::LogTail = log::tail_stderr;

    /// Empties a process's logs.
    ClearProcessLogs "supervisor.clearProcessLogs" | "supervisor.clearProcessLog"
        ManageProcesses (name: String) -> Boolean bool = log::clear;

    /// Empties every process's logs. Answers as `supervisor.startProcessGroup`.
    ClearAllProcessLogs "supervisor.clearAllProcessLogs"
        ManageProcesses () -> Array Statuses = log::clear_all;

    /// The names of all methods, sorted.
    ListMethods "system.listMethods"
        Look () -> Array Vec<&'static str> = system::list_methods;

    /// What a method does and takes.
    MethodHelp "system.methodHelp"
        Look (name: Text) -> String String = system::method_help;

    /// The type of a method's answer, then those of its parameters.
    MethodSignature "system.methodSignature"
        Look (name: Text) -> Array Vec<&'static str> = system::method_signature;

    /// Runs calls, each a struct of `methodName` and `params`, one after the other. Answers an
    /// array of their results; for one that failed a struct of `faultCode` and `faultString`.
    Multicall "system.multicall"
        Carry (calls: Vec<Value>) -> Array Vec<Value> = system::multicall;
}
