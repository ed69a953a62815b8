//! Events as the reference tells them: their types, what each is a kind of, and their text.
//!
//! Event listeners and D-Bus get the same texts from here (Supervisor's manual, "Event Types").

use std::fmt;

use super::{GroupName, ProcessId, StateCode};

/// A type of event: one that happens, or what several have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "their names are the reference's")]
pub enum EventType {
    Event,
    ProcessState,
    ProcessStateStopped,
    ProcessStateExited,
    ProcessStateStarting,
    ProcessStateStopping,
    ProcessStateBackoff,
    ProcessStateFatal,
    ProcessStateRunning,
    ProcessStateUnknown,
    ProcessCommunication,
    ProcessCommunicationStdout,
    ProcessCommunicationStderr,
    ProcessLog,
    ProcessLogStdout,
    ProcessLogStderr,
    RemoteCommunication,
    SupervisorStateChange,
    SupervisorStateChangeRunning,
    SupervisorStateChangeStopping,
    Tick,
    Tick5,
    Tick60,
    Tick3600,
    ProcessGroup,
    ProcessGroupAdded,
    ProcessGroupRemoved,
}

impl EventType {
    /// Every type, in the order of the enum.
    pub const ALL: [Self; 27] = [
        Self::Event,
        Self::ProcessState,
        Self::ProcessStateStopped,
        Self::ProcessStateExited,
        Self::ProcessStateStarting,
        Self::ProcessStateStopping,
        Self::ProcessStateBackoff,
        Self::ProcessStateFatal,
        Self::ProcessStateRunning,
        Self::ProcessStateUnknown,
        Self::ProcessCommunication,
        Self::ProcessCommunicationStdout,
        Self::ProcessCommunicationStderr,
        Self::ProcessLog,
        Self::ProcessLogStdout,
        Self::ProcessLogStderr,
        Self::RemoteCommunication,
        Self::SupervisorStateChange,
        Self::SupervisorStateChangeRunning,
        Self::SupervisorStateChangeStopping,
        Self::Tick,
        Self::Tick5,
        Self::Tick60,
        Self::Tick3600,
        Self::ProcessGroup,
        Self::ProcessGroupAdded,
        Self::ProcessGroupRemoved,
    ];

    /// Its name: `PROCESS_STATE_RUNNING`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "EVENT",
            Self::ProcessState => "PROCESS_STATE",
            Self::ProcessStateStopped => "PROCESS_STATE_STOPPED",
            Self::ProcessStateExited => "PROCESS_STATE_EXITED",
            Self::ProcessStateStarting => "PROCESS_STATE_STARTING",
            Self::ProcessStateStopping => "PROCESS_STATE_STOPPING",
            Self::ProcessStateBackoff => "PROCESS_STATE_BACKOFF",
            Self::ProcessStateFatal => "PROCESS_STATE_FATAL",
            Self::ProcessStateRunning => "PROCESS_STATE_RUNNING",
            Self::ProcessStateUnknown => "PROCESS_STATE_UNKNOWN",
            Self::ProcessCommunication => "PROCESS_COMMUNICATION",
            Self::ProcessCommunicationStdout => "PROCESS_COMMUNICATION_STDOUT",
            Self::ProcessCommunicationStderr => "PROCESS_COMMUNICATION_STDERR",
            Self::ProcessLog => "PROCESS_LOG",
            Self::ProcessLogStdout => "PROCESS_LOG_STDOUT",
            Self::ProcessLogStderr => "PROCESS_LOG_STDERR",
            Self::RemoteCommunication => "REMOTE_COMMUNICATION",
            Self::SupervisorStateChange => "SUPERVISOR_STATE_CHANGE",
            Self::SupervisorStateChangeRunning => "SUPERVISOR_STATE_CHANGE_RUNNING",
            Self::SupervisorStateChangeStopping => "SUPERVISOR_STATE_CHANGE_STOPPING",
            Self::Tick => "TICK",
            Self::Tick5 => "TICK_5",
            Self::Tick60 => "TICK_60",
            Self::Tick3600 => "TICK_3600",
            Self::ProcessGroup => "PROCESS_GROUP",
            Self::ProcessGroupAdded => "PROCESS_GROUP_ADDED",
            Self::ProcessGroupRemoved => "PROCESS_GROUP_REMOVED",
        }
    }

    /// What it is a kind of; `None` for the root of all.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        Some(match self {
            Self::Event => return None,
            Self::ProcessState
            | Self::ProcessCommunication
            | Self::ProcessLog
            | Self::RemoteCommunication
            | Self::SupervisorStateChange
            | Self::Tick
            | Self::ProcessGroup => Self::Event,
            Self::ProcessStateStopped
            | Self::ProcessStateExited
            | Self::ProcessStateStarting
            | Self::ProcessStateStopping
            | Self::ProcessStateBackoff
            | Self::ProcessStateFatal
            | Self::ProcessStateRunning
            | Self::ProcessStateUnknown => Self::ProcessState,
            Self::ProcessCommunicationStdout | Self::ProcessCommunicationStderr => {
                Self::ProcessCommunication
            }
            Self::ProcessLogStdout | Self::ProcessLogStderr => Self::ProcessLog,
            Self::SupervisorStateChangeRunning | Self::SupervisorStateChangeStopping => {
                Self::SupervisorStateChange
            }
            Self::Tick5 | Self::Tick60 | Self::Tick3600 => Self::Tick,
            Self::ProcessGroupAdded | Self::ProcessGroupRemoved => Self::ProcessGroup,
        })
    }

    /// The type of this name, whatever its case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| name.eq_ignore_ascii_case(kind.name()))
    }

    /// It, and everything it is a kind of.
    fn line(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |kind| kind.parent())
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Types that somebody subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSet(u32);

impl EventSet {
    /// No type.
    pub const NONE: Self = Self(0);

    /// These types.
    #[must_use]
    pub fn of(kinds: &[EventType]) -> Self {
        Self(kinds.iter().fold(0, |bits, kind| bits | kind.bit()))
    }

    /// Those of either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether an event of this type is wanted.
    #[must_use]
    pub fn wants(self, kind: EventType) -> bool {
        self.copies(kind) > 0
    }

    /// How often an event of this type is delivered: once for each subscription that it falls
    /// under, as in the reference.
    #[must_use]
    pub fn copies(self, kind: EventType) -> usize {
        kind.line().filter(|kind| self.0 & kind.bit() != 0).count()
    }

    /// As a number that [`EventSet::from_bits`] takes.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// What [`EventSet::bits`] gave.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// Something that happened, for whoever subscribed to its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its type.
    pub kind: EventType,
    /// Its text: `processname:cat groupname:cat from_state:STARTING pid:7`.
    pub payload: String,
}

/// What a process that changed its state has to tell beside that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateFacts {
    /// The child it has, or has had until now; 0 for none.
    pub pid: i32,
    /// Tries of its start that have failed in a row.
    pub tries: u32,
    /// Whether the exit was an expected one.
    pub expected: bool,
}

/// One of a program's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Descriptor 1; descriptor 2 too with `redirect_stderr`.
    Stdout,
    /// Descriptor 2.
    Stderr,
}

impl Notice {
    /// A process went from one state to another.
    #[must_use]
    pub fn state(id: &ProcessId, from: StateCode, to: StateCode, facts: StateFacts) -> Self {
        let StateFacts { pid, tries, expected } = facts;
        let (kind, more) = match to {
            StateCode::Stopped => (EventType::ProcessStateStopped, format!(" pid:{pid}")),
            StateCode::Starting => (EventType::ProcessStateStarting, format!(" tries:{tries}")),
            StateCode::Running => (EventType::ProcessStateRunning, format!(" pid:{pid}")),
            StateCode::Backoff => (EventType::ProcessStateBackoff, format!(" tries:{tries}")),
            StateCode::Stopping => (EventType::ProcessStateStopping, format!(" pid:{pid}")),
            StateCode::Exited => {
                let more = format!(" expected:{} pid:{pid}", u8::from(expected));
                (EventType::ProcessStateExited, more)
            }
            StateCode::Fatal => (EventType::ProcessStateFatal, String::new()),
            StateCode::Unknown => (EventType::ProcessStateUnknown, String::new()),
        };
        let payload =
            format!("processname:{} groupname:{} from_state:{from}{more}", id.name, id.group);
        Self { kind, payload }
    }

    /// A group became part of the fleet.
    #[must_use]
    pub fn group_added(name: &GroupName) -> Self {
        Self { kind: EventType::ProcessGroupAdded, payload: format!("groupname:{name}\n") }
    }

    /// A group is no longer part of the fleet.
    #[must_use]
    pub fn group_removed(name: &GroupName) -> Self {
        Self { kind: EventType::ProcessGroupRemoved, payload: format!("groupname:{name}\n") }
    }

    /// The supervisor begins its work.
    #[must_use]
    pub fn running() -> Self {
        Self { kind: EventType::SupervisorStateChangeRunning, payload: String::new() }
    }

    /// The supervisor begins to stop everything.
    #[must_use]
    pub fn stopping() -> Self {
        Self { kind: EventType::SupervisorStateChangeStopping, payload: String::new() }
    }

    /// A period of so many seconds begins at this second since the epoch.
    #[must_use]
    pub fn tick(kind: EventType, when: i64) -> Self {
        Self { kind, payload: format!("when:{when}") }
    }

    /// Somebody outside sends this (`sendRemoteCommEvent`).
    #[must_use]
    pub fn remote(kind: &str, data: &str) -> Self {
        let payload = format!("type:{kind}\n{data}");
        Self { kind: EventType::RemoteCommunication, payload }
    }

    /// A program has printed this.
    #[must_use]
    pub fn log(id: &ProcessId, pid: i32, channel: Channel, data: &[u8]) -> Self {
        let (kind, name) = match channel {
            Channel::Stdout => (EventType::ProcessLogStdout, "stdout"),
            Channel::Stderr => (EventType::ProcessLogStderr, "stderr"),
        };
        let (group, process) = (&id.group, &id.name);
        let head = format!("processname:{process} groupname:{group} pid:{pid} channel:{name}\n");
        Self { kind, payload: head + &as_text(data) }
    }

    /// A program has printed this between communication markers.
    #[must_use]
    pub fn communication(id: &ProcessId, pid: i32, channel: Channel, data: &[u8]) -> Self {
        let kind = match channel {
            Channel::Stdout => EventType::ProcessCommunicationStdout,
            Channel::Stderr => EventType::ProcessCommunicationStderr,
        };
        let head = format!("processname:{} groupname:{} pid:{pid}\n", id.name, id.group);
        Self { kind, payload: head + &as_text(data) }
    }
}

/// UTF-8 as it is; anything else as the reference shows it, with its bytes written as Python
/// writes them.
fn as_text(data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("Undecodable: {}", python_bytes(data)),
    }
}

/// Bytes as Python's `repr` has them: `b'a\xff\n'`.
#[must_use]
pub fn python_bytes(data: &[u8]) -> String {
    let quote = if data.contains(&b'\'') && !data.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for &byte in data {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b' '..=b'~' if char::from(byte) == quote => {
                text.push('\\');
                text.push(quote);
            }
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name_of_its_own_and_leads_to_the_root() {
        for (at, kind) in EventType::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            assert_eq!(EventType::parse(&kind.name().to_lowercase()), Some(kind));
            assert_eq!(kind.line().last(), Some(EventType::Event));
            if let Some(parent) = kind.parent().filter(|&parent| parent != EventType::Event) {
                assert!(kind.name().starts_with(parent.name()), "{kind} is no {parent}");
            }
        }
        assert_eq!(EventType::parse("PROCESS"), None);
    }

    #[test]
    fn a_subscription_covers_what_is_below_it_and_counts_each_time() {
        let set = EventSet::of(&[EventType::ProcessState, EventType::ProcessStateRunning]);
        assert_eq!(set.copies(EventType::ProcessStateRunning), 2);
        assert_eq!(set.copies(EventType::ProcessStateExited), 1);
        assert!(!set.wants(EventType::Tick5));
        let all = EventSet::of(&[EventType::Event]);
        assert!(EventType::ALL.into_iter().all(|kind| all.wants(kind)));
        assert_eq!(EventSet::from_bits(set.bits()), set);
    }

    #[test]
    fn texts_are_the_references() {
        let id = ProcessId::new("g", "p");
        let facts = StateFacts { pid: 7, tries: 2, expected: false };
        let check = |to: StateCode, expected: &str| {
            let notice = Notice::state(&id, StateCode::Running, to, facts);
            assert_eq!(
                notice.payload,
                format!("processname:p groupname:g from_state:RUNNING{expected}")
            );
            assert_eq!(notice.kind.name(), format!("PROCESS_STATE_{to}"));
        };
        check(StateCode::Stopped, " pid:7");
        check(StateCode::Starting, " tries:2");
        check(StateCode::Running, " pid:7");
        check(StateCode::Backoff, " tries:2");
        check(StateCode::Stopping, " pid:7");
        check(StateCode::Exited, " expected:0 pid:7");
        check(StateCode::Fatal, "");
        check(StateCode::Unknown, "");
        let log = Notice::log(&id, 7, Channel::Stderr, "hé\n".as_bytes());
        assert_eq!(log.payload, "processname:p groupname:g pid:7 channel:stderr\nhé\n");
        let comm = Notice::communication(&id, 7, Channel::Stdout, b"a'\xff\n");
        let shown = "processname:p groupname:g pid:7\nUndecodable: b\"a'\\xff\\n\"";
        assert_eq!(comm.payload, shown);
    }
}
