//! Who wants events. A subscriber that leaves the bus is forgotten.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use zbus::Connection;
use zbus::message::{Flags, Message};

use super::failure::Failure;

/// Subscribers; past it a new one is refused.
pub const SUBSCRIBERS_MAX: usize = 1_024;

/// Those connections that left: a name whose new owner is nobody.
const LEFT: &str = "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',\
                    interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''";

/// The subscribers of one connection to a bus.
#[derive(Debug, Default)]
pub struct Subscribers {
    names: Mutex<BTreeSet<String>>,
}

impl Subscribers {
    /// Whether events are wanted.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Adds one. Who leaves the bus is told to the daemon only while there is one.
    ///
    /// # Errors
    /// `LimitsExceeded`, or the connection is gone.
    pub async fn add(&self, connection: &Connection, name: String) -> Result<(), Failure> {
        let first = {
            let mut names = self.lock();
            if names.len() >= SUBSCRIBERS_MAX && !names.contains(&name) {
                let text = format!("there are {SUBSCRIBERS_MAX} subscribers, which is the limit");
                return Err(Failure::limits_exceeded(text));
            }
            let first = names.is_empty();
            names.insert(name);
            first
        };
        if first { tell(connection, "AddMatch").await } else { Ok(()) }
    }

    /// Removes one, because it says so or because it left.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn remove(&self, connection: &Connection, name: &str) -> Result<(), Failure> {
        let last = {
            let mut names = self.lock();
            names.remove(name) && names.is_empty()
        };
        if last { tell(connection, "RemoveMatch").await } else { Ok(()) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sent and not waited for: the bus does as it is told before it passes on what comes after.
async fn tell(connection: &Connection, member: &str) -> Result<(), Failure> {
    let message = Message::method_call("/org/freedesktop/DBus", member)
        .destination("org.freedesktop.DBus")
        .interface("org.freedesktop.DBus")
        .with_flags(Flags::NO_REPLY_EXPECTED)
        .build(&LEFT)?;
    Ok(connection.send(&message).await?)
}
