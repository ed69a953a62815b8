//! Pools: dispatch, waiting, overflow, rejection, and listeners that come and go.

use super::*;
use crate::model::EventType;

/// A pool of two listeners and what it asked for.
struct Rig {
    pools: Pools,
    out: VecDeque<Effect>,
    /// Processes that do not run.
    down: Vec<&'static str>,
}

fn id(name: &str) -> ProcessId {
    ProcessId::new("ear", name)
}

impl Rig {
    fn new(events: &[EventType], buffer_size: usize) -> Self {
        let pools = Pools::new("here".to_owned());
        let mut rig = Self { pools, out: VecDeque::new(), down: Vec::new() };
        let settings = PoolSettings { events: EventSet::of(events), buffer_size, judged: true };
        rig.act(|pools, reach| pools.set(&"ear".into(), settings, reach));
        rig.pools.join(&id("a"));
        rig.pools.join(&id("b"));
        assert_eq!(rig.out.pop_front(), Some(Effect::Subscribed(settings.events)));
        rig
    }

    fn act(&mut self, act: impl FnOnce(&mut Pools, &mut Reach<'_>)) {
        let runs = |id: &ProcessId| !self.down.contains(&&*id.name);
        act(&mut self.pools, &mut Reach { runs: &runs, out: &mut self.out });
    }

    fn says(&mut self, name: &str, text: &str) {
        self.act(|pools, reach| pools.said(&id(name), text.as_bytes(), reach));
    }

    fn remote(&mut self, kind: &str) {
        self.act(|pools, reach| pools.notify(Notice::remote(kind, "x"), reach));
    }

    fn tally(&self) -> Tally {
        let tally = self.pools.tally(&"ear".into()).unwrap();
        let Tally { accepted, processed, dropped, waiting, at_listeners } = tally;
        assert_eq!(accepted, processed + dropped + (waiting + at_listeners) as u64);
        tally
    }

    /// What was sent to whom, and what was logged above debug.
    fn done(&mut self) -> Vec<String> {
        let told = |effect: Effect| match effect {
            Effect::Deliver { process, envelope } => {
                let mut words = envelope.split([' ', '\n']);
                let serial = words.nth(2).unwrap_or_default().to_owned();
                let pool_serial = words.nth(1).unwrap_or_default();
                let kind = words.nth(2).unwrap_or_default();
                Some(format!("{} {serial} {pool_serial} {kind}", process.name))
            }
            Effect::Log { level, line } if level > LogLevel::Debug => Some(line),
            _ => None,
        };
        self.out.drain(..).filter_map(told).collect()
    }
}

const REMOTE: &[EventType] = &[EventType::RemoteCommunication];

#[test]
fn an_event_is_sent_as_the_reference_sends_it() {
    let mut rig = Rig::new(REMOTE, 10);
    rig.says("a", "READY\n");
    rig.out.clear();
    rig.act(|pools, reach| pools.notify(Notice::remote("kind", "hé\n"), reach));
    let envelope = "ver:3.0 server:here serial:0 pool:ear poolserial:0 \
                    eventname:REMOTE_COMMUNICATION len:13\ntype:kind\nhé\n";
    let sent = Effect::Deliver { process: id("a"), envelope: envelope.to_owned() };
    assert_eq!(rig.out.pop_front(), Some(sent));
}

#[test]
fn each_event_goes_to_one_that_is_ready_and_the_rest_waits_in_order() {
    let mut rig = Rig::new(REMOTE, 10);
    for kind in ["one", "two", "three"] {
        rig.remote(kind);
    }
    rig.act(|pools, reach| pools.notify(Notice::running(), reach));
    assert_eq!(rig.done(), Vec::<String>::new());
    rig.says("b", "READY\n");
    assert_eq!(rig.done(), ["b serial:0 poolserial:0 type:one"]);
    rig.says("a", "READY\n");
    assert_eq!(rig.done(), ["a serial:1 poolserial:1 type:two"]);
    rig.says("b", "RESULT 2\nOK");
    assert_eq!(rig.done(), Vec::<String>::new());
    rig.says("b", "READY\n");
    assert_eq!(rig.done(), ["b serial:2 poolserial:2 type:three"]);
    let wanted = Tally { accepted: 3, processed: 1, dropped: 0, waiting: 0, at_listeners: 2 };
    assert_eq!(rig.tally(), wanted);
}

#[test]
fn who_does_not_run_is_sent_nothing_until_it_does() {
    let mut rig = Rig::new(REMOTE, 10);
    rig.down = vec!["a", "b"];
    rig.says("a", "READY\n");
    rig.remote("one");
    assert_eq!(rig.done(), Vec::<String>::new());
    rig.down.clear();
    rig.act(|pools, reach| pools.runs(&id("a"), reach));
    assert_eq!(rig.done(), ["a serial:0 poolserial:0 type:one"]);
}

#[test]
fn what_does_not_fit_is_dropped_oldest_first_and_counted() {
    let mut rig = Rig::new(REMOTE, 2);
    for kind in ["one", "two", "three", "four"] {
        rig.remote(kind);
    }
    assert_eq!(
        rig.done(),
        [
            "pool ear event buffer overflowed, discarding event 0",
            "pool ear event buffer overflowed, discarding event 1",
        ]
    );
    assert_eq!(rig.tally().dropped, 2);
    assert_eq!(rig.pools.take_dropped(), [GroupName::from("ear")]);
    assert_eq!(rig.pools.take_dropped(), []);
    rig.says("a", "READY\n");
    assert_eq!(rig.done(), ["a serial:2 poolserial:2 type:three"]);
}

#[test]
fn a_refused_event_goes_to_the_head_and_to_whoever_is_ready() {
    let mut rig = Rig::new(REMOTE, 2);
    rig.says("a", "READY\n");
    rig.remote("one");
    rig.remote("two");
    rig.done();
    rig.says("a", "RESULT 4\nFAIL");
    assert_eq!(rig.done(), ["a: event was rejected"]);
    rig.says("b", "READY\n");
    assert_eq!(rig.done(), ["b serial:0 poolserial:0 type:one"]);
    rig.remote("three");
    // The buffer is full: the oldest of those that wait has to go.
    rig.says("b", "RESULT 4\nFAIL");
    assert_eq!(
        rig.done(),
        ["b: event was rejected", "pool ear event buffer overflowed, discarding event 1"]
    );
    rig.says("a", "READY\n");
    assert_eq!(rig.done(), ["a serial:0 poolserial:0 type:one"]);
    rig.tally();
}

#[test]
fn a_slip_and_an_end_leave_the_event_to_the_next() {
    let mut rig = Rig::new(REMOTE, 10);
    rig.says("a", "READY\n");
    rig.says("b", "READY\n");
    rig.remote("one");
    rig.done();
    rig.says("a", "what?\n");
    let unknown = "a: has entered the UNKNOWN state and will no longer receive events, this \
                   usually indicates the process violated the eventlistener protocol";
    let expected = ["a: bad result line: 'what?'", unknown, "b serial:0 poolserial:0 type:one"];
    assert_eq!(rig.done(), expected);
    // It is not heard any more, until its process is started again.
    rig.says("a", "READY\n");
    rig.act(|pools, reach| pools.ended(&id("b"), reach));
    assert_eq!(rig.done(), Vec::<String>::new());
    assert_eq!(rig.tally().waiting, 1);
    rig.act(|pools, reach| pools.started(&id("a"), reach));
    rig.says("a", "READY\n");
    assert_eq!(rig.done(), ["a serial:0 poolserial:0 type:one"]);
}

#[test]
fn one_that_has_closed_its_input_is_passed_over() {
    let mut rig = Rig::new(REMOTE, 10);
    rig.says("a", "READY\n");
    rig.remote("one");
    rig.act(|pools, reach| pools.undelivered(&id("a"), reach));
    rig.done();
    rig.says("a", "READY\n");
    assert_eq!(rig.done(), Vec::<String>::new());
    rig.says("b", "READY\n");
    assert_eq!(rig.done(), ["b serial:0 poolserial:0 type:one"]);
}

#[test]
fn an_event_under_two_subscriptions_comes_twice() {
    let mut rig = Rig::new(&[EventType::Event, EventType::RemoteCommunication], 10);
    rig.remote("one");
    rig.says("a", "READY\nREADY\n");
    assert_eq!(rig.tally().accepted, 2);
    rig.done();
    rig.says("b", "READY\n");
    assert_eq!(rig.done(), ["b serial:0 poolserial:0 type:one"]);
}

#[test]
fn a_pool_that_goes_takes_its_subscription_with_it() {
    let mut rig = Rig::new(REMOTE, 10);
    rig.remote("one");
    rig.act(|pools, reach| pools.leave(&id("a"), reach));
    rig.act(|pools, reach| pools.remove(&"ear".into(), reach));
    assert_eq!(rig.out.pop_back(), Some(Effect::Subscribed(EventSet::NONE)));
    assert_eq!(rig.pools.wanted(), EventSet::NONE);
    rig.remote("two");
    assert!(rig.pools.tally(&"ear".into()).is_none());
}

#[test]
fn an_answer_that_nobody_can_judge_is_one_of_an_event_dealt_with() {
    let mut rig = Rig::new(REMOTE, 10);
    let settings = PoolSettings { events: EventSet::of(REMOTE), buffer_size: 10, judged: false };
    rig.act(|pools, reach| pools.set(&"ear".into(), settings, reach));
    rig.says("a", "READY\n");
    rig.remote("one");
    rig.remote("two");
    assert_eq!(rig.done(), ["a serial:0 poolserial:0 type:one"]);
    rig.says("a", "RESULT 5\nhello");
    rig.says("a", "READY\n");
    assert_eq!(rig.done(), ["a serial:1 poolserial:1 type:two"]);
    assert_eq!(rig.tally().processed, 1);
}
