//! Stand-in until the log plane is merged.
#![allow(missing_docs)]
use crate::config::setting::LogLevel;
use crate::model::{ProcessId, WallTime};
use std::{io, path::Path};
pub mod read;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogId {
    Main,
    Process(ProcessId, Stream),
}
#[derive(Clone)]
pub struct LogPlane {
    pub path: Option<std::path::PathBuf>,
}
pub struct Follower(pub std::collections::VecDeque<Followed>);
#[derive(Debug, PartialEq, Eq)]
pub enum Followed {
    Bytes(Vec<u8>),
    Truncated,
}
impl Follower {
    pub async fn next(&mut self) -> Option<Followed> {
        self.0.pop_front()
    }
}
pub struct ActivitySettings {
    pub logfile: Option<std::path::PathBuf>,
    pub max_bytes: u64,
    pub backups: u32,
    pub level: LogLevel,
    pub console: bool,
    pub strip_ansi: bool,
}
impl LogPlane {
    pub fn start(a: ActivitySettings) -> io::Result<Self> {
        Ok(Self { path: a.logfile })
    }
    pub fn log(&self, _: LogLevel, _: WallTime, line: &str) {
        if let Some(p) = &self.path {
            use io::Write;
            let _ = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(p)
                .map(|mut f| f.write_all(format!("{line}\n").as_bytes()));
        }
    }
    pub async fn sync(&self, _: LogId) {}
    pub async fn clear(&self, _: LogId) -> io::Result<()> {
        Ok(())
    }
    pub async fn follow(&self, _: LogId) -> Option<Follower> {
        None
    }
    pub fn activity_path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}
