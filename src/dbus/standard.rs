//! The interfaces of the D-Bus specification: Properties, Introspectable, Peer, ObjectManager.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use zbus::{ObjectPath, OwnedVariant, Signature, Type, Variant};

use super::access;
use super::call::Call;
use super::failure::Failure;
use super::interface::{Outline, Values, methods, signals};
use super::introspect;
use super::log_control;
use super::object::Object;
use super::{group, path, process};
use crate::api::process::ProcessReport;
use crate::api::{Access, wall_clock};
use crate::model::Snapshot;

/// The values of each interface of an object.
pub type Interfaces = BTreeMap<&'static str, Values>;

/// Every object below the root with its interfaces, at one moment. It is made while it is written,
/// object by object: the whole would take megabytes that nobody needs afterwards.
struct Managed(Arc<Snapshot>);

impl Type for Managed {
    const SIGNATURE: &'static Signature =
        <BTreeMap<ObjectPath<'static>, Interfaces> as Type>::SIGNATURE;
}

impl Serialize for Managed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (Self(snapshot), now) = (self, wall_clock());
        let count = snapshot.groups.len() + snapshot.processes.len();
        let mut objects = serializer.serialize_map(Some(count))?;
        for name in snapshot.groups.keys() {
            let state = group::State::new(name, snapshot);
            let values = state.map(|state| group::INTERFACE.values(&state)).unwrap_or_default();
            let interfaces = Interfaces::from([(group::INTERFACE.outline.name, values)]);
            objects.serialize_entry(&path::group(name), &interfaces)?;
        }
        for info in snapshot.processes.values() {
            let values = process::INTERFACE.values(&ProcessReport { info: info.clone(), now });
            let interfaces = Interfaces::from([(process::INTERFACE.outline.name, values)]);
            objects.serialize_entry(&path::process(&info.id), &interfaces)?;
        }
        objects.end()
    }
}

/// What every object has.
pub static EVERYWHERE: [&Outline; 3] = [
    &Outline {
        name: "org.freedesktop.DBus.Properties",
        methods: PROPERTIES_METHODS,
        signals: PROPERTIES_SIGNALS,
        properties: &[],
    },
    &Outline {
        name: "org.freedesktop.DBus.Introspectable",
        methods: INTROSPECTABLE_METHODS,
        signals: &[],
        properties: &[],
    },
    &Outline {
        name: "org.freedesktop.DBus.Peer",
        methods: PEER_METHODS,
        signals: &[],
        properties: &[],
    },
];

/// What the root object has beside.
pub static OBJECT_MANAGER: Outline = Outline {
    name: "org.freedesktop.DBus.ObjectManager",
    methods: OBJECT_MANAGER_METHODS,
    signals: OBJECT_MANAGER_SIGNALS,
    properties: &[],
};

methods! { PROPERTIES_METHODS:
    Get(interface_name: String, property_name: String) -> (value: Variant<'static>) Look [] =
        |call| Ok((get(&call, &interface_name, &property_name)?,));
    GetAll(interface_name: String) -> (properties: Values) Look [] =
        |call| Ok((all(&call, &interface_name)?,));
    Set(interface_name: String, property_name: String, value: OwnedVariant) -> () Look waits [] =
        |call| set(&call, &interface_name, &property_name, value).await;
}

signals! { PROPERTIES_SIGNALS:
    PropertiesChanged(interface_name: String, changed: Values, invalidated: Vec<String>);
}

methods! { INTROSPECTABLE_METHODS:
    Introspect() -> (xml: String) Look [] =
        |call| Ok((introspect::node(&call.object, &call.api().snapshot()),));
}

methods! { PEER_METHODS:
    Ping() -> () Look [] = |_call| Ok(());
    GetMachineId() -> (machine_uuid: String) Look waits [] = |_call| machine_id().await;
}

methods! { OBJECT_MANAGER_METHODS:
    GetManagedObjects() -> (objects: Managed) Look [] = |call| Ok((Managed(call.api().snapshot()),));
}

signals! { OBJECT_MANAGER_SIGNALS:
    InterfacesAdded(object: ObjectPath<'static>, interfaces: Interfaces);
    InterfacesRemoved(object: ObjectPath<'static>, interfaces: Vec<String>);
}

fn get(call: &Call, interface: &str, property: &str) -> Result<Variant<'static>, Failure> {
    let mut values = all(call, interface)?;
    values.remove(property).ok_or_else(|| unknown_property(interface, property))
}

fn all(call: &Call, interface: &str) -> Result<Values, Failure> {
    let own = call.object.own_interface().map(|outline| outline.name);
    // An empty name asks for every interface's.
    if own == Some(interface) || (interface.is_empty() && own.is_some()) {
        let gone = || Failure::unknown_object("the object is gone");
        return call.object.properties(call.api()).ok_or_else(gone);
    }
    if interface.is_empty() || call.object.interfaces().any(|found| found.name == interface) {
        return Ok(Values::new());
    }
    Err(Failure::unknown_interface(format!("the object has no interface {interface}")))
}

async fn set(
    call: &Call,
    interface: &str,
    property: &str,
    value: OwnedVariant,
) -> Result<(), Failure> {
    let found = call
        .object
        .interfaces()
        .filter(|outline| interface.is_empty() || outline.name == interface)
        .flat_map(|outline| outline.properties)
        .find(|found| found.name == property)
        .ok_or_else(|| unknown_property(interface, property))?;
    if !found.writable {
        return Err(Failure::property_read_only(format!("{property} cannot be set")));
    }
    access::check(call, Access::ManageDaemon).await?;
    log_control::set_level(call.api(), value)
}

fn unknown_property(interface: &str, property: &str) -> Failure {
    Failure::unknown_property(format!("{interface:?} has no property {property:?} here"))
}

/// The host's id (machine-id(5)).
async fn machine_id() -> Result<(String,), Failure> {
    let read = || {
        ["/etc/machine-id", "/var/lib/dbus/machine-id"]
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok())
    };
    let text = tokio::task::spawn_blocking(read).await.ok().flatten();
    let id = text.map(|text| text.trim().to_owned()).filter(|id| !id.is_empty());
    Ok((id.ok_or_else(|| Failure::failed("this host has no machine id"))?,))
}

/// The interfaces of an object by name, as `InterfacesRemoved` tells them.
pub fn interface_names(object: &Object) -> Vec<&'static str> {
    object.own_interface().into_iter().map(|outline| outline.name).collect()
}
