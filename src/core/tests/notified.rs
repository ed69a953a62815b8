//! Programs that say of themselves how they are.

use super::*;
use crate::core::notification::Notification;
use crate::core::transition::EXTENSION_MAX;

fn notifying(state: State) -> Process {
    let mut process = process_in(state);
    let mut settings = settings("web");
    settings.notify = true;
    settings.startsecs = Duration::from_secs(5);
    settings.watchdogsecs = Duration::from_secs(3);
    process.settings = Arc::new(settings);
    process
}

fn started() -> Process {
    let mut process = notifying(State::Stopped { by_request: false });
    process.transition(Input::Start { by_request: true }, at(0));
    process.transition(Input::Spawned(PID), at(0));
    process
}

fn say(process: &mut Process, what: Notification, now: Now) -> Vec<Step> {
    process.transition(Input::Notified(what), now)
}

fn killed_with(steps: &[Step]) -> Option<Signal> {
    steps.iter().find_map(|step| match step {
        Step::Do(Effect::Kill { signal, .. }) => Some(*signal),
        _ => None,
    })
}

const ENDED: Input = Input::Ended { status: ExitStatus::Code(0), may_restart: true };

#[test]
fn it_is_running_when_it_says_so_and_not_before() {
    let mut process = started();
    assert_eq!(process.state().code(), StateCode::Starting);
    assert_eq!(process.state().deadline(), Some(at(5).monotonic));
    let steps = say(&mut process, Notification::Ready, at(2));
    assert_eq!(entered(&steps), [StateCode::Running]);
    assert_eq!(process.state().deadline(), Some(at(5).monotonic), "its first report is due");
}

#[test]
fn one_that_is_not_ready_in_time_is_ended_and_tried_again() {
    let mut process = started();
    let steps = process.transition(Input::Deadline, at(5));
    assert_eq!(entered(&steps), [StateCode::Stopping]);
    assert_eq!(killed_with(&steps), Some(Signal::TERM));
    let steps = process.transition(ENDED, at(6));
    assert_eq!(entered(&steps), [StateCode::Backoff]);
    assert!(process.info().spawn_error.contains("Not ready within 5 seconds"));
}

#[test]
fn an_end_before_it_is_ready_is_a_failed_start_however_late() {
    let mut process = started();
    let steps = process.transition(ENDED, at(4));
    assert_eq!(entered(&steps), [StateCode::Backoff]);
}

#[test]
fn one_that_stops_reporting_is_aborted_and_started_again() {
    let mut process = started();
    say(&mut process, Notification::Ready, at(1));
    say(&mut process, Notification::Alive, at(3));
    assert!(process.transition(Input::Deadline, at(5)).is_empty(), "it has reported");
    let steps = process.transition(Input::Deadline, at(6));
    assert_eq!(killed_with(&steps), Some(Signal::ABRT));
    let aborted = ExitStatus::Signal { number: libc::SIGABRT, core: false };
    let steps = process.transition(Input::Ended { status: aborted, may_restart: true }, at(6));
    assert_eq!(entered(&steps), [StateCode::Exited, StateCode::Starting]);
}

#[test]
fn what_a_person_wants_meanwhile_goes_before() {
    let mut process = started();
    process.transition(Input::Deadline, at(5));
    process.transition(Input::Stop { then: AfterStop::Rest }, at(5));
    let steps = process.transition(ENDED, at(6));
    assert_eq!(entered(&steps), [StateCode::Stopped]);
}

#[test]
fn its_words_are_shown_and_forgotten_with_it() {
    let mut process = started();
    say(&mut process, Notification::Status("loading 3 of 7".into()), at(1));
    assert_eq!(&*process.info().status_text, "loading 3 of 7");
    say(&mut process, Notification::Ready, at(2));
    say(&mut process, Notification::Reloading, at(2));
    assert_eq!(&*process.info().status_text, "reloading: loading 3 of 7");
    let again = say(&mut process, Notification::Reloading, at(2));
    assert!(again.is_empty(), "what does not change wakes nobody");
    say(&mut process, Notification::Ready, at(2));
    assert_eq!(&*process.info().status_text, "loading 3 of 7");
    process.transition(ENDED, at(3));
    assert_eq!(&*process.info().status_text, "");
}

#[test]
fn more_time_can_be_asked_for_and_not_for_ever() {
    let mut process = started();
    say(&mut process, Notification::Extend(Duration::from_secs(60)), at(4));
    assert_eq!(process.state().deadline(), Some(at(64).monotonic));
    say(&mut process, Notification::Extend(Duration::from_secs(1)), at(5));
    assert_eq!(process.state().deadline(), Some(at(64).monotonic), "never less");
    say(&mut process, Notification::Ready, at(6));
    process.transition(Input::Stop { then: AfterStop::Rest }, at(10));
    say(&mut process, Notification::Extend(Duration::MAX), at(11));
    let latest = at(20).monotonic + EXTENSION_MAX;
    assert_eq!(process.state().deadline(), Some(latest));
}

#[test]
fn another_process_can_become_the_one_that_counts() {
    let mut supervisor = running(&["a"]);
    let process = ProcessId::new("g", "a");
    let what = Notification::MainPid(777);
    effects(&mut supervisor, Event::Notified { process: process.clone(), pid: 101, what }, at(2));
    assert_eq!(supervisor.snapshot().processes[&process].pid, 777);
    effects(&mut supervisor, exited(101), at(3));
    assert_eq!(supervisor.snapshot().processes[&process].state, StateCode::Running);
    let stale = Notification::Status("from the grave".into());
    let late = Event::Notified { process: process.clone(), pid: 101, what: stale };
    effects(&mut supervisor, late, at(3));
    assert_eq!(&*supervisor.snapshot().processes[&process].status_text, "");
    effects(&mut supervisor, exited(777), at(4));
    assert_ne!(supervisor.snapshot().processes[&process].pid, 777);
}
