//! Lines, and what is said of them.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::tests::properties::lines;
use crate::config::tests::{FakeFiles, FakeHost};

const FILE: &str = "/etc/s.conf";

fn look_at(from: Option<Ancestor>, files: &[(&str, &str)]) -> Inspection {
    let files = files.iter().map(|(path, text)| (path.into(), text.as_bytes().to_vec()));
    inspect(Path::new(FILE), &FakeFiles(files.collect()), &FakeHost { uid: 0 }, from)
}

/// `LINE key: kind`, and the first words of the message after it, of everything but what is the same.
fn told(inspection: &Inspection) -> Vec<String> {
    let one = |finding: &Finding| {
        let (line, key) = (finding.line.unwrap_or_default(), finding.key.as_deref());
        format!("{line} {}: {}: {}", key.unwrap_or("-"), finding.kind.name(), finding.message)
    };
    inspection.findings.iter().filter(|one| one.kind != Kind::Same).map(one).collect()
}

/// A configuration of the one, and what is said of it, in order; each as the beginning of
/// [`told`]'s.
struct Case(Ancestor, &'static str, &'static [&'static str]);

const SUPERVISOR: Ancestor = Ancestor::Supervisor;
const GO: Ancestor = Ancestor::Go;

const CASES: &[Case] = &[
    Case(
        SUPERVISOR,
        "[supervisord]\nlogfile=NONE",
        &["2 logfile: differs: means that there is no"],
    ),
    Case(SUPERVISOR, "[supervisord]\nlogfile=off", &["2 logfile: differs: means that there is no"]),
    Case(SUPERVISOR, "[supervisord]\nlogfile=syslog", &["2 logfile: differs: gives each line"]),
    Case(SUPERVISOR, "[supervisord]\nlogfile=a,b", &["2 logfile: differs: is a list with commas"]),
    Case(SUPERVISOR, "[supervisord]\nlogfile=journal", &["2 logfile: differs: is systemd's"]),
    Case(SUPERVISOR, "[supervisord]\nlogfile=/tmp/a.log", &[]),
    Case(
        SUPERVISOR,
        "[supervisord]\n[program:x]\ncommand=x\nstdout_logfile=/tmp/a,b.log",
        &["4 stdout_logfile: differs: is a list"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[program:x]\ncommand=x\nstderr_logfile=syslog",
        &["4 stderr_logfile: differs: writes lines with the program's own tag and process id, as \
             local0.notice; stderr_syslog=true"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\nenvironment=A=\"5%%%%\"\n[program:x]\ncommand=x %%%%\n\
         stdout_logfile=/tmp/%%%%.log",
        &["2 environment: note: %%%% is one", "5 stdout_logfile: note: %%%% is one"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [inet_http_server]\nport=9001\nusername=a\npassword=b",
        &["7 password: note: an address has to wait"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[unix_http_server]\nfile=/tmp/s\nusername=a\n\
         password=$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
         MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI",
        &["2 -: differs: serves supervisor.*", "5 password: differs: is taken for a hash"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[program:x]\ncommand=x\ndirectory=~/x",
        &["4 directory: differs: begins with a home"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[program:x]\ncommand=x\nuser=web",
        &["4 user: differs: gives the program the HOME, USER and LOGNAME of"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\nenvironment=USER=web\n[program:x]\ncommand=x\nuser=web\n\
         environment=HOME=\"/home/web\"",
        &["5 user: differs: gives the program the LOGNAME of"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[program:x]\ncommand=x\nuser=web\nenvironment=HOME=h,USER=u,LOGNAME=l",
        &[],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[program:x]\ncommand=x\nstartsecs=0\nautorestart=yes\n\
         [program:y]\ncommand=x\nstartsecs=0\nautorestart=unexpected",
        &["4 startsecs: differs: is 0 with"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[program:x]\ncommand=x\nstdout_capture_maxbytes=1MB\n\
         stderr_capture_maxbytes=0",
        &["4 stdout_capture_maxbytes: note: no output"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/f\n[group:g]\n\
         programs=f",
        &["4 socket: differs: is made", "6 programs: differs: f has its socket"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[program-default]\nstartsecs=3\n[program:x]\ncommand=x",
        &["2 -: differs: is a section that is passed over there"],
    ),
    // The reader's own, each once and with its kind.
    Case(
        SUPERVISOR,
        "[supervisord]\n[inet_http_server]\nport=9001\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=a:b",
        &[
            "3 port: error: asks for no password",
            "5 supervisor.rpcinterface_factory: not served: a:b is Python",
        ],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\nnope=1\n[eventlistener:e]\ncommand=x\nevents=TICK_5\nresult_handler=a:b",
        &["2 nope: note: is not a known key", "6 result_handler: not served: a:b is Python code"],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[program:x]\ncommand=x\nstartsecs=-1\ncron=* * * * *\nnotify=true\n\
         process_name=%(program_name)s",
        &[
            "4 startsecs: differs: -1 is out of range",
            "5 cron: note: is not served",
            "6 notify: differs: is a key that is passed over there",
        ],
    ),
    Case(
        SUPERVISOR,
        "[supervisord]\n[unix_http_server]\nfile=/tmp/s\nchmod=0770\nchown=root:ops\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        &["4 chmod: note: does not count", "5 chown: note: does not count"],
    ),
    Case(
        GO,
        "[supervisord]\nnodaemon=true\n[program:x]\ncommand=x\nexitcodes=0\nprocess_name=x\n\
         stdout_logfile=/tmp/%(program_name)s",
        &[],
    ),
    Case(GO, "[supervisord]\nnodaemon=true", &[]),
    Case(GO, "[supervisord]\nlogfile=/tmp/a", &["1 -: differs: goes to the background"]),
    Case(
        GO,
        "[supervisord]\nnodaemon=true\nsilent=true\n[inet_http_server]\nport=:9001\nusername=a\n\
         password=b",
        &["3 silent: differs: is a key that", "7 password: differs: is asked for on every"],
    ),
    Case(
        GO,
        "[supervisord]\nnodaemon=true\n[program:x]\ncommand=x a\\\nexitcodes=0,2\n\
         directory=\"\"\"/tmp\nprocess_name=%(program_name)s\npriority=1\nserverurl=AUTO\n\
         conf_file=/tmp/a\\b",
        &[
            "4 command: error: ends with a backslash",
            "6 directory: error: begins with three quotes",
            "10 conf_file: differs: has a backslash",
        ],
    ),
    Case(
        GO,
        "[supervisord]\nnodaemon=true\n[program:x]\ncommand=x %% -a=\"b c\" \"d\"\nexitcodes=0,2",
        &["4 command: differs: has %%", "4 command: differs: has quotes within"],
    ),
    Case(
        GO,
        "[supervisord]\nnodaemon=true\n[program:x]\ncommand=x\nautorestart=false\nnumprocs=2\n\
         process_name=%(program_name)s_%(process_num)02d\n\
         stdout_logfile=/tmp/%(group_name)s%(program_name)s",
        &[
            "7 process_name: differs: counts %(process_num) from 0",
            "7 process_name: note: is shown as GROUP:NAME",
            "8 stdout_logfile: differs: %(group_name)s",
            "8 stdout_logfile: differs: %(program_name)s",
        ],
    ),
    Case(
        GO,
        "[supervisord]\nnodaemon=true\n[program:x]\ncommand=x\nautorestart=Yes\nautostart=on\n\
         redirect_stderr=yes\nstopasgroup=no\nstdout_logfile_maxbytes=1mb\nstopsignal=15\n\
         startretries=2\ndirectory=~/a",
        &[
            "5 autorestart: differs: is true; there everything",
            "5 autorestart: differs: leaves a program",
            "6 autostart: differs: is true",
            "7 redirect_stderr: differs: is true; there such a word",
            "9 stdout_logfile_maxbytes: differs: is a size",
            "10 stopsignal: differs: is this signal",
            "11 startretries: differs: gives 3 tries, 2 of",
            "12 directory: differs: begins with",
        ],
    ),
    Case(
        GO,
        "[supervisord]\nnodaemon=true\n[program:x]\ncommand=x\nuser=web:ops\n\
         environment=A='x',HOME=\"/\",B=\"c\"\nstopsignal=TERM KILL",
        &[
            "3 -: differs: is started again after an exit with status 2",
            "5 user: differs: gives the program the groups",
            "6 environment: differs: gives another value to A: quotes",
            "6 environment: differs: sets HOME; there",
            "7 stopsignal: not served: lists several",
        ],
    ),
    Case(
        GO,
        "[supervisord]\nnodaemon=true\nlogfile_maxbytes=0\n[program:x]\ncommand=x\nexitcodes=0\n\
         stdout_logfile_backups=0\nstderr_events_enabled=true\nstderr_capture_maxbytes=1KB",
        &[
            "3 logfile_maxbytes: differs: means that the log is never rotated",
            "7 stdout_logfile_backups: differs: keeps no log",
            "8 stderr_events_enabled: differs: announces",
            "9 stderr_capture_maxbytes: differs: leaves stderr",
        ],
    ),
    Case(
        GO,
        "[supervisord]\nnodaemon=true\nlogfile=memory\n[program:x]\ncommand=x\nexitcodes=0,2\n\
         stdout_logfile=AUTO,syslog @tcp:h\nstderr_logfile=auto\n[eventlistener:e]\ncommand=x\nevents=TICK_5\n\
         exitcodes=0\nautostart=false",
        &[
            "3 logfile: differs: names a file called memory",
            "7 stdout_logfile: differs: sends messages of RFC 5424",
            "7 stdout_logfile: note: is a file in",
            "8 stderr_logfile: differs: has a meaning of its own in auto;",
            "9 -: differs: has room for 10 events",
            "13 autostart: differs: keeps the listener",
        ],
    ),
    Case(
        GO,
        "[DEFAULT]\nuser=web\n[supervisord]\nnodaemon=true\n[program-default]\nrestartpause=3\n\
         stdout_logfile=/tmp/%(program_name)s\n[program:x]\ncommand=x\nprocess_name=y\n[program:y]\ncommand=x\nexitcodes=0\n\
         [fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/f\nexitcodes=0",
        &[
            "2 user: differs: gives the program the groups",
            "2 user: differs: is a value for every section",
            "6 restartpause: not served: is not served",
            "8 -: differs: is started again after an exit",
            "10 process_name: differs: leaves %(program_name)s the section's name in stdout_logfile,",
            "10 process_name: note: is shown as",
            "14 -: differs: is a section that is passed over",
        ],
    ),
];

#[test]
fn each_line_is_told_once_and_with_its_kind() {
    for Case(from, text, expected) in CASES {
        let told = told(&look_at(Some(*from), &[(FILE, text)]));
        let matches = told.len() == expected.len()
            && told.iter().zip(*expected).all(|(told, expected)| told.starts_with(expected));
        assert!(matches, "{from} {text}\n{told:#?}\nexpected {expected:#?}");
    }
}

#[test]
fn what_included_files_say_is_told_with_their_own_lines() {
    let main = "[DEFAULT]\nserverurl=%(here)s\n[supervisord]\nnodaemon=true\n[include]\n\
                files=d/*.conf";
    let part = "[program:x]\ncommand=%(here)s/x\nautorestart=false";
    let files = [(FILE, main), ("/etc/d/a.conf", part), ("/etc/d/a.conf.old", "nothing")];
    let inspection = look_at(Some(GO), &files);
    let told = inspection.findings.iter().filter(|one| one.kind != Kind::Same);
    let told: Vec<_> = told.map(ToString::to_string).collect();
    let expected = [
        "/etc/d/a.conf:2: [program:x] command: differs: %(here)s is the directory of this file",
        "/etc/s.conf:2: [DEFAULT] serverurl: differs: is a value for every section",
        "/etc/s.conf:6: [include] files: differs: does not read a.conf.old: a pattern",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    assert!(told.iter().zip(expected).all(|(one, start)| one.starts_with(start)), "{told:#?}");

    let told = look_at(Some(SUPERVISOR), &files);
    let told: Vec<_> = told.findings.iter().filter(|one| one.kind == Kind::Differs).collect();
    assert!(told[0].message.starts_with("%(here)s is the directory of this file"), "{told:#?}");
}

#[test]
fn every_rule_is_seen_at_work() {
    let mut texts: Vec<String> = Vec::new();
    for Case(from, text, _) in CASES {
        let found = look_at(Some(*from), &[(FILE, text)]).findings;
        texts.extend(found.into_iter().map(|finding| finding.message));
    }
    // By the test above.
    let elsewhere = ["%(here)s is the directory of this file", "does not read {}"];
    for rule in supervisor::TABLES.rules.iter().chain(go::TABLES.rules).chain(COMMON) {
        let parts: Vec<_> = rule.text.split("{}").collect();
        let seen = texts
            .iter()
            .any(|text| text.starts_with(parts[0]) && text.ends_with(parts[parts.len() - 1]));
        let seen = seen || elsewhere.iter().any(|start| rule.text.starts_with(start));
        assert!(seen, "no case for {:?}", rule.text);
    }
}

#[test]
fn whose_it_is_is_recognised() {
    let check = |text: &str, from, reason: &str| {
        let inspection = look_at(None, &[(FILE, text)]);
        assert_eq!((inspection.from, inspection.reason.as_str()), (from, reason), "{text}");
    };
    check("[supervisord]", SUPERVISOR, "nothing in it is of ochinchina/supervisord (Go) alone");
    check("[rpcinterface:a]", SUPERVISOR, "only it has [rpcinterface:a] in /etc/s.conf:1");
    check("[program-default]", GO, "only it has [program-default] in /etc/s.conf:1");
    check("[program:x]\ndepends_on=y", GO, "only it has depends_on in /etc/s.conf:2");
    check("[inet_http_server]\nnodename=y", GO, "only it has nodename in /etc/s.conf:2");
    let form = |key: &str| format!("only it has such a value of {key} in /etc/s.conf:2");
    check("[program:x]\nstopsignal=TERM INT", GO, &form("stopsignal"));
    check("[program:x]\nuser=a:b", GO, &form("user"));
    check("[program:x]\nstdout_logfile=a, syslog @b", GO, &form("stdout_logfile"));
    check("[program:x]", GO, "it has no [supervisord] section, which Supervisor requires");
    let said = look_at(Some(GO), &[(FILE, "[rpcinterface:a]")]);
    assert_eq!((said.from, said.reason.as_str()), (GO, "--from=go says so"));
}

#[test]
fn secrets_stay_where_they_are() {
    let texts = [
        "[supervisord]\n[inet_http_server]\nport=1\nusername=u\npassword=se%cret",
        "[supervisord]\n[inet_http_server]\nport=1\nusername=u\npassword=%(secret)s",
        "[supervisord]\n[unix_http_server]\nfile=/tmp/s\npassword=secret",
        "[supervisord]\nenvironment=TOKEN=secret=secret",
        "[supervisord]\nenvironment=TOKEN=\"secret",
        "[supervisord]\nenvironment=TOKEN=\"%secret",
        "[supervisord]\n[program:x]\ncommand=x\nenvironment=TOKEN='secret',HOME=secret\nuser=web",
        "[supervisord]\n[remote:r]\nurl=http://h:1\nusername=a\npassword=secret%",
        "[supervisorctl]\nserverurl=http://h:1\nusername=a\npassword=secret%x",
    ];
    for text in texts {
        for from in [SUPERVISOR, GO] {
            let told = told(&look_at(Some(from), &[(FILE, text)]));
            assert!(!told.is_empty(), "{text}");
            assert!(!told.iter().any(|text| text.contains("cret")), "{told:#?}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_and_no_more() {
    let told = told(&look_at(None, &[]));
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("0 -: error: cannot read /etc/s.conf"), "{told:?}");
}

#[test]
fn what_is_around_is_found_in_a_file_that_cannot_be_used() {
    let text = "[supervisord]\npidfile=/run/%(host_node_name)s.pid\nlogfile=/tmp/a.log\n\
                umask=nonsense\n[program:x]\ncommand=%(here)s/x %(ENV_NOPE)s\n\
                stdout_logfile=/tmp/%(program_name)s.log\nstdout_logfile_maxbytes=0\n\
                [eventlistener:e]\ncommand=python3 e.py";
    let facts = look_at(None, &[(FILE, text)]).facts;
    assert_eq!(facts.pidfile, Path::new("/run/node.pid"));
    let logs: Vec<_> =
        facts.logs.iter().map(|log| (log.path.to_str().unwrap(), log.rotated)).collect();
    assert_eq!(logs, [("/tmp/a.log", true), ("/tmp/x.log", false)]);
    let commands: Vec<_> = facts.commands.iter().map(|one| (&*one.text, one.line)).collect();
    assert_eq!(commands, [("python3 e.py", 10)]);
}

proptest! {
    #[test]
    fn no_text_is_too_odd_to_be_told_of(
        text in prop_oneof![lines(), any::<String>(), "[\\[\\]=:;#%(){}'\",\\\\a-z \n]{0,200}"],
        go in any::<bool>(),
    ) {
        let from = if go { GO } else { SUPERVISOR };
        let inspection = look_at(Some(from), &[(FILE, &text)]);
        let places: Vec<_> = inspection.findings.iter().map(Finding::place).collect();
        prop_assert!(places.is_sorted());
        let lines = text.replace("\r\n", "\n").replace('\r', "\n").split('\n').count();
        for finding in &inspection.findings {
            prop_assert!(finding.line.is_none_or(|line| (1..=lines).contains(&line)));
            prop_assert!(!finding.message.is_empty());
        }
        let mut once = inspection.findings.clone();
        once.dedup();
        prop_assert_eq!(once.len(), inspection.findings.len());
        look_at(None, &[(FILE, &text)]);
    }
}

/// What is understood and not served yet is there for files of the Go daemon.
#[test]
fn what_is_not_served_is_only_the_go_daemons() {
    for key in crate::config::program::NOT_SERVED {
        assert!(keys::GO_ONLY.contains(key), "{key}");
    }
}
