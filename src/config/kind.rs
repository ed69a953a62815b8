//! The kinds of groups and processes: programs, event listeners, FastCGI programs.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::EventSet;

/// What a group was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// `[program:x]` on its own: a group of the program's name.
    Program,
    /// `[group:x]`.
    Group,
    /// `[eventlistener:x]`: a pool of listeners.
    EventListener(PoolSettings),
    /// `[fcgi-program:x]` on its own.
    FastCgi,
}

/// What a pool of event listeners is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// The types that it subscribed to.
    pub events: EventSet,
    /// Events that may wait; past it the oldest is dropped and counted.
    pub buffer_size: usize,
    /// Whether its listeners answer `OK` for an event that is dealt with. Where a `result_handler`
    /// that cannot run here was to judge that, every whole answer counts as one.
    pub judged: bool,
}

/// What a process's standard input and output are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProcessKind {
    /// Its own.
    #[default]
    Program,
    /// The protocol of event listeners.
    Listener,
    /// Its input is a listening socket.
    FastCgi(Arc<FcgiSocket>),
}

/// A listening socket that the processes of an `[fcgi-program:x]` share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FcgiSocket {
    /// As the configuration names it.
    pub url: String,
    /// Where it is bound.
    pub address: FcgiAddress,
    /// Connections that may wait; `None` for as many as the system allows.
    pub backlog: Option<u32>,
}

/// Where a [`FcgiSocket`] is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FcgiAddress {
    /// A unix socket.
    Unix {
        /// Its file.
        path: PathBuf,
        /// User and group; `None` leaves them the daemon's.
        owner: Option<(u32, Option<u32>)>,
        /// Its file mode.
        mode: u32,
    },
    /// A TCP socket.
    Tcp {
        /// The address in numbers, looked up when the file is read.
        ip: String,
        /// The port.
        port: u16,
    },
}
