//! `[group:x]`, and the groups that programs, event listeners and FastCGI programs are by
//! themselves.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::kind::{FcgiAddress, FcgiSocket, GroupKind, PoolSettings, ProcessKind};
use super::problem::{Severity, nearest};
use super::program::{Fleet, GroupSettings, ProcessSettings, priority, processes};
use super::section::{Section, World};
use super::setting::{self, User};
use crate::model::{EventSet, EventType};

/// The `result_handler` that is built in; another would be Python code.
const RESULT_HANDLER: &str = "supervisor.dispatchers:default_handler";

/// Every group, by priority and name.
pub(super) fn read(fleet: &Fleet<'_>) -> Vec<Arc<GroupSettings>> {
    let mut groups = Vec::new();
    let mut grouped = HashSet::new();
    for (name, raw) in fleet.ini.of_kind("group") {
        let mut section = Section::new(fleet.world, fleet.ini, raw);
        let priority = priority(&mut section, 999);
        let members = section.text("programs").unwrap_or_default();
        let name = setting::name(name)
            .unwrap_or_else(|message| {
                section.note(Severity::Error, None, message);
                name
            })
            .to_owned();
        let mut all = Vec::new();
        for member in setting::list(&members) {
            all.extend(member_processes(fleet, &section, &name, member));
            grouped.insert(member.to_owned());
        }
        section.finish();
        groups.push(group(name, GroupKind::Group, priority, all));
    }
    for (name, raw) in fleet.ini.of_kind("program").filter(|(name, _)| !grouped.contains(*name)) {
        let all = processes(fleet, raw, name.trim(), &|_| ProcessKind::Program);
        let priority = all.first().map_or(999, |process| process.priority);
        groups.push(group(name.trim().to_owned(), GroupKind::Program, priority, all));
    }
    for (name, raw) in fleet.ini.of_kind("eventlistener") {
        // The same for each process: what concerns the pool depends on no process's number.
        let pool =
            Cell::new((-1, PoolSettings { events: EventSet::NONE, buffer_size: 1, judged: true }));
        let all = processes(fleet, raw, name.trim(), &|section| {
            pool.set((priority(section, -1), listener_keys(section)));
            ProcessKind::Listener
        });
        let (priority, settings) = pool.get();
        groups.push(group(
            name.trim().to_owned(),
            GroupKind::EventListener(settings),
            priority,
            all,
        ));
    }
    for (name, raw) in
        fleet.ini.of_kind("fcgi-program").filter(|(name, _)| !grouped.contains(*name))
    {
        let all = processes(fleet, raw, name.trim(), &fcgi_keys);
        let priority = all.first().map_or(999, |process| process.priority);
        groups.push(group(name.trim().to_owned(), GroupKind::FastCgi, priority, all));
    }
    groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    without_doubles(fleet, groups)
}

/// The processes of one name in `programs=`.
fn member_processes(
    fleet: &Fleet<'_>,
    section: &Section<'_>,
    group: &str,
    member: &str,
) -> Vec<Arc<ProcessSettings>> {
    let program = fleet.ini.section(&format!("program:{member}"));
    let fcgi = fleet.ini.section(&format!("fcgi-program:{member}"));
    match (program, fcgi) {
        (Some(program), None) => processes(fleet, program, group, &|_| ProcessKind::Program),
        (None, Some(fcgi)) => processes(fleet, fcgi, group, &fcgi_keys),
        (Some(_), Some(_)) => {
            let message = format!("{member:?} is a program and an fcgi-program: expected one");
            section.error("programs", message);
            Vec::new()
        }
        (None, None) => {
            let known = fleet.ini.of_kind("program").chain(fleet.ini.of_kind("fcgi-program"));
            let hint = match nearest(member, known.map(|(name, _)| name)) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("expected a [program:{member}]"),
            };
            section.error("programs", format!("{member:?} is not a program: {hint}"));
            Vec::new()
        }
    }
}

/// A group in which each name is used once: of two processes of one name the last is kept.
fn group(
    name: String,
    kind: GroupKind,
    priority: i32,
    all: Vec<Arc<ProcessSettings>>,
) -> GroupSettings {
    let mut places = HashMap::with_capacity(all.len());
    let mut processes: Vec<Arc<ProcessSettings>> = Vec::with_capacity(all.len());
    for process in all {
        let place = *places.entry(process.name.clone()).or_insert(processes.len());
        match processes.get_mut(place) {
            Some(earlier) => *earlier = process,
            None => processes.push(process),
        }
    }
    GroupSettings { name: name.into(), kind, priority, processes }
}

/// Of two groups of one name the first in order is kept, as in the reference.
fn without_doubles(fleet: &Fleet<'_>, groups: Vec<GroupSettings>) -> Vec<Arc<GroupSettings>> {
    let mut names = HashSet::with_capacity(groups.len());
    let mut kept = Vec::with_capacity(groups.len());
    for group in groups {
        if names.insert(group.name.clone()) {
            kept.push(Arc::new(group));
            continue;
        }
        let kind = match group.kind {
            GroupKind::Program => "program",
            GroupKind::Group => "group",
            GroupKind::EventListener(_) => "eventlistener",
            GroupKind::FastCgi => "fcgi-program",
        };
        if let Some(raw) = fleet.ini.section(&format!("{kind}:{}", group.name)) {
            let message = format!("is not used: another group is called {}, too", group.name);
            let section = Section::new(fleet.world, fleet.ini, raw);
            section.note(Severity::Warning, None, message);
        }
    }
    kept
}

/// What only `[eventlistener:x]` has.
fn listener_keys(section: &mut Section<'_>) -> PoolSettings {
    let buffer_size = section.integer("buffer_size", 10, i64::MIN..=i64::MAX);
    if buffer_size < 1 {
        section.error("buffer_size", "is too small: expected at least 1".to_owned());
    }
    let foreign = section.text("result_handler").filter(|name| name != RESULT_HANDLER);
    if let Some(handler) = &foreign {
        let message = format!(
            "{handler} is Python code, which cannot run here: whatever a listener answers, its event \
             counts as dealt with"
        );
        section.warn("result_handler", message);
    }
    let events = section.text("events").unwrap_or_default();
    if events.is_empty() {
        section.note(Severity::Error, None, "has no events: expected events=TYPE,...".to_owned());
    }
    let mut wanted = EventSet::NONE;
    for event in setting::list(&events) {
        if let Some(kind) = EventType::parse(event) {
            wanted = wanted.and(EventSet::of(&[kind]));
            continue;
        }
        let names = EventType::ALL.iter().map(|kind| kind.name());
        let hint = match nearest(&event.to_uppercase(), names) {
            Some(near) => format!("did you mean {near}?"),
            None => "expected one such as PROCESS_STATE".to_owned(),
        };
        section.error("events", format!("{event:?} is not an event type: {hint}"));
    }
    if section.boolean("redirect_stderr", false) {
        let message = "is true, which would disturb the listener's protocol: expected false";
        section.error("redirect_stderr", message.to_owned());
    }
    let buffer_size = usize::try_from(buffer_size).unwrap_or(1);
    PoolSettings { events: wanted, buffer_size, judged: foreign.is_none() }
}

/// What only `[fcgi-program:x]` has.
fn fcgi_keys(section: &mut Section<'_>) -> ProcessKind {
    let world = section.world;
    let backlog = section.take("socket_backlog", setting::integer);
    if let Some(backlog) = backlog.filter(|backlog| !(1..=65535).contains(backlog)) {
        section.error("socket_backlog", format!("{backlog} is not possible: expected 1 to 65535"));
    }
    let owner = section.take("socket_owner", |text| world.owner(text));
    let mode = section.take("socket_mode", setting::octal);
    // What is wrong with it is said where it is read for the program.
    let user = section.text("user");
    let user = user.and_then(|text| world.user(text.split(':').next().unwrap_or(&text)).ok());
    let socket = section.take("socket", |text| match text.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => {
            let path = world.absolute(path.as_ref());
            let owner = owner.or_else(|| owner_of(user.as_deref(), world));
            let url = format!("unix://{}", path.display());
            Ok((url, FcgiAddress::Unix { path, owner, mode: mode.unwrap_or(0o700) }))
        }
        Some(("tcp", address)) => {
            let (host, port) = setting::inet_address(address)?;
            let ip = world.host.address(&host)?;
            Ok((format!("tcp://{host}:{port}"), FcgiAddress::Tcp { ip, port }))
        }
        _ => Err(format!("{text:?} is not a socket: expected unix:///PATH or tcp://HOST:PORT")),
    });
    if matches!(socket, Some((_, FcgiAddress::Tcp { .. }))) && (owner.is_some() || mode.is_some()) {
        let message = "is a TCP socket, which has no owner and no mode: expected neither";
        section.error("socket", message.to_owned());
    }
    if section.raw_text("socket").is_none() {
        let message = "has no socket: expected socket=unix:///PATH or socket=tcp://HOST:PORT";
        section.note(Severity::Error, None, message.to_owned());
    }
    let backlog = backlog.and_then(|backlog| u32::try_from(backlog).ok());
    match socket {
        Some((url, address)) => {
            ProcessKind::FastCgi(Arc::new(FcgiSocket { url, address, backlog }))
        }
        // The configuration has an error.
        None => ProcessKind::Program,
    }
}

/// Who can connect if nothing else is said: the program, where it runs as somebody else.
fn owner_of(user: Option<&User>, world: &World<'_>) -> Option<(u32, Option<u32>)> {
    let user = user.filter(|user| user.uid != world.host.uid())?;
    Some((user.uid, Some(user.gid)))
}
