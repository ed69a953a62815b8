//! XML to values: a pull parser over quick-xml's events, with a limit on everything.
//!
//! As in the reference, text is UTF-8 whatever the XML declaration says, and `<params>` may be
//! missing. Better than there: a wrong element is an error that says where, and a document type
//! (the way to entity bombs) is refused.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};

use super::{DecodeError, Fault, MethodCall, Value};

/// Values within values; one deeper is an error.
pub const DEPTH_MAX: usize = 64;
/// XML elements of a call; one more is an error. Enough for a multicall of thousands.
pub const CALL_ELEMENTS_MAX: usize = 50_000;
/// XML elements of an answer; one more is an error. Enough for the processes of a huge fleet.
pub const RESPONSE_ELEMENTS_MAX: usize = 5_000_000;
/// Bytes of a method's or a member's name; a longer one is an error.
pub const NAME_BYTES_MAX: usize = 255;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads a call. How long `body` may be is the caller's business.
///
/// # Errors
/// Where the body is not one well-formed call within the limits.
pub fn decode_call(body: &[u8]) -> Result<MethodCall> {
    let mut decoder = Decoder::new(body, CALL_ELEMENTS_MAX)?;
    decoder.open(Tag::MethodCall)?;
    let mut method = None;
    let mut params = Vec::new();
    while let Some(tag) = decoder.child()? {
        match tag {
            Tag::MethodName => method = Some(decoder.name()?.trim().to_owned()),
            Tag::Params => params = decoder.params()?,
            other => return Err(decoder.unexpected(other)),
        }
    }
    decoder.end()?;
    match method {
        Some(method) if !method.is_empty() => Ok(MethodCall { method, params }),
        _ => Err(decoder.error("no method name")),
    }
}

/// Reads an answer: the value, or the fault.
///
/// # Errors
/// Where the body is not one well-formed answer within the limits.
pub fn decode_response(body: &[u8]) -> Result<std::result::Result<Value, Fault>> {
    let mut decoder = Decoder::new(body, RESPONSE_ELEMENTS_MAX)?;
    decoder.open(Tag::MethodResponse)?;
    let answer = match decoder.child()? {
        Some(Tag::Params) => match <[Value; 1]>::try_from(decoder.params()?) {
            Ok([value]) => Ok(value),
            Err(params) => return Err(decoder.error(format!("{} values", params.len()))),
        },
        Some(Tag::Fault) => Err(decoder.fault()?),
        Some(other) => return Err(decoder.unexpected(other)),
        None => return Err(decoder.error("neither a value nor a fault")),
    };
    decoder.close()?;
    decoder.end()?;
    Ok(answer)
}

macro_rules! tags {
    ($($tag:ident $text:literal)*) => {
        /// Every element of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Tag { $($tag,)* }

        impl Tag {
            fn of(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$tag),)* _ => None }
            }

            fn text(self) -> &'static str {
                match self { $(Self::$tag => $text,)* }
            }
        }
    };
}

tags! {
    MethodCall "methodCall" MethodResponse "methodResponse" MethodName "methodName"
    Params "params" Param "param" Fault "fault" Value "value"
    Int "int" I4 "i4" I8 "i8" Boolean "boolean" String "string" Double "double" Nil "nil"
    Base64 "base64" DateTime "dateTime.iso8601"
    Array "array" Data "data" Struct "struct" Member "member" Name "name"
}

/// What comes next.
enum Step<'a> {
    Open(Tag),
    Close,
    Text(Cow<'a, str>),
    End,
}

struct Decoder<'a> {
    reader: Reader<&'a [u8]>,
    elements_left: usize,
}

impl<'a> Decoder<'a> {
    fn new(body: &'a [u8], elements_max: usize) -> Result<Self> {
        let text = std::str::from_utf8(body).map_err(|error| DecodeError {
            at: error.valid_up_to() as u64,
            reason: "not UTF-8".to_owned(),
        })?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Ok(Self { reader, elements_left: elements_max })
    }

    fn error(&self, reason: impl Into<String>) -> DecodeError {
        DecodeError { at: self.reader.buffer_position(), reason: reason.into() }
    }

    fn unexpected(&self, tag: Tag) -> DecodeError {
        self.error(format!("<{}> in the wrong place", tag.text()))
    }

    fn step(&mut self) -> Result<Step<'a>> {
        loop {
            return match self.reader.read_event() {
                Ok(Event::Start(start) | Event::Empty(start)) => match Tag::of(start.name().0) {
                    Some(_) if self.elements_left == 0 => Err(self.error("too many elements")),
                    Some(tag) => {
                        self.elements_left -= 1;
                        Ok(Step::Open(tag))
                    }
                    None => Err(self.error("an element that XML-RPC does not have")),
                },
                Ok(Event::End(_)) => Ok(Step::Close),
                Ok(Event::Text(text)) => Ok(Step::Text(text.xml10_content())),
                Ok(Event::CData(text)) => Ok(Step::Text(text.xml10_content())),
                Ok(Event::GeneralRef(reference)) => self.resolve(&reference),
                Ok(Event::Comment(_) | Event::PI(_) | Event::Decl(_)) => continue,
                Ok(Event::DocType(_)) => Err(self.error("a document type is not allowed")),
                Ok(Event::Eof) => Ok(Step::End),
                Err(error) => Err(self.error(error.to_string())),
            };
        }
    }

    fn resolve(&self, reference: &BytesRef<'a>) -> Result<Step<'a>> {
        match reference.resolve_char_ref() {
            Ok(Some(character)) => Ok(Step::Text(character.to_string().into())),
            Ok(None) => resolve_xml_entity(reference)
                .map(|text| Step::Text(text.into()))
                .ok_or_else(|| self.error("an unknown entity")),
            Err(error) => Err(self.error(error.to_string())),
        }
    }

    /// The next child's tag, or `None` at the end of the element. No text may stand between.
    fn child(&mut self) -> Result<Option<Tag>> {
        loop {
            return match self.step()? {
                Step::Open(tag) => Ok(Some(tag)),
                Step::Close => Ok(None),
                Step::Text(text) if is_blank(&text) => continue,
                Step::Text(_) => Err(self.error("text in the wrong place")),
                Step::End => Err(self.error("it ends too early")),
            };
        }
    }

    fn open(&mut self, expected: Tag) -> Result<()> {
        match self.child()? {
            Some(tag) if tag == expected => Ok(()),
            Some(other) => Err(self.unexpected(other)),
            None => Err(self.error(format!("no <{}>", expected.text()))),
        }
    }

    fn close(&mut self) -> Result<()> {
        self.child()?.map_or(Ok(()), |tag| Err(self.unexpected(tag)))
    }

    fn end(&mut self) -> Result<()> {
        loop {
            match self.step()? {
                Step::End => return Ok(()),
                Step::Text(text) if is_blank(&text) => {}
                _ => return Err(self.error("something after the end")),
            }
        }
    }

    /// The text of an element that holds nothing else.
    fn content(&mut self) -> Result<Cow<'a, str>> {
        let mut content = Cow::Borrowed("");
        loop {
            match self.step()? {
                Step::Text(text) => content += text,
                Step::Close => return Ok(content),
                Step::Open(tag) => return Err(self.unexpected(tag)),
                Step::End => return Err(self.error("it ends too early")),
            }
        }
    }

    fn name(&mut self) -> Result<String> {
        let name = self.content()?;
        if name.len() > NAME_BYTES_MAX {
            return Err(self.error("a name is too long"));
        }
        Ok(name.into_owned())
    }

    fn params(&mut self) -> Result<Vec<Value>> {
        let mut params = Vec::new();
        while let Some(tag) = self.child()? {
            match tag {
                Tag::Param => {
                    self.open(Tag::Value)?;
                    params.push(self.value(DEPTH_MAX)?);
                    self.close()?;
                }
                other => return Err(self.unexpected(other)),
            }
        }
        Ok(params)
    }

    fn fault(&mut self) -> Result<Fault> {
        self.open(Tag::Value)?;
        let value = self.value(DEPTH_MAX)?;
        self.close()?;
        let code = value.member("faultCode").and_then(Value::as_int);
        let string = value.member("faultString").and_then(Value::as_str);
        match (code.and_then(|code| i32::try_from(code).ok()), string) {
            (Some(code), Some(string)) => Ok(Fault { code, string: string.to_owned() }),
            _ => Err(self.error("a fault without code and string")),
        }
    }

    /// What stands in a `<value>` that has just been opened, and its end.
    fn value(&mut self, depth_left: usize) -> Result<Value> {
        let Some(depth_left) = depth_left.checked_sub(1) else {
            return Err(self.error("values too deep in each other"));
        };
        let mut text = Cow::Borrowed("");
        let tag = loop {
            match self.step()? {
                Step::Text(more) => text += more,
                Step::Close => return Ok(Value::String(text.into_owned())),
                Step::Open(tag) => break tag,
                Step::End => return Err(self.error("it ends too early")),
            }
        };
        if !is_blank(&text) {
            return Err(self.error("text beside a typed value"));
        }
        let value = match tag {
            Tag::Int | Tag::I4 | Tag::I8 => Value::Int(self.parsed("an integer")?),
            Tag::Double => Value::Double(self.parsed("a number")?),
            Tag::Boolean => Value::Bool(self.boolean()?),
            Tag::String => Value::String(self.content()?.into_owned()),
            Tag::DateTime => Value::DateTime(self.content()?.trim().to_owned()),
            Tag::Base64 => Value::Base64(self.base64()?),
            Tag::Nil => self.close().map(|()| Value::Nil)?,
            Tag::Array => Value::Array(self.array(depth_left)?),
            Tag::Struct => Value::Struct(self.members(depth_left)?),
            other => return Err(self.unexpected(other)),
        };
        self.close()?;
        Ok(value)
    }

    fn parsed<T: std::str::FromStr>(&mut self, what: &str) -> Result<T> {
        let text = self.content()?;
        text.trim().parse().map_err(|_| self.error(format!("not {what}")))
    }

    fn boolean(&mut self) -> Result<bool> {
        match self.content()?.trim() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(self.error("not a boolean")),
        }
    }

    fn base64(&mut self) -> Result<Vec<u8>> {
        let mut text = self.content()?.into_owned();
        text.retain(|c| !c.is_ascii_whitespace());
        BASE64.decode(text).map_err(|error| self.error(format!("not base64: {error}")))
    }

    fn array(&mut self, depth_left: usize) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        self.open(Tag::Data)?;
        while let Some(tag) = self.child()? {
            match tag {
                Tag::Value => items.push(self.value(depth_left)?),
                other => return Err(self.unexpected(other)),
            }
        }
        self.close()?;
        Ok(items)
    }

    fn members(&mut self, depth_left: usize) -> Result<Vec<(String, Value)>> {
        let mut members = Vec::new();
        while let Some(tag) = self.child()? {
            if tag != Tag::Member {
                return Err(self.unexpected(tag));
            }
            self.open(Tag::Name)?;
            let name = self.name()?;
            self.open(Tag::Value)?;
            members.push((name, self.value(depth_left)?));
            self.close()?;
        }
        Ok(members)
    }
}

/// White space as XML has it.
fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}
