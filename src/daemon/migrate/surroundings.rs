//! The only door to the installation, and what kind of program a file is.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::config::migrate::Ancestor;

/// Bytes of a file that are looked at; past it nothing of it is seen. A unit or a snippet that is
/// longer is something else, and a Go program says what it is within them.
pub(super) const HEAD_BYTES_MAX: usize = 64 << 10;

/// Files of a directory that are looked at, the first by name.
const FILES_MAX: usize = 1000;

/// The host, read only.
pub(super) trait Surroundings {
    /// The first bytes of a regular file; `None` if it cannot be read.
    fn head(&self, path: &Path) -> Option<Vec<u8>>;
    /// The paths in a directory, by name.
    fn list(&self, directory: &Path) -> Vec<PathBuf>;
    /// Where a symbolic link leads.
    fn link(&self, path: &Path) -> Option<PathBuf>;
    /// Whether something is there.
    fn exists(&self, path: &Path) -> bool;
    /// Where commands are looked for.
    fn search_path(&self) -> Vec<PathBuf>;
}

impl dyn Surroundings + '_ {
    /// The first bytes as text.
    pub(super) fn text(&self, path: &Path) -> Option<String> {
        self.head(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A command as it is found: a path as it is, a name on the search path.
    pub(super) fn find(&self, command: &str) -> Option<PathBuf> {
        let exists = |path: &PathBuf| self.exists(path);
        if command.contains('/') {
            return Some(PathBuf::from(command)).filter(exists);
        }
        self.search_path().into_iter().map(|directory| directory.join(command)).find(exists)
    }

    /// Which of the ancestors a program is; `None` for another, this one among them.
    pub(super) fn ancestor(&self, program: &Path) -> Option<Ancestor> {
        let head = self.head(program)?;
        let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if first.starts_with(b"#!") && holds(first, b"python") {
            return Some(Ancestor::Supervisor);
        }
        // The linker puts it there (`go version -m` reads it).
        (head.starts_with(b"\x7fELF") && holds(&head, b"Go build ID: ")).then_some(Ancestor::Go)
    }
}

pub(super) fn holds(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

/// This host.
#[derive(Clone, Copy, Debug)]
pub(super) struct System;

impl Surroundings for System {
    fn head(&self, path: &Path) -> Option<Vec<u8>> {
        // A FIFO would make us wait; what is in /proc is a regular file, too.
        fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(HEAD_BYTES_MAX as u64).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    fn list(&self, directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths.truncate(FILES_MAX);
        paths
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        fs::read_link(path).ok()
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn search_path(&self) -> Vec<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
        std::env::split_paths(&path).collect()
    }
}
