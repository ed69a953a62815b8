//! The real binary and real programs: what other supervisors got wrong, shown not to happen here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod cgroup;
mod clients;
mod clock;
mod config;
mod crowds;
mod events;
mod hashing;
mod load;
mod logs;
mod migrate;
mod namespaces;
mod nodes;
mod notify;
mod programs;
mod rig;
mod scale;
mod security;
mod startup;
mod systemd;
mod targets;
mod tls;
