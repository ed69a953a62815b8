//! The reference says what the reader does.

use std::collections::BTreeSet;

use super::super::reference::{Default, KINDS, SECTIONS, section};
use super::super::section::asked;
use super::*;
use crate::model::Place;

/// A configuration with one section of each kind, and what each cannot do without.
const EVERY_SECTION: &str = "\
[unix_http_server]\nfile=/tmp/s\n\
[inet_http_server]\nport=127.0.0.1:9001\n\
[http_user:x]\npassword=x\n\
[remote:x]\nurl=http://x:1\n\
[dbus]\n\
[supervisorctl]\n\
[program:x]\ncommand=x\n\
[program-default]\n\
[group:y]\nprograms=z\n\
[program:z]\ncommand=x\n\
[eventlistener:e]\ncommand=x\nevents=TICK_5\n\
[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/%(program_name)s\n\
[include]\nfiles=/nowhere\n\
[rpcinterface:x]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
[ctlplugin:x]\nsupervisor.ctl_factory=x\n";

/// Every key of a section, with those that it has of another.
fn keys(kind: &str) -> BTreeSet<&'static str> {
    let section = section(kind).unwrap();
    section.names().chain(section.with.into_iter().flat_map(keys)).collect()
}

#[test]
fn the_reference_has_the_keys_that_the_reader_asks_for() {
    asked::take();
    load_text(EVERY_SECTION).unwrap();
    let asked = asked::take();
    // It is no section that is read by itself.
    for section in SECTIONS.iter().filter(|section| section.name != "program-default") {
        let kind = section.kind();
        let of_kind = asked.iter().filter(|(name, _)| name.split(':').next() == Some(kind));
        let of_kind: BTreeSet<_> = of_kind.map(|&(_, key)| key).collect();
        assert_eq!(keys(kind), of_kind, "[{}]", section.name);
    }
    for (name, _) in asked {
        let kind = name.split(':').next().unwrap();
        assert!(section(kind).is_some(), "[{name}] is not in the reference");
    }
}

#[test]
fn what_the_reference_calls_a_default_is_one() {
    let read = |text: &str| {
        let text = format!("[supervisord]\n{text}");
        let loaded = load_files(&[("/etc/s.conf", &text)]);
        let config = loaded.unwrap_or_else(|problems| panic!("{text}\n{problems:#?}")).config;
        let files = FakeFiles([("/etc/s.conf".into(), text.into_bytes())].into());
        let ctl = load_ctl(Some(Path::new("/etc/s.conf")), &files, &FakeHost { uid: 0 }).unwrap();
        // Where things stand is no setting.
        let ctl = CtlSettings { warnings: Vec::new(), ..ctl };
        let groups: Vec<_> = config
            .groups
            .iter()
            .map(|group| {
                let processes = group.processes.iter().map(|process| ProcessSettings {
                    place: Place::default(),
                    // The processes of a pool have one priority among themselves, whatever it is.
                    priority: if process.kind == ProcessKind::Listener {
                        0
                    } else {
                        process.priority
                    },
                    ..(**process).clone()
                });
                (group.kind, group.priority, processes.collect::<Vec<_>>())
            })
            .collect();
        (config.daemon, config.unix, config.inet, config.nodes, config.dbus, groups, ctl)
    };
    let plain = read(EVERY_SECTION);
    let mut checked = 0;
    for section in SECTIONS {
        for key in section.parts.iter().flat_map(|part| part.keys) {
            let Default::Value(value) = key.default else { continue };
            let text = match section.kind() {
                "supervisord" => format!("{}={value}\n{EVERY_SECTION}", key.name),
                kind => {
                    let begins =
                        |line: &&str| line.trim_matches(['[', ']']).split(':').next() == Some(kind);
                    let heading = EVERY_SECTION.lines().find(begins).unwrap();
                    EVERY_SECTION.replace(heading, &format!("{heading}\n{}={value}", key.name))
                }
            };
            assert!(read(&text) == plain, "[{}] {}={value} is no default", section.name, key.name);
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked} defaults were checked");
    let changed = EVERY_SECTION.replace("[program:x]\n", "[program:x]\nstartsecs=2\n");
    assert!(read(&changed) != plain, "this check sees no difference");
}

#[test]
fn what_the_reference_calls_required_is_missed() {
    for section in SECTIONS {
        for key in section.parts.iter().flat_map(|part| part.keys) {
            if key.default != Default::Required {
                continue;
            }
            let name = section.name.replace("NAME", "new");
            let others =
                if section.with.is_some() && key.name != "command" { "command=x\n" } else { "" };
            let result = load_text(&format!("[{name}]\n{others}"));
            let problems = match result {
                Ok(loaded) => loaded.warnings,
                Err(problems) => problems,
            };
            let wanted = format!("has no {}", key.name);
            assert!(
                problems.iter().any(|problem| problem.message.contains(&wanted)),
                "[{name}] without {}: {problems:#?}",
                key.name
            );
        }
    }
}

#[test]
fn the_sample_has_no_key_that_the_reference_lacks() {
    let mut kind = String::new();
    let mut looked_at = 0;
    for line in SAMPLE.lines() {
        let line = line.trim_start_matches(';');
        if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            kind = name.split(':').next().unwrap().to_owned();
            assert!(section(&kind).is_some(), "[{name}] is not in the reference");
        } else if let Some((key, _)) = line.split_once('=') {
            let key = key.trim_end();
            // Prose that mentions a key has words before it.
            if !kind.is_empty() && !key.contains(' ') {
                assert!(keys(&kind).contains(key), "[{kind}] {key} is not in the reference");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 100, "{looked_at} keys in the sample");
}

#[test]
fn every_row_of_the_reference_is_whole() {
    for section in SECTIONS {
        assert!(section.about.ends_with('.'), "[{}]", section.name);
        let names: Vec<_> = section.names().collect();
        let different: BTreeSet<_> = names.iter().collect();
        assert_eq!(names.len(), different.len(), "[{}] has a key twice", section.name);
        for key in section.parts.iter().flat_map(|part| part.keys) {
            let name = key.name;
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.'), "{name}");
            assert!(!key.meaning.is_empty() && !key.meaning.ends_with('.'), "{name}");
            assert!(!key.kind.name().is_empty(), "{name}");
        }
    }
    assert!(KINDS.is_sorted_by_key(|(_, name, _)| name.to_lowercase()));
}
