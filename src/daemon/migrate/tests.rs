//! An installation that exists in the test alone.

mod golden;

use std::collections::BTreeMap;

use super::*;
use crate::config::migrate::{Command, Facts, Kind, LogFile};

/// Files and links by path. Programs are on `/opt/py` and `/usr/bin`.
#[derive(Default)]
struct Fake {
    files: BTreeMap<PathBuf, Vec<u8>>,
    links: BTreeMap<PathBuf, PathBuf>,
}

impl Fake {
    fn new(files: &[(&str, &str)], links: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| (path.into(), text.as_bytes().to_vec());
        let link = |(path, to): &(&str, &str)| (path.into(), to.into());
        Self { files: files.iter().map(file).collect(), links: links.iter().map(link).collect() }
    }
}

impl Surroundings for Fake {
    fn head(&self, path: &Path) -> Option<Vec<u8>> {
        self.files.get(path).cloned()
    }

    fn list(&self, directory: &Path) -> Vec<PathBuf> {
        let inside = |path: &&PathBuf| path.parent() == Some(directory);
        self.files.keys().filter(inside).cloned().collect()
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        self.links.get(path).cloned()
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    fn search_path(&self) -> Vec<PathBuf> {
        vec!["/opt/py".into(), "/usr/bin".into()]
    }
}

const PYTHON: &str = "#!/usr/bin/python3\nimport re\n";
const GO: &str = "\x7fELF....Go build ID: \"x\"";

fn inspection(from: Ancestor, facts: Facts) -> Inspection {
    Inspection { from, reason: String::new(), findings: Vec::new(), dropped: 0, facts }
}

fn facts(commands: &[&str]) -> Facts {
    let command = |text: &&str| Command {
        text: (*text).to_owned(),
        file: "/etc/s.conf".into(),
        line: 7,
        section: "program:x".to_owned(),
    };
    let log = |path: &str, rotated| LogFile {
        path: path.into(),
        rotated,
        size_key: "stdout_logfile_maxbytes".to_owned(),
    };
    Facts {
        pidfile: "/run/s.pid".into(),
        socket: Some("/run/s.sock".into()),
        logs: vec![log("/var/log/app/a.log", true), log("/var/log/app/b.out", false)],
        commands: commands.iter().map(command).collect(),
    }
}

/// What is said, and what stops the other daemon.
fn look(from: Ancestor, commands: &[&str], fake: &Fake) -> (Vec<String>, Vec<String>) {
    let around = look_around(&inspection(from, facts(commands)), fake);
    (around.findings.iter().map(ToString::to_string).collect(), around.stop)
}

#[test]
fn an_empty_host_has_nothing_to_be_told_of() {
    assert_eq!(look(Ancestor::Go, &["/bin/cat", ""], &Fake::default()), (vec![], vec![]));
}

#[test]
fn the_daemon_that_runs_is_known_by_its_program() {
    let check = |exe: &str, cmdline: &str, head: &str, expected: &str, stop: &str| {
        let files = [
            ("/run/s.pid", "42\n"),
            ("/proc/42/cmdline", cmdline),
            ("/proc/42/exe", head),
            ("/proc/42/cgroup", "0::/system.slice/supervisor.service/x\n"),
        ];
        let fake = Fake::new(&files, &[("/proc/42/exe", exe)]);
        let (told, stops) = look(Ancestor::Supervisor, &[], &fake);
        assert_eq!(told.join(""), expected);
        assert_eq!(stops.join(""), stop);
    };
    let stop = "systemctl disable --now supervisor.service";
    check(
        "/usr/bin/python3.11",
        "/usr/bin/python3\0/usr/bin/supervisord\0-n\0",
        "\x7fELF",
        "/run/s.pid: note: Supervisor (Python) runs as process 42: it has to stop first",
        stop,
    );
    check(
        "/usr/local/bin/supervisord",
        "supervisord\0",
        GO,
        "/run/s.pid: note: ochinchina/supervisord (Go) runs as process 42: it has to stop first",
        stop,
    );
    let ours = "/run/s.pid: note: a supervisord runs as process 42 already";
    check("/usr/bin/supervisord (deleted)", "supervisord\0", "\x7fELF", ours, "");
    // A process id that somebody else has now.
    check("/usr/bin/python3.11", "python3\0app.py\0", "\x7fELF", "", "");
    check("/usr/bin/vi", "vi\0supervisord.conf\0", "\x7fELF", "", "");
}

#[test]
fn a_daemon_without_a_service_is_killed_by_its_id() {
    let files = [("/run/s.pid", "42"), ("/proc/42/cmdline", "supervisord"), ("/proc/42/exe", GO)];
    let fake = Fake::new(&files, &[("/proc/42/exe", "/opt/supervisord")]);
    assert_eq!(look(Ancestor::Go, &[], &fake).1, ["kill 42"]);
    for pidfile in ["", "x", "-1", "99999999999"] {
        let fake = Fake::new(&[("/run/s.pid", pidfile)], &[]);
        assert!(look(Ancestor::Go, &[], &fake).0.is_empty());
    }
}

#[test]
fn only_a_service_that_starts_the_daemon_is_stopped_for_it() {
    let check = |cgroup: &str, expected: &str| {
        let files = [
            ("/run/s.pid", "42"),
            ("/proc/42/cmdline", "supervisord"),
            ("/proc/42/exe", GO),
            ("/proc/42/cgroup", cgroup),
            ("/lib/systemd/system/cron.service", "[Service]\nExecStart=/usr/sbin/cron -f\n"),
            (
                "/etc/systemd/system/web.service",
                "[Service]\nExecStart=/opt/py /opt/supervisord -n\n",
            ),
        ];
        let fake = Fake::new(&files, &[("/proc/42/exe", "/opt/supervisord")]);
        assert_eq!(look(Ancestor::Go, &[], &fake).1, [expected]);
    };
    check("0::/system.slice/web.service\n", "systemctl disable --now web.service");
    check("0::/system.slice/cron.service\n", "kill 42");
    check("0::/system.slice/ssh.service\n", "kill 42");
    check("0::/user.slice/user-1.slice/user@1.service/app.slice/supervisord.service\n", "kill 42");
}

#[test]
fn a_socket_that_is_listened_on_is_told_of_where_no_daemon_is_known() {
    let sockets = "Num RefCount Protocol Flags Type St Inode Path\n\
                   0000: 00000002 00000000 00010000 0001 01 123 /run/s.sock\n\
                   0000: 00000003 00000000 00000000 0001 03 124\n";
    let expected = "/run/s.sock: note: is listened on: by a daemon whose pidfile is another or \
                    that only root can look at, or by a unit";
    for (bound, said) in
        [("s.sock", true), ("s.sock.612", true), ("t.sock", false), ("s.sock.old", false)]
    {
        let sockets = sockets.replace("s.sock", bound);
        let told =
            look(Ancestor::Supervisor, &[], &Fake::new(&[("/proc/net/unix", &sockets)], &[]));
        assert_eq!(told.0, if said { vec![expected] } else { vec![] }, "{bound}");
    }
}

#[test]
fn programs_that_are_found_before_this_one_are_told_of() {
    let files = [
        ("/opt/py/supervisord", PYTHON),
        ("/opt/py/supervisorctl", "#!/bin/sh\n"),
        ("/usr/bin/supervisord", GO),
        ("supervisord.ini", ""),
    ];
    let fake = Fake::new(&files, &[("/proc/self/exe", "/usr/bin/supervisord")]);
    let (told, _) = look(Ancestor::Go, &[], &fake);
    assert_eq!(
        told,
        [
            "/opt/py/supervisord: note: is of Supervisor (Python), and found before this program's \
             supervisord on PATH",
            "supervisord.ini: note: is the first file that ochinchina/supervisord looks for; this \
             program does not: name it with -c",
        ]
    );
}

#[test]
fn units_and_what_they_read_are_told_of() {
    let ours =
        "[Service]\nBusName=org.supervisord.Supervisor1\nExecStart=/usr/bin/supervisord -n\n";
    let files = [
        ("/usr/lib/systemd/system/supervisor.service", "[Service]\nExecStart=-/opt/py/s -n\n"),
        ("/usr/lib/systemd/system/supervisord.service", ours),
        ("/lib/systemd/system/supervisor.service", "[Service]\nExecStart=/opt/py/s -n\n"),
        ("/etc/systemd/system/supervisord.service", "[Service]\n\nExecStart=/opt/go/s\n"),
        ("/etc/systemd/system/go-supervisord.service", "[Service]\nExecStart=/opt/go/s\n"),
        ("/etc/systemd/system/supervisor.service.d/a.conf", "[Service]\nExecStart=\n#python\n"),
        ("/etc/systemd/system/supervisor.service.d/b.conf", "Environment=PATH=/opt/python3/bin"),
        ("/etc/systemd/system/supervisor.service.d/c.txt", "python"),
        ("/etc/init.d/supervisor", "#!/bin/sh\n"),
        ("/etc/default/supervisor", "# A\nDAEMON_OPTS=\"\"\nexport TOKEN=secret\n if x=1\n"),
        ("/etc/sysconfig/supervisord", "OPTIONS='-e debug'"),
        ("/opt/py/s", PYTHON),
        ("/opt/go/s", GO),
    ];
    let (told, stop) = look(Ancestor::Supervisor, &[], &Fake::new(&files, &[("/lib", "usr/lib")]));
    let begins = [
        "/etc/systemd/system/supervisor.service.d/b.conf:1: differs: is for another installation",
        "/etc/systemd/system/supervisord.service:3: differs: starts ochinchina/supervisord (Go), and",
        "/etc/systemd/system/go-supervisord.service:2: note: starts ochinchina/supervisord (Go): it",
        "/usr/lib/systemd/system/supervisor.service:2: note: starts Supervisor (Python): it has to",
        "/etc/init.d/supervisor: note: starts the other installation",
        "/etc/default/supervisor:3: differs: TOKEN is not read",
        "/etc/sysconfig/supervisord:1: differs: OPTIONS is not read",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}");
        assert!(!told.contains("secret"));
    }
    let units = ["supervisord.service", "go-supervisord.service", "supervisor.service"];
    assert_eq!(stop, units.map(|unit| format!("systemctl disable --now {unit}")));
}

#[test]
fn this_programs_unit_says_what_it_reads() {
    let check = |files: &[(&str, &str)], configuration: &str, variables: &str| {
        let unit = OwnUnit::find(&Fake::new(files, &[]));
        assert_eq!(unit.configuration, Path::new(configuration));
        assert_eq!(unit.variables, Path::new(variables));
    };
    check(&[], "/etc/supervisor/supervisord.conf", "/etc/default/supervisord");
    let fedora = ("/etc/sysconfig", "");
    check(&[fedora], "/etc/supervisord.conf", "/etc/sysconfig/supervisord");
    let path = "/usr/lib/systemd/system/supervisord.service";
    let unit = "[Service]\nBusName=org.supervisord.Supervisor1\n\
                ExecStart=/usr/bin/supervisord -n -c /etc/s.conf\nEnvironmentFile=-/etc/s.env\n";
    check(&[fedora, (path, unit)], "/etc/s.conf", "/etc/s.env");
    check(
        &[fedora, (path, &unit.replace("BusName", "#"))],
        "/etc/supervisord.conf",
        "/etc/sysconfig/supervisord",
    );

    let files = [fedora, ("/etc/sysconfig/supervisord", "OPTIONS=-e debug\nTOKEN=secret\n")];
    let (told, _) = look(Ancestor::Supervisor, &[], &Fake::new(&files, &[]));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("/etc/sysconfig/supervisord:1: differs: OPTIONS"), "{told:?}");
}

#[test]
fn logs_that_logrotate_rotates_are_told_of() {
    let text = "# /var/log/app/b.out {\nweekly\n/var/log/other.log\n\"/var/log/*/a.log\" {\n  \
                rotate 3\n}\n/var/log/app/*.out /x { # both\n  postrotate\n    kill -USR2 1\n  \
                endscript\n}\n/var/log/app/b.out {\n  copytruncate\n}\n/var/log/a.log {\n}\n{";
    let (told, _) =
        look(Ancestor::Supervisor, &[], &Fake::new(&[("/etc/logrotate.d/app", text)], &[]));
    assert_eq!(
        told,
        [
            "/etc/logrotate.d/app:4: note: rotates /var/log/app/a.log, as the daemon does: set \
             stdout_logfile_maxbytes=0, or remove this",
            "/etc/logrotate.d/app:7: note: rotates /var/log/app/b.out: its script need not tell the \
             daemon, which sees by itself that a log was moved or truncated",
        ]
    );
}

#[test]
fn commands_that_need_the_python_package_are_told_of() {
    let files = [
        ("/opt/l.py", "#!/usr/bin/env python3\nimport sys\nfrom supervisor import childutils\n"),
        ("/opt/m", "import os, supervisor.childutils\n"),
        ("/usr/bin/listen", "#!/usr/bin/python3\nfrom superlance.httpok import main\n"),
        ("/usr/bin/web", "#!/usr/bin/python3\nfrom supervisory import x\n# import supervisor\n"),
        ("/usr/bin/sh.sh", "#!/bin/sh\nimport supervisor\n"),
    ];
    let fake = Fake::new(&files, &[]);
    let check = |command: &str, expected: Option<&str>| {
        let (told, _) = look(Ancestor::Supervisor, &[command], &fake);
        let begin = expected.map(|what| {
            format!("/etc/s.conf:7: [program:x] command: differs: runs {what} the Python package")
        });
        assert_eq!(told.len(), usize::from(begin.is_some()), "{command}: {told:?}");
        assert!(told.iter().all(|told| told.starts_with(&begin.clone().unwrap())), "{told:?}");
    };
    check("/opt/l.py -v", Some("/opt/l.py, which imports"));
    check("/usr/bin/python3 -u '/opt/m' x", Some("/opt/m, which imports"));
    check("/opt/m", None);
    check("listen -p web", Some("/usr/bin/listen, which imports"));
    check("/usr/local/bin/memmon -g web=2GB", Some("memmon of superlance, which needs"));
    check("python3 -m superlance.crashmail", Some("superlance.crashmail, which needs"));
    check("env A=b /usr/bin/python3 /opt/m", Some("/opt/m, which imports"));
    check("web /opt/l.py.txt", None);
    check("sh.sh", None);
    check("python3 -c 'import supervisor'", None);
    check("/ // .. ''", None);
}

#[test]
fn the_report_says_what_to_do_next() {
    let mut inspection = inspection(Ancestor::Supervisor, Facts::default());
    inspection.reason = "somebody says so".to_owned();
    let render = |inspection: &Inspection, json, all| {
        let stop = ["systemctl disable --now supervisor.service".to_owned()];
        let unit = &OwnUnit::find(&Fake::default());
        Report { path: &unit.configuration, cwd: Path::new("/"), inspection, stop: &stop, unit }
            .render(json, all)
    };
    let (text, status) = render(&inspection, false, false);
    assert_eq!(
        text,
        "/etc/supervisor/supervisord.conf: taken for a configuration of Supervisor (Python), as \
         somebody says so\n\n\
         The file can be used, and nothing in it has to change: 0 errors, 0 not served, 0 different, \
         0 notes.\n\n\
         Next:\n  supervisord check /etc/supervisor/supervisord.conf\n      \
         tells whether the file can be used, after each change\n  \
         systemctl disable --now supervisor.service\n      \
         stops the other daemon and its programs\n  \
         systemctl enable --now supervisord.service\n      \
         starts this one; without systemd: supervisord -c with this file\n  \
         supervisorctl -c /etc/supervisor/supervisord.conf status\n      shows the programs\n"
    );
    assert_eq!(status, 0);
    for (kind, expected) in [
        (Kind::Same, 0),
        (Kind::Note, 0),
        (Kind::Differs, 1),
        (Kind::NotServed, 1),
        (Kind::Error, 2),
    ] {
        let file = Path::new("/etc/\"x\".conf");
        inspection.findings.push(Finding::about(kind, file, Some(3), "is \"odd\"".to_owned()));
        let (text, status) = render(&inspection, true, false);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &json["ok"]), (expected, &(kind != Kind::Error).into()));
        let told = json["problems"].as_array().unwrap();
        assert_eq!(told.len(), inspection.findings.len() - 1, "all but what is the same");
        let last = told.last().map(|told| told["kind"].clone());
        assert_eq!(last, (kind != Kind::Same).then(|| kind.name().into()));
    }
    let (text, _) = render(&inspection, false, true);
    assert!(text.contains("/etc/\"x\".conf:3: same: is \"odd\"\n"), "{text}");
    assert!(text.contains("1 error, 1 not served, 1 different, 1 note."), "{text}");
}

#[test]
fn a_file_is_the_units_however_it_is_called() {
    let inspection = inspection(Ancestor::Supervisor, Facts::default());
    let unit = &OwnUnit::find(&Fake::default());
    let next = |path: &str, cwd: &str| {
        let (path, cwd) = (Path::new(path), Path::new(cwd));
        Report { path, cwd, inspection: &inspection, stop: &[], unit }.render(false, false).0
    };
    for (path, cwd) in
        [("supervisord.conf", "/etc/supervisor"), ("./supervisor/supervisord.conf", "/etc")]
    {
        let text = next(path, cwd);
        assert!(!text.contains("systemctl edit"), "{text}");
        assert!(text.contains("supervisorctl -c /etc/"), "{text}");
    }
    let text = next("it's.conf", "/etc");
    assert!(text.contains("systemctl edit"), "{text}");
    assert!(text.contains("supervisord check '/etc/it'\\''s.conf'\n"), "{text}");
}
