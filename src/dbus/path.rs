//! Object paths: names in, paths out, and back.

use zbus::ObjectPath;

use crate::model::{GroupName, ProcessId};

/// The object that stands for the daemon. Every other one of ours is below it.
pub const ROOT: &str = "/org/supervisord/Supervisor1";
/// The object by which systemd's tools reach a daemon's own log (org.freedesktop.LogControl1(5)).
pub const LOG_CONTROL: &str = "/org/freedesktop/LogControl1";

/// The path of a process.
pub fn process(id: &ProcessId) -> ObjectPath<'static> {
    owned(format!("{ROOT}/process/{}/{}", encode(&id.group), encode(&id.name)))
}

/// The path of a group.
pub fn group(name: &GroupName) -> ObjectPath<'static> {
    owned(format!("{ROOT}/group/{}", encode(name)))
}

/// A path made of what [`encode`] makes is always valid: no need to look again.
fn owned(path: String) -> ObjectPath<'static> {
    ObjectPath::from_string_unchecked(path)
}

/// A name as one part of a path, as sd_bus_path_encode(3) writes it: every byte but ASCII letters
/// and digits, and a digit in front, becomes `_` and two hexadecimal digits; nothing becomes `_`.
pub fn encode(name: &str) -> String {
    if name.is_empty() {
        return "_".to_owned();
    }
    let mut part = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphabetic() || (byte.is_ascii_digit() && at > 0) {
            part.push(char::from(byte));
        } else {
            part.push_str(&format!("_{byte:02x}"));
        }
    }
    part
}

/// The name that a part of a path stands for; `None` if [`encode`] does not write that part.
pub fn decode(part: &str) -> Option<String> {
    if part == "_" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'_' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let name = String::from_utf8(bytes).ok()?;
    // One name, one path.
    (encode(&name) == part).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_written_as_sd_bus_does() {
        let check = |name: &str, part: &str| {
            assert_eq!(encode(name), part);
            assert_eq!(decode(part).as_deref(), Some(name));
        };
        check("", "_");
        check("web", "web");
        check("web_1", "web_5f1");
        check("9web", "_39web");
        check("a-b.c", "a_2db_2ec");
        check("ü", "_c3_bc");
        assert_eq!(decode("web_"), None);
        assert_eq!(decode("web_7"), None);
        assert_eq!(decode("_77eb"), None, "a letter is never escaped");
        assert_eq!(decode("a_2Db"), None);
    }

    proptest! {
        #[test]
        fn every_name_has_a_path_and_comes_back(group in ".*", name in ".*") {
            prop_assert_eq!(decode(&encode(&name)), Some(name.clone()));
            let path = process(&ProcessId::new(group, name));
            prop_assert!(path.as_str().starts_with(ROOT));
        }

        #[test]
        fn no_part_is_too_odd_to_read(part in "\\PC*") {
            decode(&part);
        }
    }
}
