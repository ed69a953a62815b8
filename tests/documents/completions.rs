//! The completions: the shell code of `completions/` with the tables in their places.

use std::fs;
use std::path::PathBuf;

use clap::{Arg, Command};
use supervisord::config::setting;
use supervisord::ctl::help::{self, Completes};
use supervisord::ctl::reference::{COMMANDS, Command as Described};
use supervisord::model::{Signal, StateCode};

use super::tables;

/// Every file.
pub const FILES: &[&str] = &[
    "supervisorctl.bash",
    "supervisord.bash",
    "_supervisorctl",
    "_supervisord",
    "supervisorctl.fish",
    "supervisord.fish",
];

/// Options that lead to the daemon and in to it: it is asked for names with the same.
const LEADS: &[&str] = &["configuration", "serverurl", "username", "password"];

/// What programs are commonly sent.
const SIGNALS: &[&str] = &[
    "HUP", "INT", "QUIT", "ABRT", "KILL", "USR1", "USR2", "ALRM", "TERM", "CONT", "STOP", "TSTP",
    "TTIN", "TTOU", "WINCH",
];

/// Every file with its path.
pub fn all() -> Vec<(PathBuf, String)> {
    FILES.iter().map(|name| (format!("packaging/completions/{name}").into(), made(name))).collect()
}

fn made(name: &str) -> String {
    let read = |name: &str| {
        fs::read_to_string(super::root().join("tests/documents/completions").join(name)).unwrap()
    };
    let text = read(name).replace("{{common}}", &read("common.bash"));
    let mut parts = text.split("{{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (table, rest) = part.split_once("}}").unwrap();
        out += &filled(table);
        out += rest;
    }
    out
}

/// What stands for a name in the shell code.
fn filled(name: &str) -> String {
    let (daemon, ctl) = (tables::supervisord(), tables::supervisorctl());
    match name {
        "made" => "Made by tests/documents: UPDATE=1 cargo test --test documents".to_owned(),
        "levels" => levels(),
        "states" => StateCode::ALL.map(StateCode::name).join("|"),
        "signals" => {
            assert!(SIGNALS.iter().all(|name| Signal::parse(name).is_some()));
            SIGNALS.join(" ")
        }
        "ctl values" => values(&ctl),
        "daemon values" => values(&daemon),
        "ctl joined" => joined(&ctl),
        "daemon joined" => joined(&daemon),
        "ctl options" => names(&ctl).join(" "),
        "daemon options" => names(&daemon).join(" "),
        "ctl commands" => COMMANDS.iter().map(|command| command.name).collect::<Vec<_>>().join(" "),
        "daemon subcommands" => {
            let listed: Vec<_> =
                subcommands(&daemon).map(|command| command.get_name().to_owned()).collect();
            listed.join(" ")
        }
        "ctl leads" => leads(&ctl, str::to_owned).join(" | "),
        "ctl leads words" => leads(&ctl, str::to_owned).join(" "),
        "ctl leads joined" => leads(&ctl, together).join(" | "),
        "ctl leads joined fish" => {
            leads(&ctl, |name| format!("'{}'", together(name).replace("?*", "*"))).join(" ")
        }
        "ctl value options" => with_value(&ctl, |_| true),
        "ctl other value options" => with_value(&ctl, |name| !LEADS.contains(&name)),
        "ctl words" => COMMANDS.iter().map(bash_words).collect::<Vec<_>>().join("\n"),
        "daemon words" => subcommands(&daemon)
            .filter_map(|command| bash_subcommand(&command))
            .collect::<Vec<_>>()
            .join("\n"),
        "ctl descriptions" => {
            let row = |command: &Described| {
                format!("        '{}:{}'", command.name, quoted(command.brief))
            };
            COMMANDS.iter().map(row).collect::<Vec<_>>().join("\n")
        }
        "daemon descriptions" => subcommands(&daemon)
            .map(|command| {
                format!(
                    "            '{}:{}'",
                    command.get_name(),
                    quoted(&about(&command).replace(':', "\\:"))
                )
            })
            .collect::<Vec<_>>()
            .join("\n"),
        "ctl zsh options" => options(&ctl)
            .map(|option| format!("        {} \\", zsh_option(option)))
            .collect::<Vec<_>>()
            .join("\n"),
        "daemon zsh options" => options(&daemon)
            .map(|option| format!("        {} \\", zsh_option(option)))
            .collect::<Vec<_>>()
            .join("\n"),
        "ctl zsh words" => COMMANDS.iter().filter_map(zsh_words).collect::<Vec<_>>().join("\n"),
        "daemon zsh words" => subcommands(&daemon)
            .filter_map(|command| zsh_subcommand(&command))
            .collect::<Vec<_>>()
            .join("\n"),
        "ctl fish options" => fish_options(&ctl, "supervisorctl", "__supervisorctl_at"),
        "daemon fish options" => fish_options(&daemon, "supervisord", &not_after(&daemon)),
        "ctl fish words" => COMMANDS.iter().flat_map(fish_words).collect::<Vec<_>>().join("\n"),
        "daemon fish words" => fish_subcommands(&daemon),
        _ => panic!("nothing is called {name:?}"),
    }
}

/// The levels of the daemon's log, the least talkative first.
fn levels() -> String {
    let levels = ["critical", "error", "warn", "info", "debug", "trace", "blather"];
    assert!(levels.iter().all(|level| setting::log_level(level).is_ok()));
    levels.join(" ")
}

// --- what there is -------------------------------------------------------------------------------

fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|option| !option.is_positional() && !option.is_hide_set())
}

fn subcommands(command: &Command) -> impl Iterator<Item = Command> {
    command.get_subcommands().filter(|command| command.get_name() != "help").cloned()
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// `-c`, `--configuration`.
fn spellings(option: &Arg) -> Vec<String> {
    let short = option.get_short().map(|short| format!("-{short}"));
    short.into_iter().chain(option.get_long().map(|long| format!("--{long}"))).collect()
}

fn names(command: &Command) -> Vec<String> {
    options(command).flat_map(spellings).collect()
}

fn leads(command: &Command, spelled: impl Fn(&str) -> String) -> Vec<String> {
    let leading =
        options(command).filter(|option| LEADS.contains(&option.get_long().unwrap_or_default()));
    leading.flat_map(spellings).map(|name| spelled(&name)).collect()
}

/// An option and its value in one word, as a pattern.
fn together(name: &str) -> String {
    if name.starts_with("--") { format!("{name}=*") } else { format!("{name}?*") }
}

fn with_value(command: &Command, wanted: impl Fn(&str) -> bool) -> String {
    let taking = options(command).filter(|option| tables::value_name(option).is_some());
    let taking = taking.filter(|option| wanted(option.get_long().unwrap_or_default()));
    taking.flat_map(spellings).collect::<Vec<_>>().join(" ")
}

/// Words after a command that are typed as they stand: `-f`, `all`, `stderr`.
fn literals(command: &Described) -> Vec<&'static str> {
    let words = command.words.split(|c: char| !c.is_ascii_alphabetic() && c != '-');
    let literal = |word: &&str| !word.is_empty() && word.chars().any(|c| c.is_ascii_lowercase());
    let json = help::find(command.name).is_some_and(|spec| spec.json);
    words.filter(literal).chain(json.then_some("--json")).collect()
}

/// What else a command's words can be.
fn completes(command: &Described) -> &'static str {
    match help::find(command.name).unwrap().completes {
        Completes::Processes if command.words.starts_with("SIGNAL") => "signals",
        Completes::Processes => "processes",
        Completes::Groups => "groups",
        Completes::Commands => "commands",
        Completes::Nothing => "",
    }
}

/// Safe between single quotes, and as a pattern's text.
fn quoted(text: &str) -> String {
    text.replace('\'', "'\\''")
}

// --- bash ----------------------------------------------------------------------------------------

fn values(command: &Command) -> String {
    let taking = options(command).filter_map(|option| Some((option, tables::value_name(option)?)));
    let rows = taking.map(|(option, value)| {
        format!("            {}) value={value} ;;", spellings(option).join(" | "))
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn joined(command: &Command) -> String {
    let taking = options(command)
        .filter_map(|option| Some((option.get_long()?, tables::value_name(option)?)));
    let rows = taking.map(|(long, value)| {
        format!(
            "            --{long}=*)\n                word=${{word#*=}}\n                \
             __supervisor_value {value} --{long}=\n                ;;"
        )
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn bash_words(command: &Described) -> String {
    let (names, words) = (completes(command), literals(command).join(" "));
    let names = if names.is_empty() { String::new() } else { format!(" names={names}") };
    let words = if words.is_empty() { String::new() } else { format!(" words='{words}'") };
    format!("        {}){names}{words} ;;", command.name)
}

/// A subcommand of the daemon with words of its own: files, its options and their values.
fn bash_subcommand(command: &Command) -> Option<String> {
    let (name, listed) = (command.get_name(), names(command).join(" "));
    if name == "ctl" {
        return None;
    }
    let mut text = format!("        {name})\n            case ${{typed[last - 1]}}:$word in\n");
    for option in options(command) {
        let Some(value) = tables::value_name(option) else { continue };
        let choices = tables::choices(option).join(" ");
        for spelling in spellings(option) {
            let offer = match choices.as_str() {
                "" => format!("__supervisor_value {value} \"\""),
                _ => format!("__supervisor_offer \"\" < <(printf '%s\\n' {choices})"),
            };
            text += &format!("                {spelling}:*) {offer} ;;\n");
        }
    }
    text +=
        &format!("                *:-*) __supervisor_offer \"\" < <(printf '%s\\n' {listed}) ;;\n");
    if command.get_positionals().next().is_some() {
        text += "                *) __supervisor_files -f ;;\n";
    }
    Some(text + "            esac\n            ;;")
}

// --- zsh -----------------------------------------------------------------------------------------

fn zsh_option(option: &Arg) -> String {
    let help = tables::help(option).replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
    let help = quoted(&help);
    let value = tables::value_name(option);
    let choices = tables::choices(option).join(" ");
    let action = match value.as_deref() {
        None => String::new(),
        Some(name) if !choices.is_empty() => format!(":{}:({choices})", name.to_lowercase()),
        Some("FILE") => ":file:_files".to_owned(),
        Some("DIR") => ":directory:_files -/".to_owned(),
        Some("USER") => ":user:_users".to_owned(),
        Some("LEVEL") => format!(":level:({})", levels()),
        Some(other) => format!(":{}: ", other.to_lowercase()),
    };
    let spelled = spellings(option);
    let marked: Vec<_> = spelled
        .iter()
        .map(|name| match (value.is_some(), name.starts_with("--")) {
            (true, true) => format!("{name}="),
            (true, false) => format!("{name}+"),
            _ => name.clone(),
        })
        .collect();
    match marked.as_slice() {
        [one] => format!("'{one}[{help}]{action}'"),
        _ => format!("'({})'{{{}}}'[{help}]{action}'", spelled.join(" "), marked.join(",")),
    }
}

fn zsh_words(command: &Described) -> Option<String> {
    let words = literals(command).join(" ");
    let action = match completes(command) {
        "processes" => format!("__supervisorctl_processes {words}"),
        "groups" => format!("__supervisorctl_groups {words}"),
        "commands" => "__supervisorctl_commands".to_owned(),
        "signals" => format!(
            "\n            if (( CURRENT == 2 )); then\n                _wanted signals expl signal \
             compadd {}\n            else\n                __supervisorctl_processes {words}\n            fi\n           ",
            filled("signals")
        ),
        _ if words.is_empty() => return None,
        _ => format!("_wanted words expl word compadd -- {words}"),
    };
    let name = command.name;
    Some(if action.starts_with('\n') {
        format!("        {name}){action} ;;")
    } else {
        format!("        {name}) {} ;;", action.trim_end())
    })
}

fn zsh_subcommand(command: &Command) -> Option<String> {
    let name = command.get_name();
    let mut specs: Vec<_> = options(command).map(zsh_option).collect();
    specs.extend(command.get_positionals().next().map(|_| "'*:file:_files'".to_owned()));
    (name != "ctl").then(|| format!("        {name}) _arguments {} ;;", specs.join(" ")))
}

// --- fish ----------------------------------------------------------------------------------------

fn fish_options(command: &Command, program: &str, condition: &str) -> String {
    options(command)
        .map(|option| fish_option(option, program, condition))
        .collect::<Vec<_>>()
        .join("\n")
}

fn fish_option(option: &Arg, program: &str, condition: &str) -> String {
    let mut line = format!("complete -c {program} -n '{condition}'");
    line += &option.get_short().map(|short| format!(" -s {short}")).unwrap_or_default();
    line += &option.get_long().map(|long| format!(" -l {long}")).unwrap_or_default();
    let choices = tables::choices(option).join(" ");
    line += &match tables::value_name(option).as_deref() {
        None => String::new(),
        Some(_) if !choices.is_empty() => format!(" -x -a '{choices}'"),
        Some("FILE") => " -r -F".to_owned(),
        Some("DIR") => " -x -a '(__fish_complete_directories)'".to_owned(),
        Some("USER") => " -x -a '(__fish_complete_users)'".to_owned(),
        Some("LEVEL") => format!(" -x -a '{}'", levels()),
        Some("URL") => " -x -a 'unix:/// http:// https://'".to_owned(),
        Some(_) => " -x".to_owned(),
    };
    format!("{line} -d '{}'", tables::help(option).replace('\'', "\\'"))
}

fn fish_words(command: &Described) -> Vec<String> {
    let (name, brief) = (command.name, command.brief.replace('\'', "\\'"));
    let offer = |words: &str| {
        format!("complete -c supervisorctl -n '__supervisorctl_at {name}' -a '{words}'")
    };
    let mut lines =
        vec![format!("complete -c supervisorctl -n __supervisorctl_at -a {name} -d '{brief}'")];
    let more = match completes(command) {
        "processes" => Some(offer("(__supervisorctl_processes)")),
        "groups" => Some(offer("(__supervisorctl_groups)")),
        "commands" => Some(offer(&filled("ctl commands"))),
        "signals" => {
            let only = |count, words: &str| {
                format!(
                    "complete -c supervisorctl -n '__supervisorctl_at {name}; and test (count \
                     (__supervisorctl_words)) {count}' -a '{words}'"
                )
            };
            lines.push(only("-eq 1", &filled("signals")));
            Some(only("-gt 1", "(__supervisorctl_processes)"))
        }
        _ => None,
    };
    lines.extend(more);
    for word in literals(command) {
        lines.push(match word.strip_prefix("--") {
            Some(long) => {
                format!("complete -c supervisorctl -n '__supervisorctl_at {name}' -l {long}")
            }
            None => match word.strip_prefix('-') {
                Some(short) => {
                    format!("complete -c supervisorctl -n '__supervisorctl_at {name}' -s {short}")
                }
                None => offer(word),
            },
        });
    }
    lines
}

/// Whether no subcommand of the daemon was typed yet.
fn not_after(command: &Command) -> String {
    let listed: Vec<_> =
        subcommands(command).map(|command| command.get_name().to_owned()).collect();
    format!("not __fish_seen_subcommand_from {}", listed.join(" "))
}

fn fish_subcommands(daemon: &Command) -> String {
    let condition = not_after(daemon);
    let mut lines = Vec::new();
    for command in subcommands(daemon) {
        let (name, about) = (command.get_name(), about(&command).replace('\'', "\\'"));
        lines.push(format!("complete -c supervisord -n '{condition}' -a {name} -d '{about}'"));
        let after = format!("__fish_seen_subcommand_from {name}");
        if name == "ctl" {
            lines.push(format!("complete -c supervisord -n '{after}' -a '(__supervisord_ctl)'"));
            continue;
        }
        if command.get_positionals().next().is_some() {
            lines.push(format!("complete -c supervisord -n '{after}' -F"));
        }
        lines.extend(options(&command).map(|option| fish_option(option, "supervisord", &after)));
    }
    lines.join("\n")
}
