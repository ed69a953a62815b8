//! The routes that speak JSON, and logs as text.

use std::sync::Arc;

use serde_json::json;

use super::{Answer, Server, get, json_of, post};
use crate::api::tests::fake::{Fake, facts, id, process};
use crate::core::Command;
use crate::model::{Error, ErrorKind, StateCode};

fn fleet() -> Fake {
    let states =
        [("cat", StateCode::Running), ("g:a", StateCode::Running), ("g:b", StateCode::Stopped)];
    Fake::new(&states.map(|(name, state)| process(name, state)))
}

/// A fleet of one whose stdout is kept in a file with this content.
fn with_log(content: &[u8]) -> Fake {
    let fake = Fake::new(&[]);
    let log = fake.path().join("log");
    std::fs::write(&log, content).unwrap();
    let mut cat = process("cat", StateCode::Running);
    cat.facts = Arc::new(facts(&log.display().to_string(), ""));
    fake.change(|snapshot| {
        snapshot.processes.insert(cat.id.clone(), Arc::new(cat));
    });
    fake
}

fn error(answer: &Answer) -> (u16, String) {
    (answer.status, json_of(answer)["error"]["kind"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn processes_are_listed_and_told_one_by_one() {
    let fake = fleet();
    let server = Server::of(&fake.api, None);
    let list = json_of(&server.ask(&get("/program/list")).await);
    let names: Vec<_> = list.as_array().unwrap().iter().map(|p| p["name"].clone()).collect();
    assert_eq!(names, ["cat", "a", "b"]);
    for member in ["description", "start", "stop", "now", "spawnerr", "exitstatus", "logfile"] {
        assert!(!list[0][member].is_null(), "{member}");
    }
    assert_eq!(list[0]["node"], "box");
    for path in ["/program/info/g:a", "/program/info/box/g:a", "/program/info/g%3Aa"] {
        let info = json_of(&server.ask(&get(path)).await);
        assert_eq!(
            (&info["group"], &info["statename"]),
            (&json!("g"), &json!("RUNNING")),
            "{path}"
        );
    }
    let nope = server.ask(&get("/program/info/nope")).await;
    assert_eq!(error(&nope), (404, "BAD_NAME".to_owned()));
    let nowhere = server.ask(&get("/program/info/nowhere/cat")).await;
    assert_eq!(error(&nowhere), (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn processes_are_started_stopped_and_restarted() {
    let fake = fleet();
    let server = Server::of(&fake.api, None);
    let process = id("g:b");
    let wait = true;
    for (path, command) in [
        ("/program/start/g:b", Command::Start { process: process.clone(), wait }),
        ("/program/stop/box/g:b", Command::Stop { process: process.clone(), wait }),
        ("/program/restart/g%3Ab", Command::Restart { process: process.clone(), wait }),
    ] {
        let refused = server.ask(&get(path)).await;
        assert_eq!(error(&refused), (405, "METHOD_NOT_ALLOWED".to_owned()));
        assert!(refused.head.contains("allow: post, put, options"), "{}", refused.head);
        assert_eq!(fake.commands(), []);
        for request in [post(path, ""), post(path, "").replacen("POST", "PUT", 1)] {
            assert_eq!(json_of(&server.ask(&request).await), json!({ "success": true }));
            assert_eq!(fake.commands(), std::slice::from_ref(&command), "{path}");
        }
    }
    assert_eq!(error(&server.ask(&post("/program/start/g:*", "")).await).0, 404);
    assert_eq!(fake.commands(), []);
}

#[tokio::test]
async fn a_refusal_has_the_status_and_the_words_of_the_table() {
    let fake = Fake::answering(&[process("cat", StateCode::Running)], |_| {
        Err(Error::new(ErrorKind::AlreadyStarted, "cat"))
    });
    let server = Server::of(&fake.api, None);
    let answer = server.ask(&post("/program/start/cat", "")).await;
    let wanted =
        json!({ "error": { "kind": "ALREADY_STARTED", "message": "ALREADY_STARTED: cat" } });
    assert_eq!((answer.status, json_of(&answer)), (409, wanted));
    let many = post("/program/startPrograms", r#"["cat", {"node": "box", "program": "nope"}]"#);
    let answer = json_of(&server.ask(&many).await);
    assert_eq!(answer["success"], false);
    assert_eq!(answer["results"][0]["error"]["kind"], "ALREADY_STARTED");
    assert_eq!(answer["results"][1]["error"]["kind"], "BAD_NAME");
    for bad in ["{}", "[{}]", "[1]", "["] {
        let answer = server.ask(&post("/program/stopPrograms", bad)).await;
        assert_eq!(error(&answer), (400, "INCORRECT_PARAMETERS".to_owned()), "{bad}");
    }
}

#[tokio::test]
async fn operations_are_called_by_name() {
    let fake = fleet();
    let server = Server::of(&fake.api, None);
    let state = json_of(&server.ask(&get("/api/getState")).await);
    assert_eq!(state, json!({ "statecode": 1, "statename": "RUNNING" }));
    let info = json_of(&server.ask(&get("/api/getProcessInfo?name=g%3Aa")).await);
    assert_eq!(info["group"], "g");
    let signal = post("/api/signalProcess", r#"{"name": "cat", "signal": "HUP"}"#);
    assert_eq!(json_of(&server.ask(&signal).await), json!(true));
    assert_eq!(fake.commands().len(), 1);
    for (request, refused) in [
        (get("/api/shutdown"), (405, "METHOD_NOT_ALLOWED")),
        (get("/api/nope"), (404, "UNKNOWN_METHOD")),
        (get("/api/getProcessInfo"), (400, "INCORRECT_PARAMETERS")),
        (post("/api/startProcess", r#"{"name": 1}"#), (400, "INCORRECT_PARAMETERS")),
        (post("/api/startProcess", "{"), (400, "INCORRECT_PARAMETERS")),
    ] {
        let answer = server.ask(&request).await;
        assert_eq!(error(&answer), (refused.0, refused.1.to_owned()), "{request}");
    }
    assert_eq!(fake.commands(), []);
}

#[tokio::test]
async fn a_log_is_read_whole_or_in_pieces() {
    let fake = with_log(b"0123456789<b>\xff</b>\n");
    let server = Server::of(&fake.api, None);
    let ranged = |range: &str| {
        get("/program/log/cat/stdout").replacen("Host: x", &format!("Host: x\r\nRange: {range}"), 1)
    };
    let whole = server.ask(&get("/program/log/box/cat/stdout")).await;
    assert_eq!((whole.status, &*whole.body), (200, &b"0123456789<b>\xff</b>\n"[..]));
    assert!(whole.head.contains("content-type: text/plain"), "never as a page: {}", whole.head);
    assert!(whole.head.contains("x-content-type-options: nosniff"));
    let piece = server.ask(&ranged("bytes=2-4")).await;
    assert_eq!((piece.status, &*piece.body), (206, &b"234"[..]));
    assert!(piece.head.contains("content-range: bytes 2-4/19"), "{}", piece.head);
    let end = server.ask(&ranged("bytes=-5")).await;
    assert_eq!(&*end.body, b"</b>\n");
    let beyond = server.ask(&ranged("bytes=100-")).await;
    assert_eq!(beyond.status, 416);
    assert!(beyond.head.contains("content-range: bytes */19"), "{}", beyond.head);
    let download = server.ask(&get("/program/log/cat/stdout?download=true")).await;
    assert!(download.head.contains("attachment; filename=\"cat-stdout.log\""), "{}", download.head);
    for (path, status) in [
        ("/program/log/cat/stderr", 404),
        ("/program/log/cat/nope", 404),
        ("/program/log/nope/stdout", 404),
        ("/program/log/cat/stdout?follow=maybe", 400),
        ("/program/log/cat/stdout?search=", 400),
    ] {
        assert_eq!(error(&server.ask(&get(path)).await).0, status, "{path}");
    }
}

#[tokio::test]
async fn a_log_is_searched_and_followed_from_a_byte() {
    let fake = with_log(b"one\nTwo\nthree two\n");
    let server = Server::of(&fake.api, None);
    let found = json_of(&server.ask(&get("/program/log/cat/stdout?search=two")).await);
    let wanted = json!({
        "size": 18,
        "matches": [{ "offset": 4, "line": "Two" }, { "offset": 8, "line": "three two" }],
        "next": null,
    });
    assert_eq!(found, wanted);
    fake.api.log_line(crate::config::setting::LogLevel::Info, "the end");
    let main = json_of(&server.ask(&get("/supervisor/log?search=the+end")).await);
    assert_eq!(main["matches"].as_array().unwrap().len(), 1);
    let size = main["size"].as_u64().unwrap();
    let mut client = server.connect().await;
    client.send(&get(&format!("/supervisor/box/log?follow=true&offset={}", size - 4))).await;
    let mut seen = String::new();
    while !seen.contains("end\n") {
        seen.push_str(&String::from_utf8(client.receive().await).unwrap());
    }
    assert!(seen.ends_with("4\r\nend\n\r\n"), "{seen}");
}

#[tokio::test]
async fn the_links_of_the_old_page_lead_to_the_new_one_and_change_nothing() {
    let fake = fleet();
    let server = Server::of(&fake.api, None);
    let stop = "/index.html?processname=cat&action=stop";
    for (request, place) in [
        (get(stop), "./"),
        (get("/tail.html?processname=g%3Aa&limit=1024"), "./#log/g%3Aa/stdout"),
        (get("/tail.html"), "./#log/main"),
    ] {
        let answer = server.ask(&request).await;
        assert_eq!(answer.status, 303, "{request}");
        assert!(answer.head.contains(&format!("location: {}", place.to_lowercase())), "{answer:?}");
    }
    assert_eq!(fake.commands(), []);
    assert_eq!(server.ask(&post(stop, "")).await.status, 303);
    assert_eq!(server.ask(&post("/index.html", "action=stop&processname=cat")).await.status, 303);
    let stopped = Command::Stop { process: id("cat"), wait: false };
    assert_eq!(fake.commands(), [stopped.clone(), stopped]);
    assert_eq!(error(&server.ask(&post("/index.html?action=x", "")).await).0, 400);
}

#[tokio::test]
async fn a_call_that_was_passed_on_goes_no_further() {
    let fake = fleet();
    let server = Server::of(&fake.api, None);
    let passed =
        |request: String| request.replacen("Host: x", "Host: x\r\nX-Supervisord-Via: a", 1);
    assert_eq!(server.ask(&passed(get("/program/list"))).await.status, 200);
    // Here there is no such node; with one it is a loop (see the tests of several daemons).
    assert_eq!(server.ask(&passed(get("/program/info/nowhere/cat"))).await.status, 404);
}

#[tokio::test]
async fn the_description_is_served() {
    let fake = fleet();
    let server = Server::of(&fake.api, None);
    let described = json_of(&server.ask(&get("/openapi.json")).await);
    assert_eq!(described["openapi"], "3.1.0");
}
