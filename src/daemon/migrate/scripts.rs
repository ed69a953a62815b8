//! Listeners and programs that need Supervisor's Python package, which goes away with it.

use std::path::Path;

use super::Around;
use super::surroundings::Surroundings;
use crate::config::migrate::{Command, Facts, Finding, Kind};

/// Words of a command line that may be the script; what follows are its arguments.
const WORDS_MAX: usize = 6;

/// Bytes of a script that are looked at for its imports.
const SCRIPT_BYTES_MAX: usize = 8 << 10;

/// Command lines that are looked at; past it none is.
const COMMANDS_MAX: usize = 10_000;

/// The commands of superlance.
const SUPERLANCE: &[&str] =
    &["crashmail", "crashmailbatch", "crashsms", "fatalmailbatch", "httpok", "memmon"];

pub(super) fn look(facts: &Facts, system: &dyn Surroundings, around: &mut Around) {
    for command in facts.commands.iter().take(COMMANDS_MAX) {
        let Some(what) = needs_supervisor(&command.text, system) else {
            continue;
        };
        let Command { file, line, section, .. } = command;
        around.findings.push(Finding {
            kind: Kind::Differs,
            file: file.clone(),
            line: Some(*line),
            section: Some(section.clone()),
            key: Some("command".to_owned()),
            message: format!(
                "runs {what} the Python package supervisor, and that goes away with Supervisor: give \
                 the script a virtual environment that has it"
            ),
        });
    }
}

/// What of a command line needs it, and how, up to the package's name.
fn needs_supervisor(command: &str, system: &dyn Surroundings) -> Option<String> {
    let words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    let words: Vec<_> = words.take(WORDS_MAX).collect();
    let mut python = false;
    for (at, word) in words.iter().enumerate() {
        let name = Path::new(word).file_name()?.to_string_lossy().into_owned();
        if python && *word == "-m" {
            let module = words.get(at + 1)?;
            let package = module.split('.').next().unwrap_or_default();
            let needs = ["superlance", "supervisor"].contains(&package);
            return needs.then(|| format!("{module}, which needs"));
        }
        if word.starts_with('-') {
            continue;
        }
        if SUPERLANCE.contains(&name.as_str()) {
            return Some(format!("{name} of superlance, which needs"));
        }
        let is_python = name.starts_with("python") || name.starts_with("pypy");
        // Only the first word, and what an interpreter is given, is looked for.
        let script = (at == 0 || word.contains('/')).then(|| system.find(word)).flatten();
        if let Some(script) = script.filter(|_| !is_python) {
            let head = system.head(&script).unwrap_or_default();
            let text = head.get(..SCRIPT_BYTES_MAX).unwrap_or(&head);
            let text = String::from_utf8_lossy(text);
            let first = text.lines().next().unwrap_or_default();
            let is_script = python || (first.starts_with("#!") && first.contains("python"));
            if is_script && text.lines().any(imports_supervisor) {
                return Some(format!("{}, which imports", script.display()));
            }
            if python {
                return None;
            }
        }
        python |= is_python;
    }
    None
}

/// Whether a line imports the package, or superlance, which needs it.
fn imports_supervisor(line: &str) -> bool {
    let words: Vec<_> = line.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
    let packages = match words.as_slice() {
        ["from", package, ..] => std::slice::from_ref(package),
        ["import", packages @ ..] => packages,
        _ => &[],
    };
    packages.iter().any(|package| {
        ["supervisor", "superlance"].contains(&package.split('.').next().unwrap_or_default())
    })
}
