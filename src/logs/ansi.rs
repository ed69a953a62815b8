//! Removes terminal control sequences, also those cut by the end of a read.

/// Removes ECMA-48 control sequences: ESC, `[`, parameters, one final byte from `@` to `~`.
///
/// The reference knows some final bytes only and looks at each read for itself; a sequence it
/// removes whole is removed here too.
#[derive(Debug, Default)]
pub(super) struct Stripper {
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After an ESC, which is not given out until the next byte tells what it was.
    Escape,
    /// Inside a sequence.
    Sequence,
}

const ESC: u8 = 0x1b;

impl Stripper {
    /// Appends the text of `bytes` to `out`.
    pub fn strip(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            self.state = match (self.state, byte) {
                (State::Text, ESC) => State::Escape,
                (State::Escape, b'[') => State::Sequence,
                (State::Escape, ESC) => {
                    out.push(ESC);
                    State::Escape
                }
                (State::Escape, _) => {
                    out.extend([ESC, byte]);
                    State::Text
                }
                (State::Sequence, b' '..=b'?') => State::Sequence,
                (State::Sequence, b'@'..=b'~') => State::Text,
                // Not a sequence after all; what was taken of it is gone, the rest is text.
                (State::Sequence, ESC) => State::Escape,
                (State::Sequence | State::Text, _) => {
                    out.push(byte);
                    State::Text
                }
            };
        }
    }

    /// At end of file: the ESC that was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.state) == State::Escape {
            out.push(ESC);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_removed_wherever_the_reads_are_cut() {
        let check = |before: &[u8], after: &[u8]| {
            for cut in 0..=before.len() {
                let (mut stripper, mut out) = (Stripper::default(), Vec::new());
                stripper.strip(&before[..cut], &mut out);
                stripper.strip(&before[cut..], &mut out);
                stripper.finish(&mut out);
                assert_eq!(out, after, "{:?} cut at {cut}", String::from_utf8_lossy(before));
            }
        };
        check(b"plain\n", b"plain\n");
        check(b"\x1b[31mred\x1b[0m!", b"red!");
        check(b"\x1b[1;32;40mx\x1b[2K\x1b[3Gy", b"xy");
        check(b"\x1b[?25lhidden", b"hidden");
        check(b"a\x1b\x1b[mb", b"a\x1bb");
        check(b"\x1bMkept", b"\x1bMkept");
        check(b"end\x1b", b"end\x1b");
        check(b"\x1b[1\nline", b"\nline");
        check("\x1b[1mä\x1b[m".as_bytes(), "ä".as_bytes());
    }
}
