//! Finds text in a log, however large: line by line, for a while at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use memchr::{memchr, memmem, memrchr};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::Answered;
use crate::http::body::json;
use crate::http::path::Fields;
use crate::http::refusal::Refusal;
use crate::model::{Error, ErrorKind};

/// Searches under way at a time; one more waits.
const SEARCHES_MAX: usize = 2;
/// How long one answer may take to be found; it then says where to go on.
const TIME_MAX: Duration = Duration::from_secs(1);
/// Lines of one answer, unless the query says fewer.
const LINES_MAX: usize = 500;
/// Characters of a line that are told.
const LINE_CHARS_MAX: usize = 1_000;
/// Bytes that may be looked for.
const TEXT_BYTES_MAX: usize = 1_000;
/// Bytes that are read at once. A longer line counts as several.
const CHUNK_BYTES: usize = 1 << 20;

/// Searches under way.
pub struct Searches(Semaphore);

impl Default for Searches {
    fn default() -> Self {
        Self(Semaphore::new(SEARCHES_MAX))
    }
}

/// Lines that were found.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Found {
    /// The log's size in bytes.
    size: u64,
    matches: Vec<Match>,
    /// The byte to go on from; nothing is left if there is none.
    next: Option<u64>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Match {
    /// Where the line begins.
    offset: u64,
    line: String,
}

impl Searches {
    /// The lines with this text; letters of ASCII in either case.
    pub async fn search(&self, file: File, text: &str, query: &Fields) -> Answered {
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            let why = format!("search: expected 1 to {TEXT_BYTES_MAX} bytes of text");
            return Err(Error::new(ErrorKind::BadArguments, why).into());
        }
        let from = query.number("from")?.unwrap_or(0);
        let lines = query.number("limit")?.unwrap_or(LINES_MAX).clamp(1, LINES_MAX);
        let _turn =
            self.0.acquire().await.map_err(|_| Refusal::of(StatusCode::SERVICE_UNAVAILABLE))?;
        let text = text.to_owned();
        let search = move || find(&file, &text, from, lines, TIME_MAX);
        let found = tokio::task::spawn_blocking(search).await.map_err(io::Error::other).flatten();
        match found {
            Ok(found) => Ok(json(StatusCode::OK, &found)),
            Err(why) => {
                Err(Error::new(ErrorKind::Failed, format!("cannot read the log: {why}")).into())
            }
        }
    }
}

fn find(file: &File, text: &str, from: u64, lines: usize, time: Duration) -> io::Result<Found> {
    let until = Instant::now() + time;
    let size = file.metadata()?.len();
    let needle = text.to_ascii_lowercase();
    let finder = memmem::Finder::new(&needle);
    let mut matches = Vec::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = from;
    while at < size {
        let count = file.read_at(&mut chunk, at)?;
        if count == 0 {
            break;
        }
        // Whole lines only; what is left of the last one is read again.
        let is_last = at + count as u64 >= size;
        let whole = match memrchr(b'\n', &chunk[..count]) {
            Some(end) if !is_last => end + 1,
            _ => count,
        };
        let lower = chunk[..whole].to_ascii_lowercase();
        let mut seen = 0;
        while let Some(found) = finder.find(&lower[seen..]).map(|found| found + seen) {
            let start = memrchr(b'\n', &lower[..found]).map_or(0, |end| end + 1);
            let end = memchr(b'\n', &lower[found..]).map_or(whole, |end| found + end);
            matches.push(Match {
                offset: at + start as u64,
                line: shown(&chunk[start..end], found - start),
            });
            seen = (end + 1).min(whole);
            if matches.len() == lines {
                let next = at + seen as u64;
                return Ok(Found { size, matches, next: (next < size).then_some(next) });
            }
        }
        at += whole as u64;
        if Instant::now() >= until {
            return Ok(Found { size, matches, next: (at < size).then_some(at) });
        }
    }
    Ok(Found { size, matches, next: None })
}

/// A line, or of a long one the part about what was found.
fn shown(line: &[u8], found: usize) -> String {
    let before = found.saturating_sub(LINE_CHARS_MAX / 2);
    let from = if line.len() <= LINE_CHARS_MAX { 0 } else { before };
    let text = String::from_utf8_lossy(&line[from..]);
    text.trim_end_matches('\r').chars().take(LINE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn log(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn lines(found: &Found) -> Vec<(u64, &str)> {
        found.matches.iter().map(|found| (found.offset, found.line.as_str())).collect()
    }

    #[test]
    fn lines_are_found_once_each_with_their_place() {
        let file = log(b"one\nTwo two\r\n\xff three\nlast TWO");
        let found = find(&file, "tWo", 0, 10, TIME_MAX).unwrap();
        assert_eq!(lines(&found), [(4, "Two two"), (21, "last TWO")]);
        assert_eq!((found.size, found.next), (29, None));
        let first = find(&file, "two", 0, 1, TIME_MAX).unwrap();
        assert_eq!((lines(&first), first.next), (vec![(4, "Two two")], Some(13)));
        let rest = find(&file, "two", 13, 1, TIME_MAX).unwrap();
        assert_eq!((lines(&rest), rest.next), (vec![(21, "last TWO")], None));
        assert_eq!(find(&file, "two", 1000, 1, TIME_MAX).unwrap().matches, []);
    }

    #[test]
    fn a_line_across_two_reads_is_one_and_time_is_kept() {
        let mut content = vec![b'x'; CHUNK_BYTES - 3];
        content[CHUNK_BYTES - 100] = b'\n';
        content.extend_from_slice(b"needle in two\nend\n");
        let file = log(&content);
        let found = find(&file, "needle", 0, 10, TIME_MAX).unwrap();
        let at = CHUNK_BYTES as u64 - 99;
        assert_eq!(found.matches.len(), 1);
        assert_eq!(found.matches[0].offset, at);
        assert!(found.matches[0].line.ends_with("needle in two"));
        let hurried = find(&file, "needle", 0, 10, Duration::ZERO).unwrap();
        assert_eq!((hurried.matches.len(), hurried.next), (0, Some(at)));
    }

    #[test]
    fn of_a_long_line_the_part_that_was_found_is_told() {
        let long = format!("{}needle{}", "a".repeat(5000), "b".repeat(5000));
        let found = find(&log(long.as_bytes()), "needle", 0, 10, TIME_MAX).unwrap();
        let line = &found.matches[0].line;
        assert!(line.contains("needle") && line.chars().count() <= LINE_CHARS_MAX);
    }
}
