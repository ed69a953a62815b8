//! The daemon itself, what it reads beside its file, and its control program.

use super::{Key, Kind, Nothing, Part, Required, Section, Value, Words, key, part};

pub(super) const SUPERVISORD: Section = Section {
    name: "supervisord",
    about: "The daemon itself. Required, though it may be empty. The command line overrides it; see supervisord(8).",
    parts: &[part(&[
        key(
            "logfile",
            Kind::Targets,
            Value("supervisord.log"),
            "the activity log: what the daemon does and what it warns of. `AUTO` is for programs alone",
        ),
        key(
            "logfile_maxbytes",
            Kind::Size,
            Value("50MB"),
            "rotate the activity log at this size; 0 is never",
        ),
        key("logfile_backups", Kind::Number, Value("10"), "rotated activity logs to keep"),
        key(
            "loglevel",
            Kind::Word,
            Value("info"),
            "the least that is logged: `critical`, `error`, `warn`, `info`, `debug`, `trace` or `blather`",
        ),
        key(
            "pidfile",
            Kind::Path,
            Value("supervisord.pid"),
            "where the process id is written. A second daemon with the same file does not start",
        ),
        key(
            "umask",
            Kind::Mode,
            Value("022"),
            "the daemon's file mode mask, unless `nodaemon=true` keeps the one it was started with",
        ),
        key("nodaemon", Kind::Boolean, Value("false"), "stay in the foreground"),
        key(
            "silent",
            Kind::Boolean,
            Value("false"),
            "keep the activity log off standard output in the foreground",
        ),
        key(
            "minfds",
            Kind::Number,
            Value("1024"),
            "descriptors that must be available; the limit is raised to it, and the daemon does not start where that is refused",
        ),
        key("minprocs", Kind::Number, Value("200"), "processes that must be available, likewise"),
        key("nocleanup", Kind::Boolean, Value("false"), "keep the AUTO logs of earlier runs"),
        key(
            "childlogdir",
            Kind::Path,
            Words("the temporary directory (`TMPDIR`, or `/tmp`)"),
            "the directory of AUTO logs; it must exist",
        ),
        key("user", Kind::User, Nothing, "who to become, when started by root"),
        key("directory", Kind::Path, Nothing, "where to go when daemonizing; it must exist"),
        key(
            "identifier",
            Kind::Text,
            Value("supervisor"),
            "what the daemon is called, in AUTO logs' names and to clients",
        ),
        key(
            "environment",
            Kind::Environment,
            Nothing,
            "variables for every program, over the daemon's own",
        ),
        key(
            "strip_ansi",
            Kind::Boolean,
            Value("false"),
            "remove terminal escapes from programs' logs",
        ),
        key(
            "syslog_facility",
            Kind::Word,
            Words("`user`"),
            "the facility of the activity log in a system log",
        ),
        key(
            "syslog_tag",
            Kind::Word,
            Words("`supervisord`"),
            "its tag there, and its identifier in the journal",
        ),
    ])],
    with: None,
};

pub(super) const DBUS: Section = Section {
    name: "dbus",
    about: "The daemon on D-Bus, as org.supervisord.Supervisor1(5). Supervisor does not know this section.",
    parts: &[part(&[key(
        "bus",
        Kind::Word,
        Value("auto"),
        "`auto` (the system bus for root, for another user the session bus if there is one), `system`, `session`, `none`, or the address of a unix socket such as `unix:path=/run/x/bus`; see [dbus.md](dbus.md)",
    )])],
    with: None,
};

pub(super) const SUPERVISORCTL: Section = Section {
    name: "supervisorctl",
    about: "How supervisorctl(1) finds the daemon. It reads this section from the file itself, not from what that includes, and the daemon does not use it.",
    parts: &[part(&[
        key(
            "serverurl",
            Kind::Url,
            Value("http://localhost:9001"),
            "where the daemon listens: one of the listeners' addresses",
        ),
        key("username", Kind::Text, Nothing, "who asks, where the listener wants to know"),
        key("password", Kind::Text, Nothing, "their password, in plain text and never as a hash"),
        key(
            "tls_ca",
            Kind::Path,
            Words("the system's"),
            "PEM file of the authorities that are believed, for `https`",
        ),
        key(
            "tls_certificate",
            Kind::Path,
            Nothing,
            "PEM file of a certificate that is shown to a listener with `tls_client_ca`",
        ),
        key("tls_key", Kind::Path, Nothing, "PEM file of its key"),
        key("prompt", Kind::Text, Value("supervisor"), "what the shell shows before `> `"),
        key("history_file", Kind::Path, Nothing, "where the shell remembers its lines"),
    ])],
    with: None,
};

pub(super) const INCLUDE: Section = Section {
    name: "include",
    about: "More files. Those of a pattern are read in order of name, patterns in order of writing. Included files can override what stands before them. An `[include]` in an included file has no effect.",
    parts: &[part(&[key(
        "files",
        Kind::Patterns,
        Required,
        "the files, relative to the directory of the main file",
    )])],
    with: None,
};

/// The one key of a section for Python code.
const fn factory(name: &'static str) -> Key {
    key(name, Kind::Text, Required, "what makes the plug-in, in Python")
}

pub(super) const RPCINTERFACE: Section = Section {
    name: "rpcinterface:NAME",
    about: "Python code, which cannot run here. `supervisor.rpcinterface:make_main_rpcinterface` is built in, with or without its section; another is a warning that names it. Other keys are the plug-in's own.",
    parts: &[PLUGIN],
    with: None,
};

const PLUGIN: Part = part(&[factory("supervisor.rpcinterface_factory")]);

pub(super) const CTLPLUGIN: Section = Section {
    name: "ctlplugin:NAME",
    about: "Python code for supervisorctl(1), which cannot run here. A warning names it.",
    parts: &[part(&[factory("supervisor.ctl_factory")])],
    with: None,
};
