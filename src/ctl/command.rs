//! From a line to a command, and what every command has in common.

use hyper::StatusCode;

use super::client::{Client, Failure};
use super::exit;
use super::help;
use super::input::Input;
use super::render::Screen;
use crate::api::error::{FAILURES, Row, row};
use crate::config::tls::ClientFiles;
use crate::model::ErrorKind;
use crate::xmlrpc::Value;

/// The version of the XML-RPC interface that we speak.
const API_VERSION: &str = "3.0";

/// What a command's end means for the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Ask for the next.
    Continue,
    /// Leave.
    Leave,
}

/// Runs commands, one after the other.
pub struct Controller {
    /// The way to the daemon; `open` changes it.
    pub client: Client,
    /// Where output goes.
    pub screen: Screen,
    /// Where answers to questions come from.
    pub input: Input,
    /// Whether there is a person to ask.
    pub interactive: bool,
    /// `--json` was given for every command.
    pub json: bool,
    /// `--raw` was given for every command.
    pub raw: bool,
    /// What to exit with.
    pub exit: u8,
    pub(super) credentials: (Option<String>, Option<String>),
    tls: ClientFiles,
}

impl Controller {
    /// A controller of the daemon at `url`.
    #[must_use]
    pub fn new(
        url: &str,
        credentials: (Option<String>, Option<String>),
        tls: ClientFiles,
        screen: Screen,
        interactive: bool,
    ) -> Self {
        Self {
            client: Client::new(url, credentials.0.as_deref(), credentials.1.as_deref(), &tls),
            screen,
            input: Input::default(),
            interactive,
            json: false,
            raw: false,
            exit: exit::OK,
            credentials,
            tls,
        }
    }

    /// Runs one line. Failures are told to the person and kept in [`Self::exit`].
    ///
    /// # Errors
    /// If standard output or input is gone, or Ctrl-C was pressed.
    pub async fn run(&mut self, line: &str) -> Result<Flow, Failure> {
        let (name, arguments) = match parse(line) {
            Parsed::Nothing => return Ok(Flow::Continue),
            Parsed::Command(name, arguments) => (name, arguments),
            Parsed::Unknown => return self.unknown(line.trim()),
        };
        let mut words: Vec<&str> = arguments.split_whitespace().collect();
        self.screen.raw = take_flag(&mut words, "--raw") || self.raw;
        self.screen.json = self.json;
        if self.json || words.contains(&"--json") {
            let able = help::find(name).is_some_and(|spec| spec.json);
            if able {
                take_flag(&mut words, "--json");
                self.screen.json = true;
            } else if self.json {
                self.exit = exit::INVALID;
                self.screen.line(&format!("Error: {name} has no --json"))?;
                return Ok(Flow::Continue);
            }
        }
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = self.dispatch(name, &words, line) => outcome,
                signal = tokio::signal::ctrl_c() => Err(signal.err().map_or(Failure::Interrupted, Failure::from)),
            };
            return match outcome {
                Err(Failure::Status(StatusCode::UNAUTHORIZED)) => {
                    self.screen.line("Server requires authentication")?;
                    if self.interactive {
                        self.ask_credentials().await?;
                        continue;
                    }
                    self.exit = exit::GENERIC;
                    Ok(Flow::Continue)
                }
                // Ctrl-C is how a followed log is left.
                Err(Failure::Interrupted) if matches!(name, "tail" | "maintail") => {
                    self.screen.line("")?;
                    Ok(Flow::Continue)
                }
                Err(Failure::Interrupted) if name == "fg" => {
                    self.screen.line("Exiting foreground")?;
                    Ok(Flow::Continue)
                }
                Err(failure @ (Failure::Terminal(_) | Failure::Interrupted)) => Err(failure),
                Err(failure) => {
                    self.exit = exit::GENERIC;
                    self.screen.line(&format!("error: {failure}"))?;
                    Ok(Flow::Continue)
                }
                Ok(flow) => Ok(flow),
            };
        }
    }

    async fn dispatch(&mut self, name: &str, words: &[&str], line: &str) -> Result<Flow, Failure> {
        match name {
            "status" => self.status(words).await?,
            "pid" => self.pid(words).await?,
            "start" => self.start(words).await?,
            "stop" => self.stop(words).await?,
            "restart" => self.restart(words).await?,
            "signal" => self.signal(words).await?,
            "clear" => self.clear(words).await?,
            "tail" => self.tail(words).await?,
            "maintail" => self.maintail(words).await?,
            "fg" => self.foreground(words).await?,
            "avail" => self.avail(words).await?,
            "reread" => self.reread(words).await?,
            "add" => self.add(words).await?,
            "remove" => self.remove(words).await?,
            "update" => self.update(words).await?,
            "version" => self.version(words).await?,
            "reload" => self.reload(words).await?,
            "shutdown" => self.shutdown(words).await?,
            "open" => self.open(words).await?,
            "help" => self.help(&words.join(" "))?,
            "quit" | "exit" | "EOF" => {
                self.screen.line("")?;
                return Ok(Flow::Leave);
            }
            _ => return self.unknown(line.trim()),
        }
        Ok(Flow::Continue)
    }

    fn unknown(&mut self, line: &str) -> Result<Flow, Failure> {
        self.exit = exit::GENERIC;
        self.screen.line(&format!("*** Unknown syntax: {line}"))?;
        Ok(Flow::Continue)
    }

    fn help(&mut self, topic: &str) -> Result<(), Failure> {
        match help::find(topic) {
            Some(spec) => self.screen.line(spec.help)?,
            None if topic.is_empty() => self.screen.line(&help::overview())?,
            None => self.screen.line(&format!("*** No help on {topic}"))?,
        }
        Ok(())
    }

    /// Says what is wrong with a command's words, and how they should be.
    pub(super) fn misused(&mut self, name: &str, wrong: &str, code: u8) -> Result<(), Failure> {
        self.exit = code;
        self.screen.line(wrong)?;
        self.help(name)
    }

    /// Whether a command that takes no words got none; else says so.
    pub(super) fn is_bare(&mut self, name: &str, words: &[&str]) -> Result<bool, Failure> {
        if !words.is_empty() {
            let wrong = format!("Error: {name} accepts no arguments");
            self.misused(name, &wrong, exit::GENERIC)?;
        }
        Ok(words.is_empty())
    }

    /// Whether a daemon of our interface answers; else says what is wrong.
    pub(super) async fn is_up(&mut self) -> Result<bool, Failure> {
        let (message, code) = match self.client.call("getVersion", &[]).await {
            Ok(Value::String(version)) if version == API_VERSION => return Ok(true),
            Ok(version) => {
                let message = format!(
                    "Sorry, this version of supervisorctl expects to talk to a server with API \
                     version {API_VERSION}, but the remote version is {}.",
                    version.as_str().unwrap_or_default()
                );
                (message, exit::NOT_INSTALLED)
            }
            Err(failure) if is_fault(&failure, ErrorKind::UnknownMethod) => {
                let message = "Sorry, supervisord responded but did not recognize the supervisor \
                               namespace commands that supervisorctl uses to control it.  Please \
                               check that the [rpcinterface:supervisor] section is enabled in the \
                               configuration file (see sample.conf).";
                (message.to_owned(), exit::UNIMPLEMENTED)
            }
            Err(failure) => match unreachable_how(&failure) {
                Some((how, code)) => (format!("{} {how}", self.client.url()), code),
                None => return Err(failure),
            },
        };
        self.exit = code;
        self.screen.line(&message)?;
        Ok(false)
    }

    /// Asks whether to go on, if there is somebody to ask.
    pub(super) async fn confirmed(&mut self, question: &str) -> Result<bool, Failure> {
        if !self.interactive {
            return Ok(true);
        }
        self.screen.prompt(question)?;
        let answer = self.input.line().await?.unwrap_or_default();
        Ok(answer.starts_with(['y', 'Y']))
    }

    async fn ask_credentials(&mut self) -> Result<(), Failure> {
        self.screen.prompt("Username:")?;
        let username = self.input.line().await?;
        self.screen.prompt("Password:")?;
        let password = self.input.secret().await?;
        self.screen.line("")?;
        if username.is_none() || password.is_none() {
            return Err(Failure::Interrupted);
        }
        self.credentials = (username, password);
        let url = self.client.url().to_owned();
        self.connect(&url);
        Ok(())
    }

    /// Talks to another daemon from now on.
    pub(super) fn connect(&mut self, url: &str) {
        let (username, password) = &self.credentials;
        self.client = Client::new(url, username.as_deref(), password.as_deref(), &self.tls);
    }
}

/// What a person is told of a connection that could not be had, and the exit code for it.
pub(super) fn unreachable_how(failure: &Failure) -> Option<(&'static str, u8)> {
    let Failure::Unreachable { error, .. } = failure else { return None };
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => Some(("refused connection", exit::REFUSED)),
        Some(libc::ENOENT) => Some(("no such file", exit::NOT_RUNNING)),
        _ => None,
    }
}

/// Whether this is a fault of that kind.
pub(super) fn is_fault(failure: &Failure, kind: ErrorKind) -> bool {
    matches!(failure, Failure::Fault(fault) if fault.code == row(kind).fault)
}

/// The failure that a fault's number, or an item's status, stands for.
pub(super) fn failure_of(number: i64) -> Option<&'static Row> {
    FAILURES.iter().find(|row| i64::from(row.fault) == number)
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed<'a> {
    Nothing,
    Unknown,
    Command(&'a str, &'a str),
}

/// A command is letters, digits and underscores; whatever follows is its arguments. `?` asks for
/// help.
fn parse(line: &str) -> Parsed<'_> {
    let line = line.trim();
    if line.is_empty() {
        return Parsed::Nothing;
    }
    if let Some(topic) = line.strip_prefix('?') {
        return Parsed::Command("help", topic.trim());
    }
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
    match line.split_at(end) {
        ("", _) => Parsed::Unknown,
        (name, arguments) => Parsed::Command(name, arguments.trim()),
    }
}

fn take_flag(words: &mut Vec<&str>, flag: &str) -> bool {
    let before = words.len();
    words.retain(|word| *word != flag);
    words.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_the_reference_reads_it() {
        let check = |line, expected| assert_eq!(parse(line), expected, "{line:?}");
        check("", Parsed::Nothing);
        check(" \t", Parsed::Nothing);
        check(" status  a b ", Parsed::Command("status", "a b"));
        check("tail -f a", Parsed::Command("tail", "-f a"));
        check("start-a", Parsed::Command("start", "-a"));
        check("status; a", Parsed::Command("status", "; a"));
        check("?start", Parsed::Command("help", "start"));
        check("?", Parsed::Command("help", ""));
        check("!ls", Parsed::Unknown);
        check("@x", Parsed::Unknown);
        check("é", Parsed::Unknown);
    }
}
