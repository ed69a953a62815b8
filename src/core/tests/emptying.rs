//! Programs with a control group: a stop is over when nothing is left in it.

use super::*;

fn supervisor() -> Supervisor {
    let naming = LogNaming { control_group: Some("/service".into()), ..naming() };
    started(Supervisor::new(vec![group("g", &["a"])], naming))
}

fn emptied() -> Event {
    Event::Emptied { process: ProcessId::new("g", "a") }
}

fn signal_to_leftovers(effects: &[Effect]) -> Option<Signal> {
    effects.iter().find_map(|effect| match effect {
        Effect::Empty { signal, .. } => Some(*signal),
        _ => None,
    })
}

fn replied(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Reply { .. }))
}

fn stop(supervisor: &mut Supervisor, now: Now) {
    let process = ProcessId::new("g", "a");
    ask(supervisor, Command::Stop { process, wait: true }, now);
}

#[test]
fn a_stop_is_over_when_nothing_is_left() {
    let mut supervisor = supervisor();
    stop(&mut supervisor, at(2));
    let after = effects(&mut supervisor, exited(101), at(3));
    assert_eq!(signal_to_leftovers(&after), Some(Signal::TERM), "as the child was told");
    assert!(!replied(&after));
    let info = &supervisor.snapshot().processes[&ProcessId::new("g", "a")];
    assert_eq!((info.state, info.pid), (StateCode::Stopping, 0));
    assert_eq!(info.facts.control_group, "/service/g:a");
    let after = effects(&mut supervisor, emptied(), at(4));
    assert!(replied(&after));
}

#[test]
fn what_does_not_end_in_the_time_of_the_stop_is_killed() {
    let mut supervisor = supervisor();
    stop(&mut supervisor, at(2));
    effects(&mut supervisor, exited(101), at(3));
    assert_eq!(supervisor.deadline(), Some(at(4).monotonic), "a report to who waits");
    let after = effects(&mut supervisor, Event::DeadlineReached, at(12));
    assert_eq!(signal_to_leftovers(&after), Some(Signal::KILL), "ten seconds after the stop");
    let after = effects(&mut supervisor, Event::DeadlineReached, at(42));
    assert!(replied(&after), "a stop ends, whatever the kernel does not give back");
}

#[test]
fn a_start_meanwhile_waits_for_it() {
    let mut supervisor = supervisor();
    stop(&mut supervisor, at(2));
    effects(&mut supervisor, exited(101), at(3));
    let process = ProcessId::new("g", "a");
    let after = ask(&mut supervisor, Command::Start { process, wait: false }, at(3));
    assert!(!after.iter().any(|effect| matches!(effect, Effect::Spawn { .. })));
    let after = effects(&mut supervisor, emptied(), at(4));
    assert!(after.iter().any(|effect| matches!(effect, Effect::Spawn { .. })));
}

#[test]
fn an_end_on_its_own_account_leaves_its_children_alone() {
    let mut supervisor = supervisor();
    let after = effects(&mut supervisor, exited(101), at(3));
    assert_eq!(signal_to_leftovers(&after), None);
}
