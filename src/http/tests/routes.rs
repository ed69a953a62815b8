//! What each path answers.

use std::sync::Arc;

use super::{Server, call, get, post};
use crate::api::tests::fake::{Fake, facts, process};
use crate::config::setting::LogLevel;
use crate::http::routes::ROUTES;
use crate::model::StateCode;
use crate::xmlrpc::{Value, decode_response};

const STATE: &str = "<methodCall><methodName>supervisor.getState</methodName></methodCall>";

#[tokio::test]
async fn paths_answer_as_the_references() {
    let fake = Fake::new(&[process("cat", StateCode::Running)]);
    let server = Server::of(&fake.api, None);
    for (request, status) in [
        (post("/RPC2", STATE), 200),
        (post("/RPC2foo?x", STATE), 200),
        (post("/%52PC2", STATE), 200),
        (post("/RPC2", "<a>"), 400),
        (post("/RPC2", "<methodCall><params/></methodCall>"), 400),
        (post("/RPC2", ""), 400),
        ("POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 411),
        (get("/RPC2"), 405),
        (post("/nope", ""), 404),
        (get("/nope"), 404),
        ("DELETE /x HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 404),
        (get("/logtail/nope"), 404),
        (get("/logtail/cat"), 404),
        (get("/logtail/cat/nope"), 404),
        (get("/logtail"), 404),
        (post("/logtail/cat", ""), 405),
        (post("/mainlogtail", ""), 405),
        ("OPTIONS /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 204),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        ("nonsense\r\n\r\n".to_owned(), 400),
    ] {
        assert_eq!(server.ask(&request).await.status, status, "{request}");
    }
}

#[tokio::test]
async fn a_call_is_answered_in_xml_and_the_connection_kept() {
    let fake = Fake::new(&[]);
    let server = Server::of(&fake.api, None);
    let mut client = server.connect().await;
    for (method, wanted) in [
        ("supervisor.getIdentification", Ok("supervisor".into())),
        ("supervisor.nope", Err("UNKNOWN_METHOD")),
        ("supervisor.getAPIVersion", Ok(Value::from("3.0"))),
    ] {
        client.send(&call(method)).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains("content-type: text/xml"), "{}", answer.head);
        let decoded = decode_response(&answer.body).unwrap();
        assert_eq!(decoded.map_err(|fault| fault.string), wanted.map_err(str::to_owned));
    }
}

#[tokio::test]
async fn what_is_kept_never_outlives_a_change() {
    let fake = Fake::new(&[]);
    let server = Server::of(&fake.api, None);
    let mut client = server.connect().await;
    for count in 0..4 {
        for _ in 0..2 {
            client.send(&call("supervisor.getAllProcessInfo")).await;
            let all = decode_response(&client.answer().await.body).unwrap().unwrap();
            assert_eq!(all.as_array().unwrap().len(), count);
        }
        fake.change(|snapshot| {
            let process = process(&format!("p{count}"), StateCode::Stopped);
            snapshot.processes.insert(process.id.clone(), Arc::new(process));
        });
    }
}

#[tokio::test]
async fn every_byte_survives_the_way_through_xml() {
    let fake = Fake::new(&[]);
    let log = fake.path().join("log");
    std::fs::write(&log, (0..=255).cycle().take(1024).collect::<Vec<u8>>()).unwrap();
    let mut cat = process("cat", StateCode::Running);
    let path = log.display().to_string();
    cat.facts = Arc::new(facts(&path, &path));
    fake.change(|snapshot| {
        snapshot.processes.insert(cat.id.clone(), Arc::new(cat));
    });
    let server = Server::of(&fake.api, None);
    for method in [
        "readProcessStdoutLog",
        "readProcessStderrLog",
        "tailProcessStdoutLog",
        "tailProcessStderrLog",
    ] {
        let params = ["<string>cat</string>", "<int>0</int>", "<int>1024</int>"]
            .map(|value| format!("<param><value>{value}</value></param>"))
            .concat();
        let body = format!(
            "<methodCall><methodName>supervisor.{method}</methodName><params>{params}</params></methodCall>"
        );
        let answer = server.ask(&post("/RPC2", &body)).await;
        let value = decode_response(&answer.body).unwrap().unwrap();
        let text = match &value {
            Value::Array(items) => items[0].as_str().unwrap(),
            value => value.as_str().unwrap(),
        };
        assert_eq!(text.matches("ABC").count(), 4, "{method}");
        let strange = |c: char| c < ' ' && !"\t\n\r".contains(c);
        assert!(!answer.body.iter().any(|&byte| strange(byte.into())), "{method}");
    }
}

#[tokio::test]
async fn nothing_answers_without_credentials() {
    let fake = Fake::new(&[process("cat", StateCode::Running)]);
    let server = Server::of(&fake.api, Some("p"));
    let fill = |pattern: &str| {
        pattern.replace("{name}", "cat").replace("{channel}", "stdout").replace(['{', '}'], "")
    };
    let every = ROUTES.iter().flat_map(|spec| {
        let path = fill(spec.pattern);
        ["GET", "POST", "PUT", "OPTIONS", "DELETE"].map(|method| {
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        })
    });
    let odd = [
        post("/RPC2foo", STATE),
        get("/logtail"),
        get("/nope"),
        post("/nope", "x"),
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
    ];
    for request in every.chain(odd) {
        let answer = server.ask(&request).await;
        assert_eq!(answer.status, 401, "{request}");
        assert!(answer.head.contains("www-authenticate: basic realm=\"default\""), "{answer:?}");
    }
    assert_eq!(fake.commands(), []);
    let known = get("/program/list").replacen("Host: x", "Host: x\r\nAuthorization: Basic dTpw", 1);
    assert_eq!(server.ask(&known).await.status, 200);
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let fake = Fake::new(&[]);
    let server = Server::of(&fake.api, None);
    let foreign = post("/RPC2", STATE).replacen("Host: x", "Host: x\r\nOrigin: http://evil", 1);
    assert_eq!(server.ask(&foreign).await.status, 403);
    let own = post("/RPC2", STATE).replacen(
        "Host: x",
        "Host: x\r\nOrigin: http://x\r\nContent-Type: text/xml",
        1,
    );
    assert_eq!(server.ask(&own).await.status, 200);
}

#[tokio::test]
async fn a_log_is_followed_until_the_client_leaves() {
    let fake = Fake::new(&[]);
    fake.api.log_line(LogLevel::Info, &format!("{}|the end", "x".repeat(2000)));
    let server = Server::of(&fake.api, None);
    let mut client = server.connect().await;
    client.send(&get("/mainlogtail")).await;
    let mut seen = String::new();
    let mut lines = 0;
    while !seen.contains("line 3") {
        seen.push_str(&String::from_utf8(client.receive().await).unwrap());
        if seen.contains(&format!("line {lines}")) || (lines == 0 && seen.contains("the end\n")) {
            lines += 1;
            fake.api.log_line(LogLevel::Info, &format!("line {lines}"));
        }
    }
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert!(head.contains("content-type: text/plain;charset=utf-8"), "{head}");
    assert!(body.starts_with("400\r\nxxx"), "the last 1,024 bytes first: {body}");
}
