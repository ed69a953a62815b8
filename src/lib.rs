//! A process supervisor.
pub mod config;
pub mod core;
pub mod ctl;
pub mod logs;
pub mod model;
pub mod runtime;
pub mod xmlrpc;
