//! What each command does.

use std::sync::Arc;

use super::Supervisor;
use super::effect::{Effect, Mood};
use super::event::{Changes, Command, Reply, ReplyTo};
use super::state::AfterStop;
use super::transition::Input;
use super::waiter::{Asker, Want};
use crate::config::setting::LogLevel;
use crate::config::{GroupSettings, changes};
use crate::model::{Error, ErrorKind, GroupName, Now, ProcessId, Signal, StateCode};

/// What a bulk command does to each of its processes.
#[derive(Clone, Copy)]
enum Verb {
    Start { wait: bool },
    Stop { wait: bool },
    Restart { wait: bool },
    Signal(Signal),
}

impl Verb {
    /// Which processes it passes over in silence.
    fn concerns(self, state: StateCode) -> bool {
        match self {
            Self::Start { .. } => !state.is_running(),
            Self::Stop { .. } => state.is_running() || state == StateCode::Stopping,
            Self::Restart { .. } => true,
            Self::Signal(_) => state.is_signallable(),
        }
    }

    /// Whether the last to be started is the first to be dealt with.
    fn backwards(self) -> bool {
        matches!(self, Self::Stop { .. } | Self::Restart { .. })
    }
}

impl Supervisor {
    /// Does what is asked, or refuses. The answer may come in a later turn, but it comes.
    pub(super) fn command(&mut self, command: Command, to: ReplyTo, now: Now) {
        // As in the reference, events can still be sent when nothing else can be done.
        if self.course.is_ending() && !matches!(command, Command::SendEvent { .. }) {
            return self.reply(to, Err(ErrorKind::ShutdownState.into()));
        }
        match command {
            Command::Start { process, wait } => self.one(&process, Verb::Start { wait }, to, now),
            Command::Stop { process, wait } => self.one(&process, Verb::Stop { wait }, to, now),
            Command::Restart { process, wait } => {
                self.one(&process, Verb::Restart { wait }, to, now);
            }
            Command::Signal { process, signal } => {
                self.one(&process, Verb::Signal(signal), to, now);
            }
            Command::StartGroup { group, wait } => {
                self.group(&group, Verb::Start { wait }, to, now);
            }
            Command::StopGroup { group, wait } => self.group(&group, Verb::Stop { wait }, to, now),
            Command::RestartGroup { group, wait } => {
                self.group(&group, Verb::Restart { wait }, to, now);
            }
            Command::SignalGroup { group, signal } => {
                self.group(&group, Verb::Signal(signal), to, now);
            }
            Command::StartAll { wait } => self.all(Verb::Start { wait }, to, now),
            Command::StopAll { wait } => self.all(Verb::Stop { wait }, to, now),
            Command::SignalAll { signal } => self.all(Verb::Signal(signal), to, now),
            Command::SendStdin { process, bytes } => self.send_stdin(process, bytes, to),
            Command::Reread { groups } => {
                let found = self.changes_to(&groups);
                self.latest = groups;
                self.reply(to, Ok(Reply::Changes(found)));
            }
            Command::Update { groups } => self.update(groups, to, now),
            Command::AddGroup { group } => self.activate(&group, to, now),
            Command::RemoveGroup { group } => self.deactivate(&group, to),
            Command::SendEvent { notice } => {
                self.notify(notice);
                self.reply(to, Ok(Reply::Done));
            }
            Command::Shutdown => {
                self.reply(to, Ok(Reply::Done));
                self.end(Mood::Shutdown, now);
            }
            Command::RestartDaemon => {
                self.reply(to, Ok(Reply::Done));
                self.end(Mood::Restart, now);
            }
        }
    }

    pub(super) fn reply(&mut self, to: ReplyTo, outcome: Result<Reply, Error>) {
        self.effects.push_back(Effect::Reply { to, outcome });
    }

    pub(super) fn changes_to(&self, groups: &[Arc<GroupSettings>]) -> Changes {
        changes(&self.active_groups(), groups)
    }

    fn one(&mut self, process: &ProcessId, verb: Verb, to: ReplyTo, now: Now) {
        if self.processes.contains_key(process) {
            self.act(process, verb, Asker::Request(to), now);
        } else {
            let error = Error::new(ErrorKind::BadName, process.to_string());
            self.reply(to, Err(error));
        }
    }

    fn group(&mut self, group: &GroupName, verb: Verb, to: ReplyTo, now: Now) {
        if self.groups.contains_key(group) {
            self.several(self.members(group), verb, to, now);
        } else {
            self.reply(to, Err(Error::new(ErrorKind::BadName, group.as_str())));
        }
    }

    fn all(&mut self, verb: Verb, to: ReplyTo, now: Now) {
        let everyone = self.start_order();
        self.several(everyone, verb, to, now);
    }

    fn several(&mut self, mut members: Vec<ProcessId>, verb: Verb, to: ReplyTo, now: Now) {
        members.retain(|id| self.code_of(id).is_some_and(|code| verb.concerns(code)));
        if verb.backwards() {
            members.reverse();
        }
        self.waiters.open_batch(to, members.len(), &mut self.effects);
        for id in members {
            self.act(&id, verb, Asker::Batch(to), now);
        }
    }

    /// Does it to one process. Whoever asked is answered at once or parked.
    fn act(&mut self, id: &ProcessId, verb: Verb, asker: Asker, now: Now) {
        let Some(code) = self.code_of(id) else { return };
        let refuse = |kind| Err(Error::new(kind, id.to_string()));
        let (input, want) = match verb {
            Verb::Start { .. } if code.is_running() => {
                return self.answer(asker, id, refuse(ErrorKind::AlreadyStarted));
            }
            Verb::Start { wait } => (Input::Start { by_request: true }, started(wait)),
            Verb::Stop { .. }
                if !code.is_running() && code != StateCode::Unknown && !self.will_start(id) =>
            {
                return self.answer(asker, id, refuse(ErrorKind::NotRunning));
            }
            Verb::Stop { wait } => {
                (Input::Stop { then: AfterStop::Rest }, wait.then_some(Want::AtRest))
            }
            Verb::Restart { wait } => (Input::Stop { then: AfterStop::Start }, started(wait)),
            Verb::Signal(_) if !code.is_signallable() => {
                return self.answer(asker, id, refuse(ErrorKind::NotRunning));
            }
            Verb::Signal(signal) => {
                self.send_signal(id, signal);
                return self.answer(asker, id, Ok(()));
            }
        };
        self.apply(id, input, now);
        let at_rest = self.code_of(id).is_none_or(StateCode::is_stopped);
        let promised = self.code_of(id) == Some(StateCode::Stopping) && self.will_start(id);
        match want {
            Some(Want::AtRest) if at_rest => self.answer(asker, id, Ok(())),
            // Who does not want to wait is not made to: it starts once it has stopped.
            Some(Want::Launched) if promised => self.answer(asker, id, Ok(())),
            Some(want) => self.waiters.park(id, want, asker, now.monotonic, &mut self.effects),
            None => self.answer(asker, id, Ok(())),
        }
    }

    fn answer(&mut self, asker: Asker, id: &ProcessId, result: Result<(), Error>) {
        self.waiters.answer(asker, id, result, &mut self.effects);
    }

    fn send_signal(&mut self, id: &ProcessId, signal: Signal) {
        let Some(pid) = self.pid_of(id) else { return };
        let line = format!("sending {} (pid {pid}) sig {signal}", id.name);
        self.log(LogLevel::Debug, line);
        let process = id.clone();
        self.effects.push_back(Effect::Kill { process, pid, signal, group: false });
    }

    fn send_stdin(&mut self, process: ProcessId, bytes: Vec<u8>, to: ReplyTo) {
        match self.code_of(&process) {
            None => self.reply(to, Err(Error::new(ErrorKind::BadName, process.to_string()))),
            Some(StateCode::Running | StateCode::Starting) if self.pid_of(&process).is_some() => {
                self.effects.push_back(Effect::WriteStdin { process, bytes, reply_to: to });
            }
            Some(_) => self.reply(to, Err(Error::new(ErrorKind::NotRunning, process.to_string()))),
        }
    }

    fn activate(&mut self, name: &GroupName, to: ReplyTo, now: Now) {
        if self.course.is_updating() {
            return self.reply(to, Err(update_under_way()));
        }
        let found = self.latest.iter().find(|group| group.name == *name).cloned();
        let outcome = match found {
            Some(_) if self.groups.contains_key(name) => Err(ErrorKind::AlreadyAdded),
            None => Err(ErrorKind::BadName),
            Some(settings) => {
                self.add_group(&settings);
                self.autostart(self.members(name), now);
                Ok(Reply::Done)
            }
        };
        self.reply(to, outcome.map_err(|kind| Error::new(kind, name.as_str())));
    }

    fn deactivate(&mut self, name: &GroupName, to: ReplyTo) {
        if self.course.is_updating() {
            return self.reply(to, Err(update_under_way()));
        }
        // An UNKNOWN process may still have its child, which would be lost.
        let runs = |id: &ProcessId| !self.is_at_rest(id) || self.pid_of(id).is_some();
        let outcome = if !self.groups.contains_key(name) {
            Err(ErrorKind::BadName)
        } else if self.members(name).iter().any(runs) {
            Err(ErrorKind::StillRunning)
        } else {
            self.remove_group(name);
            Ok(Reply::Done)
        };
        self.reply(to, outcome.map_err(|kind| Error::new(kind, name.as_str())));
    }

    /// The public state of a process, if there is one of that identity.
    #[must_use]
    pub fn code_of(&self, id: &ProcessId) -> Option<StateCode> {
        self.processes.get(id).map(|process| process.state().code())
    }

    pub(super) fn is_at_rest(&self, id: &ProcessId) -> bool {
        self.code_of(id).is_none_or(StateCode::is_stopped)
    }

    /// Whether a start is promised to a process that does not run.
    fn will_start(&self, id: &ProcessId) -> bool {
        self.processes.get(id).is_some_and(|found| found.will_start())
    }
}

/// Two hands at the list of groups would leave it as neither wants it.
fn update_under_way() -> Error {
    Error::new(ErrorKind::Failed, "a new configuration is being applied, try again after it")
}

fn started(wait: bool) -> Option<Want> {
    Some(if wait { Want::Running } else { Want::Launched })
}
