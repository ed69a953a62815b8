//! The listeners, who may come in through them, and other daemons.

use super::{Key, Kind, Nothing, Part, Required, Section, Value, Words, key, part};

const FILE_PASSWORD: &str = "in plain text, or a hash in its place: what `supervisord hash-password` prints, or `{SHA}` and the SHA-1 digest in lower-case hexadecimal";
const CREDENTIAL: Key = key(
    "password_credential",
    Kind::Name,
    Nothing,
    "instead of `password`: the credential of this name (`LoadCredential=NAME:PATH` in the unit of systemd, read from `$CREDENTIALS_DIRECTORY`), so that the password stands in no configuration file",
);
const ORIGINS: Key = key(
    "allow_origins",
    Kind::Names,
    Nothing,
    "pages of these origins may call from a browser and read the answers: `https://a.example`",
);
const BASE_PATH: Key = key(
    "base_path",
    Kind::Path,
    Nothing,
    "what a proxy in front has before every path: `/supervisor`",
);
const LISTENER_ROLE: Key = key(
    "role",
    Kind::Role,
    Value("admin"),
    "the most that anybody may do who came in here; see [security.md](security.md)",
);

pub(super) const UNIX: Section = Section {
    name: "unix_http_server",
    about: "A listener on a unix socket, for supervisorctl(1) and other programs of this host. There is none without this section.",
    parts: &[part(&[
        key("file", Kind::Path, Required, "the socket"),
        key(
            "chmod",
            Kind::Mode,
            Value("0700"),
            "its mode. Who is to connect needs the right to write to it",
        ),
        key("chown", Kind::User, Words("the daemon's"), "its owner, `USER` or `USER:GROUP`"),
        key(
            "username",
            Kind::Text,
            Nothing,
            "who may log in, together with a password; neither may be empty",
        ),
        key("password", Kind::Text, Nothing, FILE_PASSWORD),
        CREDENTIAL,
        key(
            "fd_name",
            Kind::Name,
            Value("unix"),
            "the name under which a service manager passes sockets for this server (`FileDescriptorName=`); see [systemd.md](systemd.md)",
        ),
        LISTENER_ROLE,
        key("users", Kind::Names, Nothing, "which `[http_user:NAME]` may log in here; `*` for all"),
        key(
            "allow_users",
            Kind::Peers,
            Nothing,
            "users of this host who need no password; a name without a role is an admin. With this key or the next everybody else does",
        ),
        key("allow_groups", Kind::Peers, Nothing, "groups of this host, likewise"),
        key("allow_hosts", Kind::Names, Nothing, "names by which browsers may call; `*` for any"),
        ORIGINS,
        BASE_PATH,
    ])],
    with: None,
};

pub(super) const INET: Section = Section {
    name: "inet_http_server",
    about: "A listener on a TCP port, for browsers, supervisorctl(1) and other programs. There is none without this section. Without a certificate nothing on it is encrypted.",
    parts: &[
        Part {
            refused: &["allow_users", "allow_groups"],
            ..part(&[
                key("port", Kind::Address, Required, "where to listen"),
                key(
                    "username",
                    Kind::Text,
                    Nothing,
                    "who may log in. Required with a password, unless the address is a loopback address, or there are `users`, or `tls_client_ca`, or `allow_unauthenticated=true`",
                ),
                key("password", Kind::Text, Nothing, FILE_PASSWORD),
                CREDENTIAL,
                key(
                    "allow_unauthenticated",
                    Kind::Boolean,
                    Value("false"),
                    "do without a password on any address",
                ),
                key(
                    "fd_name",
                    Kind::Name,
                    Value("inet"),
                    "the name under which a service manager passes sockets for this server",
                ),
                LISTENER_ROLE,
                key("users", Kind::Names, Value("*"), "which `[http_user:NAME]` may log in here"),
                key(
                    "allow_hosts",
                    Kind::Names,
                    Nothing,
                    "further names by which browsers may call, beside this host's own; `*` for any",
                ),
                ORIGINS,
                BASE_PATH,
                key(
                    "tls_certificate",
                    Kind::Path,
                    Nothing,
                    "PEM file of a certificate, and of those between it and its authority; with it and its key the listener speaks TLS",
                ),
                key("tls_key", Kind::Path, Nothing, "PEM file of its private key"),
                key(
                    "tls_client_ca",
                    Kind::Path,
                    Nothing,
                    "PEM file of authorities: clients must show a certificate of one of them",
                ),
            ])
        },
        Part {
            title: "Other daemons",
            before: "The other daemons that this one shows and passes calls on to; see [http.md](http.md).",
            ..part(&[
                key(
                    "nodename",
                    Kind::Text,
                    Words("the host's name"),
                    "what this daemon is called among them",
                ),
                key(
                    "remotes",
                    Kind::Names,
                    Nothing,
                    "the others, as `NAME:HOST:PORT` with commas between",
                ),
            ])
        },
    ],
    with: None,
};

pub(super) const USER: Section = Section {
    name: "http_user:NAME",
    about: "Somebody who may log in; see [security.md](security.md). `NAME` may not hold a colon. One of `password` and `password_credential` is required. Supervisor does not know this section.",
    parts: &[part(&[
        key("password", Kind::Text, Nothing, FILE_PASSWORD),
        CREDENTIAL,
        key("role", Kind::Role, Value("viewer"), "what they may do, at most"),
    ])],
    with: None,
};

pub(super) const REMOTE: Section = Section {
    name: "remote:NAME",
    about: "Another daemon: one that `remotes` names, for which this says more, or one of its own. Supervisor does not know this section.",
    parts: &[part(&[
        key("url", Kind::Url, Words("as `remotes` has it"), "where it listens"),
        key("username", Kind::Text, Nothing, "who asks there"),
        key("password", Kind::Text, Nothing, "their password, in plain text"),
        CREDENTIAL,
        key(
            "timeout",
            Kind::Seconds,
            Value("5"),
            "how long it has to begin to answer, 1 to 3600; to start or stop a program, as long as that takes",
        ),
        key(
            "tls_ca",
            Kind::Path,
            Words("the system's"),
            "PEM file of the certificate authorities that are believed over `https`",
        ),
    ])],
    with: None,
};
