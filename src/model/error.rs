//! Every way an operation can fail.
//!
//! How a failure looks on each wire (fault number, HTTP status, exit code) stands in one table,
//! `api/error.rs`.

use std::fmt;

/// The kind of a failure. The names are the reference's faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No such method.
    UnknownMethod,
    /// Wrong number or type of parameters.
    IncorrectParameters,
    /// Parameters of the right type that make no sense together.
    BadArguments,
    /// Reserved by the protocol.
    SignatureUnsupported,
    /// The supervisor is shutting down or restarting.
    ShutdownState,
    /// No process or group of that name.
    BadName,
    /// No such signal.
    BadSignal,
    /// The program's file or log file does not exist.
    NoFile,
    /// The program's file cannot be executed.
    NotExecutable,
    /// It was tried and did not work.
    Failed,
    /// The process ended before the wait for it was over.
    AbnormalTermination,
    /// The process could not be started.
    SpawnError,
    /// It is already started.
    AlreadyStarted,
    /// It is not running.
    NotRunning,
    /// Not a failure: the status of an item of a bulk operation that worked.
    Success,
    /// The group is already active.
    AlreadyAdded,
    /// The group cannot be removed while a process of it runs.
    StillRunning,
    /// The configuration cannot be read.
    CantReread,
    /// Whoever asks may not do this.
    AccessDenied,
}

/// A failed operation: what kind, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What it was about (a name, a path, a sentence); empty where the kind says it all.
    pub detail: String,
}

impl Error {
    /// A failure about something.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, detail: String::new() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            write!(f, "{:?}", self.kind)
        } else {
            write!(f, "{:?}: {}", self.kind, self.detail)
        }
    }
}

impl std::error::Error for Error {}
