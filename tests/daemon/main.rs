//! The real binary and real programs: what other supervisors got wrong, shown not to happen here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod config;
mod logs;
mod notify;
mod programs;
mod rig;
mod startup;
mod systemd;
