//! Where tokio begins: the driver and what it drives.

pub mod cgroup;
mod children;
pub mod driver;
pub mod fcgi;
pub mod handle;
mod heir;
pub mod host;
pub mod meters;
pub mod readiness;
pub mod reaper;
pub mod replies;
pub mod spawn;
pub mod startup;
pub mod stdin;
pub mod systemd;
pub mod usage;
