//! `[dbus]`.

use super::section::Section;

/// `[dbus]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DbusSettings {
    /// The bus that the daemon is on.
    pub bus: Bus,
}

/// A choice of a bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Bus {
    /// The system bus for root; for another user the session bus, if there is one.
    #[default]
    Auto,
    /// The system bus.
    System,
    /// The session bus.
    Session,
    /// None.
    None,
    /// The bus at this address, or at the first of several that answers.
    Address(String),
}

/// The settings; the defaults where something is wrong, which is noted.
pub(super) fn read(mut section: Section<'_>) -> DbusSettings {
    let bus = section.take("bus", bus).unwrap_or_default();
    section.finish();
    DbusSettings { bus }
}

fn bus(text: &str) -> Result<Bus, String> {
    match text {
        "auto" => Ok(Bus::Auto),
        "system" => Ok(Bus::System),
        "session" => Ok(Bus::Session),
        "none" => Ok(Bus::None),
        addresses if addresses.split(';').all(is_usable_address) => {
            Ok(Bus::Address(addresses.to_owned()))
        }
        _ => Err(format!(
            "{text:?} is no bus: expected auto, system, session, none, or an address such as \
             unix:path=/run/dbus/system_bus_socket"
        )),
    }
}

/// Whether it is the address of a unix socket (D-Bus specification, "Server Addresses"). Others
/// lead over a network, or start a command.
#[must_use]
pub fn is_usable_address(address: &str) -> bool {
    let Some(keys) = address.strip_prefix("unix:") else {
        return false;
    };
    let names_one = |pair: &str| match pair.split_once('=') {
        Some(("path" | "abstract", value)) => !value.is_empty(),
        _ => false,
    };
    keys.split(',').any(names_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_a_word_or_an_address() {
        assert_eq!(bus("auto"), Ok(Bus::Auto));
        assert_eq!(bus("none"), Ok(Bus::None));
        for address in ["unix:path=/run/x", "unix:abstract=x,guid=00", "unix:path=/a;unix:path=/b"]
        {
            assert_eq!(bus(address), Ok(Bus::Address(address.into())));
        }
        let bad =
            ["", "Auto", "/run/x", "unix:", "unix:path=", "unixexec:path=/bin/sh", "tcp:host=x"];
        for text in bad {
            assert!(bus(text).unwrap_err().contains("expected auto"), "{text}");
        }
    }
}
