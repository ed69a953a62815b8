//! Values to XML, written by hand: it is the path of every answer.
//!
//! XML 1.0 has no way to write most control characters (section 2.2), not even as references,
//! and a strict parser refuses the whole document. A log may hold any of them, so they are shown
//! by their pictures: ESC (0x1B) is sent as U+241B, NUL as U+2400; U+FFFE and U+FFFF, which are
//! no characters, as U+FFFD. Whoever needs the bytes themselves follows `/logtail`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Fault, Value};

const DECLARATION: &str = "<?xml version='1.0'?>\n";

/// The body of a call.
#[must_use]
pub fn encode_call(method: &str, params: &[Value]) -> Vec<u8> {
    document(|out| {
        out.push_str("<methodCall><methodName>");
        write_text(out, method);
        out.push_str("</methodName><params>");
        for param in params {
            out.push_str("<param>");
            write_value(out, param);
            out.push_str("</param>");
        }
        out.push_str("</params></methodCall>\n");
    })
}

/// The body of an answer.
#[must_use]
pub fn encode_response(value: &Value) -> Vec<u8> {
    document(|out| {
        out.push_str("<methodResponse><params><param>");
        write_value(out, value);
        out.push_str("</param></params></methodResponse>\n");
    })
}

/// The body of an answer to a call that failed.
#[must_use]
pub fn encode_fault(fault: &Fault) -> Vec<u8> {
    document(|out| {
        out.push_str("<methodResponse><fault><value><struct><member><name>faultCode</name>");
        write_value(out, &Value::Int(fault.code.into()));
        out.push_str("</member><member><name>faultString</name><value><string>");
        write_text(out, &fault.string);
        out.push_str("</string></value></member></struct></value></fault></methodResponse>\n");
    })
}

fn document(write: impl FnOnce(&mut String)) -> Vec<u8> {
    let mut out = String::with_capacity(512);
    out.push_str(DECLARATION);
    write(&mut out);
    out.into_bytes()
}

fn write_value(out: &mut String, value: &Value) {
    out.push_str("<value>");
    match value {
        Value::Nil => out.push_str("<nil/>"),
        Value::Bool(truth) => element(out, "boolean", if *truth { "1" } else { "0" }),
        Value::Int(number) => {
            let tag = if i32::try_from(*number).is_ok() { "int" } else { "i8" };
            element(out, tag, &number.to_string());
        }
        Value::Double(number) => element(out, "double", &number.to_string()),
        Value::String(text) => {
            out.push_str("<string>");
            write_text(out, text);
            out.push_str("</string>");
        }
        Value::Base64(bytes) => {
            out.push_str("<base64>");
            BASE64.encode_string(bytes, out);
            out.push_str("</base64>");
        }
        Value::DateTime(text) => {
            out.push_str("<dateTime.iso8601>");
            write_text(out, text);
            out.push_str("</dateTime.iso8601>");
        }
        Value::Array(items) => {
            out.push_str("<array><data>");
            for item in items {
                write_value(out, item);
            }
            out.push_str("</data></array>");
        }
        Value::Struct(members) => {
            out.push_str("<struct>");
            for (name, value) in members {
                out.push_str("<member><name>");
                write_text(out, name);
                out.push_str("</name>");
                write_value(out, value);
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
}

/// `content` holds nothing to escape.
fn element(out: &mut String, tag: &str, content: &str) {
    for part in ["<", tag, ">", content, "</", tag, ">"] {
        out.push_str(part);
    }
}

/// Copies whole stretches between the bytes that may not stand as they are.
fn write_text(out: &mut String, mut text: &str) {
    while let Some(at) = text.bytes().position(needs_a_look) {
        let (plain, rest) = text.split_at(at);
        out.push_str(plain);
        let mut chars = rest.chars();
        match chars.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            // A bare one would be read as a line feed (XML 1.0, section 2.11).
            Some('\r') => out.push_str("&#13;"),
            Some(c) => out.push(shown(c)),
            None => {}
        }
        text = chars.as_str();
    }
    out.push_str(text);
}

/// The first byte of every character that is escaped or replaced, and of few others.
fn needs_a_look(byte: u8) -> bool {
    match byte {
        b'\t' | b'\n' => false,
        b'&' | b'<' | b'>' => true,
        // U+F000 to U+FFFF begin with 0xEF.
        byte => byte < b' ' || byte == 0xef,
    }
}

/// The Unicode block "Control Pictures" begins with those of 0x00 to 0x1F, in order.
fn shown(c: char) -> char {
    match c {
        '\0'..' ' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}
