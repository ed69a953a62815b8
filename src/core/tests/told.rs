//! What a snapshot tells of a process's past.

use super::*;
use crate::core::event::Changes;
use crate::model::past::Past;
use crate::model::{Cause, Place, ProcessInfo};

fn moment(seconds: u64) -> Now {
    let monotonic = Instant::from_start(Duration::from_secs(seconds));
    Now { monotonic, wall: wall(seconds) }
}

fn wall(seconds: u64) -> WallTime {
    WallTime::NEVER + Duration::from_secs(1_000_000 + seconds)
}

fn states(past: &Past) -> Vec<StateCode> {
    past.changes().iter().map(|&(_, state)| state).collect()
}

const CRASH: Input = Input::Ended { status: ExitStatus::Code(1), may_restart: true };

#[test]
fn tries_and_the_next_one_are_told() {
    let mut process = process_in(State::Stopped { by_request: false });
    assert_eq!((process.info().changed, process.info().cause), (WallTime::NEVER, Cause::New));
    process.transition(Input::Start { by_request: true }, moment(5));
    process.transition(Input::Spawned(PID), moment(5));
    let info = process.info();
    assert_eq!((info.tries, info.changed, info.retry_at), (1, wall(5), WallTime::NEVER));
    process.transition(CRASH, moment(5));
    let info = process.info();
    assert_eq!((info.tries, info.retry_at, info.cause), (1, wall(6), Cause::Ended));
    assert_eq!((info.exit, info.last_exit), (None, Some(ExitStatus::Code(1))));
    process.transition(Input::Deadline, moment(6));
    process.transition(Input::Spawned(PID), moment(6));
    process.transition(Input::Deadline, moment(8));
    let info = process.info();
    assert_eq!((info.state, info.tries, info.changed), (StateCode::Running, 2, wall(8)));
    assert_eq!(info.past.starts(), [wall(5), wall(6)]);
    use StateCode::{Backoff, Running, Starting};
    assert_eq!(states(&info.past), [Starting, Backoff, Starting, Running]);
}

#[test]
fn a_refused_start_leaves_no_trace() {
    let mut process = process_in(RUNNING);
    let ended = Input::Ended { status: ExitStatus::Code(1), may_restart: false };
    process.transition(ended, moment(3));
    assert_eq!(process.state(), &State::Exited { restart_at: None });
    let before = process.info();
    process.transition(Input::Start { by_request: true }, moment(9));
    let failure = SpawnFailure { kind: SpawnFailureKind::NoFile, reason: "no".into() };
    process.transition(Input::SpawnFailed(failure), moment(9));
    let after = process.info();
    assert_eq!(after.cause, before.cause);
    assert_eq!(after.past.changes(), before.past.changes());
    assert_eq!(after.changed, before.changed);

    // A restart means that it is to be stopped first, and so it is.
    process.transition(Input::Stop { then: AfterStop::Start }, moment(9));
    let failure = SpawnFailure { kind: SpawnFailureKind::NoFile, reason: "no".into() };
    process.transition(Input::SpawnFailed(failure), moment(10));
    let after = process.info();
    assert_eq!((after.state, after.cause), (StateCode::Stopped, Cause::Requested));
    assert_eq!(states(&after.past), [StateCode::Exited, StateCode::Stopped]);
}

#[test]
fn what_ended_it_is_told() {
    let ended = |signal| Input::Ended {
        status: ExitStatus::Signal { number: signal, core: false },
        may_restart: false,
    };
    let mut process = process_in(RUNNING);
    process.transition(Input::Stop { then: AfterStop::Rest }, moment(0));
    assert_eq!(process.info().cause, Cause::Requested);
    process.transition(Input::Deadline, moment(10));
    process.transition(ended(libc::SIGKILL), moment(11));
    let after = Duration::from_secs(10);
    assert_eq!(process.info().cause, Cause::Killed { signal: Signal::TERM, after });
    assert_eq!(process.info().state, StateCode::Stopped);

    let mut process = process_in(RUNNING);
    process.transition(Input::Stop { then: AfterStop::Rest }, moment(0));
    process.transition(ended(libc::SIGTERM), moment(1));
    assert_eq!(process.info().cause, Cause::Requested);

    let mut supervisor = running(&["a"]);
    supervisor.handle(Event::OutOfMemory { process: ProcessId::new("g", "a") }, moment(5));
    let status = ExitStatus::Signal { number: libc::SIGKILL, core: false };
    let exited = effects(&mut supervisor, Event::Exited { pid: 101, status }, moment(5));
    assert_eq!(told(&supervisor).cause, Cause::OutOfMemory);
    assert!(exited.iter().any(|effect| matches!(effect, Effect::Spawn { .. })));
    supervisor.handle(Event::Spawned { process: ProcessId::new("g", "a"), pid: 102 }, moment(5));
    supervisor.handle(Event::DeadlineReached, moment(6));
    supervisor.handle(Event::Exited { pid: 102, status }, moment(7));
    assert_eq!(told(&supervisor).cause, Cause::Ended, "the next child is another");
}

fn told(supervisor: &Supervisor) -> Arc<ProcessInfo> {
    supervisor.snapshot().process(&ProcessId::new("g", "a")).cloned().unwrap()
}

#[test]
fn a_program_that_moved_in_its_file_runs_on_and_is_told_at_its_new_place() {
    let at_line = |line| {
        let member =
            ProcessSettings { place: Place { file: "/etc/s.conf".into(), line }, ..settings("a") };
        let group = group("g", &[]);
        Arc::new(GroupSettings { processes: vec![Arc::new(member)], ..(*group).clone() })
    };
    let mut supervisor = started(Supervisor::new(vec![at_line(3)], naming()));
    assert_eq!(told(&supervisor).facts.place.line, 3);
    let update = Command::Update { groups: vec![at_line(7)] };
    let effects = ask(&mut supervisor, update, at(9));
    let outcome = Ok(Reply::Changes(Changes::default()));
    assert_eq!(effects, [Effect::Reply { to: ReplyTo(7), outcome }]);
    assert_eq!(told(&supervisor).facts.place.line, 7);
    assert_eq!(told(&supervisor).pid, 101);
}
