//! Where tokio begins: the driver and what it drives.

pub mod handle;
pub mod reaper;
pub mod spawn;
pub mod startup;
pub mod stdin;
