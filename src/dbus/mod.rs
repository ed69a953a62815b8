//! The D-Bus face: `org.supervisord.Supervisor1`.
//!
//! A message goes [`session`] -> [`call`] (object, method, arguments) -> [`access`] -> an
//! operation of the API. The interfaces are tables ([`manager`], [`process`], [`group`],
//! [`log_control`], [`standard`]), from which calls, properties and introspection are served
//! alike. What changes is told by [`publish`].
//!
//! Invariants: objects are not kept: they are what the snapshot says, so that a thousand programs
//! cost nothing here. The supervision never waits for the bus, and nothing is polled: a bus that
//! is not there is awaited.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use zbus::Connection;
use zbus::connection::Builder;

use crate::api::Api;
use crate::config::DbusSettings;
use crate::config::setting::LogLevel;

pub mod access;
mod answer;
mod appear;
mod bus;
mod call;
mod events;
mod failure;
mod flights;
mod group;
mod interface;
mod introspect;
mod log_control;
mod manager;
mod object;
mod path;
mod process;
mod publish;
pub mod reference;
mod session;
mod standard;
mod subscribers;
#[cfg(test)]
mod tests;

use appear::Appearance;
use bus::{Choice, Surroundings};
use session::Ended;

/// Messages read ahead; then no more are read until some are dealt with.
const MESSAGES_AHEAD_MAX: usize = 16;
/// Time between two connections, so that a bus that closes each at once is not called without
/// end.
const CONNECTIONS_APART: Duration = Duration::from_secs(1);
/// How often a socket that is there and refuses is tried again: a bus makes its socket before it
/// listens. Each wait is twice the one before, 2.5 seconds together.
const REFUSALS_MAX: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// The daemon on a bus, or waiting for one.
pub struct Dbus {
    task: Option<JoinHandle<()>>,
    closing: watch::Sender<bool>,
}

impl Dbus {
    /// Begins to be on the bus that the configuration chooses, as soon as there is one. To be
    /// called within the runtime.
    #[must_use]
    pub fn start(settings: &DbusSettings, api: &Arc<Api>) -> Self {
        let (closing, closed) = watch::channel(false);
        let around = Surroundings {
            uid: nix::unistd::geteuid().as_raw(),
            variable: &|name| std::env::var(name).ok(),
            exists: &|path| std::path::Path::new(path).exists(),
        };
        let choice = Choice::of(&settings.bus, &around);
        let task = choice.map(|choice| {
            let life = Life { choice, api: api.clone(), said: false };
            tokio::spawn(life.live(closed))
        });
        Self { task, closing }
    }

    /// Answers the calls under way, for a second at most, and leaves the bus.
    pub async fn close(self) {
        self.closing.send_replace(true);
        if let Some(task) = self.task {
            _ = task.await;
        }
    }
}

/// One connection after another.
struct Life {
    choice: Choice,
    api: Arc<Api>,
    /// Whether it was said that there is no bus.
    said: bool,
}

impl Life {
    async fn live(mut self, mut closing: watch::Receiver<bool>) {
        let mut appearance = Appearance::new(self.choice.sockets())
            .inspect_err(|why| {
                let line = format!("D-Bus: a bus that comes later goes unseen: {why}");
                self.say(LogLevel::Warn, &line);
            })
            .ok();
        loop {
            if let Some(appearance) = &mut appearance {
                appearance.watch();
            }
            let connected = tokio::select! {
                biased;
                () = session::told_to_close(&mut closing) => return,
                connected = self.connect() => connected,
            };
            let refused = match connected {
                Ok(connection) => {
                    if let Some(appearance) = &mut appearance {
                        appearance.unwatch();
                    }
                    let since = Instant::now();
                    let called = &self.choice.called;
                    self.say(LogLevel::Info, &format!("D-Bus: connected to {called}"));
                    self.said = false;
                    let ended = session::serve(connection, self.api.clone(), &mut closing).await;
                    match ended {
                        Ended::Closed => return,
                        Ended::Lost => {
                            self.say(LogLevel::Info, "D-Bus: the bus has gone; waiting for it");
                            self.said = true;
                            let apart = tokio::time::sleep_until(since + CONNECTIONS_APART);
                            tokio::select! {
                                () = session::told_to_close(&mut closing) => return,
                                () = apart => {}
                            }
                            continue;
                        }
                        Ended::Refused => {
                            if let Some(appearance) = &mut appearance {
                                appearance.watch();
                            }
                            format!(
                                "D-Bus: {called} does not let this daemon have the name {}: is \
                                 the policy file installed?",
                                session::NAME
                            )
                        }
                    }
                }
                Err(why) => {
                    format!("D-Bus: cannot reach {}: {why}; waiting for it", self.choice.called)
                }
            };
            if !std::mem::replace(&mut self.said, true) {
                self.say(LogLevel::Warn, &refused);
            }
            tokio::select! {
                () = session::told_to_close(&mut closing) => return,
                () = happened(appearance.as_ref()) => {}
            }
        }
    }

    /// Connects to the first address that answers.
    async fn connect(&self) -> zbus::Result<Connection> {
        let mut last = zbus::Error::Unsupported;
        for address in &self.choice.addresses {
            match connect(address).await {
                Ok(connection) => return Ok(connection),
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    /// What nobody asked for is nothing to speak of.
    fn say(&self, level: LogLevel, line: &str) {
        let level = if self.choice.asked_for { level } else { LogLevel::Debug };
        self.api.log_line(level, line);
    }
}

async fn connect(address: &str) -> zbus::Result<Connection> {
    let mut wait = FIRST_WAIT;
    for _ in 0..REFUSALS_MAX {
        let ahead = std::num::NonZeroUsize::new(MESSAGES_AHEAD_MAX);
        let builder = Builder::address(address);
        let builder = ahead.into_iter().fold(builder, Builder::max_queued);
        match builder.build().await {
            Err(why) if is_refusal(&why) => tokio::time::sleep(wait).await,
            connected => return connected,
        }
        wait *= 2;
    }
    Builder::address(address).build().await
}

fn is_refusal(why: &zbus::Error) -> bool {
    let refused = |why: &io::Error| why.kind() == io::ErrorKind::ConnectionRefused;
    match why {
        zbus::Error::Connection(why, _) | zbus::Error::InputOutput(why) => refused(why),
        _ => false,
    }
}

async fn happened(appearance: Option<&Appearance>) {
    match appearance {
        Some(appearance) => appearance.happened().await,
        None => std::future::pending().await,
    }
}
