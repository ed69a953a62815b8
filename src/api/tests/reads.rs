//! What is answered without the core.

use std::sync::Arc;

use super::{ask, column, fleet, keys, list, plain, text};
use crate::api::tests::fake::{Fake, facts, process};
use crate::config::setting::LogLevel;
use crate::model::{ExitStatus, StateCode, WallTime};
use crate::xmlrpc::Value;

#[tokio::test]
async fn a_process_is_told_in_the_references_order() {
    let mut fleet = fleet();
    fleet[0].facts = Arc::new(facts("/log/out", "/log/err"));
    fleet[2].exit = Some(ExitStatus::Signal { number: 9, core: false });
    fleet[2].stop = WallTime(1_000_000_005_999_999);
    let fake = Fake::new(&fleet);

    let info = ask(&fake, "getProcessInfo cat:cat").await.unwrap();
    let wanted = "name group start stop now state statename spawnerr exitstatus logfile \
                  stdout_logfile stderr_logfile pid description";
    assert_eq!(keys(&info), wanted);
    for (key, value) in [
        ("name", text("cat")),
        ("group", text("cat")),
        ("start", 1_000_000_000.into()),
        ("stop", 0.into()),
        ("state", 20.into()),
        ("statename", text("RUNNING")),
        ("spawnerr", text("")),
        ("exitstatus", 0.into()),
        ("logfile", text("/log/out")),
        ("stdout_logfile", text("/log/out")),
        ("stderr_logfile", text("/log/err")),
        ("pid", 7.into()),
    ] {
        assert_eq!(info.member(key), Some(&value), "{key}");
    }
    assert!(info.member("now").and_then(Value::as_int).unwrap() > 1_700_000_000);
    let said = plain(info.member("description").unwrap());
    assert!(said.starts_with("pid 7, uptime ") && said.contains(" days, "), "{said}");

    let all = ask(&fake, "getAllProcessInfo").await.unwrap();
    assert_eq!(column(&all, "name"), ["cat", "a", "b"]);
    assert_eq!(list(&all)[2].member("exitstatus"), Some(&(-1).into()));
    assert_eq!(list(&all)[2].member("stop"), Some(&1_000_000_005.into()));
    assert_eq!(fake.commands(), []);
}

#[tokio::test]
async fn the_daemon_tells_about_itself() {
    let fake = Fake::new(&[]);
    for (call, value) in [
        ("getAPIVersion", text("3.0")),
        ("getVersion", text("3.0")),
        ("getSupervisorVersion", text("4.3.0")),
        ("getIdentification", text("supervisor")),
        ("getPID", Value::Int(std::process::id().into())),
        ("sendRemoteCommEvent type 5", Value::Bool(true)),
    ] {
        assert_eq!(ask(&fake, call).await, Ok(value), "{call}");
    }
    let state = ask(&fake, "getState").await.unwrap();
    assert_eq!(keys(&state), "statecode statename");
    assert_eq!(state.member("statecode"), Some(&1.into()));
    assert_eq!(state.member("statename"), Some(&text("RUNNING")));
}

#[tokio::test]
async fn settings_are_told_by_name_with_none_for_what_is_not_set() {
    let mut a = process("g:a", StateCode::Running);
    a.facts = Arc::new(facts("/auto/a.log", ""));
    let fake = Fake::new(&[a]);
    let all = ask(&fake, "getAllConfigInfo").await.unwrap();
    assert_eq!(column(&all, "name"), ["a", "b", "cat"]);
    assert_eq!(keys(&list(&all)[0]).split(' ').count(), 29);
    for (which, key, value) in [
        (0, "inuse", true.into()),
        (2, "inuse", false.into()),
        (0, "stdout_logfile", text("/auto/a.log")),
        (0, "stderr_logfile", text("auto")),
        (2, "stdout_logfile", text("auto")),
        (0, "directory", text("none")),
        (0, "uid", text("none")),
        (0, "serverurl", text("none")),
        (0, "exitcodes", Value::Array(vec![0.into()])),
        (0, "stopsignal", 15.into()),
        (0, "stdout_logfile_maxbytes", (50 << 20).into()),
    ] {
        assert_eq!(list(&all)[which].member(key), Some(&value), "{which} {key}");
    }
}

#[tokio::test]
async fn logs_are_read_and_counted_in_bytes() {
    let fake = Fake::new(&[]);
    let out = fake.path().join("out");
    std::fs::write(&out, (0..=255).collect::<Vec<u8>>()).unwrap();
    let missing = fake.path().join("missing").display().to_string();
    let mut cat = process("cat", StateCode::Running);
    cat.facts = Arc::new(facts(&out.display().to_string(), &missing));
    fake.change(|snapshot| {
        snapshot.processes.insert(cat.id.clone(), Arc::new(cat));
    });
    for (call, wanted) in [
        ("readProcessStdoutLog cat 65 3", Ok("ABC".to_owned())),
        ("readProcessStdoutLog cat '65' 3.9", Ok("ABC".to_owned())),
        ("readProcessLog cat -1 0", Ok("\u{fffd}".to_owned())),
        ("readProcessLog cat 300 0", Ok(String::new())),
        ("readProcessLog cat -1 1", Err("3 BAD_ARGUMENTS".to_owned())),
        ("readProcessLog cat 0 -1", Err("3 BAD_ARGUMENTS".to_owned())),
        ("readProcessStderrLog cat 0 0", Err(format!("20 NO_FILE: {missing}"))),
    ] {
        let answer = ask(&fake, call).await.map(|text| plain(&text).to_owned());
        assert_eq!(answer, wanted, "{call}");
    }
    let tail = async |call| list(&ask(&fake, call).await.unwrap()).to_vec();
    let nothing = [text(""), 0.into(), false.into()];
    assert_eq!(tail("tailProcessStderrLog cat 0 10").await, nothing);
    let end = tail("tailProcessStdoutLog cat 0 2").await;
    assert_eq!(end[1..], [256.into(), true.into()], "offsets count bytes");
}

#[tokio::test]
async fn logs_are_cleared() {
    let fake = Fake::new(&fleet());
    fake.api.log_line(LogLevel::Info, "a line");
    let main = ask(&fake, "readLog '0' 0.5").await.unwrap();
    assert!(plain(&main).ends_with("a line\n"), "{main:?}");
    assert_eq!(ask(&fake, "clearLog").await, Ok(true.into()));
    assert_eq!(ask(&fake, "clearProcessLog cat").await, Ok(true.into()));
    let all = ask(&fake, "clearAllProcessLogs").await.unwrap();
    assert_eq!(column(&all, "name"), ["cat", "a", "b"]);
    assert_eq!(column(&all, "description"), ["OK", "OK", "OK"]);
}
