//! Runs a command and passes the signals it gets itself to the process that a pidfile names: for
//! daemons that put themselves out of supervisord's reach and leave a pidfile.
//!
//! Beyond the reference's: the command is found in `PATH`; its end is noticed at once and its
//! exit status is passed on; a stop is over when the command has ended, not when it was told;
//! and where the pidfile names nobody, the command itself gets the signal, so that none is lost.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ExitCode};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

const USAGE: &str = "\
Usage: pidproxy PIDFILE COMMAND [ARGUMENT]...

Runs COMMAND, and sends the signals TERM, HUP, INT, USR1, USR2 and QUIT that pidproxy
gets to the process whose id PIDFILE holds. Ends with COMMAND, and with its exit status.";

/// What is passed on; as in the reference.
const PASSED_ON: [Signal; 6] = [
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGQUIT,
];

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    match words.as_slice() {
        [help] if help == "-h" || help == "--help" => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        [pidfile, command, arguments @ ..] => run(Path::new(pidfile), command, arguments),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run(pidfile: &Path, command: &OsString, arguments: &[OsString]) -> ExitCode {
    let mut signals: SigSet = PASSED_ON.into_iter().collect();
    signals.add(Signal::SIGCHLD);
    // From here on they wait for us to take them; the command starts with none blocked.
    if let Err(error) = signals.thread_block() {
        return failed("block signals", &error.into(), 1);
    }
    let mut child = match spawn(command, arguments) {
        Ok(child) => child,
        Err(error) => {
            // The exit codes of a shell.
            let code = if error.kind() == ErrorKind::NotFound { 127 } else { 126 };
            return failed(&format!("run {}", command.display()), &error, code);
        }
    };
    loop {
        match signals.wait() {
            Ok(Signal::SIGCHLD) => {}
            Ok(signal) => pass_on(signal, pidfile, &child),
            Err(Errno::EINTR) => {}
            Err(error) => return failed("wait for a signal", &error.into(), 1),
        }
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => {
                let code = status.code().or_else(|| Some(128 + status.signal()?));
                return ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1));
            }
            Err(error) => return failed("wait for the command", &error, 1),
        }
    }
}

#[expect(clippy::disallowed_types, reason = "no supervisor here, and no reaper to race with")]
fn spawn(command: &OsString, arguments: &[OsString]) -> std::io::Result<Child> {
    // As in the reference, a file in the working directory needs no `./`.
    let program =
        if Path::new(command).is_file() { fs::canonicalize(command)? } else { command.into() };
    let mut process = std::process::Command::new(program);
    process.arg0(command).args(arguments);
    // SAFETY: between fork and exec only sigprocmask(2) is called, which is async-signal-safe.
    unsafe { process.pre_exec(|| Ok(SigSet::empty().thread_set_mask()?)) };
    process.spawn()
}

fn pass_on(signal: Signal, pidfile: &Path, child: &Child) {
    let why = match named_by(pidfile).map(|pid| kill(pid, signal)) {
        Some(Ok(())) => return,
        Some(Err(error)) => format!("cannot send {signal} to the process in it: {error}"),
        None => "it holds no process id".to_owned(),
    };
    eprintln!("pidproxy: {}: {why}; the command gets {signal}", pidfile.display());
    if let Ok(pid) = i32::try_from(child.id()) {
        // It may have ended in this moment; then its end is noticed next.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// The process a pidfile names. Numbers up to 1 mean whole groups to kill(2), or init: never those.
fn named_by(pidfile: &Path) -> Option<Pid> {
    let pid = fs::read_to_string(pidfile).ok()?.trim().parse().ok()?;
    (pid > 1).then(|| Pid::from_raw(pid))
}

fn failed(what: &str, error: &std::io::Error, code: u8) -> ExitCode {
    eprintln!("pidproxy: cannot {what}: {error}");
    ExitCode::from(code)
}
