//! Several daemons that know of each other: whole, dead, hung, or each naming the other.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::rig::{Rig, is_alive, wait_for};

const SLEEP: &str = "[program:web]\ncommand=sleep 1000\nstartsecs=0\n";

/// A section that names another daemon.
fn remote(name: &str, rig: &Rig, more: &str) -> String {
    format!("[remote:{name}]\nurl=unix://{}\n{more}", rig.path("sock").display())
}

fn names_and_states(nodes: &Json) -> Vec<(&str, &str)> {
    nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["name"].as_str().unwrap(), node["status"].as_str().unwrap()))
        .collect()
}

#[test]
fn what_another_node_runs_is_seen_and_managed_from_here() {
    let there = Rig::running(&format!(
        "{SLEEP}[program:talk]\ncommand=sh -c 'echo hello; exec sleep 1000'\nstartsecs=0"
    ));
    let here = Rig::running(&format!("{SLEEP}{}", remote("b", &there, "")));

    let list = here.ask("GET /program/list", "").json();
    let seen: Vec<_> = list.as_array().unwrap().iter().map(|p| (&p["node"], &p["name"])).collect();
    let own = list[0]["node"].clone();
    assert_eq!(
        seen,
        [(&own, &json!("web")), (&json!("b"), &json!("talk")), (&json!("b"), &json!("web"))]
    );
    let only_own = here.ask("GET /program/list?local=true", "").json();
    assert_eq!(only_own.as_array().unwrap().len(), 1);

    let nodes = here.ask("GET /supervisor/listNodes", "").json();
    assert_eq!(names_and_states(&nodes)[1], ("b", "ONLINE"));
    assert!(nodes[1]["mem_total"].as_u64().unwrap() > 0, "{nodes}");
    assert_eq!(here.ask("GET /supervisor/b/ping", "").json(), json!({ "success": true }));

    let before = there.process("web");
    assert_eq!(here.ask("POST /program/restart/b/web", "").json(), json!({ "success": true }));
    assert_ne!(there.process("web"), before);
    assert!(!is_alive(before));
    let own_web = here.process("web");
    let body = json!([{ "node": "b", "program": "web" }, { "node": "b", "program": "nope" }]);
    let stopped = here.ask("POST /program/stopPrograms", &body.to_string()).json();
    assert_eq!(stopped["results"][0]["success"], true, "{stopped}");
    assert_eq!(stopped["results"][1]["error"]["kind"], "BAD_NAME", "{stopped}");
    assert_eq!(there.state("web"), "STOPPED");
    assert_eq!(here.process("web"), own_web, "the one here of that name was not touched");
    let again = here.ask("POST /program/stop/b/web", "");
    assert_eq!((again.status, &again.json()["error"]["kind"]), (409, &json!("NOT_RUNNING")));

    let log = wait_for("what it said", || {
        let answer = here.ask("GET /program/log/b/talk/stdout", "");
        (answer.body == b"hello\n").then_some(answer)
    });
    assert!(log.head.contains("content-type: text/plain"), "{}", log.head);
    let piece = here.ask("GET /program/log/b/talk/stdout\nRange: bytes=1-2", "");
    assert_eq!((piece.status, &*piece.body), (206, &b"el"[..]));
    let detail = here.ask("GET /program/detail/b/web", "").json();
    assert_eq!(detail["command"], "sleep 1000");
    assert!(here.ask("GET /supervisor/b/log?search=spawned", "").json()["size"].as_u64() > Some(0));
    let signal = here.ask("POST /program/signal/b/talk/TERM", "");
    assert_eq!(signal.json(), json!({ "success": true }));
    there.wait_log("exited: talk");
}

#[test]
fn dead_and_hung_nodes_are_told_as_such_and_delay_nobody_for_long() {
    let there = Rig::running(SLEEP);
    let mut here = Rig::new("");
    // It takes connections and never says a word.
    let hung = UnixListener::bind(here.path("hung")).unwrap();
    here.configure(&format!(
        "{SLEEP}{}[remote:dead]\nurl=unix://@/nobody\n\
         [remote:hung]\nurl=unix://@/hung\ntimeout=1\n",
        remote("well", &there, "")
    ));
    here.start();
    let begun = Instant::now();
    let nodes = here.ask("GET /supervisor/listNodes", "").json();
    let took = begun.elapsed();
    let wanted = [("dead", "OFFLINE"), ("hung", "OFFLINE"), ("well", "ONLINE")];
    let mut states = names_and_states(&nodes)[1..].to_vec();
    states.sort_unstable();
    assert_eq!(states, wanted);
    // One second is the hung one's; they are asked at the same time.
    assert!(took < Duration::from_secs(10), "{took:?}");
    let error = |name: &str| {
        let all = nodes.as_array().unwrap();
        all.iter().find(|node| node["name"] == name).unwrap()["error"].to_string()
    };
    assert!(error("dead").contains("cannot reach"), "{}", error("dead"));
    assert!(error("hung").contains("within 1 s"), "{}", error("hung"));
    let list = here.ask("GET /program/list", "").json();
    assert_eq!(list.as_array().unwrap().len(), 2, "what is there is told: {list}");
    let refused = here.ask("GET /supervisor/dead/ping", "");
    assert_eq!(refused.status, 502);
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("dead is offline"));
    let started = here.ask("POST /program/start/dead/web", "");
    assert_eq!(started.status, 502);
    drop(hung);

    // One that dies is offline from then on, and back when it is.
    let mut there = there;
    there.signal(libc::SIGTERM);
    there.ended();
    let state = |wanted: &str| {
        let nodes = here.ask("GET /supervisor/listNodes", "").json();
        let all = nodes.as_array().unwrap();
        (all.iter().find(|node| node["name"] == "well").unwrap()["status"] == wanted).then_some(())
    };
    state("OFFLINE").expect("offline at once");
    there.start();
    state("ONLINE").expect("online at once");
}

#[test]
fn two_that_name_each_other_do_not_go_in_circles() {
    let mut one = Rig::new("");
    let mut two = Rig::new("");
    one.configure(&format!("{SLEEP}{}", remote("two", &two, "")));
    two.configure(&format!("{SLEEP}{}", remote("one", &one, "")));
    one.start();
    two.start();
    let list = one.ask("GET /program/list", "").json();
    assert_eq!(list.as_array().unwrap().len(), 2, "each once: {list}");
    let nodes = two.ask("GET /supervisor/listNodes", "").json();
    assert_eq!(nodes.as_array().unwrap().len(), 2, "{nodes}");
    let passed_on = one.ask("GET /program/info/two/web\nX-Supervisord-Via: two", "");
    assert_eq!(passed_on.status, 508);
    assert_eq!(passed_on.json()["error"]["kind"], "LOOP_DETECTED");
    let process = two.process("web");
    let passed_on = one.ask("POST /program/stop/two/web\nX-Supervisord-Via: two", "");
    assert_eq!(passed_on.status, 508);
    assert_eq!(two.process("web"), process);
}

/// A port of this host that nobody used a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn three_on_tcp_have_one_list_of_all_of_them() {
    let names = ["one", "two", "three"];
    let ports = names.map(|_| free_port());
    let all: Vec<_> =
        names.iter().zip(ports).map(|(name, port)| format!("{name}:127.0.0.1:{port}")).collect();
    let rigs: Vec<_> = names
        .iter()
        .zip(ports)
        .map(|(name, port)| {
            Rig::running(&format!(
                "[inet_http_server]\nport=127.0.0.1:{port}\nnodename={name}\nremotes={}\n{SLEEP}",
                all.join(",")
            ))
        })
        .collect();
    for rig in &rigs {
        let nodes = rig.ask("GET /supervisor/listNodes", "").json();
        let mut states = names_and_states(&nodes);
        states.sort_unstable();
        assert_eq!(states, [("one", "ONLINE"), ("three", "ONLINE"), ("two", "ONLINE")]);
        let list = rig.ask("GET /program/list", "").json();
        assert_eq!(list.as_array().unwrap().len(), 3, "each once: {list}");
    }
    let stopped = rigs[0].ask("POST /program/stop/three/web", "");
    assert_eq!(stopped.status, 200);
    assert_eq!(rigs[2].state("web"), "STOPPED");
    assert_eq!(rigs[1].state("web"), "RUNNING");
    let missing = rigs[0].ask("GET /supervisor/four/ping", "");
    assert_eq!(missing.status, 404);
}

#[test]
fn a_node_is_asked_with_its_own_credentials() {
    let there = Rig::new("");
    let locked = format!(
        "[unix_http_server]\nfile={0}\nusername=u\npassword=secret\n",
        there.path("locked").display()
    );
    // The rig's own socket comes first in its file: this one replaces it.
    let text = std::fs::read_to_string(there.path("conf")).unwrap();
    let rest = text.split_once("[supervisorctl]").unwrap().1;
    std::fs::write(there.path("conf"), format!("{locked}[supervisorctl]{rest}{SLEEP}")).unwrap();
    let command = there.command(&["-n"]);
    let daemon = Started(start(command));
    let socket = there.path("locked");
    wait_for("the socket", || std::os::unix::net::UnixStream::connect(&socket).ok());
    let mut here = Rig::new("");
    here.configure(&format!(
        "[remote:right]\nurl=unix://{0}\nusername=u\npassword=secret\n\
         [remote:wrong]\nurl=unix://{0}\nusername=u\npassword=guess\n[remote:none]\nurl=unix://{0}\n",
        socket.display()
    ));
    here.start();
    let nodes = here.ask("GET /supervisor/listNodes", "").json();
    let mut states = names_and_states(&nodes)[1..].to_vec();
    states.sort_unstable();
    assert_eq!(states, [("none", "OFFLINE"), ("right", "ONLINE"), ("wrong", "OFFLINE")]);
    let told = nodes.to_string();
    assert!(told.contains("asks for a password"), "{told}");
    assert!(!told.contains("secret") && !told.contains("guess"), "{told}");
    // Whoever asks is not asked for the other's password.
    let refused = here.ask("POST /program/stop/wrong/web", "");
    assert_eq!(refused.status, 502);
    assert_eq!(here.ask("POST /program/stop/right/web", "").status, 200);
    drop(daemon);
}

/// A daemon that ends with this.
struct Started(std::process::Child);

#[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a test starts the daemon")]
fn start(mut command: std::process::Command) -> std::process::Child {
    command.spawn().unwrap()
}

impl Drop for Started {
    #[allow(clippy::disallowed_methods, reason = "a test ends the daemon")]
    fn drop(&mut self) {
        crate::rig::send(i32::try_from(self.0.id()).unwrap(), libc::SIGTERM);
        _ = self.0.wait();
    }
}
