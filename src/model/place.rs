//! Where something is configured.

use std::sync::Arc;

/// A place in a configuration file.
///
/// **Any two are equal:** settings that carry their place are the same settings wherever they
/// stand, and a line that moved must not restart a program. [`Place::is`] tells places apart.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The file, from the root; empty if it is nowhere.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

impl Place {
    /// Whether it is the same place.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.line == other.line && self.file == other.file
    }
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}
