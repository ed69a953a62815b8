//! What the ordinary reader says, as findings.

use super::finding::{Finding, Kind};
use super::keys;
use super::recognise::Ancestor;
use crate::config::problem::{ConfigError, Severity};

/// How the reader begins to tell of a key that it does not know.
pub(super) const UNKNOWN_KEY: &str = "is not a known key";

/// How the reader begins to tell of a key that has no effect yet.
pub(super) const NOT_SERVED: &str = "is not served by this version";

/// Warnings that are more than a note, by what stands in them. The rest says what would be said
/// there, too, or makes no difference.
const WARNINGS: &[(&str, Kind)] = &[
    (NOT_SERVED, Kind::NotServed),
    ("is Python code, which cannot run here", Kind::NotServed),
    ("this version serves the first only", Kind::NotServed),
    ("this version sends the first only", Kind::NotServed),
    ("is out of range and taken as", Kind::Differs),
];

/// One finding for each problem.
pub(super) fn findings(problems: Vec<ConfigError>, from: Ancestor) -> Vec<Finding> {
    let finding = |problem: ConfigError| {
        let kind = kind(&problem, from);
        let message = without_secrets(problem.key.as_deref().unwrap_or_default(), problem.message);
        let ConfigError { file, line, section, key, .. } = problem;
        Finding { kind, file, line, section, key, message }
    };
    problems.into_iter().map(finding).collect()
}

fn kind(problem: &ConfigError, from: Ancestor) -> Kind {
    if problem.severity == Severity::Error {
        return Kind::Error;
    }
    let known = WARNINGS.iter().find(|(part, _)| problem.message.contains(part));
    let kind = known.map_or(Kind::Note, |&(_, kind)| kind);
    let unknown_there = problem.key.as_deref().is_some_and(|key| keys::GO_ONLY.contains(&key));
    match (kind, from) {
        // Supervisor passes over it, and so does this version.
        (Kind::NotServed, Ancestor::Supervisor) if unknown_there => Kind::Note,
        _ => kind,
    }
}

/// Where a value can hold a secret, what a message quotes of it is left out. What is expected is
/// said after a colon.
fn without_secrets(key: &str, message: String) -> String {
    let quotes = message.contains('"') || message.contains("cannot expand");
    match key {
        _ if !quotes => message,
        _ if key.ends_with("password") => nameless(&message),
        // The name of a variable is no secret.
        "environment" if !message.starts_with("cannot expand") => nameless(&message),
        _ => message,
    }
}

fn nameless(message: &str) -> String {
    let expected = message.find(": expected ").and_then(|at| message.get(at..));
    let expected = expected.or_else(|| message.rfind(", or ").and_then(|at| message.get(at..)));
    format!("is not understood{}", expected.unwrap_or_default())
}
