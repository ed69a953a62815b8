//! What is refused and what is warned of, word for word.

use super::*;

#[test]
fn a_bad_value_is_told_with_its_place() {
    let check = |line: &str, expected: &str| {
        let told = problems(&format!("[program:x]\ncommand=/bin/x\n{line}\n"));
        assert_eq!(told, [format!("/etc/s.conf:4: [program:x] {expected}")], "{line}");
    };
    check("autostart=maybe", "autostart: \"maybe\" is not a boolean: expected true or false");
    check("startsecs=1s", "startsecs: \"1s\" is not a number: expected a whole number");
    check("user=nobody", "user: \"nobody\" is not a user: expected a user's name or id");
    check("user=web:nope", "user: \"nope\" is not a group: expected one");
    check("UMASK = 9", "umask: \"9\" is not an octal mode: expected digits 0 to 7, up to 7777");
    check(
        "stdout_logfile=/nope/x.log",
        "stdout_logfile: \"/nope/x.log\" cannot be: expected \"/nope\" to be a directory",
    );
    check("directory=%(her)s", "directory: cannot expand %(her)s: did you mean %(here)s?");
    check(
        "environment=A",
        "environment: cannot read \"A\" as an environment variable: expected \
                            KEY=\"value\", with a comma between",
    );
    check("process_name=a b", "process_name: \"a b\" is not a name: expected one without ' '");
    check("numprocs=100001", "numprocs: expected at most 100000 processes in all");
    check("notify=maybe", "notify: \"maybe\" is not a boolean: expected true or false");
}

#[test]
fn a_bad_limit_is_told_with_its_place() {
    let check = |line: &str, expected: &str| {
        let told = problems(&format!("[program:x]\ncommand=/bin/x\n{line}\n"));
        assert_eq!(told, [format!("/etc/s.conf:4: [program:x] {expected}")], "{line}");
    };
    let size = "expected bytes, or KB, MB or GB, or infinity";
    let count = "expected a whole number or infinity";
    check("memory_max=lots", &format!("memory_max: \"lots\" is not a size: {size}"));
    check("memory_max=-1", &format!("memory_max: \"-1\" is not a size: {size}"));
    check("memory_high=0", "memory_high: 0 would let nothing run: expected more");
    check("cpu_weight=0", "cpu_weight: 0 is out of range: expected 1 to 10000");
    check("tasks_max=0", "tasks_max: 0 would let nothing run: expected more");
    check("tasks_max=-1", &format!("tasks_max: \"-1\" is not a limit: {count}"));
    check("limit_nofile=1KB", &format!("limit_nofile: \"1KB\" is not a limit: {count}"));
    check(
        "limit_core=2MB:1MB",
        "limit_core: \"2MB:1MB\" is not possible: expected SOFT:HARD, HARD the greater",
    );
    check("limit_core=1:2:3", &format!("limit_core: \"2:3\" is not a size: {size}"));
    check("nice=20", "nice: 20 is out of range: expected -20 to 19");
    check("nice=99999999999", "nice: 99999999999 is out of range: expected -20 to 19");
    check("oom_score_adj=-1001", "oom_score_adj: -1001 is out of range: expected -1000 to 1000");
}

#[test]
fn only_loopback_is_served_without_a_password() {
    let check = |section: &str, fine: bool, warned: bool| {
        let text = format!("[inet_http_server]\n{section}\n");
        let result = load_text(&text);
        assert_eq!(result.is_ok(), fine, "{section}: {result:?}");
        let problems = result.map_or_else(|problems| problems, |loaded| loaded.warnings);
        assert_eq!(!problems.is_empty(), warned || !fine, "{section}: {problems:?}");
    };
    check("port=9001", false, false);
    check("port=*:9001", false, false);
    check("port=0.0.0.0:9001", false, false);
    check("port=192.168.0.1:9001", false, false);
    check("port=example.com:9001", false, false);
    check("port=*:9001\nallow_unauthenticated=true", true, false);
    check("port=*:9001\nusername=u\npassword=p", true, false);
    check("port=*:9001\nusername=\npassword=", false, false);
    check("port=*:9001\nusername=u\npassword=%(ENV_EMPTY)s", false, false);
    check("port=127.0.0.1:9001", true, true);
    check("port=127.9.9.9:9001", true, true);
    check("port=LOCALHOST:9001", true, true);
    check("port=[::1]:9001", true, true);
    check("port=127.0.0.1.example.com:9001", false, false);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let told = load_files(&[]).unwrap_err();
    assert_eq!(shown(&told), ["/etc/s.conf: cannot read /etc/s.conf: entity not found"]);
    let bytes = FakeFiles([("/etc/s.conf".into(), b"[supervisord]\n\xff\n".to_vec())].into());
    let told = load(Path::new("/etc/s.conf"), &bytes, &FakeHost { uid: 0 }).unwrap_err();
    assert_eq!(told[0].to_string(), "/etc/s.conf: is not UTF-8 text in line 2");
}

#[test]
fn only_root_starts_programs_for_others() {
    let text = "[supervisord]\n[program:x]\ncommand=a\nuser=root\n";
    let files = FakeFiles([("/etc/s.conf".into(), text.as_bytes().to_vec())].into());
    let check = |uid, count| {
        let loaded = load(Path::new("/etc/s.conf"), &files, &FakeHost { uid }).unwrap();
        assert_eq!(loaded.warnings.len(), count, "{:?}", loaded.warnings);
    };
    check(0, 0);
    check(1000, 1);
    assert_eq!(warnings("user=web\n[program:x]\ncommand=a\nuser=web\n").len(), 0);
    assert_eq!(warnings("user=web\n[program:x]\ncommand=a\nuser=root\n").len(), 1);
}

#[test]
fn one_run_tells_everything() {
    let told = problems(
        "umask=x\nnonsense\n[program:a]\nautostart=2\nstopsignal=NOPE\nuser=%(x)s\n\
         [program:b]\ncomand=/bin/b\n[group:g]\nprograms=aa\n[unix_http_server]\n",
    );
    let places: Vec<_> = told.iter().map(|line| line.split(':').nth(1).unwrap()).collect();
    // Errors come first, in order of lines; then warnings.
    assert_eq!(places, ["2", "3", "4", "5", "6", "7", "8", "11", "12", "9"], "{told:#?}");
    assert_eq!(
        told[9],
        "/etc/s.conf:9: [program:b] comand: is not a known key: did you mean command?"
    );
}

#[test]
fn oddities_are_warned_of() {
    let check = |text: &str, expected: &[&str]| {
        let told = warnings(text);
        let expected: Vec<String> = expected.iter().map(|e| format!("/etc/s.conf:{e}")).collect();
        assert_eq!(told, expected, "{text}");
    };
    let not_served = "is not served by this version and has no effect";
    check(
        "[programs:x]\n",
        &["2: [programs:x]: is not a known section: did you mean [program:NAME]?"],
    );
    check(
        "[supervisorctrl]\n",
        &["2: [supervisorctrl]: is not a known section: did you mean [supervisorctl]?"],
    );
    check("[dbus]\nbuss=auto\n", &["3: [dbus] buss: is not a known key: did you mean bus?"]);
    check("colour=red\n", &["2: [supervisord] colour: is not a known key"]);
    check(
        "[program:x]\ncommand=a\ncron=* * * * *\n",
        &[&format!("4: [program:x] cron: {not_served}")],
    );
    check(
        "[program:x]\ncommand=a\nstdout_syslog=true\nstdout_logfile=syslog\n",
        &["4: [program:x] stdout_syslog: is a second way to the system log, beside stdout_logfile"],
    );
    check(
        "[program:x]\ncommand=a\nstartsecs=-1\n",
        &["4: [program:x] startsecs: -1 is out of range and taken as 0"],
    );
    check(
        "[program:x]\ncommand=a\nstopsignal=INT TERM\n",
        &["4: [program:x] stopsignal: lists several signals: this version sends the first only"],
    );
    check(
        "[program:x]\ncommand=a\nwatchdogsecs=5\n",
        &[
            "4: [program:x] watchdogsecs: has no effect without notify=true: the program could not say it is alive",
        ],
    );
    check(
        "[program:x]\ncommand=a\nmemory_max=1MB\nmemory_high=1024KB\n",
        &[
            "5: [program:x] memory_high: is not below memory_max and has no effect: expected a lower one",
        ],
    );
    check("[program:x]\ncommand=a\nmemory_max=1MB\nmemory_high=infinity\n", &[]);
    check(
        "[program:x]\ncommand=a\nlimit_nofiles=9\n",
        &["4: [program:x] limit_nofiles: is not a known key: did you mean limit_nofile?"],
    );
    check(
        "[program:x]\ncommand=a\nstdout_logfile=NONE\nstdout_format=json\n",
        &["5: [program:x] stdout_format: has no effect, because the output goes nowhere"],
    );
    check(
        "[program:x]\ncommand=a\nredirect_stderr=true\nstderr_logfile=journal\n",
        &["5: [program:x] stderr_logfile: has no effect, because redirect_stderr is true"],
    );
    check(
        "[rpcinterface:x]\nsupervisor.rpcinterface_factory=a:b\nx=1\n",
        &[
            "3: [rpcinterface:x] supervisor.rpcinterface_factory: a:b is Python code, which cannot run here",
        ],
    );
    check(
        "[supervisorctl]\nserverurl=%(nope)s\n",
        &[
            "3: [supervisorctl] serverurl: cannot expand %(nope)s: expected one of here, host_node_name, or ENV_X for the variable X",
        ],
    );
    // Every process of a program has the same to say; it is said once.
    check(
        "[program:x]\ncommand=a\nfoo=1\nnumprocs=3\nprocess_name=%(process_num)d\n",
        &["4: [program:x] foo: is not a known key"],
    );
    check(
        "[program-default]\nfoo=1\n[program:x]\ncommand=a\n",
        &["3: [program-default] foo: is not a known key"],
    );
    check("[DEFAULT]\nfoo=1\n", &[]);
    check(
        "[program:x]\ncommand=a\n[group:x]\n",
        &["2: [program:x]: is not used: another group is called x, too"],
    );
}
