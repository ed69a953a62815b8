//! An open log: a regular file, or a stream.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;

use super::pump::Moment;
use super::stream::StreamOutput;

/// What a path turned out to be. Small while nothing is open: a thousand idle programs have two
/// thousand of them.
#[derive(Debug)]
pub(super) enum Output {
    /// Not open.
    Closed,
    /// A regular file.
    File(Box<LogFile>),
    /// Anything else.
    Stream(Box<StreamOutput>),
}

/// A regular file, open for appending.
#[derive(Debug)]
pub(super) struct LogFile {
    pub file: File,
    /// With the inode: which file it is, whatever it is called by now.
    pub device: u64,
    pub inode: u64,
    /// Its size when last looked at or written to.
    pub size: u64,
    /// When the path is looked at next, to see that it names another file.
    pub look_at: Moment,
}

impl LogFile {
    /// How many names the file has, and its size.
    ///
    /// Nothing else is asked for: a look at a file's times makes the next write to it record a
    /// new one, which costs more than the look.
    ///
    /// # Errors
    /// Those of statx(2).
    pub fn look(&self) -> io::Result<(u32, u64)> {
        let (flags, wanted) = (libc::AT_EMPTY_PATH, libc::STATX_NLINK | libc::STATX_SIZE);
        let mut found = MaybeUninit::<libc::statx>::zeroed();
        // SAFETY: the path is a C string, and the buffer is one that statx(2) may write.
        let outcome = unsafe {
            libc::statx(self.file.as_raw_fd(), c"".as_ptr(), flags, wanted, found.as_mut_ptr())
        };
        Errno::result(outcome)?;
        // SAFETY: all bytes zero is a valid `statx`: numbers only.
        let found = unsafe { found.assume_init() };
        Ok((found.stx_nlink, found.stx_size))
    }
}

/// Opens a log for appending, creating it.
///
/// AUTO logs are in a directory that others may write to: they are created for the owner alone,
/// never followed through a link, and hold a shared lock that tells other daemons to leave them.
pub(super) fn open(path: &Path, auto: bool) -> io::Result<Output> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    if auto {
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) => {
            return match StreamOutput::standard(path) {
                Some(stream) => stream.map(|stream| Output::Stream(Box::new(stream))),
                None => Err(error),
            };
        }
    };
    let found = file.metadata()?;
    let device = path.starts_with("/dev") || path.starts_with("/proc");
    if device || !found.is_file() {
        return Ok(Output::Stream(Box::new(StreamOutput::own(file))));
    }
    if auto {
        // Advisory; where the file system has no locks, the log still works.
        let _ = file.try_lock_shared();
    }
    Ok(Output::File(Box::new(LogFile {
        device: found.dev(),
        inode: found.ino(),
        size: found.size(),
        look_at: Moment::ZERO,
        file,
    })))
}
