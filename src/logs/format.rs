//! How a line is written: as it is, as JSON, or by a template.

use std::sync::Arc;

use serde_json::Value as Json;

use super::Stream;
use super::stamp::{Clock, Style};
use crate::config::setting::{FormatField, FormatPart, LogFormat};
use crate::model::{ProcessId, WallTime};

/// Whose line it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub process: ProcessId,
    pub program: Arc<str>,
    /// Of the child that got the pipe.
    pub pid: i32,
    pub stream: Stream,
}

/// Writes the lines of one source.
#[derive(Debug)]
pub(super) enum Format {
    Raw,
    Json {
        clock: Clock,
        /// What stands between time and message.
        middle: String,
    },
    Template {
        clock: Clock,
        parts: Vec<Part>,
    },
}

/// What of a template is different from line to line.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Time,
    Message,
}

impl Format {
    pub fn new(format: &LogFormat, source: &Source) -> Self {
        match format {
            LogFormat::Raw => Self::Raw,
            LogFormat::Json => {
                let text = |text: &str| Json::from(text).to_string();
                let middle = format!(
                    "\",\"program\":{},\"group\":{},\"process\":{},\"pid\":{},\"stream\":\"{}\",\
                     \"message\":",
                    text(&source.program),
                    text(&source.process.group),
                    text(&source.process.name),
                    source.pid,
                    source.stream
                );
                Self::Json { clock: Clock::new(Style::Utc), middle }
            }
            LogFormat::Template(parts) => {
                let parts = parts.iter().map(|part| Part::new(part, source)).collect();
                Self::Template { clock: Clock::new(Style::Dated), parts }
            }
        }
    }

    /// Appends a line as it is to be written, without a newline. Bytes that are no UTF-8 become
    /// U+FFFD in JSON and stay as they are elsewhere.
    pub fn render(&mut self, wall: WallTime, line: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Raw => out.extend_from_slice(line),
            Self::Json { clock, middle } => {
                out.extend_from_slice(b"{\"time\":\"");
                out.extend_from_slice(clock.render(wall).as_bytes());
                out.extend_from_slice(middle.as_bytes());
                append_json(&String::from_utf8_lossy(line), out);
                out.push(b'}');
            }
            Self::Template { clock, parts } => {
                for part in parts {
                    match part {
                        Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                        Part::Time => out.extend_from_slice(clock.render(wall).as_bytes()),
                        Part::Message => out.extend_from_slice(line),
                    }
                }
            }
        }
    }
}

/// Appends a text as JSON, in quotes. What needs no escape, which is nearly everything, is copied in
/// one piece.
fn append_json(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.push(b'"');
    while !rest.is_empty() {
        let (plain, special) = rest.split_at(plain(rest));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digit = |half: u8| DIGITS[usize::from(half & 0xf)];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(byte >> 4), digit(byte)]);
            }
        }
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes in front need no escape (RFC 8259: all but control characters, the quote and the
/// backslash).
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The top bit of a byte is set in the result if the byte is below `limit` (at most 0x80) and
    // below 0x80 itself; a borrow can set it in others only where it is set in one.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & TOPS;
    let needs = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let (words, _) = bytes.as_chunks::<8>();
    let clean = words.iter().take_while(|word| {
        let word = u64::from_le_bytes(**word);
        let same = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        below(word, 0x20) | same(b'"') | same(b'\\') == 0
    });
    let from = clean.count() * 8;
    bytes[from..].iter().position(needs).map_or(bytes.len(), |at| from + at)
}

impl Part {
    fn new(part: &FormatPart, source: &Source) -> Self {
        let field = match part {
            FormatPart::Text(text) => return Self::Text(text.clone()),
            FormatPart::Field(field) => field,
        };
        match field {
            FormatField::Time => Self::Time,
            FormatField::Message => Self::Message,
            FormatField::Program => Self::Text(source.program.to_string()),
            FormatField::Group => Self::Text(source.process.group.to_string()),
            FormatField::Process => Self::Text(source.process.name.to_string()),
            FormatField::Pid => Self::Text(source.pid.to_string()),
            FormatField::Stream => Self::Text(source.stream.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stamp::local;
    use super::*;
    use proptest::prelude::*;

    const WALL: WallTime = WallTime(1_795_376_019_123_456);

    fn rendered(format: &LogFormat, line: &[u8]) -> Vec<u8> {
        let process = ProcessId::new("all", "web_1");
        let source = Source { process, program: "web".into(), pid: 42, stream: Stream::Stderr };
        let mut out = Vec::new();
        Format::new(format, &source).render(WALL, line, &mut out);
        out
    }

    #[test]
    fn lines_are_written_as_asked_for() {
        assert_eq!(rendered(&LogFormat::Raw, b"a\xff"), b"a\xff");
        let json = String::from_utf8(rendered(&LogFormat::Json, b"a \"b\"\t\xff\x1b[m")).unwrap();
        let expected = "{\"time\":\"2026-11-22T19:33:39.123456Z\",\"program\":\"web\",\
                        \"group\":\"all\",\"process\":\"web_1\",\"pid\":42,\"stream\":\"stderr\",\
                        \"message\":\"a \\\"b\\\"\\t\u{fffd}\\u001b[m\"}";
        assert_eq!(json, expected);
        let field = FormatPart::Field;
        let parts = vec![
            field(FormatField::Time),
            FormatPart::Text(" ".into()),
            field(FormatField::Program),
            field(FormatField::Group),
            field(FormatField::Process),
            field(FormatField::Pid),
            field(FormatField::Stream),
            FormatPart::Text(": ".into()),
            field(FormatField::Message),
        ];
        let expected = local(1_795_376_019) + ",123 weballweb_142stderr: ";
        let expected = [expected.as_bytes(), b"a\xff"].concat();
        assert_eq!(rendered(&LogFormat::Template(parts), b"a\xff"), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was(text in "[ -~\\x00-\\x1f\"\\\\é€\u{10348}\u{7f}]{0,60}") {
            let mut out = Vec::new();
            append_json(&text, &mut out);
            let read: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(&read, &text);
            prop_assert!(out.iter().all(|byte| *byte >= 0x20));
        }

        #[test]
        fn any_bytes_are_one_line_of_json(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let out = rendered(&LogFormat::Json, &line);
            prop_assert!(!out.contains(&b'\n'));
            let read: Json = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read["message"].as_str(), Some(&*String::from_utf8_lossy(&line)));
        }
    }
}
