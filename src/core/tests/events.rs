//! What events tell of a life, and who hears it when.

use super::*;
use crate::config::{PoolSettings, ProcessKind};
use crate::core::listener::Tally;
use crate::model::{EventSet, EventType, Notice};

/// The types and texts of what these inputs tell, without the names.
fn told(state: State, inputs: &[Input]) -> Vec<String> {
    let mut process = process_in(State::Stopped { by_request: false });
    process.tell(&[], EventSet::NONE);
    process.put_in(state);
    let wanted = EventSet::of(&[EventType::ProcessState]);
    let mut all = Vec::new();
    for (n, input) in inputs.iter().enumerate() {
        let steps = process.transition(input.clone(), at(10 * n as u64));
        all.extend(process.tell(&steps, wanted));
    }
    let brief = |notice: Notice| {
        let words: Vec<&str> = notice.payload.split(' ').skip(2).collect();
        format!("{} {}", notice.kind, words.join(" ")).replace("PROCESS_STATE_", "")
    };
    all.into_iter().map(brief).collect()
}

const START: Input = Input::Start { by_request: true };
const CRASH: Input = Input::Ended { status: ExitStatus::Code(1), may_restart: true };

fn failed(kind: SpawnFailureKind) -> Input {
    Input::SpawnFailed(SpawnFailure { kind, reason: "no".into() })
}

#[test]
fn a_life_is_told_as_the_reference_tells_it() {
    let stopped = || State::Stopped { by_request: false };
    let stop = Input::Stop { then: AfterStop::Rest };
    assert_eq!(
        told(stopped(), &[START, Input::Spawned(PID), Input::Deadline, stop.clone(), CRASH]),
        [
            "STARTING from_state:STOPPED tries:0",
            "RUNNING from_state:STARTING pid:42",
            "STOPPING from_state:RUNNING pid:42",
            "STOPPED from_state:STOPPING pid:42",
        ]
    );
    assert_eq!(
        told(stopped(), &[START, Input::Spawned(PID), Input::Deadline, CRASH, Input::Spawned(7)]),
        [
            "STARTING from_state:STOPPED tries:0",
            "RUNNING from_state:STARTING pid:42",
            "EXITED from_state:RUNNING expected:0 pid:42",
            "STARTING from_state:EXITED tries:0",
        ]
    );
    let failing =
        [failed(SpawnFailureKind::System), Input::Deadline, failed(SpawnFailureKind::NoFile), stop];
    let inputs: Vec<Input> =
        std::iter::once(Input::Start { by_request: false }).chain(failing).collect();
    assert_eq!(
        told(stopped(), &inputs),
        [
            "STARTING from_state:STOPPED tries:0",
            "BACKOFF from_state:STARTING tries:1",
            "STARTING from_state:BACKOFF tries:1",
            "BACKOFF from_state:STARTING tries:2",
            "STOPPED from_state:BACKOFF pid:0",
        ]
    );
}

#[test]
fn giving_up_is_told_after_the_last_failure() {
    let state = State::Backoff { failures: 3, retry_at: at(0).monotonic };
    let told = told(state, &[Input::Deadline, failed(SpawnFailureKind::System)]);
    let end = ["BACKOFF from_state:STARTING tries:4", "FATAL from_state:BACKOFF"];
    assert_eq!(told[1..], end);
}

#[test]
fn a_start_that_is_refused_is_not_told() {
    let stopped = State::Stopped { by_request: false };
    assert_eq!(told(stopped, &[START, failed(SpawnFailureKind::NoFile)]), [""; 0]);
}

/// A pool `ear` with one listener, ready and RUNNING, and a program.
fn fleet(events: &[EventType]) -> Supervisor {
    let group = |name: &str, kind, member| {
        Arc::new(crate::config::GroupSettings {
            name: name.into(),
            kind,
            priority: 1,
            processes: vec![Arc::new(member)],
        })
    };
    let pool = PoolSettings { events: EventSet::of(events), buffer_size: 10, judged: true };
    let ear = ProcessSettings {
        kind: ProcessKind::Listener,
        startsecs: Duration::ZERO,
        ..settings("ear")
    };
    let web = ProcessSettings { startsecs: Duration::ZERO, ..settings("web") };
    let groups = vec![
        group("ear", GroupKind::EventListener(pool), ear),
        group("web", GroupKind::Program, web),
    ];
    let naming = LogNaming {
        directory: "/logs".into(),
        identifier: "here".into(),
        seed: 1,
        control_group: None,
    };
    let mut core = Supervisor::new(groups, naming);
    core.handle(Event::Ready, at(0));
    let ear = ProcessId::new("ear", "ear");
    core.handle(Event::Spawned { process: ear.clone(), pid: 7 }, at(0));
    core.handle(Event::ListenerSaid { process: ear, bytes: b"READY\n".into() }, at(0));
    core
}

fn delivered(core: &mut Supervisor) -> Vec<String> {
    let effects = std::iter::from_fn(|| core.next_effect());
    let envelopes = effects.filter_map(|effect| match effect {
        Effect::Deliver { envelope, .. } => Some(envelope),
        _ => None,
    });
    envelopes.map(|envelope| envelope.split('\n').nth(1).unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_turn_tells_its_listener_at_once() {
    let mut core = fleet(&[EventType::ProcessStateRunning]);
    // Its own start was the first event.
    let own = "processname:ear groupname:ear from_state:STARTING pid:7";
    assert_eq!(delivered(&mut core), [own]);
    let (ear, web) = (ProcessId::new("ear", "ear"), ProcessId::new("web", "web"));
    core.handle(Event::Spawned { process: web, pid: 8 }, at(0));
    assert_eq!(delivered(&mut core), [""; 0]);
    let answer = b"RESULT 2\nOKREADY\n".to_vec();
    core.handle(Event::ListenerSaid { process: ear.clone(), bytes: answer }, at(0));
    assert_eq!(delivered(&mut core), ["processname:web groupname:web from_state:STARTING pid:8"]);
    // It dies with it: what it had waits for the next.
    core.handle(Event::Exited { pid: 7, status: ExitStatus::Code(1) }, at(0));
    assert_eq!(core.tally(&"ear".into()).map(|tally| tally.waiting), Some(1));
    core.handle(Event::Spawned { process: ear.clone(), pid: 9 }, at(0));
    core.handle(Event::ListenerSaid { process: ear, bytes: b"READY\n".into() }, at(0));
    assert_eq!(delivered(&mut core), ["processname:web groupname:web from_state:STARTING pid:8"]);
    let tally = core.tally(&"ear".into()).unwrap();
    // Its own second start waits behind.
    let expected = Tally { accepted: 3, processed: 1, dropped: 0, waiting: 1, at_listeners: 1 };
    assert_eq!(tally, expected);
}

#[test]
fn ticks_are_due_while_somebody_wants_them() {
    let core = fleet(&[EventType::ProcessState]);
    assert_eq!(core.deadline(), None);
    let mut core = fleet(&[EventType::Tick5]);
    delivered(&mut core);
    let due = core.deadline().expect("a tick");
    let wall = WallTime(5_000_000);
    core.handle(Event::DeadlineReached, Now { monotonic: due, wall });
    assert_eq!(delivered(&mut core), ["when:5"]);
}

#[test]
fn what_is_dropped_shows_in_the_snapshot() {
    let mut core = fleet(&[EventType::RemoteCommunication]);
    let ear = crate::model::GroupName::from("ear");
    let group = |core: &Supervisor| core.snapshot().groups.get(&ear).cloned().unwrap();
    assert_eq!(group(&core).events_dropped, Some(0));
    for n in 0..20 {
        let command = Command::SendEvent { notice: Notice::remote("kind", "") };
        core.handle(Event::Command { command, reply_to: ReplyTo(n) }, at(0));
    }
    // One is with the listener, ten wait.
    assert_eq!(group(&core).events_dropped, Some(9));
}
