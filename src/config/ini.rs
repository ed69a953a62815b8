//! From text to sections whose every value knows its file and line; the only user of rust-ini.
//!
//! The reference reads its files with Python's `configparser`, and people write for that: `;` and
//! `#` after white space begin a comment even inside quotes, an indented line continues the value
//! above it, and a line that is neither is an error. rust-ini knows none of this and keeps no
//! positions. So [`prepare`] first walks the lines and writes each entry on one line, its special
//! characters escaped; rust-ini reads that, and its entries come back in step with the line
//! numbers noted on the way.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use ::ini::{Ini as RustIni, ParseOption};

use super::problem::{ConfigError, Problems, Severity};

/// The section whose values every other section has too (`configparser`).
const DEFAULT_SECTION: &str = "DEFAULT";

/// Every section of a file and of those it includes.
#[derive(Debug, Default)]
pub(super) struct Ini {
    sections: Vec<RawSection>,
    by_name: HashMap<String, usize>,
    /// `[DEFAULT]`.
    pub defaults: Vec<Entry>,
}

/// One section; those of one name are merged.
#[derive(Debug)]
pub(super) struct RawSection {
    pub name: String,
    pub origin: Origin,
    pub entries: Vec<Entry>,
}

/// One key and its value, not yet expanded.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// In lower case.
    pub key: String,
    /// Its lines joined by line feeds, without white space at the ends.
    pub value: String,
    pub origin: Origin,
}

/// Where something was written.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub source: Rc<Source>,
    /// From 1.
    pub line: usize,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Source {
    /// As it is named in messages.
    pub path: PathBuf,
    /// The absolute directory it is in: `%(here)s`.
    pub here: String,
    /// Its path from the root.
    pub absolute: Arc<str>,
}

impl Ini {
    /// Adds what a file says. Later values replace earlier ones of the same section and key.
    pub fn add(&mut self, source: &Rc<Source>, text: &str, problems: &Problems) {
        let note = |line: usize, message: String| {
            problems.note(ConfigError {
                severity: Severity::Error,
                file: source.path.clone(),
                line: Some(line),
                section: None,
                key: None,
                message,
            });
        };
        let prepared = prepare(text, note);
        let options = ParseOption {
            enabled_quote: false,
            enabled_escape: true,
            enabled_indented_mutiline_value: false,
            ..ParseOption::default()
        };
        let parsed = match RustIni::load_from_str_opt(&prepared.text, options) {
            Ok(parsed) => parsed,
            Err(error) => return note(error.line, format!("cannot read this: {}", error.msg)),
        };
        let mut origins =
            prepared.lines.into_iter().map(|line| Origin { source: Rc::clone(source), line });
        for (name, properties) in parsed {
            // rust-ini always has a section without a name; `prepare` leaves it empty.
            let Some(name) = name else { continue };
            let Some(origin) = origins.next() else { break };
            // In this order: zip asks for an origin only when there is a property.
            let entries = properties
                .into_iter()
                .zip(origins.by_ref())
                .map(|((key, value), origin)| Entry { key, value, origin });
            self.merge(name, origin, entries.collect());
        }
        debug_assert!(origins.next().is_none(), "rust-ini and the walk before it disagree");
    }

    fn merge(&mut self, name: String, origin: Origin, entries: Vec<Entry>) {
        let known = if name == DEFAULT_SECTION {
            &mut self.defaults
        } else if let Some(section) =
            self.by_name.get(&name).and_then(|&index| self.sections.get_mut(index))
        {
            &mut section.entries
        } else {
            self.by_name.insert(name.clone(), self.sections.len());
            self.sections.push(RawSection { name, origin, entries: Vec::new() });
            match self.sections.last_mut() {
                Some(section) => &mut section.entries,
                None => return,
            }
        };
        for entry in entries {
            match known.iter_mut().find(|one| one.key == entry.key) {
                Some(one) => *one = entry,
                None => known.push(entry),
            }
        }
    }

    /// The section of this name.
    pub fn section(&self, name: &str) -> Option<&RawSection> {
        self.by_name.get(name).and_then(|&index| self.sections.get(index))
    }

    /// Every section but `[DEFAULT]`, in order of first appearance.
    pub fn sections(&self) -> impl Iterator<Item = &RawSection> {
        self.sections.iter()
    }

    /// The sections called `kind:NAME`, with what stands after the colon.
    pub fn of_kind<'a>(&'a self, kind: &str) -> impl Iterator<Item = (&'a str, &'a RawSection)> {
        self.sections.iter().filter_map(move |section| {
            let name = section.name.strip_prefix(kind)?.strip_prefix(':')?;
            Some((name, section))
        })
    }
}

/// What rust-ini is given.
struct Prepared {
    /// One header or `key = value` a line, escaped.
    text: String,
    /// The line each of them was found on.
    lines: Vec<usize>,
}

/// Walks the lines as `configparser` does, without strictness about duplicates.
fn prepare(text: &str, mut note: impl FnMut(usize, String)) -> Prepared {
    // A byte order mark is not part of the first section's name.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text =
        if text.contains('\r') { &text.replace("\r\n", "\n").replace('\r', "\n") } else { text };
    let mut out = Prepared { text: String::with_capacity(text.len()), lines: Vec::new() };
    let mut in_section = false;
    let mut in_option = false;
    let mut indent = 0;
    for (line, number) in text.split('\n').zip(1..) {
        let comment = comment_start(line);
        let content = comment.and_then(|at| line.get(..at)).unwrap_or(line).trim();
        if content.is_empty() {
            if comment.is_none() && in_option {
                out.text.push_str("\\n");
            }
            continue;
        }
        let line_indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if in_option && line_indent > indent {
            out.text.push_str("\\n");
            escape_into(&mut out.text, content);
            continue;
        }
        indent = line_indent;
        if let Some(name) = header(content) {
            out.text.push_str("\n[");
            escape_into(&mut out.text, name);
            out.text.push(']');
            (in_section, in_option) = (true, false);
        } else if !in_section {
            note(number, format!("{content:?} stands before the first [section]: expected one"));
            continue;
        } else if let Some((key, value)) =
            content.split_once(['=', ':']).filter(|(key, _)| !key.trim().is_empty())
        {
            out.text.push('\n');
            escape_into(&mut out.text, &key.trim_end().to_lowercase());
            out.text.push('=');
            escape_into(&mut out.text, value.trim());
            in_option = true;
        } else {
            note(
                number,
                format!("{content:?} is not understood: expected [section] or key = value"),
            );
            continue;
        }
        out.lines.push(number);
    }
    out
}

/// The name between the first `[` and the last `]`; what follows is ignored.
fn header(content: &str) -> Option<&str> {
    let (name, _) = content.strip_prefix('[')?.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

/// Where the comment of a line begins.
///
/// Each turn looks at the next `;` and the next `#`, and the first turn in which one of them
/// follows white space decides: `configparser` does it so, and `a;b ;c #d` keeps its `;c`.
fn comment_start(line: &str) -> Option<usize> {
    if line.trim_start().starts_with([';', '#']) {
        return Some(0);
    }
    let mut marks = [line.match_indices(';'), line.match_indices('#')];
    loop {
        let turn: [Option<usize>; 2] = marks.each_mut().map(|mark| mark.next().map(|(at, _)| at));
        if turn == [None, None] {
            return None;
        }
        let after_space = |at: &usize| {
            line.get(..*at).is_some_and(|before| before.ends_with(char::is_whitespace))
        };
        if let Some(start) = turn.into_iter().flatten().filter(after_space).min() {
            return Some(start);
        }
    }
}

/// Escapes what rust-ini would take for something else.
fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                // Cannot fail: a String takes everything.
                let _ = write!(out, "\\x{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Ini, Vec<String>) {
        let problems = Problems::default();
        let mut ini = Ini::default();
        let source = Rc::new(Source {
            path: "x.conf".into(),
            here: "/here".into(),
            absolute: "/here/x.conf".into(),
        });
        ini.add(&source, text, &problems);
        let problems = problems.into_result().err().unwrap_or_default();
        (ini, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn values_are_read_as_configparser_reads_them() {
        let check = |text: &str, expected: &str| {
            let (ini, problems) = read(&format!("[s]\n{text}\n"));
            assert!(problems.is_empty(), "{text:?}: {problems:?}");
            let entries = &ini.section("s").unwrap().entries;
            let value = entries.iter().find(|entry| entry.key == "k").map(|e| e.value.as_str());
            assert_eq!(value, Some(expected), "{text:?}");
        };
        check("k=v", "v");
        check("K : v", "v");
        check("k=", "");
        check("k = a=b:c", "a=b:c");
        check("k=v ; comment", "v");
        check("k=v # comment", "v");
        check("k=v;no comment", "v;no comment");
        check("k=;v", ";v");
        check("k= ;v", "");
        check("k=bash -c 'a ; b'", "bash -c 'a");
        check("k=a;b ;c #d", "a;b ;c");
        check("k=1\nk=2", "2");
        check("k=a\n b\n   c", "a\nb\nc");
        check("k=a\n\n b", "a\n\nb");
        check("k=\n a\n b", "a\nb");
        check("k=a\n; comment\n b", "a\nb");
        check("k=a\n  ; comment\n b ; more", "a\nb");
        check("k=a\n [t]\n x=1", "a\n[t]\nx=1");
        check("k=a\n\n\n", "a");
        check("k=a\\", "a\\");
        check("k=a\\n\\x41 \\", "a\\n\\x41 \\");
        check("k=\"quoted\"", "\"quoted\"");
        check("k=[x]", "[x]");
        check("k=a\r\nother=1\r\n", "a");
        check("k=tab\tinside\u{1}", "tab\tinside\u{1}");
        check("  k=a\n  other=b", "a");
        check("k = żółw", "żółw");
    }

    #[test]
    fn sections_are_merged_and_know_where_they_are_from() {
        let (ini, problems) = read(
            "\u{feff}[a]\nx=1\n\n[b]\ny=1\n[a] trailing\nx=2\n z\nw=3\n[DEFAULT]\nd=4\n[p]q]\n",
        );
        assert!(problems.is_empty(), "{problems:?}");
        let names: Vec<_> = ini.sections().map(|section| section.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "p]q"]);
        let a = ini.section("a").unwrap();
        let entries: Vec<_> =
            a.entries.iter().map(|e| (e.key.as_str(), e.value.as_str(), e.origin.line)).collect();
        assert_eq!(entries, [("x", "2\nz", 7), ("w", "3", 9)]);
        assert_eq!(a.origin.line, 1);
        assert_eq!(ini.defaults[0].value, "4");
    }

    #[test]
    fn every_bad_line_is_told() {
        let (_, problems) = read("early=1\n[s]\nno delimiter\n=no key\n[]\nk=1\n");
        assert_eq!(
            problems,
            [
                "x.conf:1: \"early=1\" stands before the first [section]: expected one",
                "x.conf:3: \"no delimiter\" is not understood: expected [section] or key = value",
                "x.conf:4: \"=no key\" is not understood: expected [section] or key = value",
                "x.conf:5: \"[]\" is not understood: expected [section] or key = value",
            ]
        );
    }

    #[test]
    fn a_key_may_look_like_a_header() {
        let (ini, problems) = read("[s]\n[k = 1\n");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(ini.section("s").unwrap().entries[0].key, "[k");
    }
}
