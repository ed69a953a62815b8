//! Where tokio begins: the driver and what it drives.

pub mod cgroup;
pub mod driver;
pub mod handle;
pub mod host;
pub mod reaper;
pub mod spawn;
pub mod startup;
pub mod stdin;
pub mod systemd;
