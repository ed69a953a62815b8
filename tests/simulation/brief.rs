//! Events and effects in few words, for traces.

use supervisord::core::{Command, Effect, Event};

/// Settings are long; a trace names whose they are.
pub fn effect(this: &Effect) -> String {
    match this {
        Effect::Spawn { process, .. } => format!("    Spawn {process}"),
        Effect::ProcessAdded { process, .. } => format!("    ProcessAdded {process}"),
        other => format!("    {other:?}"),
    }
}

pub fn event(this: &Event) -> String {
    let Event::Command {
        command: Command::Update { groups } | Command::Reread { groups },
        reply_to,
    } = this
    else {
        return format!("{this:?}");
    };
    let names: Vec<String> = groups
        .iter()
        .flat_map(|group| {
            group.processes.iter().map(|member| {
                let startsecs = member.startsecs.as_secs();
                format!("{}:{} {} {startsecs}s", group.name, member.name, member.command)
            })
        })
        .collect();
    format!("new configuration {names:?} {reply_to:?}")
}
