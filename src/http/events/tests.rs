//! What readers of events are told, over a core of straw.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::Value;

use super::ring::EVENTS_MAX;
use super::*;
use crate::api::Caller;
use crate::api::tests::fake::{Fake, id, process};
use crate::model::{ErrorKind, ProcessInfo, Role, StateCode, SupervisorState};

/// Long enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_secs(20);

struct Rig {
    fake: Fake,
    hub: Arc<Hub>,
}

/// A reader, with what came and was not looked at.
struct Reader {
    body: Body,
    text: String,
}

#[derive(Debug)]
struct Told {
    kind: String,
    id: Option<u64>,
    data: Value,
}

impl Rig {
    fn new(processes: &[ProcessInfo]) -> Self {
        let fake = Fake::new(processes);
        let hub = Hub::new((*fake.api).clone(), "here".into());
        Self { fake, hub }
    }

    async fn read(&self, query: &str, last: Option<u64>) -> Reader {
        let last = last.map(|last| last.to_string());
        let caller = Caller { role: Role::Viewer, name: Some("ann".into()) };
        let response = self.hub.respond(query, last.as_deref(), &caller).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Reader { body: response.into_body(), text: String::new() }
    }

    fn set(&self, process: &ProcessInfo) {
        self.fake.change(|fleet| {
            fleet.processes.insert(process.id.clone(), Arc::new(process.clone()));
        });
    }
}

impl Reader {
    /// The next event; `None` when it was cut off.
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let mut told = Told { kind: String::new(), id: None, data: Value::Null };
                for line in event.lines() {
                    match line.split_once(": ").unwrap() {
                        ("event", kind) => told.kind = kind.to_owned(),
                        ("id", id) => told.id = Some(id.parse().unwrap()),
                        ("data", data) => told.data = serde_json::from_str(data).unwrap(),
                        ("retry", "2000") => {}
                        other => panic!("{other:?}"),
                    }
                }
                self.text = rest.to_owned();
                if !told.kind.is_empty() {
                    return Some(told);
                }
                continue;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.unwrap()?;
            let bytes = frame.unwrap().into_data().unwrap();
            self.text += std::str::from_utf8(&bytes).unwrap();
        }
    }

    /// The next event that is not a tick.
    async fn told(&mut self) -> Told {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let told = self.next().await.expect("not cut off");
            if told.kind != "tick" {
                return told;
            }
        }
        panic!("nothing but ticks");
    }
}

#[tokio::test]
async fn a_snapshot_comes_first_and_then_what_changes() {
    let rig = Rig::new(&[process("web", StateCode::Starting), process("g:a", StateCode::Running)]);
    let mut reader = rig.read("snapshot=true", None).await;
    let told = reader.told().await;
    assert_eq!((told.kind.as_str(), told.id), ("snapshot", None));
    let supervisor = &told.data["supervisor"];
    assert_eq!(supervisor["role"], "viewer");
    assert_eq!((&supervisor["user"], &supervisor["node"]), (&"ann".into(), &"here".into()));
    assert_eq!(supervisor["statename"], "RUNNING");
    assert_eq!(told.data["groups"][1]["name"], "web");
    assert_eq!(told.data["processes"][0]["id"], "g:a");
    assert!(told.data["history"].is_object() && told.data["node_history"].is_array());
    let serial = told.data["serial"].as_u64().unwrap();

    rig.set(&process("web", StateCode::Running));
    let told = reader.told().await;
    assert_eq!((told.kind.as_str(), told.id), ("process_state", Some(serial + 1)));
    assert_eq!((&told.data["from"], &told.data["to"]), (&"STARTING".into(), &"RUNNING".into()));
    assert_eq!(told.data["process"]["name"], "web");

    let said =
        ProcessInfo { status_text: "3 clients".into(), ..process("web", StateCode::Running) };
    rig.set(&said);
    let told = reader.told().await;
    assert_eq!(told.kind, "process_info");
    assert_eq!(told.data["process"]["status_text"], "3 clients");

    rig.set(&process("g:new", StateCode::Stopped));
    assert_eq!(reader.told().await.kind, "process_added");
    rig.fake.change(|fleet| {
        fleet.processes.remove(&id("g:a"));
        fleet.state = SupervisorState::Shutdown;
    });
    let told = reader.told().await;
    assert_eq!((told.kind.as_str(), &told.data["id"]), ("process_removed", &"g:a".into()));
    let told = reader.told().await;
    assert_eq!(told.kind, "supervisor_state");
    assert_eq!((&told.data["from"], &told.data["to"]), (&"RUNNING".into(), &"SHUTDOWN".into()));
    // The daemon ends.
    drop(rig.fake.publish);
    while reader.next().await.is_some() {}
}

#[tokio::test]
async fn reloads_and_giving_up_are_told() {
    let rig = Rig::new(&[process("web", StateCode::Starting)]);
    let mut reader = rig.read("types=reload,process_state", None).await;
    rig.set(&process("web", StateCode::Fatal));
    let told = reader.told().await;
    assert_eq!((&told.data["from"], &told.data["to"]), (&"BACKOFF".into(), &"FATAL".into()));
    rig.fake.api.dispatch("supervisor.reloadConfig", Vec::new()).await.unwrap();
    let told = [reader.told().await, reader.told().await];
    assert!(told.iter().all(|told| told.kind == "reload"), "{told:?}");
    assert_eq!(told[1].data["active"], false);
}

#[tokio::test]
async fn a_reader_that_comes_back_goes_on_where_it_was() {
    let rig = Rig::new(&[process("web", StateCode::Starting)]);
    let mut reader = rig.read("snapshot=true&types=process_state", None).await;
    reader.told().await;
    rig.set(&process("web", StateCode::Running));
    let last = reader.told().await.id.unwrap();
    rig.set(&process("web", StateCode::Stopping));
    assert_eq!(reader.told().await.id, Some(last + 1));
    drop(reader);
    while rig.hub.board().attended {
        tokio::task::yield_now().await;
    }
    // While nobody reads, things happen: they are told as one.
    rig.set(&process("web", StateCode::Stopped));
    rig.set(&process("web", StateCode::Starting));
    let mut again = rig.read("snapshot=true", Some(last)).await;
    let told = again.told().await;
    assert_eq!((told.id, &told.data["to"]), (Some(last + 1), &"STOPPING".into()));
    let told = again.told().await;
    assert_eq!((told.id, &told.data["to"]), (Some(last + 2), &"STARTING".into()));
    // Of another life.
    for unknown in [last + 100, 3] {
        let mut fresh = rig.read("snapshot=true", Some(unknown)).await;
        assert_eq!(fresh.told().await.kind, "snapshot");
    }
}

#[tokio::test]
async fn after_much_has_happened_a_reader_that_comes_back_gets_a_snapshot() {
    let rig = Rig::new(&[process("web", StateCode::Running)]);
    let mut reader = rig.read("types=process_state", None).await;
    rig.set(&process("web", StateCode::Stopped));
    let serial = reader.told().await.id.unwrap();
    drop(reader);
    while rig.hub.board().attended {
        tokio::task::yield_now().await;
    }
    rig.fake.change(|fleet| {
        for number in 0..=CHANGES_MISSED_MAX {
            let new = process(&format!("g:{number}"), StateCode::Stopped);
            fleet.processes.insert(new.id.clone(), Arc::new(new));
        }
    });
    let mut reader = rig.read("snapshot=true", Some(serial)).await;
    let told = reader.told().await;
    assert_eq!(told.kind, "snapshot");
    assert_eq!(told.data["processes"].as_array().unwrap().len(), CHANGES_MISSED_MAX + 2);
}

#[tokio::test]
async fn a_reader_that_lags_behind_the_ring_is_cut_off_and_others_are_not() {
    let rig = Rig::new(&[process("web", StateCode::Running)]);
    let mut slow = rig.read("types=process_state", None).await;
    let mut quick = rig.read("types=process_state", None).await;
    for _ in 0..=EVENTS_MAX / 2 {
        for state in [StateCode::Stopped, StateCode::Starting] {
            rig.set(&process("web", state));
            quick.told().await;
        }
    }
    assert!(slow.next().await.is_none());
    rig.set(&process("web", StateCode::Running));
    assert_eq!(quick.told().await.data["to"], "RUNNING");
}

#[tokio::test]
async fn a_sign_of_life_tells_what_is_used() {
    let mut own = process("web", StateCode::Running);
    own.pid = std::process::id() as i32;
    let rig = Rig::new(&[own]);
    let mut reader = rig.read("types=tick", None).await;
    let told = reader.next().await.unwrap();
    assert_eq!((told.kind.as_str(), told.id), ("tick", None));
    assert_eq!(told.data["node"]["name"], "here");
    assert!(told.data["node"]["mem_total"].as_u64() > told.data["node"]["mem_used"].as_u64());
    assert!(told.data["usage"]["web"][1].as_u64() > Some(4096), "{told:?}");
    let mut late = rig.read("snapshot=true", None).await;
    let told = late.told().await;
    assert_eq!(told.data["history"]["web"].as_array().unwrap().len(), 1);
    assert_eq!(told.data["node_history"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn other_nodes_are_told_to_who_wants_them() {
    let rig = Rig::new(&[]);
    let mut watchers = rig.hub.watch_node_watchers();
    let mut reader = rig.read("nodes=true&types=process_state", None).await;
    assert_eq!(*watchers.borrow_and_update(), 1);
    for status in ["OFFLINE", "ONLINE"] {
        rig.hub.publish_node("there", &serde_json::json!({"name": "there", "status": status}));
    }
    let told = reader.told().await;
    assert_eq!((told.kind.as_str(), &told.data["status"]), ("node", &"ONLINE".into()));
    let mut second = rig.read("nodes=true", None).await;
    assert_eq!(second.told().await.data["name"], "there", "what is known is told at once");
    drop((reader, second));
    assert_eq!(*watchers.borrow_and_update(), 0);
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_told_and_nonsense_is_refused() {
    let rig = Rig::new(&[process("web", StateCode::Running)]);
    let mut reader = rig.read("types=process_added", None).await;
    rig.set(&process("web", StateCode::Stopped));
    rig.set(&process("new", StateCode::Stopped));
    assert_eq!(reader.told().await.kind, "process_added");
    let refused =
        rig.hub.respond("types=nope", None, &Caller { role: Role::Admin, name: None }).await;
    assert_eq!(refused.err().map(|why| why.kind), Some(ErrorKind::IncorrectParameters));
}

#[tokio::test]
async fn what_a_program_writes_is_told_to_who_names_it() {
    let rig = Rig::new(&[process("web", StateCode::Running)]);
    let (pipe, writer) = nix::unistd::pipe().unwrap();
    let web = process("web", StateCode::Running);
    let settings = Arc::new(crate::config::ProcessSettings::new("web", "cat"));
    rig.fake.api.logs().attach(&web.id, 7, Stream::Stdout, pipe, &settings, &web.facts);
    let mut reader = rig.read("types=process_log", None).await;
    let mut told = std::pin::pin!(reader.told());
    // What was written before the first look is no news.
    let told = loop {
        nix::unistd::write(&writer, b"line\n").unwrap();
        if let Ok(told) = tokio::time::timeout(Duration::from_millis(100), &mut told).await {
            break told;
        }
    };
    assert_eq!((told.kind.as_str(), told.id), ("process_log", None));
    assert_eq!((&told.data["id"], &told.data["channel"]), (&"web".into(), &"stdout".into()));
}
