//! Who may come in through a listener, and as what: passwords, `[http_user:NAME]`, users and
//! groups of this host, and what browsers may do.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;

use super::ini::Ini;
use super::problem::Severity;
use super::section::{Section, World};
use crate::model::Role;

/// Begins a password that is stored as the PHC string of Argon2.
pub const ARGON2_PREFIX: &str = "$argon2";
/// KiB that one look at a stored password may take; a hash that asks for more is refused.
const ARGON2_KIB_MAX: u32 = 1 << 20;
/// What other programs' hashes begin with, which mean nothing here.
const FOREIGN_HASHES: &[&str] =
    &["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$apr1$"];

/// Names the directory of the service's credentials (systemd.exec(5)).
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";
/// Where that is for the service as it is shipped: `supervisord check` is not run by systemd.
const CREDENTIALS_DEFAULT: &str = "/run/credentials/supervisord.service";

/// A name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name, never empty.
    pub username: String,
    /// Plain, or `{SHA}` and a lowercase hex digest, or a PHC string of Argon2id; never empty.
    pub password: String,
}

/// Never shows the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// How.
    pub credentials: Credentials,
    /// As what, at most.
    pub role: Role,
}

/// Users and groups of this host that come in without a password, by what the kernel tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    /// Users.
    pub users: Vec<AllowedPeer>,
    /// Groups.
    pub groups: Vec<AllowedPeer>,
}

/// A user or group of this host, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedPeer {
    /// Its id.
    pub id: u32,
    /// What the configuration calls it.
    pub name: Arc<str>,
    /// What it may do, at most.
    pub role: Role,
}

/// Who may come in through one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The most that anybody may do who came in here.
    pub role: Role,
    /// The listener's own user.
    pub credentials: Option<Credentials>,
    /// The `[http_user:NAME]` that may log in here.
    pub accounts: Vec<Account>,
    /// Who of this host comes in without a password; `None` where nobody is told apart.
    pub peers: Option<Peers>,
    /// Names by which browsers may call, in lower case, beside those that are known anyhow; `*`
    /// stands for any.
    pub hosts: Vec<String>,
    /// Pages of these origins may call from a browser.
    pub origins: Vec<String>,
    /// What stands before every path, without a slash at its end: empty, or `/supervisor`.
    pub base_path: String,
}

/// Everybody is let in and may do everything, as in the reference.
impl Default for Access {
    fn default() -> Self {
        Self {
            role: Role::Admin,
            credentials: None,
            accounts: Vec::new(),
            peers: None,
            hosts: Vec::new(),
            origins: Vec::new(),
            base_path: String::new(),
        }
    }
}

impl Access {
    /// Whether nobody comes in here without a password, unless the kernel vouches for them.
    #[must_use]
    pub fn asks_for_password(&self) -> bool {
        self.credentials.is_some() || !self.accounts.is_empty()
    }
}

/// Every `[http_user:NAME]` with its name; `None` for one with an error, which is noted.
pub(super) struct Accounts(Vec<(String, Option<Account>)>);

impl Accounts {
    /// Reads them all.
    pub fn read(world: &World<'_>, ini: &Ini) -> Self {
        let accounts = ini
            .of_kind("http_user")
            .map(|(name, raw)| (name.to_owned(), account(name, Section::new(world, ini, raw))));
        Self(accounts.collect())
    }

    /// Those of a list of names, or all for `*`.
    fn named(&self, text: &str) -> Result<Vec<Account>, String> {
        let found = |name| {
            self.0
                .iter()
                .find(|(known, _)| known == name)
                .ok_or_else(|| format!("{name:?} is nobody: expected a section [http_user:{name}]"))
        };
        let mut chosen = Vec::new();
        for word in words(text) {
            if word == "*" {
                return Ok(self.all());
            }
            let (_, account) = found(word)?;
            chosen.extend(account.clone().filter(|account| !chosen.contains(account)));
        }
        Ok(chosen)
    }

    /// Warns of those that no listener lets in.
    pub fn warn_of_unused(&self, world: &World<'_>, ini: &Ini, listeners: &[&Access]) {
        let used = |name: &str| {
            let all = listeners.iter().flat_map(|access| &access.accounts);
            all.into_iter().any(|account| account.credentials.username == name)
        };
        for (name, raw) in ini.of_kind("http_user").filter(|(name, _)| !used(name)) {
            if self.0.iter().any(|(known, account)| known == name && account.is_some()) {
                let message = "may log in nowhere: no listener has it among its users".to_owned();
                Section::new(world, ini, raw).note(Severity::Warning, None, message);
            }
        }
    }

    fn all(&self) -> Vec<Account> {
        self.0.iter().filter_map(|(_, account)| account.clone()).collect()
    }
}

fn account(name: &str, mut section: Section<'_>) -> Option<Account> {
    let given = password(&mut section);
    let role = section.take("role", role).unwrap_or(Role::Viewer);
    if name.is_empty() || name.contains(|c: char| c == ':' || c.is_control()) {
        let message = "is no user's name: expected one without a colon".to_owned();
        section.note(Severity::Error, None, message);
        return None;
    }
    let none =
        section.raw_text("password").is_none() && section.raw_text("password_credential").is_none();
    if none {
        let message = "has no password: expected password or password_credential".to_owned();
        section.note(Severity::Error, None, message);
    }
    let (password, key) = given?;
    if password.is_empty() {
        section.error(key, "is empty: expected a password".to_owned());
    }
    section.finish();
    let credentials = Credentials { username: name.to_owned(), password };
    Some(Account { credentials, role })
}

/// Reads the keys that both kinds of listeners have. `default_users` is what `users` is if it is
/// not set.
pub(super) fn read(section: &mut Section<'_>, accounts: &Accounts, default_users: Users) -> Access {
    let credentials = credentials(section);
    let role = section.take("role", role).unwrap_or(Role::Admin);
    let chosen = section.take("users", |text| accounts.named(text));
    let set = section.raw_text("users").is_some();
    let accounts = match (chosen, default_users) {
        (Some(chosen), _) => chosen,
        (None, Users::All) if !set => accounts.all(),
        (None, _) => Vec::new(),
    };
    if let Some(Credentials { username, .. }) = &credentials
        && accounts.iter().any(|account| account.credentials.username == *username)
    {
        let message = format!("stands in [http_user:{username}], too: expected another name");
        section.error("username", message);
    }
    Access {
        role,
        credentials,
        accounts,
        peers: None,
        hosts: section.take("allow_hosts", hosts).unwrap_or_default(),
        origins: section.take("allow_origins", origins).unwrap_or_default(),
        base_path: section.take("base_path", base_path).unwrap_or_default(),
    }
}

/// Whom a listener lets in that does not say.
#[derive(Clone, Copy)]
pub(super) enum Users {
    /// Every `[http_user:NAME]`.
    All,
    /// None of them.
    Nobody,
}

/// Reads who of this host comes in; `None` if neither key is set.
pub(super) fn peers(section: &mut Section<'_>) -> Option<Peers> {
    let world = section.world;
    let users = section
        .take("allow_users", |text| allowed(text, |name| world.user(name).map(|user| user.uid)));
    let groups = section.take("allow_groups", |text| allowed(text, |name| world.host.group(name)));
    let set =
        ["allow_users", "allow_groups"].into_iter().any(|key| section.raw_text(key).is_some());
    set.then(|| Peers { users: users.unwrap_or_default(), groups: groups.unwrap_or_default() })
}

/// `root alice:operator`: names of this host, and what each may do.
fn allowed(
    text: &str,
    id: impl Fn(&str) -> Result<u32, String>,
) -> Result<Vec<AllowedPeer>, String> {
    let read = |word| {
        let (name, role) = match str::split_once(word, ':') {
            Some((name, word)) => (name, self::role(word)?),
            None => (word, Role::Admin),
        };
        Ok(AllowedPeer { id: id(name)?, name: name.into(), role })
    };
    words(text).map(read).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t', '\n', ',']).filter(|word| !word.is_empty())
}

fn role(text: &str) -> Result<Role, String> {
    let unknown = || format!("{text:?} is not a role: expected viewer, operator or admin");
    Role::parse(text.trim()).ok_or_else(unknown)
}

/// Names of this host as browsers use them.
fn hosts(text: &str) -> Result<Vec<String>, String> {
    let read = |word: &str| {
        let fine = word == "*"
            || word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if fine {
            Ok(word.trim_end_matches('.').to_ascii_lowercase())
        } else {
            Err(format!("{word:?} is not a host's name: expected one without a port, or *"))
        }
    };
    words(text).map(read).collect()
}

/// Origins (RFC 6454) as browsers write them: in lower case, without the usual port.
fn origins(text: &str) -> Result<Vec<String>, String> {
    let read = |word: &str| {
        let expected =
            || format!("{word:?} is not an origin: expected https://HOST or https://HOST:PORT");
        let lower = word.to_ascii_lowercase();
        let (scheme, host) = lower.split_once("://").ok_or_else(expected)?;
        let usual = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return Err(expected()),
        };
        let host = host.strip_suffix(usual).unwrap_or(host);
        let fine =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '[' | ']');
        if host.is_empty() || !host.chars().all(fine) {
            return Err(expected());
        }
        Ok(format!("{scheme}://{host}"))
    };
    words(text).map(read).collect()
}

/// What a proxy leaves before every path.
fn base_path(text: &str) -> Result<String, String> {
    let path = text.trim().trim_end_matches('/');
    let segment = |segment: &str| {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
        !matches!(segment, "" | "." | "..") && segment.chars().all(fine)
    };
    let fine =
        path.is_empty() || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment));
    if fine {
        Ok(path.to_owned())
    } else {
        Err(format!(
            "{text:?} is not a path's beginning: expected /NAME, of letters, digits, '-', '.', '_' and '~'"
        ))
    }
}

/// Both or neither; an empty one would mean an open server to the reference, and is refused.
pub(super) fn credentials(section: &mut Section<'_>) -> Option<Credentials> {
    let username = section.text("username");
    let given = password(section);
    if section.raw_text("password").is_some() && section.raw_text("password_credential").is_some() {
        return None;
    }
    match (username, given) {
        (Some(username), Some((password, key))) => {
            for (key, value) in [("username", &username), (key, &password)] {
                if value.is_empty() {
                    section.error(key, "is empty: expected a value, or neither key".to_owned());
                }
            }
            Some(Credentials { username, password })
        }
        (None, None) => None,
        (Some(_), None) => {
            // A password that cannot be used has been told of already.
            if section.raw_text("password_credential").is_none()
                && section.raw_text("password").is_none()
            {
                let message = "stands without password: expected both or neither";
                section.error("username", message.to_owned());
            }
            None
        }
        (None, Some((_, key))) => {
            let message = "stands without username: expected both or neither";
            section.error(key, message.to_owned());
            None
        }
    }
}

/// The password and the key it is from; `None` if there is none that can be used, which is noted
/// where one was given.
fn password(section: &mut Section<'_>) -> Option<(String, &'static str)> {
    let (plain, credential) = (section.text("password"), credential(section));
    let (password, key) = match (plain, credential) {
        (Some(_), Some(_)) => {
            let message = "stands beside password: expected one of them".to_owned();
            section.error("password_credential", message);
            return None;
        }
        (None, Some(password)) => (password, "password_credential"),
        (password, None) => (password?, "password"),
    };
    if let Err(why) = check_hash(&password) {
        section.error(key, why);
        return None;
    }
    if FOREIGN_HASHES.iter().any(|prefix| password.starts_with(prefix)) {
        let message = "looks like a hash of a kind that is not known here, and is taken as the \
                       password itself: supervisord hash-password makes one that is known";
        section.warn(key, message.to_owned());
    }
    Some((password, key))
}

/// Whether a password that begins as a hash is one. What it is never becomes part of the message.
fn check_hash(password: &str) -> Result<(), String> {
    if !password.starts_with(ARGON2_PREFIX) {
        return Ok(());
    }
    let expected = "expected what supervisord hash-password prints";
    let hash = PasswordHash::new(password)
        .map_err(|why| format!("is no hash, though it begins as one: {why}: {expected}"))?;
    if hash.algorithm != argon2::Algorithm::Argon2id.ident() {
        let kind = hash.algorithm;
        return Err(format!("is a hash of the kind {kind}, which is not served: {expected}"));
    }
    let params = Params::try_from(&hash)
        .map_err(|why| format!("is a hash that cannot be looked at: {why}: {expected}"))?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(format!("is a hash without its end: {expected}"));
    }
    if params.m_cost() > ARGON2_KIB_MAX {
        let kib = params.m_cost();
        return Err(format!("asks for {kib} KiB of memory: expected at most {ARGON2_KIB_MAX}"));
    }
    Ok(())
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
