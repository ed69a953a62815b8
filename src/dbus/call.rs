//! One call: from a message to a method, its arguments, its answer.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zbus::message::{Flags, Message};
use zbus::{DynamicType, Type};

use super::failure::Failure;
use super::interface::Method;
use super::object::Object;
use super::session::Shared;
use crate::api::process::named;
use crate::api::{Api, Operation};
use crate::model::{Error, ErrorKind, ProcessInfo};

/// Bytes that the arguments of one call may take; a longer call is refused.
pub const ARGUMENT_BYTES_MAX: usize = 1 << 20;
/// Bytes of one answer. A bus closes the connection of whoever sends more than it passes on (32
/// MiB on a system bus), so that a longer answer is refused before.
pub const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A call that has found its object.
pub struct Call {
    /// What all calls of a connection share.
    pub shared: Arc<Shared>,
    /// What it is made on.
    pub object: Object,
    /// The message.
    pub message: Message,
}

impl Call {
    /// Finds object and method. The interface may be left out (D-Bus specification, "Message
    /// Types").
    ///
    /// # Errors
    /// There is no such object, interface or method, or the arguments are not of its types.
    pub fn find(
        shared: &Arc<Shared>,
        message: Message,
    ) -> Result<(Self, &'static Method), Failure> {
        let header = message.header();
        let path = header.path().map_or("", |path| path.as_str());
        let object = Object::at(path, &shared.api.snapshot())
            .ok_or_else(|| Failure::unknown_object(format!("there is no object at {path}")))?;
        let member = header.member().map_or("", |member| member.as_str());
        let wanted = header.interface().map(zbus::names::InterfaceName::as_str);
        let mut interfaces =
            object.interfaces().filter(|found| wanted.is_none_or(|name| name == found.name));
        let method = interfaces
            .by_ref()
            .find_map(|found| found.methods.iter().find(|method| method.name == member));
        let Some(method) = method else {
            let known =
                wanted.is_none_or(|name| object.interfaces().any(|found| found.name == name));
            return Err(if known {
                Failure::unknown_method(format!("{path} has no method {member}"))
            } else {
                let name = wanted.unwrap_or_default();
                Failure::unknown_interface(format!("{path} has no interface {name}"))
            });
        };
        let (wanted, given) = (method.signature(), header.signature().to_string_no_parens());
        if wanted != given {
            let text = format!("{member} takes arguments of the types {wanted:?}, not {given:?}");
            return Err(Failure::invalid_args(text));
        }
        let bytes = message.body().len();
        if bytes > ARGUMENT_BYTES_MAX {
            let text = format!("the arguments have {bytes} bytes: at most {ARGUMENT_BYTES_MAX}");
            return Err(Failure::limits_exceeded(text));
        }
        drop(interfaces);
        drop(header);
        Ok((Self { shared: shared.clone(), object, message }, method))
    }

    /// The operations.
    pub fn api(&self) -> &Arc<Api> {
        &self.shared.api
    }

    /// Its arguments, whose types were compared with the method's before.
    ///
    /// # Errors
    /// The message is malformed.
    pub fn arguments<T: DeserializeOwned + Type>(&self) -> Result<T, Failure> {
        let body = self.message.body();
        body.deserialize_ignore_signature()
            .map_err(|why| Failure::invalid_args(format!("cannot read the arguments: {why}")))
    }

    /// The answer as a message.
    ///
    /// # Errors
    /// `LimitsExceeded` past [`ANSWER_BYTES_MAX`].
    pub fn answer<T: Serialize + DynamicType>(&self, answer: &T) -> Result<Message, Failure> {
        let message = Message::method_return(&self.message.header()).build(answer)?;
        let bytes = message.data().len();
        if bytes > ANSWER_BYTES_MAX {
            return Err(Failure::limits_exceeded(format!(
                "the answer has {bytes} bytes, and {ANSWER_BYTES_MAX} are the limit: ask for less \
                 at once; a log can be opened and read from a descriptor"
            )));
        }
        Ok(message)
    }

    /// Runs an operation.
    ///
    /// # Errors
    /// The operation's own.
    pub async fn ask<O: Operation>(&self, operation: O) -> Result<O::Reply, Failure> {
        Ok(self.api().call(operation).await?)
    }

    /// The process that the caller names: `group:name`, or its own name alone if no other has it.
    ///
    /// # Errors
    /// `BadName`.
    pub fn named(&self, name: &str) -> Result<Arc<ProcessInfo>, Failure> {
        let snapshot = self.api().snapshot();
        named(&snapshot, name).or_else(|why| {
            let mut alike = snapshot.processes.values().filter(|process| &*process.id.name == name);
            match (alike.next(), alike.next()) {
                (Some(process), None) => Ok(process.clone()),
                (Some(_), Some(_)) => {
                    let text = format!("{name} is in several groups: write GROUP:{name}");
                    Err(Error::new(ErrorKind::BadName, text).into())
                }
                (None, _) => Err(why.into()),
            }
        })
    }

    /// Its name as operations take it.
    ///
    /// # Errors
    /// `BadName`.
    pub fn full_name(&self, name: &str) -> Result<String, Failure> {
        Ok(self.named(name)?.id.to_string())
    }

    /// The name, as operations take it, of the process or group that the call is made on.
    ///
    /// # Errors
    /// Never where the method is one of a process or a group.
    pub fn own_name(&self) -> Result<String, Failure> {
        match &self.object {
            Object::Process(id) => Ok(id.to_string()),
            Object::Group(name) => Ok(name.to_string()),
            _ => Err(Failure::failed("the object is neither a process nor a group")),
        }
    }

    /// The caller's unique name; empty where there is no bus between.
    pub fn caller(&self) -> String {
        self.message.header().sender().map(ToString::to_string).unwrap_or_default()
    }

    /// Whether the caller is ready to wait until a person was asked.
    pub fn may_ask_a_person(&self) -> bool {
        self.has_flag(Flags::ALLOW_INTERACTIVE_AUTH)
    }

    /// Whether the caller wants an answer.
    pub fn wants_answer(&self) -> bool {
        !self.has_flag(Flags::NO_REPLY_EXPECTED)
    }

    fn has_flag(&self, flag: Flags) -> bool {
        self.message.primary_header().flags().contains(flag)
    }

    /// The caller is sent events from now on.
    ///
    /// # Errors
    /// There are too many subscribers.
    pub async fn subscribe(&self) -> Result<(), Failure> {
        self.shared.subscribers.add(&self.shared.connection, self.caller()).await
    }

    /// The caller is sent events no more.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn unsubscribe(&self) -> Result<(), Failure> {
        self.shared.subscribers.remove(&self.shared.connection, &self.caller()).await
    }
}
