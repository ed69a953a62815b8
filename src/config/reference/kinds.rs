//! How values are written.

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`KINDS` says what each is")]
pub enum Kind {
    Address,
    Boolean,
    Environment,
    Format,
    Limit,
    Mode,
    Name,
    Names,
    Number,
    Numbers,
    Path,
    Patterns,
    Peers,
    Role,
    Seconds,
    Signal,
    Size,
    Targets,
    Text,
    Url,
    User,
    Word,
}

impl Kind {
    /// What the tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, name, _)| name)
    }
}

/// Every kind: what the tables call it, and how it is written.
pub const KINDS: &[(Kind, &str, &str)] = &[
    (
        Kind::Address,
        "address",
        "`PORT`, `HOST:PORT` or `[V6 ADDRESS]:PORT`; no host, or `*`, is every address of this host",
    ),
    (
        Kind::Boolean,
        "boolean",
        "`true`, `yes`, `on` or `1`; `false`, `no`, `off` or `0`; in any case of letters",
    ),
    (
        Kind::Environment,
        "environment",
        "`KEY=\"value\",KEY2='value',KEY3=value`: a value that holds anything but letters, digits and `_/.+-():` needs its quotes. There is no escape for a quote within quotes of the same kind",
    ),
    (
        Kind::Format,
        "format",
        "`raw`, `json`, or a template with fields in braces, such as `{time} {process}: {message}`",
    ),
    (
        Kind::Limit,
        "limit",
        "a size or number, or `infinity`; in `limit_...` also `SOFT:HARD`, the soft limit first",
    ),
    (Kind::Mode, "mode", "octal digits: `022`, `0700`"),
    (Kind::Name, "name", "one word"),
    (
        Kind::Names,
        "names",
        "words with commas between them; in the keys of the listeners blanks do as well",
    ),
    (Kind::Number, "number", "a whole number: `10`, `-1`, `1_000`"),
    (Kind::Numbers, "numbers", "whole numbers with commas between them: `0,2`"),
    (
        Kind::Path,
        "path",
        "a file or directory; `~` and `~user` become home directories, and a relative path starts where the daemon was started",
    ),
    (
        Kind::Patterns,
        "patterns",
        "paths with white space between them, in which `*`, `?`, `[a-z]` and `[!a-z]` stand for what they do in a shell",
    ),
    (
        Kind::Peers,
        "peers",
        "names of this host, with blanks or commas between them, each alone or with a role: `root alice:operator`",
    ),
    (
        Kind::Role,
        "role",
        "`viewer` (may look), `operator` (may also start, stop and signal programs) or `admin` (may do everything)",
    ),
    (Kind::Seconds, "seconds", "a whole number of seconds"),
    (Kind::Signal, "signal", "a name or number: `TERM`, `SIGTERM` or `15`"),
    (
        Kind::Size,
        "size",
        "a number of bytes, alone or with `KB`, `MB` or `GB` after it; 1 KB is 1024 bytes",
    ),
    (
        Kind::Targets,
        "targets",
        "`NONE`, or where output goes, with commas between: a file whose directory exists (`/dev/stdout`, `/dev/stderr` and `/dev/null` among them), `AUTO` (a file of the daemon's naming in `childlogdir`), `syslog`, `syslog @[tcp:|udp:]HOST[:PORT]`, `journal`; see [logs.md](logs.md)",
    ),
    (Kind::Text, "text", "as it stands, without quotes"),
    (Kind::Url, "URL", "`unix:///PATH`, `http://HOST:PORT` or `https://HOST:PORT`"),
    (Kind::User, "user", "a name or numeric id; where a group can be said, `USER:GROUP`"),
    (Kind::Word, "word", "one of those that the text names"),
];
