//! Signals: a pure function of snapshots, so that no way to a change can forget one. While the
//! bus is slow, changes gather and are told as one.

use std::sync::Arc;

use serde::Serialize;
use zbus::DynamicType;
use zbus::message::Message;

use super::events::{Tries, event, supervisor_event};
use super::interface::Values;
use super::object::Object;
use super::session::Shared;
use super::standard::{Interfaces, interface_names};
use super::{group, manager, path, process};
use crate::api::changes::{Change, changes, more_running};
use crate::api::process::ProcessReport;
use crate::api::{Reloads, wall_clock};
use crate::model::{Notice, ProcessInfo, Snapshot};

/// Changes whose signals are made and sent before others get their turn.
const CHANGES_AT_ONCE: usize = 32;

/// What was told last.
pub struct Publisher {
    shared: Arc<Shared>,
    told: Arc<Snapshot>,
    running: usize,
    reloads: Reloads,
    tries: Tries,
}

/// Signals on their way, in order.
#[derive(Default)]
struct Signals(Vec<Message>);

impl Publisher {
    /// Tells what changes from now on.
    pub fn new(shared: Arc<Shared>) -> Self {
        let told = shared.api.snapshot();
        let running = manager::count_running(&told);
        let reloads = *shared.api.watch_reloads().borrow();
        Self { shared, told, running, reloads, tries: Tries::default() }
    }

    /// Runs until the core is gone or the connection is.
    pub async fn run(mut self) {
        let mut snapshots = self.shared.api.watch();
        let mut reloads = self.shared.api.watch_reloads();
        loop {
            let went_on = tokio::select! {
                biased;
                changed = reloads.changed() => changed.is_ok(),
                changed = snapshots.changed() => changed.is_ok(),
            };
            let now = *reloads.borrow_and_update();
            let begun = now.begun != self.reloads.begun;
            let ended = now.active == 0 && (begun || self.reloads.active > 0);
            self.reloads = now;
            let snapshot = snapshots.borrow_and_update().clone();
            let sent = async {
                if begun {
                    self.send(Signals::default().manager("Reloading", &true)?).await?;
                }
                self.tell(snapshot).await?;
                if ended {
                    self.send(Signals::default().manager("Reloading", &false)?).await?;
                }
                Ok::<_, zbus::Error>(())
            };
            // What cannot be sent is lost with its connection; the next one begins anew.
            if sent.await.is_err() || !went_on {
                return;
            }
        }
    }

    async fn tell(&mut self, new: Arc<Snapshot>) -> zbus::Result<()> {
        if new.generation == self.told.generation {
            return Ok(());
        }
        let old = std::mem::replace(&mut self.told, new.clone());
        let found = changes(&old, &new);
        let running = self.running.saturating_add_signed(more_running(&found));
        let before = std::mem::replace(&mut self.running, running);
        for few in found.chunks(CHANGES_AT_ONCE) {
            let mut signals = Signals::default();
            for change in few {
                self.tries.count(change);
                signals.change(change, &old, &new)?;
                if !self.shared.subscribers.is_empty()
                    && let Some(event) = event(change, &self.tries)
                {
                    signals.event(&event)?;
                }
            }
            self.send(signals).await?;
            tokio::task::yield_now().await;
        }
        let facts = self.shared.api.facts();
        let [before, after] = [(&old, before), (&new, running)]
            .map(|(snapshot, running)| manager::State::new(facts, snapshot, running));
        let mut signals = Signals::default();
        signals.properties(&Object::Manager, manager::INTERFACE.changes(&before, &after))?;
        if !self.shared.subscribers.is_empty()
            && let Some(event) = supervisor_event(old.state, new.state)
        {
            signals.event(&event)?;
        }
        self.send(signals).await
    }

    async fn send(&self, signals: Signals) -> zbus::Result<()> {
        self.shared.connection.send_all(&signals.0).await
    }
}

impl Signals {
    fn change(&mut self, change: &Change, old: &Snapshot, new: &Snapshot) -> zbus::Result<()> {
        match change {
            Change::GroupAdded(name) => {
                let object = Object::Group(name.clone());
                let values = group::State::new(name, new).map(|s| group::INTERFACE.values(&s));
                self.added(&object, group::INTERFACE.outline.name, values.unwrap_or_default())?;
                self.push_manager("GroupAdded", &name.as_str())
            }
            Change::GroupRemoved(name) => {
                self.removed(&Object::Group(name.clone()))?;
                self.push_manager("GroupRemoved", &name.as_str())
            }
            Change::GroupChanged(name) => {
                let states = group::State::new(name, old).zip(group::State::new(name, new));
                let values = states.map(|(old, new)| group::INTERFACE.changes(&old, &new));
                self.properties(&Object::Group(name.clone()), values.unwrap_or_default())
            }
            Change::ProcessAdded(info) => {
                let object = Object::Process(info.id.clone());
                let values = process::INTERFACE.values(&report(info));
                self.added(&object, process::INTERFACE.outline.name, values)?;
                self.push_manager("ProcessAdded", &object.path())
            }
            Change::ProcessRemoved(info) => {
                let object = Object::Process(info.id.clone());
                self.removed(&object)?;
                self.push_manager("ProcessRemoved", &object.path())
            }
            Change::ProcessChanged(before, after) => {
                let values = process::INTERFACE.changes(&report(before), &report(after));
                self.properties(&Object::Process(after.id.clone()), values)?;
                if before.state == after.state {
                    return Ok(());
                }
                let (from, to) = (before.state.name(), after.state.name());
                self.push_manager("ProcessStateChanged", &(path::process(&after.id), from, to))
            }
        }
    }

    fn properties(&mut self, object: &Object, values: Values) -> zbus::Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        let own = object.own_interface().map_or("", |outline| outline.name);
        let body = (own, values, Vec::<&str>::new());
        self.push(object, "org.freedesktop.DBus.Properties", "PropertiesChanged", &body)
    }

    fn added(
        &mut self,
        object: &Object,
        interface: &'static str,
        values: Values,
    ) -> zbus::Result<()> {
        let body = (object.path(), Interfaces::from([(interface, values)]));
        let manager = "org.freedesktop.DBus.ObjectManager";
        self.push(&Object::Manager, manager, "InterfacesAdded", &body)
    }

    fn removed(&mut self, object: &Object) -> zbus::Result<()> {
        let body = (object.path(), interface_names(object));
        let manager = "org.freedesktop.DBus.ObjectManager";
        self.push(&Object::Manager, manager, "InterfacesRemoved", &body)
    }

    fn event(&mut self, event: &Notice) -> zbus::Result<()> {
        self.push_manager("Event", &(event.kind.name(), event.payload.as_str()))
    }

    fn manager<B: Serialize + DynamicType>(
        mut self,
        name: &'static str,
        body: &B,
    ) -> zbus::Result<Self> {
        self.push_manager(name, body)?;
        Ok(self)
    }

    fn push_manager<B: Serialize + DynamicType>(
        &mut self,
        name: &'static str,
        body: &B,
    ) -> zbus::Result<()> {
        self.push(&Object::Manager, manager::INTERFACE.outline.name, name, body)
    }

    fn push<B: Serialize + DynamicType>(
        &mut self,
        object: &Object,
        interface: &'static str,
        name: &'static str,
        body: &B,
    ) -> zbus::Result<()> {
        self.0.push(Message::signal(object.path(), interface, name).build(body)?);
        Ok(())
    }
}

/// A process as it is told; only the description, which is not announced, depends on the moment.
fn report(info: &Arc<ProcessInfo>) -> ProcessReport {
    ProcessReport { info: info.clone(), now: wall_clock() }
}
