//! AUTO logs of earlier runs: found and removed at start.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Removes the AUTO logs of `identifier` in `childlogdir` and their rotated files, but none of a
/// daemon that lives: it holds a lock on each. Call it before the first
/// [`super::LogPlane::prepare`], and not at all with `nocleanup`. Returns the files that could not be
/// removed, and why.
///
/// # Errors
/// The directory cannot be read.
pub fn clear_auto_logs(
    childlogdir: &Path,
    identifier: &str,
) -> io::Result<Vec<(PathBuf, io::Error)>> {
    let mut failed = Vec::new();
    for entry in childlogdir.read_dir()?.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(base) = name.to_str().and_then(|name| auto_log(name, identifier)) else {
            continue;
        };
        let Some(_lock) = claim(&childlogdir.join(base)) else {
            continue;
        };
        if let Err(error) = std::fs::remove_file(entry.path())
            && error.kind() != io::ErrorKind::NotFound
        {
            failed.push((entry.path(), error));
        }
    }
    Ok(failed)
}

/// For `PROGRAM-CHANNEL---IDENTIFIER-RANDOM.log` and what rotation made of it, the name before
/// rotation; `None` for every other name.
fn auto_log<'a>(name: &'a str, identifier: &str) -> Option<&'a str> {
    let mark = format!("---{identifier}-");
    let random = name.find(&mark).filter(|&start| start > 0)? + mark.len();
    let end = name.get(random..)?.find(".log").filter(|&length| length > 0)? + random;
    let has_space = name.get(random..end)?.contains(char::is_whitespace);
    if has_space { None } else { name.get(..end + ".log".len()) }
}

/// `None` if a living daemon uses this log; else whatever keeps one from beginning to.
fn claim(log: &Path) -> Option<Option<File>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(log) else {
        return Some(None);
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => None,
        _ => Some(Some(file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_auto_logs_of_the_identifier_are_known() {
        let check = |name, base| assert_eq!(auto_log(name, "sup"), base, "{name}");
        check("web-stdout---sup-x7_a.log", Some("web-stdout---sup-x7_a.log"));
        check("web-stdout---sup-x7_a.log.12", Some("web-stdout---sup-x7_a.log"));
        check("web-stdout---supper-x7.log", None);
        check("---sup-x7.log", None);
        check("web-stdout---sup-.log", None);
        check("web-stdout---sup-a b.log", None);
        check("web.log", None);
    }

    #[test]
    fn those_of_a_living_daemon_stay() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        for name in ["a-stdout---s-1.log", "a-stdout---s-1.log.1", "b-stderr---s-2.log", "c.log"] {
            fs::write(file(name), name).unwrap();
        }
        fs::create_dir(file("d-stdout---s-3.log")).unwrap();
        let alive = File::open(file("a-stdout---s-1.log")).unwrap();
        alive.try_lock_shared().unwrap();
        let clear = || {
            let failed = clear_auto_logs(dir.path(), "s").unwrap();
            assert_eq!(failed[0].0, file("d-stdout---s-3.log"), "a directory is not removed");
            let names = fs::read_dir(dir.path()).unwrap();
            let mut names: Vec<_> = names.map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let locked = ["a-stdout---s-1.log", "a-stdout---s-1.log.1", "c.log", "d-stdout---s-3.log"];
        assert_eq!(clear(), locked);
        drop(alive);
        assert_eq!(clear(), ["c.log", "d-stdout---s-3.log"]);
        assert!(clear_auto_logs(Path::new("/none"), "s").is_err());
    }
}
