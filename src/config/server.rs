//! `[unix_http_server]` and `[inet_http_server]`: where they listen. Who may come in is in
//! `access`.

use core::net::IpAddr;
use std::path::{Path, PathBuf};

use super::access::{self, Access, Accounts, Users};
use super::problem::Severity;
use super::section::Section;
use super::setting;
use super::tls::{self, TlsSettings};

/// Permission bits that let others than the owner connect to a socket.
const WRITTEN_BY_OTHERS: u32 = 0o022;

/// The name by which a service manager's unix sockets are known, unless `fd_name` says another.
pub const UNIX_FD_NAME: &str = "unix";

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
    pub access: Access,
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
    pub access: Access,
    /// Over TLS, with these certificates; `None` for plain text.
    pub tls: Option<TlsSettings>,
    /// Serve without credentials on an address other than loopback.
    pub allow_unauthenticated: bool,
    /// Under which name a service manager passes sockets for this server.
    pub fd_name: String,
}

/// `None` if there is an error, which is noted.
pub(super) fn read_unix(mut section: Section<'_>, accounts: &Accounts) -> Option<UnixServer> {
    let world = section.world;
    let file = section.text("file");
    if file.is_none() && section.raw_text("file").is_none() {
        section.note(Severity::Error, None, "has no file: expected file=PATH".to_owned());
    }
    let owner = section.take("chown", |text| world.owner(text));
    let mode = section.take("chmod", setting::octal).unwrap_or(0o700);
    let access = access::read(&mut section, accounts, Users::Nobody);
    let access = Access { peers: access::peers(&mut section), ..access };
    let fd_name = section.take("fd_name", fd_name).unwrap_or_else(|| UNIX_FD_NAME.to_owned());
    warn_of_mode(&mut section, mode, &access);
    section.finish();
    Some(UnixServer {
        file: world.absolute(Path::new(file?.trim())),
        mode,
        owner: owner.map(|(uid, gid)| (uid, gid.unwrap_or(u32::MAX))),
        access,
        fd_name,
    })
}

/// Who is allowed must be able to connect, which takes a right to write (unix(7)).
fn warn_of_mode(section: &mut Section<'_>, mode: u32, access: &Access) {
    let Some(peers) = access.peers.as_ref().filter(|_| mode & WRITTEN_BY_OTHERS == 0) else {
        return;
    };
    let own = [0, section.world.host.uid()];
    for (key, allowed) in [("allow_users", &peers.users), ("allow_groups", &peers.groups)] {
        let is_user = key == "allow_users";
        if allowed.iter().any(|peer| !is_user || !own.contains(&peer.id)) {
            let message = format!(
                "names others than the socket's owner, who alone can connect at the mode {mode:04o}: \
                 expected chmod=0777, or 0770 and chown"
            );
            section.warn(key, message);
        }
    }
}

/// `None` if there is an error, which is noted.
pub(super) fn read_inet(mut section: Section<'_>, accounts: &Accounts) -> Option<InetServer> {
    let address = section.take("port", setting::inet_address);
    if section.raw_text("port").is_none() {
        section.note(Severity::Error, None, "has no port: expected port=HOST:PORT".to_owned());
    }
    let access = access::read(&mut section, accounts, Users::All);
    for key in ["allow_users", "allow_groups"] {
        if section.raw_text(key).is_some() {
            let message = "has no effect on a TCP listener, whose peers have no user of this \
                           host: expected it in [unix_http_server]";
            section.error(key, message.to_owned());
        }
    }
    let allow_unauthenticated = section.boolean("allow_unauthenticated", false);
    let fd_name = section.take("fd_name", fd_name).unwrap_or_else(|| "inet".to_owned());
    // `node.rs` reads these.
    section.skip(&["nodename", "remotes"]);
    let tls = tls::read(&mut section);
    // Who shows a certificate has proved who they are.
    let keys = ["username", "password", "password_credential", "tls_client_ca"];
    let open =
        access.accounts.is_empty() && keys.into_iter().all(|key| section.raw_text(key).is_none());
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
    Some(InetServer { host, port, access, tls, allow_unauthenticated, fd_name })
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

impl InetServer {
    /// Whether it asks whoever comes who they are: for a password or a certificate.
    #[must_use]
    pub fn asks_who(&self) -> bool {
        let certificate = self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        certificate || self.access.asks_for_password()
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
