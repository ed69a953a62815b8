//! The commands: one list feeds the dispatcher's checks, help and completion.

/// What the words after a command may be completed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completes {
    /// Nothing.
    Nothing,
    /// Names of commands.
    Commands,
    /// Names of groups.
    Groups,
    /// Names of processes, and `group:*`.
    Processes,
}

/// A command as a person meets it.
#[derive(Debug)]
pub struct Spec {
    /// What is typed.
    pub name: &'static str,
    /// What its words are.
    pub completes: Completes,
    /// Whether it can answer in JSON.
    pub json: bool,
    /// What `help NAME` prints: the reference's lines.
    pub help: &'static str,
}

const fn spec(name: &'static str, completes: Completes, json: bool, help: &'static str) -> Spec {
    Spec { name, completes, json, help }
}

use Completes::{Commands, Groups, Nothing, Processes};

/// Every command, sorted by name.
pub const SPECS: &[Spec] = &[
    spec(
        "add",
        Groups,
        false,
        "add <name> [...]\tActivates any updates in config for process/group",
    ),
    spec("avail", Nothing, true, "avail\t\t\tDisplay all configured processes"),
    spec(
        "clear",
        Processes,
        false,
        "clear <name>\t\tClear a process' log files.\n\
         clear <name> <name>\tClear multiple process' log files\n\
         clear all\t\tClear all process' log files",
    ),
    spec("exit", Nothing, false, "exit\tExit the supervisor shell."),
    spec(
        "fg",
        Processes,
        false,
        "fg <process>\tConnect to a process in foreground mode\n\
         \t\tCtrl-C to exit",
    ),
    spec(
        "help",
        Commands,
        false,
        "help\t\tPrint a list of available actions\n\
         help <action>\tPrint help for <action>",
    ),
    spec(
        "maintail",
        Nothing,
        false,
        "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)\n\
         maintail -100\tlast 100 *bytes* of supervisord main log file\n\
         maintail\tlast 1600 *bytes* of supervisor main log file\n",
    ),
    spec(
        "open",
        Nothing,
        false,
        "open <url>\tConnect to a remote supervisord process.\n\
         \t\t(for UNIX domain socket, use unix:///socket/path)",
    ),
    spec(
        "pid",
        Processes,
        true,
        "pid\t\t\tGet the PID of supervisord.\n\
         pid <name>\t\tGet the PID of a single child process by name.\n\
         pid all\t\t\tGet the PID of every child process, one per line.",
    ),
    spec("quit", Nothing, false, "quit\tExit the supervisor shell."),
    spec("reload", Nothing, false, "reload \t\tRestart the remote supervisord."),
    spec("remove", Groups, false, "remove <name> [...]\tRemoves process/group from active config"),
    spec(
        "reread",
        Nothing,
        true,
        "reread \t\t\tReload the daemon's configuration files without add/remove",
    ),
    spec(
        "restart",
        Processes,
        false,
        "restart <name>\t\tRestart a process\n\
         restart <gname>:*\tRestart all processes in a group\n\
         restart <name> <name>\tRestart multiple processes or groups\n\
         restart all\t\tRestart all processes\n\
         Note: restart does not reread config files. For that, see reread and update.",
    ),
    spec("shutdown", Nothing, false, "shutdown \tShut the remote supervisord down."),
    spec(
        "signal",
        Processes,
        false,
        "signal <signal name> <name>\t\tSignal a process\n\
         signal <signal name> <gname>:*\t\tSignal all processes in a group\n\
         signal <signal name> <name> <name>\tSignal multiple processes or groups\n\
         signal <signal name> all\t\tSignal all processes",
    ),
    spec(
        "start",
        Processes,
        false,
        "start <name>\t\tStart a process\n\
         start <gname>:*\t\tStart all processes in a group\n\
         start <name> <name>\tStart multiple processes or groups\n\
         start all\t\tStart all processes",
    ),
    spec(
        "status",
        Processes,
        true,
        "status <name>\t\tGet status for a single process\n\
         status <gname>:*\tGet status for all processes in a group\n\
         status <name> <name>\tGet status for multiple named processes\n\
         status\t\t\tGet all process status info",
    ),
    spec(
        "stop",
        Processes,
        false,
        "stop <name>\t\tStop a process\n\
         stop <gname>:*\t\tStop all processes in a group\n\
         stop <name> <name>\tStop multiple processes or groups\n\
         stop all\t\tStop all processes",
    ),
    spec(
        "tail",
        Processes,
        false,
        "tail [-f] <name> [stdout|stderr] (default stdout)\n\
         Ex:\n\
         tail -f <name>\t\tContinuous tail of named process stdout\n\
         \t\t\tCtrl-C to exit.\n\
         tail -100 <name>\tlast 100 *bytes* of process stdout\n\
         tail <name> stderr\tlast 1600 *bytes* of process stderr",
    ),
    spec(
        "update",
        Groups,
        false,
        "update\t\t\tReload config and add/remove as necessary, and will restart affected programs\n\
         update all\t\tReload config and add/remove as necessary, and will restart affected programs\n\
         update <gname> [...]\tUpdate specific groups",
    ),
    spec(
        "version",
        Nothing,
        true,
        "version\t\t\tShow the version of the remote supervisord process",
    ),
];

/// The command of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.name == name)
}

/// How many columns of names the overview has.
const COLUMNS: usize = 7;

/// What a bare `help` prints: names in columns, read downwards. `help` itself is not listed there.
#[must_use]
pub fn overview() -> String {
    let names: Vec<&str> = SPECS.iter().map(|spec| spec.name).filter(|&n| n != "help").collect();
    let rows = names.len().div_ceil(COLUMNS);
    let widths: Vec<usize> = names
        .chunks(rows)
        .map(|column| column.iter().map(|n| n.len()).max().unwrap_or(0))
        .collect();
    let header = "default commands (type help <topic>):";
    let mut text = format!("\n{header}\n{}\n", "=".repeat(header.len()));
    for row in 0..rows {
        let cells = names.iter().skip(row).step_by(rows).zip(&widths);
        let cells: Vec<String> = cells.map(|(name, width)| format!("{name:<width$}")).collect();
        text.push_str(&cells.join("  "));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_is_the_references() {
        let expected = "\ndefault commands (type help <topic>):\n\
                        =====================================\n\
                        add    exit      open  reload  restart   start   tail   \n\
                        avail  fg        pid   remove  shutdown  status  update \n\
                        clear  maintail  quit  reread  signal    stop    version\n";
        assert_eq!(overview(), expected);
    }

    #[test]
    fn commands_are_sorted_and_explained() {
        assert!(SPECS.is_sorted_by_key(|spec| spec.name));
        for spec in SPECS {
            assert!(spec.help.contains(spec.name), "{}", spec.name);
        }
    }
}
