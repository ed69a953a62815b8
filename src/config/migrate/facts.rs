//! What a configuration says of the world around it: files and commands, expanded as far as they
//! can be, so that the installation can be looked at even where the file cannot be used.

use std::path::{Path, PathBuf};

use super::rule::PROGRAMS;
use crate::config::expand::{Names, ProgramNames, expand};
use crate::config::ini::{Entry, Ini, Origin, RawSection};
use crate::config::section::World;
use crate::config::{Files, Host};

/// What is looked at around a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Where the daemon writes its process id.
    pub pidfile: PathBuf,
    /// The socket of `[unix_http_server]`.
    pub socket: Option<PathBuf>,
    /// The files that are written and rotated.
    pub logs: Vec<LogFile>,
    /// The command lines of programs and listeners.
    pub commands: Vec<Command>,
}

/// A log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Absolute.
    pub path: PathBuf,
    /// Whether the daemon rotates it.
    pub rotated: bool,
    /// The key that says so, were it to say something else.
    pub size_key: String,
}

/// A command line and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Expanded, not yet split into words.
    pub text: String,
    /// The file it is in.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The section, without brackets.
    pub section: String,
}

/// Everything of this kind that the sections say.
pub(super) fn gather(ini: &Ini, path: &Path, files: &dyn Files, host: &dyn Host) -> Facts {
    let world = World::new(files, host);
    let nothing = RawSection {
        name: "supervisord".to_owned(),
        origin: Origin {
            source: std::rc::Rc::new(super::Source {
                path: path.to_owned(),
                here: String::new(),
                absolute: "".into(),
            }),
            line: 1,
        },
        entries: Vec::new(),
    };
    let daemon = View { world: &world, ini, raw: ini.section("supervisord").unwrap_or(&nothing) };
    let pidfile = daemon.text("pidfile").map_or_else(|| "supervisord.pid".into(), |(text, _)| text);
    let mut facts = Facts { pidfile: world.absolute(Path::new(&pidfile)), ..Facts::default() };
    let servers = ini.sections().filter(|raw| raw.name.starts_with("unix_http_server"));
    facts.socket = servers
        .filter_map(|raw| View { world: &world, ini, raw }.text("file").map(|(text, _)| text))
        .map(|text| world.absolute(Path::new(text.trim())))
        .next();
    daemon.logs("logfile", &mut facts.logs);
    let programs = ini
        .sections()
        .filter(|raw| raw.name.split_once(':').is_some_and(|(kind, _)| PROGRAMS.contains(&kind)));
    for raw in programs {
        let view = View { world: &world, ini, raw };
        view.logs("stdout_logfile", &mut facts.logs);
        view.logs("stderr_logfile", &mut facts.logs);
        if let Some((text, origin)) = view.text("command") {
            let (file, line) = (origin.source.path.clone(), origin.line);
            facts.commands.push(Command { text, file, line, section: raw.name.clone() });
        }
    }
    facts
}

/// A section as it is looked at here.
struct View<'a> {
    world: &'a World<'a>,
    ini: &'a Ini,
    raw: &'a RawSection,
}

impl View<'_> {
    fn find(&self, key: &str) -> Option<&Entry> {
        let defaults = self.ini.section("program-default");
        let defaults = defaults.filter(|_| self.raw.name.starts_with("program:"));
        let defaults = defaults.map(|raw| raw.entries.as_slice()).unwrap_or_default();
        let mut all = self.raw.entries.iter().chain(defaults).chain(&self.ini.defaults);
        all.find(|entry| entry.key == key)
    }

    /// A value with its expansions; those that cannot be made make it nothing.
    fn text(&self, key: &str) -> Option<(String, &Origin)> {
        let entry = self.find(key)?;
        let name = self.raw.name.split_once(':').map(|(_, name)| name.trim());
        let program = name.map(|name| ProgramNames {
            program_name: name,
            group_name: name,
            process_num: 0,
            numprocs: 1,
            environment: &[],
        });
        let names = Names {
            env: &self.world.env,
            here: &entry.origin.source.here,
            hostname: &self.world.hostname,
            program,
        };
        Some((expand(&entry.value, &names).ok()?.into_owned(), &entry.origin))
    }

    /// The files of a list of log targets.
    fn logs(&self, key: &str, logs: &mut Vec<LogFile>) {
        let Some((text, _)) = self.text(key) else {
            return;
        };
        let size_key = format!("{key}_maxbytes");
        let size = self.find(&size_key).map(|entry| entry.value.as_str());
        let rotated = size.is_none_or(|text| {
            text.trim_start_matches('0').starts_with(|c: char| c.is_ascii_digit())
        });
        let words = ["", "none", "off", "auto", "syslog", "journal"];
        for item in text.split(',').map(str::trim) {
            let is_word = words.iter().any(|word| item.eq_ignore_ascii_case(word));
            if !is_word && !item.starts_with("/dev/") && !item.starts_with("syslog") {
                let path = self.world.absolute(Path::new(item));
                logs.push(LogFile { path, rotated, size_key: size_key.clone() });
            }
        }
    }
}
