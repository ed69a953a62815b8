//! The manual pages, the completions of shells and the tables in `docs/`, made of the tables that
//! the programs themselves are made of: a page cannot say what a program does not.
//!
//! ```text
//! cargo test --test documents             fails if a file is not what it should be
//! UPDATE=1 cargo test --test documents    writes the files
//! ```
//!
//! What is written is committed, so that a package needs no program of its own build to run.
//! `pages/` has the words that no table has; `{{NAME}}` in them stands for a table.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod completions;
mod lint;
mod pages;
mod roff;
mod shells;
mod tables;
mod version;
mod whole;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where the package's files are.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that is made, and what it should hold.
fn documents() -> Vec<(PathBuf, String)> {
    let mut all = pages::all();
    all.extend(completions::all());
    all.extend(tables::in_docs());
    all
}

#[test]
fn what_is_committed_is_what_the_tables_say() {
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let mut stale = Vec::new();
    for (path, wanted) in documents() {
        let full = root().join(&path);
        if fs::read_to_string(&full).ok().as_ref() == Some(&wanted) {
            continue;
        }
        if update {
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            fs::write(&full, wanted).unwrap();
            // Not by a macro, whose output a test that passes does not show.
            writeln!(std::io::stderr(), "written: {}", path.display()).unwrap();
        } else {
            stale.push(path.display().to_string());
        }
    }
    assert!(
        stale.is_empty(),
        "not what the tables in the code say: {}\n\
         UPDATE=1 cargo test --test documents writes them; commit what it wrote",
        stale.join(", ")
    );
}

#[test]
fn nothing_lies_beside_what_is_made() {
    let made: Vec<_> = documents().into_iter().map(|(path, _)| path).collect();
    for folder in ["packaging/man", "packaging/completions"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = Path::new(folder).join(entry.unwrap().file_name());
            assert!(made.contains(&path), "{} is not made of anything", path.display());
        }
    }
}
