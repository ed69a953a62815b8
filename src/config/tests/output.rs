//! Where output goes, as configurations say it.

use super::super::setting::{LogCopy, LogFormat, SyslogAddress};
use super::*;

#[test]
fn targets_are_lists_and_their_first_file_is_shown() {
    let check = |text: &str, shown: LogTarget, copies: &[LogCopy]| {
        let log = program(&format!("stdout_logfile={text}")).stdout;
        assert_eq!((&log.target, log.copies.as_slice()), (&shown, copies), "{text}");
    };
    let file = |path: &str| LogTarget::File(path.into());
    let local = || LogCopy::Syslog(SyslogAddress::Local);
    check("AUTO", LogTarget::Auto, &[]);
    check("off", LogTarget::None, &[]);
    check("/dev/null", file("/dev/null"), &[]);
    check("/dev/null, /tmp/a", file("/tmp/a"), &[]);
    check("Syslog", LogTarget::None, &[local()]);
    check("journal", LogTarget::None, &[LogCopy::Journal]);
    check("/tmp/journal", file("/tmp/journal"), &[]);
    check("auto,syslog", LogTarget::Auto, &[local()]);
    let host = || "loghost".to_owned();
    let far = LogCopy::Syslog(SyslogAddress::Tcp(host(), 6514));
    let near = LogCopy::Syslog(SyslogAddress::Udp(host(), 514));
    check("syslog @tcp:loghost, /tmp/%(program_name)s", file("/tmp/x"), &[far]);
    check("syslog@loghost", LogTarget::None, std::slice::from_ref(&near));
    check(
        "/tmp/a, /tmp/b, syslog, syslog @loghost, /dev/stdout, journal",
        file("/tmp/a"),
        &[
            LogCopy::File("/tmp/b".into()),
            local(),
            near,
            LogCopy::File("/dev/stdout".into()),
            LogCopy::Journal,
        ],
    );
}

#[test]
fn what_lines_say_of_themselves_is_read() {
    let x = program(
        "stdout_logfile=journal\nsyslog_facility=DAEMON\nsyslog_tag=me\nstderr_syslog=true\n\
         syslog_stdout_priority=LOG_ERR\nstderr_format=json\nstdout_format={time} {message}\n",
    );
    let (out, err) = (x.stdout, x.stderr);
    assert_eq!((out.system.facility, out.system.tag.as_deref()), (Some(3), Some("me")));
    assert_eq!((out.system.priority, err.system.priority), (Some(3), None));
    assert_eq!((out.has_syslog(), err.has_syslog()), (false, true));
    assert!(matches!(&out.format, LogFormat::Template(parts) if parts.len() == 3));
    assert_eq!(err.format, LogFormat::Json);
    let none = program("redirect_stderr=true\nstderr_logfile=AUTO,journal\n").stderr;
    assert_eq!((&none.target, &*none.copies), (&LogTarget::None, &[][..]), "it goes with stdout");
}

#[test]
fn the_activity_log_has_the_same_targets() {
    let daemon = |text: &str| load_text(text).unwrap().config.daemon;
    let syslog = daemon("logfile=syslog\nsyslog_facility=local3\nsyslog_tag=sup\n");
    assert_eq!(syslog.logfile, None);
    assert_eq!(syslog.log_copies, [LogCopy::Syslog(SyslogAddress::Local)]);
    assert_eq!(syslog.system_log.facility, Some(19));
    let both = daemon("logfile=journal, main.log\n");
    assert_eq!(both.logfile.as_deref(), Some(Path::new("/cwd/main.log")));
    assert_eq!(both.log_copies, [LogCopy::Journal]);
    assert_eq!(
        problems("logfile=auto\n"),
        [
            "/etc/s.conf:2: [supervisord] logfile: is AUTO, which is for programs: expected a file or NONE"
        ]
    );
}

#[test]
fn lists_that_make_no_sense_are_refused() {
    let check = |line: &str, expected: &str| {
        let told = problems(&format!("[program:x]\ncommand=/bin/x\n{line}\n"));
        assert_eq!(told, [format!("/etc/s.conf:4: [program:x] {expected}")], "{line}");
    };
    check(
        "stdout_logfile=/tmp/a, NONE",
        "stdout_logfile: names NONE in a list: expected it alone, or not at all",
    );
    check("stderr_logfile=/tmp/a,,syslog", "stderr_logfile: has an empty target in its list");
    for list in ["AUTO, /tmp/a", "AUTO,auto"] {
        let told = problems(&format!("[program:x]\ncommand=/bin/x\nstdout_logfile={list}\n"));
        assert!(told[0].contains("names AUTO beside"), "{told:?}");
    }
    check(
        "stdout_logfile=/tmp/a,journal,/tmp/a",
        "stdout_logfile: names /tmp/a twice: expected each target once",
    );
    check(
        "stdout_logfile=syslog @tcp:",
        "stdout_logfile: \"syslog @tcp:\" is not a system log: expected syslog \
         @[tcp|udp:]host[:port], an IPv6 address in brackets",
    );
    check(
        "stdout_logfile=/tmp/a,/nope/b",
        "stdout_logfile: \"/nope/b\" cannot be: expected \"/nope\" to be a directory",
    );
    check(
        "stdout_format=text",
        "stdout_format: \"text\" is not a format: expected raw, json, or a template with \
         {message} in it",
    );
    check(
        "stdout_format=%(asctime)s %(message)s",
        "stdout_format: is expanded like any value: expected fields in braces, {time} {message}",
    );
    check(
        "stdout_format={asctime} {message}",
        "stdout_format: {asctime} is not a field: expected one of time, program, group, \
         process, pid, stream, message",
    );
    check(
        "syslog_tag=a b",
        "syslog_tag: \"a b\" is not a tag: expected 1 to 48 printable ASCII characters, no space \
         or colon",
    );
}
