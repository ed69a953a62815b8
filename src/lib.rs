//! A process supervisor, drop-in for Supervisor and native to systemd.
//!
//! **The one idea:** the supervisor is a pure state machine, and the world is at its edge. `core`
//! takes an event and the time, and yields effects; the driver turns the world into events and
//! effects into the world.
//!
//! In reading order:
//!
//! - [`model`]: the words every layer shares.
//! - [`config`]: from the text of `supervisord.conf` to typed settings.
//! - [`core`]: the supervisor without a world. Begin with `core/transition.rs`.
//! - [`logs`]: the data plane, a thread of its own.
//! - [`tls`]: the settings of TLS, for listeners and for clients.
//! - [`runtime`]: where tokio begins: the driver, spawning, reaping, start-up.
//! - [`api`]: the operations, once, for every face.
//! - [`xmlrpc`], [`http`]: the faces over the network.
//! - [`dbus`]: the face on a bus.
//! - [`ctl`]: the control program.
//! - [`daemon`]: the composition root.
//!
//! `ARCHITECTURE.md` says who may import whom; `tests/tidy.rs` checks it.

pub mod api;
pub mod config;
pub mod core;
pub mod ctl;
pub mod daemon;
pub mod dbus;
pub mod http;
pub mod logs;
pub mod model;
pub mod runtime;
pub mod tls;
pub mod xmlrpc;
