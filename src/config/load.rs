//! Reading a configuration from its main file on.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::access::Accounts;
use super::ini::{Ini, Origin, RawSection, Source};
use super::problem::{ConfigError, Severity, nearest};
use super::program::{Fleet, Kept};
use super::section::{Section, World};
use super::server;
use super::{Config, CtlSettings, Files, Host, Loaded, ctl, daemon, dbus, glob, group, node};

/// Sections of which there is one.
const SINGLE: &[&str] = &[
    "supervisord",
    "unix_http_server",
    "inet_http_server",
    "supervisorctl",
    "include",
    "program-default",
    "dbus",
];

/// Sections of which there are many: `program:NAME`.
const NAMED: &[&str] = &[
    "program",
    "group",
    "eventlistener",
    "fcgi-program",
    "rpcinterface",
    "ctlplugin",
    "http_user",
    "remote",
];

/// Files that `[include]` may match; past it none is read and that is an error.
const INCLUDED_MAX: usize = 100_000;

/// The plug-ins that are built in; another would be Python code.
const RPC_FACTORY: &str = "supervisor.rpcinterface:make_main_rpcinterface";

/// Reads and checks a configuration with everything it includes.
///
/// # Errors
/// Everything that is wrong, errors first, then warnings; at most a thousand of each.
pub fn load(path: &Path, files: &dyn Files, host: &dyn Host) -> Result<Loaded, Vec<ConfigError>> {
    let mut world = World::new(files, host);
    let mut ini = Ini::default();
    let mut included = Vec::new();
    if let Some(main) = add_file(&world, &mut ini, path, path, Severity::Error) {
        include(&world, &mut ini, &main, &mut included);
        if ini.section("supervisord").is_none() {
            let message = "has no [supervisord] section: expected one";
            note_file(&world, Severity::Error, path, message.to_owned());
        }
    } else {
        return Err(world.problems.into_result().err().unwrap_or_default());
    }
    check_names(&world, &ini);

    let nothing = nothing(path);
    let raw = ini.section("supervisord").unwrap_or(&nothing);
    let (daemon, environment) = daemon::read(Section::new(&world, &ini, raw));
    world.env.extend(environment.iter().cloned());
    let uid = daemon.user.as_ref().map_or_else(|| host.uid(), |user| user.uid);
    let (count, kept) = (Cell::new(0), Kept::default());
    let fleet = Fleet { world: &world, ini: &ini, environment, uid, count, kept };
    let groups = group::read(&fleet);
    let accounts = Accounts::read(&world, &ini);
    let unix =
        one_server(&world, &ini, "unix_http_server", |raw| server::read_unix(raw, &accounts));
    let inet =
        one_server(&world, &ini, "inet_http_server", |raw| server::read_inet(raw, &accounts));
    let listeners = unix.iter().map(|unix| &unix.access);
    let listeners: Vec<_> = listeners.chain(inet.iter().map(|inet| &inet.access)).collect();
    accounts.warn_of_unused(&world, &ini, &listeners);
    let dbus = ini.section("dbus").map(|raw| dbus::read(Section::new(&world, &ini, raw)));
    let dbus = dbus.unwrap_or_default();
    let nodes = node::read(&world, &ini);
    check_plugins(&world, &ini, "rpcinterface", "supervisor.rpcinterface_factory");
    check_ctl(&world, &ini);

    let warnings = world.problems.into_result()?;
    let config = Config { path: path.to_owned(), daemon, unix, inet, nodes, dbus, groups };
    Ok(Loaded { config, warnings, included })
}

/// The sections of a file and of those it includes as they stand, the main file, and the included
/// ones; `None` if the main file cannot be read. What is wrong with them, [`load`] tells.
pub(super) fn sections(
    path: &Path,
    files: &dyn Files,
    host: &dyn Host,
) -> Option<(Ini, Rc<Source>, Vec<PathBuf>)> {
    let world = World::new(files, host);
    let mut ini = Ini::default();
    let mut included = Vec::new();
    let main = add_file(&world, &mut ini, path, path, Severity::Error)?;
    include(&world, &mut ini, &main, &mut included);
    Some((ini, main, included))
}

/// Reads `[supervisorctl]`; without a file, the defaults. Includes are not followed.
///
/// # Errors
/// Everything that is wrong with the section, or the file's lines.
pub fn load_ctl(
    path: Option<&Path>,
    files: &dyn Files,
    host: &dyn Host,
) -> Result<CtlSettings, Vec<ConfigError>> {
    let Some(path) = path else {
        return Ok(CtlSettings::default());
    };
    let world = World::new(files, host);
    let mut ini = Ini::default();
    let mut settings = None;
    if add_file(&world, &mut ini, path, path, Severity::Error).is_some() {
        match ini.section("supervisorctl") {
            Some(raw) => {
                settings = Some(ctl::read(Section::new(&world, &ini, raw), &world));
            }
            None => {
                let message = "has no [supervisorctl] section: expected one";
                note_file(&world, Severity::Error, path, message.to_owned());
            }
        }
        check_plugins(&world, &ini, "ctlplugin", "supervisor.ctl_factory");
    }
    let warnings = world.problems.into_result()?;
    Ok(CtlSettings { warnings, ..settings.unwrap_or_default() })
}

/// Where a configuration is looked for when none is named, in order. `program` is the path the
/// program was called by: `/usr/bin/supervisord` has `/usr/etc/supervisord.conf` first.
#[must_use]
pub fn search_paths(program: &Path) -> Vec<PathBuf> {
    let up = program.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    vec![
        up.join("etc/supervisord.conf"),
        up.join("supervisord.conf"),
        "supervisord.conf".into(),
        "etc/supervisord.conf".into(),
        "/etc/supervisord.conf".into(),
        "/etc/supervisor/supervisord.conf".into(),
    ]
}

/// Reads one file into `ini`; `None` if it cannot be read, which is noted about `blame`.
fn add_file(
    world: &World<'_>,
    ini: &mut Ini,
    path: &Path,
    blame: &Path,
    severity: Severity,
) -> Option<Rc<Source>> {
    let text = match world.files.read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
            let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
            let line = line.filter(|&&byte| byte == b'\n').count() + 1;
            (Severity::Error, format!("is not UTF-8 text in line {line}"))
        }),
        Err(error) => Err((severity, format!("cannot read {}: {error}", path.display()))),
    };
    let text =
        text.map_err(|(severity, message)| note_file(world, severity, blame, message)).ok()?;
    let absolute = world.absolute(path);
    let here = absolute.parent().unwrap_or(Path::new("/")).display().to_string();
    let absolute = absolute.to_string_lossy().into();
    let source = Rc::new(Source { path: path.to_owned(), here, absolute });
    ini.add(&source, &text, &world.problems);
    Some(source)
}

/// Reads every file that the main one's `[include]` names. An included file's own is ignored.
fn include(world: &World<'_>, ini: &mut Ini, main: &Source, included: &mut Vec<PathBuf>) {
    let Some(raw) = ini.section("include") else {
        return;
    };
    let mut section = Section::new(world, ini, raw);
    let patterns = section.text("files");
    if section.raw_text("files").is_none() {
        let message = "has no files: expected files=PATTERN ...";
        section.note(Severity::Error, None, message.to_owned());
    }
    let mut paths = Vec::new();
    for pattern in patterns.unwrap_or_default().split_whitespace() {
        let pattern = Path::new(&main.here).join(pattern).display().to_string();
        let found = glob::paths(&pattern, world.files);
        if found.is_empty() {
            section.warn("files", format!("No file matches via include \"{pattern}\""));
        }
        paths.extend(found);
    }
    if paths.len() > INCLUDED_MAX {
        let message = format!("matches {} files: expected at most {INCLUDED_MAX}", paths.len());
        section.error("files", message);
        paths.clear();
    }
    section.finish();
    for path in paths {
        // The reference passes over what it cannot read.
        if add_file(world, ini, &path, &path, Severity::Warning).is_some() {
            included.push(path);
        }
    }
    let Some(raw) = ini.section("include") else {
        return;
    };
    if raw.entries.iter().any(|entry| !std::ptr::eq(&raw const *entry.origin.source, main)) {
        let message = "stands in an included file, too, where it has no effect";
        Section::new(world, ini, raw).warn("files", message.to_owned());
    }
}

/// Warns of sections that nothing reads.
fn check_names(world: &World<'_>, ini: &Ini) {
    for raw in ini.sections() {
        let section = Section::new(world, ini, raw);
        let (kind, named) = match raw.name.split_once(':') {
            Some((kind, _)) => (kind, true),
            None => (raw.name.as_str(), false),
        };
        let server = kind == "unix_http_server" || kind == "inet_http_server";
        let known = if named { NAMED } else { SINGLE };
        let message = if server || known.contains(&kind) {
            continue;
        } else if let Some(kind) = nearest(kind, NAMED.iter().copied()) {
            format!("is not a known section: did you mean [{kind}:NAME]?")
        } else if let Some(name) = nearest(kind, SINGLE.iter().copied()) {
            format!("is not a known section: did you mean [{name}]?")
        } else {
            "is not a known section".to_owned()
        };
        section.note(Severity::Warning, None, message);
    }
}

/// The first server of a kind. The reference can have several, as `[inet_http_server:NAME]`.
fn one_server<'a, T>(
    world: &'a World<'a>,
    ini: &'a Ini,
    kind: &str,
    read: impl Fn(Section<'a>) -> Option<T>,
) -> Option<T> {
    let mut servers = ini.sections().filter(|raw| raw.name.split(':').next() == Some(kind));
    let first = servers.next().and_then(|raw| read(Section::new(world, ini, raw)));
    for raw in servers {
        let message = "is a second server of its kind: this version serves the first only";
        let section = Section::new(world, ini, raw);
        section.note(Severity::Warning, None, message.to_owned());
        read(section);
    }
    first
}

/// Python factories cannot run here. The standard one is built in; another is warned of.
fn check_plugins(world: &World<'_>, ini: &Ini, kind: &str, key: &'static str) {
    for (_, raw) in ini.of_kind(kind) {
        let mut section = Section::new(world, ini, raw);
        match section.text(key) {
            Some(factory) if factory != RPC_FACTORY => {
                section.warn(key, format!("{factory} is Python code, which cannot run here"));
            }
            Some(_) => {}
            None if section.raw_text(key).is_some() => {}
            None => {
                section.note(Severity::Error, None, format!("has no {key}: expected one"));
            }
        }
    }
}

/// The daemon does not use `[supervisorctl]`: what is wrong there is worth a warning and no more.
fn check_ctl(world: &World<'_>, ini: &Ini) {
    let own = World::new(world.files, world.host);
    if let Some(raw) = ini.section("supervisorctl") {
        ctl::read(Section::new(&own, ini, raw), &own);
    }
    check_plugins(&own, ini, "ctlplugin", "supervisor.ctl_factory");
    let problems = own.problems.into_result().unwrap_or_else(|problems| problems);
    for problem in problems {
        world.problems.note(ConfigError { severity: Severity::Warning, ..problem });
    }
}

fn note_file(world: &World<'_>, severity: Severity, path: &Path, message: String) {
    let file = path.to_owned();
    world.problems.note(ConfigError {
        severity,
        file,
        line: None,
        section: None,
        key: None,
        message,
    });
}

/// Stands in for a `[supervisord]` that is not there, so that the rest can be read.
fn nothing(path: &Path) -> RawSection {
    let source =
        Rc::new(Source { path: path.to_owned(), here: String::new(), absolute: "".into() });
    RawSection {
        name: "supervisord".to_owned(),
        origin: Origin { source, line: 1 },
        entries: Vec::new(),
    }
}
