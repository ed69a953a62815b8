//! What an object says about itself (D-Bus specification, "Introspection Data Format").

use std::fmt::Write as _;

use super::interface::{Argument, Outline, Told};
use super::object::{Object, children};
use crate::model::Snapshot;

const DOCTYPE: &str = "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection \
                       1.0//EN\"\n\"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\
                       \">\n";
const EMITS: &str = "org.freedesktop.DBus.Property.EmitsChangedSignal";

/// An object: its interfaces and what is below it.
pub fn node(object: &Object, snapshot: &Snapshot) -> String {
    let mut xml = format!("{DOCTYPE}<node>\n");
    for outline in object.interfaces() {
        interface(&mut xml, outline);
    }
    // What a part of a path is made of needs no escape.
    for child in children(&object.path(), snapshot) {
        line(&mut xml, format_args!(" <node name=\"{child}\"/>"));
    }
    xml.push_str("</node>\n");
    xml
}

fn interface(xml: &mut String, outline: &Outline) {
    line(xml, format_args!(" <interface name=\"{}\">", outline.name));
    for method in outline.methods {
        let arguments = |xml: &mut String| {
            values(xml, method.takes, " direction=\"in\"");
            values(xml, method.gives, " direction=\"out\"");
        };
        let is_empty = method.takes.is_empty() && method.gives.is_empty();
        element(xml, &format!("method name=\"{}\"", method.name), "method", is_empty, arguments);
    }
    for signal in outline.signals {
        let arguments = |xml: &mut String| values(xml, signal.carries, "");
        let is_empty = signal.carries.is_empty();
        element(xml, &format!("signal name=\"{}\"", signal.name), "signal", is_empty, arguments);
    }
    for property in outline.properties {
        let access = if property.writable { "readwrite" } else { "read" };
        let (name, signature) = (property.name, property.signature.to_string());
        let opening = format!("property name=\"{name}\" type=\"{signature}\" access=\"{access}\"");
        let emits = match property.told {
            Told::Yes => None,
            Told::Const => Some("const"),
            Told::No => Some("false"),
        };
        element(xml, &opening, "property", emits.is_none(), |xml| {
            if let Some(emits) = emits {
                line(xml, format_args!("   <annotation name=\"{EMITS}\" value=\"{emits}\"/>"));
            }
        });
    }
    xml.push_str(" </interface>\n");
}

fn element(
    xml: &mut String,
    opening: &str,
    name: &str,
    is_empty: bool,
    content: impl FnOnce(&mut String),
) {
    if is_empty {
        line(xml, format_args!("  <{opening}/>"));
    } else {
        line(xml, format_args!("  <{opening}>"));
        content(xml);
        line(xml, format_args!("  </{name}>"));
    }
}

fn values(xml: &mut String, arguments: &[Argument], direction: &str) {
    for Argument { name, signature } in arguments {
        let (name, signature) = (name.trim_start_matches("r#"), signature.to_string());
        line(xml, format_args!("   <arg name=\"{name}\" type=\"{signature}\"{direction}/>"));
    }
}

fn line(xml: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    _ = writeln!(xml, "{text}");
}
