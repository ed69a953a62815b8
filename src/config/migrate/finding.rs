//! One thing that is to be said about a migration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::problem::{as_text, write_place};

/// What a finding asks for, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The file cannot be used until this is changed.
    Error,
    /// Understood, and without effect in this version.
    #[serde(rename = "not served")]
    NotServed,
    /// Works, and does something else.
    Differs,
    /// Worth knowing.
    Note,
    /// Means the same.
    Same,
}

impl Kind {
    /// As it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::NotServed => "not served",
            Self::Differs => "differs",
            Self::Note => "note",
            Self::Same => "same",
        }
    }
}

/// One thing that is to be said.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Finding {
    /// What it asks for.
    pub kind: Kind,
    /// The file it is about.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// The line, from 1; `None` if it is about the file.
    pub line: Option<usize>,
    /// The section, without brackets.
    pub section: Option<String>,
    /// The key, in lower case.
    pub key: Option<String>,
    /// What is to be said.
    pub message: String,
}

/// `file:line: [section] key: kind: message`, without the parts that are not known.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, file, line, section, key, message } = self;
        write_place(f, file, *line, section.as_deref(), key.as_deref())?;
        write!(f, " {}: {message}", kind.name())
    }
}

impl Finding {
    /// About a file that is no configuration, as a whole or in one line.
    #[must_use]
    pub fn about(kind: Kind, file: &Path, line: Option<usize>, message: String) -> Self {
        Self { kind, file: file.to_owned(), line, section: None, key: None, message }
    }

    /// What findings are ordered by.
    #[must_use]
    pub fn place(&self) -> (&Path, Option<usize>, Kind) {
        (&self.file, self.line, self.kind)
    }

    /// Whether the reader says that the key has no effect.
    pub(super) fn is_of_no_effect(&self) -> bool {
        use super::reader::{NOT_SERVED, UNKNOWN_KEY};
        [UNKNOWN_KEY, NOT_SERVED].iter().any(|start| self.message.starts_with(start))
    }
}
