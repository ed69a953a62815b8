//! How the other installation is started: units of systemd, scripts of init, and the files of
//! options that they read.

use std::path::{Path, PathBuf};

use super::Around;
use super::surroundings::Surroundings;
use crate::config::migrate::{Finding, Kind};

/// Where an administrator puts units, which go before those of packages.
const ADMINISTRATORS: &str = "/etc/systemd/system";

/// Where units are.
const DIRECTORIES: &[&str] = &[
    ADMINISTRATORS,
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Units of this kind: Debian's and pip's, Fedora's and this program's, ochinchina/supervisord's own.
const UNITS: &[&str] = &["supervisor.service", "supervisord.service", "go-supervisord.service"];

/// Scripts that start a daemon without systemd.
const SCRIPTS: &[&str] = &["/etc/init.d/supervisor", "/etc/init.d/supervisord"];

/// Files that such scripts, and some units, read.
const OPTIONS: &[&str] = &[
    "/etc/default/supervisor",
    "/etc/sysconfig/supervisor",
    "/etc/sysconfig/supervisord",
    "/etc/conf.d/supervisor",
    "/etc/conf.d/supervisord",
];

/// Variables with the options of another one's daemon.
const OPTION_VARIABLES: &[&str] = &["OPTIONS", "DAEMON_OPTS"];

/// What only this program's unit says.
const OWN: &str = "BusName=org.supervisord.Supervisor1";

/// What this program's unit reads.
#[derive(Debug)]
pub(super) struct OwnUnit {
    /// The configuration.
    pub configuration: PathBuf,
    /// Variables of the daemon and of every program.
    pub variables: PathBuf,
}

impl OwnUnit {
    /// As it is installed, or as packages of this host's kind would install it.
    pub fn find(system: &dyn Surroundings) -> Self {
        let fedora = system.exists(Path::new("/etc/sysconfig"));
        let (configuration, variables) = if fedora {
            ("/etc/supervisord.conf", "/etc/sysconfig/supervisord")
        } else {
            ("/etc/supervisor/supervisord.conf", "/etc/default/supervisord")
        };
        let mut found = Self { configuration: configuration.into(), variables: variables.into() };
        let paths = DIRECTORIES.iter().map(|path| Path::new(path).join("supervisord.service"));
        let text = paths.filter_map(|path| system.text(&path)).find(|text| is_own(text));
        for (_, line) in lines(text.as_deref().unwrap_or_default()) {
            if let Some(path) = line.strip_prefix("EnvironmentFile=") {
                found.variables = path.trim_start_matches('-').into();
            }
            let named = line.strip_prefix("ExecStart=").and_then(|line| line.split_once(" -c "));
            if let Some((_, path)) = named {
                found.configuration = path.split_whitespace().next().unwrap_or_default().into();
            }
        }
        found
    }
}

fn is_own(unit: &str) -> bool {
    unit.lines().any(|line| line.trim() == OWN)
}

pub(super) fn look(system: &dyn Surroundings, around: &mut Around) {
    for directory in DIRECTORIES.iter().map(Path::new) {
        // Where /lib is /usr/lib, what is there was looked at.
        if directory.starts_with("/lib") && system.link(Path::new("/lib")).is_some() {
            continue;
        }
        for name in UNITS {
            unit(&directory.join(name), name, system, around);
            for path in system.list(&directory.join(format!("{name}.d"))) {
                drop_in(&path, name, system, around);
            }
        }
    }
    for path in SCRIPTS.iter().map(Path::new).filter(|path| system.exists(path)) {
        let message = "starts the other installation where there is no systemd: remove it with its \
                       package, or disable it";
        around.findings.push(Finding::about(Kind::Note, path, None, message.to_owned()));
    }
    for path in OPTIONS.iter().map(Path::new) {
        options(path, system, around);
    }
}

/// A unit that starts another daemon, or this one in another one's way.
fn unit(path: &Path, name: &str, system: &dyn Surroundings, around: &mut Around) {
    let Some(text) = system.text(path) else {
        return;
    };
    if is_own(&text) {
        return;
    }
    let starts = lines(&text).find_map(|(line, text)| Some((line, started(text)?)));
    let Some((line, program)) = starts else {
        return;
    };
    let what = match system.ancestor(&program) {
        Some(from) => format!("starts {from}"),
        None => format!("starts {}", program.display()),
    };
    let in_the_way = path.starts_with(ADMINISTRATORS) && name != "go-supervisord.service";
    let (kind, message) = if in_the_way {
        let message = format!(
            "{what}, and goes before the unit that comes with this program: remove it, and what was \
             changed in it put into a drop-in of supervisord.service"
        );
        (Kind::Differs, message)
    } else {
        (Kind::Note, format!("{what}: it has to be disabled before supervisord.service is enabled"))
    };
    around.findings.push(Finding::about(kind, path, Some(line), message));
    let stop = format!("systemctl disable --now {name}");
    if !around.stop.contains(&stop) {
        around.stop.push(stop);
    }
}

/// Whether a unit is one of the usual ones, or says that it starts a supervisord.
pub(super) fn starts_supervisord(name: &str, system: &dyn Surroundings) -> bool {
    let says = |directory: &&str| {
        let text = system.text(&Path::new(directory).join(name)).unwrap_or_default();
        lines(&text).any(|(_, line)| line.starts_with("ExecStart=") && line.contains("supervisord"))
    };
    UNITS.contains(&name) || DIRECTORIES.iter().any(says)
}

/// What a drop-in sets for the other one's unit, whose name is an alias of this program's.
fn drop_in(path: &Path, name: &str, system: &dyn Surroundings, around: &mut Around) {
    if name == "go-supervisord.service" || path.extension().is_none_or(|end| end != "conf") {
        return;
    }
    let text = system.text(path).unwrap_or_default();
    for (line, text) in lines(&text) {
        if started(text).is_some() || (!text.starts_with(['#', ';']) && text.contains("python")) {
            let message = "is for another installation, and holds for this program's unit, too, which \
                           is also called supervisor.service: change or remove it";
            let finding = Finding::about(Kind::Differs, path, Some(line), message.to_owned());
            around.findings.push(finding);
        }
    }
}

/// The program of an `ExecStart=` line that starts one.
fn started(line: &str) -> Option<PathBuf> {
    let command = line.strip_prefix("ExecStart=")?.trim_start_matches(['-', '@', ':', '+', '!']);
    command.split_whitespace().next().map(PathBuf::from)
}

/// Each variable of a file that this program's unit does not read.
fn options(path: &Path, system: &dyn Surroundings, around: &mut Around) {
    let text = system.text(path).unwrap_or_default();
    for (line, text) in lines(&text) {
        let text = text.strip_prefix("export ").unwrap_or(text).trim_start();
        let Some((name, value)) = text.split_once('=') else {
            continue;
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || !name.chars().all(is_name)
            || value.trim_matches(['"', '\'']).is_empty()
        {
            continue;
        }
        let variables = around.unit.variables.display();
        let message = if OPTION_VARIABLES.contains(&name) {
            format!(
                "{name} is not read by this program's unit: options go into the configuration, or into \
                 ExecStart= with systemctl edit supervisord"
            )
        } else if path == around.unit.variables {
            continue;
        } else {
            format!("{name} is not read by this program's unit: variables go into {variables}")
        };
        around.findings.push(Finding::about(Kind::Differs, path, Some(line), message));
    }
}

/// Lines with their numbers, without white space at the ends.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines().map(str::trim))
}
