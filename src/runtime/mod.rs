//! Where tokio begins: the driver and what it drives.

pub mod handle;
pub mod host;
pub mod spawn;
