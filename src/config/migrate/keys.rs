//! Which sections and keys each of the ancestors reads.

/// What one of them reads.
pub(super) struct Keys {
    /// Kinds of sections, and the keys that they have.
    pub sections: &'static [(&'static str, &'static [&'static [&'static str]])],
    /// Whether servers can have a name: `[inet_http_server:x]`.
    pub named_servers: bool,
    /// Keys that make no difference where they say this.
    pub harmless: &'static [(&'static str, &'static str)],
}

impl Keys {
    /// Whether such a section is read.
    pub fn section(&self, kind: &str, named: bool) -> bool {
        let server = kind.ends_with("_http_server");
        self.sections.iter().any(|(known, _)| *known == kind)
            && !(server && named && !self.named_servers)
    }

    /// Whether such a section is read, and this key of it is not. `[supervisorctl]` and the like are
    /// nobody's but their owner's.
    pub fn passes_over(&self, kind: &str, key: &str, value: &str) -> bool {
        let Some((_, keys)) = self.sections.iter().find(|(known, _)| *known == kind) else {
            return false;
        };
        let value = value.to_lowercase();
        !keys.is_empty()
            && !keys.iter().any(|some| some.contains(&key))
            && !self.harmless.contains(&(key, value.as_str()))
    }
}

/// Sections that have an effect here: where they are passed over there, that is a difference.
pub(super) fn is_ours(kind: &str) -> bool {
    let kinds = [
        "program-default",
        "fcgi-program",
        "unix_http_server",
        "inet_http_server",
        "dbus",
        "http_user",
        "remote",
    ];
    kinds.contains(&kind)
}

const PROGRAM: &[&str] = &[
    "command",
    "process_name",
    "numprocs",
    "numprocs_start",
    "priority",
    "autostart",
    "autorestart",
    "startsecs",
    "startretries",
    "exitcodes",
    "stopsignal",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
    "user",
    "redirect_stderr",
    "environment",
    "directory",
    "umask",
    "serverurl",
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_syslog",
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_syslog",
];

const LISTENER: &[&str] = &["events", "buffer_size", "result_handler"];
const FASTCGI: &[&str] = &["socket", "socket_backlog", "socket_owner", "socket_mode"];

/// Supervisor 4.3.
pub(super) const SUPERVISOR: Keys = Keys {
    sections: &[
        (
            "supervisord",
            &[&[
                "logfile",
                "logfile_maxbytes",
                "logfile_backups",
                "loglevel",
                "pidfile",
                "umask",
                "nodaemon",
                "silent",
                "minfds",
                "minprocs",
                "nocleanup",
                "childlogdir",
                "user",
                "directory",
                "identifier",
                "environment",
                "strip_ansi",
            ]],
        ),
        ("unix_http_server", &[&["file", "chmod", "chown", "username", "password"]]),
        ("inet_http_server", &[&["port", "username", "password"]]),
        ("program", &[PROGRAM]),
        ("eventlistener", &[PROGRAM, LISTENER]),
        ("fcgi-program", &[PROGRAM, FASTCGI]),
        ("group", &[&["programs", "priority"]]),
        ("include", &[]),
        ("supervisorctl", &[]),
        ("rpcinterface", &[]),
        ("ctlplugin", &[]),
    ],
    named_servers: true,
    harmless: &[("syslog_facility", "user"), ("fd_name", "unix"), ("fd_name", "inet")],
};

/// Keys of programs that only ochinchina/supervisord has. Whether this program serves one is another
/// matter (`NOT_SERVED` of the reader), and will be another day.
pub(super) const GO_ONLY: &[&str] = &[
    "cron",
    "depends_on",
    "envfiles",
    "killwaitsecs",
    "liveness_check_failure_action",
    "liveness_check_failure_threshold",
    "liveness_check_initial_delay",
    "liveness_check_period",
    "liveness_check_script",
    "liveness_check_success_action",
    "liveness_check_success_threshold",
    "liveness_check_timeout",
    "pre_start_hook",
    "pre_stop_hook",
    "restart_cmd_when_binary_changed",
    "restart_cmd_when_file_changed",
    "restart_directory_monitor",
    "restart_file_pattern",
    "restart_signal_when_binary_changed",
    "restart_signal_when_file_changed",
    "restart_when_binary_changed",
    "restartpause",
    "conf_file",
    "syslog_facility",
    "syslog_stderr_priority",
    "syslog_stdout_priority",
    "syslog_tag",
];

const GO_COMMON: &[&str] = &[
    "command",
    "process_name",
    "numprocs",
    "priority",
    "autostart",
    "autorestart",
    "startsecs",
    "startretries",
    "exitcodes",
    "stopsignal",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
    "user",
    "environment",
    "directory",
];

const GO_OUTPUT: &[&str] = &[
    "redirect_stderr",
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
];

/// ochinchina/supervisord.
pub(super) const GO: Keys = Keys {
    sections: &[
        (
            "supervisord",
            &[&[
                "logfile",
                "logfile_maxbytes",
                "logfile_backups",
                "loglevel",
                "pidfile",
                "minfds",
                "minprocs",
                "identifier",
            ]],
        ),
        ("unix_http_server", &[&["file", "username", "password"]]),
        ("inet_http_server", &[&["port", "username", "password", "nodename", "remotes"]]),
        ("program", &[GO_COMMON, GO_OUTPUT, GO_ONLY]),
        ("program-default", &[GO_COMMON, GO_OUTPUT, GO_ONLY]),
        ("eventlistener", &[GO_COMMON, GO_ONLY, &["events", "buffer_size"]]),
        ("group", &[&["programs"]]),
        ("include", &[]),
        ("supervisorctl", &[]),
        ("rpcinterface", &[]),
        ("ctlplugin", &[]),
    ],
    named_servers: false,
    harmless: &[
        ("nodaemon", "true"),
        ("numprocs_start", "0"),
        ("umask", "022"),
        ("umask", "0022"),
        ("chmod", "0700"),
        ("chmod", "700"),
        ("nocleanup", "false"),
        ("strip_ansi", "false"),
        ("silent", "false"),
        ("redirect_stderr", "false"),
        ("stdout_syslog", "false"),
        ("stderr_syslog", "false"),
        ("serverurl", "auto"),
        ("priority", "999"),
        ("result_handler", "supervisor.dispatchers:default_handler"),
    ],
};
