//! Whatever the tables have is in the pages, in the completions and in `docs/`.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the program itself")]

use std::fs;
use std::process::Command;

use supervisord::config::reference::SECTIONS;
use supervisord::ctl::reference::COMMANDS;
use supervisord::dbus::reference::{ERRORS, interfaces};
use supervisord::model::{Signal, StateCode};

use super::{pages, root, tables};

/// What is, or will be, committed under this path.
fn file(path: &str) -> String {
    let mut made = super::documents().into_iter();
    let found = made.find(|(made, _)| made.to_str() == Some(path)).map(|(_, text)| text);
    found.unwrap_or_else(|| fs::read_to_string(root().join(path)).unwrap())
}

/// A page as a person sees its words: without fonts, and with plain signs.
fn page(name: &str) -> String {
    let mut text = file(&format!("packaging/man/{name}"));
    for (roff, plain) in
        [("\\fB", ""), ("\\fI", ""), ("\\fR", ""), ("\\-", "-"), ("\\(aq", "'"), ("\\(ti", "~")]
    {
        text = text.replace(roff, plain);
    }
    text
}

/// Whether a word stands there by itself: `--log` does not in `--logfile`.
fn has(text: &str, word: &str) -> bool {
    let joins = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(|c| joins(c) && !word.starts_with('-')) && !after.is_some_and(joins)
    })
}

fn assert_all(place: &str, text: &str, words: &[String]) {
    assert!(!words.is_empty());
    let missing: Vec<_> = words.iter().filter(|word| !has(text, word)).collect();
    assert!(missing.is_empty(), "{place} lacks {missing:?}");
}

/// Every long option that the help shows.
fn options(command: &clap::Command) -> Vec<String> {
    let shown = command.get_arguments().filter(|option| !option.is_hide_set());
    shown.filter_map(|option| Some(format!("--{}", option.get_long()?))).collect()
}

#[test]
fn command_lines_are_in_their_pages_and_completions() {
    let (daemon, ctl) = (tables::supervisord(), tables::supervisorctl());
    let subcommands = daemon.get_subcommands().map(|command| command.get_name().to_owned());
    let subcommands: Vec<_> = subcommands.filter(|name| name != "help").collect();
    let commands: Vec<_> = COMMANDS.iter().map(|command| command.name.to_owned()).collect();
    let programs = [
        ("supervisord", "8", options(&daemon), subcommands),
        ("supervisorctl", "1", options(&ctl), commands),
    ];
    for (program, section, options, commands) in programs {
        let page = page(&format!("{program}.{section}"));
        assert_all(program, &page, &options);
        assert_all(program, &page, &commands);
        for name in [format!("{program}.bash"), format!("_{program}")] {
            let text = file(&format!("packaging/completions/{name}"));
            assert_all(&name, &text, &options);
            assert_all(&name, &text, &commands);
        }
        let text = file(&format!("packaging/completions/{program}.fish"));
        let long = |option: &String| option.replace("--", "-l ");
        assert_all("fish", &text, &options.iter().map(long).collect::<Vec<_>>());
        let offered = commands.iter().map(|command| format!("-a {command}"));
        assert_all("fish", &text, &offered.collect::<Vec<_>>());
    }
    assert_all("docs/supervisorctl.md", &file("docs/supervisorctl.md"), &options(&ctl));
}

#[test]
fn what_is_written_by_hand_names_what_there_is() {
    let states: Vec<_> = StateCode::ALL.iter().map(|state| state.name().to_owned()).collect();
    assert_all("supervisord(8)", &page("supervisord.8"), &states);

    // `--help` names every command that makes sense outside of the shell.
    let help = tables::supervisorctl().get_after_help().unwrap().to_string();
    let commands = COMMANDS.iter().map(|command| command.name.to_owned());
    let commands: Vec<_> = commands.filter(|name| name != "exit" && name != "quit").collect();
    assert_all("supervisorctl --help", &help, &commands);

    let usage = Command::new(env!("CARGO_BIN_EXE_pidproxy")).arg("--help").output().unwrap();
    let usage = String::from_utf8(usage.stdout).unwrap();
    let words = usage.split(|c: char| !c.is_ascii_alphanumeric());
    let signals: Vec<_> = words
        .filter(|word| word.len() > 2 && Signal::parse(word).is_some())
        .map(|word| format!("SIG{word}"))
        .collect();
    assert!(signals.len() == 6, "pidproxy passes on {signals:?}");
    assert_all("pidproxy(1)", &page("pidproxy.1"), &signals);
}

#[test]
fn the_configuration_is_in_its_page() {
    let page = page("supervisord.conf.5");
    for section in SECTIONS {
        assert_all("supervisord.conf(5)", &page, &[format!("[{}]", section.name)]);
        let names: Vec<_> = section.names().map(str::to_owned).collect();
        if !names.is_empty() {
            assert_all("supervisord.conf(5)", &page, &names);
        }
    }
}

#[test]
fn the_interface_is_in_its_page_and_in_docs() {
    let (page, docs) = (page("org.supervisord.Supervisor1.5"), file("docs/dbus.md"));
    for described in interfaces() {
        let members: Vec<_> =
            described.members.iter().map(|(name, _)| (*name).to_owned()).collect();
        for (place, text) in [("the page", &page), ("docs/dbus.md", &docs)] {
            assert_all(place, text, &members);
            assert_all(place, text, &[described.outline.name.to_owned()]);
        }
    }
    let errors: Vec<_> = ERRORS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_all("the page", &page, &errors);
    assert_all("docs/dbus.md", &docs, &errors);
}

#[test]
fn every_program_has_a_page_and_every_page_points_on() {
    for entry in fs::read_dir(root().join("src/bin")).unwrap() {
        let path = entry.unwrap().path();
        let program = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(pages::PAGES.iter().any(|page| page.name == program), "{program} has no page");
    }
    let known: Vec<_> =
        pages::PAGES.iter().map(|page| format!("{}({})", page.name, page.section)).collect();
    for page in pages::PAGES {
        let words = page.words();
        let (_, see) = words.split_once("# SEE ALSO").unwrap();
        assert!(known.iter().any(|other| see.contains(other)), "{} points nowhere", page.name);
        // A page of ours that is named with another section is named wrongly.
        for other in pages::PAGES {
            for (at, _) in words.match_indices(&format!("{}(", other.name)) {
                let section = words[at + other.name.len() + 1..].chars().next();
                assert_eq!(section, Some(other.section), "{} in {}", other.name, page.name);
            }
        }
    }
}

#[test]
fn a_word_is_found_by_itself_only() {
    assert!(has("a --log b", "--log") && has("(--log)", "--log") && has("start", "start"));
    assert!(!has("--logfile", "--log") && !has("restart", "start") && !has("start_x", "start"));
}
