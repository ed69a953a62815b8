//! What differs for a configuration of ochinchina/supervisord, as its code of 2025 reads it.

use super::finding::Kind::{Differs, Error, Note};
use super::go_forms::{
    has_inner_quotes, is_no_signal, is_no_size, more_files, other_boolean, other_variables,
    overridden_variables,
};
use super::keys;
use super::rule::{ANY, At, HEADER, PROGRAMS, Rule, Tables, When};
use super::supervisor::number;
use crate::config::setting::{self, Autorestart};

pub(super) const TABLES: Tables =
    Tables { rules: RULES, keys: keys::GO, has_program_default: true };

const RULES: &[Rule] = &[
    Rule {
        sections: &["supervisord"],
        keys: HEADER,
        when: When::If(|at| {
            at.other("nodaemon").is_none_or(|text| setting::boolean(text) != Ok(true))
        }),
        kind: Differs,
        text: "goes to the background without nodaemon=true or -n; there it stays in the foreground \
               without -d (which is --directory here)",
    },
    Rule {
        sections: &["inet_http_server"],
        keys: &["password"],
        when: When::Always,
        kind: Differs,
        text: "is asked for on every path, /metrics among them; there /metrics is open to everybody",
    },
    Rule {
        sections: ANY,
        keys: ANY,
        when: When::If(|at| at.value.lines().any(|line| line.ends_with('\\'))),
        kind: Error,
        text: "ends with a backslash, which goes on in the next line there: expected the next line \
               indented, and no backslash",
    },
    Rule {
        sections: ANY,
        keys: ANY,
        when: When::If(|at| at.value.starts_with("\"\"\"")),
        kind: Error,
        text: "begins with three quotes, which hold several lines there: expected none, and the \
               following lines indented",
    },
    Rule {
        sections: ANY,
        keys: ANY,
        when: When::If(|at| {
            at.value.contains('\\') && !at.value.lines().any(|line| line.ends_with('\\'))
        }),
        kind: Differs,
        text: "has a backslash, which belongs to the value; there it makes something else of the sign \
               after it",
    },
    Rule {
        sections: ANY,
        keys: ANY,
        when: When::If(|at| at.value.contains("%%")),
        kind: Differs,
        text: "has %%, which is one percent sign; there it is two",
    },
    Rule {
        sections: ANY,
        keys: ANY,
        when: When::If(|at| at.is_included() && at.value.contains("%(here)")),
        kind: Differs,
        text: "%(here)s is the directory of this file; there it is that of the main file",
    },
    Rule {
        sections: PROGRAMS,
        keys: ANY,
        when: When::If(|at| {
            let counted = at.value.contains("%(process_num)");
            counted && at.other("numprocs_start").and_then(number) != Some(1)
        }),
        kind: Differs,
        text: "counts %(process_num) from 0; there it is from 1 (numprocs_start=1 keeps that)",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["stdout_logfile", "stderr_logfile", "directory", "environment"],
        when: When::If(|at| at.value.contains("%(group_name)")),
        kind: Differs,
        text: "%(group_name)s is the group's name; there it is empty in this key",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["stdout_logfile", "stderr_logfile", "directory", "environment"],
        when: When::If(|at| {
            let named = at.other("process_name").is_some_and(|name| is_other_name(at, name));
            named && at.value.contains("%(program_name)")
        }),
        kind: Differs,
        text: "%(program_name)s is the section's name; there it is that of process_name in this key",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["process_name"],
        when: When::Finds(inherited_names),
        kind: Differs,
        text: "leaves %(program_name)s the section's name in {}, which is set elsewhere; there it is this \
               one",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["process_name"],
        when: When::If(|at| is_other_name(at, at.value)),
        kind: Note,
        text: "is shown as GROUP:NAME, as the group has another name; there it is the name alone",
    },
    Rule {
        sections: PROGRAMS,
        keys: HEADER,
        when: When::If(|at| {
            let restarts =
                at.other("autorestart").map_or(Ok(Autorestart::Unexpected), setting::autorestart);
            let one = at.kind != "program-default";
            one && at.other("exitcodes").is_none() && restarts == Ok(Autorestart::Unexpected)
        }),
        kind: Differs,
        text: "is started again after an exit with status 2; there exitcodes is 0,2 where nothing is \
               said (exitcodes=0,2 keeps that)",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["autorestart"],
        when: When::Finds(|at| {
            let words = ["true", "false", "unexpected"];
            let here = setting::autorestart(at.value).ok()?;
            let other = !words.contains(&at.value) && here != Autorestart::Unexpected;
            other.then(|| here.name().to_owned())
        }),
        kind: Differs,
        text: "is {}; there everything but true and false in small letters is unexpected",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["autorestart"],
        when: When::If(|at| setting::autorestart(at.value) == Ok(Autorestart::Always)),
        kind: Differs,
        text: "leaves a program that failed startretries times FATAL until somebody starts it; there it \
               is tried again and again",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["autostart"],
        when: When::If(|at| at.value != "true" && setting::boolean(at.value) == Ok(true)),
        kind: Differs,
        text: "is true; there everything but true in small letters is false",
    },
    Rule {
        sections: &["eventlistener"],
        keys: &["autostart"],
        when: When::If(|at| setting::boolean(at.value) == Ok(false)),
        kind: Differs,
        text: "keeps the listener from being started; there it is started all the same",
    },
    Rule {
        sections: PROGRAMS,
        keys: &[
            "redirect_stderr",
            "stopasgroup",
            "killasgroup",
            "stdout_events_enabled",
            "stderr_events_enabled",
        ],
        when: When::Finds(|at| other_boolean(at, false)),
        kind: Differs,
        text: "is {}; there such a word is not understood and means false",
    },
    Rule {
        sections: &["supervisord", "program", "eventlistener", "fcgi-program"],
        keys: &[
            "logfile_maxbytes",
            "stdout_logfile_maxbytes",
            "stderr_logfile_maxbytes",
            "stdout_capture_maxbytes",
            "stderr_capture_maxbytes",
        ],
        when: When::If(is_no_size),
        kind: Differs,
        text: "is a size; there only KB, MB and GB in capitals are understood, and this is the default",
    },
    Rule {
        sections: &["supervisord", "program"],
        keys: &["logfile_maxbytes", "stdout_logfile_maxbytes", "stderr_logfile_maxbytes"],
        when: When::If(|at| number(at.value) == Some(0)),
        kind: Differs,
        text: "means that the log is never rotated; there it is rotated after every write",
    },
    Rule {
        sections: &["supervisord", "program"],
        keys: &["logfile_backups", "stdout_logfile_backups", "stderr_logfile_backups"],
        when: When::If(|at| number(at.value) == Some(0)),
        kind: Differs,
        text: "keeps no log that was rotated; there one is kept",
    },
    Rule {
        sections: &["program"],
        keys: &["stderr_events_enabled"],
        when: When::If(|at| setting::boolean(at.value) == Ok(true)),
        kind: Differs,
        text: "announces stderr as PROCESS_LOG_STDERR; there it is PROCESS_LOG_STDOUT",
    },
    Rule {
        sections: &["program"],
        keys: &["stderr_capture_maxbytes"],
        when: When::If(|at| setting::byte_size(at.value).is_ok_and(|size| size > 0)),
        kind: Differs,
        text: "leaves stderr in its own log; there it goes to that of stdout",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["stopsignal"],
        when: When::If(is_no_signal),
        kind: Differs,
        text: "is this signal; there only names in capitals are understood, and all else is TERM",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["startretries"],
        when: When::Finds(|at| {
            number(at.value)
                .filter(|&tries| tries > 0)
                .map(|tries| format!("{} tries, {tries}", tries.saturating_add(1)))
        }),
        kind: Differs,
        text: "gives {} of them after pauses that grow by a second each; there it is the number of all \
               tries, one straight after the other",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["user"],
        when: When::If(|at| !at.value.is_empty()),
        kind: Differs,
        text: "gives the program the groups of this user, and the daemon's PATH; there it keeps the \
               daemon's groups and gets a PATH of its own",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["environment"],
        when: When::Finds(other_variables),
        kind: Differs,
        text: "gives another value to {}: quotes end a value and are no part of it; there single quotes \
               are, and what follows a closing quote without a comma is lost",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["environment"],
        when: When::Finds(overridden_variables),
        kind: Differs,
        text: "sets {}; there user= sets that, whatever stands here",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["command"],
        when: When::If(has_inner_quotes),
        kind: Differs,
        text: "has quotes within a word, which are removed; there the program gets them",
    },
    Rule {
        sections: PROGRAMS,
        keys: &["directory"],
        when: When::If(|at| at.value.starts_with('~')),
        kind: Differs,
        text: "begins with a home directory; there ~ is part of the name",
    },
    Rule {
        sections: &["supervisord", "program"],
        keys: &["logfile", "stdout_logfile", "stderr_logfile"],
        when: When::If(|at| at.items().any(|item| item == "memory")),
        kind: Differs,
        text: "names a file called memory; there the last 1,000 pieces of output are kept in memory \
               (AUTO keeps them in a file of childlogdir)",
    },
    Rule {
        sections: &["supervisord", "program"],
        keys: &["logfile", "stdout_logfile", "stderr_logfile"],
        when: When::Finds(|at| {
            let words = ["none", "off", "auto", "journal"];
            let word = |item: &&str| *item != "AUTO" && words.contains(&&*item.to_lowercase());
            at.items().find(word).map(str::to_owned)
        }),
        kind: Differs,
        text: "has a meaning of its own in {}; there it is a file of this name",
    },
    Rule {
        sections: &["supervisord", "program"],
        keys: &["logfile", "stdout_logfile", "stderr_logfile"],
        when: When::If(|at| {
            at.items().any(|item| item.starts_with("syslog") && item.contains('@'))
        }),
        kind: Differs,
        text: "sends messages of RFC 5424, over TCP each with its length before it; there they are of an \
               older form, and end with a line feed",
    },
    Rule {
        sections: &["program"],
        keys: &["stdout_logfile", "stderr_logfile"],
        when: When::If(|at| at.items().any(|item| item == "AUTO")),
        kind: Note,
        text: "is a file in childlogdir; there the last 1,000 pieces of output are kept in memory",
    },
    Rule {
        sections: &["eventlistener"],
        keys: HEADER,
        when: When::If(|at| at.other("buffer_size").is_none()),
        kind: Differs,
        text: "has room for 10 events that wait; there it is 100 (buffer_size=100 keeps that)",
    },
    Rule {
        sections: &["include"],
        keys: &["files"],
        when: When::Finds(more_files),
        kind: Differs,
        text: "does not read {}: a pattern is for whole names, and not for hidden ones; there it is \
               read, as a part of its name matches",
    },
    Rule {
        sections: &["DEFAULT"],
        keys: ANY,
        when: When::If(is_of_default),
        kind: Differs,
        text: "is a value for every section; there [DEFAULT] means nothing",
    },
];

/// Keys that name the program, by default, and would name the process there.
fn inherited_names(at: &At<'_>) -> Option<String> {
    let keys = ["stdout_logfile", "stderr_logfile", "directory", "environment"];
    let inherited = |key: &&str| {
        !at.entries.iter().any(|entry| entry.key == **key)
            && at.other(key).is_some_and(|value| value.contains("%(program_name)"))
    };
    let found: Vec<_> = keys.into_iter().filter(inherited).collect();
    (is_other_name(at, at.value) && !found.is_empty()).then(|| found.join(", "))
}

/// Whether a process is called otherwise than its program.
fn is_other_name(at: &At<'_>, name: &str) -> bool {
    let program = at.section.split_once(':').map_or("", |(_, program)| program);
    name != "%(program_name)s" && name != program
}

fn is_of_default(at: &At<'_>) -> bool {
    at.kind == "DEFAULT"
}
