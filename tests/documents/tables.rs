//! The tables of the code as text: definitions for manual pages, Markdown tables for `docs/`.

use std::fs;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory as _};
use supervisord::config::reference::{Default, KINDS, Key, Part, SECTIONS, Section};
use supervisord::ctl::{self, exit, reference::COMMANDS};
use supervisord::daemon::Arguments;
use supervisord::dbus::reference::{self as dbus, Argument, Described, Told};

/// The columns to which lines of `docs/` keep, where they can.
const COLUMNS: usize = 100;

/// The command line of the daemon, complete with what clap adds.
pub fn supervisord() -> Command {
    let mut command = Arguments::command();
    command.build();
    command
}

/// The command line of the control program.
pub fn supervisorctl() -> Command {
    let mut command = ctl::command_line();
    command.build();
    command
}

/// What a page's `{{name}}` stands for, as text of a page.
pub fn for_page(name: &str) -> String {
    match name {
        "options of supervisord" => options(&supervisord()),
        "options of supervisorctl" => options(&supervisorctl()),
        "subcommands" => subcommands(),
        "commands" => definitions(COMMANDS.iter().map(|command| {
            let term = format!("`{}` {}", command.name, words(command.words));
            (term, format!("{}. {}", capital(command.brief), command.more))
        })),
        "exit codes" => {
            definitions(exit_codes().into_iter().map(|(code, text)| (format!("`{code}`"), text)))
        }
        "kinds" => {
            let row = |(_, name, how): &(_, &str, &str)| {
                (format!("*{name}*"), format!("{}.", capital(how)))
            };
            definitions(KINDS.iter().map(row))
        }
        "sections" => SECTIONS.iter().map(section_for_page).collect(),
        "interfaces" => dbus::interfaces().iter().map(interface).collect(),
        "errors" => definitions(
            dbus::ERRORS
                .iter()
                .map(|(name, what)| (format!("`{name}`"), format!("{}.", capital(what)))),
        ),
        _ => panic!("no table is called {name:?}"),
    }
}

/// The pages of `docs/` that hold tables, with the tables as they should be.
pub fn in_docs() -> Vec<(PathBuf, String)> {
    ["docs/configuration.md", "docs/supervisorctl.md"]
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(super::root().join(path)).unwrap();
            let (begin, end) = ("<!-- made by tests/documents: ", "<!-- end -->");
            let mut parts = text.split(begin);
            let mut out = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let (name, rest) = part.split_once(" -->").unwrap();
                let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{path}: no {end}"));
                out += &format!("{begin}{name} -->\n\n{}\n{end}{after}", for_docs(name));
            }
            (path.into(), out)
        })
        .collect()
}

fn for_docs(name: &str) -> String {
    match name {
        "kinds" => {
            let row =
                |(_, name, how): &(_, &str, &str)| vec![(*name).to_owned(), (*how).to_owned()];
            table(&["kind", "is written"], KINDS.iter().map(row))
        }
        "sections" => SECTIONS.iter().map(section_for_docs).collect::<Vec<_>>().join("\n"),
        "commands" => table(
            &["command", ""],
            COMMANDS.iter().map(|command| {
                let usage = format!("`{}`", format!("{} {}", command.name, command.words).trim());
                vec![
                    usage,
                    format!("{}. {}", command.brief, command.more)
                        .trim()
                        .trim_end_matches('.')
                        .to_owned(),
                ]
            }),
        ),
        "exit codes" => table(
            &["code", ""],
            exit_codes().into_iter().map(|(code, text)| vec![code.to_string(), text]),
        ),
        _ => panic!("no table is called {name:?}"),
    }
}

/// Each code once, with all its meanings.
fn exit_codes() -> Vec<(u8, String)> {
    let mut rows: Vec<(u8, String)> = Vec::new();
    for (code, meaning) in exit::CODES {
        match rows.iter_mut().find(|(known, _)| known == code) {
            Some((_, text)) => *text += &format!(" {meaning}"),
            None => rows.push((*code, (*meaning).to_owned())),
        }
    }
    rows
}

// --- command lines -------------------------------------------------------------------------------

/// What an option is called: `-c`, `--configuration` *FILE*.
fn option_term(option: &Arg) -> String {
    let short = option.get_short().map(|short| format!("`-{short}`"));
    let long = option.get_long().map(|long| format!("`--{long}`"));
    let names: Vec<_> = short.into_iter().chain(long).collect();
    let value = match value_name(option) {
        Some(value) => format!(" *{value}*"),
        None => String::new(),
    };
    format!("{}{value}", names.join(", "))
}

/// What stands for the value of an option that takes one.
pub fn value_name(option: &Arg) -> Option<String> {
    if !option.get_action().takes_values() {
        return None;
    }
    let names = option.get_value_names().unwrap_or_default();
    Some(
        names
            .first()
            .map_or_else(|| option.get_id().to_string().to_uppercase(), ToString::to_string),
    )
}

/// The words that its value can be, where only some can.
pub fn choices(option: &Arg) -> Vec<String> {
    let values = option.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
    values.map(|value| value.get_name().to_owned()).collect()
}

/// The help of an option, as one sentence.
pub fn help(option: &Arg) -> String {
    match option.get_id().as_str() {
        // clap's own mentions what the command line alone has.
        "help" => "Print help".to_owned(),
        _ => option.get_help().map(ToString::to_string).unwrap_or_default(),
    }
}

/// A page's list of options, those that the help does not show last.
fn options(command: &Command) -> String {
    let mut all: Vec<_> =
        command.get_arguments().filter(|option| !option.is_positional()).collect();
    all.sort_by_key(|option| option.is_hide_set());
    definitions(all.into_iter().map(|option| (option_term(option), format!("{}.", help(option)))))
}

fn subcommands() -> String {
    let daemon = supervisord();
    let listed = daemon.get_subcommands().filter(|command| command.get_name() != "help");
    definitions(listed.map(|command| {
        let mut term = format!("`supervisord {}`", command.get_name());
        let shown = |option: &&Arg| !option.is_hide_set() && option.get_id() != "help";
        for option in command.get_arguments().filter(shown) {
            let repeats = option.get_num_args().is_some_and(|range| range.max_values() > 1);
            term += &match (option.is_positional(), repeats) {
                (true, false) if option.is_required_set() => {
                    format!(" *{}*", value_name(option).unwrap())
                }
                (true, false) => format!(" [*{}*]", value_name(option).unwrap()),
                (true, true) => format!(" [*{}*]...", value_name(option).unwrap()),
                (false, _) => format!(" [{}]", option_term(option)),
            };
        }
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let mut text = format!("{about}.");
        for option in command.get_arguments().filter(shown) {
            let named = match option.is_positional() {
                true => format!("*{}*", value_name(option).unwrap()),
                false => option_term(option),
            };
            text += &format!("\n\n    {named}: {}", small(&help(option)));
            let choices =
                choices(option).iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>();
            text += &if choices.is_empty() {
                ".".to_owned()
            } else {
                format!(": {}.", choices.join(", "))
            };
        }
        (term, text)
    }))
}

/// The words after a command: what is typed as it stands, and what is replaced.
fn words(usage: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in usage.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '-' {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            let replaced = word.trim_start_matches('-').chars().all(|c| c.is_ascii_uppercase());
            let dash = if replaced && word.starts_with('-') { "`-`" } else { "" };
            let mark = if replaced { '*' } else { '`' };
            out += &format!(
                "{dash}{mark}{}{mark}",
                if replaced { word.trim_start_matches('-') } else { &word }
            );
            word.clear();
        }
        out.push(c);
    }
    out.trim_end().to_owned()
}

// --- the configuration ---------------------------------------------------------------------------

fn section_for_page(section: &Section) -> String {
    let mut text = format!("## [{}]\n\n{}\n\n", section.name, section.about);
    if let Some(with) = section.with {
        text += &format!("It can have every key of `[{with}:NAME]`{}.\n\n", beside(section));
    }
    for part in section.parts {
        if !part.title.is_empty() {
            text += &format!("## [{}]: {}\n\n", section.name, small(part.title));
        }
        text += &format!("{}\n\n{}", part.before, definitions(part.keys.iter().map(key_for_page)));
        text += &format!("{}\n\n{}\n\n", part.after, unserved(part));
    }
    text
}

fn key_for_page(key: &Key) -> (String, String) {
    let default = match key.default {
        Default::Required => " Required.".to_owned(),
        Default::Value(value) => format!(" Default: `{value}`."),
        Default::Words(words) => format!(" Default: {words}."),
        Default::Nothing => String::new(),
    };
    (format!("`{}=`*{}*", key.name, key.kind.name()), format!("{}.{default}", capital(key.meaning)))
}

fn section_for_docs(section: &Section) -> String {
    let mut text = format!("## `[{}]`\n\n{}", section.name, wrapped(section.about));
    if let Some(with) = section.with {
        text += &format!(
            "\n{}",
            wrapped(&format!("It can have every key of `[{with}:NAME]`{}.", beside(section)))
        );
    }
    for part in section.parts {
        if !part.title.is_empty() {
            text += &format!("\n### {}\n", part.title);
        }
        if !part.before.is_empty() {
            text += &format!("\n{}", wrapped(part.before));
        }
        let rows = part.keys.iter().map(|key| {
            let default = match key.default {
                Default::Required => "required".to_owned(),
                Default::Value(value) => format!("`{value}`"),
                Default::Words(words) => words.to_owned(),
                Default::Nothing => String::new(),
            };
            vec![
                format!("`{}`", key.name),
                key.kind.name().to_owned(),
                default,
                key.meaning.to_owned(),
            ]
        });
        text += &format!("\n{}", table(&["key", "kind", "default", "meaning"], rows));
        for more in [part.after.to_owned(), unserved(part)].iter().filter(|more| !more.is_empty()) {
            text += &format!("\n{}", wrapped(more));
        }
    }
    text
}

fn beside(section: &Section) -> &'static str {
    if section.parts.is_empty() { "" } else { ", and these" }
}

/// Keys that do nothing.
fn unserved(part: &Part) -> String {
    let listed =
        |keys: &[&str]| keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    if !part.not_served.is_empty() {
        text += &format!(
            "Understood, and not served by this version: {}. A warning says so wherever one is used.",
            listed(part.not_served)
        );
    }
    if !part.refused.is_empty() {
        text += &format!(
            "Refused, as the peers of a TCP listener have no user of this host: {}.",
            listed(part.refused)
        );
    }
    text
}

// --- D-Bus ---------------------------------------------------------------------------------------

fn interface(described: &Described) -> String {
    let outline = described.outline;
    let mut text = format!(
        "# {}\n\n`{}`\n\n{}\n\n",
        interface_title(outline.name),
        described.path,
        described.about
    );
    let listed = |arguments: &[Argument]| {
        let shown = arguments.iter().map(|argument| {
            format!("`{}` *{}*", argument.signature, argument.name.trim_start_matches("r#"))
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    let sentence = |name: &str| format!("{}.", capital(described.member(name)));
    if !outline.methods.is_empty() {
        text += "## Methods\n\n";
        text += &definitions(outline.methods.iter().map(|method| {
            let gives = if method.gives.is_empty() {
                String::new()
            } else {
                format!(" -> {}", listed(method.gives))
            };
            (format!("`{}`({}){gives}", method.name, listed(method.takes)), sentence(method.name))
        }));
    }
    if !outline.signals.is_empty() {
        text += "## Signals\n\n";
        text += &definitions(outline.signals.iter().map(|signal| {
            (format!("`{}`({})", signal.name, listed(signal.carries)), sentence(signal.name))
        }));
    }
    text += "## Properties\n\n";
    text + &definitions(outline.properties.iter().map(|property| {
        let mut facts = vec![format!("`{}`", property.signature)];
        facts.extend((property.told == Told::Const).then(|| "constant".to_owned()));
        facts.extend(property.writable.then(|| "can be set".to_owned()));
        (format!("`{}` ({})", property.name, facts.join(", ")), sentence(property.name))
    }))
}

/// `MANAGER` for `org.supervisord.Supervisor1.Manager`.
fn interface_title(name: &str) -> String {
    format!("THE INTERFACE {name}")
}

// --- text ----------------------------------------------------------------------------------------

fn definitions(rows: impl Iterator<Item = (String, String)>) -> String {
    rows.map(|(term, text)| format!("{}\n:   {}\n\n", term.trim(), text.trim())).collect()
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text.replace("|  |", "| |")
}

fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        if column > 0 && column + 1 + word.len() > COLUMNS {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out += word;
        column += word.len();
    }
    out + "\n"
}

/// With a capital letter, unless it begins with something that is typed as it stands.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

fn small(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().to_string() + chars.as_str()).unwrap_or_default()
}
