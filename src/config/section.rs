//! Typed access to one section: a bad value is noted with its place, and reading goes on.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::expand::{Names, ProgramNames, expand};
use super::ini::{Entry, Ini, Origin, RawSection};
use super::problem::{ConfigError, Problems, Severity, nearest};
use super::setting::{self, User};
use super::{Files, Host};
use crate::model::Place;

/// What a reading needs beside the text: the world, asked once for each thing, and the list of
/// problems.
pub(super) struct World<'a> {
    pub files: &'a dyn Files,
    pub host: &'a dyn Host,
    /// The daemon's environment, and what `[supervisord]` adds to it.
    pub env: HashMap<String, String>,
    pub hostname: String,
    pub problems: Problems,
    users: RefCell<HashMap<String, Result<Arc<User>, String>>>,
}

impl<'a> World<'a> {
    pub fn new(files: &'a dyn Files, host: &'a dyn Host) -> Self {
        Self {
            files,
            host,
            env: host.env().into_iter().collect(),
            hostname: host.hostname(),
            problems: Problems::default(),
            users: RefCell::default(),
        }
    }

    /// A user by name or id. A thousand programs of one user cost one look-up.
    pub fn user(&self, name: &str) -> Result<Arc<User>, String> {
        let mut users = self.users.borrow_mut();
        users.entry(name.to_owned()).or_insert_with(|| self.host.user(name).map(Arc::new)).clone()
    }

    /// `user` or `user:group`, as ids; no group leaves the group as it is.
    pub fn owner(&self, text: &str) -> Result<(u32, Option<u32>), String> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(self.host.group(group)?)),
            None => (text, None),
        };
        Ok((self.user(user)?.uid, group))
    }

    /// `~` and `~user` made into a home directory; left alone if there is none to be found.
    pub fn expand_home(&self, text: &str) -> PathBuf {
        let Some(after) = text.strip_prefix('~') else {
            return text.into();
        };
        let (user, rest) = after.split_once('/').unwrap_or((after, ""));
        let home = match (user, self.env.get("HOME")) {
            ("", Some(home)) => Some(home.into()),
            ("", None) => {
                self.user(&self.host.uid().to_string()).ok().and_then(|user| user.home.clone())
            }
            _ => self.user(user).ok().and_then(|user| user.home.clone()),
        };
        home.map_or_else(|| text.into(), |home: PathBuf| home.join(rest))
    }

    /// A file to be written: its directory must exist.
    pub fn file_path(&self, text: &str) -> Result<PathBuf, String> {
        let path = self.expand_home(text);
        match path.to_string_lossy().rsplit_once('/') {
            None | Some(("", _)) => Ok(path),
            Some((directory, _)) if self.files.is_dir(Path::new(directory)) => Ok(path),
            Some((directory, _)) => {
                Err(format!("{text:?} cannot be: expected {directory:?} to be a directory"))
            }
        }
    }

    /// A directory that must exist.
    pub fn directory(&self, text: &str) -> Result<PathBuf, String> {
        let path = self.expand_home(text);
        if self.files.is_dir(&path) {
            Ok(path)
        } else {
            Err(format!("{text:?} is no directory: expected one that exists"))
        }
    }

    /// The path from the root, without `.`, `..` and `~`, whatever the links on the way.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        let path = self.expand_home(&path.to_string_lossy());
        let path = if path.is_absolute() { path } else { self.host.cwd().join(path) };
        let mut normal = PathBuf::new();
        for component in path.components() {
            match component {
                Component::ParentDir => {
                    normal.pop();
                }
                Component::CurDir => {}
                other => normal.push(other),
            }
        }
        normal
    }
}

/// Room for the keys that a program section is asked for.
const KEYS_ASKED: usize = 128;

/// One section, read key by key. What was never asked for is unknown, and [`Section::finish`]
/// says so.
pub(super) struct Section<'a> {
    pub world: &'a World<'a>,
    raw: &'a RawSection,
    /// The section itself, then where its defaults are from; each with its name.
    layers: Vec<(&'a str, &'a [Entry])>,
    program: Option<ProgramNames<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// A section whose values may also come from `[DEFAULT]`.
    pub fn new(world: &'a World<'a>, ini: &'a Ini, raw: &'a RawSection) -> Self {
        let layers = vec![(raw.name.as_str(), raw.entries.as_slice()), ("DEFAULT", &ini.defaults)];
        Self { world, raw, layers, program: None, known: Vec::with_capacity(KEYS_ASKED) }
    }

    /// Puts another section's values between this one and `[DEFAULT]`.
    pub fn with_defaults(mut self, defaults: Option<&'a RawSection>) -> Self {
        if let Some(defaults) = defaults {
            self.layers.insert(1, (&defaults.name, &defaults.entries));
        }
        self
    }

    /// From here on these names can be expanded, too.
    pub fn with_program<'b>(self, program: ProgramNames<'b>) -> Section<'b>
    where
        'a: 'b,
    {
        let Self { world, raw, layers, known, .. } = self;
        Section { world, raw, layers, program: Some(program), known }
    }

    fn find(&self, key: &str) -> Option<&'a Entry> {
        self.layers.iter().find_map(|(_, entries)| entries.iter().find(|entry| entry.key == key))
    }

    fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        // A key asked for twice stands there twice, which costs less than to look.
        self.known.push(key);
        #[cfg(test)]
        asked::note(&self.raw.name, key);
        self.find(key)
    }

    /// The value as it was written.
    pub fn raw_text(&mut self, key: &'static str) -> Option<&'a str> {
        self.entry(key).map(|entry| entry.value.as_str())
    }

    /// The value, expanded and read; `None` if it is not set, or bad, which is noted.
    pub fn take<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        let value = self.expand(&entry.value, &entry.origin).and_then(|text| read(&text));
        value.map_err(|message| self.error(key, message)).ok()
    }

    /// The value, expanded.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        self.take(key, |text| Ok(text.to_owned()))
    }

    /// The value, expanded twice where that is possible: the reference does so for a few keys, so
    /// that `%%%%` is one percent sign there. With it `%%` works as it does everywhere else.
    pub fn text_expanded_twice(&mut self, key: &'static str) -> Option<String> {
        let text = self.text(key)?;
        let origin = &self.find(key)?.origin;
        let again = self.expand(&text, origin).map(Cow::into_owned);
        Some(again.unwrap_or(text))
    }

    /// Makes the expansions of a text that stands at `origin`.
    fn expand<'t>(&self, text: &'t str, origin: &Origin) -> Result<Cow<'t, str>, String> {
        let names = Names {
            env: &self.world.env,
            here: &origin.source.here,
            hostname: &self.world.hostname,
            program: self.program,
        };
        expand(text, &names)
    }

    /// Where the section begins.
    pub fn place(&self) -> Place {
        let Origin { source, line } = &self.raw.origin;
        Place { file: Arc::clone(&source.absolute), line: *line }
    }

    /// A boolean.
    pub fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        self.take(key, setting::boolean).unwrap_or(default)
    }

    /// A whole number; one outside `range` becomes the nearest within, which is warned of.
    pub fn integer(&mut self, key: &'static str, default: i64, range: RangeInclusive<i64>) -> i64 {
        let number = self.take(key, setting::integer).unwrap_or(default);
        let clamped = number.clamp(*range.start(), *range.end());
        if clamped != number {
            self.warn(key, format!("{number} is out of range and taken as {clamped}"));
        }
        clamped
    }

    /// A number of bytes.
    pub fn byte_size(&mut self, key: &'static str, default: u64) -> u64 {
        self.take(key, setting::byte_size).unwrap_or(default)
    }

    /// These keys are known, and somebody else reads them.
    pub fn skip(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
        #[cfg(test)]
        keys.iter().for_each(|key| asked::note(&self.raw.name, key));
    }

    /// Warns of keys that a later version will act on and this one does not.
    pub fn not_served(&mut self, keys: &[&'static str]) {
        for key in keys {
            if self.entry(key).is_some() {
                self.warn(key, "is not served by this version and has no effect".to_owned());
            }
        }
    }

    /// Notes that the configuration cannot be used because of this key.
    pub fn error(&self, key: &str, message: String) {
        self.note(Severity::Error, Some(key), message);
    }

    /// Notes that this key probably does not do what was meant.
    pub fn warn(&self, key: &str, message: String) {
        self.note(Severity::Warning, Some(key), message);
    }

    /// Notes something about the section as a whole.
    pub fn note(&self, severity: Severity, key: Option<&str>, message: String) {
        let entry = key.and_then(|key| self.find(key));
        let origin = entry.map_or(&self.raw.origin, |entry| &entry.origin);
        self.world.problems.note(ConfigError {
            severity,
            file: origin.source.path.clone(),
            line: Some(origin.line),
            section: Some(self.raw.name.clone()),
            key: key.map(str::to_owned),
            message,
        });
    }

    /// Warns of every key that was not asked for. `[DEFAULT]` is exempt: what it says is for
    /// some section, not for each.
    pub fn finish(self) {
        for &(name, entries) in self.layers.iter().filter(|(name, _)| *name != "DEFAULT") {
            for entry in entries.iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
                let message = match nearest(&entry.key, self.known.iter().copied()) {
                    Some(near) => format!("is not a known key: did you mean {near}?"),
                    None => "is not a known key".to_owned(),
                };
                self.world.problems.note(ConfigError {
                    severity: Severity::Warning,
                    file: entry.origin.source.path.clone(),
                    line: Some(entry.origin.line),
                    section: Some(name.to_owned()),
                    key: Some(entry.key.clone()),
                    message,
                });
            }
        }
    }
}

/// What sections were asked for by this thread: the truth that the reference is held to.
#[cfg(test)]
pub(super) mod asked {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static ASKED: RefCell<BTreeSet<(String, &'static str)>> = RefCell::default();
    }

    /// Takes note of a section's name and a key.
    pub fn note(section: &str, key: &'static str) {
        ASKED.with_borrow_mut(|asked| asked.insert((section.to_owned(), key)));
    }

    /// What was noted, which is forgotten with that.
    pub fn take() -> BTreeSet<(String, &'static str)> {
        ASKED.take()
    }
}
