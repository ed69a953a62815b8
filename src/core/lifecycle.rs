//! The courses the whole fleet can be on: steady, taking over a new configuration, ending.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::Supervisor;
use super::effect::{Effect, Mood};
use super::event::{Changes, Reply, ReplyTo};
use super::state::{AfterStop, State};
use super::transition::Input;
use crate::config::GroupSettings;
use crate::config::setting::LogLevel;
use crate::model::{Error, ErrorKind, GroupName, Instant, Notice, Now, ProcessId, SupervisorState};

/// How often a shutdown says whom it waits for; the reference's figure.
pub const SHUTDOWN_REPORT_EVERY: Duration = Duration::from_secs(3);

/// Updates that may wait for the one under way; past it an update is refused.
pub const UPDATES_WAITING_MAX: usize = 16;

/// What the fleet as a whole is about.
#[derive(Debug)]
pub enum Course {
    /// Nothing but its work.
    Steady,
    /// Taking over a new configuration.
    Updating(Update),
    /// Stopping everything.
    Ending(Ending),
}

/// A configuration on its way in: what leaves is stopped, then what comes is added.
#[derive(Debug)]
pub struct Update {
    groups: Vec<Arc<GroupSettings>>,
    changes: Changes,
    /// What is still to stop.
    leaving: BTreeSet<ProcessId>,
    /// What a person had stopped before; it comes back stopped.
    held: BTreeSet<ProcessId>,
    /// What could not be stopped; it stays as it is.
    stuck: BTreeSet<ProcessId>,
    reply_to: ReplyTo,
    waiting: VecDeque<(Vec<Arc<GroupSettings>>, ReplyTo)>,
}

/// The end, group by group.
#[derive(Debug)]
pub struct Ending {
    mood: Mood,
    /// What of the present priority still runs.
    present: BTreeSet<ProcessId>,
    /// What follows, the next one last.
    tiers: Vec<Vec<ProcessId>>,
    report_at: Instant,
    finished: bool,
}

impl Course {
    /// Whether nothing may be started any more.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self, Self::Ending(_))
    }

    /// Whether the end has come.
    pub(super) fn is_finished(&self) -> bool {
        matches!(self, Self::Ending(Ending { finished: true, .. }))
    }

    /// Whether a new configuration is being taken over.
    pub(super) fn is_updating(&self) -> bool {
        matches!(self, Self::Updating(_))
    }

    /// Whether this process is on its way out of the fleet.
    pub(super) fn is_leaving(&self, process: &ProcessId) -> bool {
        matches!(self, Self::Updating(update) if update.leaving.contains(process))
    }

    /// When the course itself wants to be looked at.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Ending(Ending { report_at, finished: false, .. }) => Some(*report_at),
            Self::Ending(_) | Self::Steady | Self::Updating(_) => None,
        }
    }
}

impl Supervisor {
    /// Takes over a configuration. Processes whose settings are the same are not touched.
    pub(super) fn update(&mut self, groups: Vec<Arc<GroupSettings>>, to: ReplyTo, now: Now) {
        if let Course::Updating(update) = &mut self.course {
            if update.waiting.len() < UPDATES_WAITING_MAX {
                update.waiting.push_back((groups, to));
            } else {
                let error = Error::new(ErrorKind::Failed, "too many updates are under way");
                self.reply(to, Err(error));
            }
            return;
        }
        let changes = self.changes_to(&groups);
        let wanted = |group: &GroupName| groups.iter().find(|found| found.name == *group);
        let mut leaving = Vec::new();
        for id in self.start_order().into_iter().rev() {
            let Some(process) = self.processes.get(&id) else {
                continue;
            };
            let stays = wanted(&id.group).is_some_and(|group| {
                group.processes.iter().any(|new| new.name == id.name && **new == *process.settings)
            });
            if !stays {
                leaving.push(id);
            }
        }
        let held = leaving.iter().filter(|id| self.is_held(id)).cloned().collect();
        self.latest.clone_from(&groups);
        self.course = Course::Updating(Update {
            groups,
            changes,
            leaving: leaving.iter().cloned().collect(),
            held,
            stuck: BTreeSet::new(),
            reply_to: to,
            waiting: VecDeque::new(),
        });
        for id in &leaving {
            self.stop(id, now);
            self.moved(id, now);
        }
        self.finish_update(now);
    }

    /// Ends: stops everything, by descending priority, then reports that it is done.
    pub(super) fn end(&mut self, mood: Mood, now: Now) {
        self.snapshot.state = match mood {
            Mood::Shutdown => SupervisorState::Shutdown,
            Mood::Restart => SupervisorState::Restarting,
        };
        self.changed = true;
        if let Course::Ending(ending) = &mut self.course {
            // A shutdown wins over a restart; the stopping goes on as it was.
            ending.mood = mood;
            return;
        }
        self.notify(Notice::stopping());
        let mut groups: Vec<_> = self.groups.values().collect();
        groups.sort_by_key(|group| group.rank());
        let mut tiers: Vec<(i32, Vec<ProcessId>)> = Vec::new();
        for group in groups {
            let priority = group.settings.priority;
            match tiers.last_mut() {
                Some((same, members)) if *same == priority => {
                    members.extend(self.members(&group.settings.name));
                }
                _ => tiers.push((priority, self.members(&group.settings.name))),
            }
        }
        let tiers = tiers.into_iter().map(|(_, members)| members).collect();
        let ending = Ending {
            mood,
            present: BTreeSet::new(),
            tiers,
            report_at: now.monotonic + SHUTDOWN_REPORT_EVERY,
            finished: false,
        };
        let before = std::mem::replace(&mut self.course, Course::Ending(ending));
        if let Course::Updating(update) = before {
            let gone = || Err(ErrorKind::ShutdownState.into());
            self.reply(update.reply_to, gone());
            for (_, to) in update.waiting {
                self.reply(to, gone());
            }
        }
        self.forgo_starts(now);
        self.next_tier(now);
        self.report_waiting();
    }

    /// Called after every move of a process: does its course go on?
    pub(super) fn moved(&mut self, id: &ProcessId, now: Now) {
        let at_rest = self.is_at_rest(id);
        let has_child = self.pid_of(id).is_some();
        match &mut self.course {
            Course::Steady => {}
            Course::Updating(update) => {
                if !update.leaving.contains(id) {
                    return;
                }
                if at_rest {
                    update.leaving.remove(id);
                    // Its child may live on: to replace it would be to run it twice.
                    if has_child {
                        update.stuck.insert(id.clone());
                    } else {
                        self.remove_process(id);
                    }
                    self.finish_update(now);
                } else if self.processes.get(id).is_some_and(|found| found.will_start()) {
                    self.stop(id, now);
                }
            }
            Course::Ending(ending) => {
                if at_rest && ending.present.remove(id) && ending.present.is_empty() {
                    self.next_tier(now);
                }
            }
        }
    }

    /// Says whom the shutdown waits for, when it is time.
    pub(super) fn report_course(&mut self, now: Now) {
        if let Course::Ending(ending) = &mut self.course
            && !ending.finished
            && ending.report_at <= now.monotonic
        {
            ending.report_at = now.monotonic + SHUTDOWN_REPORT_EVERY;
            self.report_waiting();
        }
    }

    /// A process that a person stopped, and that is to stay so.
    fn is_held(&self, id: &ProcessId) -> bool {
        self.processes
            .get(id)
            .is_some_and(|process| *process.state() == State::Stopped { by_request: true })
    }

    fn finish_update(&mut self, now: Now) {
        match &self.course {
            Course::Updating(update) if update.leaving.is_empty() => {}
            _ => return,
        }
        let Course::Updating(update) = std::mem::replace(&mut self.course, Course::Steady) else {
            return;
        };
        for name in &update.changes.removed {
            if !update.stuck.iter().any(|id| id.group == *name) {
                self.remove_group(name);
            }
        }
        let mut fresh = BTreeSet::new();
        for settings in &update.groups {
            self.take_over(settings, &mut fresh);
        }
        for id in update.held.intersection(&fresh) {
            if let Some(process) = self.processes.get_mut(id) {
                process.hold();
                let info = Arc::new(process.info());
                self.snapshot.processes.insert(id.clone(), info);
            }
        }
        let order = self.start_order().into_iter().filter(|id| fresh.contains(id)).collect();
        self.autostart(order, now);
        let outcome = if update.stuck.is_empty() {
            Ok(Reply::Changes(update.changes))
        } else {
            let names: Vec<String> = update.stuck.iter().map(ToString::to_string).collect();
            let why = format!("cannot stop {}: left as before", names.join(", "));
            Err(Error::new(ErrorKind::Failed, why))
        };
        self.reply(update.reply_to, outcome);
        // Each waiting update is a turn of its own, after all of this one.
        let mut waiting = update.waiting;
        if let Some((groups, to)) = waiting.pop_front() {
            self.update(groups, to, now);
            for (groups, to) in waiting {
                self.update(groups, to, now);
            }
        }
    }

    /// Makes a group be as it is in the new configuration; `fresh` gathers the processes added.
    fn take_over(&mut self, settings: &Arc<GroupSettings>, fresh: &mut BTreeSet<ProcessId>) {
        let ids = || {
            settings
                .processes
                .iter()
                .map(|member| ProcessId::new(settings.name.clone(), member.name.clone()))
        };
        let Some(group) = self.groups.get_mut(&settings.name) else {
            self.add_group(settings);
            fresh.extend(ids());
            return;
        };
        group.settings = Arc::clone(settings);
        self.show_group(settings);
        for (id, member) in ids().zip(&settings.processes) {
            match self.processes.get_mut(&id) {
                None => {
                    self.add_process(id.clone(), member);
                    fresh.insert(id);
                }
                // The same settings, at another line.
                Some(process)
                    if *process.settings == **member && !process.facts.place.is(&member.place) =>
                {
                    process.settings = Arc::clone(member);
                    Arc::make_mut(&mut process.facts).place = member.place.clone();
                    let info = Arc::new(process.info());
                    self.snapshot.processes.insert(id, info);
                }
                Some(_) => {}
            }
        }
        self.changed = true;
    }

    /// What waits to be started by itself will not be: the end has begun.
    fn forgo_starts(&mut self, now: Now) {
        let waiting: Vec<ProcessId> = self
            .processes
            .values()
            .filter(|process| match process.state() {
                State::Backoff { .. }
                | State::Spawning { .. }
                | State::Exited { restart_at: Some(_) }
                | State::Stopping {
                    then: AfterStop::Start | AfterStop::Retry { .. } | AfterStop::Revive,
                    ..
                }
                | State::Emptying {
                    then: AfterStop::Start | AfterStop::Retry { .. } | AfterStop::Revive,
                    ..
                } => true,
                State::Stopped { .. }
                | State::Starting { .. }
                | State::Running { .. }
                | State::Stopping { then: AfterStop::Rest, .. }
                | State::Emptying { then: AfterStop::Rest, .. }
                | State::Exited { restart_at: None }
                | State::Fatal
                | State::Unknown { .. } => false,
            })
            .map(|process| process.id.clone())
            .collect();
        for id in waiting {
            self.apply(&id, Input::Retire, now);
        }
    }

    fn next_tier(&mut self, now: Now) {
        loop {
            let Course::Ending(ending) = &mut self.course else {
                return;
            };
            if !ending.present.is_empty() || ending.finished {
                return;
            }
            let Some(tier) = ending.tiers.pop() else {
                ending.finished = true;
                let mood = ending.mood;
                let gone = ErrorKind::ShutdownState.into();
                self.waiters.dismiss(None, &gone, &mut self.effects);
                self.effects.push_back(Effect::Finished(mood));
                return;
            };
            // All of a tier are told before any of them is waited for.
            ending.present = tier.iter().cloned().collect();
            for id in tier.iter().rev() {
                self.apply(id, Input::Retire, now);
            }
            let at_rest: Vec<_> = tier.into_iter().filter(|id| self.is_at_rest(id)).collect();
            if let Course::Ending(ending) = &mut self.course {
                for id in &at_rest {
                    ending.present.remove(id);
                }
            }
        }
    }

    fn report_waiting(&mut self) {
        let waited_for: Vec<String> = self
            .start_order()
            .into_iter()
            .filter(|id| !self.is_at_rest(id))
            .map(|id| id.name.to_string())
            .collect();
        if !waited_for.is_empty() {
            let line = format!("waiting for {} to die", waited_for.join(", "));
            self.log(LogLevel::Info, line);
        }
    }
}
