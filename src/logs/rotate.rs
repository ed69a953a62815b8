//! Rotation's file operations: `log` becomes `log.1`, `log.1` becomes `log.2`, and so on.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;

/// From so many bytes on, freeing a file is given to a thread of its own.
const LARGE_BYTES: u64 = 4 << 20;

/// Renames `path` to `path.1` after moving its predecessors one up. The oldest, `path.BACKUPS`,
/// is removed; where there is a gap in the numbers, nothing above it moves.
///
/// # Errors
/// A rename or the removal failed. Nothing but the oldest is lost then: the move starts at the top
/// and ends at the first failure, and the gap it leaves keeps a second try from pushing out more.
pub(super) fn shift(path: &Path, backups: u32) -> io::Result<()> {
    let gap = if let Some(gap) = (1..=backups).find(|&n| !exists(&numbered(path, n))) {
        gap
    } else {
        // Not left to the rename: ext4 writes a file to the disk before it replaces another.
        remove(&numbered(path, backups))?;
        backups
    };
    for n in (1..gap).rev() {
        rename(&numbered(path, n), &numbered(path, n + 1))?;
    }
    rename(path, &numbered(path, 1))
}

/// `path.N`.
pub(super) fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{n}"));
    name.into()
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Removes a file; the system frees a large one in the background, for that can take longer than
/// writing it did, and the log goes on meanwhile.
fn remove(path: &Path) -> io::Result<()> {
    let large = |file: &File| file.metadata().is_ok_and(|found| found.len() >= LARGE_BYTES);
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
    let held = OpenOptions::new().read(true).custom_flags(flags).open(path).ok().filter(large);
    fs::remove_file(path)?;
    if let Some(file) = held {
        // The last descriptor frees it. Without a thread it is closed here.
        let _ = thread::Builder::new().name("logs-free".into()).spawn(move || drop(file));
    }
    Ok(())
}

/// A source that somebody else removed meanwhile is no failure.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files are written as `number:content`, number 0 being the log itself.
    fn check(before: &str, backups: u32, after: &str) {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let file = |n: u32| {
            if n == 0 { log.clone() } else { numbered(&log, n) }
        };
        for (n, content) in before.split_whitespace().map(|f| f.split_once(':').unwrap()) {
            fs::write(file(n.parse().unwrap()), content).unwrap();
        }
        shift(&log, backups).unwrap();
        let found: Vec<_> = (0..9)
            .filter_map(|n| Some(format!("{n}:{}", fs::read_to_string(file(n)).ok()?)))
            .collect();
        assert_eq!(found.join(" "), after, "{before} with {backups} backups");
    }

    #[test]
    fn every_file_moves_up_by_one() {
        check("0:a", 3, "1:a");
        check("0:a 1:b", 3, "1:a 2:b");
        check("0:a 1:b 2:c 3:d", 3, "1:a 2:b 3:c");
        check("0:a 1:b", 1, "1:a");
        check("1:b", 3, "2:b");
        check("0:a 1:b 3:d", 5, "1:a 2:b 3:d");
        check("0:a 1:b 2:c 3:d", 2, "1:a 2:b 3:d");
    }

    #[test]
    fn a_failed_rename_loses_nothing_however_often_it_is_tried() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::write(&log, "a").unwrap();
        fs::write(numbered(&log, 1), "b").unwrap();
        // A directory in the way cannot be overwritten by a file.
        fs::create_dir_all(numbered(&log, 2).join("full")).unwrap();
        for _ in 0..3 {
            assert!(shift(&log, 2).is_err());
        }
        assert_eq!(fs::read_to_string(&log).unwrap(), "a");
        assert_eq!(fs::read_to_string(numbered(&log, 1)).unwrap(), "b");
    }
}
