//! Fault numbers to kinds of failure, and what they mean for the exit code.

use crate::model::ErrorKind;
use crate::xmlrpc::Fault;

const FAULTS: &[(ErrorKind, i32)] = &[
    (ErrorKind::UnknownMethod, 1),
    (ErrorKind::ShutdownState, 6),
    (ErrorKind::BadName, 10),
    (ErrorKind::BadSignal, 11),
    (ErrorKind::NoFile, 20),
    (ErrorKind::NotExecutable, 21),
    (ErrorKind::Failed, 30),
    (ErrorKind::AbnormalTermination, 40),
    (ErrorKind::SpawnError, 50),
    (ErrorKind::AlreadyStarted, 60),
    (ErrorKind::NotRunning, 70),
    (ErrorKind::Success, 80),
    (ErrorKind::AlreadyAdded, 90),
    (ErrorKind::StillRunning, 91),
    (ErrorKind::CantReread, 92),
];

/// The kind of failure that a fault's number stands for.
pub fn kind(code: i64) -> Option<ErrorKind> {
    FAULTS.iter().find(|(_, number)| i64::from(*number) == code).map(|&(kind, _)| kind)
}

/// What such a failure makes supervisorctl exit with.
pub fn exit(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::SpawnError | ErrorKind::AbnormalTermination | ErrorKind::NotRunning => 7,
        _ => 1,
    }
}

/// Whether a fault is of that kind.
pub fn is(fault: &Fault, of: ErrorKind) -> bool {
    kind(fault.code.into()) == Some(of)
}
