//! `[supervisorctl]`, which points at a listener.

use std::fmt;
use std::path::{Path, PathBuf};

use super::problem::ConfigError;
use super::section::{Section, World};
use super::tls::{self, ClientFiles};

/// `[supervisorctl]`.
#[derive(Clone, PartialEq, Eq)]
pub struct CtlSettings {
    /// `unix://` and an absolute path, or `http://host:port`, or `https://host:port`.
    pub serverurl: String,
    /// Who asks.
    pub username: Option<String>,
    /// The password, never hashed.
    pub password: Option<String>,
    /// What `https` uses.
    pub tls: ClientFiles,
    /// What the shell shows before `> `.
    pub prompt: String,
    /// Where the shell keeps its history; `None` for nowhere.
    pub history_file: Option<PathBuf>,
    /// What is odd about the section, though it can be used.
    pub warnings: Vec<ConfigError>,
}

/// Never shows the password.
impl fmt::Debug for CtlSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CtlSettings")
            .field("serverurl", &self.serverurl)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Default for CtlSettings {
    fn default() -> Self {
        Self {
            serverurl: "http://localhost:9001".to_owned(),
            username: None,
            password: None,
            tls: ClientFiles::default(),
            prompt: "supervisor".to_owned(),
            history_file: None,
            warnings: Vec::new(),
        }
    }
}

/// The settings of `[supervisorctl]`. The prompt and the like are taken as they are.
pub(super) fn read(mut section: Section<'_>, world: &World<'_>) -> CtlSettings {
    let default = CtlSettings::default();
    let serverurl = section.text("serverurl").unwrap_or(default.serverurl);
    let serverurl = match serverurl.strip_prefix("unix://") {
        Some(path) => format!("unix://{}", world.absolute(Path::new(path)).display()),
        None => serverurl,
    };
    let settings = CtlSettings {
        serverurl,
        username: section.text("username"),
        password: section.text("password"),
        tls: tls::client_files(&mut section),
        prompt: section.text("prompt").unwrap_or(default.prompt),
        history_file: section
            .text("history_file")
            .filter(|text| !text.is_empty())
            .map(|text| world.absolute(Path::new(&text))),
        warnings: Vec::new(),
    };
    section.finish();
    settings
}
