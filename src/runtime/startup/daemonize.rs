//! Leaves the terminal: a process of its own session, in the background.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process;

use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    ForkResult, chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, getpid, pipe2, setsid,
};

use super::Notice;
use crate::config::DaemonSettings;
use crate::config::setting::LogLevel;
use crate::runtime::spawn::command::quoted;

/// Sent to the launcher when the daemon is ready; anything else is why it is not.
const READY: &[u8] = b"\0";

/// The process a person or an init script started, which waits in the foreground until the daemon
/// is ready; nobody, if it did not go to the background.
#[derive(Debug)]
pub struct Launcher(Option<File>);

impl Launcher {
    /// Lets the launcher end with status 0: the listeners answer.
    pub fn ready(self) {
        self.say(READY);
    }

    /// Lets the launcher end with status 2, as a usage error does, and say why on its terminal.
    /// In the foreground, nothing happens: the caller says it.
    pub fn failed(self, why: &str) {
        self.say(why.as_bytes());
    }

    fn say(self, bytes: &[u8]) {
        if let Some(mut launcher) = self.0 {
            // A launcher that was killed meanwhile does not need to know.
            _ = launcher.write_all(bytes);
        }
    }
}

/// Goes to the background, unless told to stay (`nodaemon`), and takes the directory and the file
/// mode mask of a daemon. As process 1 or under a service manager that awaits readiness
/// (`NOTIFY_SOCKET`) it stays in the foreground: there, going away means having ended.
///
/// Only the daemon returns from this. To be called while the process has one thread.
///
/// # Errors
/// The system refused a process or a descriptor.
pub fn daemonize(settings: &DaemonSettings) -> io::Result<(Launcher, Vec<Notice>)> {
    let mut notices = Vec::new();
    let mut launcher = Launcher(None);
    if settings.nodaemon {
        return Ok((launcher, notices));
    }
    if !belongs_in_foreground() {
        launcher = leave_terminal()?;
        notices.push(Notice::new(LogLevel::Info, "daemonizing the supervisord process"));
    }
    if let Some(directory) = &settings.directory {
        let name = quoted(&directory.to_string_lossy());
        notices.push(match chdir(directory) {
            Ok(()) => Notice::new(LogLevel::Info, format!("set current directory: {name}")),
            Err(why) => Notice::new(LogLevel::Critical, format!("can't chdir into {name}: {why}")),
        });
    }
    umask(Mode::from_bits_truncate(settings.umask));
    Ok((launcher, notices))
}

/// Whether whoever started this watches the process itself: as process 1, or under a service
/// manager that awaits readiness, going away means having ended.
#[must_use]
pub fn belongs_in_foreground() -> bool {
    getpid().as_raw() == 1 || std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// Forks twice (daemon(7)): the first child becomes the leader of a session without a terminal,
/// the second can never get one, whatever it opens.
fn leave_terminal() -> io::Result<Launcher> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    // SAFETY: the process has one thread, as this function's caller promised.
    if let ForkResult::Parent { .. } = unsafe { fork() }? {
        drop(write);
        wait_for_daemon(read.into());
    }
    let launcher = Launcher(Some(write.into()));
    let background = || -> nix::Result<()> {
        setsid()?;
        // SAFETY: as above.
        if let ForkResult::Parent { .. } = unsafe { fork() }? {
            // SAFETY: ends this process without running exit handlers twice.
            unsafe { libc::_exit(0) }
        }
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)
    };
    match background() {
        Ok(()) => Ok(launcher),
        Err(why) => {
            launcher.failed(&format!("cannot go to the background: {why}"));
            process::exit(2)
        }
    }
}

/// Ends as the daemon says.
fn wait_for_daemon(mut daemon: File) -> ! {
    let mut said = Vec::new();
    _ = daemon.read_to_end(&mut said);
    if said == READY {
        process::exit(0);
    }
    let why = String::from_utf8_lossy(&said);
    let why = if why.is_empty() { "it ended while it started; its log may say why" } else { &why };
    // A terminal that is gone does not need to know.
    _ = writeln!(io::stderr(), "Error: {why}");
    process::exit(2)
}
