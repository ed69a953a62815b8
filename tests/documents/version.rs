//! The version and the date that the pages carry.

use std::fs;

/// The day on which the words of the pages were last gone over. Pages of a version that is not
/// released carry it: a page has to carry a day, and it must not change by itself. Once
/// CHANGELOG.md has a date in its top heading, that counts instead.
const REVISED: &str = "2026-11-26";

/// Cargo.toml's.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The day of the top release in CHANGELOG.md.
pub fn date() -> String {
    let text = fs::read_to_string(super::root().join("CHANGELOG.md")).unwrap();
    let heading = text.lines().find(|line| line.starts_with("## ")).unwrap_or_default();
    date_in(heading).unwrap_or(REVISED).to_owned()
}

fn date_in(heading: &str) -> Option<&str> {
    let words = heading.split(|c: char| !c.is_ascii_digit() && c != '-');
    let is_date = |word: &&str| {
        let lengths: Vec<_> = word.split('-').map(str::len).collect();
        lengths == [4, 2, 2]
    };
    words.into_iter().find(is_date)
}

#[test]
fn a_release_has_its_day_and_what_is_none_has_none() {
    assert_eq!(date_in("## 0.1.0 (unreleased)"), None);
    assert_eq!(date_in("## 0.1.0 (2026-12-01)"), Some("2026-12-01"));
    assert_eq!(date_in("## [0.1.0] - 2026-12-01"), Some("2026-12-01"));
    assert_eq!(date_in("## 2026-1"), None);
}
