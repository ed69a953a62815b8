//! `[unix_http_server]`, `[inet_http_server]`, and `[supervisorctl]`, which points at one of them.

use core::net::IpAddr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::problem::{ConfigError, Severity};
use super::section::{Section, World};
use super::setting;

/// Names the directory of the service's credentials (systemd.exec(5)).
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";
/// Where that is for the service as it is shipped: `supervisord check` is not run by systemd.
const CREDENTIALS_DEFAULT: &str = "/run/credentials/supervisord.service";

/// The credentials of a listener. `None` in a server's settings means that it asks for none.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name, never empty.
    pub username: String,
    /// Plain, or `{SHA}` and a lowercase hex digest; never empty.
    pub password: String,
}

/// Never shows the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// `[unix_http_server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixServer {
    /// The socket's path, absolute.
    pub file: PathBuf,
    /// Its mode.
    pub mode: u32,
    /// Its owner; `None` leaves the daemon's. The group `u32::MAX` leaves the daemon's, as
    /// chown(2) takes it.
    pub owner: Option<(u32, u32)>,
    /// Who may come in.
    pub credentials: Option<Credentials>,
    /// Under which name a service manager passes sockets for this server.
    pub fd_name: String,
}

/// `[inet_http_server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InetServer {
    /// The address to bind, in lower case; empty means every address of this host.
    pub host: String,
    /// The port to bind.
    pub port: u16,
    /// Who may come in.
    pub credentials: Option<Credentials>,
    /// Serve without credentials on an address other than loopback.
    pub allow_unauthenticated: bool,
    /// Under which name a service manager passes sockets for this server.
    pub fd_name: String,
}

/// `[supervisorctl]`.
#[derive(Clone, PartialEq, Eq)]
pub struct CtlSettings {
    /// `unix://` and an absolute path, or `http://host:port`.
    pub serverurl: String,
    /// Who asks.
    pub username: Option<String>,
    /// The password, never hashed.
    pub password: Option<String>,
    /// What the shell shows before `> `.
    pub prompt: String,
    /// Where the shell keeps its history; `None` for nowhere.
    pub history_file: Option<PathBuf>,
    /// What is odd about the section, though it can be used.
    pub warnings: Vec<ConfigError>,
}

/// Never shows the password.
impl fmt::Debug for CtlSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CtlSettings")
            .field("serverurl", &self.serverurl)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Default for CtlSettings {
    fn default() -> Self {
        Self {
            serverurl: "http://localhost:9001".to_owned(),
            username: None,
            password: None,
            prompt: "supervisor".to_owned(),
            history_file: None,
            warnings: Vec::new(),
        }
    }
}

/// `None` if there is an error, which is noted.
pub(super) fn read_unix(mut section: Section<'_>) -> Option<UnixServer> {
    let world = section.world;
    let file = section.text("file");
    if file.is_none() && section.raw_text("file").is_none() {
        section.note(Severity::Error, None, "has no file: expected file=PATH".to_owned());
    }
    let owner = section.take("chown", |text| world.owner(text));
    let mode = section.take("chmod", setting::octal).unwrap_or(0o700);
    let credentials = credentials(&mut section);
    let fd_name = section.take("fd_name", fd_name).unwrap_or_else(|| "unix".to_owned());
    section.finish();
    Some(UnixServer {
        file: world.absolute(Path::new(file?.trim())),
        mode,
        owner: owner.map(|(uid, gid)| (uid, gid.unwrap_or(u32::MAX))),
        credentials,
        fd_name,
    })
}

/// `None` if there is an error, which is noted.
pub(super) fn read_inet(mut section: Section<'_>) -> Option<InetServer> {
    let address = section.take("port", setting::inet_address);
    if section.raw_text("port").is_none() {
        section.note(Severity::Error, None, "has no port: expected port=HOST:PORT".to_owned());
    }
    let credentials = credentials(&mut section);
    let allow_unauthenticated = section.boolean("allow_unauthenticated", false);
    let fd_name = section.take("fd_name", fd_name).unwrap_or_else(|| "inet".to_owned());
    // `node.rs` reads these.
    section.skip(&["nodename", "remotes"]);
    let keys = ["username", "password", "password_credential"];
    let open = keys.into_iter().all(|key| section.raw_text(key).is_none());
    if let (Some((host, _)), true) = (&address, open) {
        if is_loopback(host) {
            let message = "asks for no password: every user of this host can control it";
            section.warn("port", message.to_owned());
        } else if !allow_unauthenticated {
            let message = "asks for no password on an address that others can reach: expected \
                           username and password, 127.0.0.1, or allow_unauthenticated=true";
            section.error("port", message.to_owned());
        }
    }
    section.finish();
    let (host, port) = address?;
    Some(InetServer { host, port, credentials, allow_unauthenticated, fd_name })
}

/// The settings of `[supervisorctl]`. The prompt and the like are taken as they are.
pub(super) fn read_ctl(mut section: Section<'_>, world: &World<'_>) -> CtlSettings {
    let default = CtlSettings::default();
    let serverurl = section.text("serverurl").unwrap_or(default.serverurl);
    let serverurl = match serverurl.strip_prefix("unix://") {
        Some(path) => format!("unix://{}", world.absolute(Path::new(path)).display()),
        None => serverurl,
    };
    let settings = CtlSettings {
        serverurl,
        username: section.text("username"),
        password: section.text("password"),
        prompt: section.text("prompt").unwrap_or(default.prompt),
        history_file: section
            .text("history_file")
            .filter(|text| !text.is_empty())
            .map(|text| world.absolute(Path::new(&text))),
        warnings: Vec::new(),
    };
    section.finish();
    settings
}

/// Both or neither; an empty one would mean an open server to the reference, and is refused.
pub(super) fn credentials(section: &mut Section<'_>) -> Option<Credentials> {
    let username = section.text("username");
    let (password, key) = match (section.text("password"), credential(section)) {
        (Some(_), Some(_)) => {
            let message = "stands beside password: expected one of them".to_owned();
            section.error("password_credential", message);
            return None;
        }
        (None, Some(password)) => (Some(password), "password_credential"),
        (password, None) => (password, "password"),
    };
    match (username, password) {
        (Some(username), Some(password)) => {
            for (key, value) in [("username", &username), (key, &password)] {
                if value.is_empty() {
                    section.error(key, "is empty: expected a value, or neither key".to_owned());
                }
            }
            Some(Credentials { username, password })
        }
        (None, None) => None,
        (Some(_), None) => {
            // A credential that cannot be read has been told of already.
            if section.raw_text("password_credential").is_none() {
                let message = "stands without password: expected both or neither";
                section.error("username", message.to_owned());
            }
            None
        }
        (None, Some(_)) => {
            let message = "stands without username: expected both or neither";
            section.error(key, message.to_owned());
            None
        }
    }
}

/// A password that the service manager hands over in a file (`LoadCredential=` of
/// systemd.exec(5)), so that it stands in no configuration file.
fn credential(section: &mut Section<'_>) -> Option<String> {
    let world = section.world;
    section.take("password_credential", |name| {
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(format!(
                "{name:?} is no credential's name: expected that of LoadCredential="
            ));
        }
        let directory =
            world.env.get(CREDENTIALS_VARIABLE).map_or(CREDENTIALS_DEFAULT, String::as_str);
        let path = Path::new(directory).join(name);
        let bytes = world.files.read(&path).map_err(|why| {
            format!(
                "cannot read {}: {why}: expected LoadCredential={name}:PATH in the service's unit",
                path.display()
            )
        })?;
        let text =
            String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", path.display()))?;
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    })
}

/// A name of `FileDescriptorName=` (systemd.socket(5)).
fn fd_name(text: &str) -> Result<String, String> {
    let fine = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != ':');
    if fine {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} is no descriptor's name: expected letters without a colon, as in FileDescriptorName="
        ))
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
