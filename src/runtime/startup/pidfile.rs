//! The file that holds the daemon's process id.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;

use nix::unistd::geteuid;

/// How often the file may be replaced by somebody else between opening and locking it, before
/// that is an error.
const TRIES_MAX: usize = 16;

/// Past this, what is in the file is no process id.
const PID_BYTES_MAX: u64 = 32;

/// A pidfile of ours: locked while the daemon lives, so that a second daemon sees that it does,
/// and reuses the file if it died.
#[derive(Debug)]
pub struct Pidfile {
    path: PathBuf,
    file: File,
}

/// Why there is no pidfile.
#[derive(Debug)]
pub enum PidfileError {
    /// Another instance lives. The daemon must not go on.
    Locked {
        /// The file.
        path: PathBuf,
        /// What is in it: the other's process id, hopefully.
        pid: String,
    },
    /// It cannot be written. The reference says so in its log and goes on.
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
}

impl Pidfile {
    /// Writes this process's id into a new file or one that no other instance holds.
    ///
    /// A symbolic link, a file with another name, and a file of another user are not written to:
    /// in a directory where others can write, they are how one is made to destroy one's own
    /// files.
    ///
    /// # Errors
    /// See [`PidfileError`]. Then nothing was changed.
    pub fn write(path: &Path) -> Result<Self, PidfileError> {
        let unwritable = |why| PidfileError::Unwritable { path: path.to_owned(), why };
        for _ in 0..TRIES_MAX {
            let file = open(path).map_err(unwritable)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut pid = String::new();
                    _ = (&file).take(PID_BYTES_MAX).read_to_string(&mut pid);
                    let pid = pid.trim().to_owned();
                    return Err(PidfileError::Locked { path: path.to_owned(), pid });
                }
                Err(TryLockError::Error(why)) => return Err(unwritable(why)),
            }
            let pidfile = Self { path: path.to_owned(), file };
            // The one that held it may have removed it just now.
            if pidfile.is_at_its_path() {
                pidfile.fill().map_err(unwritable)?;
                return Ok(pidfile);
            }
        }
        Err(unwritable(io::Error::other("it is replaced again and again")))
    }

    /// Removes it, if it is still the one that was written.
    pub fn remove(self) {
        if self.is_at_its_path() {
            // At the end there is nobody to tell.
            _ = fs::remove_file(&self.path);
        }
    }

    fn is_at_its_path(&self) -> bool {
        let identity = |found: &fs::Metadata| (found.dev(), found.ino());
        let (ours, theirs) = (self.file.metadata(), fs::symlink_metadata(&self.path));
        matches!((ours, theirs), (Ok(ours), Ok(theirs)) if identity(&ours) == identity(&theirs))
    }

    /// A reader never sees an empty file where there was one with an id in it.
    fn fill(&self) -> io::Result<()> {
        let line = format!("{}\n", process::id());
        self.file.write_all_at(line.as_bytes(), 0)?;
        self.file.set_len(line.len() as u64)
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let found = file.metadata()?;
    // None at all, if it was removed just now; then it is tried again.
    let names = found.nlink();
    let of_ours = found.uid() == geteuid().as_raw() || found.uid() == 0;
    if found.is_file() && names <= 1 && of_ours {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a plain file of this user with one name; remove it"))
    }
}

impl fmt::Display for PidfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { path, pid } => {
                let path = path.display();
                write!(f, "cannot write pidfile {path}: the supervisord with pid {pid} holds it")
            }
            Self::Unwritable { path, why } => {
                write!(f, "could not write pidfile {}: {why}", path.display())
            }
        }
    }
}

impl std::error::Error for PidfileError {}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn ours() -> String {
        format!("{}\n", process::id())
    }

    #[test]
    fn a_second_instance_is_refused_and_removes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let first = Pidfile::write(&path).unwrap();
        let refused = Pidfile::write(&path).unwrap_err();
        let said = format!("the supervisord with pid {} holds it", process::id());
        assert!(refused.to_string().ends_with(&said), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), ours());
        first.remove();
        assert!(!path.exists());
        Pidfile::write(&path).unwrap().remove();
    }

    #[test]
    fn the_file_of_one_that_died_is_reused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        fs::write(&path, "123456789 and more\nlines\n").unwrap();
        let pidfile = Pidfile::write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), ours());
        // Without remove(), as after a crash: it stays, and is no obstacle.
        drop(pidfile);
        Pidfile::write(&path).unwrap().remove();
    }

    #[test]
    fn only_the_file_that_was_written_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let pidfile = Pidfile::write(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another's").unwrap();
        pidfile.remove();
        assert_eq!(fs::read_to_string(&path).unwrap(), "another's");
    }

    #[test]
    fn nobody_is_led_to_another_file() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        let path = dir.path().join("pid");
        let refused = |how: &str| {
            let error = Pidfile::write(&path).unwrap_err();
            assert!(matches!(error, PidfileError::Unwritable { .. }), "{how}: {error}");
            assert_eq!(fs::read_to_string(&precious).unwrap(), "precious", "{how}");
            fs::remove_file(&path).unwrap();
        };
        symlink(&precious, &path).unwrap();
        refused("a symbolic link");
        fs::hard_link(&precious, &path).unwrap();
        refused("a second name");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        refused("a fifo");
        fs::write(&path, "").unwrap();
        if nix::unistd::chown(&path, Some(65534.into()), None).is_ok() {
            refused("another user's file");
        }
    }
}
