//! How a call fails on the bus: a typed error and a sentence.

use std::borrow::Cow;

use crate::api::error;
use crate::model::{Error, ErrorKind};

/// What the names of this daemon's own errors begin with; the rest is in the table of failures.
pub const PREFIX: &str = "org.supervisord.Supervisor1.Error.";

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the error.
    pub name: Cow<'static, str>,
    /// What was wrong, for people.
    pub text: String,
}

/// The errors that the specification and its implementations share (D-Bus specification, "Error
/// names"; `sd-bus-errors(3)`).
macro_rules! standard {
    ($($(#[$doc:meta])* $constructor:ident = $name:literal;)*) => {
        impl Failure {
            $(
                $(#[$doc])*
                pub fn $constructor(text: impl Into<String>) -> Self {
                    let name = concat!("org.freedesktop.DBus.Error.", $name);
                    Self { name: Cow::Borrowed(name), text: text.into() }
                }
            )*
        }
    };
}

standard! {
    /// There is no object at this path.
    unknown_object = "UnknownObject";
    /// The object has no such interface.
    unknown_interface = "UnknownInterface";
    /// The object has no such method.
    unknown_method = "UnknownMethod";
    /// The interface has no such property.
    unknown_property = "UnknownProperty";
    /// The property cannot be set.
    property_read_only = "PropertyReadOnly";
    /// The arguments are of the wrong types, or make no sense.
    invalid_args = "InvalidArgs";
    /// The caller may not do this.
    access_denied = "AccessDenied";
    /// The caller might do this after a person agreed, and did not allow to ask.
    needs_interaction = "InteractiveAuthorizationRequired";
    /// More than a named limit allows.
    limits_exceeded = "LimitsExceeded";
    /// Something else did not work.
    failed = "Failed";
}

impl From<Error> for Failure {
    fn from(why: Error) -> Self {
        let name = format!("{PREFIX}{}", error::row(why.kind).dbus);
        Self { name: Cow::Owned(name), text: error::text(&why) }
    }
}

impl From<ErrorKind> for Failure {
    fn from(kind: ErrorKind) -> Self {
        Error::from(kind).into()
    }
}

impl From<zbus::Error> for Failure {
    fn from(why: zbus::Error) -> Self {
        Self::failed(format!("cannot make the answer: {why}"))
    }
}
