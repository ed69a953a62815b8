//! What an interface consists of. One table each serves calls, properties and introspection.

use std::collections::BTreeMap;
use std::pin::Pin;

use zbus::message::Message;
use zbus::{Signature, Variant};

use super::call::Call;
use super::failure::Failure;
use crate::api::{Access, Spec};

/// The values of properties by name: `a{sv}`.
pub type Values = BTreeMap<&'static str, Variant<'static>>;

/// A reply on its way.
pub type Answer = Pin<Box<dyn Future<Output = Result<Message, Failure>> + Send>>;

/// An interface without what its properties are read from.
pub struct Outline {
    /// Its name on the bus.
    pub name: &'static str,
    /// What can be called.
    pub methods: &'static [Method],
    /// What it announces.
    pub signals: &'static [Signal],
    /// What can be read.
    pub properties: &'static [Property],
}

/// A method.
pub struct Method {
    /// Its name on the bus.
    pub name: &'static str,
    /// What it takes.
    pub takes: &'static [Argument],
    /// What it answers.
    pub gives: &'static [Argument],
    /// What a caller must be allowed to do.
    pub access: Access,
    /// Whether the answer may have to wait for something. What waits is counted and bounded.
    pub waits: bool,
    /// The operations it is a face of.
    pub operations: &'static [&'static Spec],
    /// Does it.
    pub run: fn(Call) -> Answer,
}

/// One value that goes in or comes out.
pub struct Argument {
    /// Its name, for people.
    pub name: &'static str,
    /// Its type.
    pub signature: &'static Signature,
}

/// A signal.
pub struct Signal {
    /// Its name on the bus.
    pub name: &'static str,
    /// What it carries.
    pub carries: &'static [Argument],
}

/// A property.
pub struct Property {
    /// Its name on the bus.
    pub name: &'static str,
    /// Its type.
    pub signature: &'static Signature,
    /// Whether a change is told.
    pub told: Told,
    /// Whether it can be set.
    pub writable: bool,
}

/// Whether a change of a property is told (`org.freedesktop.DBus.Property.EmitsChangedSignal`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// With its value.
    Yes,
    /// It does not change as long as the object is there.
    Const,
    /// It changes untold.
    No,
}

/// An interface whose properties are read from a `T`.
pub struct Interface<T: 'static> {
    /// What it consists of.
    pub outline: &'static Outline,
    /// One for each property, in the same order.
    pub getters: &'static [fn(&T) -> Variant<'static>],
}

impl<T> Interface<T> {
    /// Every property.
    pub fn values(&self, from: &T) -> Values {
        self.rows().map(|(property, get)| (property.name, get(from))).collect()
    }

    /// Those properties that are told and differ.
    pub fn changes(&self, old: &T, new: &T) -> Values {
        self.rows()
            .filter(|(property, _)| property.told == Told::Yes)
            .map(|(property, get)| (property.name, get(old), get(new)))
            .filter(|(_, old, new)| old != new)
            .map(|(name, _, new)| (name, new))
            .collect()
    }

    fn rows(&self) -> impl Iterator<Item = (&'static Property, &fn(&T) -> Variant<'static>)> {
        self.outline.properties.iter().zip(self.getters)
    }
}

impl Method {
    /// The signature of its arguments, as a call's header has it.
    pub fn signature(&self) -> String {
        self.takes.iter().map(|argument| argument.signature.to_string()).collect()
    }
}

/// Each row: the method's name, what it takes and answers; what its caller must be allowed to do,
/// `waits` if it may have to wait though it only looks; the operations it is a face of; and what
/// it does: a `Result<(answers,), Failure>`, in which `.await` and `?` may stand.
macro_rules! methods {
    ($table:ident: $(
        $name:ident ($($arg:ident: $arg_type:ty),*) -> ($($out:ident: $out_type:ty),*)
        $access:ident $($waits:ident)? [$($operation:ident),*] = |$call:ident| $body:expr;
    )*) => {
        static $table: &[$crate::dbus::interface::Method] = &[$($crate::dbus::interface::Method {
            name: stringify!($name),
            takes: &[$($crate::dbus::interface::argument!($arg: $arg_type)),*],
            gives: &[$($crate::dbus::interface::argument!($out: $out_type)),*],
            access: $crate::api::Access::$access,
            waits: $crate::dbus::interface::waits!($access $($waits)?),
            operations: &[$(<$crate::api::operations::$operation as $crate::api::Operation>::SPEC),*],
            run: |$call| Box::pin(async move {
                #[allow(unused_parens, reason = "one argument is a tuple, too")]
                let ($($arg,)*): ($($arg_type,)*) = $call.arguments()?;
                let answer: Result<($($out_type,)*), $crate::dbus::failure::Failure> =
                    async { $body }.await;
                $call.answer(&answer?)
            }),
        }),*];
    };
}

macro_rules! waits {
    (Look) => {
        false
    };
    ($access:ident $($waits:ident)?) => {
        true
    };
}

macro_rules! argument {
    ($name:ident: $type:ty) => {
        $crate::dbus::interface::Argument {
            name: stringify!($name),
            signature: <$type as zbus::Type>::SIGNATURE,
        }
    };
}

/// Each row: the signal's name and what it carries.
macro_rules! signals {
    ($table:ident: $($name:ident ($($arg:ident: $type:ty),*);)*) => {
        static $table: &[$crate::dbus::interface::Signal] = &[$($crate::dbus::interface::Signal {
            name: stringify!($name),
            carries: &[$($crate::dbus::interface::argument!($arg: $type)),*],
        }),*];
    };
}

/// Each row: the property's name and type, whether a change is told, `writable` if it can be set,
/// and how it is read.
macro_rules! properties {
    ($table:ident, $getters:ident of $from:ty: $(
        $name:ident: $type:ty, $told:ident $($writable:ident)? = |$object:ident| $value:expr;
    )*) => {
        static $table: &[$crate::dbus::interface::Property] =
            &[$($crate::dbus::interface::Property {
                name: stringify!($name),
                signature: <$type as zbus::Type>::SIGNATURE,
                told: $crate::dbus::interface::Told::$told,
                writable: $crate::dbus::interface::writable!($($writable)?),
            }),*];
        static $getters: &[fn(&$from) -> zbus::Variant<'static>] = &[$(|$object| {
            let value: $type = $value;
            zbus::Variant::from(value)
        }),*];
    };
}

macro_rules! writable {
    () => {
        false
    };
    (writable) => {
        true
    };
}

pub(crate) use {argument, methods, properties, signals, waits, writable};
