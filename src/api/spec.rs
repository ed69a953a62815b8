//! What an operation is called and takes, and how untyped values become its parameters.

use std::fmt;

use crate::model::{Error, ErrorKind};
use crate::xmlrpc::Value;

/// An operation's description, which every face is derived from.
#[derive(Debug)]
pub struct Spec {
    /// Its XML-RPC name.
    pub name: &'static str,
    /// Older names for the same.
    pub aliases: &'static [&'static str],
    /// Its parameters in order; those with a default come last.
    pub params: &'static [Param],
    /// The type of its answer.
    pub returns: Type,
    /// What a caller must be allowed to do.
    pub access: Access,
    /// What it does, in sentences.
    pub help: &'static str,
}

/// One parameter.
#[derive(Debug)]
pub struct Param {
    /// Its name, for people.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What it is if left out; `None` if it must be given.
    pub default: Option<&'static str>,
}

/// What a caller must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// See states and settings. Nothing but the snapshot, the configuration last read and the
    /// clock's second decides the answer.
    Look,
    /// Read what programs and the daemon wrote.
    ReadLogs,
    /// Start, stop, signal and feed programs, and clear their logs.
    ManageProcesses,
    /// Change the fleet or the daemon itself.
    ManageDaemon,
    /// Nothing of its own: the calls within are judged one by one.
    Carry,
}

/// The types of XML-RPC that occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `<boolean>`
    Boolean,
    /// `<int>`
    Int,
    /// `<string>`
    String,
    /// `<array>`
    Array,
    /// `<struct>`
    Struct,
}

impl Type {
    /// The name in `system.methodSignature`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::String => "string",
            Self::Array => "array",
            Self::Struct => "struct",
        }
    }
}

impl Spec {
    /// Whether it answers while everything is being stopped.
    #[must_use]
    pub fn while_stopping(&self) -> bool {
        self.name.starts_with("system.") || self.name == "supervisor.sendRemoteCommEvent"
    }

    /// Whether its answer is a function of the [`super::Moment`], so that it may be kept.
    #[must_use]
    pub fn is_keepable(&self) -> bool {
        self.access == Access::Look && self.params.is_empty()
    }
}

/// The text of `system.methodHelp`: sentences, then `@param` and `@return` lines as the
/// reference's clients know them.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.help.trim())?;
        for Param { name, kind, default } in self.params {
            write!(f, "@param {} {name}", kind.name())?;
            match default {
                Some(value) => writeln!(f, " (default: {value})")?,
                None => writeln!(f)?,
            }
        }
        write!(f, "@return {}", self.returns.name())
    }
}

/// The values of a call, taken one by one.
pub struct Args {
    params: std::slice::Iter<'static, Param>,
    values: std::vec::IntoIter<Value>,
}

impl Args {
    /// The values of a call of `spec`.
    ///
    /// # Errors
    /// `IncorrectParameters` where there are too few or too many.
    pub fn new(spec: &'static Spec, values: Vec<Value>) -> Result<Self, Error> {
        let required = spec.params.iter().filter(|param| param.default.is_none()).count();
        if !(required..=spec.params.len()).contains(&values.len()) {
            return Err(ErrorKind::IncorrectParameters.into());
        }
        Ok(Self { params: spec.params.iter(), values: values.into_iter() })
    }

    /// The next value.
    ///
    /// # Errors
    /// `IncorrectParameters` where it is missing or of another type.
    pub fn take<A: Argument>(&mut self) -> Result<A, Error> {
        let param = self.params.next();
        let value = self.values.next().ok_or(ErrorKind::IncorrectParameters)?;
        A::from_value(value).map_err(|mut why| {
            if why.is_empty() {
                let name = param.map_or("parameter", |param| param.name);
                why = format!("{name} is not of type {}", A::TYPE.name());
            }
            Error::new(ErrorKind::IncorrectParameters, why)
        })
    }

    /// The next value, or `default` if the call has no more.
    ///
    /// # Errors
    /// `IncorrectParameters` where it is of another type.
    pub fn take_or<A: Argument>(&mut self, default: A) -> Result<A, Error> {
        if self.values.len() == 0 { Ok(default) } else { self.take() }
    }
}

/// What a parameter can be. The leniency is the reference's, which hands values to Python's
/// `int()` and to its truth test; where it breaks on a type, that is an error here.
pub trait Argument: Sized {
    /// What the signature says.
    const TYPE: Type;

    /// Reads a value.
    ///
    /// # Errors
    /// What to say beyond the fault's name, or an empty text for the usual sentence.
    fn from_value(value: Value) -> Result<Self, String>;
}

impl Argument for String {
    const TYPE: Type = Type::String;

    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(text),
            Value::Base64(bytes) => Self::from_utf8(bytes).map_err(|_| Self::new()),
            _ => Err(Self::new()),
        }
    }
}

/// A string, or a simple value that is then taken as Python would print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl Argument for Text {
    const TYPE: Type = Type::String;

    fn from_value(value: Value) -> Result<Self, String> {
        Ok(Self(match value {
            Value::Int(number) => number.to_string(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Double(number) => format!("{number:?}"),
            Value::Nil => "None".to_owned(),
            other => String::from_value(other)?,
        }))
    }
}

/// Bytes for a program, from a string or base64.
impl Argument for Vec<u8> {
    const TYPE: Type = Type::String;

    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(text.into_bytes()),
            Value::Base64(bytes) => Ok(bytes),
            other => Err(Text::from_value(other).map_or_else(|why| why, |text| text.0)),
        }
    }
}

impl Argument for bool {
    const TYPE: Type = Type::Boolean;

    fn from_value(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::Nil => false,
            Value::Bool(truth) => truth,
            Value::Int(number) => number != 0,
            Value::Double(number) => number != 0.0,
            Value::String(text) | Value::DateTime(text) => !text.is_empty(),
            Value::Base64(bytes) => !bytes.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Struct(members) => !members.is_empty(),
        })
    }
}

impl Argument for i64 {
    const TYPE: Type = Type::Int;

    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Int(number) => Ok(number),
            Value::Bool(truth) => Ok(Self::from(truth)),
            #[allow(clippy::cast_possible_truncation)]
            // Towards zero, as Python does; a number beyond 64 bits becomes the nearest.
            Value::Double(number) if number.is_finite() => Ok(number as Self),
            Value::String(text) => text.trim().parse().map_err(|_| String::new()),
            _ => Err(String::new()),
        }
    }
}

impl Argument for Vec<Value> {
    const TYPE: Type = Type::Array;

    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Array(items) => Ok(items),
            _ => Err(String::new()),
        }
    }
}
