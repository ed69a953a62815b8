//! The law, walked through: what the simulation cannot say in one line.

mod emptying;
mod events;
mod notified;
mod told;

use std::sync::Arc;
use std::time::Duration;

use super::process::{Process, Step};
use super::state::{AfterStop, Rest, Settles, State, StopPhase};
use super::transition::{Input, QUICK_RESTARTS_MAX};
use crate::config::GroupKind;
use crate::config::GroupSettings;
use crate::config::ProcessSettings;
use crate::core::event::{SpawnFailure, SpawnFailureKind};
use crate::core::{Command, Effect, Event, LogNaming, Mood, Reply, ReplyTo, Supervisor};
use crate::model::{
    Error, ErrorKind, ExitStatus, Instant, Now, ProcessFacts, ProcessId, Signal, StateCode,
    WallTime,
};

const PID: i32 = 42;

const RUNNING: State = State::Running { pid: PID, since: Instant::ZERO, report_by: None };

fn at(seconds: u64) -> Now {
    Now { monotonic: Instant::from_start(Duration::from_secs(seconds)), wall: WallTime(1) }
}

fn settings(name: &str) -> ProcessSettings {
    ProcessSettings::new(name, "/bin/web")
}

fn process_in(state: State) -> Process {
    let facts = ProcessFacts::default();
    let id = ProcessId::new("web", "web");
    let mut process = Process::new(id, Arc::new(settings("web")), Arc::new(facts), 1);
    process.put_in(state);
    process
}

/// One of each state.
fn every_state() -> Vec<State> {
    let later = at(5).monotonic;
    vec![
        State::Stopped { by_request: false },
        State::Spawning {
            rest: Rest::Stopped { by_request: false },
            by_request: true,
            failures: 0,
            stop: None,
        },
        State::Starting {
            pid: PID,
            since: Instant::ZERO,
            settles: Settles::At(later),
            failures: 0,
        },
        State::Starting {
            pid: PID,
            since: Instant::ZERO,
            settles: Settles::WhenReady { by: Some(later) },
            failures: 0,
        },
        RUNNING,
        State::Running { pid: PID, since: Instant::ZERO, report_by: Some(later) },
        State::Backoff { failures: 1, retry_at: later },
        State::Stopping {
            pid: PID,
            phase: StopPhase::Asked { at: Instant::ZERO, kill_at: later },
            then: AfterStop::Rest,
        },
        State::Emptying {
            status: ExitStatus::Code(0),
            phase: StopPhase::Asked { at: Instant::ZERO, kill_at: later },
            then: AfterStop::Rest,
        },
        State::Exited { restart_at: None },
        State::Fatal,
        State::Unknown { pid: PID },
    ]
}

fn entered(steps: &[Step]) -> Vec<StateCode> {
    let codes = steps.iter().filter_map(|step| match step {
        Step::Entered(code) => Some(*code),
        _ => None,
    });
    codes.collect()
}

#[test]
fn every_state_has_a_way_out() {
    for state in every_state() {
        let inputs = [
            Input::Start { by_request: true },
            Input::Stop { then: AfterStop::Rest },
            Input::Spawned(PID),
            Input::Ended { status: ExitStatus::Code(0), may_restart: true },
            Input::Emptied { may_restart: true },
        ];
        let leaves = inputs.into_iter().any(|input| {
            let mut process = process_in(state.clone());
            process.transition(input, at(9));
            process.state() != &state
        });
        assert!(leaves, "{state:?} is a dead end");
    }
}

#[test]
fn a_state_that_waits_names_its_deadline_and_answers_it() {
    for state in every_state() {
        let Some(deadline) = state.deadline() else { continue };
        let mut process = process_in(state.clone());
        let early = process.transition(Input::Deadline, at(1));
        assert!(early.is_empty() && process.state() == &state, "{state:?} moves too early");
        let now = Now { monotonic: deadline, wall: WallTime(1) };
        assert!(!process.transition(Input::Deadline, now).is_empty(), "{state:?} stays for ever");
    }
}

#[test]
fn failures_are_tried_again_after_one_two_and_three_seconds_then_given_up() {
    let mut process = process_in(State::Stopped { by_request: false });
    let failure =
        || SpawnFailure { kind: SpawnFailureKind::System, reason: "no more processes".into() };
    let mut clock = 100;
    process.transition(Input::Start { by_request: false }, at(clock));
    for wait in 1..=3 {
        let steps = process.transition(Input::SpawnFailed(failure()), at(clock));
        assert_eq!(entered(&steps), [StateCode::Backoff]);
        assert_eq!(process.state().deadline(), Some(at(clock + wait).monotonic));
        clock += wait;
        process.transition(Input::Deadline, at(clock));
    }
    let steps = process.transition(Input::SpawnFailed(failure()), at(clock));
    assert_eq!(entered(&steps), [StateCode::Backoff, StateCode::Fatal]);
}

#[test]
fn an_exit_that_overtakes_the_deadline_still_counts_as_running_first() {
    let settles = Settles::At(at(5).monotonic);
    let mut process =
        process_in(State::Starting { pid: PID, since: Instant::ZERO, settles, failures: 0 });
    let input = Input::Ended { status: ExitStatus::Code(0), may_restart: true };
    let steps = process.transition(input, at(6));
    assert_eq!(entered(&steps), [StateCode::Running, StateCode::Exited]);
}

#[test]
fn a_program_that_ends_at_once_again_and_again_is_slowed_down() {
    let mut process = process_in(RUNNING);
    let ended = || Input::Ended { status: ExitStatus::Code(1), may_restart: true };
    for _ in 0..QUICK_RESTARTS_MAX {
        let steps = process.transition(ended(), at(0));
        assert_eq!(entered(&steps), [StateCode::Exited, StateCode::Starting]);
        process.put_in(RUNNING);
    }
    process.transition(ended(), at(0));
    assert_eq!(process.state(), &State::Exited { restart_at: Some(at(1).monotonic) });
    // One that stayed up is forgiven.
    process.put_in(RUNNING);
    let steps = process.transition(ended(), at(2));
    assert_eq!(entered(&steps), [StateCode::Exited, StateCode::Starting]);
}

/// A supervisor of one group `g` with these processes, all running.
fn running(names: &[&str]) -> Supervisor {
    started(Supervisor::new(vec![group("g", names)], naming()))
}

/// With everything that starts by itself running, from process id 101 on.
fn started(mut supervisor: Supervisor) -> Supervisor {
    supervisor.handle(Event::Ready, at(0));
    let mut pid = 100;
    while let Some(effect) = supervisor.next_effect() {
        if let Effect::Spawn { process, .. } = effect {
            pid += 1;
            supervisor.handle(Event::Spawned { process, pid }, at(0));
        }
    }
    supervisor.handle(Event::DeadlineReached, at(1));
    while supervisor.next_effect().is_some() {}
    supervisor
}

fn group(name: &str, members: &[&str]) -> Arc<GroupSettings> {
    Arc::new(GroupSettings {
        name: name.into(),
        kind: GroupKind::Group,
        priority: 999,
        processes: members.iter().map(|name| Arc::new(settings(name))).collect(),
    })
}

fn naming() -> LogNaming {
    LogNaming { directory: "/tmp".into(), identifier: "test".into(), seed: 1, control_group: None }
}

fn effects(supervisor: &mut Supervisor, event: Event, now: Now) -> Vec<Effect> {
    supervisor.handle(event, now);
    std::iter::from_fn(|| supervisor.next_effect()).collect()
}

fn ask(supervisor: &mut Supervisor, command: Command, now: Now) -> Vec<Effect> {
    effects(supervisor, Event::Command { command, reply_to: ReplyTo(7) }, now)
}

fn exited(pid: i32) -> Event {
    Event::Exited { pid, status: ExitStatus::Code(0) }
}

#[test]
fn one_exit_does_not_end_the_wait_for_another() {
    let mut supervisor = running(&["a", "b"]);
    let told = ask(&mut supervisor, Command::StopAll { wait: true }, at(2));
    let signalled = told.iter().filter(|effect| matches!(effect, Effect::Kill { .. })).count();
    assert_eq!(signalled, 2, "all are told at once");
    let after = effects(&mut supervisor, exited(101), at(3));
    assert!(!after.iter().any(|effect| matches!(effect, Effect::Kill { .. })));
    let after = effects(&mut supervisor, exited(102), at(5));
    let replied = after.iter().any(|effect| {
        matches!(effect, Effect::Reply { outcome: Ok(Reply::Statuses(all)), .. } if all.len() == 2)
    });
    assert!(replied, "{after:?}");
}

#[test]
fn what_a_person_stopped_comes_back_stopped() {
    let mut supervisor = running(&["a", "b"]);
    let process = ProcessId::new("g", "a");
    ask(&mut supervisor, Command::Stop { process: process.clone(), wait: false }, at(2));
    effects(&mut supervisor, exited(101), at(2));
    let mut edited = (*group("g", &["a", "b"])).clone();
    for member in &mut edited.processes {
        let mut changed = (**member).clone();
        changed.command = "/bin/other".into();
        *member = Arc::new(changed);
    }
    ask(&mut supervisor, Command::Update { groups: vec![Arc::new(edited)] }, at(3));
    let after = effects(&mut supervisor, exited(102), at(3));
    let started: Vec<_> = after
        .iter()
        .filter_map(|effect| match effect {
            Effect::Spawn { process, .. } => Some(process.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(started, ["g:b"]);
    assert_eq!(supervisor.process(&process).unwrap().settings.command.as_ref(), "/bin/other");
}

#[test]
fn hangups_do_not_end_a_shutdown() {
    let mut supervisor = running(&["a"]);
    let hangup = || Event::Signalled(Signal::HUP);
    effects(&mut supervisor, Event::Signalled(Signal::TERM), at(2));
    for second in 2..20 {
        effects(&mut supervisor, hangup(), at(second));
    }
    let after = effects(&mut supervisor, exited(101), at(20));
    assert!(after.contains(&Effect::Finished(Mood::Shutdown)), "{after:?}");
}

#[test]
fn a_shutdown_wins_over_a_restart_and_refuses_requests() {
    let mut supervisor = running(&["a"]);
    effects(&mut supervisor, Event::Signalled(Signal::HUP), at(2));
    let refused = ask(&mut supervisor, Command::StartAll { wait: true }, at(2));
    let error: Error = ErrorKind::ShutdownState.into();
    assert_eq!(refused, [Effect::Reply { to: ReplyTo(7), outcome: Err(error) }]);
    effects(&mut supervisor, Event::Signalled(Signal::TERM), at(3));
    let after = effects(&mut supervisor, exited(101), at(4));
    assert!(after.contains(&Effect::Finished(Mood::Shutdown)), "{after:?}");
}

#[test]
fn a_turn_replaces_only_what_changed_in_the_snapshot() {
    let mut supervisor = running(&["a", "b"]);
    let before = supervisor.snapshot().clone();
    effects(&mut supervisor, exited(101), at(5));
    let after = supervisor.snapshot();
    assert!(after.generation > before.generation);
    let same = |name: &str| {
        let id = ProcessId::new("g", name);
        Arc::ptr_eq(&before.processes[&id], &after.processes[&id])
    };
    assert!(!same("a") && same("b"));
}
