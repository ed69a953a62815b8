//! `supervisord migrate`, the real program on real files.
//!
//! What it finds around them is this host's, so that only what it says of the files is expected, and
//! that its exit status is that of the worst of all.

#![allow(clippy::disallowed_types, reason = "a test starts and waits for the program itself")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The settings of the file that Supervisor 4.3 gives to begin with.
const SAMPLE: &str = "[unix_http_server]\nfile=@/supervisor.sock\n\
    [supervisord]\nlogfile=@/supervisord.log\nlogfile_maxbytes=50MB\nlogfile_backups=10\n\
    loglevel=info\npidfile=@/supervisord.pid\nnodaemon=false\nsilent=false\nminfds=1024\n\
    minprocs=200\n[rpcinterface:supervisor]\n\
    supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
    [supervisorctl]\nserverurl=unix://@/supervisor.sock\n";

/// Those of Debian's package.
const DEBIAN: &str = "[unix_http_server]\nfile=@/supervisor.sock ; a comment\nchmod=0700 ; another\n\
    [supervisord]\nlogfile=@/supervisord.log\npidfile=@/supervisord.pid\nchildlogdir=@ ; a third\n\
    [rpcinterface:supervisor]\n\
    supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
    [supervisorctl]\nserverurl=unix://@/supervisor.sock\n[include]\nfiles = @/conf.d/*.conf\n";

struct Told {
    status: i32,
    report: serde_json::Value,
    /// The kinds of what is said of the file and of those it includes.
    kinds: Vec<String>,
}

fn migrate(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let file = directory.join("s.conf");
    let mut command = Command::new(env!("CARGO_BIN_EXE_supervisord"));
    let output = command.arg("migrate").arg(file).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Runs it on this text, in which `@` is the directory of the file.
fn told(directory: &Path, text: &str, arguments: &[&str]) -> Told {
    let here = directory.display().to_string();
    fs::write(directory.join("s.conf"), text.replace('@', &here)).unwrap();
    let (status, out, err) = migrate(directory, &[&["--json"], arguments].concat());
    assert_eq!(err, "");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let kind = |one: &serde_json::Value| one["kind"].as_str().unwrap().to_owned();
    let all = report["problems"].as_array().unwrap();
    let worst = |kind: &str| all.iter().any(|one| one["kind"] == kind);
    let expected = match () {
        () if worst("error") => 2,
        () if worst("differs") || worst("not served") => 1,
        () => 0,
    };
    assert_eq!(status, expected, "{out}");
    let own = all.iter().filter(|one| one["file"].as_str().unwrap().starts_with(&here));
    let kinds = own.map(kind).collect();
    Told { status, report, kinds }
}

#[test]
fn what_distributions_ship_gives_nothing_but_notes() {
    let directory = tempfile::tempdir().unwrap();
    for text in [SAMPLE, DEBIAN] {
        let told = told(directory.path(), text, &[]);
        assert!(told.kinds.iter().all(|kind| kind == "note"), "{}", told.report);
        assert_eq!(told.report["from"], "supervisor");
        assert_eq!(told.report["ok"], true);
    }
}

#[test]
fn lines_that_mean_the_same_are_told_if_asked() {
    let directory = tempfile::tempdir().unwrap();
    let told = told(directory.path(), SAMPLE, &["--all"]);
    let lines = SAMPLE.lines().filter(|line| line.contains('=')).count();
    assert_eq!(told.kinds, vec!["same"; lines]);
}

#[test]
fn what_differs_and_what_cannot_be_used_is_in_the_exit_status() {
    let directory = tempfile::tempdir().unwrap();
    let differs = "[supervisord]\nlogfile=NONE\npidfile=@/pid\n";
    let told_of = told(directory.path(), differs, &[]);
    assert_eq!((told_of.status, told_of.kinds), (1, vec!["differs".to_owned()]));
    let unserved = "[supervisord]\nnodaemon=true\npidfile=@/pid\n[program:x]\ncommand=/bin/cat\n\
                    exitcodes=0\ndepends_on=y\n";
    let told_of = told(directory.path(), unserved, &[]);
    assert_eq!((told_of.status, told_of.kinds), (1, vec!["not served".to_owned()]));
    assert_eq!(told_of.report["from"], "go");
    let told_of = told(directory.path(), unserved, &["--from", "supervisor"]);
    assert_eq!(told_of.kinds, ["note"], "Supervisor passes over it, too");
    let broken = "[supervisord]\npidfile=@/pid\numask=many\n";
    let told_of = told(directory.path(), broken, &[]);
    assert_eq!((told_of.status, told_of.kinds), (2, vec!["error".to_owned()]));
    assert_eq!(told_of.report["ok"], false);
}

#[test]
fn included_files_are_told_of_by_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path().display().to_string();
    fs::create_dir(directory.path().join("conf.d")).unwrap();
    let part = "[program:x]\ncommand=/bin/cat\n\nstdout_logfile=syslog\n";
    fs::write(directory.path().join("conf.d/x.conf"), part).unwrap();
    assert_eq!(told(directory.path(), DEBIAN, &[]).kinds, ["differs"]);
    let (_, text, _) = migrate(directory.path(), &[]);
    let first =
        format!("{here}/s.conf: taken for a configuration of Supervisor (Python), as only it");
    assert!(text.starts_with(&first), "{text}");
    let line = format!("\n{here}/conf.d/x.conf:4: [program:x] stdout_logfile: differs: writes");
    assert!(text.contains(&line), "{text}");
    assert!(text.contains("\nNext:\n"), "{text}");
}

#[test]
fn without_a_name_the_daemons_own_file_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("supervisord.conf"), "[supervisord]\nlogfile=NONE\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_supervisord"));
    let output = command.arg("migrate").current_dir(directory.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("/supervisord.conf:2: [supervisord] logfile: differs:"), "{text}");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let (status, text, _) = migrate(directory.path(), &[]);
    assert_eq!(status, 2);
    assert!(text.contains("s.conf: error: cannot read"), "{text}");
}

#[test]
fn a_running_daemon_of_this_kind_is_told_of() {
    let rig = crate::rig::Rig::running("");
    let file = rig.path("conf");
    let mut command = Command::new(env!("CARGO_BIN_EXE_supervisord"));
    let output = command.arg("migrate").arg(file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let note = format!("note: a supervisord runs as process {} already\n", rig.pid());
    assert!(text.contains(&note), "{text}");
}
