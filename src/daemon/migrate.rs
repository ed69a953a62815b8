//! `supervisord migrate`: what an existing configuration, and the installation around it, mean here.

mod daemons;
mod logrotate;
mod report;
mod scripts;
mod surroundings;
mod units;

use std::path::{Path, PathBuf};

use self::report::Report;
use self::surroundings::{Surroundings, System};
use crate::config::migrate::{Ancestor, Finding, Inspection, inspect};
use crate::config::{self, Files, Host};
use crate::runtime::host::{RealFiles, RealHost};

/// Where the unit of this program has its configuration.
const UNITS_FILE: &str = "/etc/supervisor/supervisord.conf";

/// What is asked for on the command line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// The configuration; `None` for the first of the usual ones.
    pub file: Option<&'a Path>,
    pub from: Option<Ancestor>,
    pub json: bool,
    /// Also what means the same.
    pub all: bool,
}

/// The report and the exit status: 0 if there is nothing to do, 1 if something differs or is not
/// served, 2 if the file cannot be used as it is.
///
/// # Errors
/// No file was named, and none is in the usual places.
pub(super) fn migrate(request: &Request<'_>) -> Result<(String, u8), String> {
    let path = match request.file {
        Some(path) => path.to_owned(),
        None => usual(&System)?,
    };
    let world = World { files: &RealFiles, host: &RealHost, system: &System };
    Ok(world.report(&path, request))
}

/// Everything outside that is looked at.
struct World<'a> {
    files: &'a dyn Files,
    host: &'a dyn Host,
    system: &'a dyn Surroundings,
}

impl World<'_> {
    fn report(&self, path: &Path, request: &Request<'_>) -> (String, u8) {
        let mut inspection = inspect(path, self.files, self.host, request.from);
        let around = look_around(&inspection, self.system);
        inspection.findings.extend(around.findings);
        let report = Report { path, inspection: &inspection, stop: &around.stop };
        report.render(request.json, request.all)
    }
}

fn usual(system: &dyn Surroundings) -> Result<PathBuf, String> {
    let called = std::env::args_os().next().unwrap_or_default();
    let paths = config::search_paths(Path::new(&called));
    let found = paths.iter().find(|path| system.exists(path));
    found.map(|path| RealHost.cwd().join(path)).ok_or_else(|| {
        let tried: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        format!("cannot find a configuration at {}: name its file", tried.join(", "))
    })
}

/// What stands around a configuration.
#[derive(Debug, Default)]
struct Around {
    findings: Vec<Finding>,
    /// The commands that stop the other daemon and keep it from coming back.
    stop: Vec<String>,
}

/// Looks at the installation, and changes nothing.
fn look_around(inspection: &Inspection, system: &dyn Surroundings) -> Around {
    let mut around = Around::default();
    daemons::look(inspection, system, &mut around);
    units::look(system, &mut around);
    logrotate::look(&inspection.facts, system, &mut around);
    scripts::look(&inspection.facts, system, &mut around);
    around
}

#[cfg(test)]
mod tests;
