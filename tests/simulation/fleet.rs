//! Random configurations.

use std::sync::Arc;
use std::time::Duration;

use supervisord::config::setting::Autorestart;
use supervisord::config::{GroupKind, GroupSettings, PoolSettings, ProcessKind, ProcessSettings};
use supervisord::core::LogNaming;
use supervisord::model::{EventSet, EventType, ProcessId};

use crate::random::Random;

const GROUP_NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const PROCESS_NAMES: [&str; 3] = ["x", "y", "z"];

/// Every name a command may use, known to the fleet or not.
pub fn any_process(random: &mut Random) -> ProcessId {
    ProcessId::new(*random.pick(&GROUP_NAMES), *random.pick(&PROCESS_NAMES))
}

/// A configuration of up to five groups of up to three processes.
pub fn groups(random: &mut Random) -> Vec<Arc<GroupSettings>> {
    let mut groups: Vec<_> = GROUP_NAMES
        .iter()
        .filter_map(|name| {
            if random.once_in(4) {
                return None;
            }
            let members = PROCESS_NAMES.iter().filter(|_| !random.once_in(3)).copied();
            let members: Vec<_> = members.collect();
            let kind = kind(random);
            Some(Arc::new(GroupSettings {
                name: (*name).into(),
                kind,
                priority: random.below(3) as i32,
                processes: members.iter().map(|name| process(name, kind, random)).collect(),
            }))
        })
        .collect();
    groups.sort_by_key(|group| group.priority);
    groups
}

/// Some of the groups as they were, some made anew: what an edited file looks like.
pub fn edited(old: &[Arc<GroupSettings>], random: &mut Random) -> Vec<Arc<GroupSettings>> {
    let mut groups: Vec<_> = groups(random)
        .into_iter()
        .map(|new| match old.iter().find(|group| group.name == new.name) {
            Some(kept) if !random.once_in(3) => Arc::clone(kept),
            Some(kept) if random.once_in(2) => {
                // One member changes, the others stay.
                let mut group = (**kept).clone();
                if let GroupKind::EventListener(pool) = &mut group.kind {
                    *pool = settings(random);
                }
                for member in &mut group.processes {
                    if random.once_in(2) {
                        *member = process(&member.name, group.kind, random);
                    }
                }
                Arc::new(group)
            }
            _ => new,
        })
        .collect();
    groups.sort_by_key(|group| group.priority);
    groups
}

/// One group in three is a pool of listeners.
fn kind(random: &mut Random) -> GroupKind {
    if random.once_in(3) { GroupKind::EventListener(settings(random)) } else { GroupKind::Group }
}

fn settings(random: &mut Random) -> PoolSettings {
    let kinds: Vec<EventType> =
        (0..=random.below(3)).map(|_| *random.pick(&EventType::ALL)).collect();
    let buffer_size = 1 + random.below(8) as usize;
    PoolSettings { events: EventSet::of(&kinds), buffer_size, judged: true }
}

fn process(name: &str, kind: GroupKind, random: &mut Random) -> Arc<ProcessSettings> {
    let restarts = [Autorestart::Always, Autorestart::Unexpected, Autorestart::Never];
    let notify = random.once_in(3);
    let watchdogsecs = if notify { random.below(4) } else { 0 };
    let kind = match kind {
        GroupKind::EventListener(_) => ProcessKind::Listener,
        GroupKind::Program | GroupKind::Group | GroupKind::FastCgi => ProcessKind::Program,
    };
    Arc::new(ProcessSettings {
        kind,
        notify,
        watchdogsecs: Duration::from_secs(watchdogsecs),
        priority: random.below(3) as i32,
        autostart: !random.once_in(4),
        autorestart: *random.pick(&restarts),
        startsecs: Duration::from_secs(random.below(4)),
        startretries: random.below(4) as u32,
        stopwaitsecs: Duration::from_secs(random.below(5)),
        stopasgroup: random.once_in(2),
        killasgroup: random.once_in(2),
        ..ProcessSettings::new(name, &format!("/bin/{name} {}", random.below(1000)))
    })
}

/// Half of the worlds have control groups.
pub fn naming(random: &mut Random) -> LogNaming {
    let control_group = random.once_in(2).then(|| "/service".to_owned());
    LogNaming { directory: "/logs".into(), identifier: "simulation".into(), seed: 1, control_group }
}
