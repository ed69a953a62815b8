//! Where the configuration comes from, and what is to be said about it.

use std::path::{Path, PathBuf};

use nix::unistd::getuid;

use super::Arguments;
use crate::config::setting::LogLevel;
use crate::config::{self, ConfigError, Host, Loaded, Severity};
use crate::runtime::host::{RealFiles, RealHost};
use crate::runtime::startup::Notice;

/// Where the configuration comes from, now and after every reload.
pub(super) struct Source {
    path: PathBuf,
    arguments: Arguments,
}

impl Source {
    /// The file named on the command line, or the first of the usual ones that is there.
    pub(super) fn find(arguments: Arguments) -> Result<Self, String> {
        let cwd = RealHost.cwd();
        if let Some(path) = &arguments.configuration {
            return Ok(Self { path: cwd.join(path), arguments });
        }
        let paths =
            config::search_paths(Path::new(&std::env::args_os().next().unwrap_or_default()));
        if getuid().is_root() {
            // Before there is a log to say it in.
            eprintln!(
                "Supervisord is running as root and it is searching for its configuration file in \
                 default locations (including its current working directory); you probably want \
                 to specify a \"-c\" argument specifying an absolute path to a configuration file \
                 for improved security."
            );
        }
        match paths.iter().find(|path| path.exists()) {
            Some(path) => Ok(Self { path: cwd.join(path), arguments }),
            None => {
                let tried: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                Err(format!(
                    "No config file found at default paths ({}); use the -c option to specify a \
                     config file at a different path",
                    tried.join(", ")
                ))
            }
        }
    }

    /// Reads the file and lays the command line over it. Each error names its place.
    pub(super) fn load(&self) -> Result<Loaded, Vec<String>> {
        let texts = |errors: Vec<ConfigError>| -> Vec<String> {
            let errors = errors.iter().filter(|problem| problem.severity == Severity::Error);
            errors.map(ToString::to_string).collect()
        };
        let mut loaded = config::load(&self.path, &RealFiles, &RealHost).map_err(texts)?;
        self.arguments
            .override_settings(&mut loaded.config.daemon, &RealFiles, &RealHost)
            .map_err(|why| vec![why])?;
        Ok(loaded)
    }
}

/// What is to be said about a configuration that can be used.
pub(super) fn remarks(loaded: &Loaded) -> Vec<Notice> {
    let included = loaded.included.iter().map(|path| {
        let line = format!("Included extra file \"{}\" during parsing", path.display());
        Notice::new(LogLevel::Info, line)
    });
    let warnings =
        loaded.warnings.iter().map(|warning| Notice::new(LogLevel::Warn, warning.to_string()));
    warnings.chain(included).collect()
}
