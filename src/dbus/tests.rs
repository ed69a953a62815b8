//! The tables as a whole: every operation has its member, and every member says what it may.

use std::collections::BTreeSet;

use super::{group, log_control, manager, process, standard};
use crate::api::Access;
use crate::api::operations::OPERATIONS;

/// Operations without a method, each with the reason.
const ELSEWHERE: &[(&str, &str)] = &[
    ("supervisor.getAPIVersion", "property Manager.APIVersion"),
    ("supervisor.getSupervisorVersion", "a bus has no clients of Supervisor; Manager.Version"),
    ("supervisor.getIdentification", "property Manager.Identifier"),
    ("supervisor.getState", "properties Manager.State and StateName"),
    ("supervisor.getPID", "property Manager.PID"),
    ("supervisor.getAllConfigInfo", "what is active is told by the properties of each process"),
    ("system.listMethods", "Introspectable"),
    ("system.methodHelp", "Introspectable, and the manual"),
    ("system.methodSignature", "Introspectable"),
    ("system.multicall", "D-Bus calls need not wait for each other"),
];

fn outlines() -> Vec<&'static super::interface::Outline> {
    let own = [
        manager::INTERFACE.outline,
        process::INTERFACE.outline,
        group::INTERFACE.outline,
        log_control::INTERFACE.outline,
        &standard::OBJECT_MANAGER,
    ];
    own.into_iter().chain(standard::EVERYWHERE).collect()
}

#[test]
fn every_operation_has_a_method_or_a_reason() {
    let served: BTreeSet<_> = outlines()
        .iter()
        .flat_map(|outline| outline.methods)
        .flat_map(|method| method.operations)
        .map(|spec| spec.name)
        .collect();
    for entry in OPERATIONS {
        let name = entry.spec.name;
        let elsewhere = ELSEWHERE.iter().any(|(known, _)| *known == name);
        assert!(served.contains(name) != elsewhere, "{name}: a method of the bus, or a reason");
    }
    for (name, _) in ELSEWHERE {
        assert!(OPERATIONS.iter().any(|entry| entry.spec.name == *name), "{name} is no operation");
    }
}

#[test]
fn a_method_asks_for_what_its_operations_do() {
    for outline in outlines() {
        for method in outline.methods {
            for spec in method.operations {
                assert_eq!(method.access, spec.access, "{}.{}", outline.name, method.name);
            }
            assert!(method.access == Access::Look || method.waits, "{} waits", method.name);
        }
    }
}

#[test]
fn each_name_stands_for_one_thing() {
    for outline in outlines() {
        let members = outline.methods.iter().map(|method| method.name);
        let names: Vec<_> = members.chain(outline.signals.iter().map(|s| s.name)).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{}", outline.name);
    }
    let counts = |outline: &super::interface::Outline, getters| {
        assert_eq!(outline.properties.len(), getters, "{}", outline.name);
    };
    counts(manager::INTERFACE.outline, manager::INTERFACE.getters.len());
    counts(process::INTERFACE.outline, process::INTERFACE.getters.len());
    counts(group::INTERFACE.outline, group::INTERFACE.getters.len());
}

#[test]
fn the_page_on_d_bus_lists_every_member() {
    let page = include_str!("../../docs/dbus.md");
    for outline in outlines().into_iter().filter(|outline| !outline.methods.is_empty()) {
        let own = outline.name.starts_with("org.supervisord");
        let names = outline.methods.iter().map(|method| method.name);
        let names = names.chain(outline.signals.iter().map(|signal| signal.name));
        let names = names.chain(outline.properties.iter().map(|property| property.name));
        for name in names.filter(|_| own) {
            assert!(page.contains(&format!("`{name}")), "docs/dbus.md says nothing of {name}");
        }
    }
}
