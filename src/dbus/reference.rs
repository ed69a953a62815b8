//! The interfaces in words: what every method, signal, property and error is for.
//! org.supervisord.Supervisor1(5) is made of this and of the tables that serve calls, by
//! `tests/documents`; the daemon does not use it, so it weighs nothing there.

pub use super::interface::{Argument, Method, Outline, Property, Signal, Told};
use super::{group, log_control, manager, process};

/// An interface in words.
pub struct Described {
    /// What it consists of.
    pub outline: &'static Outline,
    /// The objects that have it.
    pub path: &'static str,
    /// What such an object stands for.
    pub about: &'static str,
    /// Every member and what it is for, without a full stop.
    pub members: &'static [(&'static str, &'static str)],
}

impl Described {
    /// What this member is for; nothing if it is not described, which a test finds.
    #[must_use]
    pub fn member(&self, name: &str) -> &'static str {
        self.members.iter().find(|(known, _)| *known == name).map_or("", |(_, words)| words)
    }
}

/// Every interface of the daemon's own, and the one of systemd's that it has.
#[must_use]
pub fn interfaces() -> [Described; 4] {
    [
        Described {
            outline: manager::INTERFACE.outline,
            path: "/org/supervisord/Supervisor1",
            about: "The daemon and everything in it.",
            members: MANAGER,
        },
        Described {
            outline: process::INTERFACE.outline,
            path: "/org/supervisord/Supervisor1/process/GROUP/NAME",
            about: "One process. Its methods are those of the Manager of the same kind.",
            members: PROCESS,
        },
        Described {
            outline: group::INTERFACE.outline,
            path: "/org/supervisord/Supervisor1/group/GROUP",
            about: "One group. Its methods are those of the Manager of the same kind.",
            members: GROUP,
        },
        Described {
            outline: log_control::INTERFACE.outline,
            path: "/org/freedesktop/LogControl1",
            about: "The daemon's own log, for `systemctl service-log-level`.",
            members: LOG_CONTROL,
        },
    ]
}

const MANAGER: &[(&str, &str)] = &[
    ("ListProcesses", "group, name, state, process id and object of every process"),
    ("GetProcess", "the object of a process"),
    ("GetProcessByPID", "the object of the process with this process id"),
    ("StartProcess", "starts a process"),
    ("StopProcess", "stops a process"),
    ("RestartProcess", "stops a process if it runs, and starts it"),
    ("SignalProcess", "sends a process a signal, by name (`HUP`, `SIGHUP`) or number"),
    ("SendProcessStdin", "writes to a process's standard input"),
    (
        "StartGroup",
        "starts the processes of a group; answers name, group, status and description of each, where status 80 is success and others are the fault numbers of XML-RPC",
    ),
    ("StopGroup", "stops the processes of a group, and answers as `StartGroup`"),
    ("RestartGroup", "stops the processes of a group and starts them, and answers as `StartGroup`"),
    ("SignalGroup", "sends the processes of a group a signal, and answers as `StartGroup`"),
    ("StartAll", "starts every process, and answers as `StartGroup`"),
    ("StopAll", "stops every process, and answers as `StartGroup`"),
    ("RestartAll", "stops everything, waits for that, and starts it; answers as `StartGroup`"),
    ("SignalAll", "sends every process a signal, and answers as `StartGroup`"),
    (
        "ReloadConfig",
        "reads the configuration and tells which groups were added, changed and removed; changes nothing",
    ),
    (
        "Update",
        "reads the configuration, tells the same, and applies it: only processes that changed are touched",
    ),
    ("AddGroup", "makes a configured group active"),
    ("RemoveGroup", "makes a stopped group inactive"),
    (
        "ReadLog",
        "a piece of the daemon's log; a negative offset counts from its end, and a length of 0 is all that follows",
    ),
    ("ReadProcessLog", "a piece of a process's log, likewise"),
    (
        "TailProcessLog",
        "the last `length` bytes of a process's log: the data, the log's size, and whether it has grown past `offset` and `length` together",
    ),
    ("OpenProcessLog", "a descriptor to read a process's log file from"),
    ("ClearLog", "empties the daemon's log"),
    ("ClearProcessLogs", "empties the logs of a process"),
    ("ClearAllProcessLogs", "empties the logs of every process, and answers as `StartGroup`"),
    ("SendRemoteCommEvent", "sends event listeners a `REMOTE_COMMUNICATION` event"),
    (
        "Subscribe",
        "asks for the signal `Event`, which is sent while anybody is subscribed; who leaves the bus is forgotten",
    ),
    ("Unsubscribe", "takes that back"),
    ("Shutdown", "stops everything and ends the daemon; answered before it is done"),
    ("Restart", "stops everything and begins anew; answered before it is done"),
    ("ProcessStateChanged", "a process went from one state to another"),
    ("ProcessAdded", "there is a new process"),
    ("ProcessRemoved", "a process is no longer there"),
    ("GroupAdded", "a group became active"),
    ("GroupRemoved", "a group became inactive"),
    ("Reloading", "the configuration is being read, or not any more"),
    (
        "Event",
        "type and payload of an event as an event listener would get it: `PROCESS_STATE_RUNNING` and `processname:cat groupname:cat from_state:STARTING pid:7`",
    ),
    ("Version", "the daemon's version"),
    ("APIVersion", "the version of the XML-RPC interface"),
    ("Identifier", "what the daemon is called (`identifier`)"),
    ("State", "1 RUNNING, 0 RESTARTING, -1 SHUTDOWN"),
    ("StateName", "the same in words"),
    ("PID", "its process id"),
    ("ConfigFile", "the configuration file"),
    ("NProcesses", "how many processes there are"),
    ("NRunning", "how many of them are RUNNING"),
    ("StartTimestamp", "when it started"),
];

const PROCESS: &[(&str, &str)] = &[
    ("Start", "starts it"),
    ("Stop", "stops it"),
    ("Restart", "stops it if it runs, and starts it"),
    ("Signal", "sends it a signal"),
    ("SendStdin", "writes to its standard input"),
    ("ReadLog", "a piece of its log"),
    ("TailLog", "the last bytes of its log"),
    ("OpenLog", "a descriptor to read its log file from"),
    ("ClearLogs", "empties its logs"),
    ("Name", "its name within its group"),
    ("Group", "its group's name"),
    ("GroupPath", "its group's object"),
    (
        "State",
        "0 STOPPED, 10 STARTING, 20 RUNNING, 30 BACKOFF, 40 STOPPING, 100 EXITED, 200 FATAL, 1000 UNKNOWN",
    ),
    ("StateName", "the same in words"),
    ("PID", "its process id; 0 if it does not run"),
    ("ExitStatus", "the exit code of its last end; -1 for a signal"),
    ("StartTimestamp", "when it was last started; 0 is never"),
    ("StopTimestamp", "when it last ended; 0 is never"),
    ("SpawnError", "why it could not be started, or what was wrong with its end"),
    ("StdoutLogfile", "the file with its stdout; empty if there is none"),
    ("StderrLogfile", "the file with its stderr; empty if there is none"),
    ("StatusText", "what the program says of itself (`STATUS=`); empty if nothing"),
    ("NRestarts", "how often it was started after the first time"),
    ("Command", "its command line, as configured"),
    ("ControlGroup", "its control group; empty if it has none of its own"),
    (
        "Description",
        "the sentence of `supervisorctl status`. It changes every second, and that is not announced",
    ),
];

const GROUP: &[(&str, &str)] = &[
    ("Start", "starts its processes; each with a status, as `StartGroup` of the Manager"),
    ("Stop", "stops its processes"),
    ("Restart", "stops its processes and starts them"),
    ("Signal", "sends its processes a signal"),
    ("Name", "its name"),
    ("Priority", "its priority: lower starts first and stops last"),
    ("Processes", "the objects of its processes"),
];

const LOG_CONTROL: &[(&str, &str)] = &[
    (
        "LogLevel",
        "`crit`, `err`, `warning`, `info` or `debug`; one that is set holds until the daemon ends or restarts",
    ),
    ("LogTarget", "`file`, `console`, `syslog`, `journal` or `null`"),
    ("SyslogIdentifier", "what the daemon is called (`identifier`)"),
];

/// The daemon's own errors, by what comes after `org.supervisord.Supervisor1.Error.`: the faults of
/// XML-RPC by another name.
pub const ERRORS: &[(&str, &str)] = &[
    ("Failed", "it was tried and did not work"),
    ("IncorrectParameters", "an argument is out of its range"),
    ("BadArguments", "the arguments make no sense together; there is no such channel"),
    ("ShutdownState", "the daemon is shutting down or restarting"),
    ("BadName", "there is no process or group of that name"),
    ("BadSignal", "there is no such signal"),
    ("NoFile", "the program or the log file does not exist"),
    ("NotExecutable", "the program cannot be executed"),
    ("AbnormalTermination", "the process ended before it was RUNNING"),
    ("SpawnError", "the process could not be started"),
    ("AlreadyStarted", "the process runs already"),
    ("NotRunning", "the process does not run"),
    ("AlreadyAdded", "the group is active already"),
    ("StillRunning", "a process of the group still runs"),
    ("CantReread", "the configuration has errors"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::error::FAILURES;

    /// Failures that no call on a bus ends with.
    const ELSEWHERE: [&str; 4] =
        ["UnknownMethod", "SignatureUnsupported", "Success", "AccessDenied"];

    #[test]
    fn every_member_is_described() {
        for described in interfaces() {
            let outline = described.outline;
            let methods = outline.methods.iter().map(|method| method.name);
            let signals = outline.signals.iter().map(|signal| signal.name);
            let properties = outline.properties.iter().map(|property| property.name);
            let there: Vec<_> = methods.chain(signals).chain(properties).collect();
            let named: Vec<_> = described.members.iter().map(|(name, _)| *name).collect();
            assert_eq!(
                named.iter().collect::<BTreeSet<_>>(),
                there.iter().collect::<BTreeSet<_>>(),
                "{}",
                outline.name
            );
            assert_eq!(named.len(), there.len(), "{}", outline.name);
        }
    }

    #[test]
    fn every_error_is_described() {
        let known = FAILURES.iter().map(|row| row.dbus).filter(|name| !ELSEWHERE.contains(name));
        let described = ERRORS.iter().map(|(name, _)| *name);
        assert_eq!(described.collect::<BTreeSet<_>>(), known.collect::<BTreeSet<_>>());
    }
}
