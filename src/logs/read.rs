//! Windows of a log: the reference's `readLog` and `tailLog`. Offsets count bytes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Bytes that one call returns at most: the reference has no bound, and a large log would exhaust
/// the daemon's memory. Past it a read is `Failed`, and a tail returns the last so many.
pub const WINDOW_BYTES_MAX: u64 = 64 << 20;

/// Why a log cannot be read.
#[derive(Debug)]
pub enum ReadError {
    /// A negative offset goes with length 0 only; a length is never negative.
    BadArguments,
    /// There is no such file.
    NoFile,
    /// The file cannot be opened or read, or more than [`WINDOW_BYTES_MAX`] was asked for.
    Failed(io::Error),
}

/// The end of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The bytes.
    pub data: Vec<u8>,
    /// The log's size: where the next tail goes on.
    pub offset: u64,
    /// The log has grown past the window that was asked for.
    pub overflow: bool,
}

/// `length` bytes from `offset` on, or all of them if `length` is 0; for a negative offset, so
/// many bytes from the end. Blocks on the disk.
///
/// # Errors
/// See [`ReadError`].
pub fn read_window(path: &Path, offset: i64, length: i64) -> Result<Vec<u8>, ReadError> {
    let mut file = open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::NoFile,
        _ => ReadError::Failed(error),
    })?;
    let size = size(&mut file).map_err(ReadError::Failed)?;
    let (start, count) = read_bounds(size, offset, length).ok_or(ReadError::BadArguments)?;
    if count > WINDOW_BYTES_MAX {
        let why = format!("cannot read {count} bytes at once: {WINDOW_BYTES_MAX} are the limit");
        return Err(ReadError::Failed(io::Error::other(why)));
    }
    read(&mut file, start, count).map_err(ReadError::Failed)
}

/// The last `length` bytes if the log has grown past `offset + length`, and what the reference
/// makes of every other case. A log that cannot be read is empty. Blocks on the disk.
#[must_use]
pub fn tail_window(path: &Path, offset: i64, length: i64) -> Tail {
    let tail = || {
        let mut file = open(path)?;
        let size = size(&mut file)?;
        let (start, count, overflow) = tail_bounds(size, offset, length);
        let skipped = count.saturating_sub(WINDOW_BYTES_MAX);
        let data = read(&mut file, start + skipped, count - skipped)?;
        Ok::<_, io::Error>(Tail { data, offset: size, overflow })
    };
    tail().unwrap_or_else(|error| Tail {
        offset: if error.kind() == io::ErrorKind::NotFound { 0 } else { offset.max(0) as u64 },
        ..Tail::default()
    })
}

/// Where to start and how many bytes to read, or `None` for senseless arguments.
fn read_bounds(size: u64, offset: i64, length: i64) -> Option<(u64, u64)> {
    if offset < 0 {
        let count = offset.unsigned_abs().min(size);
        return (length == 0).then_some((size - count, count));
    }
    let start = size.min(offset as u64);
    let length = u64::try_from(length).ok()?;
    let left = size - start;
    Some((start, if length == 0 { left } else { length.min(left) }))
}

/// Where to start, how many bytes to read, and whether that is an overflow.
fn tail_bounds(size: u64, offset: i64, length: i64) -> (u64, u64, bool) {
    let (size, mut offset, mut length) = (i128::from(size), i128::from(offset), i128::from(length));
    let overflow = size > offset + length;
    if overflow {
        offset = size - 1;
    }
    if offset + length > size {
        if offset > size - 1 {
            length = 0;
        }
        offset = size - length;
    }
    let start = offset.clamp(0, size);
    let count = length.clamp(0, size - start);
    (start as u64, count as u64, overflow)
}

/// Without waiting for a writer, should it be a named pipe.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

fn size(file: &mut File) -> io::Result<u64> {
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    file.seek(SeekFrom::End(0))
}

fn read(file: &mut File, start: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(count).read_to_end(&mut data)?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, content).unwrap();
        file
    }

    /// Every expectation here is what the reference answered.
    #[test]
    fn reads_answer_as_the_reference() {
        let file = log("0123456789");
        for (offset, length, expected) in [
            (0, 0, Some("0123456789")),
            (0, 4, Some("0123")),
            (4, 0, Some("456789")),
            (9, 5, Some("9")),
            (20, 0, Some("")),
            (20, 5, Some("")),
            (-3, 0, Some("789")),
            (-30, 0, Some("0123456789")),
            (i64::MIN, 0, Some("0123456789")),
            (i64::MAX, i64::MAX, Some("")),
            (-3, 1, None),
            (0, -1, None),
            (-1, -1, None),
        ] {
            let found = read_window(file.path(), offset, length);
            let found = match found {
                Ok(data) => Some(String::from_utf8(data).unwrap()),
                Err(ReadError::BadArguments) => None,
                Err(other) => panic!("{offset} {length}: {other:?}"),
            };
            assert_eq!(found.as_deref(), expected, "{offset} {length}");
        }
        assert!(matches!(read_window(Path::new("/none"), -1, 1), Err(ReadError::NoFile)));
        assert!(matches!(read_window(Path::new("/"), 0, 0), Err(ReadError::Failed(_))));
    }

    /// Every expectation here is what the reference answered.
    #[test]
    fn tails_answer_as_the_reference() {
        let file = log("0123456789");
        for (offset, length, data, overflow) in [
            (0, 0, "", true),
            (0, 4, "6789", true),
            (0, 10, "0123456789", false),
            (0, 100, "0123456789", false),
            (5, 5, "56789", false),
            (5, 6, "456789", false),
            (5, 3, "789", true),
            (5, 100, "0123456789", false),
            (10, 0, "", false),
            (10, 5, "", false),
            (50, 5, "", false),
            (-5, 5, "56789", true),
            (-5, 20, "0123456789", false),
            (0, -5, "", true),
            (9, 1, "9", false),
            (20, -15, "", true),
            (20, -5, "", false),
            (9, 0, "", true),
            (0, 1, "9", true),
            (i64::MAX, i64::MAX, "", false),
            (i64::MIN, i64::MIN, "", true),
        ] {
            let expected = Tail { data: data.into(), offset: 10, overflow };
            assert_eq!(tail_window(file.path(), offset, length), expected, "{offset} {length}");
        }
        let empty = log("");
        assert!(tail_window(empty.path(), -2, 1).overflow);
        assert!(!tail_window(empty.path(), -1, 1).overflow);
        assert_eq!(tail_window(Path::new("/none"), 3, 4), Tail::default());
    }

    #[test]
    fn a_log_beyond_the_bound_does_not_exhaust_memory() {
        let file = log("");
        file.as_file().set_len(WINDOW_BYTES_MAX + 1).unwrap();
        assert!(matches!(read_window(file.path(), 0, 0), Err(ReadError::Failed(_))));
        assert_eq!(read_window(file.path(), 1, 0).unwrap().len() as u64, WINDOW_BYTES_MAX);
        let tail = tail_window(file.path(), 0, i64::MAX);
        assert_eq!((tail.data.len() as u64, tail.offset), (WINDOW_BYTES_MAX, WINDOW_BYTES_MAX + 1));
    }
}
