//! `[supervisord]`.

use std::path::PathBuf;
use std::sync::Arc;

use super::environment;
use super::section::Section;
use super::setting::{self, LogCopy, LogLevel, LogTarget, SystemLog, User};
use super::{output, target};

/// `[supervisord]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonSettings {
    /// The activity log, an absolute path; `None` for `NONE`. May be `/dev/stdout` and the like.
    pub logfile: Option<PathBuf>,
    /// Everything else that gets the activity log.
    pub log_copies: Vec<LogCopy>,
    /// What its lines say of themselves in system logs.
    pub system_log: SystemLog,
    /// Rotate the activity log at this many bytes; 0 means never.
    pub logfile_max_bytes: u64,
    /// How many rotated activity logs to keep.
    pub logfile_backups: u32,
    /// The least level that is logged.
    pub loglevel: LogLevel,
    /// Where the daemon's process id is written, an absolute path.
    pub pidfile: PathBuf,
    /// The daemon's own file mode mask.
    pub umask: u32,
    /// Stay in the foreground.
    pub nodaemon: bool,
    /// Do not log to standard output in the foreground.
    pub silent: bool,
    /// Descriptors the daemon must be able to open.
    pub minfds: u64,
    /// Processes the daemon must be able to have.
    pub minprocs: u64,
    /// Keep the AUTO logs of earlier runs.
    pub nocleanup: bool,
    /// Where AUTO logs are.
    pub childlogdir: PathBuf,
    /// The user the daemon becomes.
    pub user: Option<User>,
    /// Where the daemon goes when it daemonizes.
    pub directory: Option<PathBuf>,
    /// What the daemon is called.
    pub identifier: String,
    /// Remove terminal escapes from captured output.
    pub strip_ansi: bool,
}

/// The daemon's settings, and what its `environment` gives to every program.
pub(super) fn read(mut section: Section<'_>) -> (DaemonSettings, Vec<(String, String)>) {
    let world = section.world;
    let environment = section
        .text_expanded_twice("environment")
        .map(|text| environment::pairs(&text))
        .and_then(|pairs| pairs.map_err(|message| section.error("environment", message)).ok())
        .unwrap_or_default();
    let pidfile = section
        .take("pidfile", |text| world.file_path(text))
        .unwrap_or_else(|| "supervisord.pid".into());
    let (logfile, log_copies) = logfile(&mut section);
    let settings = DaemonSettings {
        logfile: logfile.map(|path| world.absolute(&path)),
        log_copies,
        system_log: output::system_log(&mut section),
        logfile_max_bytes: section.byte_size("logfile_maxbytes", 50 << 20),
        logfile_backups: section.integer("logfile_backups", 10, 0..=i64::from(u32::MAX)) as u32,
        loglevel: section.take("loglevel", setting::log_level).unwrap_or(LogLevel::Info),
        pidfile: world.absolute(&pidfile),
        umask: section.take("umask", setting::octal).unwrap_or(0o022),
        nodaemon: section.boolean("nodaemon", false),
        silent: section.boolean("silent", false),
        minfds: section.integer("minfds", 1024, 0..=i64::MAX).unsigned_abs(),
        minprocs: section.integer("minprocs", 200, 0..=i64::MAX).unsigned_abs(),
        nocleanup: section.boolean("nocleanup", false),
        childlogdir: section
            .take("childlogdir", |text| world.directory(text))
            .unwrap_or_else(|| world.host.tmpdir()),
        user: section.take("user", |text| world.user(text)).map(Arc::unwrap_or_clone),
        directory: section.take("directory", |text| world.directory(text)),
        identifier: section.text("identifier").unwrap_or_else(|| "supervisor".to_owned()),
        strip_ansi: section.boolean("strip_ansi", false),
    };
    section.finish();
    (settings, environment)
}

fn logfile(section: &mut Section<'_>) -> (Option<PathBuf>, Vec<LogCopy>) {
    let world = section.world;
    let read = |text: &str| match target::list(world, text)? {
        (LogTarget::None, copies) => Ok((None, copies)),
        (LogTarget::File(path), copies) => Ok((Some(path), copies)),
        (LogTarget::Auto, _) => {
            Err("is AUTO, which is for programs: expected a file or NONE".to_owned())
        }
    };
    if section.raw_text("logfile").is_none() {
        return (Some("supervisord.log".into()), Vec::new());
    }
    section.take("logfile", read).unwrap_or_default()
}
