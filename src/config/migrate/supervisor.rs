//! What differs for a configuration of Supervisor 4.3: each line of docs/differences.md that can be
//! seen in a configuration.

use super::finding::Kind::{Differs, Note};
use super::keys;
use super::rule::{ANY, At, HEADER, PROGRAMS, Rule, Tables, When};
use crate::config::environment;
use crate::config::setting::{self, Autorestart};

pub(super) const TABLES: Tables =
    Tables { rules: RULES, keys: keys::SUPERVISOR, has_program_default: false };

/// The keys of a program that name log targets.
const LOGS: &[&str] = &["stdout_logfile", "stderr_logfile"];
const SERVERS: &[&str] = &["unix_http_server", "inet_http_server"];

const RULES: &[Rule] = &[
    Rule {
        sections: &["supervisord"],
        keys: &["logfile"],
        when: When::If(|at| is(at, "none") || is(at, "off")),
        kind: Differs,
        text: "means that there is no activity log; there it is a file of this name",
    },
    Rule {
        sections: &["supervisord"],
        keys: &["logfile"],
        when: When::If(|at| is(at, "syslog")),
        kind: Differs,
        text: "gives each line the priority of its level, and neither date nor level in its text; \
               there every line has both and is of priority info",
    },
    Rule {
        sections: &["supervisord", "program", "eventlistener", "fcgi-program"],
        keys: &["logfile", "stdout_logfile", "stderr_logfile"],
        when: When::If(|at| at.value.contains(',')),
        kind: Differs,
        text: "is a list with commas; there a comma is part of the file's name",
    },
    Rule {
        sections: &["supervisord", "program", "eventlistener", "fcgi-program"],
        keys: &["logfile", "stdout_logfile", "stderr_logfile"],
        when: When::If(|at| at.items().any(|item| item.eq_ignore_ascii_case("journal"))),
        kind: Differs,
        text: "is systemd's journal; there it is a file called journal, which is ./journal here",
    },
    Rule {
        sections: PROGRAMS,
        keys: LOGS,
        when: When::Finds(|at| is(at, "syslog").then(|| stream(at).to_owned())),
        kind: Differs,
        text: "writes lines with the program's own tag and process id, as local0.notice; {}_syslog=true \
               writes what is written there",
    },
    Rule {
        sections: ANY,
        keys: &["environment", "stdout_logfile", "stderr_logfile"],
        when: When::If(|at| {
            let twice = at.kind == "supervisord" || at.key != "environment";
            twice && at.value.contains("%%%%")
        }),
        kind: Note,
        text: "%%%% is one percent sign here, too, and %% is enough",
    },
    Rule {
        sections: SERVERS,
        keys: &["password"],
        when: When::If(|at| at.value.starts_with("$argon2")),
        kind: Differs,
        text: "is taken for a hash of the password; there it is the password itself",
    },
    Rule {
        sections: &["inet_http_server"],
        keys: &["password"],
        when: When::Always,
        kind: Note,
        text: "an address has to wait after ten failed logins (429); supervisord hash-password makes \
               a hash that can stand here instead",
    },
    Rule {
        sections: SERVERS,
        keys: HEADER,
        when: When::If(|at| at.scene.ini.section("rpcinterface:supervisor").is_none()),
        kind: Differs,
        text: "serves supervisor.* to supervisorctl and other clients; there it does not without \
               [rpcinterface:supervisor]",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["directory"],
        when: When::If(|at| at.value.starts_with('~')),
        kind: Differs,
        text: "begins with a home directory; there ~ is part of the name, and such a program ends \
               with status 127",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["user"],
        when: When::Finds(variables_of_the_user),
        kind: Differs,
        text: "gives the program the {} of this user; there it keeps the daemon's (environment= goes \
               before both)",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["startsecs"],
        when: When::If(|at| {
            let restart = at.other("autorestart").map(setting::autorestart);
            number(at.value) == Some(0) && restart == Some(Ok(Autorestart::Always))
        }),
        kind: Differs,
        text: "is 0 with autorestart=true: a program that ends at once is started again at once five \
               times, then once a second; there once a second from the first time on",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["stdout_capture_maxbytes", "stderr_capture_maxbytes"],
        when: When::If(|at| setting::byte_size(at.value).is_ok_and(|size| size > 0)),
        kind: Note,
        text: "no output is held back or lost at the program's end, and of what stands between the \
               markers the last so many bytes are kept",
    },
    Rule {
        sections: &["fcgi-program"],
        keys: &["socket"],
        when: When::If(|at| at.value.starts_with("unix:")),
        kind: Differs,
        text: "is made when the first process starts, and its file is removed when the last has ended; \
               there it is made when the daemon starts, too, and the file stays",
    },
    Rule {
        sections: &["group"],
        keys: &["programs"],
        when: When::Finds(|at| {
            let fcgi =
                |name: &&str| at.scene.ini.section(&format!("fcgi-program:{name}")).is_some();
            let names: Vec<_> = at.items().filter(fcgi).collect();
            (!names.is_empty()).then(|| names.join(", "))
        }),
        kind: Differs,
        text: "{} has its socket, though it stands in a group; there it has none",
    },
    Rule {
        sections: &["DEFAULT"],
        keys: ANY,
        when: When::If(|at| at.kind == "DEFAULT" && at.scene.many && at.value.contains("%(here)")),
        kind: Differs,
        text: "%(here)s is the directory of this file; there it is that of the included file whose \
               section has the value",
    },
];

fn is(at: &At<'_>, word: &str) -> bool {
    at.value.eq_ignore_ascii_case(word)
}

/// `stdout` or `stderr`.
fn stream<'a>(at: &At<'a>) -> &'a str {
    at.key.split('_').next().unwrap_or_default()
}

pub(super) fn number(text: &str) -> Option<i64> {
    setting::integer(text).ok()
}

/// Which of the variables that follow `user=` nothing else sets.
fn variables_of_the_user(at: &At<'_>) -> Option<String> {
    let daemon = at.scene.ini.section("supervisord");
    let daemon = daemon.and_then(|raw| raw.entries.iter().find(|one| one.key == "environment"));
    let texts = [at.other("environment"), daemon.map(|entry| entry.value.as_str())];
    let set: Vec<String> = texts
        .into_iter()
        .flatten()
        .filter_map(|text| environment::pairs(text).ok())
        .flat_map(|pairs| pairs.into_iter().map(|(name, _)| name))
        .collect();
    let names = ["HOME", "USER", "LOGNAME"];
    let left: Vec<_> =
        names.into_iter().filter(|name| !set.iter().any(|one| one == name)).collect();
    match left.as_slice() {
        [] => None,
        [name] => Some((*name).to_owned()),
        [first @ .., last] => Some(format!("{} and {last}", first.join(", "))),
    }
}
