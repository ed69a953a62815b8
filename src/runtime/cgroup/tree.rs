//! A control group's directory, and those that its members made below it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Control groups below one process's that are looked at; past it members may be missed by
/// whoever signals them one by one, and the directory cannot be removed. `cgroup.kill` has no
/// such limit.
const NESTED_MAX: usize = 10_000;

/// Whether a live process is in it, or below. What is not there is empty.
pub fn is_populated(directory: &Path) -> bool {
    let events = fs::read_to_string(directory.join("cgroup.events")).unwrap_or_default();
    events.lines().any(|line| line == "populated 1")
}

/// The names of the control groups right below it.
pub fn children(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            // The kernel lets a control group have any name, ours are all UTF-8.
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

/// It and every control group below, the deepest last.
pub fn with_nested(directory: &Path) -> Vec<PathBuf> {
    let mut all = vec![directory.to_owned()];
    let mut next = 0;
    while next < all.len() && all.len() < NESTED_MAX {
        // One that is gone has nothing below it.
        let entries = fs::read_dir(&all[next]).into_iter().flatten().flatten();
        let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        all.extend(directories.map(|entry| entry.path()));
        next += 1;
    }
    all
}

/// The processes right in it. Those of another pid namespace have no number here and are left
/// out.
pub fn pids(directory: &Path) -> io::Result<Vec<i32>> {
    let text = match fs::read_to_string(directory.join("cgroup.procs")) {
        Ok(text) => text,
        // It is gone, or a threaded one, whose processes its parent lists.
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                || matches!(error.raw_os_error(), Some(libc::ENODEV | libc::EOPNOTSUPP)) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    // 0 is a process that cannot be seen from here; to kill(2) it would be our own group.
    Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|&pid| pid > 0).collect())
}

/// Removes it and what is below, if nobody is in there. What is not there is removed.
pub fn remove(directory: &Path) -> io::Result<()> {
    let remove = |path: &Path| match fs::remove_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    // Mostly nothing is below.
    if remove(directory).is_ok() {
        return Ok(());
    }
    if is_populated(directory) {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    with_nested(directory).iter().rev().try_for_each(|path| remove(path))
}
