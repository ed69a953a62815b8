//! Which thing a path means. Pure, so that it can be fuzzed.

use crate::logs::Stream;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/RPC2`, and whatever begins so.
    Rpc,
    /// `/logtail/NAME`, `/logtail/NAME/stdout`, `/logtail/NAME/stderr`.
    LogTail {
        /// The process, as a namespec.
        name: String,
        /// Which of its logs.
        stream: Stream,
    },
    /// `/mainlogtail`, and whatever begins so.
    MainLogTail,
    /// Something below `/logtail` that does not exist.
    NoLog,
    /// Nothing.
    Unknown,
}

impl Route {
    /// Reads a path, `%41` and all. As in the reference, what is compared is the beginning.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let path = unquote(path);
        if path.starts_with("/RPC2") {
            Self::Rpc
        } else if path.starts_with("/mainlogtail") {
            Self::MainLogTail
        } else if path.starts_with("/logtail") {
            log_tail(&path).unwrap_or(Self::NoLog)
        } else {
            Self::Unknown
        }
    }
}

/// The first part may be longer than `logtail`, as in the reference.
fn log_tail(path: &str) -> Option<Route> {
    let (_, rest) = path.trim_start_matches('/').split_once('/')?;
    let (name, stream) = match rest.split_once('/') {
        None | Some((_, "stdout")) => (rest.split('/').next()?, Stream::Stdout),
        Some((name, "stderr")) => (name, Stream::Stderr),
        Some(_) => return None,
    };
    Some(Route::LogTail { name: name.to_owned(), stream })
}

/// Percent-decoding (RFC 3986). What is no escape stays as it is; what is then not UTF-8 becomes
/// U+FFFD.
fn unquote(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = escaped(rest).unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that an escape at the start means, and what comes after it.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, after @ ..] = text else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(*high)? << 4 | digit(*low)?, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_escape_leads_where_its_byte_does(path in "/?[a-zRPC2/:]{0,12}\\PC{0,12}") {
            let escaped: String = path.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assume!(!path.contains('%'));
            prop_assert_eq!(Route::of(&path), Route::of(&escaped));
        }
    }

    #[test]
    fn paths_lead_where_the_references_do() {
        let tail = |name: &str, stream| Route::LogTail { name: name.to_owned(), stream };
        for (path, route) in [
            ("/RPC2", Route::Rpc),
            ("/RPC2/", Route::Rpc),
            ("/RPC2foo", Route::Rpc),
            ("/%52PC2", Route::Rpc),
            ("/rpc2", Route::Unknown),
            ("//RPC2", Route::Unknown),
            ("/", Route::Unknown),
            ("", Route::Unknown),
            ("*", Route::Unknown),
            ("/mainlogtail", Route::MainLogTail),
            ("/mainlogtailxx", Route::MainLogTail),
            ("/logtail/cat", tail("cat", Stream::Stdout)),
            ("/logtail/cat/stdout", tail("cat", Stream::Stdout)),
            ("/logtail/g:cat/stderr", tail("g:cat", Stream::Stderr)),
            ("/logtail/%63a%74", tail("cat", Stream::Stdout)),
            ("/logtail/a%2", tail("a%2", Stream::Stdout)),
            ("/logtail/a%zz", tail("a%zz", Stream::Stdout)),
            ("/logtail/%ff", tail("\u{fffd}", Stream::Stdout)),
            ("/logtailx/cat", tail("cat", Stream::Stdout)),
            ("/logtail/", tail("", Stream::Stdout)),
            ("/logtail", Route::NoLog),
            ("/logtail/cat/nope", Route::NoLog),
            ("/logtail/cat/stdout/x", Route::NoLog),
            ("/logtail/cat/", Route::NoLog),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }
}
