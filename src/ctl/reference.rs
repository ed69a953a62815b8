//! The commands in words: how each is called and what it does. supervisorctl(1), the completions
//! and the table in `docs/supervisorctl.md` are made of this by `tests/documents`. `help` prints
//! Supervisor's own lines instead; the programs do not use this, so it weighs nothing in them.

/// A command in words.
#[derive(Debug)]
pub struct Command {
    /// What is typed.
    pub name: &'static str,
    /// The words after it.
    pub words: &'static str,
    /// What it does, in half a sentence: what a completion shows.
    pub brief: &'static str,
    /// What else there is to know, in whole sentences; may be empty.
    pub more: &'static str,
}

const fn command(
    name: &'static str,
    words: &'static str,
    brief: &'static str,
    more: &'static str,
) -> Command {
    Command { name, words, brief, more }
}

/// Every command, sorted by name.
pub const COMMANDS: &[Command] = &[
    command(
        "add",
        "GROUP...",
        "make configured groups active",
        "One step of `update`: the daemon must know the group from a `reread`.",
    ),
    command(
        "avail",
        "",
        "show what is configured, and whether it is in use",
        "One line a process: its name, `in use` or `avail`, `auto` or `manual` start, and the priorities of its group and of itself.",
    ),
    command("clear", "NAME...|all", "empty the logs of processes", ""),
    command("exit", "", "leave the shell", ""),
    command(
        "fg",
        "NAME",
        "follow a process and write to it",
        "Shows both logs as they grow and sends what is typed, line by line, to the standard input of the process. Ctrl-C leaves it running. Ends when the daemon does.",
    ),
    command("help", "[COMMAND]", "list the commands, or explain one", ""),
    command(
        "maintail",
        "[-f|-BYTES]",
        "show the end of supervisord's own log",
        "As `tail` does for a process.",
    ),
    command(
        "open",
        "URL",
        "talk to another supervisord",
        "In the shell: `unix:///PATH`, `http://HOST:PORT` or `https://HOST:PORT`.",
    ),
    command(
        "pid",
        "[NAME...|all]",
        "show the process id of supervisord, or of processes",
        "0 is a process that does not run.",
    ),
    command("quit", "", "leave the shell", ""),
    command(
        "reload",
        "",
        "restart supervisord with all programs",
        "Everything is stopped, the configuration is read, and everything begins anew in the same process. A configuration with errors is refused, and everything runs on. To apply only what changed, `update`.",
    ),
    command(
        "remove",
        "GROUP...",
        "make stopped groups inactive",
        "One step of `update`: no process of the group may run.",
    ),
    command(
        "reread",
        "",
        "read the configuration and say what would change",
        "Nothing is changed. An error in the file is shown with its place.",
    ),
    command(
        "restart",
        "NAME...|all",
        "stop processes and start them again",
        "Waits until they run. The configuration is not read anew for it.",
    ),
    command("shutdown", "", "stop all programs and end supervisord", ""),
    command("signal", "SIGNAL NAME...|all", "send processes a signal, by name or number", ""),
    command(
        "start",
        "NAME...|all",
        "start processes",
        "Waits until each is RUNNING or has failed.",
    ),
    command(
        "status",
        "[NAME...|all]",
        "show states, and what there is to say about them",
        "One line a process: name, state, and its process id and uptime, or when and why it ended. `--json` has all that is known.",
    ),
    command("stop", "NAME...|all", "stop processes", "Waits until they have ended."),
    command(
        "tail",
        "[-f|-BYTES] NAME [stdout|stderr]",
        "show the end of a process's log",
        "The last 1,600 bytes, or as many as asked for, of its stdout or stderr. `-f` goes on with what is written from then on, until Ctrl-C.",
    ),
    command(
        "update",
        "[GROUP...|all]",
        "read the configuration and apply what changed",
        "Stops and removes, replaces, adds. A group in which anything changed is stopped and started as a whole; the others are not touched. `supervisord` itself, on SIGUSR1, replaces only the processes that changed.",
    ),
    command("version", "", "show supervisord's version", ""),
];

#[cfg(test)]
mod tests {
    use super::super::help::SPECS;
    use super::*;

    #[test]
    fn every_command_is_described() {
        let known: Vec<_> = SPECS.iter().map(|spec| spec.name).collect();
        let described: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(described, known);
        for Command { name, brief, more, .. } in COMMANDS {
            assert!(!brief.is_empty() && !brief.ends_with('.'), "{name}");
            assert!(more.is_empty() || more.ends_with('.'), "{name}");
        }
    }
}
