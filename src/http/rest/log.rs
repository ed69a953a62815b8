//! Logs as text: whole, in pieces (`Range` of RFC 9110), or as they grow.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, HeaderValue};
use hyper::{Response, StatusCode};

use super::{Answered, Rest};
use crate::api::Api;
use crate::api::log::{Log, Stream};
use crate::http::body::{Body, answer};
use crate::http::path::Fields;
use crate::http::refusal::Refusal;
use crate::http::request::Call;
use crate::model::{Error, ErrorKind};

/// A log is text and nothing else, whatever it says.
const TEXT: &str = "text/plain;charset=utf-8";
/// Bytes of a log that are read at once.
const PIECE_BYTES_MAX: usize = 64 << 10;

impl Rest {
    /// The log that a call is for.
    ///
    /// # Errors
    /// There is no such process or channel.
    pub fn log(call: &Call) -> Result<Log, Refusal> {
        match call.captures.get("name") {
            None => Ok(Log::main(&call.api)),
            Some(name) => Ok(Log::of(&call.api, name, channel(call)?)?),
        }
    }

    /// A log as the query wishes it.
    pub async fn read_log(&self, call: &Call, log: Log) -> Answered {
        let query = &call.query;
        if let Some(text) = query.text("search") {
            let file = log.open(&call.api).await?;
            return self.searches.search(file, text, query).await;
        }
        if query.truth("follow")? {
            return follow(&call.api, log, query).await;
        }
        let mut response = read(log.open(&call.api).await?, call.header("range")).await?;
        if query.truth("download")? {
            response.headers_mut().insert(CONTENT_DISPOSITION, attachment(call));
        }
        Ok(response)
    }
}

/// Which of a process's logs.
fn channel(call: &Call) -> Result<Stream, Refusal> {
    match call.captures.get("channel") {
        None | Some("stdout") => Ok(Stream::Stdout),
        Some("stderr") => Ok(Stream::Stderr),
        Some(other) => {
            let why = format!("{other:?} is no log: expected stdout or stderr");
            Err(Refusal::new(StatusCode::NOT_FOUND, why))
        }
    }
}

/// A log from near its end, or from `offset` on, every byte as it is written.
pub async fn follow(api: &Api, log: Log, query: &Fields) -> Answered {
    let offset = query.number("offset")?;
    let mut follower = log.follow(api).await?;
    if let Some(offset) = offset {
        follower = follower.starting_at(offset);
    }
    let mut response = answer(StatusCode::OK, TEXT, Body::log(follower));
    // Asks a proxy in between (nginx) to pass every byte on at once.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// A file, or the piece of it that is asked for.
pub async fn read(file: File, range: Option<&str>) -> Answered {
    let file = Arc::new(file);
    let size = size(&file).await?;
    let window = match range.map(|range| Window::of(range, size)) {
        None | Some(Asked::Whole) => None,
        Some(Asked::Piece(window)) => Some(window),
        Some(Asked::Nothing) => {
            let header = HeaderValue::from_str(&format!("bytes */{size}"));
            let why = format!("the log has {size} bytes");
            let refusal = Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, why);
            return Err(match header {
                Ok(header) => refusal.with(CONTENT_RANGE, header),
                Err(_) => refusal,
            });
        }
    };
    let Window { first, end } = window.unwrap_or(Window { first: 0, end: size });
    let body = Body::pieces((file, first), move |(file, at)| piece(file, at, end));
    let status = if window.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = answer(status, TEXT, body.of_length(end - first));
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if window.is_some()
        && let Ok(range) = HeaderValue::from_str(&format!("bytes {first}-{}/{size}", end - 1))
    {
        headers.insert(CONTENT_RANGE, range);
    }
    Ok(response)
}

/// Bytes of a file that were there when it was asked; what is gone meanwhile is an error, so that
/// the connection ends and the client knows.
async fn piece(
    file: Arc<File>,
    at: u64,
    end: u64,
) -> io::Result<Option<(Bytes, (Arc<File>, u64))>> {
    let wanted = usize::try_from(end - at).unwrap_or(PIECE_BYTES_MAX).min(PIECE_BYTES_MAX);
    if wanted == 0 {
        return Ok(None);
    }
    let read = tokio::task::spawn_blocking(move || {
        let mut piece = vec![0; wanted];
        let count = file.read_at(&mut piece, at)?;
        piece.truncate(count);
        Ok::<_, io::Error>((file, piece))
    });
    let (file, piece) = read.await.map_err(io::Error::other)??;
    if piece.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let next = at + piece.len() as u64;
    Ok(Some((piece.into(), (file, next))))
}

async fn size(file: &Arc<File>) -> Result<u64, Error> {
    let file = Arc::clone(file);
    let meta = tokio::task::spawn_blocking(move || file.metadata()).await;
    match meta {
        Ok(Ok(meta)) => Ok(meta.len()),
        Ok(Err(why)) => Err(Error::new(ErrorKind::Failed, format!("cannot read the log: {why}"))),
        Err(panic) => Err(Error::new(ErrorKind::Failed, panic.to_string())),
    }
}

/// The name under which a browser keeps it: letters, digits and a few more, nothing else.
fn attachment(call: &Call) -> HeaderValue {
    let safe = |text: &str| -> String {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        text.chars().map(|c| if fine(c) { c } else { '-' }).collect()
    };
    let name = match call.captures.get("name") {
        Some(name) => format!("{}-{}", safe(name), safe(call.capture("channel"))),
        None => "supervisord".to_owned(),
    };
    let header = HeaderValue::from_str(&format!("attachment; filename=\"{name}.log\""));
    header.unwrap_or(HeaderValue::from_static("attachment"))
}

/// Bytes from `first` to before `end`, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    first: u64,
    end: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// What is no range of bytes, or several, is not understood and so ignored.
    Whole,
    Piece(Window),
    /// Nothing that is there.
    Nothing,
}

impl Window {
    fn of(header: &str, size: u64) -> Asked {
        let Some((first, last)) =
            header.trim().strip_prefix("bytes=").and_then(|r| r.split_once('-'))
        else {
            return Asked::Whole;
        };
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let (first, end) = match (first.trim().is_empty(), number(first), number(last)) {
            // Of an empty log whatever is asked for is all of it.
            _ if size == 0 => return Asked::Whole,
            (true, _, Some(count)) => (size.saturating_sub(count), size),
            (false, Some(first), None) if last.trim().is_empty() => (first, size),
            (false, Some(first), Some(last)) if first <= last => {
                (first, last.saturating_add(1).min(size))
            }
            _ => return Asked::Whole,
        };
        if first < end { Asked::Piece(Self { first, end }) } else { Asked::Nothing }
    }
}

/// Whether an answer is one that goes on until its client leaves.
#[must_use]
pub fn is_endless(response: &Response<Body>) -> bool {
    hyper::body::Body::size_hint(response.body()).exact().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        let check = |header: &str, size, wanted: Asked| {
            assert_eq!(Window::of(header, size), wanted, "{header} of {size}");
        };
        let piece = |first, end| Asked::Piece(Window { first, end });
        check("bytes=0-9", 100, piece(0, 10));
        check("bytes=90-", 100, piece(90, 100));
        check("bytes=90-1000", 100, piece(90, 100));
        check("bytes=-10", 100, piece(90, 100));
        check("bytes=-1000", 100, piece(0, 100));
        check("bytes=100-", 100, Asked::Nothing);
        check("bytes=-10", 0, Asked::Whole);
        check("bytes=-0", 100, Asked::Nothing);
        check("bytes=5-18446744073709551615", 100, piece(5, 100));
        for odd in ["bytes=9-5", "bytes=x-y", "lines=1-2", "bytes=0-1,5-6", "bytes=", "bytes=-"] {
            check(odd, 100, Asked::Whole);
        }
    }
}
