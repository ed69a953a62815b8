//! Bytes as they come, made into whole lines.

/// A line that is longer is cut into pieces of so many bytes, each a line of its own: what waits
/// for its end is held in memory. It is the journal's own limit (`LineMax` of journald.conf(5)), and
/// such a line fits into a datagram.
pub(super) const LINE_BYTES_MAX: usize = 48 << 10;

/// Room that is kept from line to line. More is given back, so that one long line of each of a
/// thousand programs does not stay.
const KEPT_BYTES: usize = 4 << 10;

/// What has no end yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// Gives every line that ends in `bytes`, without its newline, and holds the rest.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (piece, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if self.held.is_empty() {
                let left = cut(piece, &mut each);
                each(left);
            } else {
                self.held.extend_from_slice(piece);
                self.finish(&mut each);
            }
        }
        if !rest.is_empty() {
            if self.held.is_empty() {
                rest = cut(rest, &mut each);
            }
            self.held.extend_from_slice(rest);
            if self.held.len() > LINE_BYTES_MAX {
                let left = cut(&self.held, &mut each).len();
                self.held.drain(..self.held.len() - left);
            }
        }
    }

    /// Gives what is held as a line: no end of it will come.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        if !self.held.is_empty() {
            let left = cut(&self.held, &mut each);
            each(left);
            self.held.clear();
            self.held.shrink_to(KEPT_BYTES);
        }
    }
}

/// Gives what is too much of a line in pieces; what is left of it fits.
fn cut<'a>(mut line: &'a [u8], each: &mut impl FnMut(&[u8])) -> &'a [u8] {
    while line.len() > LINE_BYTES_MAX {
        let (piece, after) = line.split_at(boundary(line));
        each(piece);
        line = after;
    }
    line
}

/// Where to cut, so that no character of UTF-8 is torn.
fn boundary(line: &[u8]) -> usize {
    let within = |at: &usize| line.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let earliest = LINE_BYTES_MAX - 3;
    let found = (earliest..=LINE_BYTES_MAX).rev().find(|at| !within(at));
    found.unwrap_or(LINE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.feed(piece, |line| found.push(line.to_vec()));
            assert!(lines.held.len() <= LINE_BYTES_MAX);
        }
        lines.finish(|line| found.push(line.to_vec()));
        found
    }

    #[test]
    fn lines_end_with_a_newline_or_with_their_writer() {
        let check = |text: &str, expected: &[&str]| {
            let expected: Vec<_> = expected.iter().map(|line| line.as_bytes().to_vec()).collect();
            assert_eq!(lines(&[text.as_bytes()]), expected, "{text:?}");
        };
        check("", &[]);
        check("a", &["a"]);
        check("a\n", &["a"]);
        check("a\n\nb\r\nc", &["a", "", "b\r", "c"]);
    }

    #[test]
    fn endless_lines_are_cut_between_characters() {
        let text = "x".repeat(LINE_BYTES_MAX - 1) + "äb\n";
        let found = lines(&[text.as_bytes()]);
        assert_eq!(found[0].len(), LINE_BYTES_MAX - 1);
        assert_eq!(found[1], "äb".as_bytes());
        let exact = vec![b'x'; LINE_BYTES_MAX];
        assert_eq!(lines(&[&exact, b"\n", b"y"]), [exact.clone(), b"y".to_vec()]);
        let broken = vec![0x80; LINE_BYTES_MAX * 2 + 1];
        let found = lines(&[&broken]);
        assert_eq!(found.iter().map(Vec::len).sum::<usize>(), broken.len());
        assert!(found.iter().all(|line| line.len() <= LINE_BYTES_MAX));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            words in prop::collection::vec(("[a-zäß€𝄞]{0,20}", 1_usize..9000, any::<bool>()), 0..8),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut text = Vec::new();
            for (word, times, ends) in words {
                text.extend(word.repeat(times).bytes());
                if ends {
                    text.push(b'\n');
                }
            }
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).collect();
            prop_assert_eq!(lines(&pieces), lines(&[&text]));
        }
    }
}
