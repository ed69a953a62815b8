//! One connection to a bus, from the request for the name to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use zbus::fdo::{RequestNameFlags, RequestNameReply};
use zbus::message::{Message, Type};
use zbus::{Connection, MessageStream};

use super::access;
use super::call::Call;
use super::failure::Failure;
use super::flights::{Flight, Flights};
use super::interface::Method;
use super::publish::Publisher;
use super::subscribers::Subscribers;
use crate::api::Api;
use crate::config::setting::LogLevel;

/// The name on the bus.
pub const NAME: &str = "org.supervisord.Supervisor1";
/// Time that calls under way get to be answered when a life of the daemon ends.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(1);

/// What all calls of a connection share.
pub struct Shared {
    /// The operations.
    pub api: Arc<Api>,
    /// The connection.
    pub connection: Connection,
    /// Who wants events.
    pub subscribers: Subscribers,
    flights: Arc<Flights>,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The daemon ends or begins anew.
    Closed,
    /// The bus is gone, or has closed the connection.
    Lost,
    /// The bus does not let the daemon have its name.
    Refused,
}

/// Serves the daemon on a connection until either ends.
pub async fn serve(
    connection: Connection,
    api: Arc<Api>,
    closing: &mut watch::Receiver<bool>,
) -> Ended {
    let mut messages = MessageStream::from(&connection);
    let shared = Arc::new(Shared {
        api,
        connection: connection.clone(),
        subscribers: Subscribers::default(),
        flights: Arc::default(),
    });
    let mut calls = JoinSet::new();
    let mut publisher = JoinSet::new();
    publisher.spawn(Publisher::new(shared.clone()).run());
    // Not awaited here: while nobody takes messages, no reply arrives.
    let mut naming = JoinSet::new();
    naming.spawn(request_name(shared.clone()));
    loop {
        tokio::select! {
            biased;
            () = told_to_close(closing) => break,
            Some(named) = naming.join_next() => {
                if !named.unwrap_or(false) {
                    _ = connection.close().await;
                    return Ended::Refused;
                }
            }
            message = next(&mut messages) => match message {
                Some(Ok(message)) => shared.take(message, &mut calls).await,
                Some(Err(_)) | None => return Ended::Lost,
            },
            Some(_) = calls.join_next() => {}
        }
        // A flood must not keep the supervision from its turn.
        tokio::task::yield_now().await;
    }
    // What comes from here on is not taken; replies to the daemon's own calls still arrive.
    drop(messages);
    let finish = async {
        while publisher.join_next().await.is_some() {}
        while calls.join_next().await.is_some() {}
    };
    _ = tokio::time::timeout(CLOSE_TIME_MAX, finish).await;
    _ = connection.close().await;
    Ended::Closed
}

/// Returns when the daemon ends or begins anew.
pub async fn told_to_close(closing: &mut watch::Receiver<bool>) {
    _ = closing.wait_for(|closing| *closing).await;
}

async fn next(messages: &mut MessageStream) -> Option<zbus::Result<Message>> {
    std::future::poll_fn(|cx| Pin::new(&mut *messages).poll_next(cx)).await
}

impl Shared {
    /// Does what a message asks for, at once or, where it may have to wait, in a task.
    async fn take(self: &Arc<Self>, message: Message, calls: &mut JoinSet<()>) {
        match message.message_type() {
            Type::MethodCall => {
                let found = Call::find(self, message.clone()).and_then(|(call, method)| {
                    let flight = method.waits.then(|| {
                        let bytes = call.message.body().len();
                        self.flights.begin(call.caller(), bytes)
                    });
                    Ok((call, method, flight.transpose()?))
                });
                match found {
                    Ok((call, method, None)) => self.answer(call, method, None).await,
                    Ok((call, method, flight)) => {
                        let shared = self.clone();
                        calls.spawn(async move { shared.answer(call, method, flight).await });
                    }
                    Err(failure) => self.fail(&message, &failure).await,
                }
            }
            Type::Signal => self.hear(&message).await,
            Type::MethodReturn | Type::Error => {}
        }
    }

    async fn answer(&self, call: Call, method: &'static Method, flight: Option<Flight>) {
        let (message, wants_answer) = (call.message.clone(), call.wants_answer());
        let answer = match access::check(&call, method.access).await {
            Ok(()) => (method.run)(call).await,
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(answer) if wants_answer => _ = self.connection.send(&answer).await,
            Ok(_) => {}
            Err(failure) => self.fail(&message, &failure).await,
        }
        drop(flight);
    }

    async fn fail(&self, call: &Message, failure: &Failure) {
        use zbus::message::Flags;
        if call.primary_header().flags().contains(Flags::NO_REPLY_EXPECTED) {
            return;
        }
        let reply = Message::error(&call.header(), &*failure.name).build(&failure.text);
        if let Ok(reply) = reply {
            _ = self.connection.send(&reply).await;
        }
    }

    /// What the bus itself tells.
    async fn hear(&self, signal: &Message) {
        let header = signal.header();
        let from_bus = header.sender().is_some_and(|sender| sender == "org.freedesktop.DBus");
        let member = header.member().map_or("", |member| member.as_str());
        if !from_bus {
            return;
        }
        let body = signal.body();
        match member {
            "NameOwnerChanged" => {
                if let Ok((name, _, "")) = body.deserialize::<(&str, &str, &str)>() {
                    _ = self.subscribers.remove(&self.connection, name).await;
                }
            }
            "NameAcquired" if body.deserialize::<&str>().is_ok_and(|name| name == NAME) => {
                self.api.log_line(LogLevel::Debug, &format!("D-Bus: {NAME} is this daemon's"));
            }
            "NameLost" if body.deserialize::<&str>().is_ok_and(|name| name == NAME) => {
                let line = format!("D-Bus: the name {NAME} was taken away");
                self.api.log_line(LogLevel::Warn, &line);
            }
            _ => {}
        }
    }
}

/// Asks for the name, and waits in the queue for it while another daemon has it. Whether the bus
/// agrees.
async fn request_name(shared: Arc<Shared>) -> bool {
    let bus = "org.freedesktop.DBus";
    let flags = RequestNameFlags::empty();
    let reply = shared
        .connection
        .call_method(Some(bus), "/org/freedesktop/DBus", Some(bus), "RequestName", &(NAME, flags))
        .await
        .and_then(|reply| reply.body().deserialize::<RequestNameReply>());
    match reply {
        Ok(RequestNameReply::InQueue) => {
            let line = format!(
                "D-Bus: another daemon has the name {NAME}; this one waits for it, and is reached \
                 as {}",
                shared.connection.unique_name().map(ToString::to_string).unwrap_or_default()
            );
            shared.api.log_line(LogLevel::Warn, &line);
            true
        }
        Ok(_) => true,
        Err(why) => {
            shared.api.log_line(LogLevel::Debug, &format!("D-Bus: no name {NAME}: {why}"));
            false
        }
    }
}
