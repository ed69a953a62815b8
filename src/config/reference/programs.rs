//! Programs, and what is made of them.

use super::super::program::NOT_SERVED;
use super::{Key, Kind, Nothing, Part, Required, Section, Value, Words, key, part};

pub(super) const PROGRAM: Section = Section {
    name: "program:NAME",
    about: "A program to run, or several of one kind (`numprocs`). `NAME` may not hold a space, a colon or a slash.",
    parts: &[
        Part { not_served: NOT_SERVED, ..part(PROCESS) },
        Part {
            title: "Output",
            before: "Standard output and standard error are captured and written where these keys say; see [logs.md](logs.md).",
            after: "The first file among the targets is the log that supervisorctl(1), XML-RPC and the web page show.",
            ..part(OUTPUT)
        },
        Part {
            title: "Readiness",
            before: "A program can say itself when it is ready, as the services of systemd do (sd_notify(3)).",
            after: "It is told `WATCHDOG_USEC` in its environment. One that is not ready in time is stopped and tried again as after any failed start; one that falls silent gets SIGABRT and is started again unless `autorestart=false`. `STATUS=` shows behind its state in `supervisorctl status`, on D-Bus as `StatusText`. `RELOADING=1` and `STOPPING=1` show there, too. `EXTEND_TIMEOUT_USEC=` gives it more time to start, to stop or to report, an hour beyond its settings at most. `MAINPID=` names the process that counts from now on, if it is one of the program's own; a program that puts itself in the background sends it before the first process ends. `WATCHDOG=trigger`, `WATCHDOG_USEC=` and `BARRIER=1` work as under systemd; other assignments are passed over. Only the program's own processes are heard.",
            ..part(&[
                key(
                    "notify",
                    Kind::Boolean,
                    Value("false"),
                    "it gets a `NOTIFY_SOCKET` of its own and is RUNNING when it says `READY=1`; `startsecs` is how long that may take",
                ),
                key(
                    "watchdogsecs",
                    Kind::Seconds,
                    Value("0"),
                    "with `notify`: how long it may go without `WATCHDOG=1`; 0 is for ever",
                ),
            ])
        },
        Part {
            title: "Limits",
            before: "The first four need a control group, as a unit of systemd with `Delegate=yes` has one; see [cgroups.md](cgroups.md). Where there is none, or the kernel lacks the controller, the program starts without them and a warning says so.",
            after: "A `limit_...` is set by setrlimit(2), in its units; raising the hard limit above the daemon's needs root. They are set before the program becomes its `user`. A limit that cannot be set keeps the program from starting, and its stderr says which.",
            ..part(LIMITS)
        },
    ],
    with: None,
};

const PROCESS: &[Key] = &[
    key(
        "command",
        Kind::Text,
        Required,
        "the program and its arguments, split into words as a shell does, without its other features: no pipes, no variables, no wildcards. A program without a slash is looked for in `PATH`",
    ),
    key(
        "process_name",
        Kind::Text,
        Value("%(program_name)s"),
        "what a process of it is called; with `numprocs` above 1 `%(process_num)d` must be part of it",
    ),
    key(
        "numprocs",
        Kind::Number,
        Value("1"),
        "how many to run; at most 100,000 in a whole configuration",
    ),
    key("numprocs_start", Kind::Number, Value("0"), "the first `process_num`"),
    key("priority", Kind::Number, Value("999"), "lower starts first and stops last"),
    key("autostart", Kind::Boolean, Value("true"), "start it with the daemon"),
    key(
        "startsecs",
        Kind::Seconds,
        Value("1"),
        "how long it must stay up to be RUNNING; 0 is at once",
    ),
    key("startretries", Kind::Number, Value("3"), "further tries before it is FATAL"),
    key(
        "autorestart",
        Kind::Word,
        Value("unexpected"),
        "whether to start it again after it ended: `true`, `false`, or `unexpected` for other exit codes than `exitcodes`",
    ),
    key("exitcodes", Kind::Numbers, Value("0"), "expected exit codes, 0 to 255; empty for none"),
    key(
        "stopsignal",
        Kind::Signal,
        Value("TERM"),
        "what asks it to end. Of several signals the first is sent, which a warning says",
    ),
    key(
        "stopwaitsecs",
        Kind::Seconds,
        Value("10"),
        "how long it may take to end until it gets SIGKILL",
    ),
    key("stopasgroup", Kind::Boolean, Value("false"), "send the stop signal to its process group"),
    key(
        "killasgroup",
        Kind::Boolean,
        Words("as `stopasgroup`"),
        "send SIGKILL to its process group",
    ),
    key(
        "user",
        Kind::User,
        Words("the daemon's"),
        "who runs it, `USER` or `USER:GROUP`, with all groups of that user. Only root can start a program as somebody else",
    ),
    key("directory", Kind::Path, Words("the daemon's"), "where it runs"),
    key("umask", Kind::Mode, Words("the daemon's"), "its file mode mask"),
    key(
        "environment",
        Kind::Environment,
        Nothing,
        "variables on top of the daemon's and of those of `[supervisord]`",
    ),
    key(
        "serverurl",
        Kind::Url,
        Value("AUTO"),
        "`SUPERVISOR_SERVER_URL` for the program; `AUTO` is the unix listener, else the TCP one",
    ),
    key(
        "conf_file",
        Kind::Path,
        Nothing,
        "a file of the program's own that administrators may read over HTTP (`/conf/NAME`)",
    ),
];

const OUTPUT: &[Key] = &[
    key("redirect_stderr", Kind::Boolean, Value("false"), "send its stderr where its stdout goes"),
    key("stdout_logfile", Kind::Targets, Value("AUTO"), "where its stdout goes"),
    key(
        "stdout_logfile_maxbytes",
        Kind::Size,
        Value("50MB"),
        "rotate the files at this size; 0 is never",
    ),
    key("stdout_logfile_backups", Kind::Number, Value("10"), "rotated files to keep; 0 truncates"),
    key(
        "stdout_capture_maxbytes",
        Kind::Size,
        Value("0"),
        "look for communication markers, and keep the last so many bytes of what is between them; 0 does not look. See [listeners.md](listeners.md)",
    ),
    key(
        "stdout_events_enabled",
        Kind::Boolean,
        Value("false"),
        "announce output as `PROCESS_LOG_STDOUT` events",
    ),
    key(
        "stdout_syslog",
        Kind::Boolean,
        Value("false"),
        "copy output to the system log in Supervisor's form: `supervisord: PROCESS LINE`",
    ),
    key("stdout_format", Kind::Format, Value("raw"), "how its lines are written"),
    key("stderr_logfile", Kind::Targets, Value("AUTO"), "where its stderr goes"),
    key("stderr_logfile_maxbytes", Kind::Size, Value("50MB"), "as `stdout_logfile_maxbytes`"),
    key("stderr_logfile_backups", Kind::Number, Value("10"), "as `stdout_logfile_backups`"),
    key("stderr_capture_maxbytes", Kind::Size, Value("0"), "as `stdout_capture_maxbytes`"),
    key(
        "stderr_events_enabled",
        Kind::Boolean,
        Value("false"),
        "announce output as `PROCESS_LOG_STDERR` events",
    ),
    key("stderr_syslog", Kind::Boolean, Value("false"), "as `stdout_syslog`"),
    key("stderr_format", Kind::Format, Value("raw"), "as `stdout_format`"),
    key(
        "syslog_facility",
        Kind::Word,
        Words("`local0`; `user` with `stdout_syslog`"),
        "what its lines say of themselves in a system log: `user`, `daemon`, `local0` to `local7`, or another facility of syslog(3)",
    ),
    key(
        "syslog_tag",
        Kind::Word,
        Words("the program's name; `supervisord` with `stdout_syslog`"),
        "likewise: printable ASCII without a colon, 48 characters at most",
    ),
    key(
        "syslog_stdout_priority",
        Kind::Word,
        Words("`notice`; `info` in the journal"),
        "the priority of its stdout in system logs and in the journal: `emerg`, `alert`, `crit`, `err`, `warning`, `notice`, `info` or `debug`",
    ),
    key(
        "syslog_stderr_priority",
        Kind::Word,
        Words("`notice`"),
        "the priority of its stderr, likewise",
    ),
];

const LIMITS: &[Key] = &[
    key(
        "memory_max",
        Kind::Limit,
        Nothing,
        "memory of all its processes, as a size; past it, one is killed",
    ),
    key(
        "memory_high",
        Kind::Limit,
        Nothing,
        "memory, as a size, past which its processes are slowed down and have to give some back",
    ),
    key(
        "cpu_weight",
        Kind::Number,
        Words("the kernel's, 100"),
        "its share of processor time, 1 to 10000, against its neighbours'",
    ),
    key("tasks_max", Kind::Limit, Nothing, "processes and threads in all"),
    key("limit_as", Kind::Limit, DAEMONS, "bytes of address space"),
    key("limit_core", Kind::Limit, DAEMONS, "bytes of a core file"),
    key("limit_cpu", Kind::Limit, DAEMONS, "seconds of processor time"),
    key("limit_data", Kind::Limit, DAEMONS, "bytes of data segment"),
    key("limit_fsize", Kind::Limit, DAEMONS, "bytes of a file that it writes"),
    key("limit_locks", Kind::Limit, DAEMONS, "file locks"),
    key("limit_memlock", Kind::Limit, DAEMONS, "bytes of locked memory"),
    key("limit_msgqueue", Kind::Limit, DAEMONS, "bytes in message queues of its user's"),
    key("limit_nice", Kind::Limit, DAEMONS, "how far it may lower its nice value: to 20 less this"),
    key(
        "limit_nofile",
        Kind::Limit,
        DAEMONS,
        "one more than the highest descriptor that it can have",
    ),
    key("limit_nproc", Kind::Limit, DAEMONS, "processes and threads of its user's"),
    key(
        "limit_rss",
        Kind::Limit,
        DAEMONS,
        "bytes of resident memory, which Linux does not enforce",
    ),
    key("limit_rtprio", Kind::Limit, DAEMONS, "real-time priority"),
    key(
        "limit_rttime",
        Kind::Limit,
        DAEMONS,
        "microseconds of real-time processor time without a blocking call",
    ),
    key("limit_sigpending", Kind::Limit, DAEMONS, "signals queued for its user's processes"),
    key("limit_stack", Kind::Limit, DAEMONS, "bytes of stack"),
    key("nice", Kind::Number, DAEMONS, "-20 to 19; below the daemon's only as root"),
    key(
        "oom_score_adj",
        Kind::Number,
        DAEMONS,
        "-1000 to 1000: how soon it is killed when memory runs out; below the daemon's only as root",
    ),
];

const DAEMONS: super::Default = Words("the daemon's");

pub(super) const PROGRAM_DEFAULT: Section = Section {
    name: "program-default",
    about: "Values for every `[program:NAME]` that does not set them itself: any key of a program. It goes before `[DEFAULT]`. Supervisor does not know this section.",
    parts: &[],
    with: Some("program"),
};

pub(super) const GROUP: Section = Section {
    name: "group:NAME",
    about: "Programs that are started and stopped together, and are called `NAME:PROCESS`. A program in no group is a group of its own name and priority. Of two groups of one name the one with the lower priority is used.",
    parts: &[part(&[
        key(
            "programs",
            Kind::Names,
            Nothing,
            "names of programs; they form no group of their own then",
        ),
        key(
            "priority",
            Kind::Number,
            Value("999"),
            "the group's, among groups; the programs' own count within it",
        ),
    ])],
    with: None,
};

pub(super) const LISTENER: Section = Section {
    name: "eventlistener:NAME",
    about: "A program, or several (`numprocs`), that are sent events; see [listeners.md](listeners.md). `redirect_stderr=true` is refused: it would disturb the protocol.",
    parts: &[part(&[
        key(
            "events",
            Kind::Names,
            Required,
            "event types; one that stands for several is all of them",
        ),
        key(
            "buffer_size",
            Kind::Number,
            Value("10"),
            "events that may wait, at least 1. Past it the oldest is dropped, counted and said",
        ),
        key(
            "priority",
            Kind::Number,
            Value("-1"),
            "the pool's among groups: listeners start before programs and stop after them",
        ),
        key(
            "result_handler",
            Kind::Text,
            Value("supervisor.dispatchers:default_handler"),
            "the only one there is; with another every whole answer of a listener counts as `OK`",
        ),
    ])],
    with: Some("program"),
};

pub(super) const FCGI: Section = Section {
    name: "fcgi-program:NAME",
    about: "A program that finds a listening socket as its standard input (FastCGI).",
    parts: &[Part {
        after: "The socket is made when the first process of the program is started, shared by all of them, and closed when the last has ended; then the file of a unix socket is removed. An old socket in its place is replaced, anything else is left alone and the start fails, with the reason as `spawnerr`. A host is looked up when the file is read.",
        ..part(&[
            key("socket", Kind::Text, Required, "`unix:///ABSOLUTE/PATH` or `tcp://HOST:PORT`"),
            key(
                "socket_backlog",
                Kind::Number,
                Words("the system's"),
                "connections that may wait, 1 to 65535",
            ),
            key(
                "socket_owner",
                Kind::User,
                Words("the program's user"),
                "who a unix socket belongs to, `USER` or `USER:GROUP`",
            ),
            key("socket_mode", Kind::Mode, Value("0700"), "the mode of a unix socket"),
        ])
    }],
    with: Some("program"),
};
