//! XML-RPC: values to bytes and back (<http://xmlrpc.com/spec.md>, with `i8` and `nil`).
//!
//! Invariant: nothing here knows what is called. No input makes it panic, loop or use more than a
//! few times its own size in memory.

use std::fmt;

mod decode;
mod encode;
mod json;

pub use decode::{
    CALL_ELEMENTS_MAX, DEPTH_MAX, NAME_BYTES_MAX, RESPONSE_ELEMENTS_MAX, decode_call,
    decode_response,
};
pub use encode::{encode_call, encode_fault, encode_response};

/// A value of any type that travels.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `<nil/>`.
    Nil,
    /// `<boolean>`.
    Bool(bool),
    /// `<int>`, `<i4>` and `<i8>`; written as `<i8>` only where 32 bits are too few.
    Int(i64),
    /// `<double>`.
    Double(f64),
    /// `<string>`, or a `<value>` without a type.
    String(String),
    /// `<base64>`, decoded.
    Base64(Vec<u8>),
    /// `<dateTime.iso8601>`, as it was written.
    DateTime(String),
    /// `<array>`.
    Array(Vec<Value>),
    /// `<struct>`, in the order of its members.
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// A string of bytes that may be anything, such as a piece of a log: what is not UTF-8
    /// becomes U+FFFD.
    #[must_use]
    pub fn text(bytes: &[u8]) -> Self {
        Self::String(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// A member of a struct; of several with one name the last, as in Python.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(members) => members.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// The answer to a call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `faultCode`.
    pub code: i32,
    /// `faultString`.
    pub string: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}: {}", self.code, self.string)
    }
}

impl std::error::Error for Fault {}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodCall {
    /// The method's full name, such as `supervisor.getState`.
    pub method: String,
    /// Its arguments in order.
    pub params: Vec<Value>,
}

/// Why bytes are not XML-RPC, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The offset in bytes at which reading stopped.
    pub at: u64,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read XML-RPC at byte {}: {}", self.at, self.reason)
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests;
