//! Log files that logrotate(8) rotates, too.

use std::path::Path;

use super::Around;
use super::surroundings::Surroundings;
use crate::config::migrate::{Facts, Finding, Kind, LogFile, name_matches};

const SNIPPETS: &str = "/etc/logrotate.d";

pub(super) fn look(facts: &Facts, system: &dyn Surroundings, around: &mut Around) {
    for path in system.list(Path::new(SNIPPETS)) {
        let text = system.text(&path).unwrap_or_default();
        for stanza in stanzas(&text) {
            let ours = |pattern: &str| facts.logs.iter().find(|log| matches(pattern, log));
            let found =
                stanza.patterns.iter().find_map(|&(line, pattern)| Some((line, ours(pattern)?)));
            let Some((line, log)) = found else {
                continue;
            };
            let file = log.path.display();
            let message = if log.rotated {
                format!(
                    "rotates {file}, as the daemon does: set {}=0, or remove this",
                    log.size_key
                )
            } else if stanza.has_script {
                format!(
                    "rotates {file}: its script need not tell the daemon, which sees by itself that \
                     a log was moved or truncated"
                )
            } else {
                continue;
            };
            around.findings.push(Finding::about(Kind::Note, &path, Some(line), message));
        }
    }
}

/// What one pair of braces is about.
#[derive(Default)]
struct Stanza<'a> {
    /// Each with its line.
    patterns: Vec<(usize, &'a str)>,
    /// Whether it runs something after a rotation.
    has_script: bool,
}

/// Reads what counts of a snippet: patterns before braces, and what is between them.
fn stanzas(text: &str) -> Vec<Stanza<'_>> {
    let mut stanzas = Vec::new();
    let mut one = Stanza::default();
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        if inside {
            one.has_script |= line.starts_with("postrotate") || line.starts_with("lastaction");
            if line.starts_with('}') {
                stanzas.push(std::mem::take(&mut one));
                inside = false;
            }
            continue;
        }
        let before = line.split('{').next().unwrap_or_default();
        let words = before.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
        one.patterns.extend(words.filter(|word| word.starts_with('/')).map(|word| (number, word)));
        inside = line.contains('{');
    }
    stanzas
}

/// Whether a pattern, which has stars in any part, is for this file.
fn matches(pattern: &str, log: &LogFile) -> bool {
    let path = log.path.to_string_lossy();
    let (mut patterns, mut names) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) if name_matches(pattern, name) => {}
            _ => return false,
        }
    }
}
