//! `supervisord`'s command line: the reference's flags, and `ctl`, `check`, `migrate` and
//! `hash-password`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::setting::{self, LogLevel};
use crate::config::{DaemonSettings, Files, Host};

/// Starts, watches, restarts and stops programs as a configuration file says.
#[derive(Debug, Parser)]
#[command(
    name = "supervisord",
    disable_version_flag = true,
    rename_all = "snake_case",
    infer_long_args = true,
    args_conflicts_with_subcommands = true,
    after_help = "Every option overrides the setting of the same name in [supervisord].\n\
                  SIZE is a number of bytes, with KB, MB or GB after it if need be."
)]
pub struct Arguments {
    /// Something else than to be the daemon.
    #[command(subcommand)]
    pub action: Option<Action>,

    /// The configuration file; without it, the usual places are searched
    #[arg(short, long, value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// Stay in the foreground
    #[arg(short, long)]
    pub nodaemon: bool,
    /// Do not log to standard output in the foreground
    #[arg(short, long)]
    pub silent: bool,
    /// Become this user, by name or id
    #[arg(short, long, value_name = "USER")]
    pub user: Option<String>,
    /// The daemon's file mode mask
    #[arg(short = 'm', long, value_name = "OCTAL", value_parser = setting::octal)]
    pub umask: Option<u32>,
    /// Go to this directory when daemonizing
    #[arg(short, long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// The activity log
    #[arg(short, long, value_name = "FILE")]
    pub logfile: Option<PathBuf>,
    /// Rotate the activity log at this size
    #[arg(short = 'y', long, value_name = "SIZE", value_parser = setting::byte_size)]
    pub logfile_maxbytes: Option<u64>,
    /// Keep so many rotated activity logs
    #[arg(short = 'z', long, value_name = "NUM")]
    pub logfile_backups: Option<u32>,
    /// The least that is logged: critical, error, warn, info, debug, trace or blather
    #[arg(short = 'e', long, value_name = "LEVEL", value_parser = setting::log_level)]
    pub loglevel: Option<LogLevel>,
    /// Where to write the process id
    #[arg(short = 'j', long, value_name = "FILE")]
    pub pidfile: Option<PathBuf>,
    /// What this daemon is called
    #[arg(short, long, value_name = "NAME")]
    pub identifier: Option<String>,
    /// Where AUTO logs go: those of programs that name no file
    #[arg(short = 'q', long, value_name = "DIR")]
    pub childlogdir: Option<PathBuf>,
    /// Keep the AUTO logs of earlier runs
    #[arg(short = 'k', long)]
    pub nocleanup: bool,
    /// The descriptors that must be available
    #[arg(short = 'a', long, value_name = "NUM")]
    pub minfds: Option<u64>,
    /// Remove terminal escapes from programs' output
    #[arg(short = 't', long)]
    pub strip_ansi: bool,
    /// The processes that must be available
    #[arg(long, value_name = "NUM")]
    pub minprocs: Option<u64>,
    /// Accepted for Supervisor's sake; there is no profiler here
    #[arg(long, value_name = "LIST", hide = true)]
    pub profile_options: Option<String>,
    /// Print the version and exit
    #[arg(short, long)]
    pub version: bool,
}

/// What the program does when it is not the daemon.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Control a running supervisord, as supervisorctl does
    #[command(disable_help_flag = true)]
    Ctl {
        /// supervisorctl's own options and commands
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Check a configuration file: exit status 0 if it can be used, 2 if not
    Check {
        /// The file
        configuration: PathBuf,
        /// Report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell line by line what differs here for an installation of Supervisor or ochinchina/supervisord
    #[command(
        after_help = "Exit status: 0 if there is nothing to do (notes at most), 1 if something \
                            differs or is not served, 2 if the file cannot be used as it is.\n\
                            Nothing is changed, started or stopped."
    )]
    Migrate {
        /// The configuration file; without it, the usual places are searched
        file: Option<PathBuf>,
        /// Whose configuration it is; without it, that is recognised by what is in it
        #[arg(long, value_name = "WHICH")]
        from: Option<Whose>,
        /// Report as JSON
        #[arg(long)]
        json: bool,
        /// Tell also of the lines that mean the same
        #[arg(long)]
        all: bool,
    },
    /// Ask for a password, or read it from standard input, and print its hash for password=
    HashPassword,
}

/// Where a configuration comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Whose {
    /// Supervisor, in Python
    Supervisor,
    /// ochinchina/supervisord, in Go
    Go,
}

impl Arguments {
    /// Lays the command line over what the file says.
    ///
    /// # Errors
    /// The user or a directory does not exist.
    pub fn override_settings(
        &self,
        settings: &mut DaemonSettings,
        files: &dyn Files,
        host: &dyn Host,
    ) -> Result<(), String> {
        let absolute = |path: &Path| host.cwd().join(path);
        settings.nodaemon |= self.nodaemon;
        settings.silent |= self.silent;
        settings.nocleanup |= self.nocleanup;
        settings.strip_ansi |= self.strip_ansi;
        set(&mut settings.umask, self.umask);
        set(&mut settings.logfile_max_bytes, self.logfile_maxbytes);
        set(&mut settings.logfile_backups, self.logfile_backups);
        set(&mut settings.loglevel, self.loglevel);
        set(&mut settings.minfds, self.minfds);
        set(&mut settings.minprocs, self.minprocs);
        set(&mut settings.identifier, self.identifier.clone());
        set(&mut settings.pidfile, self.pidfile.as_deref().map(absolute));
        let directory = |path: &Path| {
            let path = absolute(path);
            if files.is_dir(&path) {
                Ok(path)
            } else {
                Err(format!("{} is not an existing directory", path.display()))
            }
        };
        set(&mut settings.childlogdir, self.childlogdir.as_deref().map(directory).transpose()?);
        set(
            &mut settings.directory,
            self.directory.as_deref().map(directory).transpose()?.map(Some),
        );
        if let Some(logfile) = &self.logfile {
            let none = logfile.as_os_str().eq_ignore_ascii_case("none");
            settings.logfile = (!none).then(|| absolute(logfile));
        }
        if let Some(user) = &self.user {
            settings.user = Some(host.user(user)?);
        }
        Ok(())
    }
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_references_flags_are_understood() {
        let line = "supervisord -n -c x.conf -u 0 -m 077 -d / -l /l -y 1MB -z 3 -e debug -j /p \
                    -i me -q /q -k -a 10 -t --minprocs=5 --profile_options=a,1 -s";
        let arguments = Arguments::try_parse_from(line.split_whitespace()).unwrap();
        assert_eq!(arguments.umask, Some(0o077));
        assert_eq!(arguments.logfile_maxbytes, Some(1 << 20));
        assert_eq!(arguments.loglevel, Some(LogLevel::Debug));
        assert_eq!(arguments.minprocs, Some(5));
        assert!(arguments.nodaemon && arguments.silent && arguments.strip_ansi);
    }

    #[test]
    fn long_options_may_be_cut_short_as_getopt_allows() {
        let arguments = ["supervisord", "--conf", "x.conf", "--nodaemon", "--logfile_m", "2KB"];
        let arguments = Arguments::try_parse_from(arguments).unwrap();
        assert_eq!(arguments.configuration.as_deref(), Some(Path::new("x.conf")));
        assert_eq!(arguments.logfile_maxbytes, Some(2048));
    }

    #[test]
    fn wrong_values_are_refused() {
        for line in ["-e loud", "-m 9", "-y much", "-z -1", "--nope", "stray"] {
            let words = ["supervisord"].into_iter().chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).is_err(), "{line}");
        }
    }

    #[test]
    fn what_follows_ctl_is_supervisorctls() {
        let line = ["supervisord", "ctl", "-c", "x", "tail", "-f", "web"];
        match Arguments::try_parse_from(line).unwrap().action {
            Some(Action::Ctl { arguments }) => assert_eq!(arguments.len(), 5),
            other => panic!("{other:?}"),
        }
    }
}
