//! The service manager's side of things: sockets that it passes, and what it wants to hear
//! (sd_listen_fds(3), sd_notify(3)). Without one nothing here does anything.

pub mod herald;
pub mod sockets;
pub mod status;

pub use herald::Herald;
