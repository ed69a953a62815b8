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
use self::units::OwnUnit;
use crate::config::migrate::{Ancestor, Finding, Inspection, inspect};
use crate::config::{self, Files, Host};
use crate::runtime::host::{RealFiles, RealHost};

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
        // What is about a line of the configuration stands with the rest of that.
        let (lines, things): (Vec<_>, Vec<_>) =
            around.findings.iter().cloned().partition(|finding| finding.section.is_some());
        inspection.findings.extend(lines);
        inspection.findings.sort_by(|a, b| a.place().cmp(&b.place()));
        inspection.findings.extend(things);
        let Around { stop, unit, .. } = &around;
        let cwd = &self.host.cwd();
        let report = Report { path, cwd, inspection: &inspection, stop, unit };
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
#[derive(Debug)]
struct Around {
    findings: Vec<Finding>,
    /// This program's own unit.
    unit: OwnUnit,
    /// The commands that stop the other daemon and keep it from coming back.
    stop: Vec<String>,
}

/// Looks at the installation, and changes nothing.
fn look_around(inspection: &Inspection, system: &dyn Surroundings) -> Around {
    let unit = OwnUnit::find(system);
    let mut around = Around { findings: Vec::new(), unit, stop: Vec::new() };
    daemons::look(inspection, system, &mut around);
    units::look(system, &mut around);
    logrotate::look(&inspection.facts, system, &mut around);
    scripts::look(&inspection.facts, system, &mut around);
    around
}

#[cfg(test)]
mod tests;
