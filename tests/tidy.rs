//! The rules of ARCHITECTURE.md as tests: who imports whom, what pure modules may not touch, how
//! large a file may grow, and that each opens with a line that says what it is for.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

/// A file over this hides something that wants a file of its own.
const LINES_MAX: usize = 500;

/// Modules and what of ours each may import. A module may always import itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("xmlrpc", &[]),
    ("config", &["model"]),
    ("core", &["model", "config"]),
    ("logs", &["model", "config"]),
    ("tls", &["config"]),
    ("runtime", &["model", "config", "core", "logs", "tls"]),
    (
        "api",
        &[
            "model",
            "config",
            "core::event",
            "core::Command",
            "core::Reply",
            "core::{Command, Reply}",
            "core::{Command, Reply, event}",
            "runtime::handle",
            "runtime::meters",
            "runtime::usage",
            "logs",
            "xmlrpc::Value",
        ],
    ),
    ("http", &["model", "config", "api", "xmlrpc", "logs", "tls"]),
    ("dbus", &["model", "config", "api"]),
    ("ctl", &["model", "config", "api", "xmlrpc", "runtime::host", "tls"]),
    (
        "daemon",
        &["model", "config", "core", "logs", "runtime", "api", "http", "dbus", "ctl", "xmlrpc"],
    ),
];

/// The modules without a world, and what would let it in.
const PURE: &[&str] = &["model", "config", "core", "xmlrpc"];
const WORLDLY: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "tokio::",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
];

fn sources(under: &str) -> Vec<PathBuf> {
    files(under, "rs")
}

fn files(under: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(under)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a source directory") {
            let path = entry.expect("an entry").path();
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
            if path.is_dir() && !is_hidden {
                directories.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no sources under {under}");
    found
}

fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let first = relative.expect("a file under src").components().next().expect("a name");
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The code that ships: without comments, and without the tests at the end of a file.
fn shipped(path: &Path) -> String {
    let is_test = path.file_name().is_some_and(|name| name == "tests.rs")
        || path.components().any(|part| part.as_os_str() == "tests");
    if is_test {
        return String::new();
    }
    let text = fs::read_to_string(path).expect("a readable source");
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_module_imports_only_what_it_may() {
    let mut broken = Vec::new();
    for path in sources("src") {
        let module = module_of(&path);
        if matches!(module.as_str(), "lib" | "bin") {
            continue;
        }
        let allowed = MAY_IMPORT.iter().find(|(name, _)| *name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{module} is not in the table"));
        let code = shipped(&path);
        for (at, _) in code.match_indices("crate::") {
            let import = &code[at + "crate::".len()..];
            let own = import.starts_with(&module);
            if !own && !allowed.iter().any(|prefix| import.starts_with(prefix)) {
                let import: String = import.chars().take(40).collect();
                broken.push(format!("{}: {import}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "imports that ARCHITECTURE.md forbids:\n{}", broken.join("\n"));
}

#[test]
fn pure_modules_know_no_world() {
    let mut broken = Vec::new();
    for path in sources("src") {
        if PURE.contains(&module_of(&path).as_str()) {
            let code = shipped(&path);
            for word in WORLDLY.iter().filter(|word| code.contains(**word)) {
                broken.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "the world in a pure module:\n{}", broken.join("\n"));
}

#[test]
fn no_file_is_too_long_and_each_says_what_it_is_for() {
    let mut broken = Vec::new();
    for path in sources("src").into_iter().chain(sources("tests")) {
        let text = fs::read_to_string(&path).expect("a readable source");
        let lines = text.lines().count();
        if lines > LINES_MAX {
            broken.push(format!("{}: {lines} lines", path.display()));
        }
        if !text.starts_with("//! ") {
            broken.push(format!("{}: does not open with a `//! ` line", path.display()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn unsafe_stays_where_system_calls_are_made() {
    for path in sources("src") {
        let module = module_of(&path);
        let uses = shipped(&path).contains("unsafe {");
        assert!(
            !uses
                || matches!(module.as_str(), "runtime" | "logs" | "http" | "dbus" | "ctl" | "bin"),
            "{} has unsafe code",
            path.display()
        );
    }
}

#[test]
fn only_the_law_assigns_a_state() {
    for path in sources("src") {
        let assigns = shipped(&path).contains("self.state = State::")
            || shipped(&path).contains(".state = State::");
        let law = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core/transition");
        let is_the_law = path.ends_with("core/transition.rs") || path.starts_with(law);
        let elsewhere = module_of(&path) != "core";
        assert!(!assigns || is_the_law || elsewhere, "{} assigns a state", path.display());
    }
}

#[test]
fn the_page_on_failures_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/failures.md")).expect("the page");
    let read = |path: PathBuf| fs::read_to_string(path).expect("a readable source");
    let code: String = sources("src").into_iter().chain(sources("tests")).map(read).collect();
    let python: String = files("tests", "py").into_iter().map(read).collect();
    let names: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.matches('_').count() > 1 && !word.contains('/'))
        .collect();
    assert!(names.len() > 50, "the page names no tests");
    let missing = |name: &&&str| {
        !code.contains(&format!("fn {name}(")) && !python.contains(&format!("def {name}("))
    };
    let missing: Vec<_> = names.iter().filter(missing).collect();
    assert!(missing.is_empty(), "there is no test called {missing:?}");
}
