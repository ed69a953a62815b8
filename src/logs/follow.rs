//! A live view of a log: it reads the file, never the pipe, so that a frozen follower costs
//! nobody anything. The log thread tells when there is something new; nothing is polled.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::queue::Subscription;

/// A follower starts this far from the end of the log, as the reference's.
const HEAD_BYTES: u64 = 1024;

/// Bytes that a follower is given at once.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// Bytes that are looked for first: most pieces are lines.
const LINE_BYTES: usize = 4 << 10;

/// Which file a log is written to, as the log thread knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    pub device: u64,
    pub inode: u64,
}

impl FileId {
    /// None, or one that nobody has open.
    pub const UNKNOWN: Self = Self { device: 0, inode: 0 };

    fn of(file: &File) -> Self {
        file.metadata()
            .map_or(Self::UNKNOWN, |found| Self { device: found.dev(), inode: found.ino() })
    }
}

/// What a follower sees.
#[derive(Debug, PartialEq, Eq)]
pub enum Followed {
    /// The next bytes of the log, at least one.
    Bytes(Vec<u8>),
    /// The file was truncated; what comes next is from its new start.
    Truncated,
}

/// Reads a log as it grows, through renames and truncations.
#[derive(Debug)]
pub struct Follower {
    place: Place,
    changes: watch::Receiver<FileId>,
    /// There was nothing more when it last looked: it waits before it looks again.
    caught_up: bool,
}

/// Where a follower is.
#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    file: Option<Arc<File>>,
    /// Which one it is.
    id: FileId,
    position: u64,
    /// Where to begin in the next file that is opened.
    begin: Begin,
}

/// Where to begin in a file.
#[derive(Clone, Copy, Debug)]
enum Begin {
    /// [`HEAD_BYTES`] before its end: nothing was seen yet.
    NearEnd,
    /// At this byte: somebody saw what is before it.
    At(u64),
    /// With its first byte: it is new.
    Start,
}

impl Follower {
    pub(super) fn new(subscription: Subscription) -> Self {
        let Subscription { path, changes } = subscription;
        Self {
            place: Place {
                path,
                file: None,
                id: FileId::UNKNOWN,
                position: 0,
                begin: Begin::NearEnd,
            },
            changes,
            caught_up: false,
        }
    }

    /// Begins at this byte of the file. If the file has fewer, it was truncated, and is followed
    /// from its start.
    #[must_use]
    pub fn starting_at(mut self, offset: u64) -> Self {
        self.place.begin = Begin::At(offset);
        self
    }

    /// Waits for what comes next; `None` when the log will not change any more, because the
    /// daemon ends. Dropping the future loses nothing.
    ///
    /// What is in the page cache, as what was just written is, costs one system call: a log may
    /// have a thousand followers.
    pub async fn next(&mut self) -> Option<Followed> {
        if self.caught_up {
            self.changes.changed().await.ok()?;
        }
        loop {
            let written_to = *self.changes.borrow_and_update();
            // Of a file that is not written to any more the end leads to the next one.
            if written_to == self.place.id
                && let Some((piece, whole)) = self.place.cached()
            {
                self.caught_up = !whole;
                return Some(Followed::Bytes(piece));
            }
            self.caught_up = false;
            let place = self.place.clone();
            let (place, seen) = tokio::task::spawn_blocking(move || place.advance()).await.ok()?;
            self.place = place;
            match seen {
                Some(followed) => return Some(followed),
                None => self.changes.changed().await.ok()?,
            }
        }
    }
}

impl Place {
    /// Where it is after the next piece, and the piece; `None` if there is none now.
    fn advance(mut self) -> (Self, Option<Followed>) {
        loop {
            let Some(file) = self.file.clone() else {
                self.file = File::open(&self.path).ok().map(Arc::new);
                self.id = self.file.as_ref().map_or(FileId::UNKNOWN, |file| FileId::of(file));
                let size = self.file.as_ref().map_or(0, |file| size(file));
                self.position = match self.begin {
                    Begin::NearEnd => size.saturating_sub(HEAD_BYTES),
                    Begin::At(offset) => offset,
                    Begin::Start => 0,
                };
                self.begin = Begin::Start;
                if self.file.is_none() {
                    return (self, None);
                }
                continue;
            };
            // Asked before the read: what the old file gets, it gets before the new one exists.
            let replaced = self.is_replaced(&file);
            if size(&file) < self.position {
                self.position = 0;
                return (self, Some(Followed::Truncated));
            }
            let mut piece = vec![0; PIECE_BYTES_MAX];
            match file.read_at(&mut piece, self.position) {
                Ok(0) | Err(_) if replaced => self.file = None,
                Ok(0) | Err(_) => return (self, None),
                Ok(count) => {
                    piece.truncate(count);
                    self.position += count as u64;
                    return (self, Some(Followed::Bytes(piece)));
                }
            }
        }
    }

    /// The next piece of a file that is open, if it can be had without waiting for a disk, and
    /// whether there may be more at once.
    fn cached(&mut self) -> Option<(Vec<u8>, bool)> {
        let file = self.file.as_ref()?;
        let mut piece = read_cached(file, self.position, LINE_BYTES)?;
        if piece.len() == LINE_BYTES {
            piece = read_cached(file, self.position, PIECE_BYTES_MAX)?;
        }
        self.position += piece.len() as u64;
        let whole = piece.len() == PIECE_BYTES_MAX;
        Some((piece, whole))
    }

    /// Whether the path names another file by now.
    fn is_replaced(&self, file: &File) -> bool {
        match (file.metadata(), self.path.metadata()) {
            (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) != (named.dev(), named.ino()),
            _ => false,
        }
    }
}

/// At least one byte of a file from here on, if the page cache has them (preadv2(2), `RWF_NOWAIT`).
fn read_cached(file: &File, position: u64, bytes: usize) -> Option<Vec<u8>> {
    let mut piece = Vec::<u8>::with_capacity(bytes);
    let room = libc::iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: bytes };
    let position = libc::off_t::try_from(position).ok()?;
    // SAFETY: the kernel writes at most `bytes` bytes to room of that size.
    let count =
        unsafe { libc::preadv2(file.as_raw_fd(), &raw const room, 1, position, libc::RWF_NOWAIT) };
    let count = usize::try_from(count).ok().filter(|&count| count > 0)?;
    // SAFETY: so many bytes were written, and there was room for them.
    unsafe { piece.set_len(count) };
    Some(piece)
}

fn size(file: &File) -> u64 {
    file.metadata().map_or(0, |found| found.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn bytes(text: &str) -> Option<Followed> {
        Some(Followed::Bytes(text.into()))
    }

    #[test]
    fn it_starts_near_the_end_and_follows_renames_and_truncations() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, format!("{}{}", "a".repeat(10), "b".repeat(1024))).unwrap();
        let place = Place {
            path: path.clone(),
            file: None,
            id: FileId::UNKNOWN,
            position: 0,
            begin: Begin::NearEnd,
        };
        let (place, seen) = place.advance();
        assert_eq!(seen, bytes(&"b".repeat(1024)));
        let (place, seen) = place.advance();
        assert_eq!(seen, None);

        let append = |path: &std::path::Path, text: &str| {
            use std::io::Write;
            let file = fs::OpenOptions::new().append(true).create(true).open(path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        };
        append(&path, "last of the old");
        fs::rename(&path, dir.path().join("log.1")).unwrap();
        append(&path, "first of the new");
        let (place, seen) = place.advance();
        assert_eq!(seen, bytes("last of the old"));
        let (place, seen) = place.advance();
        assert_eq!(seen, bytes("first of the new"));

        fs::write(&path, "short").unwrap();
        let (place, seen) = place.advance();
        assert_eq!(seen, Some(Followed::Truncated));
        let (place, seen) = place.advance();
        assert_eq!(seen, bytes("short"));
        fs::remove_file(&path).unwrap();
        let (place, seen) = place.advance();
        assert_eq!(seen, None);
        append(&path, "again");
        assert_eq!(place.advance().1, bytes("again"));
    }

    #[test]
    fn it_goes_on_where_somebody_left_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "seen|new").unwrap();
        let from = |offset| {
            let begin = Begin::At(offset);
            Place { path: path.clone(), file: None, id: FileId::UNKNOWN, position: 0, begin }
                .advance()
        };
        assert_eq!(from(5).1, bytes("new"));
        assert_eq!(from(8).1, None);
        let (place, seen) = from(100);
        assert_eq!(seen, Some(Followed::Truncated));
        assert_eq!(place.advance().1, bytes("seen|new"));
    }

    #[test]
    fn a_log_that_is_created_later_is_seen_from_its_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let place = Place {
            path: path.clone(),
            file: None,
            id: FileId::UNKNOWN,
            position: 0,
            begin: Begin::NearEnd,
        };
        let (place, seen) = place.advance();
        assert_eq!(seen, None);
        let content = "x".repeat(2000);
        fs::write(&path, &content).unwrap();
        assert_eq!(place.advance().1, bytes(&content));
    }
}
