//! What configurations mean.

use super::*;

#[test]
fn a_program_has_the_references_defaults() {
    let x = program("");
    assert_eq!((&*x.name, &*x.program, &*x.command), ("x", "x", "/bin/x"));
    assert_eq!((x.priority, x.autostart, x.autorestart), (999, true, Autorestart::Unexpected));
    assert_eq!((x.startsecs.as_secs(), x.startretries, x.stopwaitsecs.as_secs()), (1, 3, 10));
    assert_eq!((x.stopsignal, x.stopasgroup, x.killasgroup), (Signal::TERM, false, false));
    assert_eq!((&**x.exitcodes, x.user, x.directory, x.umask), (&[0][..], None, None, None));
    assert_eq!((x.redirect_stderr, &**x.environment, x.serverurl), (false, &[][..], None));
    assert_eq!((x.notify, x.watchdogsecs.as_secs(), &*x.limits), (false, 0, &Limits::default()));
    for log in [x.stdout, x.stderr] {
        assert_eq!((&log.target, log.max_bytes, log.backups), (&LogTarget::Auto, 50 << 20, 10));
        assert_eq!((log.capture_max_bytes, log.events_enabled, log.syslog), (0, false, false));
    }
}

#[test]
fn the_daemon_has_the_references_defaults() {
    let daemon = load_text("").unwrap().config.daemon;
    assert_eq!(daemon.logfile.as_deref(), Some(Path::new("/cwd/supervisord.log")));
    assert_eq!(daemon.pidfile, Path::new("/cwd/supervisord.pid"));
    assert_eq!((daemon.logfile_max_bytes, daemon.logfile_backups), (50 << 20, 10));
    assert_eq!((daemon.umask, daemon.minfds, daemon.minprocs), (0o022, 1024, 200));
    assert_eq!((daemon.nodaemon, daemon.silent, daemon.nocleanup), (false, false, false));
    assert_eq!(daemon.childlogdir, Path::new("/tmp"));
    assert_eq!((daemon.user, daemon.directory, daemon.strip_ansi), (None, None, false));
    assert_eq!(daemon.identifier, "supervisor");
}

#[test]
fn servers_are_read_and_give_the_url() {
    let text = "[unix_http_server]\nfile=run/../%(ENV_PORT)s.sock\nchmod=0770\nchown=web:ops\n\
                username=u\npassword=p:q\n[inet_http_server]\nport=*:1\nusername=u\npassword=p\n";
    let config = load_text(text).unwrap().config;
    let unix = config.unix.clone().unwrap();
    assert_eq!((unix.file.as_path(), unix.mode), (Path::new("/cwd/80.sock"), 0o770));
    assert_eq!(unix.owner, Some((1000, 50)));
    assert_eq!(
        unix.access.credentials.map(|c| (c.username, c.password)),
        Some(("u".into(), "p:q".into()))
    );
    assert_eq!(config.server_url().as_deref(), Some("unix:///cwd/80.sock"));
    let without_unix = Config { unix: None, ..config };
    assert_eq!(without_unix.server_url().as_deref(), Some("http://localhost:1"));
    assert_eq!(Config { inet: None, ..without_unix }.server_url(), None);
}

#[test]
fn a_program_is_read_whole() {
    let x = program(
        "user=web:ops\nautorestart=true\nstopasgroup=1\nexitcodes=\nserverurl=auto\n\
         environment=A=\"%(here)s\",B=%(ENV_PORT)s\nstdout_logfile=/tmp/%(ENV_B)s\n",
    );
    assert!(x.killasgroup, "killasgroup follows stopasgroup");
    let user = x.user.unwrap();
    assert_eq!((user.uid, user.gid, &*user.groups), (1000, 50, &[50, 1000][..]));
    assert_eq!((x.autorestart, &**x.exitcodes, x.serverurl), (Autorestart::Always, &[][..], None));
    assert_eq!(**x.environment, [("A".into(), "/etc".into()), ("B".into(), "80".into())]);
}

#[test]
fn limits_are_read_in_their_units() {
    let x = program(
        "memory_max=2GB\nmemory_high= Infinity\ncpu_weight=10000\ntasks_max=1_000\nnice=-20\n\
         oom_score_adj=1000\nlimit_stack=8MB:infinity\nlimit_nofile=1024\nlimit_core=0\n",
    );
    let limits = x.limits;
    assert_eq!((limits.memory_max, limits.memory_high), (Some(2 << 30), Some(INFINITY)));
    assert_eq!((limits.cpu_weight, limits.tasks_max), (Some(10_000), Some(1000)));
    assert_eq!((limits.nice, limits.oom_score_adj), (Some(-20), Some(1000)));
    let limit = |resource, soft, hard| ResourceLimit { resource, soft, hard };
    assert_eq!(
        limits.resources,
        [
            limit(Resource::Core, 0, 0),
            limit(Resource::Nofile, 1024, 1024),
            limit(Resource::Stack, 8 << 20, INFINITY),
        ]
    );
}

#[test]
fn readiness_is_read() {
    let x = program("notify=true\nwatchdogsecs=30\n");
    assert_eq!((x.notify, x.watchdogsecs.as_secs()), (true, 30));
    let x = program("watchdogsecs=30\n");
    assert_eq!((x.notify, x.watchdogsecs.as_secs()), (false, 0));
}

#[test]
fn the_daemons_environment_comes_first_and_can_be_expanded() {
    let text = "environment=A=1,B=\"100%%\"\n[program:x]\ncommand=echo %(ENV_A)s%(ENV_C)s\n\
                environment=C=3,A=2\n";
    let config = load_text(text).unwrap().config;
    let x = &config.groups[0].processes[0];
    let environment: Vec<_> = x.environment.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(environment, ["A=2", "B=100%", "C=3"]);
    assert_eq!(&*x.command, "echo 23");
}

#[test]
fn program_defaults_stand_behind_the_programs_own() {
    let text = "[DEFAULT]\npriority=1\nstartsecs=1\nstopwaitsecs=1\n[program-default]\n\
                startsecs=2\nstopwaitsecs=2\n[program:x]\ncommand=a\nstopwaitsecs=3\n";
    let config = load_text(text).unwrap().config;
    let x = &config.groups[0].processes[0];
    let seconds = (x.startsecs.as_secs(), x.stopwaitsecs.as_secs());
    assert_eq!((x.priority, seconds), (1, (2, 3)));
}

#[test]
fn groups_are_built_and_ordered() {
    let text = "[program:z]\ncommand=z\n[program:a]\ncommand=a\nnumprocs=2\n\
                process_name=%(group_name)s%(process_num)d\nnumprocs_start=9\n\
                [program:b]\ncommand=b\npriority=5\n[group:g]\nprograms=z, a\npriority=7\n";
    let config = load_text(text).unwrap().config;
    let groups: Vec<_> = config
        .groups
        .iter()
        .map(|group| {
            let names: Vec<_> =
                group.processes.iter().map(|process| process.name.to_string()).collect();
            format!("{} {}: {}", group.priority, group.name, names.join(" "))
        })
        .collect();
    // By priority and name; within a program, "g10" comes before "g9".
    assert_eq!(groups, ["5 b: b", "7 g: z g10 g9"]);
}

#[test]
fn included_files_override_and_keep_their_own_here() {
    let loaded = load_files(&[
        (
            "/etc/s.conf",
            "[include]\nfiles=d/*.conf none/*.conf\n[supervisord]\n[program:x]\ncommand=%(here)s\n",
        ),
        ("/etc/d/b.conf", "[program:x]\nstartsecs=2\n[include]\nfiles=/etc/other/*\n"),
        (
            "/etc/d/a.conf",
            "[program:x]\nstartsecs=1\nstopwaitsecs=1\n[program:y]\ncommand=%(here)s\n",
        ),
        ("/etc/d/.hidden.conf", "nonsense"),
        ("/etc/other/c.conf", "nonsense"),
    ])
    .unwrap();
    assert_eq!(loaded.included, [Path::new("/etc/d/a.conf"), Path::new("/etc/d/b.conf")]);
    let [x, y] = &loaded.config.groups[..] else { panic!("{:?}", loaded.config.groups) };
    let (x, y) = (&x.processes[0], &y.processes[0]);
    assert_eq!((x.startsecs.as_secs(), x.stopwaitsecs.as_secs()), (2, 1));
    assert_eq!((&*x.command, &*y.command), ("/etc", "/etc/d"));
    assert_eq!(
        shown(&loaded.warnings),
        [
            "/etc/d/b.conf:4: [include] files: stands in an included file, too, where it has no effect",
            "/etc/s.conf:2: [include] files: No file matches via include \"/etc/none/*.conf\"",
        ]
    );
}

#[test]
fn ctl_settings_are_read_without_includes() {
    let read = |text: &str| {
        let files = FakeFiles([("/etc/s.conf".into(), text.as_bytes().to_vec())].into());
        load_ctl(Some(Path::new("/etc/s.conf")), &files, &FakeHost { uid: 0 })
    };
    let ctl = read(
        "[supervisorctl]\nserverurl=unix://%(here)s/../s.sock\nusername=u\npassword=p\n\
         history_file=~/.h\nprompt=p\n[include]\nfiles=%(nope)s\n",
    )
    .unwrap();
    assert_eq!((ctl.serverurl.as_str(), ctl.prompt.as_str()), ("unix:///s.sock", "p"));
    assert_eq!(ctl.history_file.as_deref(), Some(Path::new("/root/.h")));
    assert!(!format!("{ctl:?}").contains("password"), "{ctl:?}");
    assert_eq!(read("[supervisorctl]\n").unwrap(), CtlSettings::default());
    assert_eq!(read("[supervisorctl]\nuser=x\n").unwrap().warnings.len(), 1);
    assert_eq!(
        shown(&read("[x]\n").unwrap_err()),
        ["/etc/s.conf: has no [supervisorctl] section: expected one"]
    );
    let none = load_ctl(None, &FakeFiles::default(), &FakeHost { uid: 0 });
    assert_eq!(none.unwrap().serverurl, "http://localhost:9001");
}

#[test]
fn the_search_order_begins_where_the_program_is() {
    let first = |program: &str| search_paths(Path::new(program))[0].clone();
    assert_eq!(first("/usr/bin/supervisord"), Path::new("/usr/etc/supervisord.conf"));
    assert_eq!(first("supervisord"), Path::new("etc/supervisord.conf"));
}

#[test]
fn the_sample_starts_as_it_stands() {
    let loaded = load_files(&[("/etc/s.conf", SAMPLE)]).unwrap();
    assert_eq!(shown(&loaded.warnings), [""; 0]);
    assert_eq!(loaded.config.daemon.logfile.as_deref(), Some(Path::new("/tmp/supervisord.log")));
    assert_eq!(loaded.config.server_url().as_deref(), Some("unix:///tmp/supervisor.sock"));
    assert!(loaded.config.groups.is_empty());
}

#[test]
fn the_sample_shows_known_keys_only() {
    let open = |line: &str| match line.strip_prefix(';') {
        Some(key)
            if key.starts_with('[')
                || key.split(['=', ' ']).nth(1).is_some() && !key.starts_with(' ') =>
        {
            key.to_owned()
        }
        _ => line.to_owned(),
    };
    let text: Vec<String> = SAMPLE.lines().map(open).collect();
    let told = match load_files(&[("/etc/s.conf", &text.join("\n"))]) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    let unknown: Vec<_> = told.iter().filter(|p| p.message.contains("not a known")).collect();
    assert!(told.len() > 5, "the sample was not uncommented: {told:?}");
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn changes_are_found_in_every_setting() {
    let groups = |text: &str| load_text(text).unwrap().config.groups;
    let names = |list: &[crate::model::GroupName]| {
        list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let active =
        groups("[program:same]\ncommand=a\n[program:gone]\ncommand=a\n[program:x]\ncommand=a\n");
    for change in [
        "priority=1",
        "environment=A=1",
        "stdout_logfile=NONE",
        "stdout_logfile=/tmp/x",
        "exitcodes=1",
        "user=web",
        "notify=1",
        "limit_nofile=9",
        "memory_max=1GB",
    ] {
        let new = groups(&format!(
            "[program:same]\ncommand=a\n[program:x]\ncommand=a\n{change}\n[program:new]\ncommand=a\n"
        ));
        let diff = changes(&active, &new);
        assert_eq!(
            (names(&diff.added), names(&diff.changed), names(&diff.removed)),
            ("new".into(), "x".into(), "gone".into()),
            "{change}"
        );
    }
    assert_eq!(changes(&active, &active), Changes::default());
}

#[test]
fn a_program_knows_where_it_is_configured_and_is_the_same_elsewhere() {
    let files = |before: &str| {
        let main = format!("[supervisord]\n{before}[program:x]\ncommand=/bin/x\n");
        let included = ("/etc/d/y.conf", "; y\n[program:y]\ncommand=/bin/y\n");
        let loaded =
            load_files(&[("/etc/s.conf", &format!("{main}[include]\nfiles=d/*.conf\n")), included]);
        loaded.unwrap_or_else(|problems| panic!("{problems:#?}")).config.groups
    };
    let place = |groups: &[Arc<GroupSettings>], at: usize| {
        let place = groups[at].processes[0].place.clone();
        (place.file.to_string(), place.line)
    };
    let (first, moved) = (files(""), files("\n\n"));
    assert_eq!(place(&first, 0), ("/etc/s.conf".to_owned(), 2));
    assert_eq!(place(&first, 1), ("/etc/d/y.conf".to_owned(), 2));
    assert_eq!(place(&moved, 0), ("/etc/s.conf".to_owned(), 4));
    assert_eq!(changes(&first, &moved), Changes::default());
}
