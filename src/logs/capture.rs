//! Finds what a program puts between communication markers, wherever its writes were cut.
//!
//! What is between them is an event and not part of the log. At most the beginning of a marker is
//! held back, and when the program ends that goes into the log, too; so does what stands after a
//! marker that was never closed.

/// What begins a communication.
const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
/// What ends it.
const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// The state of one stream.
#[derive(Debug)]
pub(super) struct Capture {
    /// The last so many bytes of a communication are kept.
    bytes_max: usize,
    /// What may be the beginning of a marker.
    held: Vec<u8>,
    /// What has come since the last marker, if that was one that begins.
    captured: Option<Vec<u8>>,
}

/// A piece of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// It goes into the log.
    Plain(&'a [u8]),
    /// It is part of a communication, and of no log.
    Captured(&'a [u8]),
    /// A communication has ended: this is what was kept of it.
    Communication(Vec<u8>),
}

impl Capture {
    /// Keeps the last so many bytes of each communication.
    pub fn new(bytes_max: u64) -> Self {
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Self { bytes_max, held: Vec::new(), captured: None }
    }

    /// Takes these bytes apart.
    pub fn take(&mut self, bytes: &[u8], each: &mut dyn FnMut(Piece<'_>)) {
        let joined;
        let mut rest = if self.held.is_empty() {
            bytes
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            joined = held;
            &joined
        };
        while !rest.is_empty() {
            let marker = if self.captured.is_some() { END } else { BEGIN };
            let (before, after) = match find(rest, marker) {
                Found::Whole(at) => (&rest[..at], Some(&rest[at + marker.len()..])),
                Found::Partial(at) => {
                    self.held = rest[at..].to_vec();
                    (&rest[..at], None)
                }
                Found::Nowhere => (rest, None),
            };
            if !before.is_empty() {
                self.give(before, each);
            }
            let Some(after) = after else { return };
            match self.captured.take() {
                Some(kept) => each(Piece::Communication(kept)),
                None => self.captured = Some(Vec::new()),
            }
            rest = after;
        }
    }

    /// Nothing more comes.
    pub fn finish(&mut self, each: &mut dyn FnMut(Piece<'_>)) {
        let held = std::mem::take(&mut self.held);
        let left = self.captured.take().unwrap_or_default();
        for bytes in [left, held] {
            if !bytes.is_empty() {
                each(Piece::Plain(&bytes));
            }
        }
    }

    fn give(&mut self, bytes: &[u8], each: &mut dyn FnMut(Piece<'_>)) {
        let Some(kept) = &mut self.captured else {
            return each(Piece::Plain(bytes));
        };
        each(Piece::Captured(bytes));
        let bytes = &bytes[bytes.len().saturating_sub(self.bytes_max)..];
        let excess = (kept.len() + bytes.len()).saturating_sub(self.bytes_max);
        kept.drain(..excess);
        kept.extend_from_slice(bytes);
    }
}

/// Where a marker is.
enum Found {
    Whole(usize),
    /// It may begin here; the rest has yet to come.
    Partial(usize),
    Nowhere,
}

fn find(bytes: &[u8], marker: &[u8]) -> Found {
    let mut from = 0;
    // Few programs write a `<`, and one that does rarely writes what follows.
    while let Some(at) = bytes[from..].iter().position(|&byte| byte == marker[0]) {
        let at = from + at;
        let candidate = &bytes[at..];
        if candidate.starts_with(marker) {
            return Found::Whole(at);
        }
        if marker.starts_with(candidate) {
            return Found::Partial(at);
        }
        from = at + 1;
    }
    Found::Nowhere
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What goes into the log, and each communication; the stream comes in pieces of this size.
    fn sorted(text: &[u8], size: usize, max: u64) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut capture = Capture::new(max);
        let (mut plain, mut communications) = (Vec::new(), Vec::new());
        let mut each = |piece: Piece<'_>| match piece {
            Piece::Plain(bytes) => plain.extend_from_slice(bytes),
            Piece::Captured(_) => {}
            Piece::Communication(bytes) => communications.push(bytes),
        };
        for piece in text.chunks(size.max(1)) {
            capture.take(piece, &mut each);
        }
        capture.finish(&mut each);
        (plain, communications)
    }

    fn check(text: &str, plain: &str, communications: &[&str]) {
        let text = text
            .replace('[', &String::from_utf8_lossy(BEGIN))
            .replace(']', &String::from_utf8_lossy(END));
        for size in 1..=text.len() {
            let (found, told) = sorted(text.as_bytes(), size, 10);
            assert_eq!(String::from_utf8_lossy(&found), plain, "{text} by {size}");
            let told: Vec<_> = told.iter().map(|one| String::from_utf8_lossy(one)).collect();
            assert_eq!(told, communications, "{text} by {size}");
        }
    }

    #[test]
    fn markers_are_found_however_they_are_cut() {
        check("plain", "plain", &[]);
        check("a[one]b[two]c", "abc", &["one", "two"]);
        check("[]", "", &[""]);
        check("[one][two]", "", &["one", "two"]);
        check("a]b[c[d]e", "a<!--XSUPERVISOR:END-->be", &[":BEGIN-->d"]);
        check("<!--XSUPERVISOR:BEG <", "<!--XSUPERVISOR:BEG <", &[]);
        check("<<!--[x]", "<<!--", &["x"]);
    }

    #[test]
    fn the_last_bytes_of_a_communication_are_kept() {
        check("[0123456789abc]", "", &["3456789abc"]);
        check("[0123456789]", "", &["0123456789"]);
    }

    #[test]
    fn what_is_not_closed_is_not_lost() {
        check("a[bcd", "abcd", &[]);
        check("a<!--XSUPER", "a<!--XSUPER", &[]);
        check("a[b<!--XSUPERVISOR:", "ab<!--XSUPERVISOR:", &[]);
    }

    proptest! {
        #[test]
        fn the_cuts_make_no_difference(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just(BEGIN.to_vec()),
                    Just(END.to_vec()),
                    Just(BEGIN[..9].to_vec()),
                    proptest::collection::vec(any::<u8>(), 0..6),
                ],
                0..12,
            ),
            size in 1_usize..40,
        ) {
            let text = parts.concat();
            prop_assert_eq!(sorted(&text, size, 1 << 20), sorted(&text, text.len(), 1 << 20));
        }
    }
}
