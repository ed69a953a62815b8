//! Events as they are sent: the lines of one, its data as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::kind::Kind;
use crate::api::report::Report;
use crate::api::usage::history::History;
use crate::api::usage::{NodeUsage, Sample};
use crate::api::{Caller, DaemonFacts};
use crate::model::{ProcessId, ProcessInfo, Snapshot, StateCode, SupervisorState, WallTime};

/// Points of the history that a snapshot holds of all programs together; past it only every second
/// one is sent, or every third, and so on.
const HISTORY_POINTS_MAX: usize = 24_000;

/// What an event of its own serial number says.
pub struct Told<'a> {
    /// Its serial number.
    pub serial: u64,
    /// The moment.
    pub time: WallTime,
    /// This node.
    pub node: &'a str,
}

impl Told<'_> {
    /// A process passed from one state to another, or something else of it changed.
    pub fn changed(&self, before: &ProcessInfo, after: &ProcessInfo) -> (Kind, Bytes) {
        let process = Report::new(after, self.node, self.time);
        if before.state == after.state {
            let data = Process { serial: self.serial, time: self.time.as_secs_f64(), process };
            return self.numbered(Kind::ProcessInfo, &data);
        }
        // The last failure and the giving up are one turn: its way led through BACKOFF.
        let fatal = after.state == StateCode::Fatal;
        let from = if fatal { StateCode::Backoff } else { before.state };
        let data = Passage {
            serial: self.serial,
            time: self.time.as_secs_f64(),
            from: from.name(),
            to: after.state.name(),
            process,
        };
        self.numbered(Kind::ProcessState, &data)
    }

    /// A process joined the fleet.
    pub fn added(&self, process: &ProcessInfo) -> (Kind, Bytes) {
        let process = Report::new(process, self.node, self.time);
        let data = Process { serial: self.serial, time: self.time.as_secs_f64(), process };
        self.numbered(Kind::ProcessAdded, &data)
    }

    /// A process left it.
    pub fn removed(&self, process: &ProcessInfo) -> (Kind, Bytes) {
        let (group, name) = (&*process.id.group, &*process.id.name);
        let id = process.id.to_string();
        let data = json!({
            "serial": self.serial, "time": self.time.as_secs_f64(),
            "id": id, "group": group, "name": name,
        });
        self.numbered(Kind::ProcessRemoved, &data)
    }

    /// The supervisor itself passed from one state to another.
    pub fn supervisor(&self, from: SupervisorState, to: SupervisorState) -> (Kind, Bytes) {
        let data = json!({
            "serial": self.serial, "time": self.time.as_secs_f64(),
            "from": from.name(), "to": to.name(),
        });
        self.numbered(Kind::SupervisorState, &data)
    }

    /// The configuration is being read anew, or was.
    pub fn reload(&self, active: bool) -> (Kind, Bytes) {
        let data = json!({
            "serial": self.serial, "time": self.time.as_secs_f64(), "active": active,
        });
        self.numbered(Kind::Reload, &data)
    }

    /// Something was written. Not numbered: it is not kept.
    pub fn log(&self, id: &ProcessId, channel: &str) -> Bytes {
        let data = json!({
            "serial": self.serial, "time": self.time.as_secs_f64(),
            "id": id.to_string(), "channel": channel,
        });
        event(Kind::ProcessLog.name(), None, &data)
    }

    fn numbered(&self, kind: Kind, data: &impl Serialize) -> (Kind, Bytes) {
        (kind, event(kind.name(), Some(self.serial), data))
    }
}

#[derive(Serialize)]
struct Passage<'a> {
    serial: u64,
    time: f64,
    from: &'static str,
    to: &'static str,
    process: Report<'a>,
}

#[derive(Serialize)]
struct Process<'a> {
    serial: u64,
    time: f64,
    process: Report<'a>,
}

/// The lines of an event.
pub fn event(name: &str, id: Option<u64>, data: &impl Serialize) -> Bytes {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    if let Some(id) = id {
        out.extend_from_slice(b"\nid: ");
        out.extend_from_slice(id.to_string().as_bytes());
    }
    out.extend_from_slice(b"\ndata: ");
    // Cannot fail: every key is text. JSON has no line ends of its own.
    let _ = serde_json::to_writer(&mut out, data);
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// The sign of life.
pub fn tick(sample: &Sample, node: &str) -> Bytes {
    #[derive(Serialize)]
    struct Tick<'a> {
        time: f64,
        node: Node<'a>,
        #[serde(serialize_with = "used")]
        usage: &'a Sample,
    }

    fn used<S: Serializer>(sample: &&Sample, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            sample
                .processes
                .iter()
                .map(|(id, used)| (id.to_string(), (tenths(used.cpu_percent), used.memory))),
        )
    }

    let told = Node::new(node, sample.node);
    let data = Tick { time: sample.at.as_secs_f64(), node: told, usage: sample };
    event(Kind::Tick.name(), None, &data)
}

/// What a node uses.
#[derive(Serialize)]
struct Node<'a> {
    name: &'a str,
    cpu_percent: f64,
    mem_total: u64,
    mem_used: u64,
    mem_used_percent: f64,
}

impl<'a> Node<'a> {
    fn new(name: &'a str, used: NodeUsage) -> Self {
        Self {
            name,
            cpu_percent: tenths(used.cpu_percent),
            mem_total: used.memory_total,
            mem_used: used.memory_used,
            mem_used_percent: tenths(used.memory_percent()),
        }
    }
}

/// Everything as it is.
pub struct Whole {
    /// The fleet.
    pub snapshot: Arc<Snapshot>,
    /// The last event that is in it.
    pub serial: u64,
    /// The moment.
    pub time: WallTime,
}

impl Whole {
    /// The beginning of a snapshot, which is each reader's own: up to the comma before what
    /// [`Whole::shared`] gives.
    pub fn own(&self, node: &str, facts: &DaemonFacts, caller: &Caller) -> Bytes {
        let state = self.snapshot.state;
        let supervisor = json!({
            "node": node,
            "identifier": facts.identifier,
            "version": env!("CARGO_PKG_VERSION"),
            "pid": facts.pid,
            "state": state.number(),
            "statename": state.name(),
            "started": facts.started.as_secs_f64(),
            "config_file": facts.config_file.to_string_lossy(),
            "role": caller.role.name(),
            "user": caller.name.as_deref(),
        });
        let (serial, time) = (self.serial, self.time.as_secs_f64());
        let text = format!(
            "event: snapshot\ndata: {{\"serial\":{serial},\"time\":{time},\"supervisor\":{supervisor},"
        );
        text.into()
    }

    /// The rest, which is the same for everybody. For a large fleet that takes a while.
    pub fn shared(&self, node: &str, history: &History) -> Bytes {
        #[derive(Serialize)]
        struct Rest<'a> {
            groups: Vec<serde_json::Value>,
            #[serde(serialize_with = "reports")]
            processes: (&'a Whole, &'a str),
            #[serde(serialize_with = "points")]
            history: &'a History,
            node_history: Vec<(f64, f64, f64)>,
        }

        fn reports<S: Serializer>(
            (whole, node): &(&Whole, &str),
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            let all = whole.snapshot.processes.values();
            let mut list = serializer.serialize_seq(Some(whole.snapshot.processes.len()))?;
            for process in all {
                list.serialize_element(&Report::new(process, node, whole.time))?;
            }
            list.end()
        }

        let groups = self.snapshot.groups.iter();
        let rest = Rest {
            groups: groups
                .map(|(name, group)| match group.events_dropped {
                    None => json!({"name": name.as_str(), "priority": group.priority}),
                    Some(dropped) => json!({
                        "name": name.as_str(),
                        "priority": group.priority,
                        "events_dropped": dropped,
                    }),
                })
                .collect(),
            processes: (self, node),
            history,
            node_history: history
                .node()
                .map(|(at, cpu, memory)| (seconds(at), tenths(cpu), tenths(memory)))
                .collect(),
        };
        let mut out = Vec::with_capacity(1024 * (self.snapshot.processes.len() + 1));
        // Cannot fail: every key is text.
        let _ = serde_json::to_writer(&mut out, &rest);
        // It goes on where `own` ends, in the same object.
        if let Some(first) = out.first_mut() {
            *first = b' ';
        }
        out.extend_from_slice(b"\n\n");
        out.shrink_to_fit();
        out.into()
    }
}

/// The history of each program, thinned where there are many.
fn points<S: Serializer>(history: &&History, serializer: S) -> Result<S::Ok, S::Error> {
    let every = history.len().div_ceil(HISTORY_POINTS_MAX).max(1);
    let mut map = serializer.serialize_map(None)?;
    for (id, points) in history.processes() {
        let points: Vec<_> = points.collect();
        // From the end, so that the newest is among them.
        let skip = points.len().saturating_sub(1) % every;
        let kept = points.into_iter().skip(skip).step_by(every);
        let kept: Vec<_> = kept
            .map(|point| (seconds(point.at), tenths(point.cpu_percent), point.memory))
            .collect();
        map.serialize_entry(&id.to_string(), &kept)?;
    }
    map.end()
}

/// What is kept of channels that wrote: how many bytes each had written when last looked at.
#[derive(Debug, Default)]
pub struct Written(BTreeMap<ProcessId, [u64; 2]>);

impl Written {
    /// Takes in what a process has written by now: which of its two channels wrote since. One
    /// that is seen for the first time has written nothing yet, as far as is known.
    pub fn since(&mut self, id: &ProcessId, now: [u64; 2]) -> [bool; 2] {
        match self.0.insert(id.clone(), now) {
            Some(before) => [before[0] != now[0], before[1] != now[1]],
            None => [false, false],
        }
    }
}

fn tenths(number: f32) -> f64 {
    (f64::from(number) * 10.0).round() / 10.0
}

/// To a tenth of a second: there are many of them.
fn seconds(at: WallTime) -> f64 {
    (at.as_secs_f64() * 10.0).round() / 10.0
}
