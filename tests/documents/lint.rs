//! What mandoc and man say of the pages.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the programs itself")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::pages;

/// What a program makes of a page, and what it complains of; `None` where the machine lacks the program.
fn says(program: &str, arguments: &[&str], page: &str) -> Option<(String, String)> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("LC_ALL", "C.UTF-8").env("MANROFFSEQ", "").env("MANWIDTH", "80");
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(why) => {
            println!("skipped: {program} cannot be run ({why}); tests/run unit installs it");
            return None;
        }
    };
    let mut input = child.stdin.take().unwrap();
    let page = page.to_owned();
    let writer = std::thread::spawn(move || input.write_all(page.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((text(&output.stdout), text(&output.stderr)))
}

/// At its strictest: advice on style, and on the conventions of base systems, are told as well.
#[test]
fn mandoc_has_nothing_to_say() {
    for (path, page) in pages::all() {
        let Some((said, _)) = says("mandoc", &["-T", "lint", "-W", "all"], &page) else { return };
        assert_eq!(said, "", "mandoc on {}", path.display());
    }
    let (said, _) = says("mandoc", &["-T", "lint", "-W", "all"], ".TH X 1\n.SH A\n.PP\n").unwrap();
    assert!(said.contains("WARNING"), "mandoc lets everything pass: {said}");
}

/// As Debian's lintian asks it.
#[test]
fn man_renders_every_page_without_a_warning() {
    let arguments = ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", "-"];
    for (path, page) in pages::all() {
        let Some((made, complaints)) = says("man", &arguments, &page) else { return };
        assert!(made.contains("x T utf8"), "man made nothing of {}", path.display());
        assert_eq!(complaints, "", "{}", path.display());
    }
    let (_, complaints) = says("man", &arguments, ".TH X 1\n.SH A\n\\fQx\n.nonsense\n").unwrap();
    assert!(complaints.contains("warning"), "man lets everything pass");
}
