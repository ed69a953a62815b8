//! What a person or a pipe sees: text, colour, JSON, and what a log may do to a terminal.
//!
//! A program's output may hold sequences that retitle, erase or type into a terminal. On one,
//! control characters are shown as `\x1b`; into a pipe or a file, bytes go as they came.

use std::io::{self, Write};

use crate::model::StateCode;

/// How to show what there is to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Standard output is a terminal: control characters are escaped.
    pub terminal: bool,
    /// Colours may be used.
    pub colour: bool,
}

/// Where a command's output goes.
pub struct Screen {
    out: Box<dyn Write>,
    errors: Box<dyn Write>,
    style: Style,
    /// The answer is JSON on standard output; every word for a person goes to standard error.
    pub json: bool,
    /// Send control characters to a terminal as they are.
    pub raw: bool,
    escaper: Escaper,
}

impl Screen {
    /// A screen on these two streams.
    pub fn new(out: Box<dyn Write>, errors: Box<dyn Write>, style: Style) -> Self {
        Self { out, errors, style, json: false, raw: false, escaper: Escaper::default() }
    }

    fn escapes(&self) -> bool {
        self.style.terminal && !self.raw
    }

    /// A line for a person.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        let text = if self.escapes() { escape(text) } else { text.to_owned() };
        let out = if self.json { &mut self.errors } else { &mut self.out };
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")
    }

    /// A question, whose answer is typed on the same line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn prompt(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// A complaint beside the output.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn complain(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.errors, "{}", escape(text))
    }

    /// A piece of a log that is being followed; it may end in the middle of a character.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.escapes() {
            let text = self.escaper.push(bytes);
            self.out.write_all(text.as_bytes())?;
        } else {
            self.out.write_all(bytes)?;
        }
        self.out.flush()
    }

    /// An answer of one line, as text or as JSON, whichever was asked for.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn answer(&mut self, text: &str, json: &serde_json::Value) -> io::Result<()> {
        if self.json { self.json_line(json) } else { self.line(text) }
    }

    /// The answer as JSON, on one line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn json_line(&mut self, value: &serde_json::Value) -> io::Result<()> {
        writeln!(self.out, "{value}")
    }

    /// Lines of `status`: name, state, description. The columns are the reference's.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn statuses(&mut self, processes: &[(String, String, String)]) -> io::Result<()> {
        let longest = processes.iter().map(|(name, ..)| name.chars().count()).max();
        let width = longest.unwrap_or(0).max(30) + 3;
        for (name, state, description) in processes {
            let (name, description) = if self.escapes() {
                (escape(name), escape(description))
            } else {
                (name.clone(), description.clone())
            };
            let (on, off) = if self.style.colour { (colour(state), "\x1b[0m") } else { ("", "") };
            writeln!(self.out, "{name:<width$}{on}{state:<10}{off}{description}")?;
        }
        Ok(())
    }
}

/// The terminal's own colours, so that they suit its background.
fn colour(state: &str) -> &'static str {
    let is = |code: StateCode| code.name() == state;
    if is(StateCode::Running) {
        "\x1b[32m"
    } else if is(StateCode::Fatal) || is(StateCode::Unknown) {
        "\x1b[31m"
    } else if is(StateCode::Stopped) || is(StateCode::Exited) {
        "\x1b[2m"
    } else {
        "\x1b[33m"
    }
}

/// Shows what would act on a terminal. Line feed and tab pass.
fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            shown.push_str(&format!("\\x{:02x}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Escapes a stream of bytes, whose pieces may divide a character.
#[derive(Debug, Default)]
struct Escaper {
    /// The beginning of a character, at most three bytes.
    begun: Vec<u8>,
}

impl Escaper {
    fn push(&mut self, bytes: &[u8]) -> String {
        let mut input = std::mem::take(&mut self.begun);
        input.extend_from_slice(bytes);
        let mut shown = String::with_capacity(input.len());
        let mut rest = input.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    shown.push_str(&escape(text));
                    return shown;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    shown.push_str(&escape(&String::from_utf8_lossy(valid)));
                    let Some(length) = error.error_len() else {
                        self.begun = after.to_vec();
                        return shown;
                    };
                    let (wrong, after) = after.split_at(length);
                    for byte in wrong {
                        shown.push_str(&format!("\\x{byte:02x}"));
                    }
                    rest = after;
                }
            }
        }
    }
}

/// Text as Python's `repr` quotes it, which some of the reference's messages do.
#[must_use]
pub fn python_quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c == quote => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_log_acts_on_a_terminal() {
        let mut escaper = Escaper::default();
        assert_eq!(escaper.push(b"\x1b]0;title\x07 a\tb\n"), "\\x1b]0;title\\x07 a\tb\n");
        assert_eq!(escaper.push("é\u{9b}1m".as_bytes()), "é\\x9b1m");
        assert_eq!(escaper.push(b"\xff\x9b\r"), "\\xff\\x9b\\x0d");
    }

    #[test]
    fn a_divided_character_is_put_together() {
        let mut escaper = Escaper::default();
        assert_eq!(escaper.push(b"a\xe2\x82"), "a");
        assert_eq!(escaper.push(b"\xac!"), "€!");
        assert_eq!(escaper.push(b"\xe2"), "");
        assert_eq!(escaper.push(b"x"), "\\xe2x");
    }

    #[test]
    fn text_is_quoted_as_python_quotes_it() {
        assert_eq!(python_quoted("a"), "'a'");
        assert_eq!(python_quoted("it's"), "\"it's\"");
        assert_eq!(python_quoted("'\""), "'\\'\"'");
        assert_eq!(python_quoted("\\\n\x1b"), "'\\\\\\n\\x1b'");
    }
}
