//! Commands about logs and what is typed into a process: tail, maintail, fg.

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};

use super::client::{Failure, path_segment, python_fault};
use super::command::{Controller, is_fault};
use super::exit;
use super::process::is_running;
use super::render::python_quoted;
use crate::model::ErrorKind;
use crate::xmlrpc::Value;

/// Bytes of a log that are shown unless another number is asked for; the reference's.
const TAIL_BYTES: i64 = 1600;

/// How much of a log is wanted.
enum Amount {
    /// The last bytes; a negative number skips the first ones, as in the reference.
    Last(i64),
    /// The end, and then whatever is written.
    Follow,
}

impl Amount {
    fn of(modifier: &str) -> Option<Self> {
        match modifier.strip_prefix('-')? {
            "f" => Some(Self::Follow),
            number => number.parse().ok().map(Self::Last),
        }
    }
}

impl Controller {
    pub(super) async fn tail(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            return Ok(());
        }
        if words.is_empty() {
            return self.misused("tail", "Error: too few arguments", exit::GENERIC);
        }
        if words.len() > 3 {
            return self.misused("tail", "Error: too many arguments", exit::GENERIC);
        }
        let (modifier, names) = match words {
            [modifier, names @ ..] if modifier.starts_with('-') => (Some(*modifier), names),
            names => (None, names),
        };
        let (name, channel) = match names {
            [] => return self.wrong("Error: tail requires process name"),
            [name] => (*name, "stdout".to_owned()),
            [name, .., channel] => (*name, channel.to_lowercase()),
        };
        let method = match channel.as_str() {
            "stdout" => "readProcessStdoutLog",
            "stderr" => "readProcessStderrLog",
            _ => return self.wrong(&format!("Error: bad channel {}", python_quoted(&channel))),
        };
        match modifier.map_or(Some(Amount::Last(TAIL_BYTES)), Amount::of) {
            None => self.wrong(&format!("Error: bad argument {}", modifier.unwrap_or_default())),
            Some(Amount::Follow) => {
                self.follow(&format!("/logtail/{}/{channel}", path_segment(name))).await
            }
            Some(Amount::Last(bytes)) => {
                let window = [name.into(), Value::Int(bytes.wrapping_neg()), Value::Int(0)];
                let answer = self.client.call(method, &window).await;
                self.show_log(name, answer)
            }
        }
    }

    pub(super) async fn maintail(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            return Ok(());
        }
        let amount = match words {
            [] => Amount::Last(TAIL_BYTES),
            [modifier] => match Amount::of(modifier) {
                Some(amount) => amount,
                None => return self.wrong(&format!("Error: bad argument {modifier}")),
            },
            _ => return self.misused("maintail", "Error: too many arguments", exit::GENERIC),
        };
        match amount {
            Amount::Follow => self.follow("/mainlogtail").await,
            Amount::Last(bytes) => {
                let window = [Value::Int(bytes.wrapping_neg()), Value::Int(0)];
                let answer = self.client.call("readLog", &window).await;
                self.show_log("supervisord", answer)
            }
        }
    }

    fn wrong(&mut self, why: &str) -> Result<(), Failure> {
        self.exit = exit::GENERIC;
        Ok(self.screen.line(why)?)
    }

    fn show_log(&mut self, name: &str, answer: Result<Value, Failure>) -> Result<(), Failure> {
        let why = match answer {
            Ok(log) => return Ok(self.screen.line(log.as_str().unwrap_or_default())?),
            Err(failure) if is_fault(&failure, ErrorKind::NoFile) => "no log file",
            Err(failure) if is_fault(&failure, ErrorKind::Failed) => "unknown error reading log",
            Err(failure) if is_fault(&failure, ErrorKind::BadName) => "no such process name",
            Err(failure) => return Err(failure),
        };
        self.wrong(&format!("{name}: ERROR ({why})"))
    }

    /// Shows a log as it is written, until the daemon ends or Ctrl-C is pressed.
    async fn follow(&mut self, path: &str) -> Result<(), Failure> {
        self.screen.line("==> Press Ctrl-C to exit <==")?;
        let mut log = self.open_log(path).await?;
        while let Some(piece) = next_piece(&mut log).await {
            self.screen.bytes(&piece)?;
        }
        Ok(())
    }

    /// Begins to follow a log. If that cannot be, says why beside the output: as in the
    /// reference, it is not a failure of the command.
    async fn open_log(&mut self, path: &str) -> Result<Option<Incoming>, Failure> {
        let why = match self.client.follow(path).await {
            Ok(log) => return Ok(Some(log)),
            Err(Failure::Status(status)) => {
                format!("Cannot read, status code {}", status.as_u16())
            }
            Err(Failure::Unreachable { error, .. }) => format!("Cannot connect, error: {error}"),
            Err(failure) => return Err(failure),
        };
        let url = self.client.url();
        self.screen.complain(&format!("{url}{path} {why}"))?;
        Ok(None)
    }

    pub(super) async fn foreground(&mut self, words: &[&str]) -> Result<(), Failure> {
        if !self.is_up().await? {
            return Ok(());
        }
        let name = match words {
            [name] => *name,
            [] => return self.misused("fg", "ERROR: no process name supplied", exit::GENERIC),
            _ => return self.wrong("ERROR: too many process names supplied"),
        };
        match self.client.call("getProcessInfo", &[name.into()]).await {
            Ok(info) if is_running(&info) => {}
            Ok(_) => return self.wrong("ERROR: process not running"),
            Err(failure) if is_fault(&failure, ErrorKind::BadName) => {
                return self.wrong("ERROR: bad process name supplied");
            }
            Err(Failure::Fault(fault)) => {
                return Ok(self.screen.line(&format!("ERROR: {}", python_fault(&fault)))?);
            }
            Err(failure) => return Err(failure),
        }
        self.screen.line("==> Press Ctrl-C to exit <==")?;
        let path = format!("/logtail/{}", path_segment(name));
        let mut stdout = self.open_log(&format!("{path}/stdout")).await?;
        let mut stderr = self.open_log(&format!("{path}/stderr")).await?;
        loop {
            tokio::select! {
                piece = next_piece(&mut stdout), if stdout.is_some() => match piece {
                    Some(piece) => self.screen.bytes(&piece)?,
                    None => break,
                },
                piece = next_piece(&mut stderr), if stderr.is_some() => match piece {
                    Some(piece) => self.screen.bytes(&piece)?,
                    None => break,
                },
                line = self.input.line() => match line? {
                    Some(line) if self.type_into(name, &line).await? => {}
                    _ => break,
                },
            }
        }
        Ok(self.screen.line("Exiting foreground")?)
    }

    /// Sends a line to a process, and tells whether the process is still there.
    async fn type_into(&mut self, name: &str, line: &str) -> Result<bool, Failure> {
        let typed = [name.into(), Value::String(format!("{line}\n"))];
        let gone = match self.client.call("sendProcessStdin", &typed).await {
            Ok(_) => !is_running(&self.client.call("getProcessInfo", &[name.into()]).await?),
            Err(failure) if is_fault(&failure, ErrorKind::NotRunning) => true,
            Err(Failure::Fault(fault)) => {
                self.screen.line(&format!("ERROR: {}", python_fault(&fault)))?;
                return Ok(false);
            }
            Err(failure) => return Err(failure),
        };
        if gone {
            self.screen.line("Process got killed")?;
        }
        Ok(!gone)
    }
}

/// The next bytes of a log, or `None` when the daemon has closed it.
async fn next_piece(log: &mut Option<Incoming>) -> Option<Bytes> {
    loop {
        let frame = log.as_mut()?.frame().await?.ok()?;
        if let Ok(data) = frame.into_data() {
            return Some(data);
        }
    }
}
