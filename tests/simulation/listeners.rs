//! The event listeners of the fake world: what they are sent, what they say, and that no event is
//! lost but those that are counted.

use supervisord::core::Event;
use supervisord::core::listener::{ListenerState, Tally};
use supervisord::model::{Channel, Notice, ProcessId, StateCode};

use crate::fleet;
use crate::world::World;

/// How a listener stands, as it sees it.
#[derive(Debug, Default)]
pub enum Face {
    /// It has yet to say that it is ready.
    #[default]
    Working,
    /// It has said so.
    Waiting,
    /// It has an event.
    Holding,
    /// It has broken the protocol, and is not listened to.
    Broken,
}

impl World {
    /// An event reaches its listener, or its listener is gone.
    pub fn deliver(&mut self, process: ProcessId, envelope: &str) -> Option<Event> {
        let alive = self.children.values().any(|child| child.process == process);
        let face = self.faces.get_mut(&process).expect("an event goes to a listener");
        assert!(matches!(face, Face::Waiting), "{process} was sent an event, and is {face:?}");
        if !alive || self.random.once_in(30) {
            *face = Face::Broken;
            return Some(Event::Undelivered { process });
        }
        let (head, payload) = envelope.split_once('\n').expect("a head");
        let length = head.rsplit(':').next().and_then(|length| length.parse().ok());
        assert_eq!(length, Some(payload.chars().count()), "{head}");
        *face = Face::Holding;
        None
    }

    /// A listener says something, mostly what it should, sometimes in two pieces; or a program
    /// prints something that is an event.
    pub fn listener_speaks(&mut self) {
        if self.random.once_in(3) {
            let process = fleet::any_process(&mut self.random);
            let notice = Notice::log(&process, 1, Channel::Stdout, b"text");
            return self.feed(Event::Told(notice));
        }
        let alive = |id: &&ProcessId| self.children.values().any(|child| child.process == **id);
        let listeners: Vec<ProcessId> = self.faces.keys().filter(alive).cloned().collect();
        if listeners.is_empty() {
            return;
        }
        let process = self.random.pick(&listeners).clone();
        let garbage = self.random.once_in(40);
        let Some(face) = self.faces.get_mut(&process) else { return };
        let (text, next) = match face {
            _ if garbage => ("this is garbage\n", Face::Broken),
            Face::Working => ("READY\n", Face::Waiting),
            Face::Holding if self.random.once_in(5) => ("RESULT 4\nFAIL", Face::Working),
            Face::Holding if self.random.once_in(3) => ("RESULT 2\nOKREADY\n", Face::Waiting),
            Face::Holding => ("RESULT 2\nOK", Face::Working),
            Face::Waiting | Face::Broken => return,
        };
        // Not in two where the first would be a whole answer already.
        let whole = text.len() > 2 * "READY\n".len() && text.ends_with("READY\n");
        let cut = if whole { 0 } else { self.random.below(text.len() as u64) as usize };
        let (first, second) = text.split_at(cut);
        if !garbage && !first.is_empty() {
            self.feed(Event::ListenerSaid { process: process.clone(), bytes: first.into() });
        }
        // What it says last may bring it the next event at once.
        self.faces.insert(process.clone(), next);
        let bytes = if garbage { text } else { second };
        self.feed(Event::ListenerSaid { process, bytes: bytes.into() });
    }

    /// Every event is accounted for, and none waits while somebody could have it.
    pub fn check_pools(&self) {
        for group in self.core.active_groups() {
            let Some(tally) = self.core.tally(&group.name) else { continue };
            let Tally { accepted, processed, dropped, waiting, at_listeners } = tally;
            let known = processed + dropped + (waiting + at_listeners) as u64;
            assert_eq!(accepted, known, "an event of {} is lost: {tally:?}", group.name);
            let shown = self.core.snapshot().groups.get(&group.name).expect("a shown group");
            assert_eq!(shown.events_dropped, Some(dropped), "{} is shown stale", group.name);
            let holds = |(id, face): &(&ProcessId, &Face)| {
                id.group == group.name && matches!(face, Face::Holding)
            };
            let holding = self.faces.iter().filter(holds).count();
            assert_eq!(at_listeners, holding, "{}: {tally:?} {:?}", group.name, self.faces);
            let members = self.core.snapshot().group_processes(&group.name);
            for member in members.filter(|member| member.state == StateCode::Running) {
                let ready = matches!(self.core.listener(&member.id), Some(ListenerState::Ready));
                assert!(!ready || waiting == 0, "{} could have what waits: {tally:?}", member.id);
            }
        }
    }
}
