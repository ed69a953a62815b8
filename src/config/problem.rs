//! What can be wrong in a configuration, where it stands, and the list that gathers all of it.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// Errors, and warnings, that one reading keeps; what comes after them is dropped. The first
/// ones are the ones a person works on.
pub const PROBLEMS_MAX: usize = 1000;

/// Whether the configuration can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but probably not as it was meant.
    Warning,
}

/// One thing that is wrong in a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// How bad it is.
    pub severity: Severity,
    /// The file it is in.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// The line, from 1; `None` if it is about something that is not there.
    pub line: Option<usize>,
    /// The section, without brackets.
    pub section: Option<String>,
    /// The key, in lower case.
    pub key: Option<String>,
    /// What is wrong, and what is expected.
    pub message: String,
}

pub(super) fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// `file:line: [section] key: message`, without the parts that are not known.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, section, key, message, .. } = self;
        write_place(f, file, *line, section.as_deref(), key.as_deref())?;
        write!(f, " {message}")
    }
}

/// `file:line: [section] key:`, without the parts that are not known.
pub(super) fn write_place(
    f: &mut fmt::Formatter<'_>,
    file: &Path,
    line: Option<usize>,
    section: Option<&str>,
    key: Option<&str>,
) -> fmt::Result {
    write!(f, "{}:", file.display())?;
    if let Some(line) = line {
        write!(f, "{line}:")?;
    }
    if let Some(section) = section {
        write!(f, " [{section}]")?;
        if let Some(key) = key {
            write!(f, " {key}")?;
        }
        f.write_str(":")?;
    }
    Ok(())
}

impl std::error::Error for ConfigError {}

/// Gathers problems while reading goes on.
#[derive(Debug, Default)]
pub(super) struct Problems {
    errors: RefCell<Vec<ConfigError>>,
    warnings: RefCell<Vec<ConfigError>>,
}

impl Problems {
    /// Takes note of one, unless it is known already: the processes of one program share a line.
    pub fn note(&self, problem: ConfigError) {
        let list = match problem.severity {
            Severity::Error => &self.errors,
            Severity::Warning => &self.warnings,
        };
        let mut list = list.borrow_mut();
        if list.len() < PROBLEMS_MAX && !list.contains(&problem) {
            list.push(problem);
        }
    }

    /// Whether the configuration cannot be used.
    pub fn any_error(&self) -> bool {
        !self.errors.borrow().is_empty()
    }

    /// The errors, if there are any, with the warnings after them; else the warnings. Both in
    /// order of file and line.
    pub fn into_result(self) -> Result<Vec<ConfigError>, Vec<ConfigError>> {
        let (mut errors, mut warnings) = (self.errors.into_inner(), self.warnings.into_inner());
        for list in [&mut errors, &mut warnings] {
            list.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        }
        if errors.is_empty() {
            return Ok(warnings);
        }
        errors.extend(warnings);
        Err(errors)
    }
}

/// The candidate that was most likely meant by `word`; `None` if none is near.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A third of the letters may be wrong: "comand" is command, "cat" is nothing.
    let limit = word.chars().count().div_ceil(3).min(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters to insert, remove or replace (Levenshtein); stops counting far-away words.
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 12 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        let check = |a, b, expected| assert_eq!(distance(a, b), expected, "{a} {b}");
        check("", "abc", 3);
        check("abc", "", 3);
        check("command", "command", 0);
        check("comand", "command", 1);
        check("kitten", "sitting", 3);
    }

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let known = ["command", "autostart", "autorestart", "user"];
        assert_eq!(nearest("comand", known), Some("command"));
        assert_eq!(nearest("autorestrt", known), Some("autorestart"));
        assert_eq!(nearest("cat", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn a_problem_names_its_place() {
        let mut problem = ConfigError {
            severity: Severity::Error,
            file: "a.conf".into(),
            line: Some(3),
            section: Some("program:x".into()),
            key: Some("umask".into()),
            message: "is wrong".into(),
        };
        assert_eq!(problem.to_string(), "a.conf:3: [program:x] umask: is wrong");
        (problem.line, problem.section) = (None, None);
        assert_eq!(problem.to_string(), "a.conf: is wrong");
    }

    #[test]
    fn an_error_is_kept_however_many_warnings_came_before() {
        let problems = Problems::default();
        let problem = |severity, line| ConfigError {
            severity,
            file: "a.conf".into(),
            line: Some(line),
            section: None,
            key: None,
            message: String::new(),
        };
        for line in 0..2 * PROBLEMS_MAX {
            problems.note(problem(Severity::Warning, line));
        }
        problems.note(problem(Severity::Error, 1));
        problems.note(problem(Severity::Error, 1));
        let all = problems.into_result().unwrap_err();
        assert_eq!(all.len(), PROBLEMS_MAX + 1);
        assert_eq!(all[0].severity, Severity::Error);
    }
}
