//! What an existing configuration of Supervisor (Python) or ochinchina/supervisord (Go) means here,
//! line by line.
//!
//! The file is read twice: by the ordinary reader, whose problems become findings ([`reader`]), and
//! as bare sections, over which the rules of the one or the other go ([`supervisor`], [`go`], by the
//! machinery of [`rule`]). Which of the two wrote the file is recognised by what only one of them
//! has ([`recognise`]). Nothing of a value gets into a message unless the rule says so: values hold
//! secrets.

mod facts;
mod finding;
mod go;
mod go_forms;
mod keys;
mod reader;
mod recognise;
mod rule;
mod supervisor;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;

pub use self::facts::{Command, Facts, LogFile};
pub use self::finding::{Finding, Kind};
pub use self::recognise::Ancestor;
use self::recognise::recognise;
use self::rule::{At, Rule, Tables, When};
use super::ini::{Entry, Ini, Source};
use super::{Files, Host, glob, load};

/// Findings that a report keeps; past it the later ones are counted and not told.
pub const FINDINGS_MAX: usize = 10_000;

/// What is to be said whoever wrote it.
const COMMON: &[Rule] = &[Rule {
    sections: &["unix_http_server"],
    keys: &["chmod", "chown"],
    when: When::If(|at| !["0700", "700"].contains(&at.value)),
    kind: Kind::Note,
    text: "does not count for /run/supervisor.sock where supervisord.socket makes it: its mode and \
           owner are the unit's",
}];

/// What was found out about a configuration.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Whose configuration it is taken for.
    pub from: Ancestor,
    /// Why, as the end of a sentence.
    pub reason: String,
    /// By file and line.
    pub findings: Vec<Finding>,
    /// Findings past [`FINDINGS_MAX`], beside those of what is the same.
    pub dropped: usize,
    /// What the installation around the file is looked at for.
    pub facts: Facts,
}

/// Looks at a configuration with everything it includes. `from` says whose it is, if somebody
/// knows.
#[must_use]
pub fn inspect(
    path: &Path,
    files: &dyn Files,
    host: &dyn Host,
    from: Option<Ancestor>,
) -> Inspection {
    let problems = match load::load(path, files, host) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    let Some((ini, main, included)) = load::sections(path, files, host) else {
        return Inspection {
            from: from.unwrap_or(Ancestor::Supervisor),
            reason: "it cannot be read".to_owned(),
            findings: reader::findings(problems, Ancestor::Supervisor),
            dropped: 0,
            facts: Facts::default(),
        };
    };
    let (from, reason) = recognise(&ini, from);
    let mut findings = once(reader::findings(problems, from), &ini);
    let scene = Scene { ini: &ini, main: &main, files, many: !included.is_empty() };
    let by_rules = scene.findings(from, &findings);
    findings.extend(by_rules);
    // What is dropped is what matters least.
    findings.sort_by_key(|finding| finding.kind);
    let telling = findings.iter().filter(|finding| finding.kind != Kind::Same).count();
    let dropped = telling.saturating_sub(FINDINGS_MAX);
    findings.truncate(FINDINGS_MAX);
    findings.sort_by(|a, b| a.place().cmp(&b.place()));
    let facts = facts::gather(&ini, path, files, host);
    Inspection { from, reason, findings, dropped, facts }
}

/// What the reader says of a default once for each program that has it, said once for its line.
fn once(findings: Vec<Finding>, ini: &Ini) -> Vec<Finding> {
    let mut owners = HashMap::new();
    for section in rule::sections(ini) {
        for Entry { origin, .. } in section.entries {
            owners.insert((&*origin.source.path, origin.line), section.name);
        }
    }
    let mut said = HashSet::new();
    let mut kept = Vec::with_capacity(findings.len());
    for mut finding in findings {
        let place = finding.line.map(|line| (&*finding.file, line));
        if let Some(owner) = place.and_then(|place| owners.get(&place)) {
            finding.section = Some((*owner).to_owned());
        }
        if said.insert(finding.clone()) {
            kept.push(finding);
        }
    }
    kept
}

/// Whether a file name matches a pattern of a shell.
#[must_use]
pub fn name_matches(pattern: &str, name: &str) -> bool {
    glob::matches(pattern, name)
}

/// What rules look at beside a line.
struct Scene<'a> {
    ini: &'a Ini,
    main: &'a Rc<Source>,
    files: &'a dyn Files,
    /// Whether there is more than the main file.
    many: bool,
}

impl Scene<'_> {
    /// What the rules say, and `same` for each line of which neither they nor the reader do.
    fn findings(&self, from: Ancestor, told: &[Finding]) -> Vec<Finding> {
        let tables = match from {
            Ancestor::Supervisor => supervisor::TABLES,
            Ancestor::Go => go::TABLES,
        };
        let mut by_line: HashMap<_, Vec<&Finding>> = HashMap::new();
        for finding in told {
            let line = finding.line.unwrap_or_default();
            by_line.entry((&*finding.file, line)).or_default().push(finding);
        }
        let mut found = Vec::new();
        for section in rule::sections(self.ini) {
            let (kind, named) = match section.name.split_once(':') {
                Some((kind, _)) => (kind, true),
                None => (section.name, false),
            };
            let at = |key, value, origin| At {
                scene: self,
                section: section.name,
                kind,
                entries: section.entries,
                key,
                value,
                origin,
            };
            if let Some(origin) = section.origin {
                let header = at("", "", origin);
                let known = tables.keys.section(kind, named);
                if !known && keys::is_ours(kind) {
                    let message = "is a section that is passed over there; here it has its effect";
                    found.push(header.finding(Kind::Differs, message));
                } else {
                    found.extend(told_by(&tables, &header));
                }
            }
            for entry in section.entries {
                let line = at(&entry.key, &entry.value, &entry.origin);
                let place = (&*entry.origin.source.path, entry.origin.line);
                let told = by_line.get(&place).map(Vec::as_slice).unwrap_or_default();
                found.extend(line_by_line(&tables, &line, told));
            }
        }
        found
    }
}

/// What is to be said about one line, of which the reader said this.
fn line_by_line(tables: &Tables, line: &At<'_>, told: &[&Finding]) -> Vec<Finding> {
    // What cannot be used, or has no effect, need not be compared.
    if told.iter().any(|finding| finding.kind <= Kind::NotServed) {
        return Vec::new();
    }
    let mut found = told_by(tables, line);
    let idle = told.iter().any(|finding| finding.is_of_no_effect());
    if !idle && tables.keys.passes_over(line.kind, line.key, line.value) {
        let message = "is a key that is passed over there; here it has its effect";
        found.push(line.finding(Kind::Differs, message));
    }
    if found.is_empty() && told.is_empty() {
        found.push(line.finding(Kind::Same, "means the same"));
    }
    found
}

fn told_by(tables: &Tables, at: &At<'_>) -> Vec<Finding> {
    tables.rules.iter().chain(COMMON).filter_map(|rule| rule.ask(at, tables)).collect()
}

#[cfg(test)]
mod tests;
