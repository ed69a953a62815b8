//! A rule: where it applies, how it is recognised, and what it says.

use super::finding::{Finding, Kind};
use super::keys::Keys;
use super::{Ini, Scene, Source};
use crate::config::ini::{Entry, Origin};

/// Sections of programs.
pub(super) const PROGRAMS: &[&str] = &["program", "eventlistener", "fcgi-program"];

/// Any section, any key.
pub(super) const ANY: &[&str] = &["*"];

/// The rule is about sections, not about one of their keys.
pub(super) const HEADER: &[&str] = &[""];

/// One way in which a line can mean something else.
pub(super) struct Rule {
    /// Kinds of sections.
    pub sections: &'static [&'static str],
    /// Keys, in lower case.
    pub keys: &'static [&'static str],
    /// How it is recognised.
    pub when: When,
    /// What it asks for.
    pub kind: Kind,
    /// What it says; `{}` is what was found.
    pub text: &'static str,
}

/// How a rule is recognised.
pub(super) enum When {
    /// By the line's being there.
    Always,
    /// By what it says.
    If(fn(&At<'_>) -> bool),
    /// By what it says, of which this is to be told.
    Finds(fn(&At<'_>) -> Option<String>),
}

/// Everything that is known about one of the ancestors.
pub(super) struct Tables {
    pub rules: &'static [Rule],
    pub keys: Keys,
    /// Whether `[program-default]` gives values to programs, and is to be read as one.
    pub has_program_default: bool,
}

impl Rule {
    /// The finding, if the rule applies.
    pub fn ask(&self, at: &At<'_>, tables: &Tables) -> Option<Finding> {
        let kind = match at.kind {
            "program-default" if tables.has_program_default => "program",
            kind => kind,
        };
        let here = |section: &&str| *section == "*" || *section == kind;
        // What stands in [DEFAULT] is for sections of every kind.
        let here = self.sections.iter().any(here) || (kind == "DEFAULT" && !at.key.is_empty());
        let key = |key: &&str| *key == at.key || (*key == "*" && !at.key.is_empty());
        if !here || !self.keys.iter().any(key) {
            return None;
        }
        let text = match self.when {
            When::Always => self.text.to_owned(),
            When::If(applies) => applies(at).then(|| self.text.to_owned())?,
            When::Finds(find) => self.text.replace("{}", &find(at)?),
        };
        Some(at.finding(self.kind, &text))
    }
}

/// A line of a configuration: a key with its value, or a section's header, whose key is empty.
pub(super) struct At<'a> {
    pub scene: &'a Scene<'a>,
    /// The section's name.
    pub section: &'a str,
    /// What stands before the colon of it.
    pub kind: &'a str,
    /// All that the section says.
    pub entries: &'a [Entry],
    pub key: &'a str,
    /// As it was written.
    pub value: &'a str,
    pub origin: &'a Origin,
}

impl<'a> At<'a> {
    /// What another key of the section says, by itself or by default.
    pub fn other(&self, key: &str) -> Option<&'a str> {
        let ini = self.scene.ini;
        let defaults = ini.section("program-default").filter(|_| self.kind == "program");
        let defaults = defaults.map(|section| section.entries.as_slice()).unwrap_or_default();
        let mut all = self.entries.iter().chain(defaults).chain(&ini.defaults);
        all.find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    /// The items of a value with commas.
    pub fn items(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.value.split(',').map(str::trim)
    }

    /// Whether the line stands in an included file.
    pub fn is_included(&self) -> bool {
        !std::rc::Rc::ptr_eq(&self.origin.source, self.scene.main)
    }

    pub fn finding(&self, kind: Kind, message: &str) -> Finding {
        Finding {
            kind,
            file: self.origin.source.path.clone(),
            line: Some(self.origin.line),
            section: Some(self.section.to_owned()),
            key: (!self.key.is_empty()).then(|| self.key.to_owned()),
            message: message.to_owned(),
        }
    }
}

/// A section, or `[DEFAULT]`, whose header has no place.
pub(super) struct Part<'a> {
    pub name: &'a str,
    pub origin: Option<&'a Origin>,
    pub entries: &'a [Entry],
}

/// Every section, `[DEFAULT]` first.
pub(super) fn sections(ini: &Ini) -> impl Iterator<Item = Part<'_>> {
    let defaults = Part { name: "DEFAULT", origin: None, entries: &ini.defaults };
    let named = ini.sections().map(|raw| Part {
        name: &raw.name,
        origin: Some(&raw.origin),
        entries: &raw.entries,
    });
    std::iter::once(defaults).chain(named)
}

/// The directory that a file is in.
pub(super) fn directory(source: &Source) -> &str {
    &source.here
}
