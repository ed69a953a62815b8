//! A process supervisor.
pub mod api;
pub mod config;
pub mod core;
pub mod http;
pub mod logs;
pub mod model;
pub mod runtime;
pub mod xmlrpc;
