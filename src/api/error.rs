//! The one table of failures: how each kind looks on every wire.

use crate::model::{Error, ErrorKind};

/// How one kind of failure looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub kind: ErrorKind,
    /// The fault's number in XML-RPC, the reference's.
    pub fault: i32,
    /// The fault's name in XML-RPC, the reference's.
    pub name: &'static str,
    /// The status over plain HTTP (RFC 9110).
    pub http: u16,
    /// The last part of the D-Bus error's name.
    pub dbus: &'static str,
    /// What supervisorctl exits with, the reference's: 7 where a program does not run that
    /// should (LSB, "Init Script Actions"), else 1.
    pub exit: i32,
}

macro_rules! rows {
    ($($kind:ident $fault:literal $name:literal $http:literal $dbus:literal $exit:literal;)*) => {
        /// Every kind of failure.
        pub static FAILURES: &[Row] = &[$(Row {
            kind: ErrorKind::$kind,
            fault: $fault,
            name: $name,
            http: $http,
            dbus: $dbus,
            exit: $exit,
        }),*];

        /// How this kind of failure looks.
        #[must_use]
        pub fn row(kind: ErrorKind) -> &'static Row {
            // The match is what makes a new kind answer here.
            let number = match kind { $(ErrorKind::$kind => $fault),* };
            FAILURES.iter().find(|row| row.fault == number).unwrap_or(&FAILURES[0])
        }
    };
}

rows! {
    Failed               30 "FAILED"                500 "Failed"               1;
    UnknownMethod         1 "UNKNOWN_METHOD"        404 "UnknownMethod"        1;
    IncorrectParameters   2 "INCORRECT_PARAMETERS"  400 "IncorrectParameters"  1;
    BadArguments          3 "BAD_ARGUMENTS"         400 "BadArguments"         1;
    SignatureUnsupported  4 "SIGNATURE_UNSUPPORTED" 404 "SignatureUnsupported" 1;
    ShutdownState         6 "SHUTDOWN_STATE"        503 "ShutdownState"        1;
    BadName              10 "BAD_NAME"              404 "BadName"              1;
    BadSignal            11 "BAD_SIGNAL"            400 "BadSignal"            1;
    NoFile               20 "NO_FILE"               404 "NoFile"               1;
    NotExecutable        21 "NOT_EXECUTABLE"        409 "NotExecutable"        1;
    AbnormalTermination  40 "ABNORMAL_TERMINATION"  500 "AbnormalTermination"  7;
    SpawnError           50 "SPAWN_ERROR"           500 "SpawnError"           7;
    AlreadyStarted       60 "ALREADY_STARTED"       409 "AlreadyStarted"       1;
    NotRunning           70 "NOT_RUNNING"           409 "NotRunning"           7;
    Success              80 "SUCCESS"               200 "Success"              0;
    AlreadyAdded         90 "ALREADY_ADDED"         409 "AlreadyAdded"         1;
    StillRunning         91 "STILL_RUNNING"         409 "StillRunning"         1;
    CantReread           92 "CANT_REREAD"           422 "CantReread"           1;
    AccessDenied        110 "ACCESS_DENIED"         403 "AccessDenied"         1;
}

/// The fault's text: `BAD_NAME: web`, or the name alone where there is nothing to add.
#[must_use]
pub fn text(error: &Error) -> String {
    let name = row(error.kind).name;
    // A name that is empty is still the name that is wrong.
    let names_it = matches!(error.kind, ErrorKind::BadName | ErrorKind::BadSignal);
    if error.detail.is_empty() && !names_it {
        name.to_owned()
    } else {
        format!("{name}: {}", error.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_own_number_and_names() {
        for (i, a) in FAILURES.iter().enumerate() {
            assert_eq!(row(a.kind), a);
            assert_eq!(a.name.replace('_', "").to_lowercase(), a.dbus.to_lowercase());
            for b in &FAILURES[..i] {
                assert!(a.fault != b.fault && a.name != b.name, "{} and {}", a.name, b.name);
            }
        }
    }

    #[test]
    fn a_text_has_a_detail_only_where_there_is_one() {
        assert_eq!(text(&Error::new(ErrorKind::BadName, "web")), "BAD_NAME: web");
        assert_eq!(text(&ErrorKind::ShutdownState.into()), "SHUTDOWN_STATE");
        assert_eq!(text(&ErrorKind::BadName.into()), "BAD_NAME: ");
    }
}
