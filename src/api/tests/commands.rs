//! What becomes of a request on its way to the core, and of the core's answer.

use std::sync::Arc;

use super::{ask, ask_with, column, fleet, keys, list, text};
use crate::api::tests::fake::{Fake, facts, id, process};
use crate::core::event::{Changes, ProcessStatus};
use crate::core::{Command, Reply};
use crate::model::snapshot::GroupInfo;
use crate::model::{Error, ErrorKind, ProcessFacts, StateCode};
use crate::xmlrpc::Value;

#[tokio::test]
async fn requests_become_commands() {
    let fake = Fake::new(&fleet());
    for (call, command) in [
        ("startProcess cat", "Start { process: cat, wait: true }"),
        ("startProcess g:a false", "Start { process: g:a, wait: false }"),
        ("startProcess g:* 1", "StartGroup { group: \"g\", wait: true }"),
        ("startProcess g:", "StartGroup { group: \"g\", wait: true }"),
        ("startProcessGroup g", "StartGroup { group: \"g\", wait: true }"),
        ("startAllProcesses", "StartAll { wait: true }"),
        ("startAllProcesses 0", "StartAll { wait: false }"),
        ("startAllProcesses no", "StartAll { wait: true }"),
        ("startAllProcesses []", "StartAll { wait: false }"),
        ("stopProcess cat:cat", "Stop { process: cat, wait: true }"),
        ("stopProcess g:*", "StopGroup { group: \"g\", wait: true }"),
        ("stopProcessGroup g", "StopGroup { group: \"g\", wait: true }"),
        ("stopAllProcesses", "StopAll { wait: true }"),
        ("restartProcess cat", "Restart { process: cat, wait: true }"),
        ("restartProcess g:* false", "RestartGroup { group: \"g\", wait: false }"),
        ("restartProcessGroup g", "RestartGroup { group: \"g\", wait: true }"),
        ("signalProcess cat SIGTERM", "Signal { process: cat, signal: SIGTERM }"),
        ("signalProcess cat 15", "Signal { process: cat, signal: SIGTERM }"),
        ("signalProcess g:* term", "SignalGroup { group: \"g\", signal: SIGTERM }"),
        ("signalProcessGroup g '15'", "SignalGroup { group: \"g\", signal: SIGTERM }"),
        ("signalAllProcesses TERM", "SignalAll { signal: SIGTERM }"),
        ("sendProcessStdin cat h\u{e9}", "SendStdin { process: cat, bytes: [104, 195, 169] }"),
        ("addProcessGroup g", "AddGroup { group: \"g\" }"),
        ("addProcessGroup 5", "AddGroup { group: \"5\" }"),
        ("removeProcessGroup g", "RemoveGroup { group: \"g\" }"),
        ("shutdown", "Shutdown"),
        ("restart", "RestartDaemon"),
    ] {
        assert_eq!(ask(&fake, call).await, Ok(Value::Bool(true)), "{call}");
        assert_eq!(format!("{:?}", fake.commands()), format!("[{command}]"), "{call}");
    }
    let bytes = vec![text("cat"), Value::Base64(vec![0, 255])];
    ask_with(&fake, "supervisor.sendProcessStdin", bytes).await.unwrap();
    let wanted = Command::SendStdin { process: id("cat"), bytes: vec![0, 255] };
    assert_eq!(fake.commands(), [wanted]);
}

#[tokio::test]
async fn a_reload_is_three_lists_in_two_arrays() {
    let fake = Fake::answering(&[], |_| {
        Ok(Reply::Changes(Changes {
            added: vec!["new".into()],
            changed: vec![],
            removed: vec!["old".into()],
        }))
    });
    for call in ["reloadConfig", "update"] {
        let names = |names: &[&str]| Value::Array(names.iter().map(|&name| text(name)).collect());
        let lists = Value::Array(vec![names(&["new"]), names(&[]), names(&["old"])]);
        assert_eq!(ask(&fake, call).await, Ok(Value::Array(vec![lists])));
        match &*fake.commands() {
            [Command::Reread { groups } | Command::Update { groups }] => {
                assert_eq!(groups.len(), 2, "what was read goes to the core");
            }
            other => panic!("{other:?}"),
        }
    }
    let fake = Fake::with_broken_config(&["a.conf:1: bad", "a.conf:7: worse"]);
    for call in ["reloadConfig", "update"] {
        let why = ask(&fake, call).await.unwrap_err();
        assert_eq!(why, "92 CANT_REREAD: a.conf:1: bad\na.conf:7: worse");
    }
    assert_eq!(fake.commands(), [], "nothing is changed");
}

#[tokio::test]
async fn what_the_core_refuses_is_a_fault_in_the_callers_words() {
    use ErrorKind as Kind;
    for (call, kind, detail, wanted) in [
        ("startProcess", Kind::AlreadyStarted, "cat", "60 ALREADY_STARTED: cat:cat"),
        ("startProcess", Kind::SpawnError, "cat", "50 SPAWN_ERROR: cat:cat"),
        ("startProcess", Kind::AbnormalTermination, "", "40 ABNORMAL_TERMINATION: cat:cat"),
        ("startProcess", Kind::BadName, "cat", "10 BAD_NAME: cat:cat"),
        ("startProcess", Kind::NoFile, "can't find it", "20 NO_FILE: can't find it"),
        ("startProcess", Kind::NotExecutable, "/tmp", "21 NOT_EXECUTABLE: /tmp"),
        ("startProcess", Kind::Failed, "it is odd", "30 FAILED: it is odd"),
        ("startProcess", Kind::ShutdownState, "", "6 SHUTDOWN_STATE"),
        ("stopProcess", Kind::NotRunning, "cat", "70 NOT_RUNNING: cat:cat"),
        ("signalProcess", Kind::NotRunning, "cat", "70 NOT_RUNNING: cat:cat"),
        ("sendProcessStdin", Kind::NotRunning, "cat", "70 NOT_RUNNING: cat:cat"),
        ("sendProcessStdin", Kind::NoFile, "", "20 NO_FILE: cat:cat"),
        ("addProcessGroup", Kind::AlreadyAdded, "cat:cat", "90 ALREADY_ADDED: cat:cat"),
        ("removeProcessGroup", Kind::StillRunning, "cat:cat", "91 STILL_RUNNING: cat:cat"),
    ] {
        let fake = Fake::answering(&fleet(), move |_| Err(Error::new(kind, detail)));
        let rest = match call {
            "signalProcess" | "sendProcessStdin" => "TERM",
            _ => "",
        };
        let answer = ask(&fake, &format!("{call} cat:cat {rest}")).await;
        assert_eq!(answer.unwrap_err(), wanted, "{call}");
    }
}

#[tokio::test]
async fn what_is_refused_before_the_core() {
    let fake = Fake::new(&fleet());
    for (call, wanted) in [
        ("nope", "1 UNKNOWN_METHOD"),
        ("getState.x", "1 UNKNOWN_METHOD"),
        ("supervisor.getState.x", "1 UNKNOWN_METHOD"),
        ("supervisor.__init__", "1 UNKNOWN_METHOD"),
        ("supervisor.", "1 UNKNOWN_METHOD"),
        ("getState 1", "2 INCORRECT_PARAMETERS"),
        ("startProcess", "2 INCORRECT_PARAMETERS"),
        ("startProcess cat true 1", "2 INCORRECT_PARAMETERS"),
        ("startProcess 5", "2 INCORRECT_PARAMETERS: name is not of type string"),
        ("readLog 0 x", "2 INCORRECT_PARAMETERS: length is not of type int"),
        ("readLog [] 0", "2 INCORRECT_PARAMETERS: offset is not of type int"),
        ("addProcessGroup []", "2 INCORRECT_PARAMETERS: name is not of type string"),
        ("sendProcessStdin cat 5", "2 INCORRECT_PARAMETERS: 5"),
        ("system.multicall 5", "2 INCORRECT_PARAMETERS: calls is not of type array"),
        ("getProcessInfo nope", "10 BAD_NAME: nope"),
        ("getProcessInfo nope:x", "10 BAD_NAME: nope:x"),
        ("getProcessInfo g:*", "10 BAD_NAME: g:*"),
        ("getProcessInfo g:", "10 BAD_NAME: g:"),
        ("signalProcess nope NOPE", "10 BAD_NAME: nope"),
        ("signalProcess x:* NOPE", "10 BAD_NAME: x:*"),
        ("signalProcess g:b NOPE", "11 BAD_SIGNAL: NOPE"),
        ("signalProcess cat 99", "11 BAD_SIGNAL: 99"),
        ("signalProcessGroup x HUP", "10 BAD_NAME: x"),
        ("sendProcessStdin g:* x", "10 BAD_NAME: g:*"),
        ("readProcessLog x 0 0", "10 BAD_NAME: x"),
        ("readProcessLog cat 0 0", "20 NO_FILE"),
        ("clearProcessLogs g:*", "10 BAD_NAME: g:*"),
    ] {
        assert_eq!(ask(&fake, call).await.unwrap_err(), wanted, "{call}");
    }
    assert_eq!(fake.commands(), []);
}

#[tokio::test]
async fn a_bad_signal_is_told_for_each_process_it_was_meant_for() {
    let mut fleet = fleet();
    fleet[1].facts = Arc::new(ProcessFacts { priority: 1, ..facts("", "") });
    fleet.push(process("g:c", StateCode::Stopping));
    fleet.push(process("z", StateCode::Running));
    let fake = Fake::new(&fleet);
    fake.change(|snapshot| {
        snapshot.groups.insert("z".into(), GroupInfo::new(1));
        snapshot.groups.insert("g".into(), GroupInfo::new(2));
    });
    let answer = ask(&fake, "signalAllProcesses NOPE").await.unwrap();
    assert_eq!(column(&answer, "name"), ["z", "a", "c", "cat"]);
    assert_eq!(column(&answer, "description"), ["BAD_SIGNAL: NOPE"; 4]);
    assert_eq!(list(&answer)[0].member("status"), Some(&11.into()));
    let answer = ask(&fake, "signalProcess g:* NOPE").await.unwrap();
    assert_eq!(column(&answer, "name"), ["a", "c"]);
}

#[tokio::test]
async fn statuses_say_what_became_of_each() {
    let fake = Fake::answering(&fleet(), |_| {
        let failed = Error::new(ErrorKind::SpawnError, "cat");
        Ok(Reply::Statuses(vec![
            ProcessStatus { id: id("g:b"), result: Ok(()) },
            ProcessStatus { id: id("cat"), result: Err(failed) },
        ]))
    });
    let answer = ask(&fake, "startAllProcesses").await.unwrap();
    assert_eq!(keys(&list(&answer)[0]), "name group status description");
    assert_eq!(column(&answer, "name"), ["b", "cat"]);
    assert_eq!(column(&answer, "group"), ["g", "cat"]);
    assert_eq!(column(&answer, "description"), ["OK", "SPAWN_ERROR: cat"]);
    let status = |i: usize| list(&answer)[i].member("status").cloned();
    assert_eq!([status(0), status(1)], [Some(80.into()), Some(50.into())]);
}
