//! Paths and queries: percent-decoding (RFC 3986), segments, the fields of forms. Pure, so that it
//! can be fuzzed.

use std::str::FromStr;

/// Segments of a path; one with more leads nowhere.
const SEGMENTS_MAX: usize = 8;
/// Fields of a query or form; more are not looked at.
const FIELDS_MAX: usize = 64;

/// What stands in the places of a pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures(Vec<(&'static str, String)>);

impl Captures {
    /// Adds one.
    pub fn push(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }

    /// What stands in this place.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

/// The fields of a query, or of a form that was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

/// A field that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadField {
    /// Which.
    pub name: &'static str,
    /// What it is.
    pub value: String,
    /// What was expected.
    pub expected: &'static str,
}

impl Fields {
    /// Reads `a=b&c=d%20e`; a `+` is a space.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(FIELDS_MAX);
        let field = |text: &str| decode(&text.replace('+', " "));
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (field(name), field(value))
                })
                .collect(),
        )
    }

    /// The first field of this name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every field, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A field that is `true` or `false`; one that is not there is false.
    ///
    /// # Errors
    /// It is something else.
    pub fn truth(&self, name: &'static str) -> Result<bool, BadField> {
        match self.text(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(value) => {
                Err(BadField { name, value: value.to_owned(), expected: "true or false" })
            }
        }
    }

    /// A field that is a number.
    ///
    /// # Errors
    /// It is something else.
    pub fn number<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, BadField> {
        let parse = |value: &str| {
            let expected = "a whole number, not negative";
            value.parse().map_err(|_| BadField { name, value: value.to_owned(), expected })
        };
        self.text(name).map(parse).transpose()
    }
}

/// The decoded segments of a path that begins with a slash.
#[must_use]
pub fn segments(path: &str) -> Option<Vec<String>> {
    let parts = path.strip_prefix('/')?.split('/');
    (parts.clone().count() <= SEGMENTS_MAX).then(|| parts.map(decode).collect())
}

/// Percent-decoding. What is no escape stays as it is; what is then not UTF-8 becomes U+FFFD.
#[must_use]
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = escaped(rest).unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Percent-encoding of everything but letters, digits and `-._~`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.extend([byte >> 4, byte & 15].map(hex_digit));
        }
    }
    encoded
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0').to_ascii_uppercase()
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
        fn what_is_encoded_comes_back(text in "\\PC{0,20}") {
            prop_assert_eq!(decode(&encode(&text)), text);
        }
    }

    #[test]
    fn fields_are_read() {
        let fields = Fields::read("a=b%20c&d=+e&&f&a=2&n=7");
        assert_eq!(fields.text("a"), Some("b c"));
        assert_eq!(fields.text("d"), Some(" e"));
        assert_eq!(fields.text("f"), Some(""));
        assert_eq!(fields.text("g"), None);
        assert_eq!(fields.number::<u64>("n"), Ok(Some(7)));
        assert!(fields.number::<u64>("a").is_err());
        assert_eq!(fields.truth("g"), Ok(false));
        assert!(fields.truth("n").is_err());
    }
}
