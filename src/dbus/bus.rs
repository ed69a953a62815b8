//! Which bus: the configuration, the environment and who the daemon is decide.

use std::path::PathBuf;

use crate::config::dbus::{Bus, is_usable_address};

/// Where the system bus listens (D-Bus specification, "Well-known Message Bus Instances").
const SYSTEM: &str = "unix:path=/run/dbus/system_bus_socket";

/// A bus to be on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What to call it in the log.
    pub called: String,
    /// Its addresses, to be tried in order.
    pub addresses: Vec<String>,
    /// Whether a person asked for it; else its absence is nothing to speak of.
    pub asked_for: bool,
}

/// What of the world the choice depends on.
pub struct Surroundings<'a> {
    /// The daemon's user.
    pub uid: u32,
    /// A variable of the daemon's environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whether a file is there.
    pub exists: &'a dyn Fn(&str) -> bool,
}

impl Choice {
    /// The bus that the configuration chooses; `None` for none.
    pub fn of(bus: &Bus, around: &Surroundings<'_>) -> Option<Self> {
        let system = |asked_for| {
            let address = (around.variable)("DBUS_SYSTEM_BUS_ADDRESS");
            Self::new("the system bus", &address.unwrap_or_else(|| SYSTEM.to_owned()), asked_for)
        };
        let in_runtime_directory = || {
            let directory = (around.variable)("XDG_RUNTIME_DIR")?;
            Some(format!("{directory}/bus"))
        };
        match bus {
            Bus::None => None,
            Bus::Address(address) => Self::new("the bus", address, true),
            Bus::System => system(true),
            Bus::Auto if around.uid == 0 => system(false),
            Bus::Session => {
                let address = (around.variable)("DBUS_SESSION_BUS_ADDRESS").unwrap_or_else(|| {
                    let path = in_runtime_directory()
                        .unwrap_or_else(|| format!("/run/user/{}/bus", around.uid));
                    format!("unix:path={path}")
                });
                Self::new("the session bus", &address, true)
            }
            Bus::Auto => {
                let of_socket = || {
                    let path = in_runtime_directory()?;
                    (around.exists)(&path).then(|| format!("unix:path={path}"))
                };
                let address = (around.variable)("DBUS_SESSION_BUS_ADDRESS").or_else(of_socket)?;
                Self::new("the session bus", &address, false)
            }
        }
    }

    /// Several addresses have semicolons between; those of other transports than unix sockets
    /// are passed over.
    fn new(called: &str, addresses: &str, asked_for: bool) -> Option<Self> {
        let addresses = addresses.split(';').filter(|address| is_usable_address(address));
        let addresses: Vec<_> = addresses.map(str::to_owned).collect();
        let called = format!("{called} ({})", addresses.join(";"));
        (!addresses.is_empty()).then_some(Self { called, addresses, asked_for })
    }

    /// The sockets that have a place among files, where their appearance can be waited for.
    pub fn sockets(&self) -> Vec<PathBuf> {
        let path = |address: &String| {
            let keys = address.strip_prefix("unix:")?;
            let path = keys.split(',').find_map(|pair| pair.strip_prefix("path="))?;
            Some(unescape(path))
        };
        self.addresses.iter().filter_map(path).collect()
    }
}

/// Bytes that an address may not hold are written `%41` (D-Bus specification, "Server Addresses").
fn unescape(value: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(bus: &Bus, uid: u32, variables: &[(&str, &str)], there: &[&str]) -> Option<Choice> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let exists = |path: &str| there.contains(&path);
        Choice::of(bus, &Surroundings { uid, variable: &variable, exists: &exists })
    }

    #[test]
    fn root_is_on_the_system_bus_and_a_user_on_the_session_bus() {
        let check = |bus: &Bus, uid, variables: &[(&str, &str)], there: &[&str], wanted: &str| {
            let found = choice(bus, uid, variables, there);
            let found = found.map(|choice| choice.addresses.join(";")).unwrap_or_default();
            assert_eq!(found, wanted, "{bus:?} {uid} {variables:?}");
        };
        let session = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/s,guid=1");
        let runtime = ("XDG_RUNTIME_DIR", "/run/user/7");
        check(&Bus::None, 0, &[session], &[], "");
        check(&Bus::Auto, 0, &[session], &[], SYSTEM);
        check(&Bus::Auto, 0, &[("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/x")], &[], "unix:path=/x");
        check(&Bus::Auto, 7, &[session, runtime], &[], "unix:path=/s,guid=1");
        check(&Bus::Auto, 7, &[runtime], &["/run/user/7/bus"], "unix:path=/run/user/7/bus");
        check(&Bus::Auto, 7, &[runtime], &[], "");
        check(&Bus::Auto, 7, &[], &[], "");
        check(&Bus::Session, 7, &[runtime], &[], "unix:path=/run/user/7/bus");
        check(&Bus::Session, 7, &[], &[], "unix:path=/run/user/7/bus");
        check(&Bus::System, 7, &[], &[], SYSTEM);
        check(
            &Bus::Address("unix:path=/a;unix:path=/b".into()),
            7,
            &[],
            &[],
            "unix:path=/a;unix:path=/b",
        );
        let odd = ("DBUS_SESSION_BUS_ADDRESS", "autolaunch:;unixexec:path=/bin/sh;tcp:host=h");
        check(&Bus::Auto, 7, &[odd], &[], "");
    }

    #[test]
    fn sockets_are_known_by_their_paths() {
        let address = "unix:abstract=/x;unix:guid=1,path=/a%20b%zz;unix:path=/c";
        let choice = choice(&Bus::Address(address.into()), 0, &[], &[]).unwrap();
        assert_eq!(choice.sockets(), [PathBuf::from("/a b%zz"), PathBuf::from("/c")]);
    }
}
