//! supervisorctl: from arguments to commands to an exit code.
//!
//! `client` talks to the daemon, `command` finds what a line asks for, `process`, `fleet` and
//! `follow` do it, `render` shows it, `shell` asks for the next line.
//!
//! Invariant: nothing here polls. Waiting is for an answer, a log, a key or Ctrl-C.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};

use crate::config::{ConfigError, CtlSettings, Files, Host, load_ctl, search_paths};

mod client;
mod command;
pub mod exit;
mod fleet;
mod follow;
pub mod help;
mod input;
mod process;
pub mod reference;
mod render;
mod secure;
mod shell;

use client::Failure;
use command::Controller;
use render::{Screen, Style};

/// Controls the programs that a supervisord runs.
///
/// Without a command, or with -i alone, a shell asks for commands; its `help` lists them.
#[derive(Debug, Parser)]
#[command(
    name = "supervisorctl",
    version,
    infer_long_args = true,
    after_help = "Commands: add avail clear fg help maintail open pid reload remove reread restart \
                  shutdown signal start status stop tail update version\n\n\
                  Examples:\n  \
                  supervisorctl status\n  \
                  supervisorctl restart web:*\n  \
                  supervisorctl tail -f web stderr\n  \
                  supervisorctl -s unix:///run/supervisor.sock status --json"
)]
struct Arguments {
    /// The configuration file; its [supervisorctl] section is read [default: as supervisord]
    #[arg(short, long, value_name = "FILE")]
    configuration: Option<PathBuf>,
    /// There is a person to answer questions
    #[arg(short, long)]
    interactive: bool,
    /// Where supervisord listens: unix:///PATH, http://HOST:PORT or https://HOST:PORT
    #[arg(short, long, value_name = "URL", value_parser = url)]
    serverurl: Option<String>,
    /// Who asks, if supervisord wants to know
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Their password; safer in the configuration file, where no process list shows it
    #[arg(short, long)]
    password: Option<String>,
    /// Where the shell keeps its history
    #[arg(short = 'r', long, alias = "history_file", value_name = "FILE")]
    history_file: Option<PathBuf>,
    /// Answer in JSON (avail, pid, reread, status, version)
    #[arg(long)]
    json: bool,
    /// Show control characters of logs to a terminal as they are
    #[arg(long)]
    raw: bool,
    /// A command and its words; `help` lists them
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    command: Vec<String>,
}

/// Accepts what the reference accepts: a scheme, and something after it.
fn url(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((scheme, rest)) if !scheme.is_empty() && !rest.trim_matches('/').is_empty() => {
            Ok(text.to_owned())
        }
        _ => Err("expected unix:///PATH, http://HOST:PORT or https://HOST:PORT".to_owned()),
    }
}

/// The command line, for whoever writes about it.
#[must_use]
pub fn command_line() -> clap::Command {
    Arguments::command()
}

/// Runs supervisorctl; the first of `args` is the path the program was called by. Returns the
/// exit code.
pub fn main(args: impl IntoIterator<Item = OsString>, files: &dyn Files, host: &dyn Host) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&args) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { exit::INVALID } else { exit::OK };
        }
    };
    let settings = match settings(&arguments, args.first(), files, host) {
        Ok(settings) => settings,
        Err(why) => {
            eprintln!("{why}");
            return exit::INVALID;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return exit::GENERIC;
        }
    };
    let screen = Screen::new(Box::new(io::stdout()), Box::new(io::stderr()), style());
    let shell = arguments.command.is_empty();
    let interactive = arguments.interactive || shell;
    let credentials = (settings.username, settings.password);
    let (url, tls) = (&settings.serverurl, settings.tls);
    let mut controller = Controller::new(url, credentials, tls, screen, interactive);
    controller.json = arguments.json;
    controller.raw = arguments.raw;
    let outcome = if shell {
        let history = settings.history_file.as_deref();
        shell::run(&mut controller, &runtime, &settings.prompt, history).map(|()| exit::OK)
    } else {
        let line = arguments.command.join(" ");
        runtime.block_on(controller.run(&line)).map(|_| controller.exit)
    };
    match outcome {
        Ok(code) => code,
        Err(Failure::Interrupted) => exit::INTERRUPTED,
        // Whoever read us has read enough.
        Err(Failure::Terminal(error)) if error.kind() == io::ErrorKind::BrokenPipe => exit::GENERIC,
        Err(failure) => {
            eprintln!("{failure}");
            exit::GENERIC
        }
    }
}

/// What the configuration file says, and over it what the command line says.
fn settings(
    arguments: &Arguments,
    program: Option<&OsString>,
    files: &dyn Files,
    host: &dyn Host,
) -> Result<CtlSettings, String> {
    let found = || {
        let paths =
            search_paths(Path::new(program.map_or("", |program| program.to_str().unwrap_or(""))));
        paths.into_iter().find(|path| files.exists(path))
    };
    let path = arguments.configuration.clone().or_else(found);
    let told = |problems: Vec<ConfigError>| {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let settings = load_ctl(path.as_deref(), files, host).map_err(told)?;
    Ok(CtlSettings {
        serverurl: arguments.serverurl.clone().unwrap_or(settings.serverurl),
        username: arguments.username.clone().or(settings.username),
        password: arguments.password.clone().or(settings.password),
        history_file: arguments.history_file.clone().or(settings.history_file),
        ..settings
    })
}

/// Escapes and colours are for terminals; colours not where they are unwanted
/// (<https://no-color.org>).
fn style() -> Style {
    let terminal = io::stdout().is_terminal();
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Style { terminal, colour: terminal && !unwanted }
}
