//! Every section and key of `supervisord.conf` in words. supervisord.conf(5) and the tables of
//! `docs/configuration.md` are made of this by `tests/documents`; a test here holds it to what the
//! reader asks for. The programs themselves do not use it, so it weighs nothing in them.
//!
//! Texts are Markdown of the simplest kind: `code`, *words to be replaced*, and links to other
//! pages of `docs/`.

mod daemon;
mod kinds;
mod listeners;
mod programs;

pub use self::kinds::{KINDS, Kind};

/// A section of the file.
#[derive(Debug)]
pub struct Section {
    /// What stands in the brackets; `NAME` is the writer's to choose.
    pub name: &'static str,
    /// What it is for, in one paragraph or several.
    pub about: &'static str,
    /// Its keys, by what they are about; the first part has no title.
    pub parts: &'static [Part],
    /// The section whose keys it has, too.
    pub with: Option<&'static str>,
}

/// Keys that belong together.
#[derive(Debug)]
pub struct Part {
    /// What they are about; empty for the first part of a section.
    pub title: &'static str,
    /// What there is to know before.
    pub before: &'static str,
    /// The keys.
    pub keys: &'static [Key],
    /// What there is to know after.
    pub after: &'static str,
    /// Keys that are understood and have no effect in this version.
    pub not_served: &'static [&'static str],
    /// Keys that are known only to be refused, as they belong elsewhere.
    pub refused: &'static [&'static str],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// In lower case.
    pub name: &'static str,
    /// How its value is written.
    pub kind: Kind,
    /// What holds if it is not set.
    pub default: Default,
    /// What it does, beginning with a small letter, without a full stop.
    pub meaning: &'static str,
}

/// What holds if a key is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// The section is in error without it.
    Required,
    /// The same as if this were written.
    Value(&'static str),
    /// What these words say.
    Words(&'static str),
    /// Nothing.
    Nothing,
}

use self::Default::{Nothing, Required, Value, Words};

const fn key(name: &'static str, kind: Kind, default: Default, meaning: &'static str) -> Key {
    Key { name, kind, default, meaning }
}

const fn part(keys: &'static [Key]) -> Part {
    Part { title: "", before: "", keys, after: "", not_served: &[], refused: &[] }
}

/// Every section, in the order of the manual.
pub const SECTIONS: &[Section] = &[
    daemon::SUPERVISORD,
    listeners::UNIX,
    listeners::INET,
    listeners::USER,
    listeners::REMOTE,
    daemon::DBUS,
    daemon::SUPERVISORCTL,
    programs::PROGRAM,
    programs::PROGRAM_DEFAULT,
    programs::GROUP,
    programs::LISTENER,
    programs::FCGI,
    daemon::INCLUDE,
    daemon::RPCINTERFACE,
    daemon::CTLPLUGIN,
];

impl Section {
    /// The name without what is the writer's to choose: `program` for `program:NAME`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.name.split(':').next().unwrap_or(self.name)
    }

    /// Its own keys, whether they have an effect or not.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.parts.iter().flat_map(|part| {
            let keys = part.keys.iter().map(|key| key.name);
            keys.chain(part.not_served.iter().copied()).chain(part.refused.iter().copied())
        })
    }
}

/// The section of this kind.
#[must_use]
pub fn section(kind: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.kind() == kind)
}
