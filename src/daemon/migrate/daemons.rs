//! The daemon that runs, and programs of its name that would be called instead of this one.

use std::path::{Path, PathBuf};

use super::Around;
use super::surroundings::Surroundings;
use super::units;
use crate::config::migrate::{Ancestor, Finding, Inspection, Kind};

pub(super) fn look(inspection: &Inspection, system: &dyn Surroundings, around: &mut Around) {
    let facts = &inspection.facts;
    let pidfile = &facts.pidfile;
    if let Some(daemon) = running(pidfile, system) {
        let message = match daemon.from {
            Some(from) => format!("{from} runs as process {}: it has to stop first", daemon.pid),
            None => format!("a supervisord runs as process {} already", daemon.pid),
        };
        around.findings.push(Finding::about(Kind::Note, pidfile, None, message));
        if daemon.from.is_some() {
            around.stop.push(match daemon.unit {
                Some(unit) => format!("systemctl disable --now {unit}"),
                None => format!("kill {}", daemon.pid),
            });
        }
    } else if let Some(socket) = facts.socket.as_deref().filter(|path| is_bound(path, system)) {
        let message = "is listened on: by a daemon whose pidfile is another or that only root can look \
                       at, or by a unit";
        around.findings.push(Finding::about(Kind::Note, socket, None, message.to_owned()));
    }
    shadows(system, around);
    if inspection.from == Ancestor::Go {
        let file = Path::new("supervisord.ini");
        if system.exists(file) {
            let message = "is the first file that ochinchina/supervisord looks for; this program does \
                           not: name it with -c";
            around.findings.push(Finding::about(Kind::Note, file, None, message.to_owned()));
        }
    }
}

struct Daemon {
    pid: u32,
    from: Option<Ancestor>,
    /// The service of systemd's that is there to start it.
    unit: Option<String>,
}

/// The daemon that the pidfile names, if that process is one.
fn running(pidfile: &Path, system: &dyn Surroundings) -> Option<Daemon> {
    let pid: u32 = system.text(pidfile)?.trim().parse().ok()?;
    let process = PathBuf::from(format!("/proc/{pid}"));
    let exe = system.link(&process.join("exe"))?;
    let arguments = system.text(&process.join("cmdline"))?;
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let called = arguments.split('\0').filter_map(|word| name(Path::new(word)));
    let supervisord = |word: &String| word.starts_with("supervisord");
    let exe_name = name(&exe)?;
    let from = if exe_name.starts_with("python") || exe_name.starts_with("pypy") {
        called.into_iter().any(|word| supervisord(&word)).then_some(Some(Ancestor::Supervisor))?
    } else {
        // The file may have been replaced since; the process still has it.
        let go = system.ancestor(&process.join("exe"));
        let known = go.is_some() || supervisord(&exe_name);
        known.then_some(go)?
    };
    let cgroup = system.text(&process.join("cgroup")).unwrap_or_default();
    Some(Daemon { pid, from, unit: service(&cgroup, system) })
}

/// The service of a control group, if it is there to start a supervisord. One that was started from
/// cron, a login or a user's manager is in that one's service, which must go on.
fn service(cgroup: &str, system: &dyn Surroundings) -> Option<String> {
    let mut parts = cgroup.lines().flat_map(|line| line.split('/'));
    let name = parts.find(|part| part.ends_with(".service"))?;
    units::starts_supervisord(name, system).then(|| name.to_owned())
}

/// Whether somebody listens on a unix socket, as far as /proc/net/unix tells (proc_net(5)); the socket
/// itself is not touched. Supervisor binds it as `PATH.PID`, and links it to its name.
fn is_bound(path: &Path, system: &dyn Surroundings) -> bool {
    let sockets = system.text(Path::new("/proc/net/unix")).unwrap_or_default();
    let path = path.to_string_lossy();
    let same = |line: &str| {
        let bound = line.split_whitespace().nth(7).and_then(|bound| bound.strip_prefix(&*path));
        let pid = |rest: &str| rest.strip_prefix('.').is_some_and(|pid| pid.parse::<u32>().is_ok());
        bound.is_some_and(|rest| rest.is_empty() || pid(rest))
    };
    sockets.lines().any(same)
}

/// Other programs of the same name that are found before this one.
fn shadows(system: &dyn Surroundings, around: &mut Around) {
    let own = system.link(Path::new("/proc/self/exe"));
    let own = own.as_deref().and_then(Path::parent);
    for directory in system.search_path() {
        if Some(directory.as_path()) == own {
            break;
        }
        for name in ["supervisord", "supervisorctl"] {
            let path = directory.join(name);
            if let Some(from) = system.ancestor(&path) {
                let message =
                    format!("is of {from}, and found before this program's {name} on PATH");
                around.findings.push(Finding::about(Kind::Note, &path, None, message));
            }
        }
    }
}
